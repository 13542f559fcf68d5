/** The connections to the endpoints of a config. */
import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { connect } from "node:net";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Config, Endpoint } from "./config.js";

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** One connection, made when it is first used. */
export class Channel {
  readonly transport: Transport;
  openTails = 0;
  readonly #session: Http2SessionManager;

  constructor(endpoint: Endpoint) {
    const { baseUrl, nodeOptions } = target(endpoint);
    this.#session = new Http2SessionManager(baseUrl, undefined, nodeOptions);
    this.transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#session,
      readMaxBytes: MAX_ANSWER_BYTES,
    });
  }

  close(): void {
    this.#session.abort();
  }
}

/** The channels of a run. */
export class Endpoints {
  readonly #config: Config;
  readonly #channels = new Map<string, Channel>();
  #inUse: Channel[] = [];

  constructor(config: Config) {
    this.#config = config;
  }

  channel(name: string): Channel {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      const endpoint = this.#config.endpoints[name];
      if (endpoint === undefined) {
        throw new Error(`no endpoint ${name}`);
      }
      channel = new Channel(endpoint);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  /** What a call sends along, with the endpoint's own token unless another is named. */
  headers(name: string, token: string | undefined): Record<string, string> {
    const used = token ?? this.#config.endpoints[name]?.token;
    if (used === undefined || used === "nobody") {
      return {};
    }
    const secret = this.#config.tokens[used];
    if (secret === undefined) {
      throw new Error(`no token ${used}`);
    }
    return { authorization: `Bearer ${secret}` };
  }

  /** Has the next call connect anew; only what tails use stays open. */
  forget(): void {
    const channels = [...this.#inUse, ...this.#channels.values()];
    this.#channels.clear();
    this.#inUse = channels.filter((channel) => channel.openTails > 0);
    channels.filter((channel) => channel.openTails === 0).forEach((channel) => channel.close());
  }

  close(): void {
    [...this.#inUse, ...this.#channels.values()].forEach((channel) => channel.close());
  }
}

function target(endpoint: Endpoint): { baseUrl: string; nodeOptions: SecureClientSessionOptions } {
  const { address } = endpoint;
  if (address.startsWith("unix:")) {
    const path = address.slice("unix:".length);
    // The host of the URL is the authority that calls send.
    return { baseUrl: "http://localhost", nodeOptions: { createConnection: () => connect(path) } };
  }
  if (endpoint.ca_file === undefined) {
    return { baseUrl: `http://${address}`, nodeOptions: {} };
  }
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const nodeOptions = {
    ca: read(endpoint.ca_file),
    cert: read(endpoint.certificate_file),
    key: read(endpoint.key_file),
  };
  return { baseUrl: `https://${address}`, nodeOptions };
}
