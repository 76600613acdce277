//! What must be known beside the words: `requires_context` and `excludes_context`.

use serde_json::{Map, Value};

use super::list;

/// One key of the context and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) key: String,
    /// One of these; `None`: anything that is there.
    values: Option<Vec<Value>>,
}

/// A condition, and the slot that its value is copied to.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    pub(super) condition: Condition,
    pub(super) slot: Option<String>,
}

impl Condition {
    /// Whether a value of the context is what is asked for.
    pub(super) fn holds(&self, value: &Value) -> bool {
        let Some(values) = &self.values else { return !value.is_null() };
        match value {
            Value::Array(items) => items.iter().any(|item| values.iter().any(|wanted| is_same(wanted, item))),
            _ => values.iter().any(|wanted| is_same(wanted, value)),
        }
    }
}

/// Texts are the same as names are: whatever their case, their hyphens and their underscores.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other || list::fold(one) == list::fold(other),
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
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
        requirements.push(Requirement { condition: Condition { key: key.clone(), values }, slot });
    }
    requirements
}
