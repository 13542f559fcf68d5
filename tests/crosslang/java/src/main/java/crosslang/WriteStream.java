package crosslang;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import sessionstore.v1.CommitOutcome;
import sessionstore.v1.SessionStoreServiceGrpc.SessionStoreServiceStub;
import sessionstore.v1.WriteRequest;
import sessionstore.v1.WriteResponse;

/** One write stream: everything is sent without waiting, and all outcomes are gathered. */
final class WriteStream {
  /** The outcomes, and how the stream failed; null when it did not. */
  record Result(JsonArray outcomes, JsonObject failure) {}

  private WriteStream() {}

  static Result send(SessionStoreServiceStub stub, List<WriteRequest> requests, long deadlineMs) throws Exception {
    List<CommitOutcome> outcomes = new ArrayList<>();
    // The error that the stream ended with, or null for a good end.
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    StreamObserver<WriteRequest> sending =
        stub.withDeadlineAfter(deadlineMs, TimeUnit.MILLISECONDS)
            .write(
                new StreamObserver<>() {
                  @Override
                  public void onNext(WriteResponse response) {
                    outcomes.addAll(response.getOutcomesList());
                  }

                  @Override
                  public void onError(Throwable error) {
                    ended.complete(error);
                  }

                  @Override
                  public void onCompleted() {
                    ended.complete(null);
                  }
                });
    requests.forEach(sending::onNext);
    sending.onCompleted();
    Throwable error = ended.get();
    JsonArray found = new JsonArray();
    for (CommitOutcome outcome : outcomes) {
      found.add(print(outcome));
    }
    JsonObject failure =
        error == null ? null : Failures.ofCall(Status.fromThrowable(error), Status.trailersFromThrowable(error));
    return new Result(found, failure);
  }

  private static JsonObject print(CommitOutcome outcome) throws InvalidProtocolBufferException {
    JsonObject printed = new JsonObject();
    if (outcome.hasError()) {
      printed.add("error", Failures.ofStatus(outcome.getError()));
    } else {
      printed.add("result", Json.print(outcome.getResult()));
    }
    return printed;
  }
}
