/** Plays steps: sends what they say and compares what comes. */
import type { DescMethod, JsonValue, Message } from "@bufbuild/protobuf";
import { create, fromJson, mergeFromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import type { CommitOutcome } from "../generated/sessionstore/v1/session_store_service_pb.js";
import {
  CommitResponseSchema,
  SessionStoreService,
  TailEventsRequestSchema,
  WriteRequestSchema,
  type WriteResponse,
} from "../generated/sessionstore/v1/session_store_service_pb.js";
import { callNamed, callRaw, callStreaming, callUnary, pathOf, registry } from "./calls.js";
import type { Config } from "./config.js";
import { askControl } from "./control.js";
import { type Channel, Endpoints } from "./endpoints.js";
import { type Failure, ofCall, ofStatus } from "./failures.js";
import { OpenTail, type ReadStep } from "./tails.js";
import { expand, mismatch, pick } from "./values.js";

const LANGUAGE = "typescript";
const DEADLINE_MS = 30_000;

/** A step that is not played; the text says why. */
export class SkipStep extends Error {}

export interface Step extends Partial<ReadStep> {
  name: string;
  on?: string;
  as?: string;
  deadline_ms?: number;
  needs?: string;
  unsupported?: Record<string, string>;
  call?: string;
  method?: string;
  request?: JsonValue;
  request_base64?: string;
  raw_base64?: string;
  answer_contains_base64?: string;
  expect?: JsonValue;
  save?: Record<string, string>;
  fragments?: { at_least: number; max_bytes: number };
  write?: JsonValue[];
  outcomes?: JsonValue;
  tail?: string;
  read?: string;
  cancel?: string;
  control?: string;
}

/** Plays the steps of one run, in order. */
export class Player {
  readonly #config: Config;
  readonly #endpoints: Endpoints;
  readonly #variables: Record<string, string>;
  readonly #tails = new Map<string, OpenTail>();

  constructor(config: Config) {
    this.#config = config;
    this.#endpoints = new Endpoints(config);
    this.#variables = { run: config.run };
  }

  /** Plays one step; says what was wrong, if anything. Throws SkipStep. */
  async play(written: Step): Promise<string | undefined> {
    this.#skip(written);
    const step = expand(written as unknown as JsonValue, this.#variables) as unknown as Step;
    if (step.raw_base64 !== undefined) {
      return this.#raw(step, step.method ?? pathOf(callNamed(step.call ?? "")));
    }
    if (step.call !== undefined) {
      return this.#call(step, callNamed(step.call));
    }
    if (step.write !== undefined) {
      return this.#write(step, step.write);
    }
    if (step.tail !== undefined) {
      return this.#openTail(step, step.tail);
    }
    if (step.read !== undefined) {
      return this.#readTail(step, step.read);
    }
    if (step.cancel !== undefined) {
      this.#tail(step.cancel).cancel();
      this.#tails.delete(step.cancel);
      return undefined;
    }
    if (step.control !== undefined) {
      return this.#control(step.control);
    }
    throw new Error("no such kind of step");
  }

  /** Ends what is open. */
  close(): void {
    this.#endpoints.close();
  }

  #skip(step: Step): void {
    const unsupported = step.unsupported?.[LANGUAGE];
    if (unsupported !== undefined) {
      throw new SkipStep(unsupported);
    }
    const absent = step.on === undefined ? undefined : this.#config.absent[step.on];
    if (absent !== undefined) {
      throw new SkipStep(absent);
    }
    const control = (step.needs ?? step.control)?.split(" ")[0];
    if (control !== undefined && !this.#config.controls.includes(control)) {
      throw new SkipStep("nobody is there to do to the server what this needs");
    }
  }

  #channel(step: Step): Channel {
    return this.#endpoints.channel(step.on ?? this.#config.default);
  }

  #headers(step: Step): Record<string, string> {
    return this.#endpoints.headers(step.on ?? this.#config.default, step.as);
  }

  #options(step: Step): CallOptions {
    return { timeoutMs: step.deadline_ms ?? DEADLINE_MS, headers: this.#headers(step) };
  }

  async #call(step: Step, method: DescMethod): Promise<string | undefined> {
    const { transport } = this.#channel(step);
    const request = fromJson(method.input, step.request ?? {}, { registry });
    mergeFromBinary(method.input, request, Buffer.from(step.request_base64 ?? "", "base64"));
    let answer: Message = create(method.output);
    const sizes: number[] = [];
    try {
      if (method.methodKind === "server_streaming") {
        for await (const fragment of callStreaming(transport, method, request, this.#options(step))) {
          const bytes = toBinary(method.output, fragment);
          sizes.push(bytes.length);
          mergeFromBinary(method.output, answer, bytes);
        }
      } else {
        answer = await callUnary(transport, method, request, this.#options(step));
      }
    } catch (error) {
      return compareFailure(step, ofCall(error));
    }
    const found = toJson(method.output, answer, { registry });
    if (step.error !== undefined) {
      return `expected a failure, got ${JSON.stringify(found).slice(0, 300)}`;
    }
    const wrong =
      mismatch(step.expect ?? {}, found) ??
      missingBytes(step, toBinary(method.output, answer)) ??
      compareFragments(step, sizes);
    return wrong ?? this.#save(step, found);
  }

  async #raw(step: Step, path: string): Promise<string | undefined> {
    const request = Buffer.from(step.raw_base64 ?? "", "base64");
    let answer: Uint8Array;
    try {
      answer = await callRaw(this.#channel(step).transport, path, request, this.#options(step));
    } catch (error) {
      return compareFailure(step, ofCall(error));
    }
    return step.error === undefined ? missingBytes(step, answer) : "expected a failure";
  }

  async #write(step: Step, write: JsonValue[]): Promise<string | undefined> {
    const requests = write.map((request) => fromJson(WriteRequestSchema, request, { registry }));
    async function* all() {
      yield* requests;
    }
    const outcomes: JsonValue[] = [];
    let failure: Failure | undefined;
    const { transport } = this.#channel(step);
    try {
      for await (const answer of callStreaming(transport, SessionStoreService.method.write, all(), this.#options(step))) {
        (answer as WriteResponse).outcomes.forEach((outcome) => outcomes.push(ofOutcome(outcome)));
      }
    } catch (error) {
      failure = ofCall(error);
    }
    let wrong = mismatch(step.outcomes ?? [], outcomes, "outcomes");
    if (step.error !== undefined) {
      wrong ??= mismatch(step.error, failure);
    } else if (failure !== undefined) {
      wrong ??= `the stream failed: ${JSON.stringify(failure)}`;
    }
    return wrong ?? this.#save(step, { outcomes });
  }

  #openTail(step: Step, name: string): undefined {
    const request = fromJson(TailEventsRequestSchema, step.request ?? {}, { registry });
    const options = { timeoutMs: step.deadline_ms, headers: this.#headers(step) };
    this.#tails.set(name, new OpenTail(this.#channel(step), request, options));
  }

  async #readTail(step: Step, name: string): Promise<string | undefined> {
    const { wrong, frame, events } = await this.#tail(name).read({ ...step, until: step.until ?? "end" });
    return wrong ?? this.#save(step, { frame, events });
  }

  #tail(name: string): OpenTail {
    const tail = this.#tails.get(name);
    if (tail === undefined) {
      throw new Error(`no tail ${name} is open`);
    }
    return tail;
  }

  async #control(words: string): Promise<string | undefined> {
    const { wrong, tokens } = await askControl(words);
    this.#endpoints.forget();
    this.#config.tokens = { ...this.#config.tokens, ...tokens };
    return wrong;
  }

  #save(step: Step, found: JsonValue): undefined {
    for (const [variable, path] of Object.entries(step.save ?? {})) {
      this.#variables[variable] = pick(found, path);
    }
  }
}

function ofOutcome({ outcome }: CommitOutcome): JsonValue {
  if (outcome.case === "error") {
    return { error: ofStatus(outcome.value) };
  }
  return { result: outcome.case === "result" ? toJson(CommitResponseSchema, outcome.value, { registry }) : null };
}

function compareFailure(step: Step, failure: Failure): string | undefined {
  return step.error === undefined ? `failed: ${JSON.stringify(failure)}` : mismatch(step.error, failure);
}

function compareFragments({ fragments }: Step, sizes: number[]): string | undefined {
  if (fragments === undefined) {
    return undefined;
  }
  const largest = Math.max(0, ...sizes);
  const fits = sizes.length >= fragments.at_least && largest <= fragments.max_bytes;
  return fits ? undefined : `${sizes.length} fragments of at most ${largest} bytes, expected ${JSON.stringify(fragments)}`;
}

function missingBytes(step: Step, answer: Uint8Array): string | undefined {
  const part = step.answer_contains_base64;
  const found = part === undefined || Buffer.from(answer).includes(Buffer.from(part, "base64"));
  return found ? undefined : `the bytes ${part} are not in the answer`;
}
