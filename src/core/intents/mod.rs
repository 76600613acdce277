//! Tier 1: rules written in YAML, from the text of their files to what an utterance sets off.
//!
//! Texts of files come in ([`load`]), an utterance's text comes in ([`Rules::find`]), and a [`Hit`] with the messages to
//! publish goes out. Nothing here publishes, opens a file or asks a model: a device command is made from a written rule
//! and the words it matched, and from nothing else.

mod context;
mod file;
mod list;
mod loader;
mod near;
mod rule;
mod selftest;
mod template;
mod tongue;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::core::utterance;
use crate::core::yaml::Problem;

use selftest::Test;
use tongue::Tongue;

pub use loader::load;
pub use selftest::{Failure, TestReport};

/// Regexes that may be loaded, of all files together.
pub const MAX_RULES: usize = 2_000;

/// An intent file that the caller has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as problems and hits name it; files are merged in the order of their paths.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A message that a rule sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Publish {
    /// Where to: never empty, never with wildcards, never under `$`.
    pub topic: String,
    /// What.
    pub payload: String,
    /// The quality of service, 0 to 2.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// A rule that matches, and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The intent's name.
    pub name: String,
    /// Its slots: what a list's value stands for, numbers as numbers, other words as they were said.
    pub slots: Map<String, Value>,
    /// The rule, as `file:line`.
    pub source: String,
    /// What to answer.
    pub response: String,
    /// What to send, in order.
    pub publishes: Vec<Publish>,
}

/// All rules of all files, ready to match. Does not change; a reload makes another one.
#[derive(Debug, Default)]
pub struct Rules {
    tongues: Vec<Tongue>,
    tests: Vec<Test>,
    notes: Vec<Problem>,
    count: usize,
    intents: usize,
}

impl Rules {
    /// How many rules there are: regexes, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// How many intents these rules are for, each name counted once.
    #[must_use]
    pub fn intents(&self) -> usize {
        self.intents
    }

    /// Whether there is no rule at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What is worth knowing about the files and no mistake, such as parts that nothing reads yet.
    #[must_use]
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// Finds the first rule that matches what was said, in the order of the files.
    ///
    /// `lang` is matched exactly, then by its primary subtag; `site` is where it was said.
    #[must_use]
    pub fn find(&self, text: &str, lang: &str, site: Option<&str>) -> Option<Hit> {
        let text = utterance::normalise(text);
        if text.is_empty() {
            return None;
        }
        self.tongues_of(lang).find_map(|tongue| tongue.find(&text, site))
    }

    /// What might have been meant by a command that no rule matches: known names and phrasings, the nearest first.
    #[must_use]
    pub fn near(&self, text: &str, lang: &str) -> Vec<String> {
        let text = utterance::normalise(text);
        near::suggest(&text, self.tongues_of(lang))
    }

    /// Runs the tests written beside the rules.
    #[must_use]
    pub fn run_tests(&self) -> TestReport {
        selftest::run(self, &self.tests)
    }

    /// The exact language first, then its primary subtag, else the rules that count for every language.
    fn tongues_of(&self, lang: &str) -> impl Iterator<Item = &Tongue> {
        let exact = self.tongue(lang);
        let primary = lang.split(['-', '_']).next().filter(|primary| primary.len() < lang.len());
        let primary = primary.and_then(|primary| self.tongue(primary));
        let any = if exact.is_none() && primary.is_none() { self.tongue("") } else { None };
        [exact, primary, any].into_iter().flatten()
    }

    fn tongue(&self, lang: &str) -> Option<&Tongue> {
        self.tongues.iter().find(|tongue| tongue.is(lang))
    }
}

/// The JSON Schema of an intent file, for editors.
#[must_use]
pub fn schema() -> Value {
    file::schema()
}

#[cfg(test)]
mod tests;
