// Creates a session, commits a message with the event that announces it, and shows the session's events as they come.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectTo, type Server } from "./connection.js";
import { EventSchema, type StoredEvent } from "./generated/sessionstore/v1/event_pb.js";
import { type Message, MessageSchema } from "./generated/sessionstore/v1/message_pb.js";
import { resumingTail } from "./resuming-tail.js";

const form = element("form", HTMLFormElement);
const status = element("status", HTMLElement);
const complaint = element("error", HTMLElement);
const events = element("events", HTMLElement);

async function createSession(): Promise<void> {
  await connectTo(server()).createSession({ sessionId: field("session") });
  status.textContent = "created";
}

let unanswered: { sessionId: string; text: string; message: Message } | undefined;

async function commit(): Promise<void> {
  const [sessionId, text] = [field("session"), field("message")];
  // A commit whose answer was lost is repeated with its ids: it is applied once, however often it arrives.
  if (unanswered?.sessionId !== sessionId || unanswered.text !== text) {
    const content = [{ kind: { case: "text" as const, value: text } }];
    const message = create(MessageSchema, { id: crypto.randomUUID(), role: { case: "user", value: { content } } });
    unanswered = { sessionId, text, message };
  }
  const { message } = unanswered;
  const event = create(EventSchema, { kind: { case: "messageComplete", value: { message } } });
  await connectTo(server()).commit({
    sessionId,
    mutations: [
      { kind: { case: "appendMessage", value: message } },
      { kind: { case: "appendEvent", value: { event, eventId: message.id } } },
    ],
  });
  unanswered = undefined;
}

let following = new AbortController();

async function follow(): Promise<void> {
  stop();
  following = new AbortController();
  const { signal } = following;
  const chosen = server();
  const tell = (text: string) => {
    if (!signal.aborted) {
      status.textContent = text;
    }
  };
  events.replaceChildren();
  tell("connecting");
  const connection = {
    client: connectTo(chosen, () => tell("following")),
    // The browser makes the next connection by itself.
    reset: (reason: unknown) => tell(`trying again${reason === undefined ? "" : `; ${explained(reason, chosen)}`}`),
  };
  try {
    for await (const stored of resumingTail(connection, field("session"), undefined, { signal })) {
      if (signal.aborted) {
        return;
      }
      show(stored);
    }
    tell("the session was deleted");
  } catch (error) {
    if (!signal.aborted) {
      tell("not following");
      throw error;
    }
  }
}

function stop(): void {
  following.abort();
  status.textContent = "not following";
}

function show({ sequence, event }: StoredEvent): void {
  const kind = event?.kind;
  // One without a kind that is known comes from a newer client.
  const name = kind?.case === undefined ? "unknown" : EventSchema.field[kind.case].name;
  const line = document.createElement("li");
  line.textContent = `${sequence} ${name} ${kind?.case === "messageComplete" ? words(kind.value.message) : ""}`.trim();
  events.append(line);
}

function words(message: Message | undefined): string {
  const parts = message?.role.case === "user" || message?.role.case === "assistant" ? message.role.value.content : [];
  return parts.map(({ kind }) => (kind.case === "text" ? kind.value : `[${kind.case}]`)).join("");
}

/** What went wrong, in words. A browser does not tell a page why it got no answer; these are the reasons there are. */
function explained(error: unknown, { address }: Server): string {
  const { code, rawMessage, cause } = ConnectError.from(error);
  return cause instanceof TypeError
    ? `no answer from ${address}: it is not there, its certificate is not trusted, or it was not started with ` +
        `--allow-origin ${location.origin}`
    : `${Code[code]}: ${rawMessage}`;
}

function server(): Server {
  const address = field("address");
  if (!/^https?:\/\/[^/?#]+\/?$/.test(address)) {
    throw new ConnectError(`the address is http://HOST:PORT or https://HOST:PORT, not ${address}`, Code.InvalidArgument);
  }
  // The token stays in its field: any script of this origin could read a store of the browser's, also years later.
  return { address, token: field("token"), protocol: field("protocol") };
}

function field(id: string): string {
  const found = document.getElementById(id);
  if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) {
    return found.value.trim();
  }
  throw new Error(`the page has no field ${id}`);
}

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) {
    return found;
  }
  throw new Error(`the page has no ${id}`);
}

const actions = new Map([["create", createSession], ["commit", commit], ["follow", follow]]);

form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const pressed = submitted.submitter instanceof HTMLButtonElement ? submitted.submitter.value : "";
  complaint.textContent = "";
  const address = field("address");
  actions.get(pressed)?.().catch((error: unknown) => {
    complaint.textContent = explained(error, { address, token: "", protocol: "" });
  });
});
element("stop", HTMLButtonElement).addEventListener("click", stop);
stop();
