// Connects to a server: unix:PATH or HOST:PORT. SESSIOND_TOKEN is sent as a bearer token, and SESSIOND_TLS_CA names the
// authority of a server with TLS.
import { readFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { SessionStoreService } from "./generated/sessionstore/v1/session_store_service_pb.js";
import type { Connection } from "./resuming-tail.js";

export function connectTo(address: string): Connection {
  const path = address.startsWith("unix:") ? address.slice("unix:".length) : undefined;
  const caFile = process.env["SESSIOND_TLS_CA"];
  // The path of a socket is no host name: the calls send that of the URL.
  const host = path === undefined ? address : "localhost";
  const baseUrl = `${path === undefined && caFile ? "https" : "http"}://${host}`;
  const sessionManager = new Http2SessionManager(baseUrl, undefined, {
    ...(path === undefined ? {} : { createConnection: () => connectSocket(path) }),
    ...(caFile ? { ca: readFileSync(caFile) } : {}),
  });
  const transport = createGrpcTransport({ baseUrl, sessionManager, interceptors: [sendToken] });
  return { client: createClient(SessionStoreService, transport), reset: () => sessionManager.abort() };
}

const sendToken: Interceptor = (next) => (request) => {
  const token = process.env["SESSIOND_TOKEN"];
  if (token) {
    request.header.set("authorization", `Bearer ${token}`);
  }
  return next(request);
};
