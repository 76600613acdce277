//! Lists: the values a slot may have, and what each of them stands for.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use crate::core::utterance;

use super::file::{Fractions, Range};
use super::template::Filled;

/// Characters that make a list's value a template, which is not read yet.
const TEMPLATE_CHARACTERS: [char; 9] = ['[', ']', '(', ')', '<', '>', '{', '}', '|'];

/// The values a slot may have.
#[derive(Debug)]
pub(super) enum List {
    Values { entries: Vec<Entry>, by_text: HashMap<String, Vec<usize>> },
    Range(Range),
    Wildcard,
}

/// One value of a list.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it is written in the list, for answers.
    pub(super) said: String,
    pub(super) out: Value,
    pub(super) context: Map<String, Value>,
}

/// Text as names are compared: lower case, hyphens and underscores as spaces, one space between words.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(['-', '_', ' ']).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

/// Whether a list's value is a sentence template.
pub(super) fn is_template(text: &str) -> bool {
    text.contains(TEMPLATE_CHARACTERS)
}

impl List {
    pub(super) fn of_values(entries: Vec<Entry>) -> Self {
        let mut by_text: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let text = fold(&utterance::normalise(&entry.said));
            if !text.is_empty() {
                by_text.entry(text).or_default().push(index);
            }
        }
        Self::Values { entries, by_text }
    }

    /// What the words stand for, the first value that `allows` accepts; `None` where they are none of the list's.
    pub(super) fn find<'a>(&'a self, words: &'a str, allows: impl Fn(&Entry) -> bool) -> Option<Filled<'a>> {
        match self {
            Self::Values { .. } => self.entry(words, allows).map(Filled::Listed),
            Self::Range(range) => range.number(words).map(Filled::Number),
            Self::Wildcard => Some(Filled::spoken(words)),
        }
    }

    /// The entry that the words name.
    pub(super) fn entry(&self, words: &str, allows: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let Self::Values { entries, by_text } = self else { return None };
        let found = by_text.get(&fold(words))?;
        found.iter().filter_map(|&index| entries.get(index)).find(|entry| allows(entry))
    }

    /// The values as they are written, none for ranges and wildcards.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Values { entries, .. } => entries,
            Self::Range(_) | Self::Wildcard => &[],
        }
    }
}

impl Range {
    /// The number that digits say, if it is one of the range.
    fn number(&self, words: &str) -> Option<Number> {
        if words.len() > 16 || !words.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b',')) {
            return None;
        }
        let number: f64 = words.replace(',', ".").parse().ok()?;
        let whole = |number: f64| (number - number.round()).abs() < 1e-9;
        let on_step = whole((number - self.from) / self.step);
        let fraction = match self.fractions {
            None => false,
            Some(Fractions::Halves) => whole(number * 2.0),
            Some(Fractions::Tenths) => whole(number * 10.0),
        };
        if number < self.from || number > self.to || !(on_step || fraction) {
            return None;
        }
        as_number(number * self.multiplier.unwrap_or(1.0))
    }
}

/// A whole number is written as one.
fn as_number(number: f64) -> Option<Number> {
    let written = format!("{number}");
    written.parse::<i64>().map(Number::from).ok().or_else(|| Number::from_f64(number))
}
