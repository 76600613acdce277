//! A command that no rule matches: what of it was understood, and what may have been meant.
//!
//! Sentences are tried once more as if any words could be a name. Where one fits, the words that stand for the name are what
//! is unknown; nothing is ever done by such a reading.

use super::lists::Entry;
use super::names::UNKNOWN;
use super::near;
use super::sentence::found::{Occurrence, ValueId};
use super::sentence::grammar::{ListId, OPEN_LISTS};
use super::sentence::heard::{Heard, fold};
use super::tongue::{Reading, Span, Tongue, area_of};
use super::{Said, Understood};

/// Names offered.
const MAX_OFFERED: usize = 3;
/// Words of a text that is tried: longer ones are no commands.
const MAX_WORDS: usize = 24;
/// Words that an unknown name may have.
const MAX_NAME_WORDS: usize = 5;
/// How alike a name and the unknown words must be, of 1.
const MIN_ALIKE: f64 = 0.75;

/// What is said of a command that no rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// What was understood and what was not.
    pub message: String,
    /// Names or phrasings that may have been meant, the nearest first.
    pub suggestions: Vec<String>,
}

/// Says what is known of normalised text that is no command in any of the languages.
pub(super) fn look<'a>(said: &Said<'_>, mut tongues: impl Iterator<Item = &'a Tongue> + Clone) -> Missed {
    let mut suggestions = near::suggest(said.text, tongues.clone());
    // To suggest what was just said helps nobody.
    let text = fold(said.text);
    suggestions.retain(|suggestion| fold(suggestion) != text);
    let known = |tongue: &Tongue| tongue.without_room(said).or_else(|| tongue.unknown(said, &suggestions));
    if let Some(missed) = tongues.find_map(known) {
        return missed;
    }
    let message = match suggestions.first() {
        None => "no rule matches this command; `hearthd match` shows why".to_owned(),
        Some(nearest) => format!("no rule matches this command; did you mean \u{201c}{nearest}\u{201d}?"),
    };
    Missed { message, suggestions }
}

impl Tongue {
    /// What is missed where the sentence is for the room it is said in, and nothing says which that is.
    fn without_room(&self, said: &Said<'_>) -> Option<Missed> {
        if area_of(said).is_some() {
            return None;
        }
        let area = OPEN_LISTS.iter().position(|list| *list == "area").and_then(|list| ListId::try_from(list).ok())?;
        let rooms = || self.view().entries(area).map(|entry| entry.said.as_str());
        let is_command = |said: Said<'_>| matches!(self.read(&said), Understood::Hits(_));
        if !is_command(Said { site: rooms().next(), ..*said }) {
            return None;
        }
        let message = "which room? Name it, or send the utterance with the `site_id` it came from".to_owned();
        let mut suggestions = Vec::new();
        for room in rooms() {
            let with_room = format!("{} in the {room}", said.text);
            if suggestions.len() < MAX_OFFERED && is_command(Said { text: &with_room, ..*said }) {
                suggestions.push(with_room);
            }
        }
        Some(Missed { message, suggestions })
    }

    /// Whether some sentence has a word of its own, or one and its ending, so that it is no name that is unknown.
    fn has_word(&self, word: &str) -> bool {
        let word = word.as_bytes();
        let (mut starts, mut ends) = (vec![false; word.len() + 1], vec![false; word.len() + 1]);
        ends[word.len()] = true;
        for text in self.grammar.words() {
            if word.starts_with(text) {
                starts[text.len()] = true;
            }
            if word.ends_with(text) {
                ends[word.len() - text.len()] = true;
            }
        }
        starts.iter().zip(&ends).any(|(starts, ends)| *starts && *ends)
    }

    /// What is missed where some sentence fits but for one or more names.
    fn unknown(&self, said: &Said<'_>, near: &[String]) -> Option<Missed> {
        let heard = self.heard(said.text);
        let mut found = self.found(&heard);
        found.add(&any_names(&heard)?, heard.end());
        let mut readings = self.readings(&heard, &found, said);
        readings.retain(|reading| reading.rank.literal > 0);
        if let Some(missed) = readings.iter().find_map(|reading| self.unfit(&heard, reading, near)) {
            return Some(missed);
        }
        let is_name =
            |span: &Span| !heard.words(span.start, span.end).split(' ').all(|word| self.has_word(&fold(word)));
        readings.retain(|reading| reading.spans.iter().all(|span| !is_unknown(span) || is_name(span)));
        let best = readings.first()?;
        let span = best.spans.iter().find(|span| is_unknown(span))?;
        let words = heard.words(span.start, span.end);
        let list = span.value?.list;
        let what = match OPEN_LISTS.get(usize::from(list)) {
            Some(&"area") => "no room",
            Some(&"floor") => "no floor",
            _ => "nothing",
        };
        let message = format!("{what} called \u{201c}{words}\u{201d} is known here");
        // Each sentence that fits has its own things: what is switched, what is dimmed, what is asked about.
        let here = |other: &Span| is_unknown(other) && (other.start, other.end) == (span.start, span.end);
        let alike = readings.iter().filter(|reading| reading.cost == best.cost && reading.spans.iter().any(here));
        let names = self.nearest(&alike.collect::<Vec<_>>(), list, words);
        Some(match names.first() {
            Some(nearest) => {
                Missed { message: format!("{message}; did you mean \u{201c}{nearest}\u{201d}?"), suggestions: names }
            }
            None => Missed { message, suggestions: near.to_vec() },
        })
    }

    /// What is missed where the name is known, and the sentence is for other things.
    fn unfit(&self, heard: &Heard<'_>, reading: &Reading<'_>, near: &[String]) -> Option<Missed> {
        let is_known = |span: &&Span| {
            let words = heard.words(span.start, span.end);
            is_unknown(span) && span.value.is_some_and(|id| !self.view().find(id.list, words).is_empty())
        };
        let span = reading.spans.iter().find(is_known)?;
        let name = heard.words(span.start, span.end);
        let before = String::from_utf8_lossy(&heard.folded[..span.start]);
        let after = String::from_utf8_lossy(&heard.folded[span.end..]);
        let message =
            format!("\u{201c}{name}\u{201d} is known, but is nothing for \u{201c}{before}\u{2026}{after}\u{201d}");
        let suggestions = near.iter().filter(|say| fold(say).contains(&fold(name))).cloned().collect();
        Some(Missed { message, suggestions })
    }

    /// The names most like the words, of those that the readings' sentences are for.
    fn nearest(&self, readings: &[&Reading<'_>], list: ListId, words: &str) -> Vec<String> {
        let said = fold(words);
        let fits = |entry: &&Entry| readings.iter().any(|reading| reading.block.allows(entry).is_some());
        let fitting = self.view().entries(list).filter(fits);
        let mut names: Vec<(f64, &str)> = fitting
            .map(|entry| (strsim::jaro_winkler(&fold(&entry.said), &said), entry.said.as_str()))
            .filter(|(alike, _)| *alike >= MIN_ALIKE)
            .collect();
        names.sort_by(|one, other| other.0.total_cmp(&one.0));
        names.dedup_by(|one, other| one.1 == other.1);
        names.into_iter().take(MAX_OFFERED).map(|(_, name)| name.to_owned()).collect()
    }
}

fn is_unknown(span: &Span) -> bool {
    span.value.is_some_and(|id| id.value == UNKNOWN)
}

/// Every few words as a name of each kind; those of fewer words cost less. `None` for a text too long to be a command.
fn any_names(heard: &Heard<'_>) -> Option<Vec<Occurrence>> {
    let is_word_start = |&start: &usize| start == 0 || heard.folded[start - 1] == b' ';
    let starts: Vec<usize> = heard.starts.iter().copied().filter(is_word_start).collect();
    if starts.len() > MAX_WORDS {
        return None;
    }
    let end_of = |start: usize| start + heard.folded[start..].iter().take_while(|&&byte| byte != b' ').count();
    let mut names = Vec::new();
    for (first, &start) in starts.iter().enumerate() {
        for (cost, &last) in (1_u8..).zip(starts[first..].iter().take(MAX_NAME_WORDS)) {
            for list in 0..OPEN_LISTS.len() {
                let id = ValueId { list: ListId::try_from(list).unwrap_or(0), value: UNKNOWN };
                names.push(Occurrence { start, end: end_of(last), id, cost });
            }
        }
    }
    Some(names)
}
