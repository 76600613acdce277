//! A command that no rule matches: what of it was understood, and what may have been meant.
//!
//! Sentences are tried once more as if any words could be a name. Where one fits, the words that stand for the name are what
//! is unknown; nothing is ever done by such a reading. What is suggested is a sentence that is understood as it is wherever
//! there is one: whoever says it gets what was meant.

use super::context;
use super::guard;
use super::lists::Entry;
use super::names::UNKNOWN;
use super::near::{self, MAX_SUGGESTIONS, Vocabulary, is_handled};
use super::sentence::found::{Found, Occurrence, ValueId};
use super::sentence::grammar::{ListId, OPEN_LISTS};
use super::sentence::heard::{Heard, fold};
use super::tongue::{Reading, Span, Tongue, area_of};
use super::{Hit, Said};

/// Words of a text that is tried: longer ones are no commands.
const MAX_WORDS: usize = 24;
/// Words that an unknown name may have.
const MAX_NAME_WORDS: usize = 5;
/// Rooms, and things of a room, that a sentence is tried with.
const MAX_ROOMS: usize = 32;
const MAX_THINGS: usize = 12;
/// Parts of a text that may each be the unknown name.
const MAX_PARTS: usize = 6;

/// What is said of a command that no rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// What was understood and what was not.
    pub message: String,
    /// Sentences, or names, that may have been meant, the nearest first.
    pub suggestions: Vec<String>,
}

/// Says what is known of normalised text that is no command in any of the languages.
pub(super) fn look<'a>(said: &Said<'_>, tongues: impl Iterator<Item = &'a Tongue> + Clone) -> Missed {
    let mut suggestions = Vec::new();
    let is_short = said.text.split(' ').count() <= MAX_WORDS;
    for tongue in tongues.filter(|_| is_short) {
        let heard = tongue.heard(said.text);
        let vocabulary = Vocabulary::new(tongue, &String::from_utf8_lossy(&heard.folded));
        // "Don't …" is the contrary of whatever comes near to it.
        if vocabulary.is_negated() {
            continue;
        }
        let look = Look { tongue, said, heard: &heard, vocabulary: &vocabulary };
        if let Some(missed) = look.without_room() {
            return missed;
        }
        let (sentences, names) = look.nearly_said();
        if sentences.is_empty()
            && let Some(missed) = look.unknown()
        {
            return missed;
        }
        let near = if sentences.is_empty() { names } else { sentences };
        suggestions.extend(if near.is_empty() { vocabulary.phrasings(said) } else { near });
    }
    suggestions.truncate(MAX_SUGGESTIONS);
    let message = match suggestions.first() {
        None => "no rule matches this command; `hearthd match` shows why".to_owned(),
        Some(nearest) => format!("no rule matches this command; did you mean \u{201c}{nearest}\u{201d}?"),
    };
    Missed { message, suggestions }
}

/// Looks at one text in one language.
struct Look<'a> {
    tongue: &'a Tongue,
    said: &'a Said<'a>,
    heard: &'a Heard<'a>,
    vocabulary: &'a Vocabulary<'a>,
}

impl<'a> Look<'a> {
    /// What is missed where the sentence is for the room it is said in, and nothing says which that is.
    fn without_room(&self) -> Option<Missed> {
        if area_of(self.said).is_some() || self.hits(self.said.text).is_some() {
            return None;
        }
        let area = OPEN_LISTS.iter().position(|list| *list == "area").and_then(|list| ListId::try_from(list).ok())?;
        let rooms: Vec<&str> =
            self.tongue.view().entries(area).take(MAX_ROOMS).filter_map(|entry| said_as(entry)).collect();
        let in_room = |site| self.tongue.hits(&Said { site: Some(site), ..*self.said });
        let first = rooms.first().and_then(|room| in_room(room))?;
        if !is_handled(&first) && !rooms[1..].iter().any(|room| in_room(room).is_some_and(|hits| is_handled(&hits))) {
            return Some(nothing_carries_out(&first));
        }
        let message = "which room? Name it, or send the utterance with the `site_id` it came from".to_owned();
        let with_room = rooms.iter().map(|room| format!("{} in the {room}", self.said.text));
        let suggestions = with_room.filter(|text| self.is_done(text)).take(MAX_SUGGESTIONS).collect();
        Some(Missed { message, suggestions })
    }

    /// Whether a text is a command that is carried out.
    fn is_done(&self, text: &str) -> bool {
        self.hits(text).is_some_and(|hits| is_handled(&hits))
    }

    fn hits(&self, text: &str) -> Option<Vec<Hit>> {
        self.tongue.hits(&Said { text, ..*self.said })
    }

    /// What is missed where some sentence fits but for one or more names.
    fn unknown(&self) -> Option<Missed> {
        let mut found = self.tongue.found(self.heard);
        found.add(&self.any_names(&found), self.heard.end());
        let mut readings = self.tongue.readings(self.heard, &found, self.said);
        readings.retain(|reading| reading.rank.literal > 0 && reading.spans.iter().any(is_unknown));
        let is_known = |span: &Span| self.known(span).is_some();
        let unknown = |reading: &Reading<'_>| reading.spans.iter().filter(|span| is_unknown(span)).count();
        let known = |reading: &Reading<'_>| reading.spans.iter().filter(|span| is_known(span)).count();
        if let Some(unfit) = readings.iter().find(|reading| known(reading) == unknown(reading)) {
            return self.unfit(unfit);
        }
        // A sentence that a known name is nothing for, and an unknown one besides, was not meant.
        readings.retain(|reading| known(reading) == 0);
        let mut parts: Vec<&Span> = Vec::new();
        for span in readings.iter().filter_map(|reading| reading.spans.iter().find(|span| is_unknown(span))) {
            if parts.len() < MAX_PARTS && !parts.iter().any(|part| is_same_part(part, span)) {
                parts.push(span);
            }
        }
        let near = parts.iter().find_map(|span| {
            let missed = self.called(span, &readings);
            (!missed.suggestions.is_empty()).then_some(missed)
        });
        near.or_else(|| {
            let missed = Missed { message: self.not_called(parts.first()?), suggestions: Vec::new() };
            Some(Missed { suggestions: self.vocabulary.phrasings(self.said), ..missed })
        })
    }

    /// The name that stands where any would, where the home knows it: as a thing, a room or a floor.
    fn known(&self, span: &Span) -> Option<(ListId, &'a Entry)> {
        if !is_unknown(span) {
            return None;
        }
        let words = self.heard.words(span.start, span.end);
        let mut lists = (0..OPEN_LISTS.len()).filter_map(|list| ListId::try_from(list).ok());
        lists.find_map(|list| Some((list, *self.tongue.view().find(list, words).first()?)))
    }

    /// What is missed where the name is known, and the sentence is for other things.
    fn unfit(&self, reading: &Reading<'_>) -> Option<Missed> {
        let span = reading.spans.iter().find(|span| is_unknown(span))?;
        let (list, entry) = self.known(span)?;
        let name = self.heard.words(span.start, span.end);
        let before = String::from_utf8_lossy(&self.heard.folded[..span.start]);
        let after = String::from_utf8_lossy(&self.heard.folded[span.end..]);
        let message =
            format!("\u{201c}{name}\u{201d} is known, but is nothing for \u{201c}{before}\u{2026}{after}\u{201d}");
        let is_room = OPEN_LISTS.get(usize::from(list)) == Some(&"area");
        let mut suggestions = if is_room { self.with_things_of(entry, span) } else { Vec::new() };
        if suggestions.is_empty() {
            suggestions = self.vocabulary.phrasings(self.said);
            suggestions.retain(|say| fold(say).contains(&fold(name)));
        }
        Some(with_nearest(message, suggestions))
    }

    /// The sentence with each of the things of a room in the room's place, where that is carried out.
    fn with_things_of(&self, room: &Entry, span: &Span) -> Vec<String> {
        let names: Vec<_> = room.out.as_ref().map(context::folded).into_iter().collect();
        let is_here = |entry: &&Entry| {
            entry.knows("area").is_some_and(|area| {
                names.contains(area) || area.as_str().is_some_and(|area| room.texts().iter().any(|text| text == area))
            })
        };
        let things = self.tongue.view().entries(0).filter(is_here).filter(|entry| !guard::is_guarded(entry));
        let texts = things.take(MAX_THINGS).filter_map(|entry| Some(self.put(span, said_as(entry)?)));
        texts.filter(|text| self.is_done(text)).take(MAX_SUGGESTIONS).collect()
    }

    /// What is said of a name that nobody knows, with the known ones that it may have been.
    fn called(&self, span: &Span, readings: &[Reading<'_>]) -> Missed {
        let here = |reading: &&Reading<'_>| reading.spans.iter().any(|other| is_same_part(other, span));
        // Each sentence that fits has its own things: what is switched, what is dimmed, what is asked about.
        let alike: Vec<&Reading<'_>> = readings.iter().filter(here).collect();
        let names = self.nearest(&alike, span);
        let message = self.not_called(span);
        let Some(nearest) = names.first() else { return Missed { message, suggestions: Vec::new() } };
        let message = format!("{message}; did you mean \u{201c}{nearest}\u{201d}?");
        let sentences: Vec<String> = names.iter().map(|name| self.put(span, name)).collect();
        let understood: Vec<String> = sentences.into_iter().filter(|text| self.hits(text).is_some()).collect();
        let names = || names.iter().map(|name| (*name).to_owned()).collect();
        Missed { message, suggestions: if understood.is_empty() { names() } else { understood } }
    }

    fn not_called(&self, span: &Span) -> String {
        let what = match span.value.and_then(|id| OPEN_LISTS.get(usize::from(id.list))) {
            Some(&"area") => "no room",
            Some(&"floor") => "no floor",
            _ => "nothing",
        };
        let words = self.heard.words(span.start, span.end);
        format!("{what} called \u{201c}{words}\u{201d} is known here")
    }

    /// The names most like the words, of those that the readings' sentences are for.
    fn nearest(&self, readings: &[&Reading<'_>], span: &Span) -> Vec<&'a str> {
        let Some(id) = span.value else { return Vec::new() };
        let said = String::from_utf8_lossy(&self.heard.folded[span.start..span.end]);
        let near = self.tongue.view().entries(id.list).filter_map(|entry| {
            let near = self.vocabulary.near(&said, entry)?;
            readings.iter().any(|reading| reading.block.allows(entry).is_some()).then_some(near)
        });
        let mut names: Vec<(f64, &str)> = near.collect();
        names.sort_by(|one, other| other.0.total_cmp(&one.0));
        names.dedup_by(|one, other| one.1 == other.1);
        // What was said right is not what is unknown.
        let text = format!(" {} ", String::from_utf8_lossy(&self.heard.folded));
        names.retain(|(_, name)| !text.contains(&format!(" {} ", fold(name))));
        names.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name).collect()
    }

    /// The text with a name in place of what was said for it.
    fn put(&self, span: &Span, name: &str) -> String {
        self.put_at(span.start, span.end, name)
    }

    fn put_at(&self, start: usize, end: usize, name: &str) -> String {
        let (before, after) = (self.heard.place_said(start), self.heard.place_said(end));
        let text = self.heard.said;
        format!("{}{name}{}", text.get(..before).unwrap_or_default(), text.get(after..).unwrap_or_default())
    }

    /// Sentences with a slip put right that are understood, and the names that were nearly said.
    fn nearly_said(&self) -> (Vec<String>, Vec<String>) {
        let (mut sentences, mut names) = (Vec::new(), Vec::new());
        let starts = self.word_starts();
        for near in near::names(self.vocabulary) {
            let (Some(&start), Some(&last)) = (starts.get(near.words.0), starts.get(near.words.1 - 1)) else {
                continue;
            };
            let text = self.put_at(start, self.word_end(last), near.name);
            if self.hits(&text).is_some() {
                sentences.push(text);
            } else if near.is_name && !names.iter().any(|known| known == near.name) {
                names.push(near.name.to_owned());
            }
        }
        (sentences, names)
    }

    fn word_starts(&self) -> Vec<usize> {
        let folded = &self.heard.folded;
        let is_start = |at: &usize| folded[*at] != b' ' && (*at == 0 || folded[*at - 1] == b' ');
        (0..folded.len()).filter(is_start).collect()
    }

    fn word_end(&self, start: usize) -> usize {
        start + self.heard.folded[start..].iter().take_while(|&&byte| byte != b' ').count()
    }

    /// Every few words that may be a name as one of each kind, and every name that is known; those of fewer words cost less.
    fn any_names(&self, found: &Found<'_>) -> Vec<Occurrence> {
        let starts = self.word_starts();
        let words = self.vocabulary.words();
        let is_open = |occurrence: &&Occurrence| usize::from(occurrence.id.list) < OPEN_LISTS.len();
        let known: Vec<(usize, usize)> =
            found.values.iter().filter(is_open).map(|known| (known.start, known.end)).collect();
        let mut names = Vec::new();
        for (first, &start) in starts.iter().enumerate() {
            for (cost, (offset, &last)) in (1_u8..).zip(starts[first..].iter().take(MAX_NAME_WORDS).enumerate()) {
                let end = self.word_end(last);
                let Some(words) = words.get(first..=first + offset) else { continue };
                // "The kitchen" and "kitchen and office" are no names where those are known.
                let is_more = || {
                    words.iter().zip(&starts[first..]).any(|(word, at)| {
                        let is_part =
                            |&(from, to): &(usize, usize)| start <= from && to <= end && (from..to).contains(at);
                        !self.vocabulary.is_of_sentences(word) && !known.iter().any(is_part)
                    })
                };
                if known.contains(&(start, end)) || (is_more() && self.vocabulary.may_be_name(words)) {
                    for list in 0..OPEN_LISTS.len() {
                        let id = ValueId { list: ListId::try_from(list).unwrap_or(0), value: UNKNOWN };
                        names.push(Occurrence { start, end, id, cost });
                    }
                }
            }
        }
        names
    }
}

/// What is understood, and not carried out wherever it is said.
fn nothing_carries_out(hits: &[Hit]) -> Missed {
    let name = hits.iter().find(|hit| !hit.is_handled).map_or("a command", |hit| hit.name.as_str());
    let message = format!("this is understood as {name}, but no action of the intent files carries it out here");
    Missed { message, suggestions: Vec::new() }
}

fn with_nearest(message: String, suggestions: Vec<String>) -> Missed {
    match suggestions.first() {
        Some(nearest) => Missed { message: format!("{message}; did you mean \u{201c}{nearest}\u{201d}?"), suggestions },
        None => Missed { message, suggestions },
    }
}

/// A name as people say it: as it is written, or the first of the ways to say it.
fn said_as(entry: &Entry) -> Option<&str> {
    entry.texts().first().map(|text| entry.shown(text))
}

fn is_unknown(span: &Span) -> bool {
    span.value.is_some_and(|id| id.value == UNKNOWN)
}

fn is_same_part(one: &Span, other: &Span) -> bool {
    is_unknown(one) && (one.start, one.end, one.value) == (other.start, other.end, other.value)
}
