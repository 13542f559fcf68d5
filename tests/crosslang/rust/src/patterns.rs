//! Whether an answer matches a pattern, and where it does not.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

const LONGEST_SHOWN: usize = 300;

/// Fails, saying where and how, unless the answer matches. What is absent is null.
pub fn check(pattern: &Value, actual: &Value, path: &str) -> Result<()> {
    match (pattern, actual) {
        (Value::String(text), _) if text == "$present" => ensure(!actual.is_null(), path, "something", actual),
        (Value::Object(fields), _) => check_object(fields, actual, path),
        (Value::Array(patterns), _) => {
            let found = elements(actual).filter(|found| found.len() == patterns.len());
            let Some(found) = found else {
                return differs(path, &format!("{} elements", patterns.len()), actual);
            };
            let mut pairs = patterns.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (inner, element))| check(inner, element, &format!("{path}[{index}]")))
        }
        // A number is the same with and without a fraction of nothing.
        (Value::Number(_), Value::Number(_)) => {
            ensure(pattern.as_f64() == actual.as_f64(), path, &pattern.to_string(), actual)
        }
        _ => ensure(pattern == actual, path, &pattern.to_string(), actual),
    }
}

fn check_object(pattern: &Map<String, Value>, actual: &Value, path: &str) -> Result<()> {
    if let Some(length) = pattern.get("$length").and_then(Value::as_u64) {
        let size = match actual {
            Value::String(text) => Some(text.chars().count()),
            other => elements(other).map(<[Value]>::len),
        };
        return ensure(size.is_some_and(|size| size as u64 == length), path, &format!("{length} elements"), actual);
    }
    if let Some(least) = pattern.get("$at_least").and_then(Value::as_f64) {
        let number = actual.as_f64().or_else(|| actual.as_str()?.parse().ok());
        return ensure(number.is_some_and(|number| number >= least), path, &format!("at least {least}"), actual);
    }
    if let Some(each) = pattern.get("$each") {
        let Some(found) = elements(actual) else {
            return differs(path, "an array", actual);
        };
        let mut numbered = found.iter().enumerate();
        return numbered.try_for_each(|(index, element)| check(each, element, &format!("{path}[{index}]")));
    }
    if let Some(part) = pattern.get("$contains").and_then(Value::as_str) {
        let found = actual.as_str().is_some_and(|text| text.contains(part));
        return ensure(found, path, &format!("something with {part}"), actual);
    }
    let Some(fields) = actual.as_object() else {
        return differs(path, "an object", actual);
    };
    pattern
        .iter()
        .try_for_each(|(key, inner)| check(inner, fields.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}")))
}

/// The elements of an array; an absent one counts as empty.
fn elements(actual: &Value) -> Option<&[Value]> {
    if actual.is_null() { Some(&[]) } else { actual.as_array().map(Vec::as_slice) }
}

fn ensure(matches: bool, path: &str, expected: &str, actual: &Value) -> Result<()> {
    if matches { Ok(()) } else { differs(path, expected, actual) }
}

fn differs(path: &str, expected: &str, actual: &Value) -> Result<()> {
    let place = match path.trim_start_matches('.') {
        "" => "the answer",
        inner => inner,
    };
    bail!("{place}: expected {expected}, got {}", shown(actual))
}

/// The beginning of a value, for people.
pub fn shown(value: &Value) -> String {
    value.to_string().chars().take(LONGEST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_matches() {
        for (pattern, actual) in [
            (json!({"a": null}), json!({})),
            (json!("$present"), json!("")),
            (json!([]), json!(null)),
            (json!({"$length": 0}), json!(null)),
            (json!({"$length": 2}), json!("x\u{1f642}")),
            (json!({"$at_least": 3}), json!("12")),
            (json!({"$at_least": 3}), json!(3.5)),
            (json!({"$each": {"a": 1}}), json!([{"a": 1, "b": 2}, {"a": 1.0}])),
            (json!({"$contains": "b"}), json!("abc")),
            (json!({"a": {"b": null}}), json!({"a": {"c": 1}})),
        ] {
            assert!(check(&pattern, &actual, "").is_ok(), "{pattern} does not match {actual}");
        }
    }

    #[test]
    fn what_does_not() {
        for (pattern, actual) in [
            (json!({"a": null}), json!({"a": 0})),
            (json!("$present"), json!(null)),
            (json!([1]), json!([1, 2])),
            (json!(true), json!(1)),
            (json!("1"), json!(1)),
            (json!({"$length": 2}), json!("\u{1f642}")),
            (json!({"$at_least": 3}), json!("2")),
            (json!({"$at_least": 0}), json!("x")),
            (json!({"$each": 1}), json!([1, 2])),
            (json!({"$contains": "d"}), json!("abc")),
            (json!({}), json!(null)),
        ] {
            assert!(check(&pattern, &actual, "").is_err(), "{pattern} matches {actual}");
        }
    }

    #[test]
    fn where_it_does_not() {
        let wrong =
            check(&json!({"a": [{"b": "1"}]}), &json!({"a": [{"b": "2"}]}), "").map_err(|error| error.to_string());
        assert_eq!(wrong, Err("a[0].b: expected \"1\", got \"2\"".to_owned()));
    }
}
