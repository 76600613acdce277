//! Rules that are written as regular expressions: all of them tried at once, captures taken of those that match only.
//!
//! Matches are never iterated over, so that the time is linear in the sentence.

use std::cmp::Reverse;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde_json::Number;

use super::block::{Block, Slots};
use super::fill::Filled;
use super::lists::{Entry, View};
use super::sentence::grammar::Target;
use super::sentence::heard::fold;
use super::sentence::matcher::Rank;
use super::sentence::range::{NumberRange, Spelling};

/// Groups that may stand inside each other in a regex.
const MAX_NESTING: u32 = 32;
/// Bytes that one compiled regex may take.
const MAX_REGEX_BYTES: usize = 1024 * 1024;
/// Bytes that all regexes of a language may take when compiled.
const MAX_SET_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of states that the set may remember while it matches; with the usual 2 MiB, a thousand rules would drop and
/// rebuild them for each new sentence.
const MAX_STATE_BYTES: usize = 16 * 1024 * 1024;

/// What stands before and after a regex, so that it is for the whole sentence.
const BEFORE: &str = r"\A(?:";
const AFTER: &str = r")\z";

/// One regex of a block.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) block: usize,
    /// The regex for the whole sentence.
    pub(super) pattern: String,
    pub(super) regex: Regex,
    pub(super) groups: Vec<Group>,
    pub(super) line: usize,
    /// Its place among all sentences of the language.
    pub(super) order: u32,
}

/// A named group of a regex.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) index: usize,
    /// The block's own number of the slot.
    pub(super) slot: usize,
    /// What the words must be; any words where there is no list of the group's name.
    pub(super) list: Option<Target>,
}

/// What the groups of a regex look values up in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meanings<'a> {
    pub(super) view: View<'a>,
    pub(super) ranges: &'a [NumberRange],
    pub(super) spelling: &'a Spelling,
}

/// All regexes of a language.
#[derive(Debug, Default)]
pub(super) struct Regexes {
    set: RegexSet,
    pub(super) rules: Vec<Rule>,
}

impl Regexes {
    pub(super) fn new(rules: Vec<Rule>) -> Result<Self, regex::Error> {
        let set = RegexSetBuilder::new(rules.iter().map(|rule| rule.pattern.as_str()))
            .case_insensitive(true)
            .nest_limit(MAX_NESTING + 2)
            .size_limit(MAX_SET_BYTES)
            .dfa_size_limit(MAX_STATE_BYTES)
            .build()?;
        Ok(Self { set, rules })
    }

    /// The regexes that match, in the order they are written.
    pub(super) fn matching(&self, text: &str) -> impl Iterator<Item = &Rule> {
        let matches = if self.rules.is_empty() { None } else { Some(self.set.matches(text)) };
        matches.into_iter().flatten().filter_map(|index| self.rules.get(index))
    }
}

/// Compiles a regex for whole sentences; the pattern that matches them comes with it.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn compile(written: &str) -> Result<(String, Regex), String> {
    // By itself first: `a)|(b` is only right once it is wrapped, and then means something else.
    let mut parser = regex_syntax::ParserBuilder::new().case_insensitive(true).nest_limit(MAX_NESTING).build();
    parser.parse(written).map_err(|error| explain(&error.to_string()))?;
    let pattern = format!("{BEFORE}{written}{AFTER}");
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
    /// The regex as somebody wrote it.
    pub(super) fn written(&self) -> &str {
        let inside = self.pattern.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
        inside.unwrap_or(&self.pattern)
    }

    /// What fills the slots when the regex matches, and how good that is; `None` where a group's words are not of its list.
    pub(super) fn apply<'a>(&self, text: &'a str, block: &Block, with: Meanings<'a>) -> Option<(Slots<'a>, Rank)> {
        let captures = self.regex.captures(text)?;
        let mut slots = Slots { filled: vec![None; block.slots.len()], captures: Vec::new() };
        let mut rank = Rank { literal: length(text), ..Rank::default() };
        for group in &self.groups {
            let Some(words) = captures.get(group.index).map(|found| found.as_str().trim()) else { continue };
            if words.is_empty() {
                continue;
            }
            rank.literal = rank.literal.saturating_sub(length(words));
            let filled = match group.list {
                Some(Target::Values(list)) => {
                    let entry = with.view.find(list, words).into_iter().find(|entry| block.allows(entry).is_some())?;
                    if block.slots[group.slot] == "name" {
                        rank.name = length(words);
                    }
                    Filled::Listed(entry, words)
                }
                Some(Target::Range(range)) => {
                    Filled::Number(number(words, &with.ranges[usize::from(range)], with.spelling)?)
                }
                Some(Target::Wildcard) | None => {
                    rank.wildcards = Reverse(rank.wildcards.0 + 1);
                    rank.wild = Reverse(rank.wild.0 + length(words));
                    Filled::spoken(words)
                }
            };
            slots.filled[group.slot] = Some(filled);
        }
        Some((slots, rank))
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// The number that the words are as a whole.
fn number(words: &str, range: &NumberRange, spelling: &Spelling) -> Option<Number> {
    let text = fold(words);
    let mut found = Vec::new();
    spelling.at(text.as_bytes(), 0, &mut found);
    let said = found.into_iter().find(|said| said.end == text.len() && range.has(said))?;
    Some(range.value(said.number))
}

impl Block {
    /// The keys of the context that a value gives, a bit for each that is required; `None` where a condition forbids it.
    pub(super) fn allows(&self, entry: &Entry) -> Option<u8> {
        let mut given = 0;
        for (index, required) in self.requires.iter().enumerate() {
            match entry.knows(&required.condition.key) {
                Some(value) if !required.condition.holds(value) => return None,
                Some(_) => given |= 1 << index,
                None => {}
            }
        }
        let is_out =
            |condition: &super::context::Condition| entry.knows(&condition.key).is_some_and(|v| condition.holds(v));
        if self.excludes.iter().any(is_out) { None } else { Some(given) }
    }
}
