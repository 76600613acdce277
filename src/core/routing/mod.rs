//! Tier choice: a pure function from what was said to who answers it.
//!
//! It looks at words only: no clock, no model, no home. What it must never do is hand a device command to a model, which
//! could claim to have carried it out; so a sentence that opens like a command and matched no rule is not understood, and
//! only words that make it a question or a request for an answer take it out of there again.

mod phrases;
mod words;

use std::fmt;

use serde::Serialize;

use crate::core::utterance::{self, Tier};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The rule that matched.
    Intent,
    /// Nobody: it was a command, and no rule knows it.
    NotUnderstood,
    /// The small model.
    Chat,
    /// The large model.
    Explain,
}

impl Route {
    /// The route's name, as commands print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::NotUnderstood => "not_understood",
            Self::Chat => "chat",
            Self::Explain => "explain",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who answers, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Who answers.
    pub tier: Route,
    /// Why, in words for a person; it quotes no more than a word or two of what was said.
    pub reason: String,
}

/// Words a question has at least for the large model, if nothing else says so.
const LONG_QUESTION: usize = 14;
/// Words anything has at least for the large model.
const LONG_TEXT: usize = 40;

/// Chooses who answers: the tier that was asked for, the rule that matched, or what the words look like.
#[must_use]
pub fn route(text: &str, asked: Option<Tier>, hit: bool) -> Decision {
    let decide = |tier, reason: &str| Decision { tier, reason: reason.to_owned() };
    match (asked, hit) {
        (Some(Tier::Intent), true) => {
            return decide(Route::Intent, "the intent tier was asked for, and a rule matched");
        }
        (Some(Tier::Intent), false) => {
            return decide(Route::NotUnderstood, "the intent tier was asked for, and no rule matched");
        }
        (Some(Tier::Chat), _) => return decide(Route::Chat, "the chat tier was asked for"),
        (Some(Tier::Explain), _) => return decide(Route::Explain, "the explain tier was asked for"),
        (None, true) => return decide(Route::Intent, "a rule matched"),
        (None, false) => {}
    }
    let text = utterance::normalise(text).to_lowercase();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let said = words::without_courtesies(&words);
    if let Some(verb) = words::command(said) {
        return Decision { tier: Route::NotUnderstood, reason: format!("a command (\"{verb}\") that no rule matches") };
    }
    if let Some(phrase) = words::explanation(said) {
        return Decision { tier: Route::Explain, reason: format!("asks for an explanation (\"{phrase}\")") };
    }
    let asks = words::is_question(said);
    if words.len() >= LONG_TEXT || (asks && words.len() >= LONG_QUESTION) {
        return Decision { tier: Route::Explain, reason: format!("a long text ({} words)", words.len()) };
    }
    decide(Route::Chat, if asks { "a short question" } else { "small talk" })
}

#[cfg(test)]
mod tests;
