//! What the blocks of one language share: lists and responses, merged over its files.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::core::intents::file::{ListDefinition, ListValue, Range};
use crate::core::intents::list::{self, Entry, List};
use crate::core::yaml::Problem;

use super::Loaded;

/// Lists and responses by name.
pub(super) struct Scope<'a> {
    lists: HashMap<&'a str, Arc<List>>,
    pub(super) lists_in_order: Vec<Arc<List>>,
    responses: HashMap<(&'a str, &'a str), &'a str>,
}

/// A list while its parts are gathered.
#[derive(Default)]
struct Parts<'a> {
    values: Vec<&'a ListValue>,
    has_values: bool,
    range: Option<&'a Range>,
    wildcard: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(files: &[&'a Loaded], problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) -> Self {
        let mut names: Vec<&'a str> = Vec::new();
        let mut parts: HashMap<&'a str, Parts<'a>> = HashMap::new();
        let mut responses = HashMap::new();
        for loaded in files {
            for (name, definition) in &loaded.file.lists.0 {
                let path = ["lists", name.as_str()];
                let at =
                    |below: &[&str], message: String| loaded.document.problem(&[&path[..], below].concat(), message);
                check(definition, &at, problems, notes);
                if !parts.contains_key(name.as_str()) {
                    names.push(name);
                }
                parts.entry(name).or_default().add(definition);
            }
            for (intent, texts) in &loaded.file.responses.intents {
                for (key, text) in texts {
                    responses.insert((intent.as_str(), key.as_str()), text.as_str());
                }
            }
        }
        let mut lists = HashMap::new();
        let mut lists_in_order = Vec::new();
        for name in names {
            if let Some(parts) = parts.remove(name) {
                let list = Arc::new(parts.into_list());
                lists_in_order.push(Arc::clone(&list));
                lists.insert(name, list);
            }
        }
        Self { lists, lists_in_order, responses }
    }

    pub(super) fn list(&self, name: &str) -> Option<Arc<List>> {
        self.lists.get(name).cloned()
    }

    pub(super) fn list_names(&self) -> impl Iterator<Item = &'a str> {
        self.lists.keys().copied()
    }

    pub(super) fn response(&self, intent: &str, key: &str) -> Option<&'a str> {
        self.responses.get(&(intent, key)).copied()
    }
}

/// A list of one block.
pub(super) fn local_list(definition: &ListDefinition) -> Arc<List> {
    let mut parts = Parts::default();
    parts.add(definition);
    Arc::new(parts.into_list())
}

/// Reports what is wrong with a list as it is written.
pub(super) fn check(
    definition: &ListDefinition,
    at: &dyn Fn(&[&str], String) -> Problem,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<Problem>,
) {
    let kinds = usize::from(definition.values.is_some())
        + usize::from(definition.range.is_some())
        + usize::from(definition.wildcard);
    if kinds != 1 {
        problems.push(at(&[], "a list has one of `values`, `range` and `wildcard: true`".to_owned()));
    }
    if let Some(range) = &definition.range
        && !(range.from <= range.to && range.step > 0.0 && range.step.is_finite())
    {
        problems.push(at(&["range"], "a range goes from a number up to another, in steps above 0".to_owned()));
    }
    for (index, value) in definition.values.iter().flatten().enumerate() {
        let index = index.to_string();
        if value.said.trim().is_empty() {
            problems.push(at(&["values", &index], "a value of a list must not be empty".to_owned()));
        }
        if list::is_template(&value.said) {
            let message = format!("`{}` is a template, which is not matched in lists yet", value.said);
            notes.push(at(&["values", &index], message));
        }
    }
}

impl<'a> Parts<'a> {
    fn add(&mut self, definition: &'a ListDefinition) {
        self.values.extend(definition.values.iter().flatten().filter(|value| !list::is_template(&value.said)));
        self.has_values |= definition.values.is_some();
        self.range = definition.range.as_ref().or(self.range);
        self.wildcard |= definition.wildcard;
    }

    fn into_list(self) -> List {
        match self.range {
            _ if self.has_values => List::of_values(self.values.into_iter().map(entry).collect()),
            Some(range) => List::Range(range.clone()),
            None if self.wildcard => List::Wildcard,
            None => List::of_values(Vec::new()),
        }
    }
}

fn entry(value: &ListValue) -> Entry {
    let context: Map<String, Value> = value.context.clone();
    let out = value.out.clone().unwrap_or_else(|| Value::String(value.said.clone()));
    Entry { said: value.said.clone(), out, context }
}
