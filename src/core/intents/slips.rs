//! Names that were said nearly: a letter wrong, missing, too many, or two changed places; or another spelling of the sound.
//!
//! A slip never changes a digit (numbers are heard right, and "light 2" is not "light 3"), and short names allow none.

use std::collections::HashMap;

use rphonetic::{DoubleMetaphone, Encoder};

use super::lists::{Entry, Names};
use super::sentence::found::{Occurrence, ValueId};
use super::sentence::grammar::ListId;
use super::sentence::heard::Heard;
use super::sentence::trie::{Place, Trie};

/// Letters of an utterance that one name can stand in.
const MAX_WINDOW: usize = 64;
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

/// Distances of a beginning of a name from each beginning of the window.
type Row = [u8; MAX_WINDOW + 1];

impl<'a> Walk<'a> {
    fn new(heard: &'a Heard<'a>, start: usize, trie: &'a Trie<ValueId>, found: &'a mut Vec<Occurrence>) -> Self {
        let end = heard.end().min(start + MAX_WINDOW);
        Self { heard, start, window: &heard.folded[start..end], trie, found }
    }

    fn run(&mut self) {
        let mut first = [FAR; MAX_WINDOW + 1];
        for (distance, place) in (0_u8..=2).zip(first.iter_mut()) {
            *place = distance;
        }
        self.visit(Trie::<ValueId>::root(), 0, 0, [&[FAR; MAX_WINDOW + 1], &first], 2);
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
                self.report(next, depth + 1, &row, most);
                self.visit(next, depth + 1, byte, [rows[1], &row], most);
            }
        }
    }

    fn row(&self, byte: u8, depth: usize, last: u8, [before, above]: [&Row; 2], most: u8) -> (Row, u8) {
        let band = usize::from(most);
        let mut row = [FAR; MAX_WINDOW + 1];
        let step = |byte: u8| if byte.is_ascii_digit() { FAR } else { 1 };
        if depth <= band {
            row[0] = above[0].saturating_add(step(byte));
        }
        let mut nearest = row[0];
        for j in depth.saturating_sub(band).max(1)..=(depth + band).min(self.window.len()) {
            let said = self.window[j - 1];
            let changed = if said == byte { 0 } else { step(said).max(step(byte)) };
            let mut best = above[j - 1].saturating_add(changed);
            best = best.min(above[j].saturating_add(step(byte)));
            best = best.min(row[j - 1].saturating_add(step(said)));
            if j > 1 && depth > 1 && self.window[j - 2] == byte && said == last && said != byte {
                best = best.min(before[j - 2].saturating_add(step(said).max(step(byte))));
            }
            row[j] = best;
            nearest = nearest.min(best);
        }
        (row, nearest)
    }

    fn report(&mut self, at: Place, depth: usize, row: &Row, most: u8) {
        let trie = self.trie;
        let values = trie.values(at);
        if values.is_empty() {
            return;
        }
        let most = most.min(allowed(depth));
        let lengths = depth.saturating_sub(2).max(1)..=(depth + 2).min(self.window.len());
        for (length, cost) in lengths.clone().zip(row.get(lengths).unwrap_or_default().iter().copied()) {
            let end = self.start + length;
            if cost > 0 && cost <= most && self.heard.is_word_end(end) && self.window[length - 1] != b' ' {
                self.found.extend(values.iter().map(|&id| Occurrence { start: self.start, end, id, cost }));
            }
        }
    }
}

/// Names by how they sound, as English speech-to-text would confuse them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sounds {
    by_sound: HashMap<String, Vec<ValueId>>,
}

impl Sounds {
    /// Adds a name.
    pub(super) fn add(&mut self, list: ListId, value: u32, entry: &Entry) {
        for text in entry.texts() {
            let words: Vec<&str> = text.split(' ').collect();
            let Some(sounds) = words.iter().map(|word| sound(word)).collect::<Option<Vec<_>>>() else { continue };
            let sound = sounds.concat();
            if words.len() <= MAX_WORDS && sound.len() >= MIN_SOUNDS {
                self.by_sound.entry(sound).or_default().push(ValueId { list, value });
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
                for &id in self.by_sound.get(&joined).into_iter().flatten() {
                    found(Occurrence { start, end, id, cost: SOUND_COST });
                }
            }
        }
    }
}

/// How a word sounds; `None` for what is not spoken as a word.
fn sound(word: &str) -> Option<String> {
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'\'') {
        return None;
    }
    Some(DoubleMetaphone::new(Some(12)).encode(word))
}
