//! A tail that goes on where it was, over disconnects, restarts and crashes of the daemon. This is the file to copy.
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use prost::Message;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use crate::Client;
use crate::stubs::google::rpc;
use crate::stubs::sessionstore::v1::tail_events_request::Start;
use crate::stubs::sessionstore::v1::tail_events_response::Frame;
use crate::stubs::sessionstore::v1::{StoredEvent, TailEventsRequest};

const HEARTBEAT_SECONDS: i32 = 5;
const SILENCE: Duration = Duration::from_secs(3 * HEARTBEAT_SECONDS as u64);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub enum TailError {
    /// The events after the cursor were deleted.
    HistoryTrimmed { first_available_sequence: u64 },
    /// The server left out an event.
    Gap { missing: u64 },
    Status(Box<Status>),
}

impl fmt::Display for TailError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::HistoryTrimmed { first_available_sequence } => write!(out, "the oldest event is {first_available_sequence}"),
            Self::Gap { missing } => write!(out, "event {missing} is missing"),
            Self::Status(status) => status.fmt(out),
        }
    }
}

impl std::error::Error for TailError {}

/// Hands on the events after `last`, or from the beginning, until the session is deleted.
pub async fn resuming_tail(
    client: &mut Client, session: &str, mut last: Option<u64>, mut each: impl FnMut(StoredEvent),
) -> Result<(), TailError> {
    let mut pause = FIRST_PAUSE;
    // No cursor names the place before the first event, at which a tail of an empty session waits.
    let mut was_empty = false;
    loop {
        match tail_once(client, session, &mut last, &mut was_empty, &mut pause, &mut each).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(TailError::Status(status)) if is_broken(&status) => {}
            Err(TailError::Status(status)) => return Err(trimmed(status)),
            Err(error) => return Err(error),
        }
        // Not all clients at once. The standard library's hasher is seeded at random.
        let jitter = 0.5 + (RandomState::new().hash_one(0) % 1024) as f64 / 1024.0;
        sleep(pause.mul_f64(jitter)).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Follows one stream to its end, and answers whether the session was deleted.
async fn tail_once(
    client: &mut Client, session: &str, last: &mut Option<u64>, was_empty: &mut bool, pause: &mut Duration,
    each: &mut impl FnMut(StoredEvent),
) -> Result<bool, TailError> {
    let request = TailEventsRequest {
        session_id: session.into(),
        start: last.map(Start::AfterSequence),
        heartbeat_interval_seconds: HEARTBEAT_SECONDS,
        ..Default::default()
    };
    // Silence means that the connection is dead; what is dropped is cancelled.
    let silent = |_| Status::unavailable("no frame for three heartbeats");
    let opened = timeout(SILENCE, client.tail_events(request)).await.map_err(silent).flatten();
    let mut stream = opened.map_err(broken)?.into_inner();
    while let Some(answer) = timeout(SILENCE, stream.message()).await.map_err(silent).flatten().map_err(broken)? {
        *pause = FIRST_PAUSE;
        let accounted = match answer.frame {
            Some(Frame::Events(batch)) => {
                let next = last.map_or(batch.first_sequence, |last| last + 1);
                if batch.first_sequence > next {
                    return Err(TailError::Gap { missing: next });
                }
                if last.is_none() && *was_empty && next > 0 {
                    return Err(TailError::HistoryTrimmed { first_available_sequence: next });
                }
                batch.events.into_iter().filter(|stored| stored.sequence >= next).for_each(&mut *each);
                *last = (*last).max(Some(batch.last_sequence)); // it accounts for events that a filter left out, too
                continue;
            }
            Some(Frame::CaughtUp(frame)) => frame.last_sequence,
            Some(Frame::Heartbeat(frame)) => frame.last_sequence,
            Some(Frame::Draining(frame)) => frame.last_sequence,
            Some(Frame::SessionDeleted(_)) => return Ok(true),
            None => continue, // of a newer server
        };
        match accounted {
            Some(accounted) if last.is_none() && *was_empty => {
                return Err(TailError::HistoryTrimmed { first_available_sequence: accounted + 1 });
            }
            Some(_) => *last = (*last).max(accounted),
            None => *was_empty = true,
        }
    }
    Ok(false)
}

fn broken(status: Status) -> TailError {
    TailError::Status(Box::new(status))
}

/// A server that shuts down ends the calls that it has not begun with CANCELLED; a connection that breaks in mid-stream
/// is UNKNOWN or INTERNAL with an error of the transport as its source.
fn is_broken(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Cancelled) || std::error::Error::source(status).is_some()
}

fn trimmed(status: Box<Status>) -> TailError {
    let details = rpc::Status::decode(status.details()).unwrap_or_default().details;
    let is_info = |detail: &&prost_types::Any| detail.type_url.ends_with("/google.rpc.ErrorInfo");
    let mut infos = details.iter().filter(is_info).filter_map(|any| rpc::ErrorInfo::decode(&*any.value).ok());
    let info = infos.find(|info| info.reason == "HISTORY_TRIMMED");
    match info.and_then(|info| info.metadata.get("first_available_sequence")?.parse().ok()) {
        Some(first_available_sequence) => TailError::HistoryTrimmed { first_available_sequence },
        None => TailError::Status(status),
    }
}
