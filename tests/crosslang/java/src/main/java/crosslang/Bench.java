package crosslang;

import com.google.gson.JsonObject;
import io.grpc.Channel;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import sessionstore.v1.AppendEventRequest;
import sessionstore.v1.CommitOutcome;
import sessionstore.v1.CommitRequest;
import sessionstore.v1.CreateSessionRequest;
import sessionstore.v1.Event;
import sessionstore.v1.EventAppend;
import sessionstore.v1.MessagePart;
import sessionstore.v1.Mutation;
import sessionstore.v1.SessionStoreServiceGrpc;
import sessionstore.v1.SessionStoreServiceGrpc.SessionStoreServiceBlockingStub;
import sessionstore.v1.TailEventsRequest;
import sessionstore.v1.TailEventsResponse;
import sessionstore.v1.WriteRequest;
import sessionstore.v1.WriteResponse;

/** What appends and tails cost in this language; ../README.md says what each figure is. */
final class Bench {
  private static final int BULK_EVENTS = 50_000;
  private static final Event EVENT =
      Event.newBuilder()
          .setMessagePart(MessagePart.newBuilder().setContent("x".repeat(200)).setMessageId("m"))
          .build();

  private final String prefix;
  private final Channel channel;
  private final SessionStoreServiceBlockingStub stub;

  private Bench(Config config, Endpoints endpoints) throws Exception {
    prefix = config.run + "-bench-";
    channel = endpoints.channel(config.defaultEndpoint, null);
    stub = SessionStoreServiceGrpc.newBlockingStub(channel);
  }

  /** All figures. */
  static JsonObject measure(Config config) throws Exception {
    try (Endpoints endpoints = new Endpoints(config)) {
      Bench bench = new Bench(config, endpoints);
      JsonObject figures = new JsonObject();
      add(figures, "append_p50_us", bench.appendMedian());
      add(figures, "append_64_per_second", bench.appendConcurrently());
      add(figures, "write_per_second", bench.write());
      add(figures, "tail_per_second", bench.tail());
      add(figures, "latency_p50_us", bench.latencyMedian());
      return figures;
    }
  }

  private double appendMedian() {
    AppendEventRequest request = append(session("one"));
    long[] times = new long[1_000];
    for (int index = -100; index < times.length; index++) {
      long began = System.nanoTime();
      stub.appendEvent(request);
      if (index >= 0) {
        times[index] = System.nanoTime() - began;
      }
    }
    return medianMicros(times);
  }

  private double appendConcurrently() throws Exception {
    List<AppendEventRequest> requests = new ArrayList<>();
    for (int index = 0; index < 64; index++) {
      requests.add(append(session("many-" + index)));
    }
    ExecutorService workers = Executors.newFixedThreadPool(requests.size());
    try {
      long began = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (AppendEventRequest request : requests) {
        running.add(
            workers.submit(
                () -> {
                  for (int call = 0; call < 125; call++) {
                    stub.appendEvent(request);
                  }
                }));
      }
      for (Future<?> worker : running) {
        worker.get();
      }
      return perSecond(8_000, began);
    } finally {
      workers.shutdown();
    }
  }

  private double write() throws Exception {
    Mutation mutation = Mutation.newBuilder().setAppendEvent(EventAppend.newBuilder().setEvent(EVENT)).build();
    CommitRequest.Builder commit = CommitRequest.newBuilder().setSessionId(session("bulk"));
    for (int index = 0; index < 10; index++) {
      commit.addMutations(mutation);
    }
    WriteRequest.Builder request = WriteRequest.newBuilder();
    for (int index = 0; index < 50; index++) {
      request.addCommits(commit);
    }
    CompletableFuture<Integer> answered = new CompletableFuture<>();
    long began = System.nanoTime();
    SessionStoreServiceGrpc.newStub(channel).write(new Writer(request.build(), BULK_EVENTS / 500, answered));
    check(answered.get());
    return perSecond(BULK_EVENTS, began);
  }

  /** Sends as fast as flow control lets it, and counts what is answered. */
  private static final class Writer implements ClientResponseObserver<WriteRequest, WriteResponse> {
    private final WriteRequest request;
    private final CompletableFuture<Integer> answered;
    private int left;
    private int count;

    Writer(WriteRequest request, int times, CompletableFuture<Integer> answered) {
      this.request = request;
      this.left = times;
      this.answered = answered;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<WriteRequest> sending) {
      sending.setOnReadyHandler(
          () -> {
            while (left > 0 && sending.isReady()) {
              sending.onNext(request);
              if (--left == 0) {
                sending.onCompleted();
              }
            }
          });
    }

    @Override
    public void onNext(WriteResponse response) {
      for (CommitOutcome outcome : response.getOutcomesList()) {
        count += outcome.getResult().getResultsCount();
      }
    }

    @Override
    public void onError(Throwable error) {
      answered.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      answered.complete(count);
    }
  }

  private double tail() {
    TailEventsRequest request =
        TailEventsRequest.newBuilder().setSessionId(prefix + "bulk").setNoFollow(true).build();
    int received = 0;
    long began = System.nanoTime();
    Iterator<TailEventsResponse> frames = stub.tailEvents(request);
    while (frames.hasNext()) {
      received += frames.next().getEvents().getEventsCount();
    }
    check(received);
    return perSecond(BULK_EVENTS, began);
  }

  private double latencyMedian() throws Exception {
    String sessionId = session("latency");
    TailEventsRequest request = TailEventsRequest.newBuilder().setSessionId(sessionId).setFromNow(true).build();
    BlockingClientCall<?, TailEventsResponse> tail =
        SessionStoreServiceGrpc.newBlockingV2Stub(channel).tailEvents(request);
    while (!tail.read().hasCaughtUp()) {
      // The tail is not yet at the end of the session.
    }
    var appending = SessionStoreServiceGrpc.newFutureStub(channel);
    long[] times = new long[500];
    for (int index = 0; index < times.length; index++) {
      long began = System.nanoTime();
      var appended = appending.appendEvent(append(sessionId));
      while (!tail.read().hasEvents()) {
        // A heartbeat.
      }
      times[index] = System.nanoTime() - began;
      appended.get();
    }
    tail.cancel("measured", null);
    return medianMicros(times);
  }

  private String session(String name) {
    stub.createSession(CreateSessionRequest.newBuilder().setSessionId(prefix + name).build());
    return prefix + name;
  }

  private static AppendEventRequest append(String sessionId) {
    return AppendEventRequest.newBuilder().setSessionId(sessionId).setEvent(EVENT).build();
  }

  private static void check(int events) {
    if (events != BULK_EVENTS) {
      throw new IllegalStateException(events + " events came, not " + BULK_EVENTS);
    }
  }

  private static double perSecond(int count, long began) {
    return count * 1e9 / (System.nanoTime() - began);
  }

  private static double medianMicros(long[] times) {
    Arrays.sort(times);
    return (times[times.length / 2] + times[times.length / 2 - 1]) / 2_000.0;
  }

  private static void add(JsonObject figures, String name, double value) {
    figures.addProperty(name, Math.round(value * 10) / 10.0);
  }
}
