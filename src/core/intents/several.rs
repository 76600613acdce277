//! Several commands in one breath: "turn on the lamp and close the blinds", "lights off in the kitchen and the hall".
//!
//! The whole was tried before, so that a "salt and pepper lamp" stays one thing. What shares its verb is said out once for
//! each thing; the rest is cut where a joining word stands. All parts must be understood, or none counts.

use std::cell::RefCell;
use std::ops::Range;

use smallvec::SmallVec;

use crate::core::utterance;

use super::block::EXCEPTED;
use super::guard;
use super::part::{self, Part};
use super::sentence::heard::fold;
use super::tongue::Tongue;
use super::understand::{Unclear, Understood};
use super::{Hit, Said};

/// Joining words of one utterance; more are dictation.
const MAX_JOINS: usize = 5;
/// The slot of a name in free words: a timer's.
const NAMED: &str = "name";
/// Texts that are tried for one utterance.
const MAX_TRIES: usize = 60;
/// Where a sentence or a part of one ends.
const PAUSES: [char; 5] = [',', ';', '.', '!', '?'];
/// What joins commands, by language.
const JOINS: [(&str, &[&str]); 6] = [
    ("en", &["and", "and then", "then", "and also"]),
    ("de", &["und", "und dann", "dann"]),
    ("fr", &["et", "et puis", "puis"]),
    ("es", &["y", "y luego", "luego", "e"]),
    ("nl", &["en", "en dan", "dan"]),
    ("it", &["e", "e poi", "poi", "ed"]),
];

/// Number words that go on behind a joining word: "hundred and …", "treinta y …", "vingt et …".
const NUMBERS_GO_ON: [&str; 24] = [
    "hundred",
    "thousand",
    "hundert",
    "tausend",
    "honderd",
    "duizend",
    "cent",
    "mille",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
    "ciento",
    "mil",
    "treinta",
    "cuarenta",
    "cincuenta",
    "sesenta",
    "setenta",
    "ochenta",
    "noventa",
    "cento",
    "mila",
];
/// Number words that a smaller one stands before: "zwei und zwanzig", "twee en twintig".
const TENS_BEHIND: [&str; 17] = [
    "zwanzig", "dreißig", "dreissig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig", "twintig",
    "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig",
];

/// Parts of a whole, as they are said behind a number.
const PARTS: [&str; 3] = ["half", "quarter", "third"];

/// A joining word between two others: where it starts and ends, by word.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Join {
    start: usize,
    end: usize,
}

/// What normalised text means as several commands. Somebody may have paused at some of its words, in a voice or in writing.
pub(super) fn understand(tongue: &Tongue, said: &Said<'_>, pauses: &[usize]) -> Understood {
    let words: Vec<&str> = said.text.split(' ').collect();
    let joins = joins(&words, tongue);
    let with_pauses = with_pauses(&joins, pauses, words.len());
    // People pause anywhere: where that makes no commands, it means nothing.
    if with_pauses != joins
        && let Some(hits) = cut_at(tongue, said, &words, &with_pauses).ok()
    {
        return all(hits);
    }
    cut_at(tongue, said, &words, &joins).map_or_else(|not_all| not_all, all)
}

/// The words that join commands in a language.
fn words_that_join(tongue: &Tongue) -> &'static [&'static str] {
    let primary = tongue.tag.split('-').next().unwrap_or_default();
    JOINS.iter().find(|(language, _)| *language == primary).map_or(&[], |(_, words)| words)
}

/// A command whose free words hide others, as those commands: "play jazz and turn off the lights".
pub(super) fn behind_free_words(tongue: &Tongue, said: &Said<'_>, pauses: &[usize], free: &Hit) -> Option<Understood> {
    let words: Vec<&str> = said.text.split(' ').collect();
    let joins = joins(&words, tongue);
    if joins.is_empty() || joins.len() > MAX_JOINS {
        return None;
    }
    let cut = [with_pauses(&joins, pauses, words.len()), joins.clone()].into_iter().find_map(|joins| {
        let cutter = Cutter::new(tongue, said, &words, &joins);
        cutter.by_themselves().into_iter().collect::<Option<Vec<_>>>()
    });
    if let Some(hits) = cut {
        return Some(all(hits));
    }
    if free.slots.contains_key(NAMED) {
        return no_name(tongue, said, &words, &joins, free);
    }
    joins.iter().enumerate().find_map(|(number, join)| {
        let mut hits = vec![one(tongue, said, &words[..join.start].join(" "))?];
        let rest = &words[join.end..];
        if let Some(hit) = one(tongue, said, &rest.join(" ")) {
            hits.push(hit);
        } else {
            let moved = |at: usize| at - join.end;
            let joins = joins[number + 1..].iter().map(|join| Join { start: moved(join.start), end: moved(join.end) });
            let said = Said { text: &rest.join(" "), ..*said };
            hits.extend(cut_at(tongue, &said, rest, &joins.collect::<Vec<_>>()).ok()?);
        }
        (hits[0].name == free.name && hits[1].name != free.name).then(|| all(hits))
    })
}

/// What is said of a name in free words that goes on over the end of a command: "five minutes and another".
fn no_name(tongue: &Tongue, said: &Said<'_>, words: &[&str], joins: &[Join], free: &Hit) -> Option<Understood> {
    let name = format!(" {} ", fold(free.slots.get(NAMED)?.as_str()?));
    if !words_that_join(tongue).iter().any(|join| name.contains(&format!(" {join} "))) {
        return None;
    }
    let cutter = Cutter::new(tongue, said, words, joins);
    let commands = cutter.by_themselves();
    // "Salt and pepper" begins no command.
    commands.first()?.as_ref()?;
    match not_all(&cutter.texts(), &commands) {
        unclear @ Understood::Unclear(_) => Some(unclear),
        Understood::Hits(_) | Understood::Nothing => None,
    }
}

/// The commands that the words are, cut at some of the joins; else what is to be said of those that are not all commands.
fn cut_at(tongue: &Tongue, said: &Said<'_>, words: &[&str], joins: &[Join]) -> Result<Vec<Hit>, Understood> {
    if joins.is_empty() || joins.len() > MAX_JOINS {
        return Err(Understood::Nothing);
    }
    let cutter = Cutter::new(tongue, said, words, joins);
    let commands = cutter.by_themselves();
    // What is a command by itself shares no words with another.
    if commands.iter().all(Option::is_some) {
        return Ok(commands.into_iter().flatten().collect());
    }
    // Small talk has joining words too: without a command or a name in it, nothing more is tried.
    if commands.iter().all(Option::is_none) && !tongue.names_something(said.text) {
        return Err(Understood::Nothing);
    }
    if let Some(cut) = cutter.cut(0, 0) {
        return Ok(cut);
    }
    let parts = cutter.texts();
    let commands = with_slips(tongue, said, &parts, commands);
    if commands.iter().all(Option::is_some) {
        return Ok(commands.into_iter().flatten().collect());
    }
    Err(not_all(&parts, &commands))
}

/// Commands that were all understood.
fn all(hits: Vec<Hit>) -> Understood {
    if let Some(guarded) = hits.iter().find_map(|hit| hit.guarded.as_ref()) {
        let message = format!("what moves {guarded} must be said by itself; nothing was done");
        return Understood::Unclear(Unclear { message, suggestions: Vec::new() });
    }
    Understood::Hits(hits)
}

/// Tries the parts that are no commands once more, with slips of names forgiven.
fn with_slips(tongue: &Tongue, said: &Said<'_>, parts: &[String], mut commands: Vec<Option<Hit>>) -> Vec<Option<Hit>> {
    // Without one sure command, it may be anything.
    if commands.iter().any(Option::is_some) {
        for (part, command) in parts.iter().zip(&mut commands).filter(|(_, command)| command.is_none()) {
            if let Understood::Hits(hits) = tongue.read_part_with_slips(&Said { text: part, ..*said }) {
                *command = hits.into_iter().next();
            }
        }
    }
    commands
}

/// The words that a pause stands before, of a text whose normalised form has so many words.
pub(super) fn pauses(raw: &str, words: usize) -> Vec<usize> {
    let mut pauses = Vec::new();
    if !raw.contains(PAUSES) {
        return pauses;
    }
    let mut count = 0;
    for word in raw.split(|c: char| c.is_whitespace() || c.is_control()) {
        let normalised = utterance::normalise(word);
        // "A.C." keeps its dot.
        count += usize::from(!normalised.is_empty());
        if count > 0 && word.ends_with(PAUSES) && !normalised.ends_with('.') && pauses.last() != Some(&count) {
            pauses.push(count);
        }
    }
    if count != words {
        pauses.clear();
    }
    pauses
}

/// The joins, and one without words for each pause that stands by itself.
fn with_pauses(joins: &[Join], pauses: &[usize], words: usize) -> Vec<Join> {
    let is_free =
        |at: &usize| (1..words).contains(at) && !joins.iter().any(|join| (join.start..=join.end).contains(at));
    let mut all: Vec<Join> = pauses.iter().filter(|at| is_free(at)).map(|&at| Join { start: at, end: at }).collect();
    all.extend(joins);
    all.sort_by_key(|join| join.start);
    all
}

/// The words between the joining words.
fn parts(words: usize, joins: &[Join]) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(joins.iter().map(|join| join.end));
    let ends = joins.iter().map(|join| join.start).chain(std::iter::once(words));
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

/// Says which part was not understood, where another one is a command.
fn not_all(parts: &[String], commands: &[Option<Hit>]) -> Understood {
    let command = |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| !guard::tells(&hit.name));
    let of_each = || parts.iter().zip(commands);
    let known = of_each().find(|(_, hit)| command(hit)).map(|(part, _)| part);
    let unknown = of_each().find(|(_, hit)| hit.is_none()).map(|(part, _)| part);
    match (known, unknown) {
        (Some(known), Some(unknown)) => Understood::Unclear(Unclear {
            message: format!(
                "I understood \u{201c}{known}\u{201d}, but not \u{201c}{unknown}\u{201d}; nothing was done"
            ),
            // Half of what was said may be more than was meant: all but one thing, or all that is left.
            suggestions: Vec::new(),
        }),
        _ => Understood::Nothing,
    }
}

/// What a text means as one command; one that speaks of something named before has nothing to speak of.
fn one(tongue: &Tongue, said: &Said<'_>, text: &str) -> Option<Hit> {
    tongue.read_part(&Said { text, ..*said }).filter(|part| !part.is_about_it).map(|part| part.hit)
}

/// Whether what joins two words makes one number of them: "one hundred and fifty", which no range may have.
fn is_in_number(tongue: &Tongue, before: &str, behind: &[String]) -> bool {
    let is_number = |word: &str| {
        let mut numbers = Vec::new();
        tongue.spelling.at(word.as_bytes(), 0, &mut numbers);
        numbers.iter().any(|number| number.end == word.len())
    };
    let words: Vec<&str> = behind.iter().take(2).map(String::as_str).collect();
    let Some(&first) = words.first() else { return false };
    // "19 and a half".
    let is_part = PARTS.contains(&first) || (first == "a" && words.get(1).is_some_and(|word| PARTS.contains(word)));
    (NUMBERS_GO_ON.contains(&before) && is_number(first))
        || (is_number(before) && TENS_BEHIND.contains(&first))
        || (is_part && (is_number(before) || before.parse::<u32>().is_ok()))
}

/// Where joining words stand, the longest of those that start at one place.
fn joins(words: &[&str], tongue: &Tongue) -> Vec<Join> {
    let that_join = words_that_join(tongue);
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let mut joins: Vec<Join> = Vec::new();
    let mut at = 1;
    while at + 1 < words.len() {
        let lengths = that_join.iter().filter_map(|join| {
            let length = join.split(' ').count();
            let is_here =
                folded.len() > at + length && join.split(' ').eq(folded[at..at + length].iter().map(String::as_str));
            (is_here && !is_in_number(tongue, &folded[at - 1], &folded[at + length..])).then_some(length)
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

/// Words of the utterance, in order: each range without what is before it and after it.
type Pieces = SmallVec<[Range<usize>; 3]>;

struct Cutter<'a> {
    tongue: &'a Tongue,
    said: &'a Said<'a>,
    words: &'a [&'a str],
    joins: &'a [Join],
    /// What was read already: ways to cut share most of their texts. Bounded, so that no utterance keeps the others waiting.
    tried: RefCell<Vec<(Pieces, Option<Part>)>>,
}

impl<'a> Cutter<'a> {
    fn new(tongue: &'a Tongue, said: &'a Said<'a>, words: &'a [&'a str], joins: &'a [Join]) -> Self {
        Self { tongue, said, words, joins, tried: RefCell::default() }
    }

    /// The parts between the joins, as they were said.
    fn texts(&self) -> Vec<String> {
        parts(self.words.len(), self.joins).into_iter().map(|part| self.words[part].join(" ")).collect()
    }

    /// What each of the parts is by itself.
    fn by_themselves(&self) -> Vec<Option<Hit>> {
        let parts = parts(self.words.len(), self.joins).into_iter().map(|part| self.part(&[part]));
        part::resolve_it(self.tongue, self.said, &self.texts(), parts.collect())
    }

    /// Commands from a word on, with `first` the number of the first joining word after it: the longest part first.
    fn cut(&self, start: usize, first: usize) -> Option<Vec<Hit>> {
        for last in (first..=self.joins.len()).rev() {
            let end = self.joins.get(last).map_or(self.words.len(), |join| join.start);
            // The whole as one was tried before; as several that share their words it was not.
            let is_whole = start == 0 && last == self.joins.len();
            let hit = if is_whole { None } else { self.read(std::slice::from_ref(&(start..end))).map(|hit| vec![hit]) };
            let Some(mut hits) = hit.or_else(|| self.shared(start, end, &self.joins[first..last])) else { continue };
            let Some(join) = self.joins.get(last) else { return Some(hits) };
            if let Some(rest) = self.cut(join.end, last + 1) {
                hits.extend(rest);
                return Some(hits);
            }
        }
        None
    }

    /// What some of the words mean as one command that needs no other.
    fn read(&self, pieces: &[Range<usize>]) -> Option<Hit> {
        let is_first = pieces.first().is_some_and(|piece| piece.start == 0);
        self.part(pieces).filter(|part| is_first || !part.is_about_it).map(|part| part.hit)
    }

    /// What some of the words mean as one command.
    fn part(&self, pieces: &[Range<usize>]) -> Option<Part> {
        let mut key = Pieces::new();
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            match key.last_mut() {
                Some(last) if last.end == piece.start => last.end = piece.end,
                _ => key.push(piece.clone()),
            }
        }
        let mut tried = self.tried.borrow_mut();
        if let Some((_, known)) = tried.iter().find(|(known, _)| *known == key) {
            return known.clone();
        }
        if tried.len() >= MAX_TRIES {
            return None;
        }
        let words: Vec<&str> = key.iter().flat_map(|piece| &self.words[piece.clone()]).copied().collect();
        let part = self.tongue.read_part(&Said { text: &words.join(" "), ..*self.said });
        tried.push((key, part.clone()));
        part
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
        // Where the head ends says nothing about the first thing's text, nor where the tail begins about the last thing's.
        let firsts =
            (last.end + 1..=end).filter_map(|after| Some((after, self.read(&[start..first.start, after..end])?)));
        let firsts: Vec<(usize, Hit)> = firsts.collect();
        if firsts.is_empty() {
            return None;
        }
        let things_after = || joins.iter().map(|join| join.end);
        for before in (start..first.start).rev() {
            // "Open the" and "the garage door" do not make "open the the garage door".
            let ends = before.checked_sub(1).filter(|at| *at >= start).map(|at| fold(self.words[at]));
            if ends.is_some_and(|end| things_after().any(|at| self.words.get(at).is_some_and(|word| fold(word) == end)))
            {
                continue;
            }
            let mut last_hit = None;
            for (after, first_hit) in &firsts {
                let (head, tail) = (start..before, *after..end);
                if head.is_empty() && tail.is_empty() {
                    continue;
                }
                let of_last = last_hit.get_or_insert_with(|| self.read(&[head.clone(), last.end..end]));
                let Some(of_last) = of_last.as_ref().filter(|hit| hit.name == first_hit.name) else { continue };
                let between = joins.windows(2).map(|pair| pair[0].end..pair[1].start);
                let between = between.map(|thing| self.read(&[head.clone(), thing, tail.clone()]));
                let hits = std::iter::once(Some(first_hit.clone())).chain(between).chain([Some(of_last.clone())]);
                let hits: Option<Vec<Hit>> = hits.collect();
                // All but two things is not all but one, and then all but the other.
                let may_share = |hit: &Hit| hit.name == first_hit.name && !hit.slots.contains_key(EXCEPTED);
                if let Some(hits) = hits.filter(|hits| hits.iter().all(may_share)) {
                    return Some(hits);
                }
            }
        }
        None
    }
}
