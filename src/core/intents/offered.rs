//! Words that are free in a sentence, and yet name something: the sources, options and presets that devices of the home
//! offer. No list of an intent file can know them, and without one they would be anything: "off in ten minutes".

use std::collections::HashMap;

use serde_json::Value;

use crate::core::utterance;

use super::fill::Filled;
use super::names::Names;
use super::numbers;
use super::sentence::heard::fold;
use super::tongue::{Reading, Tongue};

/// Intents with the slot whose free words must be offered.
const SLOTS: [(&str, &str); 4] = [
    ("HearthdSelectSource", "source"),
    ("HearthdSelectOption", "option"),
    ("HearthdSetPreset", "preset_mode"),
    ("HassHumidifierMode", "mode"),
];
/// Words that may stand before and behind what is offered.
const BEFORE: [&str; 3] = ["the ", "a ", "an "];
const BEHIND: [&str; 3] = [" mode", " preset", " setting"];
/// Words of the longest name of something that nothing offers.
const MOST_WORDS: usize = 4;

/// What is offered, by the slot and the words that it is named by, each in the word of whoever offers it.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers(HashMap<&'static str, HashMap<String, Value>>);

impl Names {
    /// Adds what a device offers for a slot, so that a sentence's free words may name it: `HDMI 1`, `sleep_mode`.
    pub fn offer(&mut self, slot: &'static str, name: &str, lang: &str) {
        let offered = self.offers.0.entry(slot).or_default();
        let spoken = fold(&utterance::normalise(name));
        let own = Value::String(name.to_owned());
        let without_kind = spoken.strip_suffix(" mode").unwrap_or(&spoken).to_owned();
        for way in [spelled(&spoken, lang), spoken.replace(' ', ""), without_kind] {
            if !way.is_empty() {
                offered.entry(way).or_insert_with(|| own.clone());
            }
        }
        // The whole name counts before what is made of another: "sleep" before the rest of "sleep mode".
        if !spoken.is_empty() {
            offered.insert(spoken, own);
        }
    }
}

/// Words with their digits said: "hdmi one".
fn spelled(text: &str, lang: &str) -> String {
    let word = |word: &str| {
        let number = word.parse::<u32>().ok();
        let said = number.and_then(|number| numbers::spellings(lang, f64::from(number)).into_iter().next());
        said.unwrap_or_else(|| word.to_owned())
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

impl Tongue {
    /// Whether what a reading takes for something that is offered is so; it is then called by its own word.
    pub(super) fn is_offered<'a>(&'a self, reading: &mut Reading<'a>) -> bool {
        let block = reading.block;
        let Some((_, slot)) = SLOTS.iter().find(|(intent, _)| *intent == block.intent) else { return true };
        // What somebody's own rule does with the words is for the rule to know.
        if block.acts.iter().any(|act| act.is_own) {
            return true;
        }
        let at = block.slots.iter().position(|name| name == slot);
        let Some(filled) = at.and_then(|at| reading.slots.filled.get_mut(at)) else { return true };
        let words = match filled {
            Some(Filled::Spoken(words)) => (*words).to_owned(),
            Some(Filled::Number(number)) => number.to_string(),
            _ => return true,
        };
        let own = self.offered(slot, &words);
        *filled = own.map(Filled::Fixed);
        own.is_some()
    }

    /// What the home offers by these words, with what else is said around it.
    fn offered(&self, slot: &str, words: &str) -> Option<&Value> {
        let offered = self.names.offers.0.get(slot)?;
        let mut words = fold(&utterance::normalise(words));
        loop {
            let bare = BEFORE.iter().find_map(|before| words.strip_prefix(before)).unwrap_or(&words);
            let ways = [&words, bare].into_iter().chain(BEHIND.iter().filter_map(|behind| bare.strip_suffix(behind)));
            let said = |way: &str| offered.get(way).or_else(|| offered.get(&spelled(way, &self.tag)));
            if let Some(own) = { ways }.find_map(said) {
                return Some(own);
            }
            let skipped = |skip: &String| words.strip_suffix(skip.as_str())?.strip_suffix(' ').map(str::to_owned);
            words = self.skip_words.iter().find_map(skipped)?;
        }
    }

    /// Whether a reading is of something that is named, or stands in a room, and of words that nothing offers: it says then
    /// what it has.
    pub(super) fn names_who_offers(&self, reading: &Reading<'_>) -> bool {
        let Some((_, slot)) = SLOTS.iter().find(|(intent, _)| *intent == reading.block.intent) else { return false };
        let filled = |wanted: &str| {
            let at = reading.block.slots.iter().position(|name| name == wanted)?;
            reading.slots.filled.get(at)?.as_ref()
        };
        // A number is no name, and a long one is none either: "set the radiator to 190", "… to 22 at seven tomorrow".
        let is_name = matches!(filled(slot), Some(Filled::Spoken(words))
            if words.starts_with(char::is_alphabetic) && words.split(' ').count() <= MOST_WORDS);
        let is_here = reading.block.requires.iter().any(|required| required.slot.is_some());
        let is_told = matches!(filled("name"), Some(Filled::Listed(..))) || filled("area").is_some() || is_here;
        is_name && is_told && self.names.carries_out(&reading.block.intent)
    }
}
