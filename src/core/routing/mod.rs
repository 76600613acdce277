//! Tier choice: a pure function from what was said to who answers it.
//!
//! It looks at words only: no clock, no model, no home. What it must never do is hand a device command to a model, which
//! could claim to have carried it out; so a sentence that opens like a command and matched no rule is not understood, and
//! only words that make it a question or a request for an answer take it out of there again.

mod features;
mod foreign;
mod phrases;
mod predictor;
pub mod trainer;
mod words;

pub use predictor::Scores;

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// Who answers.
    pub tier: Route,
    /// Why, in words for a person; it quotes no more than a word or two of what was said.
    pub reason: String,
    /// How likely each kind of sentence is, where that was asked: not for a rule's or a wanted tier's, and in English only.
    pub scores: Option<Scores>,
}

impl Decision {
    fn new(tier: Route, reason: impl Into<String>) -> Self {
        Self { tier, reason: reason.into(), scores: None }
    }
}

/// What is to be routed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'t> {
    /// What was said.
    pub text: &'t str,
    /// The language it was said in.
    pub lang: &'t str,
    /// The tier that was asked for.
    pub tier: Option<Tier>,
    /// Whether a rule matched.
    pub hit: bool,
}

/// What the person who runs this decides about the choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How likely small talk must be for the small model to answer.
    pub confidence: f32,
    /// Phrases whose sentences a certain model answers.
    pub overrides: Vec<Override>,
}

impl Settings {
    /// Where the small model's answers start, unless said otherwise. Measured: more sends more small talk to the large
    /// model than it keeps questions from the small one.
    pub const CONFIDENCE: f32 = 0.5;
}

impl Default for Settings {
    fn default() -> Self {
        Self { confidence: Self::CONFIDENCE, overrides: Vec::new() }
    }
}

/// A phrase and the model that answers sentences with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    phrase: String,
    tier: Route,
}

impl Override {
    /// A phrase of whole words, however it is written, for the large model or the small one.
    #[must_use]
    pub fn new(phrase: &str, is_explain: bool) -> Self {
        let tier = if is_explain { Route::Explain } else { Route::Chat };
        Self { phrase: utterance::normalise(phrase).to_lowercase(), tier }
    }
}

/// Words a question has at least for the large model, if nothing else says so and the language is not trained.
const LONG_QUESTION: usize = 14;
/// Words anything has at least for the large model.
const LONG_TEXT: usize = 40;
/// How likely a command must be not to be given to a model, even where something else is likelier.
const COMMAND_FROM: f32 = 0.4;

/// Chooses who answers: the tier that was asked for, the rule that matched, or what the words look like.
#[must_use]
pub fn route(asked: &Asked<'_>, settings: &Settings) -> Decision {
    match (asked.tier, asked.hit) {
        (Some(Tier::Intent), true) => {
            return Decision::new(Route::Intent, "the intent tier was asked for, and a rule matched");
        }
        (Some(Tier::Intent), false) => {
            return Decision::new(Route::NotUnderstood, "the intent tier was asked for, and no rule matched");
        }
        (Some(Tier::Chat), _) => return Decision::new(Route::Chat, "the chat tier was asked for"),
        (Some(Tier::Explain), _) => return Decision::new(Route::Explain, "the explain tier was asked for"),
        (None, true) => return Decision::new(Route::Intent, "a rule matched"),
        (None, false) => {}
    }
    let text = utterance::normalise(asked.text).to_lowercase();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Decision::new(Route::Chat, "there are no words in it");
    }
    let scores = if is_english(asked.lang) { predictor::scores(&words) } else { None };
    if scores.is_none()
        && let Some(verb) = foreign::command(asked.lang, &words)
    {
        return Decision::new(Route::NotUnderstood, format!("a command (\"{verb}\") that no rule matches"));
    }
    Decision { scores, ..by_words(&words, scores, asked.text, settings) }
}

/// Chooses by what was said alone; `text` is that as it was written.
fn by_words(words: &[&str], scores: Option<Scores>, text: &str, settings: &Settings) -> Decision {
    let said = words::without_courtesies(words);
    if let Some(verb) = words::command(said) {
        return Decision::new(Route::NotUnderstood, format!("a command (\"{verb}\") that no rule matches"));
    }
    // The longest says most about the sentence.
    let fits = settings.overrides.iter().filter(|this| words::contains(words, &this.phrase));
    if let Some(wanted) = fits.max_by_key(|this| this.phrase.len()) {
        return Decision::new(wanted.tier, format!("routing.overrides has \"{}\"", wanted.phrase));
    }
    match scores {
        Some(scores) => by_scores(words, scores, settings.confidence),
        None => by_phrases(words, said, text),
    }
}

fn by_scores(words: &[&str], scores: Scores, confidence: f32) -> Decision {
    let Scores { command, chat, explain } = scores;
    if command >= COMMAND_FROM || (command >= chat && command >= explain) {
        return Decision::new(
            Route::NotUnderstood,
            format!("sounds like a command ({command:.2}), and no rule matches"),
        );
    }
    if words.len() >= LONG_TEXT {
        return Decision::new(Route::Explain, format!("a long text ({} words)", words.len()));
    }
    if explain >= chat {
        return Decision::new(Route::Explain, format!("sounds like something to explain ({explain:.2})"));
    }
    if chat < confidence {
        let reason = format!("small talk perhaps ({chat:.2}), but routing.confidence is {confidence}");
        return Decision::new(Route::Explain, reason);
    }
    Decision::new(Route::Chat, format!("sounds like small talk ({chat:.2})"))
}

/// For languages without a trained predictor: the few phrases that are known, and how long it is.
fn by_phrases(words: &[&str], said: &[&str], text: &str) -> Decision {
    if let Some(phrase) = words::explanation(said) {
        return Decision::new(Route::Explain, format!("asks for an explanation (\"{phrase}\")"));
    }
    let asks = words::is_question(said) || text.contains(['?', '\u{37e}', '\u{61f}', '\u{ff1f}']);
    if words.len() >= LONG_TEXT || (asks && words.len() >= LONG_QUESTION) {
        return Decision::new(Route::Explain, format!("a long text ({} words)", words.len()));
    }
    Decision::new(Route::Chat, if asks { "a short question" } else { "small talk" })
}

/// Whether the predictor was trained for the language of this tag.
fn is_english(lang: &str) -> bool {
    let primary = lang.split(['-', '_']).next().unwrap_or_default();
    primary.eq_ignore_ascii_case("en")
}

#[cfg(test)]
mod tests;
