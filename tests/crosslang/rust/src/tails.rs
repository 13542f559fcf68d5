//! Open tails, read step by step.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use crate::channels::Caller;
use crate::failures;
use crate::json::{to_message, to_value};
use crate::patterns::{check, shown};
use crate::step::Step;
use crate::stubs::sessionstore::v1::tail_events_response::Frame;
use crate::stubs::sessionstore::v1::{TailEventsRequest, TailEventsResponse};

const PATIENCE: Duration = Duration::from_secs(30);

/// One tail, with the sequence that it has accounted for.
pub struct OpenTail {
    /// It keeps the connection while the tail is open.
    caller: Caller,
    /// A failure to open it is kept for the first read.
    stream: Result<Streaming<TailEventsResponse>, Status>,
    accounted: Option<u64>,
}

/// How a read came to its end.
enum End {
    Met,
    Ended,
    Failed(Status),
}

/// What was read in one step.
#[derive(Default)]
struct Seen {
    kind: String,
    content: Value,
    events: Vec<Value>,
}

impl OpenTail {
    pub async fn open(caller: Caller, request: &Value) -> Result<Self> {
        let request = caller.request(to_message::<TailEventsRequest>(request)?);
        // Tonic hands out a stream when the headers have come; a failure may come in their place.
        let mut client = caller.session_store();
        let opened = timeout(PATIENCE, caller.within(client.tail_events(request))).await.context("nothing came")?;
        Ok(Self { caller, stream: opened.map(|answer| answer.into_inner()), accounted: None })
    }

    /// Takes frames until the step's `until` is met, and compares; the answer is what `save` picks from.
    pub async fn read(&mut self, step: &Step) -> Result<Value> {
        let mut seen = Seen::default();
        let end = timeout(PATIENCE, self.take(&step.until, &mut seen)).await;
        let last = format!("the last frame was {} {}", seen.kind, shown(&seen.content));
        let end = end.with_context(|| format!("nothing met `until` in {PATIENCE:?}; {last}"))??;
        let events = Value::Array(seen.events);
        match (end, &step.error) {
            (End::Failed(status), None) => bail!("the tail failed: {}", shown(&failures::of_call(&status)?)),
            (End::Failed(status), Some(expected)) => check(expected, &failures::of_call(&status)?, "")?,
            (_, Some(_)) => bail!("the tail did not fail; {last}"),
            (End::Ended, None) => ensure!(step.until == "end", "the tail has ended; {last}"),
            (End::Met, None) => {}
        }
        if let Some(expected) = &step.frame {
            check(expected, &seen.content, "frame")?;
        }
        if let Some(expected) = &step.events {
            check(expected, &events, "events")?;
        }
        Ok(json!({"frame": seen.content, "events": events}))
    }

    async fn take(&mut self, until: &Value, seen: &mut Seen) -> Result<End> {
        let stream = match &mut self.stream {
            Ok(stream) => stream,
            Err(status) => return Ok(End::Failed(status.clone())),
        };
        while !seen.meets(until) {
            match self.caller.within(stream.message()).await {
                Err(status) => return Ok(End::Failed(status)),
                Ok(None) => return Ok(End::Ended),
                Ok(Some(answer)) => {
                    account(&mut self.accounted, &answer)?;
                    seen.add(&answer)?;
                }
            }
        }
        Ok(End::Met)
    }
}

impl Seen {
    fn add(&mut self, answer: &TailEventsResponse) -> Result<()> {
        let Value::Object(frame) = to_value(answer)? else {
            bail!("a frame that is no object");
        };
        (self.kind, self.content) = frame.into_iter().next().context("a frame of no kind")?;
        if let ("events", Some(events)) = (self.kind.as_str(), self.content["events"].as_array()) {
            self.events.extend_from_slice(events);
        }
        Ok(())
    }

    fn meets(&self, until: &Value) -> bool {
        match until.as_u64() {
            Some(count) => self.events.len() as u64 >= count,
            None => self.kind == *until,
        }
    }
}

/// Checks that a range follows on the one before.
fn account(accounted: &mut Option<u64>, answer: &TailEventsResponse) -> Result<()> {
    let last = match &answer.frame {
        Some(Frame::Events(batch)) => {
            if let Some(before) = *accounted {
                ensure!(batch.first_sequence == before + 1, "a gap: {} follows on {before}", batch.first_sequence);
            }
            Some(batch.last_sequence)
        }
        Some(Frame::CaughtUp(frame)) => frame.last_sequence,
        Some(Frame::Heartbeat(frame)) => frame.last_sequence,
        Some(Frame::Draining(frame)) => frame.last_sequence,
        Some(Frame::SessionDeleted(_)) | None => None,
    };
    *accounted = last.or(*accounted);
    Ok(())
}
