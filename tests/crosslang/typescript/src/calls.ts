/** The calls of both services by name, with their generated descriptors. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { create, createFileRegistry, createRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MethodDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { CallOptions, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { AdminService, file_sessionstore_v1_admin_service } from "../generated/sessionstore/v1/admin_service_pb.js";
import {
  file_sessionstore_v1_session_store_service,
  SessionStoreService,
} from "../generated/sessionstore/v1/session_store_service_pb.js";

/** The types that JSON may name in an Any. */
export const registry = createRegistry(file_sessionstore_v1_session_store_service, file_sessionstore_v1_admin_service);

/** The call of this name; names are unique over both services. */
export function callNamed(name: string): DescMethod {
  const methods: DescMethod[] = [...SessionStoreService.methods, ...AdminService.methods];
  const found = methods.find((method) => method.name === name);
  if (found === undefined) {
    throw new Error(`no call ${name}`);
  }
  return found;
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Calls a unary method by its stub. */
export function callUnary(
  transport: Transport, method: DescMethod, request: Message, options: CallOptions,
): Promise<Message> {
  return stub(transport, method)(request, options) as Promise<Message>;
}

/** Calls a method by its stub whose answers are a stream; its request is one too, where the method says so. */
export function callStreaming(
  transport: Transport, method: DescMethod, request: Message | AsyncIterable<Message>, options: CallOptions,
): AsyncIterable<Message> {
  return stub(transport, method)(request, options) as AsyncIterable<Message>;
}

function stub(transport: Transport, method: DescMethod): (request: unknown, options: CallOptions) => unknown {
  const client = createClient(method.parent, transport) as Record<
    string,
    ((request: unknown, options: CallOptions) => unknown) | undefined
  >;
  const found = client[method.localName];
  if (found === undefined) {
    throw new Error(`the stub has no ${method.localName}`);
  }
  return found;
}

/**
 * Sends bytes as they are to any path, and returns the bytes of the answers as they came.
 *
 * They travel as the unknown field of a message that has no field of its own: the first varint is its tag, and
 * whatever follows is written, or was read, unchanged.
 */
export async function callRaw(
  transport: Transport, path: string, request: Uint8Array, options: CallOptions,
): Promise<Uint8Array> {
  const method = rawMethod(path);
  // Unknown fields are no part of what a message is made from.
  const message = Object.assign(create(method.input), { $unknown: unknownOf(request) });
  async function* once() {
    yield message;
  }
  const answers: Uint8Array[] = [];
  for await (const answer of callStreaming(transport, method, once(), options)) {
    answers.push(toBinary(method.output, answer));
  }
  return Buffer.concat(answers);
}

function rawMethod(path: string): DescMethod {
  const [service = "", name = ""] = path.slice(1).split("/");
  const cut = service.lastIndexOf(".");
  const scope = service.slice(0, Math.max(cut, 0));
  const raw = scope === "" ? ".Raw" : `.${scope}.Raw`;
  const method = create(MethodDescriptorProtoSchema, {
    name, inputType: raw, outputType: raw, clientStreaming: true, serverStreaming: true,
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "raw.proto",
    package: scope,
    syntax: "proto3",
    messageType: [{ name: "Raw" }],
    service: [{ name: service.slice(cut + 1), method: [method] }],
  });
  const described = createFileRegistry(file, () => undefined).getService(service)?.methods[0];
  if (described === undefined) {
    throw new Error(`${path} is no path of a method`);
  }
  return described;
}

function unknownOf(bytes: Uint8Array): { no: number; wireType: number; data: Uint8Array }[] {
  let [tag, end] = [0, 0];
  while (end < bytes.length) {
    const byte = bytes[end] ?? 0;
    tag += (byte & 0x7f) * 2 ** (7 * end);
    end += 1;
    if (byte < 0x80) {
      return [{ no: Math.floor(tag / 8), wireType: tag % 8, data: bytes.subarray(end) }];
    }
  }
  if (bytes.length > 0) {
    throw new Error("raw bytes must begin with a whole tag");
  }
  return [];
}
