//! Several commands in one breath: "turn on the lamp and close the blinds", "lights off in the kitchen and the hall".
//!
//! The whole was tried before, so that a "salt and pepper lamp" stays one thing. What shares its verb is said out once for
//! each thing; the rest is cut where a joining word stands. All parts must be understood, or none counts.

use std::cell::Cell;

use super::sentence::heard::fold;
use super::tongue::Tongue;
use super::understand::{Unclear, Understood, is_question};
use super::{Hit, Said};

/// Joining words of one utterance; more are dictation.
const MAX_JOINS: usize = 5;
/// Texts that are tried for one utterance.
const MAX_TRIES: usize = 200;
/// What joins commands, by language; the first one is what a comma means.
const JOINS: [(&str, &[&str]); 6] = [
    ("en", &["and", "and then", "then", "and also"]),
    ("de", &["und", "und dann", "dann"]),
    ("fr", &["et", "et puis", "puis"]),
    ("es", &["y", "y luego", "luego", "e"]),
    ("nl", &["en", "en dan", "dan"]),
    ("it", &["e", "e poi", "poi", "ed"]),
];

/// A joining word between two others: where it starts and ends, by word.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Join {
    start: usize,
    end: usize,
}

/// What normalised text means as several commands.
pub(super) fn understand(tongue: &Tongue, said: &Said<'_>) -> Understood {
    let primary = tongue.tag.split('-').next().unwrap_or_default();
    let Some((_, words_that_join)) = JOINS.iter().find(|(language, _)| *language == primary) else {
        return Understood::Nothing;
    };
    let words: Vec<&str> = said.text.split(' ').collect();
    let joins = joins(&words, words_that_join);
    if joins.is_empty() || joins.len() > MAX_JOINS {
        return Understood::Nothing;
    }
    let parts = parts(&words, &joins);
    let commands = parts.iter().map(|part| one(tongue, said, part)).collect::<Vec<_>>();
    // Small talk has joining words too: without a command or a name in it, nothing more is tried.
    if commands.iter().all(Option::is_none) && !tongue.names_something(said.text) {
        return Understood::Nothing;
    }
    let cutter = Cutter { tongue, said, words: &words, joins: &joins, tries: Cell::new(MAX_TRIES) };
    let Some(cut) = cutter.cut(0, 0) else {
        return not_all(&parts, &commands);
    };
    if let Some(guarded) = cut.iter().find(|hit| hit.is_guarded) {
        let message = format!("{} must be said by itself; nothing was done", guarded.name);
        return Understood::Unclear(Unclear { message, suggestions: Vec::new() });
    }
    Understood::Hits(cut)
}

/// The text cut at every joining word.
fn parts(words: &[&str], joins: &[Join]) -> Vec<String> {
    let starts = std::iter::once(0).chain(joins.iter().map(|join| join.end));
    let ends = joins.iter().map(|join| join.start).chain(std::iter::once(words.len()));
    starts.zip(ends).map(|(start, end)| words[start..end].join(" ")).collect()
}

/// Says which part was not understood, where another one is a command.
fn not_all(parts: &[String], commands: &[Option<Hit>]) -> Understood {
    let is_command = |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| !is_question(&hit.name));
    let of_each = || parts.iter().zip(commands);
    let known = of_each().find(|(_, hit)| is_command(hit)).map(|(part, _)| part);
    let unknown = of_each().find(|(_, hit)| hit.is_none()).map(|(part, _)| part);
    match (known, unknown) {
        (Some(known), Some(unknown)) => Understood::Unclear(Unclear {
            message: format!(
                "I understood \u{201c}{known}\u{201d}, but not \u{201c}{unknown}\u{201d}; nothing was done"
            ),
            suggestions: vec![known.clone()],
        }),
        _ => Understood::Nothing,
    }
}

/// What a text means as one command.
fn one(tongue: &Tongue, said: &Said<'_>, text: &str) -> Option<Hit> {
    match tongue.read(&Said { text, ..*said }) {
        Understood::Hits(hits) => hits.into_iter().next(),
        Understood::Unclear(_) | Understood::Nothing => None,
    }
}

/// Where joining words stand, the longest of those that start at one place.
fn joins(words: &[&str], that_join: &[&str]) -> Vec<Join> {
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let mut joins: Vec<Join> = Vec::new();
    let mut at = 1;
    while at + 1 < words.len() {
        let lengths = that_join.iter().filter_map(|join| {
            let length = join.split(' ').count();
            let is_here =
                folded.len() > at + length && join.split(' ').eq(folded[at..at + length].iter().map(String::as_str));
            is_here.then_some(length)
        });
        match lengths.max() {
            Some(length) => {
                joins.push(Join { start: at, end: at + length });
                at += length + 1;
            }
            None => at += 1,
        }
    }
    joins
}

struct Cutter<'a> {
    tongue: &'a Tongue,
    said: &'a Said<'a>,
    words: &'a [&'a str],
    joins: &'a [Join],
    /// Texts that may still be tried, so that no utterance keeps the others waiting.
    tries: Cell<usize>,
}

impl Cutter<'_> {
    /// Commands from a word on, with `first` the number of the first joining word after it: the longest part first.
    fn cut(&self, start: usize, first: usize) -> Option<Vec<Hit>> {
        for last in (first..=self.joins.len()).rev() {
            let end = self.joins.get(last).map_or(self.words.len(), |join| join.start);
            // The whole as one was tried before; as several that share their words it was not.
            let is_whole = start == 0 && last == self.joins.len();
            let hit = if is_whole { None } else { self.one(start, end).map(|hit| vec![hit]) };
            let Some(mut hits) = hit.or_else(|| self.shared(start, end, &self.joins[first..last])) else { continue };
            let Some(join) = self.joins.get(last) else { return Some(hits) };
            if let Some(rest) = self.cut(join.end, last + 1) {
                hits.extend(rest);
                return Some(hits);
            }
        }
        None
    }

    fn one(&self, start: usize, end: usize) -> Option<Hit> {
        self.try_one(&self.words[start..end].join(" "))
    }

    fn try_one(&self, text: &str) -> Option<Hit> {
        self.tries.set(self.tries.get().checked_sub(1)?);
        one(self.tongue, self.said, text)
    }

    /// A command for each of several things that are joined inside it. What is joined is found by trying: the words before
    /// the first join that belong to the first thing, and those after the last that belong to the last.
    fn shared(&self, start: usize, end: usize, joins: &[Join]) -> Option<Vec<Hit>> {
        // Which of the joining words join; the others are part of a name. All of them first.
        for joining in (1_u32..1 << joins.len()).rev() {
            let chosen = joins.iter().enumerate().filter(|(index, _)| joining & (1 << index) != 0);
            let chosen: Vec<Join> = chosen.map(|(_, join)| *join).collect();
            if let Some(hits) = self.shared_by(start, end, &chosen) {
                return Some(hits);
            }
        }
        None
    }

    fn shared_by(&self, start: usize, end: usize, joins: &[Join]) -> Option<Vec<Hit>> {
        let (first, last) = (joins.first()?, joins.last()?);
        for before in (start..first.start).rev() {
            for after in last.end + 1..=end {
                let mut things = vec![&self.words[before..first.start]];
                things.extend(joins.windows(2).map(|pair| &self.words[pair[0].end..pair[1].start]));
                things.push(&self.words[last.end..after]);
                let head = &self.words[start..before];
                let tail = &self.words[after..end];
                if head.is_empty() && tail.is_empty() {
                    continue;
                }
                let hits: Option<Vec<Hit>> = things.iter().map(|thing| self.said_out(head, thing, tail)).collect();
                if let Some(hits) = hits
                    && hits.iter().all(|hit| hit.name == hits[0].name)
                {
                    return Some(hits);
                }
            }
        }
        None
    }

    fn said_out(&self, head: &[&str], thing: &[&str], tail: &[&str]) -> Option<Hit> {
        self.try_one(&[head, thing, tail].concat().join(" "))
    }
}
