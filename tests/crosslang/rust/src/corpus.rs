//! Events of all kinds, written by this language, and given back as it read them.

use anyhow::Result;
use serde_json::Value;
use tonic::Code;

use crate::channels::default_caller;
use crate::config::{Config, read_json};
use crate::json::to_message;
use crate::stubs::sessionstore::v1::{AppendEventRequest, CreateSessionRequest, Event, GetEventsRequest};

/// Appends the events of a corpus to a session of their own.
pub async fn write(config: &Config, path: &str) -> Result<()> {
    let caller = default_caller(config)?;
    let mut client = caller.session_store();
    let session_id = format!("{}-corpus", config.run);
    let create = CreateSessionRequest { session_id: Some(session_id.clone()), ..Default::default() };
    client.create_session(caller.request(create)).await?;
    for (index, value) in read_json::<Vec<Value>>(path)?.iter().enumerate() {
        let event: Event = to_message(value)?;
        let append = AppendEventRequest {
            session_id: session_id.clone(),
            event_id: Some(format!("c{index}")),
            event: Some(event),
            ..Default::default()
        };
        client.append_event(caller.request(append)).await?;
    }
    Ok(())
}

/// Appends the events of a session again, and prints whether the server takes each for the same.
pub async fn read(config: &Config, session_id: &str) -> Result<()> {
    let caller = default_caller(config)?;
    let mut client = caller.session_store();
    let get = GetEventsRequest { session_id: session_id.to_owned(), ..Default::default() };
    let mut stream = client.get_events(caller.request(get)).await?.into_inner();
    while let Some(fragment) = stream.message().await? {
        for stored in fragment.events {
            let append = AppendEventRequest {
                session_id: session_id.to_owned(),
                event_id: stored.event_id,
                event: stored.event,
                ..Default::default()
            };
            let same = match client.append_event(caller.request(append)).await {
                Ok(answer) => answer.into_inner().already_existed,
                Err(status) if status.code() == Code::AlreadyExists => false,
                Err(status) => return Err(status.into()),
            };
            println!("{} {}", stored.sequence, if same { "same" } else { "different" });
        }
    }
    Ok(())
}
