/** The commands of the runner; see ../../README.md. */
import { createRequire } from "node:module";
import { basename } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EventSchema } from "../generated/sessionstore/v1/event_pb.js";
import { SessionStoreService } from "../generated/sessionstore/v1/session_store_service_pb.js";
import { bench } from "./bench.js";
import { registry } from "./calls.js";
import { type Config, readJson } from "./config.js";
import { say } from "./control.js";
import { Endpoints } from "./endpoints.js";
import { Player, SkipStep, type Step } from "./steps.js";

/** Plays the files, and says whether no step failed. */
async function run(config: Config, files: string[]): Promise<boolean> {
  const player = new Player(config);
  let good = true;
  for (const file of files) {
    for (const step of readJson<Step[]>(file)) {
      const line = await verdict(player, step, `${basename(file, ".json")}/${step.name}`);
      good &&= !line.startsWith("FAIL");
      say(line);
    }
  }
  player.close();
  return good;
}

async function verdict(player: Player, step: Step, name: string): Promise<string> {
  try {
    const wrong = await player.play(step);
    return wrong === undefined ? `ok ${name}` : `FAIL ${name}: ${oneLine(wrong)}`;
  } catch (error) {
    // A step that cannot be played has failed.
    return error instanceof SkipStep ? `skip ${name}: ${oneLine(error.message)}` : `FAIL ${name}: ${oneLine(String(error))}`;
  }
}

function oneLine(text: string): string {
  return text.split(/\s+/).join(" ");
}

/** Appends the events of a corpus to a session of their own. */
async function writeCorpus(config: Config, path: string): Promise<void> {
  await withClient(config, async (client, headers) => {
    const sessionId = `${config.run}-corpus`;
    await client.createSession({ sessionId }, { headers });
    for (const [index, value] of readJson<JsonValue[]>(path).entries()) {
      const event = fromJson(EventSchema, value, { registry });
      await client.appendEvent({ sessionId, eventId: `c${index}`, event }, { headers });
    }
  });
}

/** Appends the events of a session again, and prints whether the server takes each for the same. */
async function readCorpus(config: Config, sessionId: string): Promise<void> {
  await withClient(config, async (client, headers) => {
    for await (const { events } of client.getEvents({ sessionId }, { headers })) {
      for (const { sequence, eventId, event } of events) {
        const same = await client.appendEvent({ sessionId, eventId, event }, { headers }).then(
          (answer) => answer.alreadyExisted,
          (error: unknown) => refusedAsOther(error),
        );
        say(`${sequence} ${same ? "same" : "different"}`);
      }
    }
  });
}

function refusedAsOther(error: unknown): false {
  if (ConnectError.from(error).code === Code.AlreadyExists) {
    return false;
  }
  throw error;
}

type StoreClient = ReturnType<typeof createClient<typeof SessionStoreService>>;

async function withClient(
  config: Config, work: (client: StoreClient, headers: Record<string, string>) => Promise<void>,
): Promise<void> {
  const endpoints = new Endpoints(config);
  const client = createClient(SessionStoreService, endpoints.channel(config.default).transport);
  await work(client, endpoints.headers(config.default, undefined));
  endpoints.close();
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const lock = require("../../package-lock.json") as { packages: Record<string, { version?: string } | undefined> };
  const named = (name: string) => `${name} ${lock.packages[`node_modules/${name}`]?.version}`;
  return {
    language: `${named("typescript").replace("typescript", "TypeScript")} on Node.js ${process.versions.node}`,
    grpc: named("@connectrpc/connect-node"),
    protobuf: named("@bufbuild/protobuf"),
  };
}

async function main([command, ...rest]: string[]): Promise<number> {
  const [first, ...others] = rest;
  const second = others[0];
  if (command === "versions") {
    say(JSON.stringify(versions()));
  } else if (command === "run" && first !== undefined) {
    return (await run(readJson<Config>(first), others)) ? 0 : 1;
  } else if (command === "write-corpus" && first !== undefined && second !== undefined) {
    await writeCorpus(readJson<Config>(first), second);
  } else if (command === "read-corpus" && first !== undefined && second !== undefined) {
    await readCorpus(readJson<Config>(first), second);
  } else if (command === "bench" && first !== undefined) {
    say(JSON.stringify(await bench(readJson<Config>(first))));
  } else {
    process.stderr.write("usage: runner run|write-corpus|read-corpus|bench|versions …; see tests/crosslang/README.md\n");
    return 2;
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
// Standard input may still be open; it must not keep the runner alive.
process.stdin.destroy();
