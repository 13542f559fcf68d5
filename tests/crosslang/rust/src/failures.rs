//! How a failed call is compared.

use anyhow::Result;
use prost::{Message, Name};
use prost_types::Any;
use serde_json::{Value, json};
use tonic::Status;

use crate::stubs::google::rpc;

/// The names of gRPC's codes, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The failure of a call. Hands back an error that is no failure of a call.
pub fn of_error(error: anyhow::Error) -> Result<Value> {
    of_call(&error.downcast::<Status>()?)
}

/// The failure of a call.
pub fn of_call(status: &Status) -> Result<Value> {
    let details = rpc::Status::decode(status.details())?.details;
    failure(status.code() as i32, status.message(), &details)
}

/// The failure of one commit of a stream.
pub fn of_status(status: &rpc::Status) -> Result<Value> {
    failure(status.code, &status.message, &status.details)
}

fn failure(code: i32, message: &str, details: &[Any]) -> Result<Value> {
    let name = usize::try_from(code).ok().and_then(|index| CODES.get(index));
    let mut found = json!({"code": name, "message": message});
    for detail in details {
        if let Some(info) = unpack::<rpc::ErrorInfo>(detail)? {
            found["domain"] = info.domain.into();
            found["reason"] = info.reason.into();
            if !info.metadata.is_empty() {
                found["metadata"] = json!(info.metadata);
            }
        } else if let Some(request) = unpack::<rpc::BadRequest>(detail)? {
            found["fields"] = request.field_violations.into_iter().map(|violation| violation.field).collect();
        } else if let Some(resource) = unpack::<rpc::ResourceInfo>(detail)? {
            found["resource"] = json!({"type": resource.resource_type, "name": resource.resource_name});
        } else if unpack::<rpc::RetryInfo>(detail)?.is_some() {
            found["retry"] = true.into();
        }
    }
    Ok(found)
}

/// The message in a detail, when it is of this type.
fn unpack<M: Message + Name + Default>(detail: &Any) -> Result<Option<M>> {
    // Only what follows the last slash says which message it is.
    let name = detail.type_url.rsplit('/').next().unwrap_or_default();
    Ok(if name == M::full_name() { Some(M::decode(&*detail.value)?) } else { None })
}
