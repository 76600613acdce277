//! What words tell about a sentence: a command, a question, a request for an explanation.
//!
//! Works on lower-case words without the punctuation at their ends. English, like the shipped intents.

use super::phrases::{
    COMMANDS, COURTESIES, EXPLANATIONS, FAREWELLS, KEEPING_VERBS, KEPT, NO_COMMANDS, QUESTIONS, SMALL_TALK,
    STRICT_VERBS, THINGS, VERBS,
};

/// The part of the sentence that means something.
pub(super) fn without_courtesies<'w, 's>(words: &'w [&'s str]) -> &'w [&'s str] {
    let mut said = words;
    while let Some(length) = COURTESIES.iter().filter_map(|phrase| opens_with(said, phrase)).max() {
        if length == said.len() {
            break;
        }
        said = &said[length..];
    }
    while let Some(length) = FAREWELLS.iter().filter_map(|phrase| ends_with(said, phrase)).max() {
        if length == said.len() {
            break;
        }
        said = &said[..said.len() - length];
    }
    said
}

/// The words that make the sentence a command.
pub(super) fn command(said: &[&str]) -> Option<String> {
    if NO_COMMANDS.iter().any(|phrase| opens_with(said, phrase).is_some()) {
        return None;
    }
    if let Some(length) = COMMANDS.iter().filter_map(|phrase| opens_with(said, phrase)).max() {
        return (!asks_after(said, length)).then(|| said[..length].join(" "));
    }
    if is_switched(said) {
        return said.last().map(|word| (*word).to_owned());
    }
    if let Some(length) = KEEPING_VERBS.iter().filter_map(|phrase| opens_with(said, phrase)).max()
        && KEPT.iter().any(|kept| contains(said, kept))
    {
        return (!asks_after(said, length)).then(|| said[..length].join(" "));
    }
    let verb = *said.first()?;
    let rest = said.get(1..).unwrap_or_default();
    let names_a_thing = rest.iter().take(6).any(|word| is_house_word(word));
    let is_command = if STRICT_VERBS.contains(&verb) {
        names_a_thing
    } else {
        // "Stop." and "Open." are said to a house, not to a friend.
        VERBS.contains(&verb)
            && (verb == "play" || names_a_thing || rest.first().is_none_or(|next| THINGS.contains(next)))
    };
    (is_command && !asks_after(said, 1)).then(|| verb.to_owned())
}

/// "kitchen lights off": a thing of the house, and at the end what is to become of it.
fn is_switched(said: &[&str]) -> bool {
    let ends = said.last().is_some_and(|word| matches!(*word, "on" | "off" | "up" | "down"));
    let is_statement =
        said.iter().any(|word| matches!(*word, "is" | "are" | "was" | "were" | "i" | "you" | "who" | "what"));
    ends && said.len() <= 8 && !is_question(said) && !is_statement && said.iter().any(|word| is_house_word(word))
}

/// Whether a word names a thing that houses have; "the" and the like say nothing so far from the verb.
fn is_house_word(word: &str) -> bool {
    THINGS.iter().skip_while(|thing| **thing != "blinds").any(|thing| *thing == word)
}

/// Whether a question follows what looked like a command: "open question: why …", "lock picking, how does it work".
fn asks_after(said: &[&str], from: usize) -> bool {
    let rest = &said[from.min(said.len())..];
    [
        "explain",
        "explained",
        "explanation",
        "why is",
        "why do",
        "why does",
        "why are",
        "how does it work",
        "how do they work",
        "what does it mean",
        "what is it",
        "meaning",
        "meaning of",
    ]
    .iter()
    .any(|phrase| contains(rest, phrase))
}

/// The phrase that asks for an explanation.
pub(super) fn explanation(said: &[&str]) -> Option<&'static str> {
    if SMALL_TALK.iter().any(|phrase| opens_with(said, phrase).is_some()) && said.len() <= 7 {
        return None;
    }
    EXPLANATIONS.iter().copied().find(|phrase| contains(said, phrase))
}

pub(super) fn is_question(said: &[&str]) -> bool {
    said.first().is_some_and(|word| QUESTIONS.contains(word))
}

/// How many words `phrase` has, if the sentence opens with them.
fn opens_with(words: &[&str], phrase: &str) -> Option<usize> {
    let mut length = 0;
    for word in phrase.split(' ') {
        if words.get(length) != Some(&word) {
            return None;
        }
        length += 1;
    }
    Some(length)
}

/// How many words `phrase` has, if the sentence ends with them.
fn ends_with(words: &[&str], phrase: &str) -> Option<usize> {
    let length = phrase.split(' ').count();
    opens_with(words.get(words.len().checked_sub(length)?..)?, phrase)
}

/// Whether the words of `phrase` stand side by side somewhere.
pub(super) fn contains(words: &[&str], phrase: &str) -> bool {
    (0..words.len()).any(|from| opens_with(&words[from..], phrase).is_some())
}
