//! What comes near to a command that no rule matches: names that were nearly said, and phrasings that mean as much.
//!
//! What contradicts the words that were said is no suggestion, nor is a part of them: somebody who hears it may say it.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::core::dialogue::timers;
use crate::core::language;

use super::contrast;
use super::guard;
use super::lists::Entry;
use super::names::Names;
use super::sentence::grammar::{Grammar, ListId, Node, NodeId, is_open};
use super::sentence::heard::fold;
use super::tongue::Tongue;
use super::understand::{PUT_OFF, Understood};
use super::{Hit, Said};

/// Suggestions given.
pub(super) const MAX_SUGGESTIONS: usize = 3;
/// Phrasings that are tried for one text, and for one of its words.
const MAX_TRIED: usize = 12;
const MAX_TRIED_FOR_WORD: usize = 4;
/// How alike a name and what may be a slip of it must be, of 1; and a name that shares a word with what was said.
const MIN_ALIKE: f64 = 0.86;
const MIN_ALIKE_SHARING: f64 = 0.75;
/// Of how many letters one may be wrong.
const LETTERS_FOR_A_SLIP: usize = 4;
/// Letters of a shared word that tells something.
const MIN_SHARED_LETTERS: usize = 4;
/// How many of the letters two sentences must share in whole words, of 1.
const MIN_SHARED: f64 = 0.34;
/// Letters of a text that is compared with others.
const MAX_COMPARED: usize = 64;
/// Words that turn what is said into something else, by language.
const NEGATIONS: [(&str, &[&str]); 6] = [
    ("en", &["no", "not", "don't", "dont", "doesn't", "never", "nor", "neither"]),
    ("de", &["nicht", "nichts", "nein", "nie", "niemals", "kein", "keine", "keinen", "keines"]),
    ("fr", &["ne", "non", "pas", "jamais", "aucun", "aucune"]),
    ("es", &["no", "nunca", "jamás", "ningún", "ninguna"]),
    ("nl", &["nee", "niet", "nooit", "geen"]),
    ("it", &["no", "non", "mai", "nessun", "nessuna"]),
];

/// What one word of a text is to the rules and the home.
#[derive(Debug, Default)]
struct Known<'a> {
    /// Whether some sentence has it, or it and its ending.
    in_sentences: bool,
    /// Whether a sentence begins with it.
    begins: bool,
    /// The phrasings that have it, how many of them begin with it, and how many end with it.
    phrasings: Vec<usize>,
    first: usize,
    last: usize,
    /// The things and places whose names have it; of many, some.
    named: Vec<&'a Value>,
    /// Whether a room or a floor is called so.
    is_place: bool,
    /// Values of lists that have it.
    values: usize,
    /// Whether a phrasing without it would mean something else, once that was tried.
    is_telling: OnceCell<bool>,
}

/// The words of a text, each with what it is to the rules and the home.
#[derive(Debug)]
pub(super) struct Vocabulary<'a> {
    tongue: &'a Tongue,
    words: Vec<String>,
    known: HashMap<String, Known<'a>>,
    /// The phrasings of the language, folded.
    phrasings: Vec<String>,
}

impl<'a> Vocabulary<'a> {
    /// Looks the words of a folded text up.
    pub(super) fn new(tongue: &'a Tongue, text: &str) -> Self {
        let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut known: HashMap<String, Known<'a>> = HashMap::new();
        let (begin, of_sentences) = (beginnings(tongue, &words), of_sentences(&tongue.grammar, &words));
        for ((word, begins), in_sentences) in words.iter().zip(begin).zip(of_sentences) {
            known.insert(word.clone(), Known { in_sentences, begins, ..Known::default() });
        }
        let phrasings = tongue.phrasings.iter().map(|say| fold(say)).collect();
        let mut vocabulary = Self { tongue, words, known, phrasings };
        vocabulary.look_up_names();
        vocabulary.look_up_phrasings();
        vocabulary
    }

    fn look_up_names(&mut self) {
        let view = self.tongue.view();
        for list in (0..self.tongue.lists.count()).filter_map(|list| ListId::try_from(list).ok()) {
            let is_open = is_open(list);
            for entry in view.entries(list) {
                for word in entry.texts().iter().flat_map(|text| text.split(' ')) {
                    let Some(known) = self.known.get_mut(word) else { continue };
                    known.values += usize::from(!is_open);
                    known.is_place |= is_open && list > 0;
                    let meant = entry.out.as_ref().filter(|_| is_open && known.named.len() <= MAX_SUGGESTIONS);
                    known.named.extend(meant.filter(|meant| !known.named.contains(meant)));
                }
            }
        }
    }

    fn look_up_phrasings(&mut self) {
        for (number, say) in self.phrasings.iter().enumerate() {
            let words = || say.split(' ');
            for word in words() {
                if let Some(known) = self.known.get_mut(word).filter(|known| known.phrasings.last() != Some(&number)) {
                    known.phrasings.push(number);
                    known.first += usize::from(words().next() == Some(word));
                    known.last += usize::from(words().next_back() == Some(word));
                }
            }
        }
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the words turn a command into something else: "don't …".
    pub(super) fn is_negated(&self) -> bool {
        let negations = language::of(&NEGATIONS, &self.tongue.tag).copied().unwrap_or_default();
        self.words.iter().any(|word| negations.contains(&word.as_str()))
    }

    /// Whether a sentence has the word, and no name.
    pub(super) fn is_of_sentences(&self, word: &str) -> bool {
        self.known.get(word).is_some_and(|known| known.in_sentences && known.named.is_empty())
    }

    /// Whether the words may be a name that nobody knows: no verb at either end, and one word at least that the sentences
    /// lack, or that tells some name.
    pub(super) fn may_be_name(&self, words: &[String]) -> bool {
        let [first, .., last] = words else {
            return words.iter().all(|word| !self.is_verb(word) && self.is_new(word));
        };
        // "And", "to", "the": sentences go on behind them.
        let goes_on = |word: &str| {
            self.is_of_sentences(word)
                && self.known.get(word).is_some_and(|known| known.last == 0 && !known.phrasings.is_empty())
        };
        let may_begin =
            |word: &str| self.is_of_sentences(word) && self.known.get(word).is_some_and(|known| known.begins);
        let is_hinted = || !may_begin(first) && !may_begin(last) && words.iter().any(|word| self.is_rare(word));
        ![first, last].into_iter().any(|word| self.is_verb(word))
            && !goes_on(last)
            && (words.iter().any(|word| self.is_new(word)) || is_hinted())
    }

    /// Whether no sentence has a word.
    fn is_new(&self, word: &str) -> bool {
        self.known.get(word).is_some_and(|known| !known.in_sentences)
    }

    /// Whether sentences begin with a word, and most phrasings that have it do: "heater" stands elsewhere too.
    fn is_verb(&self, word: &str) -> bool {
        self.known.get(word).is_some_and(|known| {
            let is_first = 2 * known.first >= known.phrasings.len() && known.first > 0;
            known.begins && known.named.is_empty() && (is_first || self.phrasings.is_empty())
        })
    }

    /// Whether only a few names have the word, so that it tells which is meant; that of a place tells no thing.
    fn is_rare(&self, word: &str) -> bool {
        let is_few = |known: &Known<'_>| !known.is_place && (1..=MAX_SUGGESTIONS).contains(&known.named.len());
        word.chars().count() >= MIN_SHARED_LETTERS && self.known.get(word).is_some_and(is_few)
    }

    /// How near a name is to the words, of 1, with the text of it that is; `None` where it is another.
    pub(super) fn near<'e>(&self, said: &str, entry: &'e Entry) -> Option<(f64, &'e str)> {
        let of_text = |text: &'e String| {
            let shared = || {
                let alike = strsim::jaro_winkler(said, text);
                let shares =
                    || text.split(' ').any(|word| said.split(' ').any(|one| one == word) && self.is_rare(word));
                (alike >= MIN_ALIKE_SHARING && shares() && !guard::is_guarded(entry)).then_some(alike)
            };
            let alike = slip(said, text).or_else(shared)?;
            (said != text && !is_contrary(said, text)).then_some((alike, entry.shown(text)))
        };
        entry.texts().iter().filter_map(of_text).max_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// Whether a phrasing may be suggested: it has every word that tells something, is no part of what was said, and adds
    /// no more than what the words that nobody knows stand for, or what a command that was begun lacks.
    fn may_suggest(&self, say: &str, said: &Said<'_>) -> bool {
        let theirs: Vec<&str> = say.split(' ').collect();
        let added = theirs.iter().filter(|word| !self.known.contains_key(**word)).count();
        let unknown = self.words.iter().filter(|word| !self.is_known(word)).count();
        let begun = || {
            theirs.iter().zip(&self.words).filter(|(theirs, ours)| *theirs == ours).count() == self.words.len()
                && self.words.first().is_some_and(|word| self.is_verb(word))
        };
        let lacks = || self.words.iter().any(|word| !theirs.contains(&word.as_str()) && self.is_telling(word, said));
        (added > 0 || theirs.len() >= self.words.len()) && (added <= unknown + 1 || begun()) && !lacks()
    }

    /// Whether the rules or the home know a word.
    fn is_known(&self, word: &str) -> bool {
        word.contains(char::is_numeric)
            || self
                .known
                .get(word)
                .is_some_and(|known| known.in_sentences || known.values > 0 || !known.named.is_empty())
    }

    /// Whether a word tells something: the rules or the home know it, and phrasings mean something else without it.
    fn is_telling(&self, word: &str, said: &Said<'_>) -> bool {
        let Some(known) = self.known.get(word).filter(|_| self.is_known(word)) else { return false };
        *known.is_telling.get_or_init(|| {
            let is_skipped = self.tongue.skip_words.iter().any(|skip| skip == word);
            !is_skipped && !self.says_nothing(word, known, said)
        })
    }

    /// Whether phrasings mean the same without the word, all of those that are tried.
    fn says_nothing(&self, word: &str, known: &Known<'_>, said: &Said<'_>) -> bool {
        let hit = |text: &str| match self.tongue.read(&Said { text, ..*said }) {
            Understood::Hits(hits) => hits.into_iter().next().map(|hit| (hit.name, hit.slots)),
            _ => None,
        };
        let of_one = |&number: &usize| {
            let say = self.phrasings.get(number)?;
            let all = hit(say)?;
            let without: Vec<&str> = say.split(' ').filter(|one| *one != word).collect();
            Some(hit(&without.join(" ")).is_some_and(|meant| meant == all))
        };
        let mut tried = known.phrasings.iter().take(MAX_TRIED).filter_map(of_one).take(MAX_TRIED_FOR_WORD).peekable();
        tried.peek().is_some() && tried.all(|is_same| is_same)
    }

    /// Phrasings that are understood and mean no less than the words that the rules know; those that name something of the
    /// home first.
    pub(super) fn phrasings(&self, said: &Said<'_>) -> Vec<String> {
        let text = self.words.join(" ");
        let each = self.phrasings.iter().zip(self.tongue.phrasings.iter());
        let mut scored: Vec<(f64, &String, &String)> =
            each.filter_map(|(folded, say)| Some((score(&self.words, &text, folded)?, folded, say))).collect();
        // A stable sort: equally near ones stay in the order of the files.
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        let fitting = scored.into_iter().filter(|(_, folded, _)| self.may_suggest(folded, said)).take(MAX_TRIED);
        let mut fitting: Vec<(bool, bool, &String)> = fitting
            .filter_map(|(_, _, say)| {
                let hits = self.tongue.hits(&Said { text: say, ..*said })?;
                // Nor is what was said for now offered for later.
                let is_harmless = hits.iter().all(|hit| hit.guarded.is_none() && !hit.slots.contains_key(PUT_OFF));
                is_harmless.then(|| (!is_handled(&hits), !self.tongue.names_something(say), say))
            })
            .collect();
        fitting.sort_by_key(|(is_idle, is_wide, _)| (*is_idle, *is_wide));
        let is_any_handled = fitting.first().is_some_and(|(is_idle, ..)| !is_idle);
        let mut suggestions: Vec<String> = Vec::new();
        for (is_idle, _, say) in fitting {
            let is_new = !suggestions.iter().any(|known| known.eq_ignore_ascii_case(say));
            if is_new && !(is_idle && is_any_handled) && suggestions.len() < MAX_SUGGESTIONS {
                suggestions.push(say.clone());
            }
        }
        suggestions
    }
}

impl Tongue {
    /// The commands that a text is.
    pub(super) fn hits(&self, said: &Said<'_>) -> Option<Vec<Hit>> {
        match self.understand(said, &[]) {
            Understood::Hits(hits) => Some(hits),
            Understood::Unclear(_) | Understood::Nothing => None,
        }
    }
}

pub(super) fn is_handled(hits: &[Hit]) -> bool {
    hits.iter().all(|hit| hit.is_handled || timers::carries_out(&hit.name))
}

/// The words of a text by their letters, so that few of them are compared with each word of the sentences.
struct ByLetter<'w> {
    words: &'w [String],
    /// By first, and by last byte, a bit for each word.
    first: [u64; 256],
    last: [u64; 256],
}

impl<'w> ByLetter<'w> {
    fn new(words: &'w [String]) -> Self {
        let mut letters = Self { words, first: [0; 256], last: [0; 256] };
        for (bit, word) in words.iter().enumerate().take(64) {
            let ends = (word.as_bytes().first(), word.as_bytes().last());
            let (Some(&first), Some(&last)) = ends else { continue };
            letters.first[usize::from(first)] |= 1 << bit;
            letters.last[usize::from(last)] |= 1 << bit;
        }
        letters
    }

    /// Calls `each` with the words, by number, that may begin or end as a text does.
    fn each(&self, text: &[u8], each: &mut dyn FnMut(usize, &[u8])) {
        let (Some(&first), Some(&last)) = (text.first(), text.last()) else { return };
        let mut bits = self.first[usize::from(first)] | self.last[usize::from(last)];
        while bits != 0 {
            let word = usize::try_from(bits.trailing_zeros()).unwrap_or_default();
            each(word, self.words[word].as_bytes());
            bits &= bits - 1;
        }
    }
}

/// For each word, whether some sentence has it, or it and its ending.
fn of_sentences(grammar: &Grammar, words: &[String]) -> Vec<bool> {
    let letters = ByLetter::new(words);
    let ends_of = |word: &String| (vec![false; word.len() + 1], vec![false; word.len() + 1]);
    let mut places: Vec<(Vec<bool>, Vec<bool>)> = words.iter().map(ends_of).collect();
    for text in grammar.words() {
        letters.each(text, &mut |number, word| {
            let (starts, ends) = &mut places[number];
            if word.starts_with(text) {
                starts[text.len()] = true;
            }
            if word.ends_with(text) {
                ends[word.len() - text.len()] = true;
            }
        });
    }
    let is_whole = |(starts, ends): &(Vec<bool>, Vec<bool>)| {
        let joined = starts.iter().zip(ends).any(|(starts, ends)| *starts && *ends);
        joined || starts.last() == Some(&true)
    };
    places.iter().map(is_whole).collect()
}

/// For each word, whether it is one that sentences must begin with, such as a verb.
fn beginnings(tongue: &Tongue, words: &[String]) -> Vec<bool> {
    let (letters, grammar) = (ByLetter::new(words), &tongue.grammar);
    let mut begins = vec![false; words.len()];
    let mut seen: Vec<bool> = Vec::new();
    let mut open: Vec<NodeId> = tongue.sentences.iter().map(|sentence| sentence.root).collect();
    while let Some(id) = open.pop() {
        let place = usize::try_from(id).unwrap_or_default();
        if seen.len() <= place {
            seen.resize(place + 1, false);
        }
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        match grammar.node(id) {
            Node::Word { text, .. } => letters.each(text, &mut |number, word| begins[number] |= *word == **text),
            // What may be left out is no verb.
            Node::Sequence(items) => open.extend(items.iter().find(|&&item| !grammar.may_be_empty(item))),
            Node::Alternative(items) | Node::Permutation(items) => open.extend(items),
            Node::Space { .. } | Node::List { .. } | Node::Number { .. } | Node::Wildcard { .. } => {}
        }
    }
    begins
}

/// How alike a name is to what may be a slip of it, of 1: but for a letter of every few they are the same.
fn slip(said: &str, name: &str) -> Option<f64> {
    let (ours, theirs) = (said.chars().count(), name.chars().count());
    let most = ours.max(theirs) / LETTERS_FOR_A_SLIP;
    if ours.abs_diff(theirs) > most || ours.max(theirs) > MAX_COMPARED || has_other_letters(said, name, most) {
        return None;
    }
    let alike = || Some(strsim::jaro_winkler(said, name)).filter(|alike| *alike >= MIN_ALIKE);
    (strsim::osa_distance(said, name) <= most).then(alike).flatten()
}

/// Whether the letters alone tell that more slips were made: cheap, and never so where they were not.
fn has_other_letters(said: &str, name: &str, most: usize) -> bool {
    let letters = |text: &str| text.bytes().fold(0_u64, |letters, byte| letters | 1 << (byte & 63));
    let differing = (letters(said) ^ letters(name)).count_ones();
    // A slip changes two letters at most; one of several bytes counts for all of them.
    let letter = if said.is_ascii() && name.is_ascii() { 2 } else { 8 };
    usize::try_from(differing).is_ok_and(|differing| differing > letter * most)
}

/// Whether two texts differ by words that tell things apart, such as "left" and "right".
fn is_contrary(said: &str, name: &str) -> bool {
    let nothing = Names::default();
    contrast::is_another(said, name, &nothing) && contrast::is_another(name, said, &nothing)
}

/// How much of its words a known phrasing shares with the sentence; of equal ones, the one that looks more alike.
fn score(words: &[String], text: &str, known: &str) -> Option<f64> {
    // By letters, since "the" in common says little.
    let letters = |words: &mut dyn Iterator<Item = &str>| words.map(|word| word.chars().count()).sum::<usize>();
    let shared = letters(&mut known.split(' ').filter(|word| words.iter().any(|ours| ours == word)));
    let total = letters(&mut words.iter().map(String::as_str)) + letters(&mut known.split(' '));
    // Both counts are small, so that the conversion is exact.
    let shared = f64::from(u32::try_from(2 * shared).ok()?) / f64::from(u32::try_from(total.max(1)).ok()?);
    let start = text.char_indices().nth(MAX_COMPARED).map_or(text, |(end, _)| &text[..end]);
    (shared >= MIN_SHARED).then(|| shared + 0.1 * strsim::jaro_winkler(start, known))
}

/// Names and values that were nearly said, each with the words, by number, that it may have been said by; the nearest first,
/// names of things and places before values of lists.
pub(super) fn names<'a>(vocabulary: &Vocabulary<'a>) -> Vec<NearName<'a>> {
    let tongue = vocabulary.tongue;
    let words = vocabulary.words();
    let mut windows: HashMap<usize, Vec<(usize, String)>> = HashMap::new();
    let mut near: Vec<NearName<'a>> = Vec::new();
    for list in (0..tongue.lists.count()).filter_map(|list| ListId::try_from(list).ok()) {
        for entry in tongue.view().entries(list) {
            for text in entry.texts().iter().filter(|text| text.contains(char::is_alphabetic)) {
                let length = text.split(' ').count();
                let here = windows.entry(length).or_insert_with(|| {
                    words.windows(length).enumerate().map(|(first, words)| (first, words.join(" "))).collect()
                });
                let alike = here.iter().filter_map(|(first, said)| Some((slip(said, text)?, *first, said)));
                let Some((alike, first, said)) = alike.max_by(|one, other| one.0.total_cmp(&other.0)) else { continue };
                // What was said right is no slip, whatever it is near to.
                let is_right = words[first..first + length].iter().all(|word| vocabulary.known[word].in_sentences)
                    || tongue.names_something(said);
                if !is_right && !is_contrary(said, text) {
                    let is_name = is_open(list);
                    near.push(NearName { alike, is_name, name: entry.shown(text), words: (first, first + length) });
                }
            }
        }
    }
    near.sort_by(|one, other| other.is_name.cmp(&one.is_name).then(other.alike.total_cmp(&one.alike)));
    near.truncate(MAX_TRIED);
    near
}

/// A name that was nearly said.
#[derive(Debug)]
pub(super) struct NearName<'a> {
    alike: f64,
    /// Whether it names a thing, a room or a floor.
    pub(super) is_name: bool,
    pub(super) name: &'a str,
    /// The words it was said by: the first, and the one behind the last.
    pub(super) words: (usize, usize),
}
