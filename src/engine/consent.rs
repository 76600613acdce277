//! Yes, before what guards the house is opened: asked back once, and taken from the same person at the same site alone.
//!
//! Kept in memory only: what was asked before a restart is not answered after it.

use std::time::{Duration, Instant};

use crate::core::dialogue::followups;
use crate::core::intents::Hit;
use crate::core::secret::Secret;
use crate::core::utterance::{self, Utterance};

use super::per_person::PerPerson;

/// How long a question may be answered.
pub(super) const WITHIN: Duration = Duration::from_secs(30);

/// What says yes, in the languages whose numbers are known, and what says no.
const YES: [&str; 25] = [
    "yes",
    "yes please",
    "yes do it",
    "yes do",
    "yeah",
    "yep",
    "confirm",
    "confirmed",
    "sure",
    "ok",
    "okay",
    "ja",
    "ja bitte",
    "oui",
    "oui s'il te plaît",
    "oui merci",
    "sí",
    "si",
    "sí por favor",
    "sì",
    "sì grazie",
    "ja graag",
    "jawohl",
    "do it",
    "go ahead",
];
const NO: [&str; 12] =
    ["no", "no thanks", "nope", "don't", "stop", "cancel", "never mind", "nein", "nee", "non", "annule", "abbrechen"];

/// Commands that wait for a yes.
#[derive(Debug, Default)]
pub(super) struct Questions {
    asked: PerPerson<Question>,
}

#[derive(Debug)]
struct Question {
    hits: Vec<Hit>,
    /// Whether yes was said and the PIN is what is waited for.
    wants_pin: bool,
}

/// What an utterance is to the question before it.
#[derive(Debug)]
pub(super) enum Answer {
    /// There was none, or this is none: it stands for itself.
    None,
    /// Do it.
    Yes(Vec<Hit>),
    /// Yes, and now the PIN.
    AskPin,
    /// A PIN that is wrong.
    WrongPin,
    /// Leave it.
    No,
    /// Yes, to nothing that was asked.
    Nothing,
}

impl Questions {
    /// Keeps commands until somebody says yes.
    pub(super) fn ask(&mut self, utterance: &Utterance, hits: Vec<Hit>, now: Instant) {
        self.asked.put(utterance, Question { hits, wants_pin: false }, now + WITHIN, now);
    }

    /// What an utterance says to what its speaker was asked. Whatever it is, the question is over.
    pub(super) fn answer(&mut self, utterance: &Utterance, pin: Option<&Secret>, now: Instant) -> Answer {
        let said = words(&utterance.text);
        let Some((question, until)) = self.asked.take(utterance, now) else {
            return if YES[..6].contains(&said.as_str()) { Answer::Nothing } else { Answer::None };
        };
        if question.wants_pin {
            let is_right = pin.is_some_and(|pin| pin.equals(&digits(&said)));
            return if is_right { Answer::Yes(question.hits) } else { Answer::WrongPin };
        }
        if NO.contains(&said.as_str()) || followups::takes_back(&utterance.text).is_some() {
            return Answer::No;
        }
        if !YES.contains(&said.as_str()) {
            return Answer::None;
        }
        if pin.is_none() {
            return Answer::Yes(question.hits);
        }
        self.asked.put(utterance, Question { wants_pin: true, ..question }, until, now);
        Answer::AskPin
    }
}

fn words(text: &str) -> String {
    let text = utterance::normalise(text).to_lowercase();
    let text = text.replace([',', '.', '!', '?'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Digits as they are spoken: "one two three four", "12 34".
fn digits(said: &str) -> String {
    const NAMES: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let digit = |word: &str| match NAMES.iter().position(|name| *name == word) {
        Some(digit) => digit.to_string(),
        None if word == "oh" => "0".to_owned(),
        None => word.to_owned(),
    };
    said.split(' ').map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, site: &str) -> Utterance {
        let payload = serde_json::json!({ "text": text, "user_id": "ann", "site_id": site }).to_string();
        utterance::parse(payload.as_bytes(), None).unwrap()
    }

    fn asked(now: Instant) -> Questions {
        let mut questions = Questions::default();
        questions.ask(
            &said("unlock the front door", "hall"),
            vec![Hit { name: "A".to_owned(), ..Hit::default() }],
            now,
        );
        questions
    }

    #[test]
    fn yes_counts_once_from_the_same_site_in_time() {
        let now = Instant::now();
        let mut questions = asked(now);
        assert!(matches!(questions.answer(&said("yes", "kitchen"), None, now), Answer::Nothing));
        assert!(
            matches!(questions.answer(&said("Yes, please!", "hall"), None, now), Answer::Yes(hits) if hits[0].name == "A")
        );
        assert!(matches!(questions.answer(&said("yes", "hall"), None, now), Answer::Nothing), "once");
        assert!(matches!(asked(now).answer(&said("yes", "hall"), None, now + WITHIN), Answer::Nothing), "too late");
        assert!(matches!(asked(now).answer(&said("no", "hall"), None, now), Answer::No));
        for yes in ["Sure.", "ok", "Okay!"] {
            assert!(matches!(asked(now).answer(&said(yes, "hall"), None, now), Answer::Yes(_)), "{yes}");
        }
    }

    #[test]
    fn anything_else_ends_the_question() {
        let now = Instant::now();
        for other in ["yes and turn on the lights", "yesterday", "what time is it", "unlock the front door", "yes yes"]
        {
            let mut questions = asked(now);
            assert!(matches!(questions.answer(&said(other, "hall"), None, now), Answer::None), "{other}");
            assert!(matches!(questions.answer(&said("yes", "hall"), None, now), Answer::Nothing), "{other}");
        }
    }

    #[test]
    fn a_pin_is_asked_for_once() {
        let now = Instant::now();
        let pin = Secret::new("4711".to_owned());
        let answer = |questions: &mut Questions, text: &str| questions.answer(&said(text, "hall"), Some(&pin), now);
        let mut questions = asked(now);
        assert!(matches!(answer(&mut questions, "yes"), Answer::AskPin));
        assert!(matches!(answer(&mut questions, "four seven one one"), Answer::Yes(_)));
        let mut questions = asked(now);
        assert!(matches!(answer(&mut questions, "4711"), Answer::None), "yes comes first");
        let mut questions = asked(now);
        assert!(matches!(answer(&mut questions, "yes"), Answer::AskPin));
        assert!(matches!(answer(&mut questions, "4712"), Answer::WrongPin));
        assert!(matches!(answer(&mut questions, "4711"), Answer::None), "and is over then");
    }
}
