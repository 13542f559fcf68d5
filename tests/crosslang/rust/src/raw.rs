//! Calls whose bytes are sent and received as they are, to any path.

use anyhow::{Context, Result};
use prost::bytes::{Buf, BufMut};
use tokio_stream::once;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Bytes;
use tonic::codegen::http::uri::PathAndQuery;

use crate::channels::{Caller, MAX_ANSWER_BYTES};

/// Sends bytes to a path, and joins the bytes that come. The error is a Status when the call failed.
pub async fn send(caller: &Caller, path: &str, request: Vec<u8>) -> Result<Vec<u8>> {
    let path: PathAndQuery = path.parse().with_context(|| path.to_owned())?;
    let mut client = Grpc::new(caller.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let request = caller.request(once(Bytes::from(request)));
    let mut stream = caller.within(client.streaming(request, path, RawCodec)).await?.into_inner();
    let mut joined = Vec::new();
    while let Some(answer) = caller.within(stream.message()).await? {
        joined.extend_from_slice(&answer);
    }
    Ok(joined)
}

struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
