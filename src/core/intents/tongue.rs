//! One language's rules: which of them match a sentence, the first one wins.
//!
//! All regexes are tried at once by one set, and captures are taken of those that match only; matches are never iterated
//! over, so that the time is linear in the sentence.

use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};

use super::Hit;
use super::list::{self, List};
use super::rule::Rule;

/// Bytes that all regexes of a language may take when compiled.
const MAX_SET_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of states that the set may remember while it matches; with the usual 2 MiB, a thousand rules would drop and
/// rebuild them for each new sentence.
const MAX_STATE_BYTES: usize = 16 * 1024 * 1024;

/// One language's rules.
#[derive(Debug)]
pub(super) struct Tongue {
    tag: String,
    set: RegexSet,
    rules: Vec<Rule>,
    /// Words that mean nothing, folded, the longest first.
    skip_words: Vec<Vec<String>>,
    /// The lists of all files, in order, for suggestions.
    pub(super) lists: Vec<Arc<List>>,
    /// Sentences that are known to match, for suggestions.
    pub(super) phrasings: Vec<String>,
}

impl Tongue {
    pub(super) fn new(tag: &str, rules: Vec<Rule>, skip_words: &[&str]) -> Result<Self, regex::Error> {
        let set = RegexSetBuilder::new(rules.iter().map(|rule| rule.pattern.as_str()))
            .case_insensitive(true)
            .nest_limit(super::rule::MAX_NESTING + 2)
            .size_limit(MAX_SET_BYTES)
            .dfa_size_limit(MAX_STATE_BYTES)
            .build()?;
        let mut skip_words: Vec<Vec<String>> = skip_words
            .iter()
            .map(|phrase| list::fold(phrase).split(' ').map(str::to_owned).collect::<Vec<_>>())
            .filter(|words| words.iter().any(|word| !word.is_empty()))
            .collect();
        skip_words.sort_by_key(|words| std::cmp::Reverse(words.len()));
        Ok(Self { tag: tag.to_owned(), set, rules, skip_words, lists: Vec::new(), phrasings: Vec::new() })
    }

    /// The names of the rules' intents, again for each rule.
    pub(super) fn intents(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.intent.as_str())
    }

    pub(super) fn is(&self, tag: &str) -> bool {
        let plain = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        self.tag.len() == tag.len() && self.tag.bytes().zip(tag.bytes()).all(|(ours, theirs)| ours == plain(theirs))
    }

    /// Finds the first rule that matches normalised text: as it was said, then without the words that mean nothing.
    pub(super) fn find(&self, text: &str, site: Option<&str>) -> Option<Hit> {
        self.find_as_said(text, site).or_else(|| {
            let bare = self.without_skip_words(text)?;
            self.find_as_said(&bare, site)
        })
    }

    fn find_as_said(&self, text: &str, site: Option<&str>) -> Option<Hit> {
        self.set.matches(text).into_iter().find_map(|index| self.rules.get(index)?.apply(text, site))
    }

    /// The text without skip words, `None` where it has none or nothing else.
    fn without_skip_words(&self, text: &str) -> Option<String> {
        if self.skip_words.is_empty() {
            return None;
        }
        let words: Vec<&str> = text.split(' ').collect();
        let folded: Vec<String> = words.iter().map(|word| list::fold(word)).collect();
        let mut kept = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            if let Some(phrase) = self.skip_words.iter().find(|phrase| folded[at..].starts_with(phrase)) {
                at += phrase.len();
            } else {
                kept.push(words[at]);
                at += 1;
            }
        }
        (!kept.is_empty() && kept.len() < words.len()).then(|| kept.join(" "))
    }
}
