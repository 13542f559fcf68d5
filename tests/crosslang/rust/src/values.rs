//! Variables and repetitions in what is written, and parts of what comes.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub type Variables = HashMap<String, String>;

/// Fills in the variables and repetitions of a value.
pub fn expand(value: Value, variables: &Variables) -> Result<Value> {
    Ok(match value {
        Value::String(text) => Value::String(expand_text(&text, variables)?),
        Value::Array(elements) => Value::Array(expand_array(elements, variables)?),
        Value::Object(fields) => {
            let expanded = fields.into_iter().map(|(key, inner)| Ok((key, expand(inner, variables)?)));
            Value::Object(expanded.collect::<Result<_>>()?)
        }
        other => other,
    })
}

fn expand_array(elements: Vec<Value>, variables: &Variables) -> Result<Vec<Value>> {
    let mut expanded = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(copies) = element.get("$repeat").and_then(Value::as_u64) else {
            expanded.push(expand(element, variables)?);
            continue;
        };
        let mut known = variables.clone();
        for index in 0..copies {
            known.insert("i".to_owned(), index.to_string());
            expanded.push(expand(element["item"].clone(), &known)?);
        }
    }
    Ok(expanded)
}

fn expand_text(text: &str, variables: &Variables) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (name, after))) = rest.split_once("${").and_then(|(a, b)| Some((a, b.split_once('}')?))) {
        expanded += before;
        match name.strip_prefix("text:") {
            Some(count) => expanded += &"x".repeat(count.parse()?),
            None => expanded += variables.get(name).with_context(|| format!("no variable {name}"))?,
        }
        rest = after;
    }
    Ok(expanded + rest)
}

/// Finds a part of an answer by a path such as `sessions[0].id`.
pub fn pick(answer: &Value, path: &str) -> Result<String> {
    let mut found = answer;
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        found = match found {
            Value::Array(elements) => elements.get(part.parse::<usize>()?),
            other => other.get(part),
        }
        .unwrap_or(&Value::Null);
    }
    match found {
        Value::Null => bail!("the answer has nothing at {path}"),
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_and_repetitions() -> Result<()> {
        let written = json!({"a": ["${run}-${text:2}", {"$repeat": 2, "item": {"id": "e${i}"}}], "b": "${"});
        let variables = Variables::from([("run".to_owned(), "r$".to_owned())]);
        assert_eq!(expand(written, &variables)?, json!({"a": ["r$-xx", {"id": "e0"}, {"id": "e1"}], "b": "${"}));
        assert!(expand(json!("${nobody}"), &variables).is_err());
        Ok(())
    }

    #[test]
    fn parts_of_answers() -> Result<()> {
        let answer = json!({"sessions": [{"id": "s", "size": 3}]});
        assert_eq!(pick(&answer, "sessions[0].id")?, "s");
        assert_eq!(pick(&answer, "sessions[0].size")?, "3");
        assert!(pick(&answer, "sessions[1].id").is_err());
        Ok(())
    }
}
