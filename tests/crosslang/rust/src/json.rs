//! Protobuf's canonical JSON, which prost's own types know nothing of: they pass through prost-reflect.

use std::sync::LazyLock;

use anyhow::{Context, Result};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let set = include_bytes!("../../../../docs/api/sessionstore.binpb");
    DescriptorPool::decode(&set[..]).expect("the stubs were generated from the same set")
});

/// Reads a message from its canonical JSON.
pub fn to_message<M: Message + Name + Default>(value: &Value) -> Result<M> {
    let dynamic = DynamicMessage::deserialize(descriptor::<M>()?, value).with_context(M::full_name)?;
    Ok(dynamic.transcode_to()?)
}

/// A message in canonical JSON.
pub fn to_value<M: Message + Name>(message: &M) -> Result<Value> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message)?;
    Ok(serde_json::to_value(dynamic)?)
}

/// The full path of a call, whose name is unique over all services.
pub fn path_of(call: &str) -> Result<String> {
    let mut methods = POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let method = methods.find(|method| method.name() == call).with_context(|| format!("no call {call}"))?;
    Ok(format!("/{}/{call}", method.parent_service().full_name()))
}

fn descriptor<M: Name>() -> Result<MessageDescriptor> {
    let name = M::full_name();
    POOL.get_message_by_name(&name).with_context(|| format!("no message {name}"))
}
