package crosslang;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import sessionstore.v1.SessionStoreServiceGrpc;
import sessionstore.v1.TailEventsRequest;
import sessionstore.v1.WriteRequest;

/** Plays the steps of one run, in order: sends what they say and compares what comes. */
final class Player implements AutoCloseable {
  private static final String LANGUAGE = "java";
  private static final long DEADLINE_MS = 30_000;

  private final Config config;
  private final Endpoints endpoints;
  private final PrintStream out;
  private final BufferedReader answers = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, OpenTail> tails = new HashMap<>();

  Player(Config config, PrintStream out) {
    this.config = config;
    this.endpoints = new Endpoints(config);
    this.out = out;
    variables.put("run", config.run);
  }

  /** Why a step is not played; null when it is. */
  String reasonToSkip(JsonObject step) {
    if (step.has("unsupported") && step.getAsJsonObject("unsupported").has(LANGUAGE)) {
      return text(step.getAsJsonObject("unsupported"), LANGUAGE, null);
    }
    String absent = config.absent.get(text(step, "on", config.defaultEndpoint));
    if (absent != null) {
      return absent;
    }
    String control = text(step, "needs", text(step, "control", ""));
    if (!control.isEmpty() && !config.controls.contains(control.split(" ")[0])) {
      return "nobody is there to do to the server what this needs";
    }
    return null;
  }

  /** Plays one step; says what was wrong, or null. */
  String play(JsonObject raw) throws Exception {
    JsonObject step = Values.expand(raw, variables).getAsJsonObject();
    if (step.has("call") || step.has("method")) {
      return step.has("raw_base64") ? playRaw(step) : playCall(step);
    }
    if (step.has("write")) {
      return playWrite(step);
    }
    if (step.has("tail")) {
      var stub = SessionStoreServiceGrpc.newBlockingV2Stub(channel(step));
      if (step.has("deadline_ms")) {
        stub = stub.withDeadlineAfter(deadline(step), TimeUnit.MILLISECONDS);
      }
      TailEventsRequest request = Json.parse(step.get("request"), TailEventsRequest.newBuilder()).build();
      tails.put(text(step, "tail", null), new OpenTail(stub.tailEvents(request)));
      return null;
    }
    if (step.has("read")) {
      OpenTail tail = tails.get(text(step, "read", null));
      if (tail == null) {
        return "no tail of this name is open";
      }
      OpenTail.Reading reading = tail.read(step);
      return reading.wrong() != null ? reading.wrong() : save(step, reading.read());
    }
    if (step.has("cancel")) {
      tails.remove(text(step, "cancel", null)).cancel();
      return null;
    }
    return step.has("control") ? playControl(step) : "nothing that a runner knows";
  }

  @Override
  public void close() throws InterruptedException {
    endpoints.close();
  }

  private String playCall(JsonObject step) throws Exception {
    MethodDescriptor<Message, Message> call = Calls.named(text(step, "call", null));
    Message.Builder request = Json.parse(step.get("request"), Calls.builder(call.getRequestMarshaller()));
    request.mergeFrom(bytes(step, "request_base64"));
    Message.Builder merged = Calls.builder(call.getResponseMarshaller());
    List<Integer> sizes = new ArrayList<>();
    try {
      if (call.getType() == MethodDescriptor.MethodType.UNARY) {
        merged.mergeFrom(ClientCalls.blockingUnaryCall(channel(step), call, options(step), request.build()));
      } else {
        Iterator<Message> fragments =
            ClientCalls.blockingServerStreamingCall(channel(step), call, options(step), request.build());
        while (fragments.hasNext()) {
          Message fragment = fragments.next();
          sizes.add(fragment.getSerializedSize());
          merged.mergeFrom(fragment);
        }
      }
    } catch (StatusRuntimeException error) {
      return compareFailure(step, Failures.ofCall(error));
    }
    Message answer = merged.build();
    JsonObject found = Json.print(answer);
    if (step.has("error")) {
      return "expected a failure, got " + found;
    }
    String wrong = Patterns.mismatch(step.get("expect"), found, "");
    wrong = wrong != null ? wrong : compareBytes(step, answer.toByteString());
    wrong = wrong != null ? wrong : compareFragments(step, sizes);
    return wrong != null ? wrong : save(step, found);
  }

  private String playRaw(JsonObject step) throws Exception {
    String path = step.has("method") ? text(step, "method", null) : Calls.named(text(step, "call", null)).getFullMethodName();
    byte[] request = bytes(step, "raw_base64").toByteArray();
    ByteString answer = ByteString.EMPTY;
    try {
      Iterator<byte[]> parts =
          ClientCalls.blockingServerStreamingCall(channel(step), Calls.raw(path), options(step), request);
      while (parts.hasNext()) {
        answer = answer.concat(ByteString.copyFrom(parts.next()));
      }
    } catch (StatusRuntimeException error) {
      return compareFailure(step, Failures.ofCall(error));
    }
    return step.has("error") ? "expected a failure" : compareBytes(step, answer);
  }

  private String playWrite(JsonObject step) throws Exception {
    List<WriteRequest> requests = new ArrayList<>();
    for (JsonElement request : step.getAsJsonArray("write")) {
      requests.add(Json.parse(request, WriteRequest.newBuilder()).build());
    }
    WriteStream.Result result =
        WriteStream.send(SessionStoreServiceGrpc.newStub(channel(step)), requests, deadline(step));
    String wrong = Patterns.mismatch(step.get("outcomes"), result.outcomes(), "outcomes");
    if (wrong == null && step.has("error")) {
      wrong = result.failure() == null ? "the stream did not fail" : Patterns.mismatch(step.get("error"), result.failure(), "");
    } else if (wrong == null && result.failure() != null) {
      wrong = "the stream failed: " + result.failure();
    }
    if (wrong != null) {
      return wrong;
    }
    JsonObject found = new JsonObject();
    found.add("outcomes", result.outcomes());
    return save(step, found);
  }

  private String playControl(JsonObject step) throws IOException {
    out.println("control " + text(step, "control", null));
    String answer = answers.readLine();
    endpoints.forget();
    if (answer == null || !answer.strip().split(" ")[0].equals("done")) {
      return "the control failed: " + answer;
    }
    String more = answer.strip().substring("done".length()).strip();
    if (!more.isEmpty()) {
      JsonObject tokens = JsonParser.parseString(more).getAsJsonObject().getAsJsonObject("tokens");
      tokens.asMap().forEach((name, token) -> config.tokens.put(name, token.getAsString()));
    }
    return null;
  }

  private Channel channel(JsonObject step) throws IOException {
    return endpoints.channel(text(step, "on", config.defaultEndpoint), text(step, "as", null));
  }

  private String save(JsonObject step, JsonObject found) {
    if (step.has("save")) {
      JsonObject wanted = step.getAsJsonObject("save");
      wanted.asMap().forEach((variable, path) -> variables.put(variable, Values.pick(found, path.getAsString())));
    }
    return null;
  }

  private static CallOptions options(JsonObject step) {
    return CallOptions.DEFAULT.withDeadlineAfter(deadline(step), TimeUnit.MILLISECONDS);
  }

  private static long deadline(JsonObject step) {
    return step.has("deadline_ms") ? step.get("deadline_ms").getAsLong() : DEADLINE_MS;
  }

  private static String text(JsonObject step, String key, String otherwise) {
    return step.has(key) ? step.get(key).getAsString() : otherwise;
  }

  private static ByteString bytes(JsonObject step, String key) {
    return ByteString.copyFrom(Base64.getDecoder().decode(text(step, key, "")));
  }

  private static String compareFailure(JsonObject step, JsonObject failure) {
    return step.has("error") ? Patterns.mismatch(step.get("error"), failure, "") : "failed: " + failure;
  }

  private static String compareBytes(JsonObject step, ByteString answer) {
    if (!step.has("answer_contains_base64")) {
      return null;
    }
    // As text of one character a byte, since there is no search in bytes.
    String part = bytes(step, "answer_contains_base64").toString(StandardCharsets.ISO_8859_1);
    boolean found = answer.toString(StandardCharsets.ISO_8859_1).contains(part);
    return found ? null : "the bytes " + text(step, "answer_contains_base64", null) + " are not in the answer";
  }

  private static String compareFragments(JsonObject step, List<Integer> sizes) {
    if (!step.has("fragments")) {
      return null;
    }
    JsonObject expected = step.getAsJsonObject("fragments");
    int largest = sizes.stream().mapToInt(Integer::intValue).max().orElse(0);
    boolean fits =
        sizes.size() >= expected.get("at_least").getAsInt() && largest <= expected.get("max_bytes").getAsInt();
    return fits ? null : sizes.size() + " fragments of at most " + largest + " bytes, expected " + expected;
  }
}
