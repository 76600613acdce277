//! What nothing uses: lists and expansion rules that no sentence names, slots that are filled in vain, and slots of an
//! answer that a sentence leaves empty.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::core::intents::file::{Act, Action, ListDefinition, PublishDefinition};
use crate::core::intents::sentence::grammar::OPEN_LISTS;
use crate::core::intents::sentence::syntax::{self, Expression};
use crate::core::yaml::Problem;

use super::super::{Loaded, Placed, blocks};
use super::{answers, own_rules, shared_rules, vocabulary};

/// What the sentences of a file or block name.
#[derive(Default)]
pub(super) struct Used {
    lists: BTreeSet<String>,
    rules: BTreeSet<String>,
    /// Captures left out.
    pub(super) slots: BTreeSet<String>,
}

type Rules<'a> = HashMap<&'a str, Expression>;

impl Used {
    /// Adds what an expression names, and what its rules name in turn.
    fn add(&mut self, expression: &Expression, own: &Rules<'_>, shared: &Rules<'_>) {
        match expression {
            Expression::Text(_) => {}
            Expression::Sequence(items) | Expression::Alternative(items) | Expression::Permutation(items) => {
                for item in items {
                    self.add(item, own, shared);
                }
            }
            Expression::List(list) => {
                self.lists.insert(list.list.clone());
                if !list.is_capture {
                    self.slots.insert(list.slot.clone());
                }
            }
            Expression::Rule(name) => {
                let inside = own.get(name.as_str()).or_else(|| shared.get(name.as_str()));
                // A rule that comes to itself is told elsewhere.
                if self.rules.insert(name.clone())
                    && let Some(inside) = inside
                {
                    self.add(inside, own, shared);
                }
            }
        }
    }

    fn of(template: &str, own: &Rules<'_>, shared: &Rules<'_>) -> Self {
        let mut used = Self::default();
        if let Ok(expression) = syntax::parse(template) {
            used.add(&expression, own, shared);
        }
        used
    }
}

/// Lists and rules that nothing names.
pub(super) fn names(files: &[Loaded], notes: &mut Vec<Problem>) {
    let mut used = Used::default();
    for language in files.iter().map(|loaded| loaded.language.as_str()).collect::<BTreeSet<_>>() {
        let files: Vec<&Loaded> = files.iter().filter(|loaded| loaded.counts_for(language)).collect();
        let shared = shared_rules(&files);
        let mut all = BTreeSet::new();
        for placed in files.iter().flat_map(|loaded| blocks(loaded)) {
            let own = own_rules(&placed);
            let mut here = Used::default();
            for template in &placed.block.sentences {
                here.add_template(template, &own, &shared);
            }
            here.lists.extend(placed.block.regex.0.iter().flat_map(|regex| groups(regex)));
            report_own(&placed, &here, notes);
            report_empty_own(&placed, &here, notes);
            all.extend(here.lists.iter().cloned());
            used.lists.append(&mut here.lists);
            used.rules.append(&mut here.rules);
        }
        report_empty(&files, &all, notes);
    }
    for loaded in files.iter().filter(|loaded| !loaded.is_imported()) {
        let lists = loaded.file.lists.0.iter().map(|(name, _)| name);
        for name in lists.filter(|name| !used.lists.contains(*name) && !OPEN_LISTS.contains(&name.as_str())) {
            let message = format!("no sentence has `{{{name}}}` in it: use the list, or take it out");
            notes.push(loaded.document.problem(&["lists", name], message));
        }
        for name in loaded.file.expansion_rules.keys().filter(|name| !used.rules.contains(*name)) {
            let message = format!("no sentence has `<{name}>` in it: use the rule, or take it out");
            notes.push(loaded.document.problem(&["expansion_rules", name], message));
        }
    }
}

impl Used {
    fn add_template(&mut self, template: &str, own: &Rules<'_>, shared: &Rules<'_>) {
        let Used { mut lists, mut rules, mut slots } = Self::of(template, own, shared);
        self.lists.append(&mut lists);
        self.rules.append(&mut rules);
        self.slots.append(&mut slots);
    }
}

/// Lists and rules of a block that its own sentences do not name.
fn report_own(placed: &Placed<'_>, used: &Used, notes: &mut Vec<Problem>) {
    if placed.loaded.is_imported() {
        return;
    }
    for (name, _) in placed.block.lists.0.iter().filter(|(name, _)| !used.lists.contains(name)) {
        // The rooms of a block say where a speaker may be.
        if name != "area" && !is_shared(placed, "lists") {
            let message = format!("no sentence of the block has `{{{name}}}` in it: use the list, or take it out");
            notes.push(placed.problem(&["lists", name], message));
        }
    }
    for name in placed.block.expansion_rules.keys().filter(|name| !used.rules.contains(*name)) {
        if is_shared(placed, "expansion_rules") {
            break;
        }
        let message = format!("no sentence of the block has `<{name}>` in it: use the rule, or take it out");
        notes.push(placed.problem(&["expansion_rules", name], message));
    }
}

/// Lists that sentences of one language name, and that have no value there. Names of the home may come later.
fn report_empty(files: &[&Loaded], used: &BTreeSet<String>, notes: &mut Vec<Problem>) {
    for name in used.iter().filter(|name| !OPEN_LISTS.contains(&name.as_str())) {
        let written = |loaded: &Loaded| {
            loaded.file.lists.0.iter().find(|(known, _)| known == name).map(|(_, list)| is_empty(list))
        };
        if files.iter().filter_map(|loaded| written(loaded)).all(|is_empty| is_empty) {
            let own = files.iter().filter(|loaded| !loaded.is_imported() && written(loaded).is_some());
            notes.extend(own.map(|loaded| loaded.document.problem(&["lists", name], empty(name))));
        }
    }
}

/// The same of the lists of one block.
fn report_empty_own(placed: &Placed<'_>, used: &Used, notes: &mut Vec<Problem>) {
    let lists = placed.block.lists.0.iter().filter(|(name, list)| is_empty(list) && used.lists.contains(name));
    for (name, _) in lists.filter(|_| !placed.loaded.is_imported()) {
        notes.push(placed.problem(&["lists", name], empty(name)));
    }
}

fn is_empty(list: &ListDefinition) -> bool {
    list.values.as_ref().is_some_and(Vec::is_empty)
}

fn empty(name: &str) -> String {
    format!("the list has no values, so that nothing can be said where a sentence has `{{{name}}}`: give it some")
}

/// Whether several blocks share a part by an anchor and its aliases: then each may leave some of it unused.
fn is_shared(placed: &Placed<'_>, part: &str) -> bool {
    let line = placed.problem(&[part], "").line;
    let text = placed.loaded.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let value = text.split_once(&format!("{part}:")).map_or("", |(_, value)| value.trim_start());
    value.starts_with(['&', '*'])
}

/// The named groups of a regex.
fn groups(regex: &str) -> Vec<String> {
    let named = regex.split("(?P<").skip(1).chain(regex.split("(?<").skip(1));
    named.filter_map(|rest| rest.split_once('>').map(|(name, _)| name.to_owned())).collect()
}

/// Slots that are filled in vain, and slots of answers that some sentence leaves empty.
pub(super) fn slots(files: &[&Loaded], notes: &mut Vec<Problem>) {
    let shared = shared_rules(files);
    let mut texts = answers::Texts::new();
    let mut acts: BTreeMap<&str, Vec<&Act>> = BTreeMap::new();
    for loaded in files {
        for (intent, of_intent) in &loaded.file.responses.intents {
            texts.extend(of_intent.iter().map(|(key, text)| ((intent.as_str(), key.as_str()), text.as_str())));
        }
        for (intent, of_intent) in &loaded.file.actions.0 {
            acts.entry(intent).or_default().extend(of_intent);
        }
    }
    for loaded in files.iter().filter(|loaded| !loaded.is_imported()) {
        answers::report_mixed_texts(loaded, notes);
    }
    for placed in files.iter().filter(|loaded| !loaded.is_imported()).flat_map(|loaded| blocks(loaded)) {
        let (own, shared_response) = (placed.block.response.as_deref(), placed.intent.response.as_deref());
        let written = own.or(shared_response);
        let key = written.unwrap_or("default");
        let response = texts.get(&(placed.intent_name, key)).copied().or(written);
        let own = own_rules(&placed);
        let sentences: Vec<(usize, &String, Used)> = placed
            .block
            .sentences
            .iter()
            .enumerate()
            .map(|(index, template)| (index, template, Used::of(template, &own, &shared)))
            .collect();
        answers::report_empty(&placed, response, &sentences, notes);
        answers::report_mixed(&placed, &texts, notes);
        if !placed.intent_name.starts_with("Hass") {
            let acts = acts.get(placed.intent_name).map_or(&[][..], Vec::as_slice);
            report_vain(&placed, response, acts, &sentences, notes);
        }
    }
}

/// Slots that are filled and that nothing names; quiet where nothing is done or answered, since then they are for others.
fn report_vain(
    placed: &Placed<'_>,
    response: Option<&str>,
    acts: &[&Act],
    sentences: &[(usize, &String, Used)],
    notes: &mut Vec<Problem>,
) {
    let own = placed.block.actions.as_deref().or(placed.intent.actions.as_deref());
    if response.is_none() && own.is_none() && acts.is_empty() {
        return;
    }
    let mut named: Vec<String> = vec![response.unwrap_or_default().to_owned()];
    named.extend(own.into_iter().flatten().map(|action: &Action| written(&action.publish)));
    named.extend(acts.iter().flat_map(|act| act.when.keys().cloned()));
    named.extend(acts.iter().flat_map(|act| act.publish.0.iter().map(written)));
    named.extend(placed.block.metadata.values().map(Value::to_string));
    let is_used = |slot: &str| vocabulary::is_slot(slot) || named.iter().any(|text| has_word(text, slot));
    let mut told = BTreeSet::new();
    for (index, template, used) in sentences {
        for slot in used.slots.iter().filter(|slot| !is_used(slot)) {
            if told.insert(slot.clone()) {
                let message = format!(
                    "nothing uses the slot `{slot}`: write `{{{slot}}}` into the response or a message, or leave it out of the sentence"
                );
                let part = ["sentences", &index.to_string()];
                notes.push(placed.problem_inside(&part, place_of(template, slot), message));
            }
        }
    }
}

fn written(publish: &PublishDefinition) -> String {
    format!("{} {}", publish.topic, publish.payload)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}

/// Where a template fills a slot; its start where a rule does.
fn place_of(template: &str, slot: &str) -> usize {
    let written = [format!("{{{slot}}}"), format!(":{slot}}}")];
    let at = written.iter().filter_map(|written| template.find(written)).min();
    at.map_or(0, |at| template[..at].chars().count())
}
