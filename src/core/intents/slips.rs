//! Names that were said nearly: a letter wrong, missing, too many, or two changed places; or another spelling of the sound.
//!
//! A slip never changes a digit (numbers are heard right, and "light 2" is not "light 3"), and short names allow none.

use std::collections::HashMap;
use std::sync::Arc;

use rphonetic::{DoubleMetaphone, Encoder};
use smallvec::SmallVec;

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
        Walk::new(heard, start, &names.trie, &mut found).run();
    }
    names.sounds.find(heard, &starts, &mut |occurrence| {
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
    window: &'a [u8],
    trie: &'a Trie<ValueId>,
    found: &'a mut Vec<Occurrence>,
}

/// Slips that are followed at most; a name's beginning is compared with those of the window that are as much shorter or
/// longer, and no more.
const MAX_SLIPS: usize = 2;

/// Distances of a beginning of a name from those of the window: of one `MAX_SLIPS` shorter first, of one as much longer last.
type Row = [u8; 2 * MAX_SLIPS + 1];
const FAR_ROW: Row = [FAR; 2 * MAX_SLIPS + 1];

impl<'a> Walk<'a> {
    fn new(heard: &'a Heard<'a>, start: usize, trie: &'a Trie<ValueId>, found: &'a mut Vec<Occurrence>) -> Self {
        let end = heard.end().min(start + MAX_WINDOW);
        Self { heard, start, window: &heard.folded[start..end], trie, found }
    }

    fn run(&mut self) {
        let first = [FAR, FAR, 0, 1, 2];
        self.visit(Trie::<ValueId>::root(), 0, 0, [&FAR_ROW, &first], 2);
    }

    fn visit(&mut self, at: Place, depth: usize, last: u8, rows: [&Row; 2], most: u8) {
        if depth >= MAX_WINDOW {
            return;
        }
        let trie = self.trie;
        for (byte, next) in trie.children(at) {
            // A name that begins with another letter is a slip already: one more would be a guess.
            let most = if depth == 0 && self.window.first() != Some(&byte) { 1 } else { most };
            let (row, nearest) = self.row(byte, depth + 1, last, rows, most);
            if nearest <= most {
                self.report(next, depth + 1, row, most);
                self.visit(next, depth + 1, byte, [rows[1], &row], most);
            }
        }
    }

    fn row(&self, byte: u8, depth: usize, last: u8, [before, above]: [&Row; 2], most: u8) -> (Row, u8) {
        let band = usize::from(most);
        let mut row = FAR_ROW;
        let step = |byte: u8| if byte.is_ascii_digit() { FAR } else { 1 };
        let mut nearest = FAR;
        for column in MAX_SLIPS - band..=MAX_SLIPS + band {
            let Some(j) = (depth + column).checked_sub(MAX_SLIPS).filter(|j| *j <= self.window.len()) else { continue };
            let mut best = above.get(column + 1).map_or(FAR, |distance| distance.saturating_add(step(byte)));
            if let Some(said) = j.checked_sub(1).map(|j| self.window[j]) {
                let changed = if said == byte { 0 } else { step(said).max(step(byte)) };
                best = best.min(above[column].saturating_add(changed));
                if column > 0 {
                    best = best.min(row[column - 1].saturating_add(step(said)));
                }
                if j > 1 && depth > 1 && self.window[j - 2] == byte && said == last && said != byte {
                    best = best.min(before[column].saturating_add(step(said).max(step(byte))));
                }
            }
            row[column] = best;
            nearest = nearest.min(best);
        }
        (row, nearest)
    }

    fn report(&mut self, at: Place, depth: usize, row: Row, most: u8) {
        let trie = self.trie;
        let values = trie.values(at);
        if values.is_empty() {
            return;
        }
        let most = most.min(allowed(depth));
        for (column, &cost) in row.iter().enumerate().filter(|(_, cost)| (1..=most).contains(cost)) {
            let length = (depth + column).saturating_sub(MAX_SLIPS);
            let end = self.start + length;
            let Some(&last) = length.checked_sub(1).and_then(|at| self.window.get(at)) else { continue };
            if self.heard.is_word_end(end) && last != b' ' {
                self.found.extend(values.iter().map(|&id| Occurrence { start: self.start, end, id, cost }));
            }
        }
    }
}

/// Names by how they sound, as English speech-to-text would confuse them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sounds {
    by_sound: HashMap<Arc<str>, SmallVec<[ValueId; 1]>>,
}

impl Sounds {
    /// Adds a name.
    pub(super) fn add(&mut self, id: ValueId, entry: &Entry) {
        for sound in entry.texts().iter().filter_map(|text| sound_of_name(text)) {
            self.by_sound.entry(sound.into()).or_default().push(id);
        }
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
    }

    /// Calls `found` with the names that sound like words that were said.
    fn find(&self, heard: &Heard<'_>, starts: &[usize], found: &mut dyn FnMut(Occurrence)) {
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
                for &id in self.by_sound.get(joined.as_str()).into_iter().flatten() {
                    found(Occurrence { start, end, id, cost: SOUND_COST });
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
