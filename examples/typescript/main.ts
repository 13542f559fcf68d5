// Writes to a session, or follows it: run write|tail ADDRESS SESSION
import { create } from "@bufbuild/protobuf";
import { connectTo } from "./connection.js";
import { EventSchema } from "./generated/sessionstore/v1/event_pb.js";
import { MessageSchema } from "./generated/sessionstore/v1/message_pb.js";
import { type Connection, resumingTail } from "./resuming-tail.js";

/** Commits a message together with the event that announces it. It may be repeated: everything has an id. */
async function write({ client }: Connection, sessionId: string): Promise<void> {
  await client.createSession({ sessionId });
  const message = create(MessageSchema, {
    id: "hello",
    role: { case: "assistant", value: { content: [{ kind: { case: "text", value: "Hello." } }] } },
  });
  const event = create(EventSchema, { kind: { case: "messageComplete", value: { message, model: "some-model" } } });
  const { results } = await client.commit({
    sessionId,
    mutations: [
      { kind: { case: "appendMessage", value: message } },
      { kind: { case: "appendEvent", value: { event, eventId: message.id } } },
    ],
  });
  const appended = results[1]?.kind;
  if (appended?.case !== "appendEvent") {
    throw new Error("the server did not answer what it appended");
  }
  console.log(`committed ${appended.value.sequence}`);
}

/** Prints each event, until the session is deleted. */
async function follow(connection: Connection, sessionId: string): Promise<void> {
  for await (const { sequence, event } of resumingTail(connection, sessionId)) {
    const kind = event?.kind.case;
    // One without a kind that is known comes from a newer client.
    console.log(`${sequence} ${kind === undefined ? "unknown" : EventSchema.field[kind].name}`);
  }
}

const [command, address, sessionId] = process.argv.slice(2);
const commands = new Map([["write", write], ["tail", follow]]);
const chosen = commands.get(command ?? "");
if (chosen === undefined || address === undefined || sessionId === undefined) {
  console.error("usage: run write|tail ADDRESS SESSION");
  process.exit(2);
}
const connection = connectTo(address);
try {
  await chosen(connection, sessionId);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  connection.reset();
}
