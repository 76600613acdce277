//! Reads typed values and goes on after each mistake, so that a file's problems come out together.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::Segment;
use serde_yaml::{Mapping, Value};

use super::tree::Node;
use super::{Place, wording};

/// Problems listed of one file; each costs another reading of it.
const MAX_PROBLEMS: usize = 50;

/// A value read without minding keys that stand twice: they are found with their positions elsewhere.
pub(super) struct Lenient(pub(super) Value);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor).map(Lenient)
    }
}

struct LenientVisitor;

impl<'de> Visitor<'de> for LenientVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Lenient(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Sequence(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Mapping::new();
        while let Some((Lenient(key), Lenient(value))) = entries.next_entry()? {
            map.entry(key).or_insert(value);
        }
        Ok(Value::Mapping(map))
    }
}

/// Reads `value` as `T`; what cannot be read is told to `report`, taken out of `value` and `tree`, and the rest is read again.
pub(super) fn all<T: DeserializeOwned>(
    value: &mut Value,
    tree: &mut Node,
    report: &mut dyn FnMut(Place, String),
) -> Option<T> {
    let mut reported = 0;
    loop {
        let error = match serde_path_to_error::deserialize(&*value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let segments: Vec<String> = error.path().iter().filter_map(step).collect();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let path = existing(value, &path);
        let message = error.inner().to_string();
        let missing = wording::missing_key(&message);
        // A key that was taken out above is no new problem; what cannot be without it goes with it.
        if missing.is_none_or(|key| !tree.was_removed(path, key)) {
            let at = if wording::is_about_key(&message) { tree.key_place(path) } else { tree.place(path) };
            report(at, wording::plain(&message, missing.is_none().then(|| path.last().copied()).flatten()));
            reported += 1;
        }
        if path.is_empty() {
            return None;
        }
        if reported >= MAX_PROBLEMS {
            report(tree.place(path), "there may be more; they are listed once these are mended".to_owned());
            return None;
        }
        tree.remove(path);
        remove(value, path);
    }
}

fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The longest beginning of `path` that leads somewhere, so that taking it out always makes the value smaller.
fn existing<'p, 's>(value: &Value, path: &'p [&'s str]) -> &'p [&'s str] {
    let mut node = value;
    for (depth, step) in path.iter().enumerate() {
        let child = match node {
            Value::Sequence(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
            Value::Mapping(map) => map.iter().find(|(key, _)| is_key(key, step)).map(|(_, child)| child),
            _ => None,
        };
        let Some(child) = child else { return &path[..depth] };
        node = child;
    }
    path
}

fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut node = value;
    for step in above {
        let child = match node {
            Value::Sequence(items) => step.parse().ok().and_then(|index: usize| items.get_mut(index)),
            Value::Mapping(map) => map.iter_mut().find(|(key, _)| is_key(key, step)).map(|(_, child)| child),
            _ => None,
        };
        let Some(child) = child else { return };
        node = child;
    }
    match node {
        Value::Sequence(items) => {
            if let Some(index) = last.parse().ok().filter(|&index: &usize| index < items.len()) {
                items.remove(index);
            }
        }
        Value::Mapping(map) => map.retain(|key, _| !is_key(key, last)),
        _ => {}
    }
}

/// Keys are compared as text: serde names the key `1` as "1".
fn is_key(key: &Value, step: &str) -> bool {
    match key {
        Value::String(text) => text == step,
        Value::Number(number) => number.to_string() == step,
        Value::Bool(flag) => step == if *flag { "true" } else { "false" },
        _ => false,
    }
}
