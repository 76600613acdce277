//! One of several commands: what a part of an utterance means beside the others.
//!
//! Stricter than a whole utterance. A thing's bare name, or a bare number, is no command here: "the lamp and the radio off" does
//! not turn the lamp on. And "it" is the thing that was named just before, or nothing.

use crate::core::language;

use super::fill::Filled;
use super::sentence::grammar::is_open;
use super::sentence::heard::{Heard, fold};
use super::tongue::{Reading, Tongue};
use super::{Hit, Said};

/// Words for what was named before, by language; only those that are nothing else.
const PRONOUNS: [(&str, &[&str]); 2] = [("en", &["it", "them"]), ("de", &["es", "ihn"])];

/// A part that is a command.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) hit: Hit,
    /// What it names, as it was said.
    thing: Option<String>,
    /// Whether it speaks of something named before.
    pub(super) is_about_it: bool,
}

impl Tongue {
    /// What a text means as one of several commands.
    pub(super) fn read_part(&self, said: &Said<'_>) -> Option<Part> {
        let heard = self.heard(said.text);
        let found = self.found(&heard);
        let readings = self.readings(&heard, &found, said);
        if readings.first().is_some_and(|best| self.same_names(best).is_some()) {
            return None;
        }
        let mut readings = readings.into_iter().filter(|reading| !self.is_bare(&heard, reading));
        readings.find_map(|reading| {
            let (thing, is_about_it) = (thing(&heard, &reading), self.is_about_it(&heard, &reading));
            Some(Part { hit: self.hit(reading, said, None)?, thing, is_about_it })
        })
    }

    /// Whether a reading is of a name alone, or of a number with its unit: something is meant, and what is not said.
    pub(super) fn is_bare(&self, heard: &Heard<'_>, reading: &Reading<'_>) -> bool {
        if reading.spans.iter().all(|span| span.value.is_some_and(|id| is_open(id.list))) {
            return reading.root.is_some_and(|root| !self.grammar.needs_word(root));
        }
        let [span] = &reading.spans[..] else { return false };
        let is_number = matches!(reading.slots.filled.get(span.slot), Some(Some(Filled::Number(_))));
        let behind = heard.folded.get(span.end..).unwrap_or_default();
        is_number && span.start == 0 && behind.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() <= 1
    }

    /// Whether a word for what was named before is one of the sentence's own, and in no name.
    pub(super) fn is_about_it(&self, heard: &Heard<'_>, reading: &Reading<'_>) -> bool {
        let pronouns = self.pronouns();
        heard.word_starts().into_iter().any(|start| {
            let is_free = reading.spans.iter().all(|span| !(span.start..span.end).contains(&start));
            let word = &heard.folded[start..heard.word_end(start)];
            is_free && pronouns.iter().any(|pronoun| pronoun.as_bytes() == word)
        })
    }

    fn pronouns(&self) -> &'static [&'static str] {
        language::of(&PRONOUNS, &self.tag).copied().unwrap_or_default()
    }
}

/// Whether a command is about what is playing, by its name in Home Assistant.
fn is_about_players(hit: &Hit) -> bool {
    hit.name.starts_with("HassMedia") || hit.name.starts_with("HassSetVolume") || hit.name == "HearthdSelectSource"
}

/// What a reading names, as it was said.
fn thing(heard: &Heard<'_>, reading: &Reading<'_>) -> Option<String> {
    let is_name = |slot: usize| reading.block.slots.get(slot).is_some_and(|slot| slot == "name");
    let span = reading.spans.iter().find(|span| span.value.is_some() && is_name(span.slot))?;
    Some(heard.words(span.start, span.end).to_owned())
}

/// Puts the thing that the commands before it named in the place of "it" in each that needs it; what speaks of "it" where
/// nothing was named is no command.
pub(super) fn resolve_it(
    tongue: &Tongue,
    said: &Said<'_>,
    texts: &[String],
    parts: Vec<Option<Part>>,
) -> Vec<Option<Hit>> {
    let pronouns = tongue.pronouns();
    let mut named: Option<String> = None;
    let mut resolved = Vec::with_capacity(parts.len());
    for (number, (text, part)) in texts.iter().zip(parts).enumerate() {
        let is_it = |word: &&str| pronouns.contains(&fold(word).as_str());
        let part = match (part, &named) {
            (Some(part), _) if number == 0 || !part.is_about_it => Some(part),
            // "Play jazz and turn it up": what is playing needs no name.
            (Some(part), None) if is_about_players(&part.hit) && resolved.iter().flatten().all(is_about_players) => {
                Some(part)
            }
            (_, Some(thing)) if number > 0 && text.split(' ').any(|word| is_it(&word)) => {
                let words = text.split(' ').map(|word| if is_it(&word) { thing.as_str() } else { word });
                tongue.read_part(&Said { text: &words.collect::<Vec<_>>().join(" "), ..*said })
            }
            _ => None,
        };
        named = part.as_ref().and_then(|part| part.thing.clone()).or(named);
        resolved.push(part.map(|part| part.hit));
    }
    resolved
}
