//! Tier 1: rules written in YAML, from the text of their files to what an utterance sets off.
//!
//! Texts of files come in ([`load`]), an utterance's text comes in ([`Rules::find`]), and a [`Hit`] with the messages to
//! publish goes out. Nothing here publishes, opens a file or asks a model: a device command is made from a written rule
//! and the words it matched, and from nothing else.

mod block;
mod context;
mod contrast;
mod coverage;
pub mod evaluation;
mod explain;
mod file;
mod fill;
mod guard;
mod home;
mod lists;
mod loader;
mod missed;
mod names;
mod near;
mod numbers;
mod offered;
mod openers;
mod part;
mod regexes;
mod respond;
mod schema;
mod selftest;
mod sentence;
mod several;
mod slips;
mod tongue;
mod understand;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::core::utterance;
use crate::core::yaml::Problem;

use selftest::Test;
use tongue::Tongue;

pub use coverage::{Coverage, Untested};
pub use explain::{Explanation, RunnerUp};
pub(crate) use guard::guards;
pub use home::Home;
pub use loader::{check, load};
pub use missed::Missed;
pub use names::{NameId, NameOf, Names};
pub use respond::{Clock, Now};
pub use selftest::{Failure, TestReport};
pub use understand::{Unclear, Understood};

/// Regexes that may be loaded, of all files together.
pub const MAX_RULES: usize = 2_000;
/// Sentence templates that may be loaded, of all files together.
pub const MAX_SENTENCES: usize = 20_000;
/// Characters of a device command; what is longer is dictation, and no rule is tried on it.
pub const MAX_COMMAND_CHARS: usize = 1_000;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hit {
    /// The intent's name.
    pub name: String,
    /// Its slots: what a list's value stands for, numbers as numbers, other words as they were said.
    pub slots: Map<String, Value>,
    /// The rule, as `file:line`.
    pub source: String,
    /// The sentence template or the regex, as it is written.
    pub sentence: String,
    /// What to answer.
    pub response: String,
    /// Whether a rule says what is done or answered. If not, the command is understood and nothing can be done about it.
    pub is_handled: bool,
    /// What was understood, where a name was said only nearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
    /// What it would move that locks, guards or opens the house, as that is called.
    #[serde(skip)]
    pub guarded: Option<String>,
    /// Whether that would be opened, or made less safe, so that somebody must say yes first.
    #[serde(skip)]
    pub needs_yes: bool,
    /// Whether no rule carries it out and the home itself can: by the devices that are known.
    #[serde(skip)]
    pub is_for_home: bool,
    /// By slot: what is known of the value that was named.
    #[serde(skip)]
    pub known: BTreeMap<String, Map<String, Value>>,
    /// What the block's author wrote down about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What to send, in order.
    pub publishes: Vec<Publish>,
}

/// Something that was said, with what is known of the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The words.
    pub text: &'a str,
    /// The language to match.
    pub lang: &'a str,
    /// Where it was said.
    pub site: Option<&'a str>,
    /// What else is known, by key; an `area` here outranks the site.
    pub context: Option<&'a Map<String, Value>>,
    /// The time, for answers that tell it.
    pub now: Option<&'a Now>,
    /// Whether it is put together from what was said before, so that nothing is told of what it may not mean.
    pub is_guess: bool,
}

/// All rules of all files, ready to match. A reload makes another one; in between only the home's names change, in a copy:
/// what is compiled is shared, so that a copy costs a microsecond.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    tongues: Vec<Tongue>,
    tests: Arc<Vec<Test>>,
    notes: Arc<Vec<Problem>>,
    count: usize,
    intents: usize,
    /// The same without the files that describe an example's home, where there are any.
    of_home: Option<Arc<Rules>>,
}

impl Rules {
    /// How many rules there are: sentences and regexes, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// How many intents these rules are for, each name counted once.
    #[must_use]
    pub fn intents(&self) -> usize {
        self.intents
    }

    /// The languages they are in; rules that count for every language are in none.
    #[must_use]
    pub fn languages(&self) -> Vec<&str> {
        self.tongues.iter().map(|tongue| &*tongue.tag).filter(|tag| !tag.is_empty()).collect()
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

    /// Lets other names count than those of the files: the home's own things and places.
    pub fn set_names(&mut self, names: &Arc<Names>) {
        for tongue in &mut self.tongues {
            tongue.names = Arc::clone(names);
        }
    }

    /// The rules for a home of these names, beside those of the files. Files that describe an example's home count no more
    /// where the names are of a home that acts by its own devices.
    #[must_use]
    pub fn for_home(&self, names: &Names) -> Self {
        let own = self.of_home.as_deref().filter(|_| names.is_home());
        let mut rules = own.unwrap_or(self).clone();
        let shared = Arc::new(names.clone());
        for tongue in &mut rules.tongues {
            tongue.names =
                if tongue.names.is_empty() { Arc::clone(&shared) } else { Arc::new(tongue.names.and(names)) };
        }
        rules
    }

    /// The rooms that a language's rules know, as they are written.
    #[must_use]
    pub fn rooms(&self, lang: &str) -> Vec<String> {
        let own = self.of_home.as_deref().unwrap_or(self);
        own.tongues_of(lang).next().map(Tongue::rooms).unwrap_or_default()
    }

    /// Finds the rule that matches what was said, the best one where several do.
    #[must_use]
    pub fn find(&self, text: &str, lang: &str, site: Option<&str>) -> Option<Hit> {
        self.hear(&Said { text, lang, site, ..Said::default() })
    }

    /// As [`Self::find`], with all that is known: the one command that was meant, exactly or by a slip of a name.
    #[must_use]
    pub fn hear(&self, said: &Said<'_>) -> Option<Hit> {
        match self.understand(said) {
            Understood::Hits(hits) if hits.len() == 1 => hits.into_iter().next(),
            _ => None,
        }
    }

    /// What was meant: one command or several, or a question back.
    ///
    /// `said.lang` is matched exactly, then by its primary subtag.
    #[must_use]
    pub fn understand(&self, said: &Said<'_>) -> Understood {
        let text = utterance::normalise(said.text);
        if text.is_empty() || text.chars().count() > MAX_COMMAND_CHARS {
            return Understood::Nothing;
        }
        let pauses = several::pauses(said.text, text.split(' ').count());
        let said = Said { text: &text, ..*said };
        let mut understood = self.tongues_of(said.lang).map(|tongue| tongue.understand(&said, &pauses));
        understood.find(|understood| *understood != Understood::Nothing).unwrap_or(Understood::Nothing)
    }

    /// What is to be said of a command that [`Self::understand`] makes nothing of.
    #[must_use]
    pub fn missed(&self, said: &Said<'_>) -> Missed {
        let text = utterance::normalise(said.text);
        missed::look(&Said { text: &text, ..*said }, self.tongues_of(said.lang))
    }

    /// Runs the tests written beside the rules.
    #[must_use]
    pub fn run_tests(&self) -> TestReport {
        self.run_tests_about("")
    }

    /// Runs those tests whose sentence, intent or file has the text in it.
    #[must_use]
    pub fn run_tests_about(&self, filter: &str) -> TestReport {
        selftest::run(self, &self.tests, filter)
    }

    /// The exact language first, then its primary subtag, else the rules that count for every language.
    fn tongues_of(&self, lang: &str) -> impl Iterator<Item = &Tongue> + Clone {
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
    schema::schema()
}

#[cfg(test)]
mod tests;
