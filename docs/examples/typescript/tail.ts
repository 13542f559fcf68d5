// Follows a session, and goes on where it was when the daemon restarts.
//
//     npm run tail -- unix:/path/of/sessiond.sock SESSION_ID
import { credentials, ServiceError, status } from "@grpc/grpc-js";
import { setTimeout as pause } from "node:timers/promises";
import { SessionStoreServiceClient, TailEventsRequest } from "./generated/sessionstore/v1/session_store_service.js";

const [address, sessionId] = process.argv.slice(2);
if (address === undefined || sessionId === undefined) {
  console.error("usage: npm run tail -- ADDRESS SESSION_ID");
  process.exit(2);
}

// A Unix socket has no host name to send, and not every server takes its path for one.
const client = new SessionStoreServiceClient(address, credentials.createInsecure(), {
  "grpc.default_authority": "localhost",
});
let lastSequence: bigint | undefined;

// Ends when the session was deleted; throws when the stream breaks.
async function follow(): Promise<"deleted" | "again"> {
  const start: TailEventsRequest["start"] =
    lastSequence === undefined
      ? { $case: "fromBeginning", value: true }
      : { $case: "afterSequence", value: lastSequence };
  const frames = client.tailEvents(TailEventsRequest.fromPartial({ sessionId, start }));
  for await (const { frame } of frames) {
    switch (frame?.$case) {
      case "events":
        for (const stored of frame.value.events) {
          console.log(`${stored.sequence}  ${stored.event?.kind?.$case}`);
        }
        // The batch accounts for the events that a filter left out, too.
        lastSequence = frame.value.lastSequence;
        break;
      case "caughtUp":
      case "heartbeat":
        // Absent while the session has no event.
        lastSequence = frame.value.lastSequence ?? lastSequence;
        break;
      case "sessionDeleted":
        return "deleted";
      case "draining":
        lastSequence = frame.value.lastSequence ?? lastSequence;
        return "again";
    }
  }
  return "again";
}

for (;;) {
  try {
    if ((await follow()) === "deleted") {
      break;
    }
  } catch (error) {
    // Any other status is an answer, and would be the same again.
    if ((error as ServiceError).code !== status.UNAVAILABLE) {
      throw error;
    }
  }
  await pause(500 + 500 * Math.random());
}
client.close();
