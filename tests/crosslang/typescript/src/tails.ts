/** Open tails, read step by step. */
import type { JsonValue } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import type { TailEventsRequest, TailEventsResponse } from "../generated/sessionstore/v1/session_store_service_pb.js";
import { SessionStoreService, TailEventsResponseSchema } from "../generated/sessionstore/v1/session_store_service_pb.js";
import { registry } from "./calls.js";
import type { Channel } from "./endpoints.js";
import { ofCall } from "./failures.js";
import { mismatch } from "./values.js";

const PATIENCE_MS = 30_000;

export interface ReadStep {
  until: string | number;
  frame?: JsonValue;
  events?: JsonValue;
  error?: JsonValue;
}

export interface Read {
  wrong?: string;
  frame: JsonValue;
  events: JsonValue[];
}

type Next = IteratorResult<TailEventsResponse>;

export class OpenTail {
  readonly #channel: Channel;
  readonly #abort = new AbortController();
  readonly #frames: AsyncIterator<TailEventsResponse>;
  #next: Promise<Next>;
  #accounted: bigint | undefined;
  #over = false;

  constructor(channel: Channel, request: TailEventsRequest, options: CallOptions) {
    const client = createClient(SessionStoreService, channel.transport);
    const frames = client.tailEvents(request, { ...options, signal: this.#abort.signal });
    this.#channel = channel;
    this.#channel.openTails += 1;
    this.#frames = frames[Symbol.asyncIterator]();
    this.#next = this.#advance();
  }

  /** Reads until the step's `until` is met, and compares. */
  async read(step: ReadStep): Promise<Read> {
    const events: JsonValue[] = [];
    let frame: { [kind: string]: JsonValue } = {};
    let ended = false;
    const failed = (wrong: string | undefined): Read => ({ wrong, frame: null, events });
    const clock = patience();
    try {
      while (!met(step.until, frame, events)) {
        const next = await Promise.race([this.#next, clock.over]);
        if (next === undefined) {
          return failed(`nothing met \`until\` in ${PATIENCE_MS} ms; the last frame was ${JSON.stringify(frame)}`);
        }
        if (next.done === true) {
          ended = true;
          break;
        }
        this.#next = this.#advance();
        const wrong = this.#account(next.value);
        if (wrong !== undefined) {
          return failed(wrong);
        }
        frame = toJson(TailEventsResponseSchema, next.value, { registry }) as typeof frame;
        const batch = (frame.events as { events?: JsonValue[] } | undefined)?.events ?? [];
        batch.forEach((event) => events.push(event));
      }
    } catch (error) {
      const failure = ofCall(error);
      if (step.error === undefined) {
        return failed(`the tail failed: ${JSON.stringify(failure)}`);
      }
      return failed(mismatch(step.error, failure) ?? mismatch(step.events ?? [], events, "events"));
    } finally {
      clock.stop();
    }
    const last = Object.values(frame)[0] ?? null;
    if (step.error !== undefined || ended !== (step.until === "end")) {
      return failed(`the tail ${ended ? "ended" : "did not end"}; the last frame was ${JSON.stringify(frame)}`);
    }
    const wrong =
      (step.frame === undefined ? undefined : mismatch(step.frame, last, "frame")) ??
      (step.events === undefined ? undefined : mismatch(step.events, events, "events"));
    return { wrong, frame: last, events };
  }

  /** Ends it from this side. */
  cancel(): void {
    this.#abort.abort();
  }

  // One frame is always asked for ahead, so that a failure before the first read is kept for it.
  #advance(): Promise<Next> {
    const next = this.#frames.next();
    next.then(
      ({ done }) => done === true && this.#leave(),
      () => this.#leave(),
    );
    return next;
  }

  #leave(): void {
    if (!this.#over) {
      this.#over = true;
      this.#channel.openTails -= 1;
    }
  }

  #account({ frame }: TailEventsResponse): string | undefined {
    if (frame.case === "events") {
      const { firstSequence, lastSequence } = frame.value;
      const before = this.#accounted;
      this.#accounted = lastSequence;
      return before === undefined || firstSequence === before + 1n
        ? undefined
        : `a gap: ${firstSequence} follows on ${before}`;
    }
    if (frame.case === "caughtUp" || frame.case === "heartbeat" || frame.case === "draining") {
      this.#accounted = frame.value.lastSequence ?? this.#accounted;
    }
    return undefined;
  }
}

function met(until: string | number, frame: { [kind: string]: JsonValue }, events: JsonValue[]): boolean {
  return typeof until === "number" ? events.length >= until : until in frame;
}

function patience(): { over: Promise<undefined>; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  return { over, stop: () => clearTimeout(timer) };
}
