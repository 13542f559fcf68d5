//! Calls by their name, through the methods of the generated clients.

use anyhow::{Result, anyhow};
use prost::{Message, Name};
use serde_json::Value;
use tonic::{Request, Response, Status, Streaming};

use crate::channels::Caller;
use crate::json::{to_message, to_value};

/// A request before it has a type: its JSON, and bytes that are merged into it.
pub struct Draft<'a> {
    pub json: &'a Value,
    pub merged: &'a [u8],
}

impl Draft<'_> {
    fn message<Q: Message + Name + Default>(&self) -> Result<Q> {
        let mut message: Q = to_message(self.json)?;
        message.merge(self.merged)?;
        Ok(message)
    }
}

/// What a call answered.
pub struct Answer {
    /// All answers as one, in canonical JSON.
    pub value: Value,
    /// The same, as the language encodes it again.
    pub encoded: Vec<u8>,
    /// The encoded size of each answer of a stream.
    pub sizes: Vec<usize>,
}

/// Makes a call. The error is a Status when the call failed, else what kept it from being made.
pub async fn send(caller: &Caller, name: &str, draft: &Draft<'_>) -> Result<Answer> {
    include!(concat!(env!("OUT_DIR"), "/call_table.rs"))
}

async fn unary<Q: Message + Name + Default, A: Message + Name>(
    caller: &Caller,
    draft: &Draft<'_>,
    call: impl AsyncFnOnce(Request<Q>) -> Result<Response<A>, Status>,
) -> Result<Answer> {
    let request = caller.request(draft.message()?);
    let answer = caller.within(call(request)).await?.into_inner();
    Ok(Answer { value: to_value(&answer)?, encoded: answer.encode_to_vec(), sizes: Vec::new() })
}

async fn streaming<Q: Message + Name + Default, A: Message + Name + Default>(
    caller: &Caller,
    draft: &Draft<'_>,
    call: impl AsyncFnOnce(Request<Q>) -> Result<Response<Streaming<A>>, Status>,
) -> Result<Answer> {
    let request = caller.request(draft.message()?);
    let mut stream = caller.within(call(request)).await?.into_inner();
    let (mut joined, mut sizes) = (A::default(), Vec::new());
    while let Some(fragment) = caller.within(stream.message()).await? {
        let encoded = fragment.encode_to_vec();
        joined.merge(&*encoded)?;
        sizes.push(encoded.len());
    }
    Ok(Answer { value: to_value(&joined)?, encoded: joined.encode_to_vec(), sizes })
}
