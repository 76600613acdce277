//! One rule: a regex, what its slots may be, and what it does.

use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

use super::context::{Condition, Requirement};
use super::list::{Entry, List};
use super::template::{self, Filled, Template};
use super::{Hit, Publish};

/// Groups that may stand inside each other in a regex.
pub(super) const MAX_NESTING: u32 = 32;
/// Bytes that one compiled regex may take.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// One regex of a block, ready to match.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) intent: String,
    /// The regex for the whole sentence.
    pub(super) pattern: String,
    pub(super) regex: Regex,
    /// `file:line`.
    pub(super) source: String,
    pub(super) slots: Vec<String>,
    pub(super) groups: Vec<Group>,
    pub(super) fixed: Vec<(usize, Value)>,
    pub(super) requires: Vec<Required>,
    pub(super) excludes: Vec<Condition>,
    /// The list that names the places, so that `living_room` is "living room".
    pub(super) areas: Option<Arc<List>>,
    /// One of these must be said, folded.
    pub(super) keywords: Vec<String>,
    pub(super) publishes: Vec<PublishTemplate>,
    pub(super) response: Template,
}

/// A named group of the regex.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) index: usize,
    pub(super) slot: usize,
    pub(super) list: Option<Arc<List>>,
}

/// A requirement with its slot by index.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) condition: Condition,
    pub(super) slot: Option<usize>,
}

#[derive(Debug)]
pub(super) struct PublishTemplate {
    pub(super) topic: Template,
    pub(super) payload: Template,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// Compiles a regex for whole sentences; the pattern that matches them comes with it.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn compile(written: &str) -> Result<(String, Regex), String> {
    // By itself first: `a)|(b` is only right once it is wrapped, and then means something else.
    let mut parser = regex_syntax::ParserBuilder::new().case_insensitive(true).nest_limit(MAX_NESTING).build();
    parser.parse(written).map_err(|error| explain(&error.to_string()))?;
    let pattern = format!(r"\A(?:{written})\z");
    let built = RegexBuilder::new(&pattern)
        .case_insensitive(true)
        .nest_limit(MAX_NESTING + 2)
        .size_limit(MAX_REGEX_BYTES)
        .build();
    let regex = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the regex is too large: compiled it takes more than {limit} bytes")
        }
        _ => explain(&error.to_string()),
    })?;
    if regex.is_match("") {
        return Err("the regex matches when nothing is said".to_owned());
    }
    Ok((pattern, regex))
}

/// The last line of a regex error; the lines above draw the place.
fn explain(error: &str) -> String {
    let last = error.lines().last().unwrap_or_default();
    format!("the regex is wrong: {}", last.trim_start_matches("error: "))
}

impl Rule {
    /// What the rule makes of a sentence that its regex matches; `None` where its slots or its context do not fit.
    pub(super) fn apply(&self, text: &str, site: Option<&str>) -> Option<Hit> {
        if !self.has_keyword(text) {
            return None;
        }
        let captures = self.regex.captures(text)?;
        let mut filled: Vec<Option<Filled<'_>>> = vec![None; self.slots.len()];
        self.fill_groups(&captures, &mut filled)?;
        for (slot, value) in &self.fixed {
            filled[*slot].get_or_insert(Filled::Fixed(value));
        }
        self.check_context(site, &mut filled)?;
        let mut publishes = Vec::with_capacity(self.publishes.len());
        for publish in &self.publishes {
            publishes.push(Publish {
                topic: publish.topic.write_topic(&filled)?,
                payload: publish.payload.write(&filled)?,
                qos: publish.qos,
                retain: publish.retain,
            });
        }
        Some(Hit {
            name: self.intent.clone(),
            slots: template::slots(&self.slots, &filled),
            source: self.source.clone(),
            response: self.response.write_answer(&filled),
            publishes,
        })
    }

    fn has_keyword(&self, text: &str) -> bool {
        self.keywords.is_empty() || {
            let text = format!(" {} ", super::list::fold(text));
            self.keywords.iter().any(|keyword| text.contains(keyword.as_str()))
        }
    }

    fn fill_groups<'a>(&'a self, captures: &Captures<'a>, filled: &mut [Option<Filled<'a>>]) -> Option<()> {
        for group in &self.groups {
            let Some(words) = captures.get(group.index).map(|found| found.as_str().trim()) else { continue };
            if words.is_empty() {
                continue;
            }
            filled[group.slot] = Some(match &group.list {
                Some(list) => list.find(words, |entry| self.allows(entry))?,
                None => Filled::spoken(words),
            });
        }
        Some(())
    }

    /// Whether what is known of a value contradicts none of the conditions.
    fn allows(&self, entry: &Entry) -> bool {
        let known = |condition: &Condition| entry.context.get(&condition.key);
        self.requires.iter().all(|required| known(&required.condition).is_none_or(|v| required.condition.holds(v)))
            && self.excludes.iter().all(|condition| known(condition).is_none_or(|v| !condition.holds(v)))
    }

    fn check_context<'a>(&'a self, site: Option<&'a str>, filled: &mut [Option<Filled<'a>>]) -> Option<()> {
        for required in &self.requires {
            let key = &required.condition.key;
            let found = self.look_up(key, site, filled)?;
            if !required.condition.holds(&found.to_value()) {
                return None;
            }
            if let Some(slot) = required.slot {
                filled[slot].get_or_insert(found);
            }
        }
        for condition in &self.excludes {
            if self.look_up(&condition.key, site, filled).is_some_and(|found| condition.holds(&found.to_value())) {
                return None;
            }
        }
        Some(())
    }

    /// A key of the context: from the named values first, from the sentence's own slot, then from where it was said.
    fn look_up<'a>(&'a self, key: &str, site: Option<&'a str>, filled: &[Option<Filled<'a>>]) -> Option<Filled<'a>> {
        let slot = self.slots.iter().position(|name| name == key).and_then(|slot| filled.get(slot)?.clone());
        let listed = filled.iter().flatten().find_map(|value| match value {
            Filled::Listed(entry) => entry.context.get(key),
            _ => None,
        });
        if key != "area" {
            return listed.map(Filled::Fixed);
        }
        // The sentence's own area outranks the area of what it names, and that the room it was said in.
        slot.or_else(|| listed.map(Filled::Fixed)).or_else(|| match (&self.areas, site?) {
            (Some(areas), site) => areas.entry(site, |_| true).map(Filled::Listed),
            (None, site) => Some(Filled::Spoken(site)),
        })
    }
}

impl Required {
    pub(super) fn new(requirement: Requirement, slots: &[String]) -> Self {
        let slot = requirement.slot.and_then(|name| slots.iter().position(|slot| *slot == name));
        Self { condition: requirement.condition, slot }
    }
}
