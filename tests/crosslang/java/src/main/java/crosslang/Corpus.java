package crosslang;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import sessionstore.v1.AppendEventRequest;
import sessionstore.v1.CreateSessionRequest;
import sessionstore.v1.Event;
import sessionstore.v1.GetEventsRequest;
import sessionstore.v1.GetEventsResponse;
import sessionstore.v1.SessionStoreServiceGrpc;
import sessionstore.v1.SessionStoreServiceGrpc.SessionStoreServiceBlockingStub;
import sessionstore.v1.StoredEvent;

/** Events that are written here and read elsewhere, and the other way round. */
final class Corpus {
  private Corpus() {}

  /** Appends the events of a corpus to a session of their own. */
  static void write(Config config, String path) throws Exception {
    try (Endpoints endpoints = new Endpoints(config)) {
      var stub = SessionStoreServiceGrpc.newBlockingStub(endpoints.channel(config.defaultEndpoint, null));
      String sessionId = config.run + "-corpus";
      stub.createSession(CreateSessionRequest.newBuilder().setSessionId(sessionId).build());
      int index = 0;
      for (JsonElement value : JsonParser.parseString(Files.readString(Path.of(path))).getAsJsonArray()) {
        Event event = Json.parse(value, Event.newBuilder()).build();
        stub.appendEvent(
            AppendEventRequest.newBuilder()
                .setSessionId(sessionId)
                .setEventId("c" + index++)
                .setEvent(event)
                .build());
      }
    }
  }

  /** Appends the events of a session again, and prints whether the server takes each for the same. */
  static void read(Config config, String sessionId, PrintStream out) throws Exception {
    try (Endpoints endpoints = new Endpoints(config)) {
      var stub = SessionStoreServiceGrpc.newBlockingStub(endpoints.channel(config.defaultEndpoint, null));
      Iterator<GetEventsResponse> fragments =
          stub.getEvents(GetEventsRequest.newBuilder().setSessionId(sessionId).build());
      while (fragments.hasNext()) {
        for (StoredEvent stored : fragments.next().getEventsList()) {
          out.println(stored.getSequence() + (isSame(stub, sessionId, stored) ? " same" : " different"));
        }
      }
    }
  }

  private static boolean isSame(SessionStoreServiceBlockingStub stub, String sessionId, StoredEvent stored) {
    AppendEventRequest.Builder again =
        AppendEventRequest.newBuilder().setSessionId(sessionId).setEvent(stored.getEvent());
    try {
      return stub.appendEvent(again.setEventId(stored.getEventId()).build()).getAlreadyExisted();
    } catch (StatusRuntimeException error) {
      if (error.getStatus().getCode() == Status.Code.ALREADY_EXISTS) {
        return false;
      }
      throw error;
    }
  }
}
