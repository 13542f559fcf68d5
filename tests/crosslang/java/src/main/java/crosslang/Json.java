package crosslang;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;

/** Messages from and to protobuf's canonical JSON. */
final class Json {
  private Json() {}

  static <B extends Message.Builder> B parse(JsonElement value, B builder) throws InvalidProtocolBufferException {
    JsonFormat.parser().merge(value.toString(), builder);
    return builder;
  }

  static JsonObject print(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(JsonFormat.printer().print(message)).getAsJsonObject();
  }
}
