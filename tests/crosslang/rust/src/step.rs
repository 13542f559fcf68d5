//! A step of a scenario; see ../../README.md for what each part means.

use std::collections::HashMap;

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;
use serde_json::{Map, Value};

// A part that is not known here must not be passed over in silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(rename = "name")]
    _name: String,
    pub on: Option<String>,
    #[serde(rename = "as")]
    pub token: Option<String>,
    pub needs: Option<String>,
    pub deadline_ms: Option<u64>,
    #[serde(default)]
    pub unsupported: HashMap<String, String>,
    #[serde(default)]
    pub save: HashMap<String, String>,
    pub expect: Option<Value>,
    pub error: Option<Value>,

    pub call: Option<String>,
    pub method: Option<String>,
    #[serde(default = "nothing")]
    pub request: Value,
    #[serde(default)]
    pub request_base64: String,
    pub raw_base64: Option<String>,
    #[serde(default)]
    pub answer_contains_base64: String,
    pub fragments: Option<Fragments>,

    pub write: Option<Vec<Value>>,
    #[serde(default)]
    pub outcomes: Value,

    pub tail: Option<String>,
    pub read: Option<String>,
    #[serde(default)]
    pub until: Value,
    pub frame: Option<Value>,
    pub events: Option<Value>,
    pub cancel: Option<String>,

    pub control: Option<String>,
}

#[derive(Deserialize)]
pub struct Fragments {
    pub at_least: usize,
    pub max_bytes: usize,
}

impl Step {
    /// The control without which the step makes no sense.
    pub fn needed(&self) -> Option<&str> {
        self.needs.as_deref().or(self.control.as_deref())?.split(' ').next()
    }
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// The bytes that base64 stands for.
pub fn bytes(text: &str) -> Result<Vec<u8>> {
    Ok(BASE64_STANDARD.decode(text)?)
}
