//! One block of an intent, with everything checked that can be checked at load.

use serde_json::Value;

use crate::core::intents::block::{Act, Block, MAX_REQUIRED, PublishTemplate, Required};
use crate::core::intents::context;
use crate::core::intents::file::PublishDefinition;
use crate::core::intents::fill::{self, Names, Template};
use crate::core::intents::lists::{Entry, View};
use crate::core::intents::regexes::{self, Group, Rule};
use crate::core::intents::respond::{DEFAULT_ANSWER, Response};
use crate::core::intents::sentence::grammar::{NodeId, Target};
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::tongue::Sentence;
use crate::core::yaml::{self, Problem};

use super::actions::{self, Written};
use super::scope::areas;
use super::sentences::{Gathered, Local};
use super::{Loaded, Placed, is_enough, unknown_name};

/// Intents that are only answered: nothing is done when they are said.
const SPOKEN: [&str; 4] = ["HassRespond", "HassNevermind", "HassGetCurrentTime", "HassGetCurrentDate"];

/// Adds a block and its sentences to what is gathered.
pub(super) fn gather(placed: &Placed<'_>, gathered: &mut Gathered<'_>, problems: &mut Vec<Problem>) {
    let written = placed.block;
    if written.regex.0.is_empty() && written.sentences.is_empty() {
        problems.push(placed.problem(&[], "the block has neither `regex` nor `sentences`, so nothing matches it"));
    }
    let local = gathered.local(placed, problems);
    let compiled = gathered.compile(placed, &local, problems);
    let mut regexes = Vec::new();
    for (index, pattern) in written.regex.0.iter().enumerate() {
        match regexes::compile(pattern) {
            Ok(compiled) => regexes.push((index, compiled)),
            Err(message) => problems.push(placed.problem(&["regex", &index.to_string()], message)),
        }
    }
    if compiled.is_empty() && regexes.is_empty() {
        return;
    }
    let index = gathered.blocks.len();
    let mut builder = Builder { placed, gathered, local: &local, problems };
    let mut block = builder.block(&compiled, &regexes);
    for (number, (pattern, regex)) in regexes {
        let number = number.to_string();
        let line = placed.problem(&["regex", &number], "").line;
        let claim = format!("regex {pattern}");
        if builder.claims(&claim, &["regex", &number], line) {
            let groups = builder.groups(&regex, &mut block);
            let order = builder.gathered.next();
            builder.gathered.regexes.push(Rule { block: index, pattern, regex, groups, line, order });
        }
    }
    for (number, root) in compiled {
        if is_enough(builder.problems) {
            break;
        }
        let text = written.sentences[number].clone();
        let number = number.to_string();
        let line = placed.problem(&["sentences", &number], "").line;
        if builder.claims(&format!("sentence {}", text.trim()), &["sentences", &number], line) {
            let order = builder.gathered.next();
            builder.gathered.sentences.push(Sentence { block: index, root, line, text, order });
        }
    }
    gathered.blocks.push(block);
}

struct Builder<'b, 'g, 'p> {
    placed: &'b Placed<'p>,
    gathered: &'b mut Gathered<'g>,
    local: &'b Local<'b>,
    problems: &'b mut Vec<Problem>,
}

impl Builder<'_, '_, '_> {
    fn block(&mut self, compiled: &[(usize, NodeId)], regexes: &[(usize, (String, regex::Regex))]) -> Block {
        let (placed, written) = (self.placed, self.placed.block);
        let (mut slots, mut ids) = self.gathered.slots(compiled);
        let mut slot_named = |name: &str, gathered: &mut Gathered<'_>| {
            slots.iter().position(|slot| slot == name).unwrap_or_else(|| {
                slots.push(name.to_owned());
                ids.push(gathered.grammar.slot(name));
                slots.len() - 1
            })
        };
        for (_, (_, regex)) in regexes {
            for name in regex.capture_names().flatten() {
                slot_named(name, self.gathered);
            }
        }
        let fixed =
            written.slots.iter().map(|(name, value)| (slot_named(name, self.gathered), value.clone())).collect();
        let requirements = Self::context(placed, self.problems, "requires_context", &written.requires_context);
        for name in requirements.iter().filter_map(|requirement| requirement.slot.as_deref()) {
            slot_named(name, self.gathered);
        }
        if requirements.len() > MAX_REQUIRED {
            let message = format!("at most {MAX_REQUIRED} keys may be required");
            self.problems.push(placed.problem(&["requires_context"], message));
        }
        let excludes = Self::context(placed, self.problems, "excludes_context", &written.excludes_context);
        let acts = self.acts(&slots);
        let response = self.response(&slots);
        let is_imported = placed.loaded.is_imported();
        Block {
            intent: placed.intent_name.to_owned(),
            file: placed.loaded.path.clone(),
            line: placed.problem(&[], "").line,
            is_imported,
            is_handled: self.is_handled(is_imported),
            requires: requirements
                .into_iter()
                .take(MAX_REQUIRED)
                .map(|requirement| Required::new(requirement, &slots))
                .collect(),
            excludes: excludes.into_iter().map(|requirement| requirement.condition).collect(),
            areas: areas(&self.local.lists),
            keywords: written.required_keywords.iter().map(|word| format!(" {} ", fold(word))).collect(),
            metadata: written.metadata.clone(),
            slots,
            ids,
            fixed,
            acts,
            response,
        }
    }

    /// Whether something comes of the block where no act does.
    fn is_handled(&self, is_imported: bool) -> bool {
        let (written, intent) = (self.placed.block, self.placed.intent);
        let is_spoken = SPOKEN.contains(&self.placed.intent_name);
        let is_answered = !is_imported
            && (written.response.is_some() || intent.response.is_some())
            && !self.placed.intent_name.starts_with("Hass");
        written.actions.is_some() || intent.actions.is_some() || is_spoken || is_answered
    }

    /// Whether a sentence is said here first; a problem where it is the same once more, a note where two intents want it.
    fn claims(&mut self, what: &str, part: &[&str], line: usize) -> bool {
        let (placed, block) = (self.placed, self.placed.block);
        let claim = format!(
            "{what}\n{}\n{}\n{:?}\n{}\n{:?}",
            Value::Object(block.requires_context.clone()),
            Value::Object(block.excludes_context.clone()),
            block.required_keywords,
            placed.loaded.is_imported(),
            // Lists and rules of its own may mean something else.
            (!block.lists.0.is_empty() || !block.expansion_rules.is_empty()).then_some((
                &placed.loaded.path,
                placed.intent_name,
                &placed.index
            )),
        );
        let at = format!("{}:{line}", placed.loaded.path);
        let Some((intent, first)) = self.gathered.claims.get(&claim) else {
            self.gathered.claims.insert(claim, (placed.intent_name.to_owned(), at));
            return true;
        };
        let kind = if part[0] == "regex" { "regex" } else { "sentence" };
        let message = if intent == placed.intent_name {
            format!("the same {kind} stands at {first} already, so this one never matches")
        } else {
            format!("the same {kind} stands at {first} already, for {intent}, so this one never matches")
        };
        if placed.loaded.is_imported() {
            self.gathered.notes.push(placed.problem(part, message));
            return true;
        }
        self.problems.push(placed.problem(part, message));
        false
    }

    fn groups(&self, regex: &regex::Regex, block: &mut Block) -> Vec<Group> {
        let names = regex.capture_names().enumerate().filter_map(|(index, name)| Some((index, name?)));
        let group = |(index, name): (usize, &str)| {
            let slot = block.slots.iter().position(|slot| slot == name)?;
            Some(Group { index, slot, list: self.list(name) })
        };
        names.filter_map(group).collect()
    }

    /// A list by its name, if a file or the block defines it: a group of any other name takes any words.
    fn list(&self, name: &str) -> Option<Target> {
        let of_files = || self.gathered.scope.lists.target(name).filter(|_| self.gathered.scope.defined.contains(name));
        self.local.lists.get(name).copied().or_else(of_files)
    }

    fn context(
        placed: &Placed<'_>,
        problems: &mut Vec<Problem>,
        key: &str,
        written: &serde_json::Map<String, Value>,
    ) -> Vec<context::Requirement> {
        context::read(written, |below, message| problems.push(placed.problem(&[key, below], message)))
    }

    fn response(&mut self, slots: &[String]) -> Response {
        let (own, shared) = (self.placed.block.response.as_ref(), self.placed.intent.response.as_ref());
        let path = self.placed.own_or_shared("response", own.is_some());
        let written = own.or(shared).map_or("default", String::as_str);
        // Nobody mends what stands in an imported file, whoever answers with it.
        let mut is_imported = self.placed.loaded.is_imported();
        let text = match self.gathered.scope.response(self.placed.intent_name, written) {
            Some(answer) => {
                is_imported |= answer.is_imported;
                answer.text
            }
            None if own.or(shared).is_none() => DEFAULT_ANSWER,
            // A key that no file has a text for.
            None if is_imported => DEFAULT_ANSWER,
            None => written,
        };
        if text.contains("{{") || text.contains("{%") {
            match Response::jinja(text) {
                Ok(response) => return response,
                Err(message) => self.report_response(&path, &message, is_imported),
            }
            return Response::Text(Template::answer(DEFAULT_ANSWER, &mut Names { known: slots, unknown: Vec::new() }));
        }
        let mut names = Names { known: slots, unknown: Vec::new() };
        let template = Template::answer(text, &mut names);
        if !is_imported {
            self.report_unknown(&path, &names);
        }
        Response::Text(template)
    }

    /// A problem with a response; of an imported file only a note, since its reader cannot mend it.
    fn report_response(&mut self, path: &[&str], message: &str, is_imported: bool) {
        let problem = self.placed.loaded.document.problem(path, format!("{}: {message}", self.placed.intent_name));
        if is_imported {
            self.gathered.notes.push(problem);
        } else {
            self.problems.push(problem);
        }
    }

    /// What is done: by the block itself, else by the intent in this file, else by what the files say of the intent.
    fn acts(&mut self, slots: &[String]) -> Vec<Act> {
        let (own, shared) = (self.placed.block.actions.as_ref(), self.placed.intent.actions.as_ref());
        if let Some(actions) = own.or(shared) {
            let path = self.placed.own_or_shared("actions", own.is_some());
            let mut publishes = Vec::with_capacity(actions.len());
            for (index, action) in actions.iter().enumerate() {
                let index = index.to_string();
                let path = [&path[..], &[index.as_str(), "publish"]].concat();
                publishes.push(self.publish(self.placed.loaded, &action.publish, &path, slots, true));
            }
            return if publishes.is_empty() {
                Vec::new()
            } else {
                vec![Act { is_own: true, when: Vec::new(), publishes }]
            };
        }
        let written: Vec<Written<'_>> = self.gathered.scope.acts.of(self.placed.intent_name).to_vec();
        written.into_iter().filter_map(|written| self.act(written, slots)).collect()
    }

    /// An act of the files, where the block has the slots that it needs.
    fn act(&mut self, written: Written<'_>, slots: &[String]) -> Option<Act> {
        let index = written.index.to_string();
        let path = ["actions", written.intent, index.as_str()];
        let conditions = actions::conditions(&written.act.when);
        let when = context::read(&conditions, |below, message| {
            self.problems.push(written.loaded.document.problem(&[&path[..], &["when", below]].concat(), message));
        });
        let mut publishes = Vec::new();
        for (number, publish) in written.act.publish.0.iter().enumerate() {
            let number = number.to_string();
            let path = [&path[..], &["publish", number.as_str()]].concat();
            let mut names = Names { known: slots, unknown: Vec::new() };
            Template::topic(&publish.topic, &mut names);
            Template::payload(&publish.payload, &mut names);
            if !names.unknown.is_empty() {
                return None;
            }
            publishes.push(self.publish(written.loaded, publish, &path, slots, false));
        }
        Some(Act { is_own: false, when, publishes })
    }

    fn publish(
        &mut self,
        loaded: &Loaded,
        publish: &PublishDefinition,
        path: &[&str],
        slots: &[String],
        is_own: bool,
    ) -> PublishTemplate {
        let mut names = Names { known: slots, unknown: Vec::new() };
        let topic = Template::topic(&publish.topic, &mut names);
        let topic_path = [path, &["topic"]].concat();
        if is_own {
            self.report_unknown(&topic_path, &names);
        }
        self.check_topic(loaded, &topic, &publish.topic, &topic_path, slots);
        let mut names = Names { known: slots, unknown: Vec::new() };
        let payload = Template::payload(&publish.payload, &mut names);
        if is_own {
            self.report_unknown(&[path, &["payload"]].concat(), &names);
        }
        if publish.qos > 2 {
            let message = format!("`qos` must be 0, 1 or 2, not {}", publish.qos);
            self.problems.push(loaded.document.problem(&[path, &["qos"]].concat(), message));
        }
        PublishTemplate { topic, payload, qos: publish.qos, retain: publish.retain }
    }

    fn check_topic(&mut self, loaded: &Loaded, topic: &Template, written: &str, path: &[&str], slots: &[String]) {
        let is_right = if topic.slots().next().is_none() {
            fill::is_topic(written)
        } else {
            // What the slots add is looked at for each hit.
            !written.starts_with('$') && topic.literals().all(|text| !text.contains(['+', '#', '\0']))
        };
        if !is_right {
            let message =
                "a message cannot be sent to this topic: it is empty, has `+`, `#` or NUL in it, or begins with `$`";
            self.problems.push(loaded.document.problem(path, message));
        }
        let scope = &self.gathered.scope;
        let view = View { lists: &scope.lists, names: &scope.names };
        for slot in topic.slots() {
            let list = slots.get(slot).and_then(|name| self.list(name));
            let Some(Target::Values(list)) = list else { continue };
            if let Some(entry) = view.entries(list).find(|entry| !is_for_topic(entry)) {
                let out = entry.out.as_ref().map_or_else(|| "its own words".to_owned(), ToString::to_string);
                let message = format!("`{}` of the list cannot stand in a topic: it stands for {out}", entry.said);
                self.problems.push(loaded.document.problem(path, message));
            }
        }
    }

    fn report_unknown(&mut self, path: &[&str], names: &Names<'_>) {
        for name in &names.unknown {
            let lists: Vec<&str> = self.gathered.scope.defined.iter().copied().collect();
            let message = if self.list(name).is_some() {
                format!("no group `(?P<{name}>…)` of the regex takes a value of the list `{name}`")
            } else if names.known.is_empty() && yaml::nearest(name, lists).is_none() {
                format!("`{{{name}}}` is filled by no group of the regex, and no fixed slot")
            } else {
                unknown_name("slot", name, names.known.iter().map(String::as_str))
            };
            self.problems.push(self.placed.loaded.document.problem(path, message));
        }
    }
}

/// Whether a value may stand in a topic.
fn is_for_topic(entry: &Entry) -> bool {
    match &entry.out {
        Some(Value::String(out)) => fill::is_topic(out),
        Some(Value::Number(_)) | None => true,
        Some(_) => false,
    }
}
