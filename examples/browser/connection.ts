// Connects a page to a server: http://HOST:PORT or https://HOST:PORT, over Connect or gRPC-Web.
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { SessionStoreService } from "./generated/sessionstore/v1/session_store_service_pb.js";

export interface Server {
  address: string;
  token: string;
  protocol: string;
}

/** `onAnswered` hears of each call that the server began to answer. */
export function connectTo(
  { address, token, protocol }: Server, onAnswered: () => void = () => {},
): Client<typeof SessionStoreService> {
  const sendToken: Interceptor = (next) => async (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    const answer = await next(request);
    onAnswered();
    return answer;
  };
  const options = { baseUrl: address, interceptors: [sendToken], useBinaryFormat: true };
  return createClient(
    SessionStoreService, protocol === "grpc-web" ? createGrpcWebTransport(options) : createConnectTransport(options),
  );
}
