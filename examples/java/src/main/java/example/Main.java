package example;

import io.grpc.ManagedChannel;
import java.util.concurrent.TimeUnit;
import sessionstore.v1.AssistantContent;
import sessionstore.v1.AssistantMessage;
import sessionstore.v1.CommitRequest;
import sessionstore.v1.CommitResponse;
import sessionstore.v1.CreateSessionRequest;
import sessionstore.v1.Event;
import sessionstore.v1.EventAppend;
import sessionstore.v1.Message;
import sessionstore.v1.MessageComplete;
import sessionstore.v1.Mutation;
import sessionstore.v1.SessionStoreServiceGrpc;

/** Writes to a session, or follows it. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String command = arguments.length == 3 ? arguments[0] : "";
    if (!command.equals("write") && !command.equals("tail")) {
      System.err.println("usage: run write|tail ADDRESS SESSION");
      System.exit(2);
    }
    ManagedChannel channel = Channels.open(arguments[1]);
    try {
      if (command.equals("write")) {
        write(channel, arguments[2]);
      } else {
        tail(channel, arguments[2]);
      }
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  /** Everything has an id, so that all of it may be repeated. */
  private static void write(ManagedChannel channel, String sessionId) {
    var stub = SessionStoreServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    stub.createSession(CreateSessionRequest.newBuilder().setSessionId(sessionId).build());
    Message message =
        Message.newBuilder()
            .setId("hello")
            .setAssistant(AssistantMessage.newBuilder().addContent(AssistantContent.newBuilder().setText("Hello.")))
            .build();
    Event event =
        Event.newBuilder()
            .setMessageComplete(MessageComplete.newBuilder().setMessage(message).setModel("some-model"))
            .build();
    // The message and the event that announces it become visible together, or not at all.
    CommitResponse committed =
        stub.commit(
            CommitRequest.newBuilder()
                .setSessionId(sessionId)
                .addMutations(Mutation.newBuilder().setAppendMessage(message))
                .addMutations(
                    Mutation.newBuilder()
                        .setAppendEvent(EventAppend.newBuilder().setEvent(event).setEventId("hello-complete")))
                .build());
    System.out.println("committed " + committed.getResults(1).getAppendEvent().getSequence());
  }

  private static void tail(ManagedChannel channel, String sessionId) throws Exception {
    new ResumingTail(channel, sessionId, null)
        .follow(stored -> System.out.println(stored.getSequence() + " " + typeOf(stored.getEvent())));
  }

  /** The name of the oneof field that is set, as in the protos. */
  private static String typeOf(Event event) {
    var kind = Event.getDescriptor().getOneofs().get(0);
    var field = event.getOneofFieldDescriptor(kind);
    // An event of a kind that these stubs do not know.
    return field == null ? "unknown" : field.getName();
  }
}
