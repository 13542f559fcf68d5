package crosslang;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import sessionstore.v1.AdminServiceGrpc;
import sessionstore.v1.SessionStoreServiceGrpc;

/** The calls of both services by name, as their generated stubs describe them. */
final class Calls {
  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        }
      };

  private Calls() {}

  /** The call of this name; names are unique over both services. */
  @SuppressWarnings("unchecked") // Both services speak protobuf.
  static MethodDescriptor<Message, Message> named(String name) {
    return (MethodDescriptor<Message, Message>)
        Stream.of(SessionStoreServiceGrpc.getServiceDescriptor(), AdminServiceGrpc.getServiceDescriptor())
            .flatMap(service -> service.getMethods().stream())
            .filter(method -> name.equals(method.getBareMethodName()))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no call " + name));
  }

  /** A call of this path that sends and receives bytes as they are. */
  static MethodDescriptor<byte[], byte[]> raw(String path) {
    return MethodDescriptor.newBuilder(BYTES, BYTES)
        .setType(MethodType.SERVER_STREAMING)
        .setFullMethodName(path.startsWith("/") ? path.substring(1) : path)
        .build();
  }

  /** An empty message of the type that this marshaller is of. */
  static Message.Builder builder(MethodDescriptor.Marshaller<Message> marshaller) {
    return ((Message) ((PrototypeMarshaller<Message>) marshaller).getMessagePrototype()).newBuilderForType();
  }
}
