//! One block of an intent to its rules, one for each regex, with everything checked that can be checked at load.

use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use crate::core::intents::context;
use crate::core::intents::file::PublishDefinition;
use crate::core::intents::list::{self, List};
use crate::core::intents::rule::{self, Group, PublishTemplate, Required, Rule};
use crate::core::intents::template::{self, Names, Template};
use crate::core::yaml::{self, Problem};

use super::scope::{self, Scope};
use super::{Placed, unknown_name};

/// What is answered where a rule says nothing.
const DEFAULT_ANSWER: &str = "OK.";

/// The rules of a block, each with its number among the block's regexes.
pub(super) fn rules(
    placed: &Placed<'_>,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<Problem>,
) -> Vec<(String, Rule)> {
    let block = placed.block;
    if block.regex.0.is_empty() && block.sentences.is_empty() {
        problems.push(placed.problem(&[], "the block has neither `regex` nor `sentences`, so nothing matches it"));
    }
    let mut local = HashMap::new();
    for (name, definition) in &block.lists.0 {
        let at =
            |below: &[&str], message: String| placed.problem(&[&["lists", name.as_str()], below].concat(), message);
        scope::check(definition, &at, problems, notes);
        local.insert(name.as_str(), scope::local_list(definition));
    }
    let mut found = Vec::new();
    for (index, written) in block.regex.0.iter().enumerate() {
        let index = index.to_string();
        match rule::compile(written) {
            Err(message) => problems.push(placed.problem(&["regex", &index], message)),
            Ok((pattern, regex)) => {
                let mut builder = Builder { placed, scope, local: &local, regex_index: &index, problems, notes };
                let rule = builder.rule(pattern, regex);
                found.push((index, rule));
            }
        }
    }
    found
}

struct Builder<'b, 'a> {
    placed: &'b Placed<'a>,
    scope: &'b Scope<'a>,
    local: &'b HashMap<&'b str, Arc<List>>,
    regex_index: &'b str,
    problems: &'b mut Vec<Problem>,
    notes: &'b mut Vec<Problem>,
}

impl Builder<'_, '_> {
    fn rule(&mut self, pattern: String, regex: Regex) -> Rule {
        let (placed, block) = (self.placed, self.placed.block);
        let mut slots: Vec<String> = Vec::new();
        let mut groups = Vec::new();
        for (index, name) in regex.capture_names().enumerate().filter_map(|(i, name)| Some((i, name?))) {
            groups.push(Group { index, slot: slots.len(), list: self.list(name) });
            slots.push(name.to_owned());
        }
        let fixed = block.slots.iter().map(|(name, value)| (slot_named(&mut slots, name), value.clone())).collect();
        let requirements = self.context("requires_context", &block.requires_context);
        for name in requirements.iter().filter_map(|requirement| requirement.slot.as_deref()) {
            slot_named(&mut slots, name);
        }
        let excludes = self.context("excludes_context", &block.excludes_context);
        let publishes = self.publishes(&slots, &groups);
        let response = self.response(&slots);
        let line = placed.problem(&["regex", self.regex_index], "").line;
        Rule {
            intent: placed.intent_name.to_owned(),
            pattern,
            regex,
            source: format!("{}:{line}", placed.loaded.path),
            requires: requirements.into_iter().map(|requirement| Required::new(requirement, &slots)).collect(),
            excludes: excludes.into_iter().map(|requirement| requirement.condition).collect(),
            areas: self.list("area"),
            keywords: block.required_keywords.iter().map(|word| format!(" {} ", list::fold(word))).collect(),
            slots,
            groups,
            fixed,
            publishes,
            response,
        }
    }

    /// A list by its name: the block's own before the files'.
    fn list(&self, name: &str) -> Option<Arc<List>> {
        self.local.get(name).cloned().or_else(|| self.scope.list(name))
    }

    fn context(&mut self, key: &str, written: &serde_json::Map<String, Value>) -> Vec<context::Requirement> {
        context::read(written, |below, message| self.problems.push(self.placed.problem(&[key, below], message)))
    }

    fn response(&mut self, slots: &[String]) -> Template {
        let (own, shared) = (self.placed.block.response.as_ref(), self.placed.intent.response.as_ref());
        let path = self.placed.own_or_shared("response", own.is_some());
        let written = own.or(shared).map_or("default", String::as_str);
        let text = match self.scope.response(self.placed.intent_name, written) {
            Some(text) => text,
            None if own.or(shared).is_none() => DEFAULT_ANSWER,
            None => written,
        };
        if text.contains("{{") || text.contains("{%") {
            let message = "the response is a Jinja template, which is not rendered yet";
            self.notes.push(self.placed.loaded.document.problem(&path, message));
            return Template::answer(DEFAULT_ANSWER, &mut Names { known: slots, unknown: Vec::new() });
        }
        let mut names = Names { known: slots, unknown: Vec::new() };
        let template = Template::answer(text, &mut names);
        self.report_unknown(&path, &names);
        template
    }

    fn publishes(&mut self, slots: &[String], groups: &[Group]) -> Vec<PublishTemplate> {
        let (own, shared) = (self.placed.block.actions.as_ref(), self.placed.intent.actions.as_ref());
        let path = self.placed.own_or_shared("actions", own.is_some());
        let actions = own.or(shared).map_or(&[][..], Vec::as_slice);
        let mut publishes = Vec::with_capacity(actions.len());
        for (index, action) in actions.iter().enumerate() {
            let index = index.to_string();
            let path = [&path[..], &[index.as_str(), "publish"]].concat();
            publishes.push(self.publish(&action.publish, &path, slots, groups));
        }
        publishes
    }

    fn publish(
        &mut self,
        publish: &PublishDefinition,
        path: &[&str],
        slots: &[String],
        groups: &[Group],
    ) -> PublishTemplate {
        let mut names = Names { known: slots, unknown: Vec::new() };
        let topic = Template::topic(&publish.topic, &mut names);
        let topic_path = [path, &["topic"]].concat();
        self.report_unknown(&topic_path, &names);
        self.check_topic(&topic, &publish.topic, &topic_path, groups);
        let mut names = Names { known: slots, unknown: Vec::new() };
        let payload = Template::payload(&publish.payload, &mut names);
        self.report_unknown(&[path, &["payload"]].concat(), &names);
        if publish.qos > 2 {
            let message = format!("`qos` must be 0, 1 or 2, not {}", publish.qos);
            self.problems.push(self.placed.loaded.document.problem(&[path, &["qos"]].concat(), message));
        }
        PublishTemplate { topic, payload, qos: publish.qos, retain: publish.retain }
    }

    fn check_topic(&mut self, topic: &Template, written: &str, path: &[&str], groups: &[Group]) {
        let mut report = |message: String| self.problems.push(self.placed.loaded.document.problem(path, message));
        let is_right = if topic.slots().next().is_none() {
            template::is_topic(written)
        } else {
            // What the slots add is looked at for each hit.
            !written.starts_with('$') && topic.literals().all(|text| !text.contains(['+', '#', '\0']))
        };
        if !is_right {
            report(
                "a message cannot be sent to this topic: it is empty, has `+`, `#` or NUL in it, or begins with `$`"
                    .to_owned(),
            );
        }
        for group in groups.iter().filter(|group| topic.slots().any(|slot| slot == group.slot)) {
            let entries = group.list.as_deref().map_or(&[][..], List::entries);
            let is_bad = |out: &Value| {
                out.as_str().is_some_and(|out| !template::is_topic(out)) || !(out.is_string() || out.is_number())
            };
            if let Some(entry) = entries.iter().find(|entry| is_bad(&entry.out)) {
                report(format!("`{}` of the list cannot stand in a topic: it stands for {}", entry.said, entry.out));
            }
        }
    }

    fn report_unknown(&mut self, path: &[&str], names: &Names<'_>) {
        for name in &names.unknown {
            let is_list = self.list(name).is_some();
            let message = if is_list {
                format!("no group `(?P<{name}>…)` of the regex takes a value of the list `{name}`")
            } else if names.known.is_empty() && yaml::nearest(name, self.scope.list_names()).is_none() {
                format!("`{{{name}}}` is filled by no group of the regex, and no fixed slot")
            } else {
                unknown_name("slot", name, names.known.iter().map(String::as_str))
            };
            self.problems.push(self.placed.loaded.document.problem(path, message));
        }
    }
}

/// The number of the slot with this name, a new one where there is none yet.
fn slot_named(slots: &mut Vec<String>, name: &str) -> usize {
    slots.iter().position(|slot| slot == name).unwrap_or_else(|| {
        slots.push(name.to_owned());
        slots.len() - 1
    })
}
