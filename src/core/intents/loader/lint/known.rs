//! Rooms, floors and things that conditions and slots name, and no list has.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::core::intents::file::{ListDefinition, ListValue};
use crate::core::intents::lists::Entry;
use crate::core::intents::sentence::grammar::OPEN_LISTS;
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::sentence::syntax;
use crate::core::yaml::Problem;

use super::super::{Loaded, Placed, blocks, unknown_name};

/// The values of a list: folded, and as they are shown.
#[derive(Default)]
struct Known<'a> {
    folded: Vec<String>,
    shown: Vec<&'a str>,
}

impl<'a> Known<'a> {
    fn add(&mut self, definition: &'a ListDefinition) {
        for value in definition.values.iter().flatten() {
            self.shown.push(value.out.as_ref().and_then(Value::as_str).unwrap_or(&value.said));
            self.folded.extend(value.out.as_ref().and_then(Value::as_str).map(fold));
            self.folded.extend(texts(value));
        }
    }

    fn has(&self, text: &str) -> bool {
        self.folded.contains(&fold(text))
    }
}

fn texts(value: &ListValue) -> Vec<String> {
    let entry = syntax::parse(&value.said).ok().and_then(|said| Entry::new(&value.said, &said, None, Map::new()));
    entry.map_or_else(Vec::new, |entry| entry.texts().to_vec())
}

type Lists<'a> = HashMap<&'a str, Known<'a>>;

/// Looks at the conditions and fixed slots of all blocks, and at what the files' actions and lists say of places.
pub(super) fn look(files: &[&Loaded], problems: &mut Vec<Problem>) {
    let shared = lists(files.iter().flat_map(|loaded| &loaded.file.lists.0));
    for &loaded in files.iter().filter(|loaded| !loaded.is_imported()) {
        for placed in blocks(loaded) {
            look_at_block(&placed, &shared, problems);
        }
        for (intent, acts) in &loaded.file.actions.0 {
            for (index, act) in acts.iter().enumerate() {
                let index = index.to_string();
                each_unknown(&act.when, &shared, &Lists::new(), &mut |key, message| {
                    problems.push(loaded.document.problem(&["actions", intent, &index, "when", key], message));
                });
            }
        }
        for (name, definition) in &loaded.file.lists.0 {
            for (index, value) in definition.values.iter().flatten().enumerate() {
                let index = index.to_string();
                each_unknown(&value.context, &shared, &Lists::new(), &mut |key, message| {
                    let path = ["lists", name, "values", &index, "context", key];
                    problems.push(loaded.document.problem(&path, message));
                });
            }
        }
    }
}

fn look_at_block(placed: &Placed<'_>, shared: &Lists<'_>, problems: &mut Vec<Problem>) {
    let own = lists(placed.block.lists.0.iter());
    let parts = [
        ("requires_context", &placed.block.requires_context),
        ("excludes_context", &placed.block.excludes_context),
        ("slots", &placed.block.slots),
    ];
    for (part, values) in parts {
        each_unknown(values, shared, &own, &mut |key, message| problems.push(placed.problem(&[part, key], message)));
    }
}

/// The lists of names that have values.
fn lists<'a>(written: impl Iterator<Item = &'a (String, ListDefinition)>) -> Lists<'a> {
    let mut lists = Lists::new();
    for (name, definition) in written.filter(|(name, _)| OPEN_LISTS.contains(&name.as_str())) {
        lists.entry(name.as_str()).or_default().add(definition);
    }
    lists
}

/// Calls `report` with each key that names what no list has, and with what is wrong.
fn each_unknown(
    values: &Map<String, Value>,
    shared: &Lists<'_>,
    own: &Lists<'_>,
    report: &mut dyn FnMut(&str, String),
) {
    for (key, value) in values {
        let Some(known) = own.get(key.as_str()).or_else(|| shared.get(key.as_str())) else { continue };
        if known.folded.is_empty() {
            continue;
        }
        let value = value.get("value").unwrap_or(value);
        let texts =
            value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter().filter_map(Value::as_str);
        // Home Assistant's word for all things of a kind.
        let is_everything = |text: &str| key == "name" && text == "all";
        for text in texts.filter(|text| !known.has(text) && !is_everything(text)) {
            let what = if key == "name" { "device" } else { key };
            report(key, unknown_name(what, text, known.shown.iter().copied()));
        }
    }
}
