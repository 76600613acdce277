//! Answers that do not say what their author meant: a slot that some sentence leaves empty, and a slot in single braces where
//! Jinja wants two.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::core::intents::fill::{Names, Template};
use crate::core::yaml::Problem;

use super::super::{Loaded, Placed};
use super::usage::Used;

/// Texts to answer with, by intent and key.
pub(super) type Texts<'a> = HashMap<(&'a str, &'a str), &'a str>;

/// Slots of a text to answer with that a sentence of the block cannot fill; the first such sentence for each.
pub(super) fn report_empty(
    placed: &Placed<'_>,
    response: Option<&str>,
    sentences: &[(usize, &String, Used)],
    notes: &mut Vec<Problem>,
) {
    let Some(response) = response.filter(|text| !text.contains("{{") && !text.contains("{%")) else { return };
    let mut names = Names { known: &[], unknown: Vec::new() };
    Template::answer(response, &mut names);
    let required = placed.block.requires_context.iter();
    let from_context: Vec<String> = required
        .filter_map(|(key, value)| match value.get("slot")? {
            Value::Bool(true) => Some(key.clone()),
            Value::String(slot) => Some(slot.clone()),
            _ => None,
        })
        .collect();
    for slot in names.unknown.iter().collect::<BTreeSet<_>>() {
        if placed.block.slots.contains_key(slot) || from_context.contains(slot) {
            continue;
        }
        // A slot that no sentence fills is a problem already.
        let is_filled = |(_, _, used): &&(usize, &String, Used)| used.slots.contains(slot);
        if !sentences.iter().any(|sentence| is_filled(&sentence)) {
            continue;
        }
        if let Some((index, ..)) = sentences.iter().find(|sentence| !is_filled(sentence)) {
            let message = format!(
                "this sentence never fills `{{{slot}}}` of its block's response, which then says nothing there: move it to a block of its own, or answer without the slot"
            );
            notes.push(placed.problem_inside(&["sentences", &index.to_string()], 0, message));
        }
    }
}

/// Notes a block's own answer that is a Jinja template with `{slot}` in it. One that is a key is looked at where it stands.
pub(super) fn report_mixed(placed: &Placed<'_>, texts: &Texts<'_>, notes: &mut Vec<Problem>) {
    let (own, shared) = (placed.block.response.as_deref(), placed.intent.response.as_deref());
    let Some(text) = own.or(shared).filter(|text| !texts.contains_key(&(placed.intent_name, *text))) else { return };
    let place = placed.loaded.document.problem(&placed.own_or_shared("response", own.is_some()), "");
    each_bare(text, &mut |at, name| {
        let mut note = Problem { message: mixed(name), ..place.clone() };
        placed.loaded.move_inside(&mut note, at);
        // What the blocks of an intent share is told once.
        if !notes.contains(&note) {
            notes.push(note);
        }
    });
}

/// The same of the answers that a file has by key.
pub(super) fn report_mixed_texts(loaded: &Loaded, notes: &mut Vec<Problem>) {
    for (intent, texts) in &loaded.file.responses.intents {
        for (key, text) in texts {
            let place = loaded.document.problem(&["responses", "intents", intent, key], "");
            each_bare(text, &mut |at, name| {
                let mut note = Problem { message: mixed(name), ..place.clone() };
                loaded.move_inside(&mut note, at);
                notes.push(note);
            });
        }
    }
}

fn mixed(name: &str) -> String {
    format!(
        "the answer is a Jinja template, since it has `{{{{` or `{{%` in it, so that `{{{name}}}` is said as it stands: write `{{{{ slots.{name} }}}}`"
    )
}

/// Calls `found` with each `{slot}` outside the tags of a Jinja template: where it stands, by character, and its name.
fn each_bare(text: &str, found: &mut dyn FnMut(usize, &str)) {
    if !text.contains("{{") && !text.contains("{%") {
        return;
    }
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|offset| at + offset) {
        let rest = &text[start..];
        let tags = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
        if let Some((_, end)) = tags.iter().find(|(begin, _)| rest.starts_with(begin)) {
            let Some(length) = rest.find(end) else { return };
            at = start + length + end.len();
            continue;
        }
        let name = rest[1..].split('}').next().unwrap_or_default();
        if !name.is_empty() && rest.len() > name.len() + 1 && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            found(text[..start].chars().count(), name);
        }
        at = start + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_in_single_braces_are_found_outside_of_tags() {
        for (text, expected) in [
            ("{a} is {b}", vec![]),
            ("\u{e9} {a} {{ slots.b }} {c_1}", vec![(2, "a"), (20, "c_1")]),
            ("{% if x == '{a}' %}{# {b} #}{c}{% endif %}", vec![(28, "c")]),
            ("{{ x }} { a } {} {b", vec![]),
            ("{{ never ends {a}", vec![]),
            ("{{ '{a}' }}}{a}", vec![(12, "a")]),
        ] {
            let mut found = Vec::new();
            each_bare(text, &mut |at, name| found.push((at, name.to_owned())));
            let found: Vec<(usize, &str)> = found.iter().map(|(at, name)| (*at, name.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
