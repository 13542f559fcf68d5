/** What appends and tails cost in this language; see ../../README.md for what each figure is. */
import { create } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { EventSchema } from "../generated/sessionstore/v1/event_pb.js";
import {
  CommitRequestSchema,
  SessionStoreService,
  type TailEventsResponse,
  WriteRequestSchema,
} from "../generated/sessionstore/v1/session_store_service_pb.js";
import type { Config } from "./config.js";
import { Endpoints } from "./endpoints.js";

const EVENT = create(EventSchema, {
  kind: { case: "messagePart", value: { content: "x".repeat(200), messageId: "m" } },
});
const BULK_EVENTS = 50_000;

class Bench {
  readonly #endpoints: Endpoints;
  readonly #client: Client<typeof SessionStoreService>;
  readonly #options: CallOptions;
  readonly #prefix: string;

  constructor(config: Config) {
    this.#endpoints = new Endpoints(config);
    this.#client = createClient(SessionStoreService, this.#endpoints.channel(config.default).transport);
    this.#options = { headers: this.#endpoints.headers(config.default, undefined) };
    this.#prefix = `${config.run}-bench`;
  }

  async appendP50(): Promise<number> {
    const sessionId = await this.#session("one");
    const times: number[] = [];
    for (let index = 0; index < 1_100; index += 1) {
      const began = performance.now();
      await this.#append(sessionId);
      if (index >= 100) {
        times.push(performance.now() - began);
      }
    }
    return median(times) * 1e3;
  }

  async append64(): Promise<number> {
    const sessions: string[] = [];
    for (let index = 0; index < 64; index += 1) {
      sessions.push(await this.#session(`many-${index}`));
    }
    const worker = async (sessionId: string) => {
      for (let index = 0; index < 125; index += 1) {
        await this.#append(sessionId);
      }
    };
    return perSecond(8_000, () => Promise.all(sessions.map(worker)));
  }

  async write(): Promise<number> {
    const commit = create(CommitRequestSchema, {
      sessionId: await this.#session("bulk"),
      mutations: Array.from({ length: 10 }, () => ({ kind: { case: "appendEvent", value: { event: EVENT } } as const })),
    });
    const request = create(WriteRequestSchema, { commits: Array.from({ length: 50 }, () => commit) });
    async function* requests() {
      for (let index = 0; index < 100; index += 1) {
        yield request;
      }
    }
    return perSecond(BULK_EVENTS, async () => {
      let answered = 0;
      for await (const { outcomes } of this.#client.write(requests(), this.#options)) {
        for (const { outcome } of outcomes) {
          answered += outcome.case === "result" ? outcome.value.results.length : 0;
        }
      }
      wantAll(answered);
    });
  }

  async tail(): Promise<number> {
    const request = { sessionId: `${this.#prefix}-bulk`, noFollow: true };
    return perSecond(BULK_EVENTS, async () => {
      let received = 0;
      for await (const { frame } of this.#client.tailEvents(request, this.#options)) {
        received += frame.case === "events" ? frame.value.events.length : 0;
      }
      wantAll(received);
    });
  }

  async latencyP50(): Promise<number> {
    const sessionId = await this.#session("latency");
    const abort = new AbortController();
    const frames = this.#client
      .tailEvents({ sessionId, start: { case: "fromNow", value: true } }, { ...this.#options, signal: abort.signal })
      [Symbol.asyncIterator]();
    await until("caughtUp", frames);
    const times: number[] = [];
    for (let index = 0; index < 500; index += 1) {
      const began = performance.now();
      const appending = this.#append(sessionId);
      await until("events", frames);
      times.push(performance.now() - began);
      await appending;
    }
    abort.abort();
    return median(times) * 1e3;
  }

  close(): void {
    this.#endpoints.close();
  }

  async #session(name: string): Promise<string> {
    const sessionId = `${this.#prefix}-${name}`;
    await this.#client.createSession({ sessionId }, this.#options);
    return sessionId;
  }

  #append(sessionId: string) {
    return this.#client.appendEvent({ sessionId, event: EVENT }, this.#options);
  }
}

/** All figures. */
export async function bench(config: Config): Promise<Record<string, number>> {
  const measured = new Bench(config);
  const figures = {
    append_p50_us: await measured.appendP50(),
    append_64_per_second: await measured.append64(),
    write_per_second: await measured.write(),
    tail_per_second: await measured.tail(),
    latency_p50_us: await measured.latencyP50(),
  };
  measured.close();
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]));
}

async function until(kind: string, frames: AsyncIterator<TailEventsResponse>): Promise<void> {
  for (;;) {
    const { value, done } = await frames.next();
    if (done === true) {
      throw new Error("the tail ended");
    }
    if (value.frame.case === kind) {
      return;
    }
  }
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (count / (performance.now() - began)) * 1e3;
}

function median(times: number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

function wantAll(events: number): void {
  if (events !== BULK_EVENTS) {
    throw new Error(`${events} events of ${BULK_EVENTS}`);
  }
}
