//! Names that were said nearly: a letter wrong, missing, too many, or two changed places; or another spelling of the sound.
//!
//! A slip never changes a digit (numbers are heard right, and "light 2" is not "light 3"), short names allow none, and a word
//! that means something itself is no slip of another: see [`contrast`]. Letters are counted, not bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use rphonetic::{DoubleMetaphone, Encoder};
use smallvec::SmallVec;

use super::contrast::is_another;
use super::lists::Entry;
use super::names::Names;
use super::sentence::found::{Occurrence, ValueId};
use super::sentence::heard::Heard;
use super::sentence::trie::{Place, Trie};

/// Letters of an utterance that one name can stand in.
const MAX_WINDOW: usize = 64;
/// Words of an utterance that slips are looked for in: longer ones are no commands.
const MAX_SAID: usize = 48;
/// Words that one name can have when it is looked for by its sound.
const MAX_WORDS: usize = 5;
/// Consonants that a sound needs, so that it tells names apart.
const MIN_SOUNDS: usize = 3;
/// What a name that only sounds alike is taken for.
const SOUND_COST: u8 = 2;
/// More than any slip.
const FAR: u8 = 100;

/// Slips that a text of so many letters allows: one where four letters make a word, two where there are ten to tell it by.
fn allowed(letters: usize) -> u8 {
    match letters {
        0..=3 => 0,
        4..=9 => 1,
        _ => 2,
    }
}

/// Finds the names that were nearly said.
pub(super) fn find(heard: &Heard<'_>, names: &Names) -> Vec<Occurrence> {
    let mut found: Vec<Occurrence> = Vec::new();
    let starts: Vec<usize> =
        heard.starts.iter().copied().filter(|&start| start == 0 || heard.folded[start - 1] == b' ').collect();
    if starts.len() > MAX_SAID {
        return found;
    }
    for &start in &starts {
        Walk::new(heard, start, names, &mut found).run();
    }
    names.sounds.find(heard, &starts, names, &mut |occurrence| {
        let is_known = |known: &Occurrence| {
            (known.id, known.start, known.end) == (occurrence.id, occurrence.start, occurrence.end)
        };
        if !found.iter().any(is_known) {
            found.push(occurrence);
        }
    });
    found
}

/// A walk through all names, with the distances of each beginning from the letters that were said (Damerau-Levenshtein).
struct Walk<'a> {
    heard: &'a Heard<'a>,
    start: usize,
    window: SmallVec<[char; MAX_WINDOW]>,
    names: &'a Names,
    trie: &'a Trie<ValueId>,
    found: &'a mut Vec<Occurrence>,
}

/// Slips that are followed at most.
const MOST: u8 = 2;
/// The same, as a number of places; a name's beginning is compared with those of the window that are as much shorter or
/// longer, and no more.
const MAX_SLIPS: usize = 2;

/// Distances of a beginning of a name from those of the window: of one `MAX_SLIPS` shorter first, of one as much longer last.
type Row = [u8; 2 * MAX_SLIPS + 1];
const FAR_ROW: Row = [FAR; 2 * MAX_SLIPS + 1];

impl<'a> Walk<'a> {
    fn new(heard: &'a Heard<'a>, start: usize, names: &'a Names, found: &'a mut Vec<Occurrence>) -> Self {
        let said = std::str::from_utf8(&heard.folded[start..]).unwrap_or_default();
        Self { heard, start, window: said.chars().take(MAX_WINDOW).collect(), names, trie: &names.trie, found }
    }

    fn run(&mut self) {
        let trie = self.trie;
        let Some(&first) = self.window.first() else { return };
        let without = |count: usize| {
            let said = self.window.iter().take(count);
            said.fold(0_u8, |cost, letter| cost.saturating_add(if letter.is_ascii_digit() { FAR } else { 1 }))
        };
        let rows = [&FAR_ROW, &[FAR, FAR, 0, without(1), without(2)]];
        each_letter(trie, Trie::<ValueId>::root(), &mut |letter, next| {
            if letter == first {
                self.follow(letter, next, 0, '\0', rows);
            } else {
                self.after_other_letter(letter, next, first);
            }
        });
    }

    /// A name that begins with another letter is a slip already, and one more would be a guess: the letter is another, or
    /// too many, or the first that was said is, or the first two changed places.
    fn after_other_letter(&mut self, letter: char, next: Place, first: char) {
        let (is_letter, was_letter) = (!letter.is_ascii_digit(), !first.is_ascii_digit());
        if is_letter {
            self.exactly(next, 0, 1, 1);
        }
        if is_letter && was_letter {
            self.exactly(next, 1, 1, 1);
        }
        if was_letter && self.window.get(1) == Some(&letter) {
            self.exactly(next, 2, 1, 1);
            if let Some(next) = step(self.trie, next, first).filter(|_| is_letter) {
                self.exactly(next, 2, 2, 1);
            }
        }
    }

    fn follow(&mut self, letter: char, next: Place, depth: usize, last: char, rows: [&Row; 2]) {
        let row = self.row(letter, depth + 1, last, rows);
        self.report(next, depth + 1, row);
        self.visit(next, depth + 1, letter, [rows[1], &row]);
    }

    fn visit(&mut self, at: Place, depth: usize, last: char, rows: [&Row; 2]) {
        let nearest = rows[1].iter().copied().min().unwrap_or(FAR);
        if depth >= MAX_WINDOW || nearest > MOST {
            return;
        }
        let trie = self.trie;
        if nearest < MOST {
            each_letter(trie, at, &mut |letter, next| self.follow(letter, next, depth, last, rows));
            return;
        }
        // No slip is left, so that the rest is said as it is written; but for two letters that change places here.
        let [before, above] = rows;
        for column in 0..above.len() {
            let Some(place) = (depth + column).checked_sub(MAX_SLIPS) else { continue };
            if above[column] == MOST {
                self.exactly(at, place, depth, MOST);
            }
            let changed = place.checked_sub(1).and_then(|before| self.window.get(before));
            if before[column] < MOST
                && self.window.get(place) == Some(&last)
                && let Some(&letter) = changed.filter(|letter| **letter != last && !letter.is_ascii_digit())
                && !last.is_ascii_digit()
                && let Some(next) = step(trie, at, letter)
            {
                self.report_at(next, depth + 1, place + 1, MOST);
                self.exactly(next, place + 1, depth + 1, MOST);
            }
        }
    }

    /// Goes on as the window does from one of its places, and reports what ends on the way.
    fn exactly(&mut self, mut at: Place, place: usize, depth: usize, cost: u8) {
        for offset in place..self.window.len() {
            let Some(next) = step(self.trie, at, self.window[offset]) else { return };
            at = next;
            self.report_at(at, depth + 1 + offset - place, offset + 1, cost);
        }
    }

    fn row(&self, letter: char, depth: usize, last: char, [before, above]: [&Row; 2]) -> Row {
        let mut row = FAR_ROW;
        let step = |letter: char| if letter.is_ascii_digit() { FAR } else { 1 };
        for column in 0..row.len() {
            let Some(j) = (depth + column).checked_sub(MAX_SLIPS).filter(|j| *j <= self.window.len()) else { continue };
            let mut best = above.get(column + 1).map_or(FAR, |distance| distance.saturating_add(step(letter)));
            if let Some(said) = j.checked_sub(1).map(|j| self.window[j]) {
                let changed = if said == letter { 0 } else { step(said).max(step(letter)) };
                best = best.min(above[column].saturating_add(changed));
                if column > 0 {
                    best = best.min(row[column - 1].saturating_add(step(said)));
                }
                if j > 1 && depth > 1 && self.window[j - 2] == letter && said == last && said != letter {
                    best = best.min(before[column].saturating_add(step(said).max(step(letter))));
                }
            }
            row[column] = best;
        }
        row
    }

    fn report(&mut self, at: Place, depth: usize, row: Row) {
        if self.trie.values(at).is_empty() {
            return;
        }
        for (column, &cost) in row.iter().enumerate() {
            self.report_at(at, depth, (depth + column).saturating_sub(MAX_SLIPS), cost);
        }
    }

    /// Reports the names that end at a node, where a word ends in the window and the name allows so many slips.
    fn report_at(&mut self, at: Place, depth: usize, length: usize, cost: u8) {
        let values = self.trie.values(at);
        if values.is_empty() || !(1..=allowed(depth)).contains(&cost) {
            return;
        }
        let Some(&last) = length.checked_sub(1).and_then(|at| self.window.get(at)) else { return };
        let end = self.start + self.window[..length].iter().map(|letter| letter.len_utf8()).sum::<usize>();
        if last == ' ' || !self.heard.is_word_end(end) {
            return;
        }
        let Some(said) = self.heard.folded.get(self.start..end).and_then(|said| std::str::from_utf8(said).ok()) else {
            return;
        };
        let is_new = |id: ValueId| {
            !self.found.iter().any(|known| (known.id, known.start, known.end) == (id, self.start, end))
                && self.text_at(id, at).is_some_and(|text| !is_another(said, text, self.names))
        };
        let new: SmallVec<[ValueId; 2]> = values.iter().copied().filter(|id| is_new(*id)).collect();
        self.found.extend(new.into_iter().map(|id| Occurrence { start: self.start, end, id, cost }));
    }

    /// Of a value's texts the one that ends at a node.
    fn text_at(&self, id: ValueId, at: Place) -> Option<&str> {
        let texts = self.names.entry(id)?.texts();
        if let [text] = texts {
            return Some(text);
        }
        let end = |text: &str| text.bytes().try_fold(Trie::<ValueId>::root(), |at, byte| self.trie.step(at, byte));
        texts.iter().map(String::as_str).find(|text| end(text) == Some(at))
    }
}

/// The node behind a letter.
fn step(trie: &Trie<ValueId>, at: Place, letter: char) -> Option<Place> {
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().try_fold(at, |at, byte| trie.step(at, byte))
}

/// Calls `each` with the letters that go on from a node, and the nodes behind them.
fn each_letter(trie: &Trie<ValueId>, at: Place, each: &mut dyn FnMut(char, Place)) {
    for (byte, next) in trie.children(at) {
        if byte.is_ascii() {
            each(char::from(byte), next);
        } else {
            let mut bytes = SmallVec::from_slice(&[byte]);
            each_rest(trie, next, &mut bytes, each);
        }
    }
}

/// The same for a letter of several bytes, of which some are there.
fn each_rest(trie: &Trie<ValueId>, at: Place, bytes: &mut SmallVec<[u8; 4]>, each: &mut dyn FnMut(char, Place)) {
    if let Some(letter) = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()) {
        return each(letter, at);
    }
    for (byte, next) in trie.children(at) {
        bytes.push(byte);
        each_rest(trie, next, bytes, each);
        bytes.pop();
    }
}

/// Names by how they sound, as English speech-to-text would confuse them; and the words they are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Sounds {
    /// In order, so that what begins like no name is given up early.
    by_sound: BTreeMap<Arc<str>, SmallVec<[ValueId; 1]>>,
    /// How often names have a word.
    words: HashMap<Arc<str>, u32>,
}

impl Sounds {
    /// Adds a name.
    pub(super) fn add(&mut self, id: ValueId, entry: &Entry) {
        for sound in entry.texts().iter().filter_map(|text| sound_of_name(text)) {
            self.by_sound.entry(sound.into()).or_default().push(id);
        }
        for word in entry.texts().iter().flat_map(|text| text.split(' ')) {
            *self.words.entry(word.into()).or_default() += 1;
        }
    }

    /// Whether some name has a word.
    pub(super) fn knows_word(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// Takes a name away.
    pub(super) fn remove(&mut self, id: ValueId, entry: &Entry) {
        for sound in entry.texts().iter().filter_map(|text| sound_of_name(text)) {
            if let Some(ids) = self.by_sound.get_mut(sound.as_str()) {
                ids.retain(|known| *known != id);
                if ids.is_empty() {
                    self.by_sound.remove(sound.as_str());
                }
            }
        }
        for word in entry.texts().iter().flat_map(|text| text.split(' ')) {
            if let Some(count) = self.words.get_mut(word) {
                *count -= 1;
                if *count == 0 {
                    self.words.remove(word);
                }
            }
        }
    }

    /// Calls `found` with the names that sound like words that were said.
    fn find(&self, heard: &Heard<'_>, starts: &[usize], names: &Names, found: &mut dyn FnMut(Occurrence)) {
        if self.by_sound.is_empty() {
            return;
        }
        let end_of = |start: usize| start + heard.folded[start..].iter().take_while(|&&byte| byte != b' ').count();
        let sounds: Vec<Option<String>> =
            starts.iter().map(|&start| sound(std::str::from_utf8(&heard.folded[start..end_of(start)]).ok()?)).collect();
        for (first, &start) in starts.iter().enumerate() {
            let mut joined = String::new();
            for (offset, sound) in sounds[first..].iter().take(MAX_WORDS).enumerate() {
                let Some(sound) = sound else { break };
                joined.push_str(sound);
                let end = end_of(starts[first + offset]);
                let Ok(said) = std::str::from_utf8(&heard.folded[start..end]) else { break };
                let mut from_here = self.by_sound.range::<str, _>((Bound::Included(joined.as_str()), Bound::Unbounded));
                let Some((known, ids)) = from_here.next().filter(|(known, _)| known.starts_with(&joined)) else {
                    break;
                };
                for &id in ids.iter().filter(|_| **known == *joined) {
                    let is_meant = |text: &&String| {
                        sound_of_name(text).as_deref() == Some(&joined) && !is_another(said, text, names)
                    };
                    if names.entry(id).is_some_and(|entry| entry.texts().iter().any(|text| is_meant(&text))) {
                        found(Occurrence { start, end, id, cost: SOUND_COST });
                    }
                }
            }
        }
    }
}

/// How a name sounds; `None` for one that its sound does not tell.
fn sound_of_name(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let sound = words.iter().map(|word| sound(word)).collect::<Option<Vec<_>>>()?.concat();
    (words.len() <= MAX_WORDS && sound.len() >= MIN_SOUNDS).then_some(sound)
}

/// How a word sounds; `None` for what is not spoken as a word.
fn sound(word: &str) -> Option<String> {
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'\'') {
        return None;
    }
    Some(DoubleMetaphone::new(Some(12)).encode(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::super::names::NameOf;
    use super::*;

    /// Slips between two texts (optimal string alignment), cell by cell; a digit is never changed.
    fn distance(said: &str, name: &str) -> u8 {
        let (said, name): (Vec<char>, Vec<char>) = (said.chars().collect(), name.chars().collect());
        let step = |letter: char| if letter.is_ascii_digit() { FAR } else { 1 };
        let mut table = vec![vec![0_u8; name.len() + 1]; said.len() + 1];
        for i in 0..=said.len() {
            for j in 0..=name.len() {
                let mut best = if i == 0 && j == 0 { 0 } else { FAR };
                if i > 0 {
                    best = best.min(table[i - 1][j].saturating_add(step(said[i - 1])));
                }
                if j > 0 {
                    best = best.min(table[i][j - 1].saturating_add(step(name[j - 1])));
                }
                if i > 0 && j > 0 {
                    let changed = if said[i - 1] == name[j - 1] { 0 } else { step(said[i - 1]).max(step(name[j - 1])) };
                    best = best.min(table[i - 1][j - 1].saturating_add(changed));
                }
                if i > 1 && j > 1 && said[i - 1] == name[j - 2] && said[i - 2] == name[j - 1] {
                    let changed = if said[i - 1] == said[i - 2] { 0 } else { step(said[i - 1]).max(step(said[i - 2])) };
                    best = best.min(table[i - 2][j - 2].saturating_add(changed));
                }
                table[i][j] = best;
            }
        }
        table[said.len()][name.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// The walk finds what comparing every part of the text with every name finds.
        #[test]
        fn slips_are_those_that_comparing_everything_finds(
            said in "[ab1]{1,9}( [abc1]{1,6}){0,3}|[абѐ1]{1,9}( [аbѐ]{1,6}){0,3}",
            list in prop::collection::vec("[abc1]{1,7}( [ab1]{1,6}){0,2}|[абѐ1]{1,7}( [аbѐ]{1,6}){0,2}", 1..6)
        ) {
            let mut names = Names::default();
            for name in &list {
                names.add(NameOf::Thing, name, None, Map::new());
            }
            let heard = Heard::new(&said, &[], false);
            let found = find(&heard, &names);
            let bytes = said.as_bytes();
            for start in (0..bytes.len()).filter(|&at| at == 0 || bytes[at - 1] == b' ') {
                for end in (start + 1..=bytes.len()).filter(|&at| bytes.get(at).is_none_or(|&byte| byte == b' ')) {
                    let part = &said[start..end];
                    for (number, name) in list.iter().enumerate() {
                        let cost = distance(part, name);
                        let most = if part.chars().next() == name.chars().next() { MOST } else { 1 };
                        let is_near = (1..=most.min(allowed(name.chars().count()))).contains(&cost);
                        let expected = (is_near && !is_another(part, name, &names)).then_some(cost);
                        let is_this = |one: &&Occurrence| (one.start, one.end, usize::try_from(one.id.value).unwrap()) == (start, end, number);
                        let got = found.iter().filter(is_this).map(|one| one.cost).min();
                        // What only sounds alike costs as much as two slips.
                        if expected.is_some() || got != Some(SOUND_COST) {
                            prop_assert_eq!(got, expected, "{:?} for {:?}", part, name);
                        }
                    }
                }
            }
        }
    }
}
