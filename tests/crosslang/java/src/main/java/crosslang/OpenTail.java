package crosslang;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import sessionstore.v1.TailEventsResponse;

/** One tail, read step by step, with the sequence that it has accounted for. */
final class OpenTail {
  private static final long PATIENCE_SECONDS = 30;

  /** What a step read: what is wrong, if anything, and what `save` picks from. */
  record Reading(String wrong, JsonObject read) {
    static Reading wrong(String text) {
      return new Reading(text, null);
    }
  }

  private final BlockingClientCall<?, TailEventsResponse> call;
  private OptionalLong accounted = OptionalLong.empty();

  OpenTail(BlockingClientCall<?, TailEventsResponse> call) {
    this.call = call;
  }

  /** Reads until the step's `until` is met. */
  Reading read(JsonObject step) throws InterruptedException, InvalidProtocolBufferException {
    JsonElement until = step.get("until");
    JsonArray events = new JsonArray();
    JsonObject frame = new JsonObject();
    boolean ended = false;
    long patientUntil = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    try {
      while (!ended && !isMet(until, frame, events)) {
        TailEventsResponse answer = call.read(patientUntil - System.nanoTime(), TimeUnit.NANOSECONDS);
        ended = answer == null;
        if (!ended) {
          String wrong = account(answer);
          if (wrong != null) {
            return Reading.wrong(wrong);
          }
          frame = Json.print(answer);
          if (answer.hasEvents() && frame.getAsJsonObject("events").has("events")) {
            events.addAll(frame.getAsJsonObject("events").getAsJsonArray("events"));
          }
        }
      }
    } catch (TimeoutException late) {
      return Reading.wrong("nothing met `until` in " + PATIENCE_SECONDS + " seconds; the last frame was " + frame);
    } catch (StatusException error) {
      JsonObject failure = Failures.ofCall(error.getStatus(), error.getTrailers());
      if (!step.has("error")) {
        return Reading.wrong("the tail failed: " + failure);
      }
      String wrong = Patterns.mismatch(step.get("error"), failure, "");
      return new Reading(wrong != null ? wrong : mismatch(step, "events", events), new JsonObject());
    }
    boolean wantsEnd = Values.isString(until) && until.getAsString().equals("end");
    if (step.has("error") || ended != wantsEnd) {
      return Reading.wrong("the tail " + (ended ? "ended" : "did not end") + "; the last frame was " + frame);
    }
    JsonElement content = frame.size() == 0 ? JsonNull.INSTANCE : frame.entrySet().iterator().next().getValue();
    JsonObject read = new JsonObject();
    read.add("frame", content);
    read.add("events", events);
    String wrong = mismatch(step, "frame", content);
    return new Reading(wrong != null ? wrong : mismatch(step, "events", events), read);
  }

  /** Ends it from this side. */
  void cancel() {
    call.cancel("a step wants no more of it", null);
  }

  private String account(TailEventsResponse answer) {
    if (answer.hasEvents()) {
      long first = answer.getEvents().getFirstSequence();
      if (accounted.isPresent() && first != accounted.getAsLong() + 1) {
        return "a gap: " + first + " follows on " + accounted.getAsLong();
      }
      accounted = OptionalLong.of(answer.getEvents().getLastSequence());
    } else if (answer.getCaughtUp().hasLastSequence()) {
      accounted = OptionalLong.of(answer.getCaughtUp().getLastSequence());
    } else if (answer.getHeartbeat().hasLastSequence()) {
      accounted = OptionalLong.of(answer.getHeartbeat().getLastSequence());
    } else if (answer.getDraining().hasLastSequence()) {
      accounted = OptionalLong.of(answer.getDraining().getLastSequence());
    }
    return null;
  }

  private static boolean isMet(JsonElement until, JsonObject frame, JsonArray events) {
    return Values.isString(until) ? frame.has(until.getAsString()) : events.size() >= until.getAsInt();
  }

  private static String mismatch(JsonObject step, String key, JsonElement actual) {
    return step.has(key) ? Patterns.mismatch(step.get(key), actual, key) : null;
  }
}
