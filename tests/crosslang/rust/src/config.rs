//! What the runner is told: the server's endpoints, tokens and controls.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
pub struct Config {
    pub run: String,
    pub default: String,
    pub endpoints: HashMap<String, Endpoint>,
    #[serde(default)]
    pub absent: HashMap<String, String>,
    #[serde(default)]
    pub tokens: HashMap<String, String>,
    #[serde(default)]
    pub controls: Vec<String>,
}

/// One address of the server, with what it takes to be let in.
#[derive(Deserialize)]
pub struct Endpoint {
    pub address: String,
    pub token: Option<String>,
    pub ca_file: Option<String>,
    pub certificate_file: Option<String>,
    pub key_file: Option<String>,
}

impl Config {
    pub fn endpoint(&self, name: &str) -> Result<&Endpoint> {
        self.endpoints.get(name).with_context(|| format!("no endpoint {name}"))
    }
}

pub fn read_json<T: DeserializeOwned>(path: &str) -> Result<T> {
    let file = File::open(path).with_context(|| path.to_owned())?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| path.to_owned())
}
