//! What an intent does, in whatever language it was said: the files' `actions`, by intent.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::core::intents::file::Act;

use super::Loaded;

/// The acts of all files, by intent, in the order they are written.
pub(super) struct Acts<'a> {
    by_intent: HashMap<&'a str, Vec<Written<'a>>>,
}

/// One act, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) intent: &'a str,
    pub(super) index: usize,
    pub(super) act: &'a Act,
}

impl<'a> Acts<'a> {
    pub(super) fn new(files: &[&'a Loaded]) -> Self {
        let mut by_intent: HashMap<&'a str, Vec<Written<'a>>> = HashMap::new();
        for &loaded in files {
            for (intent, acts) in &loaded.file.actions.0 {
                let written = acts.iter().enumerate().map(|(index, act)| Written { loaded, intent, index, act });
                by_intent.entry(intent).or_default().extend(written);
            }
        }
        Self { by_intent }
    }

    pub(super) fn of(&self, intent: &str) -> &[Written<'a>] {
        self.by_intent.get(intent).map_or(&[], Vec::as_slice)
    }
}

/// `when` as conditions are written elsewhere: `true` is any value.
pub(super) fn conditions(when: &Map<String, Value>) -> Map<String, Value> {
    let any = |value: &Value| if *value == Value::Bool(true) { Value::Null } else { value.clone() };
    when.iter().map(|(key, value)| (key.clone(), any(value))).collect()
}
