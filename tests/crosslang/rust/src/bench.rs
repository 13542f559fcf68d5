//! What appends and tails cost; see ../../README.md for what each figure is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::try_join;
use tonic::Streaming;

use crate::channels::{Caller, default_caller};
use crate::config::Config;
use crate::stubs::sessionstore::v1::tail_events_request::Start;
use crate::stubs::sessionstore::v1::tail_events_response::Frame;
use crate::stubs::sessionstore::v1::*;
use crate::writes;

const BULK_EVENTS: usize = 50_000;

#[derive(Clone)]
struct Bench {
    caller: Caller,
    prefix: String,
    event: Event,
}

pub async fn measure(config: &Config) -> Result<Value> {
    let part = MessagePart { content: "x".repeat(200), message_id: "m".to_owned() };
    let bench = Bench {
        caller: default_caller(config)?,
        prefix: format!("{}-bench", config.run),
        event: Event { kind: Some(event::Kind::MessagePart(part)), ..Default::default() },
    };
    Ok(json!({
        "append_p50_us": rounded(bench.append_one().await.context("append_one")?),
        "append_64_per_second": rounded(bench.append_many().await.context("append_many")?),
        "latency_p50_us": rounded(bench.latency().await.context("latency")?),
        "write_per_second": rounded(bench.write().await.context("write")?),
        // It reads what `write` wrote.
        "tail_per_second": rounded(bench.tail().await.context("tail")?),
    }))
}

impl Bench {
    async fn session(&self, name: &str) -> Result<String> {
        let session_id = format!("{}-{name}", self.prefix);
        let create = CreateSessionRequest { session_id: Some(session_id.clone()), ..Default::default() };
        self.caller.session_store().create_session(self.caller.request(create)).await?;
        Ok(session_id)
    }

    async fn append(&self, session_id: &str) -> Result<()> {
        let append = AppendEventRequest {
            session_id: session_id.to_owned(),
            event: Some(self.event.clone()),
            ..Default::default()
        };
        self.caller.session_store().append_event(self.caller.request(append)).await?;
        Ok(())
    }

    async fn append_one(&self) -> Result<f64> {
        let session_id = self.session("one").await?;
        let mut times = Vec::new();
        for index in 0..1_100 {
            let began = Instant::now();
            self.append(&session_id).await?;
            if index >= 100 {
                times.push(began.elapsed());
            }
        }
        median_us(times)
    }

    async fn append_many(&self) -> Result<f64> {
        let mut sessions = Vec::new();
        for index in 0..64 {
            sessions.push(self.session(&format!("many-{index}")).await?);
        }
        let began = Instant::now();
        let mut workers = JoinSet::new();
        for session_id in sessions {
            let bench = self.clone();
            workers.spawn(async move {
                for _ in 0..125 {
                    bench.append(&session_id).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker??;
        }
        Ok(8_000.0 / began.elapsed().as_secs_f64())
    }

    async fn write(&self) -> Result<f64> {
        let append = EventAppend { event: Some(self.event.clone()), ..Default::default() };
        let mutation = Mutation { kind: Some(mutation::Kind::AppendEvent(append)) };
        let session_id = self.session("bulk").await?;
        let commit = CommitRequest { session_id, mutations: vec![mutation; 10], ..Default::default() };
        let requests = vec![WriteRequest { commits: vec![commit; 50] }; 100];
        let mut answered = 0;
        let began = Instant::now();
        let count = |outcome: CommitOutcome| match outcome.outcome {
            Some(commit_outcome::Outcome::Result(result)) => answered += result.results.len(),
            Some(commit_outcome::Outcome::Error(_)) | None => {}
        };
        writes::receive(&self.caller, requests, count).await?;
        ensure!(answered == BULK_EVENTS, "{answered} events were answered");
        Ok(BULK_EVENTS as f64 / began.elapsed().as_secs_f64())
    }

    async fn tail(&self) -> Result<f64> {
        let session_id = format!("{}-bulk", self.prefix);
        let began = Instant::now();
        let mut stream = self.follow(TailEventsRequest { session_id, no_follow: true, ..Default::default() }).await?;
        let mut seen = 0;
        while let Some(answer) = stream.message().await? {
            if let Some(Frame::Events(batch)) = answer.frame {
                seen += batch.events.len();
            }
        }
        ensure!(seen == BULK_EVENTS, "{seen} events came");
        Ok(BULK_EVENTS as f64 / began.elapsed().as_secs_f64())
    }

    async fn latency(&self) -> Result<f64> {
        let session_id = self.session("latency").await?;
        let start = Some(Start::FromNow(true));
        let request = TailEventsRequest { session_id: session_id.clone(), start, ..Default::default() };
        let mut stream = self.follow(request).await?;
        // The first frame says that the tail is open.
        stream.message().await?;
        let mut times = Vec::new();
        for _ in 0..500 {
            let began = Instant::now();
            let arrival = async {
                next_events(&mut stream).await?;
                Ok(began.elapsed())
            };
            let ((), elapsed) = try_join!(self.append(&session_id), arrival)?;
            times.push(elapsed);
        }
        median_us(times)
    }

    async fn follow(&self, request: TailEventsRequest) -> Result<Streaming<TailEventsResponse>> {
        Ok(self.caller.session_store().tail_events(self.caller.request(request)).await?.into_inner())
    }
}

/// Waits for events, past heartbeats.
async fn next_events(stream: &mut Streaming<TailEventsResponse>) -> Result<()> {
    while let Some(answer) = stream.message().await? {
        if matches!(answer.frame, Some(Frame::Events(_))) {
            return Ok(());
        }
    }
    bail!("the tail has ended")
}

fn median_us(mut times: Vec<Duration>) -> Result<f64> {
    times.sort();
    let median = times.get(times.len() / 2).context("nothing was measured")?;
    Ok(median.as_secs_f64() * 1e6)
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
