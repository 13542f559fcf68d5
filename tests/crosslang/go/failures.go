package main

import (
	"encoding/json"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The standard names of the codes, which Go spells in its own way.
var codeNames = map[codes.Code]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

// failureOf is how a failed call is compared.
func failureOf(err error) map[string]any {
	return failure(status.Convert(err))
}

// failureOfStatus is how a failed commit of a stream is compared.
func failureOfStatus(stored *rpc.Status) map[string]any {
	return failure(status.FromProto(stored))
}

func failure(failed *status.Status) map[string]any {
	found := map[string]any{"code": codeNames[failed.Code()], "message": failed.Message()}
	for _, detail := range failed.Details() {
		switch typed := detail.(type) {
		case *errdetails.ErrorInfo:
			found["domain"], found["reason"] = typed.GetDomain(), typed.GetReason()
			if len(typed.GetMetadata()) > 0 {
				found["metadata"] = plain(typed.GetMetadata())
			}
		case *errdetails.BadRequest:
			fields := []string{}
			for _, violation := range typed.GetFieldViolations() {
				fields = append(fields, violation.GetField())
			}
			found["fields"] = plain(fields)
		case *errdetails.ResourceInfo:
			found["resource"] = map[string]any{"type": typed.GetResourceType(), "name": typed.GetResourceName()}
		case *errdetails.RetryInfo:
			found["retry"] = true
		}
	}
	return found
}

// plain turns a value into what JSON would make of it, so that it can be compared.
func plain(value any) any {
	var result any
	if err := json.NewDecoder(strings.NewReader(shown(value))).Decode(&result); err != nil {
		panic(err)
	}
	return result
}
