package example;

import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.BlockingClientCall;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import sessionstore.v1.SessionStoreServiceGrpc;
import sessionstore.v1.StoredEvent;
import sessionstore.v1.TailEventsRequest;
import sessionstore.v1.TailEventsResponse;
import sessionstore.v1.TailedEvents;

/** Follows the events of a session until it is deleted, over restarts of the server, without a gap or a repeat. */
public final class ResumingTail {
  private static final int HEARTBEAT_SECONDS = 5;
  private static final Metadata.Key<com.google.rpc.Status> DETAILS =
      Metadata.Key.of(
          "grpc-status-details-bin", ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));

  /** What is done with each event. */
  public interface Handler {
    void handle(StoredEvent event) throws Exception;
  }

  /** The events after the cursor were deleted; the oldest that is stored is firstAvailableSequence. */
  public static final class HistoryTrimmedException extends Exception {
    public final long firstAvailableSequence;

    HistoryTrimmedException(long firstAvailableSequence) {
      super("the history begins at " + firstAvailableSequence);
      this.firstAvailableSequence = firstAvailableSequence;
    }
  }

  private final ManagedChannel channel;
  private final String sessionId;
  private Long accounted; // The last sequence that was handled or filtered out; null before the first.
  private boolean wasEmpty; // No cursor names the place before the first event, where a tail of an empty session waits.
  private double pause = 0.1;

  /** A tail that starts after this sequence; null means from the beginning. */
  public ResumingTail(ManagedChannel channel, String sessionId, Long afterSequence) {
    this.channel = channel;
    this.sessionId = sessionId;
    this.accounted = afterSequence;
  }

  /** Returns when the session was deleted or archived. */
  public void follow(Handler handler) throws Exception {
    while (true) {
      TailEventsRequest.Builder request =
          TailEventsRequest.newBuilder().setSessionId(sessionId).setHeartbeatIntervalSeconds(HEARTBEAT_SECONDS);
      if (accounted != null) {
        request.setAfterSequence(accounted);
      }
      BlockingClientCall<?, TailEventsResponse> call =
          SessionStoreServiceGrpc.newBlockingV2Stub(channel).tailEvents(request.build());
      try {
        TailEventsResponse frame;
        while ((frame = next(call)) != null) {
          pause = 0.1;
          if (frame.hasSessionDeleted()) {
            return;
          }
          account(frame, handler);
        }
      } finally {
        call.cancel("opened again, or no longer wanted", null);
      }
      Thread.sleep((long) (pause * 1000 * ThreadLocalRandom.current().nextDouble(0.5, 1)));
      pause = Math.min(pause * 2, 5);
      // The channel has a back-off of its own, which grows to two minutes.
      channel.resetConnectBackoff();
    }
  }

  /** The next frame, or null when the call is to be opened again. What a handler throws is not caught here. */
  private static TailEventsResponse next(BlockingClientCall<?, TailEventsResponse> call) throws Exception {
    try {
      return call.read(3 * HEARTBEAT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException silent) {
      // No frame for three heartbeats: the connection is dead, though nobody has said so.
      return null;
    } catch (StatusException error) {
      throwUnlessTransient(error);
      return null;
    }
  }

  private void account(TailEventsResponse frame, Handler handler) throws Exception {
    if (frame.hasEvents()) {
      TailedEvents events = frame.getEvents();
      if (accounted != null && events.getFirstSequence() > accounted + 1) {
        throw new IllegalStateException("a gap: " + events.getFirstSequence() + " follows on " + accounted);
      }
      if (accounted == null && wasEmpty && events.getFirstSequence() > 0) {
        throw new HistoryTrimmedException(events.getFirstSequence());
      }
      for (StoredEvent event : events.getEventsList()) {
        if (accounted == null || event.getSequence() > accounted) {
          handler.handle(event);
          accounted = event.getSequence();
        }
      }
      accounted = accounted == null ? events.getLastSequence() : Math.max(accounted, events.getLastSequence());
    } else if (frame.getCaughtUp().hasLastSequence()) {
      accountWithoutEvents(frame.getCaughtUp().getLastSequence());
    } else if (frame.getHeartbeat().hasLastSequence()) {
      accountWithoutEvents(frame.getHeartbeat().getLastSequence());
    } else if (frame.getDraining().hasLastSequence()) {
      accountWithoutEvents(frame.getDraining().getLastSequence());
    } else if (frame.getFrameCase() != TailEventsResponse.FrameCase.FRAME_NOT_SET) {
      wasEmpty = true;
    }
  }

  private void accountWithoutEvents(long lastSequence) throws HistoryTrimmedException {
    if (accounted == null && wasEmpty) {
      throw new HistoryTrimmedException(lastSequence + 1);
    }
    accounted = lastSequence;
  }

  private static void throwUnlessTransient(StatusException error) throws Exception {
    Status.Code code = error.getStatus().getCode();
    com.google.rpc.Status details = error.getTrailers() == null ? null : error.getTrailers().get(DETAILS);
    if (code == Status.Code.OUT_OF_RANGE && details != null) {
      for (com.google.protobuf.Any detail : details.getDetailsList()) {
        ErrorInfo info = detail.is(ErrorInfo.class) ? detail.unpack(ErrorInfo.class) : ErrorInfo.getDefaultInstance();
        if (info.getReason().equals("HISTORY_TRIMMED")) {
          throw new HistoryTrimmedException(Long.parseLong(info.getMetadataOrThrow("first_available_sequence")));
        }
      }
    }
    // A server that shuts down ends calls that it has not begun with CANCELLED; we cancel only what we no longer read.
    if (code != Status.Code.UNAVAILABLE && code != Status.Code.CANCELLED) {
      throw error;
    }
  }
}
