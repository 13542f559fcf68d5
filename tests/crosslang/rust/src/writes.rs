//! Write streams: all requests at once, all outcomes together.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tonic::Status;

use crate::channels::Caller;
use crate::failures;
use crate::json::{to_message, to_value};
use crate::patterns::{check, shown};
use crate::step::Step;
use crate::stubs::sessionstore::v1::{CommitOutcome, WriteRequest, commit_outcome};

/// Sends the requests, and compares the outcomes and the end of the stream; the answer is what `save` picks from.
pub async fn play(caller: &Caller, step: &Step, requests: &[Value]) -> Result<Value> {
    let requests = requests.iter().map(to_message).collect::<Result<Vec<WriteRequest>>>()?;
    let mut outcomes = Vec::new();
    let ended = receive(caller, requests, |outcome| outcomes.push(outcome)).await;
    let outcomes = Value::Array(outcomes.iter().map(value_of).collect::<Result<_>>()?);
    check(&step.outcomes, &outcomes, "outcomes")?;
    match (&step.error, ended) {
        (None, Ok(())) => Ok(json!({"outcomes": outcomes})),
        (None, Err(status)) => bail!("the stream failed: {}", shown(&failures::of_call(&status)?)),
        (Some(_), Ok(())) => bail!("expected a failure of the stream"),
        (Some(expected), Err(status)) => {
            check(expected, &failures::of_call(&status)?, "")?;
            Ok(json!({"outcomes": outcomes}))
        }
    }
}

/// Sends without waiting for answers, and hands on the outcomes as they come.
pub async fn receive(
    caller: &Caller,
    requests: Vec<WriteRequest>,
    mut each: impl FnMut(CommitOutcome),
) -> Result<(), Status> {
    let request = caller.request(tokio_stream::iter(requests));
    let mut stream = caller.within(caller.session_store().write(request)).await?.into_inner();
    while let Some(answer) = caller.within(stream.message()).await? {
        answer.outcomes.into_iter().for_each(&mut each);
    }
    Ok(())
}

fn value_of(outcome: &CommitOutcome) -> Result<Value> {
    match &outcome.outcome {
        Some(commit_outcome::Outcome::Result(result)) => Ok(json!({"result": to_value(result)?})),
        Some(commit_outcome::Outcome::Error(status)) => Ok(json!({"error": failures::of_status(status)?})),
        None => bail!("an outcome of no kind"),
    }
}
