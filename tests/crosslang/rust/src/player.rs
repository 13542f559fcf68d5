//! Plays steps: sends what they say, and compares what comes.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::calls::{self, Answer, Draft};
use crate::channels::{Caller, Channels};
use crate::config::Config;
use crate::failures;
use crate::json::path_of;
use crate::patterns::{check, shown};
use crate::step::{Step, bytes};
use crate::tails::OpenTail;
use crate::values::{Variables, expand, pick};
use crate::{control, raw, writes};

const LANGUAGE: &str = "rust";
const DEADLINE: Duration = Duration::from_secs(30);

pub enum Verdict {
    Good,
    Wrong(String),
    Skipped(String),
}

/// Plays the steps of one run, in order.
pub struct Player {
    config: Config,
    channels: Channels,
    variables: Variables,
    tails: HashMap<String, OpenTail>,
}

impl Player {
    pub fn new(config: Config) -> Self {
        let variables = Variables::from([("run".to_owned(), config.run.clone())]);
        Self { config, channels: Channels::default(), variables, tails: HashMap::new() }
    }

    /// Plays one step. What cannot be played is wrong, too.
    pub async fn play(&mut self, written: Value) -> Verdict {
        match self.try_play(written).await {
            Ok(None) => Verdict::Good,
            Ok(Some(why)) => Verdict::Skipped(why),
            Err(error) => Verdict::Wrong(format!("{error:#}")),
        }
    }

    /// Plays a step, unless there is a reason not to, which is the answer.
    async fn try_play(&mut self, written: Value) -> Result<Option<String>> {
        // What a step is skipped for stands in it as it is; its variables may be of steps that were skipped, too.
        if let Some(why) = self.skip(&Step::deserialize(&written)?) {
            return Ok(Some(why));
        }
        let step = serde_json::from_value(expand(written, &self.variables)?)?;
        let found = self.perform(&step).await?;
        for (variable, path) in &step.save {
            self.variables.insert(variable.clone(), pick(&found, path)?);
        }
        Ok(None)
    }

    fn skip(&self, step: &Step) -> Option<String> {
        if let Some(why) = step.unsupported.get(LANGUAGE) {
            return Some(why.clone());
        }
        if let Some(why) = step.on.as_ref().and_then(|endpoint| self.config.absent.get(endpoint)) {
            return Some(why.clone());
        }
        let needed = step.needed()?;
        let is_there = self.config.controls.iter().any(|control| control == needed);
        (!is_there).then(|| "nobody is there to do to the server what this needs".to_owned())
    }

    /// Does what the step says; the answer is what `save` picks from.
    async fn perform(&mut self, step: &Step) -> Result<Value> {
        if let Some(request) = &step.raw_base64 {
            self.send_raw(step, bytes(request)?).await
        } else if let Some(call) = &step.call {
            self.send(step, call).await
        } else if let Some(requests) = &step.write {
            writes::play(&self.caller(step)?.lasting(limit(step)), step, requests).await
        } else if let Some(name) = &step.tail {
            let tail = self.open(step).await?;
            self.tails.insert(name.clone(), tail);
            Ok(Value::Null)
        } else if let Some(name) = &step.read {
            self.tails.get_mut(name).with_context(|| format!("no tail {name}"))?.read(step).await
        } else if let Some(name) = &step.cancel {
            // What is dropped is cancelled.
            self.tails.remove(name).with_context(|| format!("no tail {name}"))?;
            Ok(Value::Null)
        } else if let Some(words) = &step.control {
            self.control(words)
        } else {
            bail!("a step of no kind")
        }
    }

    fn caller(&mut self, step: &Step) -> Result<Caller> {
        let endpoint = step.on.as_ref().unwrap_or(&self.config.default);
        self.channels.caller(&self.config, endpoint, step.token.as_deref())
    }

    async fn send(&mut self, step: &Step, call: &str) -> Result<Value> {
        let caller = self.caller(step)?.lasting(limit(step));
        let draft = Draft { json: &step.request, merged: &bytes(&step.request_base64)? };
        let answer = match calls::send(&caller, call, &draft).await {
            Ok(answer) => answer,
            Err(error) => return check_failure(step, failures::of_error(error)?),
        };
        ensure!(step.error.is_none(), "expected a failure, got {}", shown(&answer.value));
        if let Some(expected) = &step.expect {
            check(expected, &answer.value, "")?;
        }
        check_bytes(step, &answer.encoded)?;
        check_fragments(step, &answer)?;
        Ok(answer.value)
    }

    async fn send_raw(&mut self, step: &Step, request: Vec<u8>) -> Result<Value> {
        let path = match (&step.method, &step.call) {
            (Some(path), _) => path.clone(),
            (None, Some(call)) => path_of(call)?,
            (None, None) => bail!("neither a call nor a method"),
        };
        let caller = self.caller(step)?.lasting(limit(step));
        match raw::send(&caller, &path, request).await {
            Err(error) => check_failure(step, failures::of_error(error)?),
            Ok(_) if step.error.is_some() => bail!("expected a failure"),
            Ok(answer) => check_bytes(step, &answer).map(|()| Value::Null),
        }
    }

    async fn open(&mut self, step: &Step) -> Result<OpenTail> {
        let caller = self.caller(step)?;
        let limited = match step.deadline_ms {
            Some(_) => caller.lasting(limit(step)),
            None => caller,
        };
        OpenTail::open(limited, &step.request).await
    }

    fn control(&mut self, words: &str) -> Result<Value> {
        let answered = control::ask(words);
        self.channels.forget();
        if let Some(tokens) = answered? {
            self.config.tokens = tokens;
        }
        Ok(Value::Null)
    }
}

fn limit(step: &Step) -> Duration {
    step.deadline_ms.map_or(DEADLINE, Duration::from_millis)
}

fn check_failure(step: &Step, failure: Value) -> Result<Value> {
    match &step.error {
        Some(expected) => check(expected, &failure, "").map(|()| failure),
        None => bail!("failed: {}", shown(&failure)),
    }
}

fn check_bytes(step: &Step, answer: &[u8]) -> Result<()> {
    let part = bytes(&step.answer_contains_base64)?;
    let found = part.is_empty() || answer.windows(part.len()).any(|window| window == part);
    ensure!(found, "the bytes {} are not in the answer", step.answer_contains_base64);
    Ok(())
}

fn check_fragments(step: &Step, Answer { sizes, .. }: &Answer) -> Result<()> {
    if let Some(expected) = &step.fragments {
        let (count, largest) = (sizes.len(), sizes.iter().copied().max().unwrap_or(0));
        let fits = count >= expected.at_least && largest <= expected.max_bytes;
        let wanted = format!("{} or more of at most {}", expected.at_least, expected.max_bytes);
        ensure!(fits, "{count} fragments of at most {largest} bytes, expected {wanted}");
    }
    Ok(())
}
