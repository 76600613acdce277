//! Actions that are never done: of an intent that nothing is said for, under a condition that never holds, or with a slot
//! that nothing fills. The daemon passes over them in silence, since what one file leaves out another may bring along.
//!
//! What is near to something that is known is taken for a slip of the pen, and is a problem; what is like nothing that is
//! known may be meant for a home or a language that comes later, and is a note.

use serde_json::Value;

use crate::core::intents::file::{Act, Action, PublishDefinition};
use crate::core::intents::sentence::grammar::OPEN_LISTS;
use crate::core::intents::tongue::Tongue;
use crate::core::yaml::{self, Problem};

use super::super::{Loaded, blocks};
use super::fillers::{Fillers, Slots, has_value, texts};
use super::vocabulary;

/// Looks at the actions of the user's own files, by intent and of blocks.
pub(super) fn look(files: &[Loaded], tongues: &[Tongue], problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) {
    let fillers = Fillers::new(tongues);
    for loaded in files.iter().filter(|loaded| !loaded.is_imported()) {
        for (intent, acts) in &loaded.file.actions.0 {
            let mut look = Look { loaded, fillers: &fillers, intent, problems: &mut *problems, notes: &mut *notes };
            look.acts(intent, acts);
        }
        for placed in blocks(loaded) {
            let (own, shared) = (placed.block.actions.as_ref(), placed.intent.actions.as_ref());
            let path = placed.own_or_shared("actions", own.is_some());
            let intent = placed.intent_name;
            let mut look = Look { loaded, fillers: &fillers, intent, problems: &mut *problems, notes: &mut *notes };
            for (index, Action { publish }) in own.or(shared).into_iter().flatten().enumerate() {
                let index = index.to_string();
                // A slot that is none is told where the block is read.
                look.publish(&[&path[..], &[&index, "publish"]].concat(), publish, false);
            }
        }
    }
}

/// The actions of one intent while they are looked at.
struct Look<'l, 'a> {
    loaded: &'l Loaded,
    fillers: &'l Fillers<'a>,
    /// The intent that is meant.
    intent: &'l str,
    problems: &'l mut Vec<Problem>,
    notes: &'l mut Vec<Problem>,
}

impl<'l, 'a> Look<'l, 'a> {
    fn acts(&mut self, written: &str, acts: &[Act]) {
        let fillers = self.fillers;
        if !fillers.intents().chain(vocabulary::intents()).any(|known| known == written) {
            let near =
                yaml::nearest(written, fillers.intents()).or_else(|| yaml::nearest(written, vocabulary::intents()));
            let message = format!("no sentence is for the intent `{written}`, so that none of this is ever done");
            let problem = self.loaded.document.problem(&["actions", written], "");
            self.tell(problem, message, near.map(|near| format!("`{near}`")));
            let Some(near) = near else { return };
            // What else is wrong is told at once.
            self.intent = near;
        }
        for (index, act) in acts.iter().enumerate() {
            let index = index.to_string();
            let path = ["actions", written, index.as_str()];
            for (key, value) in &act.when {
                self.condition(&[&path[..], &["when", key]].concat(), key, value);
            }
            for (number, publish) in act.publish.0.iter().enumerate() {
                let number = number.to_string();
                let mut path = [&path[..], &["publish", number.as_str()]].concat();
                if act.publish.0.len() == 1 && !self.is_there(&path) {
                    path.pop();
                }
                self.publish(&path, publish, true);
            }
        }
    }

    /// One key of `when`, and what it must be.
    fn condition(&mut self, path: &[&str], key: &str, value: &Value) {
        let (fillers, slots) = (self.fillers, self.slots());
        let known = &fillers.known;
        let is_known = known.contains_key(key) || vocabulary::keys().any(|known| known == key);
        if !slots.has(key) && !is_known {
            let candidates = slots.names().chain(known.keys().copied()).chain(vocabulary::keys());
            let near = yaml::nearest(key, candidates).map(|near| format!("`{near}`"));
            let message = format!(
                "`{key}` is no slot of {}, and is known of nothing that can be named, so that this is never done",
                self.intent
            );
            let problem = at_key(self.loaded, self.loaded.document.problem(path, ""), key);
            return self.tell(problem, message, near);
        }
        // What names a thing or a place is looked at with all else that does.
        if OPEN_LISTS.contains(&key) || vocabulary::is_open(key) {
            return;
        }
        let Some(mut possible) = slots.values(key) else { return };
        possible.extend(known.get(key).into_iter().flatten().map(|&value| value.clone()));
        possible.extend(vocabulary::values(key).into_iter().flatten().map(|text| Value::String(text.to_owned())));
        if possible.is_empty() {
            return;
        }
        let value = value.as_object().map_or(value, |map| map.get("value").unwrap_or(&Value::Null));
        let items = value.as_array();
        let wanted = items.map_or(std::slice::from_ref(value), Vec::as_slice).iter().enumerate();
        for (index, wanted) in wanted.filter(|(_, wanted)| !matches!(wanted, Value::Null | Value::Bool(true))) {
            if has_value(&possible, wanted) {
                continue;
            }
            let index = index.to_string();
            let path = if items.is_some() { [path, &[index.as_str()]].concat() } else { path.to_vec() };
            let texts = texts(&possible);
            // What fills a slot that other files may fill as well may have other values there.
            let is_sure = vocabulary::values(key).is_some() || !slots.is_common(key);
            let near = wanted
                .as_str()
                .filter(|_| is_sure)
                .and_then(|text| yaml::nearest(text, texts.iter().map(String::as_str)));
            let shown = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            let message = format!("`{key}` is never `{shown}`, so that this is never done");
            let problem = self.loaded.document.problem(&path, "");
            self.tell(problem, message, near.map(|near| format!("`{near}`")));
        }
    }

    /// The slots that a message names.
    fn publish(&mut self, path: &[&str], publish: &PublishDefinition, is_unknown_told: bool) {
        let mut texts = vec![(vec!["topic".to_owned()], publish.topic.as_str())];
        gather_texts(&publish.payload, &mut vec!["payload".to_owned()], &mut texts);
        for (below, text) in texts {
            let below: Vec<&str> = below.iter().map(String::as_str).collect();
            let place = self.loaded.document.problem(&[path, &below].concat(), "");
            for named in named(text) {
                let mut problem = place.clone();
                self.loaded.move_inside(&mut problem, named.at);
                self.slot(problem, &named, is_unknown_told);
            }
        }
    }

    fn slot(&mut self, problem: Problem, named: &Named<'_>, is_unknown_told: bool) {
        let (slots, Named { slot, key, .. }) = (self.slots(), *named);
        if !slots.has(slot) {
            if is_unknown_told {
                let near = yaml::nearest(slot, slots.names()).map(|near| format!("`{{{near}}}`"));
                let message = format!("`{{{slot}}}` is no slot of {}, so that this is never sent", self.intent);
                // Nothing but the intent's own sentences can fill it.
                self.problems.push(Problem { message: asking(message, near), ..problem });
            }
            return;
        }
        let Some((key, known)) = key.zip(slots.keys(slot)).filter(|(key, known)| !known.contains(key)) else { return };
        let near = yaml::nearest(key, known.iter().copied()).map(|near| format!("`{{{slot}.{near}}}`"));
        let message = if known.is_empty() {
            format!("`{{{slot}.{key}}}`: nothing is known of what fills `{slot}`, so that this is never sent")
        } else {
            format!("`{{{slot}.{key}}}`: `{key}` is known of no value of `{slot}`, so that this is never sent")
        };
        self.tell(problem, message, near);
    }

    fn slots(&self) -> Slots<'l, 'a> {
        self.fillers.slots(self.intent)
    }

    /// A problem where something near is known, else a note.
    fn tell(&mut self, problem: Problem, message: String, near: Option<String>) {
        let found = if near.is_some() { &mut *self.problems } else { &mut *self.notes };
        found.push(Problem { message: asking(message, near), ..problem });
    }

    /// Whether there is a value at the path, and not only above it.
    fn is_there(&self, path: &[&str]) -> bool {
        let place = |path: &[&str]| {
            let place = self.loaded.document.place(path);
            (place.line, place.column)
        };
        path.split_last().is_some_and(|(_, above)| place(path) != place(above))
    }
}

fn asking(message: String, near: Option<String>) -> String {
    match near {
        Some(near) => format!("{message}; did you mean {near}?"),
        None => message,
    }
}

/// Moves a problem from a value to its key, where both stand on one line.
fn at_key(loaded: &Loaded, problem: Problem, key: &str) -> Problem {
    let line = loaded.text.lines().nth(problem.line.saturating_sub(1)).unwrap_or_default();
    let before: String = line.chars().take(problem.column.saturating_sub(1)).collect();
    let is_value = before.trim_end().ends_with([':', '"', '\'']);
    match before.rfind(key).filter(|_| is_value) {
        Some(at) => Problem { column: before[..at].chars().count() + 1, ..problem },
        None => problem,
    }
}

/// The texts of a payload, with the way to each.
fn gather_texts<'p>(payload: &'p Value, path: &mut Vec<String>, texts: &mut Vec<(Vec<String>, &'p str)>) {
    let mut below = |step: String, value: &'p Value| {
        path.push(step);
        gather_texts(value, path, texts);
        path.pop();
    };
    match payload {
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key.clone(), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| below(index.to_string(), item)),
        Value::String(text) => texts.push((path.clone(), text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A slot that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'t> {
    /// Where it stands, by character.
    at: usize,
    slot: &'t str,
    key: Option<&'t str>,
}

/// Every `{slot}` and `{slot.key}` of a text, read as messages are; other braces are text.
fn named(text: &str) -> Vec<Named<'_>> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let mut found = Vec::new();
    for (open, _) in text.match_indices('{') {
        let Some((inside, _)) = text[open + 1..].split_once('}') else { break };
        let (slot, key) = inside.split_once('.').map_or((inside, None), |(slot, key)| (slot, Some(key)));
        if is_name(slot) && key.is_none_or(is_name) {
            found.push(Named { at: text[..open].chars().count(), slot, key });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::intents::fill::{Names, Template};

    #[test]
    fn slots_are_found_as_messages_are_read() {
        for text in
            ["{a}", "x{a.b}y{c_1}", "{{a}}", "{a.b.c}{.a}{a.}{1}", "\u{e9}{\u{e9}} {a", "{\"a\": \"{b}\"}", "{ a }{}"]
        {
            let mut names = Names { known: &[], unknown: Vec::new() };
            Template::topic(text, &mut names);
            let found: Vec<&str> = named(text).iter().map(|named| named.slot).collect();
            assert_eq!(found, names.unknown, "{text}");
        }
        let found = named("\u{e9}{a.b} {c}");
        assert_eq!(found[0], Named { at: 1, slot: "a", key: Some("b") });
        assert_eq!(found[1], Named { at: 7, slot: "c", key: None });
    }
}
