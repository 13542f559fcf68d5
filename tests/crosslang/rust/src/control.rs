//! What a scenario asks to be done to the server.

use std::collections::HashMap;
use std::io::stdin;

use anyhow::{Result, bail};
use serde::Deserialize;

/// What may follow `done`.
#[derive(Deserialize)]
struct Changed {
    tokens: Option<HashMap<String, String>>,
}

/// Asks whoever started the runner, and waits for the answer: the new tokens, if they have changed.
pub fn ask(words: &str) -> Result<Option<HashMap<String, String>>> {
    println!("control {words}");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    match answer.trim().split_once(' ').unwrap_or((answer.trim(), "")) {
        ("done", "") => Ok(None),
        ("done", changed) => Ok(serde_json::from_str::<Changed>(changed)?.tokens),
        _ => bail!("the control failed: {answer}"),
    }
}
