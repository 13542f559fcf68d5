// A tail that goes on where it was: over disconnects, restarts and crashes of the server, without a gap or a repeat.
// It needs nothing of Node.js: it is the same in a browser, over Connect and gRPC-Web.
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import type { StoredEvent } from "./generated/sessionstore/v1/event_pb.js";
import type { SessionStoreService, TailEventsRequest } from "./generated/sessionstore/v1/session_store_service_pb.js";

const HEARTBEAT_SECONDS = 15;
const BACK_OFF_SECONDS = { first: 0.1, most: 5 };

/** A client, and a way to drop its connection, so that the next call makes a new one; told why, where that is known. */
export interface Connection {
  client: Client<typeof SessionStoreService>;
  reset(reason?: unknown): void;
}

/** The events after the cursor were deleted; go on at firstAvailableSequence, or give up. */
export class HistoryTrimmedError extends Error {
  constructor(readonly firstAvailableSequence: bigint) {
    super(`the events before ${firstAvailableSequence} were deleted`);
  }
}

/** Yields the events of a session after a sequence, until it is aborted; ends when the session is deleted. */
export async function* resumingTail(
  { client, reset }: Connection,
  sessionId: string,
  after?: bigint,
  { heartbeatSeconds = HEARTBEAT_SECONDS, signal }: { heartbeatSeconds?: number; signal?: AbortSignal } = {},
): AsyncGenerator<StoredEvent> {
  let last = after;
  let wasEmpty = false; // No cursor names the place before the first event, at which a tail of an empty session waits.
  for (let failures = 0; !signal?.aborted; failures += 1) {
    const cancel = new AbortController();
    const stop = () => cancel.abort();
    signal?.addEventListener("abort", stop);
    let reason: unknown;
    const start: TailEventsRequest["start"] =
      last === undefined ? { case: "fromBeginning", value: true } : { case: "afterSequence", value: last };
    const request = { sessionId, start, heartbeatIntervalSeconds: heartbeatSeconds };
    const frames = client.tailEvents(request, { signal: cancel.signal })[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Heartbeats come on an idle tail too: three that are missing mean that the connection is dead.
        const watchdog = setTimeout(() => cancel.abort(), heartbeatSeconds * 3_000);
        const next = await frames.next().finally(() => clearTimeout(watchdog));
        if (next.done === true) {
          break;
        }
        failures = 0;
        const { frame } = next.value;
        if (frame.case === "sessionDeleted") {
          return;
        }
        if (frame.case === "events") {
          if (last !== undefined && frame.value.firstSequence > last + 1n) {
            throw new Error(`a gap: ${frame.value.firstSequence} follows on ${last}`);
          }
          if (last === undefined && wasEmpty && frame.value.firstSequence > 0n) {
            throw new HistoryTrimmedError(frame.value.firstSequence);
          }
          for (const stored of frame.value.events) {
            if (last === undefined || stored.sequence > last) {
              yield stored;
              last = stored.sequence;
            }
          }
        }
        // The frame accounts for events that are not among its own, too; absent while there was none.
        const accounted = frame.value?.lastSequence;
        if (last === undefined && wasEmpty && frame.case !== "events" && accounted !== undefined) {
          throw new HistoryTrimmedError(accounted + 1n);
        }
        wasEmpty ||= frame.value !== undefined && accounted === undefined;
        last = accounted ?? last;
        if (frame.case === "draining") {
          break;
        }
      }
    } catch (error) {
      if (signal?.aborted) {
        return;
      }
      if (!isBroken(error)) {
        throw trimmed(error) ?? error;
      }
      reason = error;
    } finally {
      signal?.removeEventListener("abort", stop);
      cancel.abort();
    }
    reset(reason);
    const longest = Math.min(BACK_OFF_SECONDS.most, BACK_OFF_SECONDS.first * 2 ** failures);
    await new Promise((resolve) => setTimeout(resolve, longest * (0.5 + 0.5 * Math.random()) * 1000));
  }
}

/** Whether the server is away, in distinction to an answer, which would be the same again. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) {
    return false;
  }
  // Over Connect there is no such field; the server's own errors are those with details.
  if (error.metadata.has("grpc-status") || error.details.length > 0) {
    // A server that shuts down cancels the calls that it has not begun.
    return error.code === Code.Unavailable || error.code === Code.Canceled;
  }
  // Without a status the connection failed, whichever code Connect gives that. A wrong certificate stays wrong.
  const cause = error.cause instanceof Error && "code" in error.cause ? String(error.cause.code) : "";
  return !/CERT|TLS|SSL|SIGNATURE|EACCES/.test(cause);
}

function trimmed(error: unknown): HistoryTrimmedError | undefined {
  const details = error instanceof ConnectError ? error.findDetails(ErrorInfoSchema) : [];
  const found = details.find(({ domain, reason }) => domain === "sessionstore" && reason === "HISTORY_TRIMMED");
  return found && new HistoryTrimmedError(BigInt(found.metadata["first_available_sequence"] ?? 0));
}
