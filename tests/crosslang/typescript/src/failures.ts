/** How a failed call is compared. */
import type { JsonValue } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { AnySchema, anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../generated/google/rpc/error_details_pb.js";
import type { Status } from "../generated/google/rpc/status_pb.js";

export type Failure = { [key: string]: JsonValue };

/** The failure of a call. Throws what is no failure of a call. */
export function ofCall(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  const details = error.details.flatMap((detail) =>
    "type" in detail && detail.value instanceof Uint8Array
      ? [create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value })]
      : [],
  );
  // Connect prefers the code in the details; what the call ended with stands in its trailer.
  const ended = error.metadata.get("grpc-status");
  return failure(ended === null ? error.code : Number(ended), error.rawMessage, details);
}

/** The failure of one commit of a stream. */
export function ofStatus(status: Status): Failure {
  return failure(status.code, status.message, status.details);
}

function failure(code: number, message: string, details: Any[]): Failure {
  const found: Failure = { code: nameOf(code), message };
  for (const detail of details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    const bad = anyUnpack(detail, BadRequestSchema);
    const resource = anyUnpack(detail, ResourceInfoSchema);
    if (info !== undefined) {
      found.domain = info.domain;
      found.reason = info.reason;
      if (Object.keys(info.metadata).length > 0) {
        found.metadata = info.metadata;
      }
    } else if (bad !== undefined) {
      found.fields = bad.fieldViolations.map((violation) => violation.field);
    } else if (resource !== undefined) {
      found.resource = { type: resource.resourceType, name: resource.resourceName };
    } else if (anyIs(detail, RetryInfoSchema)) {
      found.retry = true;
    }
  }
  return found;
}

/** gRPC's name of a code, such as ABORTED. */
function nameOf(code: number): string {
  if (code === Code.Canceled) {
    return "CANCELLED";
  }
  return (Code[code] ?? String(code)).replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
