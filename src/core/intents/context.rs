//! What must be known beside the words: `requires_context` and `excludes_context`.
//!
//! Values are compared as names are, and folded once when they are read: each sentence compares many of them.

use serde_json::{Map, Value};

use super::sentence::heard::fold;

/// One key of the context and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) key: String,
    /// One of these, folded; `None`: anything that is there.
    values: Option<Vec<Value>>,
}

/// A condition, and the slot that its value is copied to.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    pub(super) condition: Condition,
    pub(super) slot: Option<String>,
}

impl Condition {
    /// What is asked for, folded; `None` for anything that is there.
    pub(super) fn values(&self) -> Option<&[Value]> {
        self.values.as_deref()
    }

    /// Whether a value of the context, folded, is what is asked for.
    pub(super) fn holds(&self, value: &Value) -> bool {
        let Some(values) = &self.values else { return !value.is_null() };
        let is_wanted = |value: &Value| values.iter().any(|wanted| is_equal(wanted, value));
        match value {
            Value::Array(items) => items.iter().any(is_wanted),
            _ => is_wanted(value),
        }
    }
}

/// A value with its texts as names are compared.
pub(super) fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(fold(text)),
        Value::Array(items) => Value::Array(items.iter().map(folded).collect()),
        _ => value.clone(),
    }
}

/// Folded values: 5 is 5.0.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

/// Texts are the same as names are: whatever their case, their hyphens and their underscores.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    is_equal(&folded(one), &folded(other))
}

/// Reads `requires_context` or `excludes_context`; calls `report` with the key and what is wrong with it.
pub(super) fn read(written: &Map<String, Value>, mut report: impl FnMut(&str, String)) -> Vec<Requirement> {
    let mut requirements = Vec::with_capacity(written.len());
    for (key, value) in written {
        let mut slot = None;
        let values = match value {
            Value::Null => None,
            Value::Array(values) => Some(values.clone()),
            Value::Object(map) => {
                for known in map.keys().filter(|known| !matches!(known.as_str(), "value" | "slot")) {
                    report(key, format!("unknown key `{known}`; known are `value`, `slot`"));
                }
                slot = match map.get("slot") {
                    None | Some(Value::Null | Value::Bool(false)) => None,
                    Some(Value::Bool(true)) => Some(key.clone()),
                    Some(Value::String(name)) => Some(name.clone()),
                    Some(_) => {
                        report(key, "`slot` must be true, or the slot's name".to_owned());
                        None
                    }
                };
                match map.get("value") {
                    None | Some(Value::Null) => None,
                    Some(Value::Array(values)) => Some(values.clone()),
                    Some(value) => Some(vec![value.clone()]),
                }
            }
            _ => Some(vec![value.clone()]),
        };
        let values = values.map(|values| values.iter().map(folded).collect());
        requirements.push(Requirement { condition: Condition { key: key.clone(), values }, slot });
    }
    requirements
}
