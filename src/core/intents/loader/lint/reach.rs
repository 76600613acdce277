//! Sentences that never win, and sentences that two intents claim: each is tried with texts of its own.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::core::intents::Said;
use crate::core::intents::block::Block;
use crate::core::intents::tongue::{Reading, Sentence, Tongue};
use crate::core::yaml::Problem;

use super::variants::{self, Choices};
use super::{Places, outranked, stand_ins};

/// Texts that each sentence is tried with, beside its first and its shortest one.
const SOME: u64 = 4;
/// Texts in order that a sentence is tried with which won none of the first ones; then so many more at random.
const MANY: usize = 128;
/// Texts tried of all sentences of a language: several times what a thousand sentences need, and a few seconds at most.
const MAX_TEXTS: usize = 60_000;

/// What the sentences of one language do to each other.
pub(super) fn look(tongue: &mut Tongue, places: &Places<'_>, problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) {
    look_at_most(MAX_TEXTS, tongue, places, problems, notes);
}

fn look_at_most(
    texts: usize,
    tongue: &mut Tongue,
    places: &Places<'_>,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<Problem>,
) {
    let texts = Cell::new(texts);
    let stand_ins = Arc::new(stand_ins::names(&tongue.blocks));
    let own = std::mem::replace(&mut tongue.names, stand_ins);
    let mut claims: Vec<Claim> = Vec::new();
    let mut told: HashSet<u32> = HashSet::new();
    for sentence in tongue.sentences.iter() {
        let block = &tongue.blocks[sentence.block];
        if block.is_imported {
            continue;
        }
        if texts.get() == 0 {
            let message =
                "there are too many sentences to try all of them: from here on nobody looked whether they win";
            notes.extend(places.problem(&block.file, sentence.line, &sentence.text, message.to_owned()));
            break;
        }
        let trial = Trial { tongue, sentence, block, contexts: stand_ins::contexts(block), texts: &texts };
        if let Some(taker) = trial.run(&mut claims) {
            told.insert(sentence.order);
            notes.extend(places.problem(&block.file, sentence.line, &sentence.text, never_wins(&taker, block)));
        }
    }
    tongue.names = own;
    outranked::look(tongue, &told, &texts, places, notes);
    claims.sort_by(|one, other| one.pair().cmp(&other.pair()));
    claims.dedup_by(|one, other| one.pair() == other.pair());
    for claim in &claims {
        let found = if claim.is_import_concerned { &mut *notes } else { &mut *problems };
        found.extend(places.problem(&claim.later.file, claim.later.line, &claim.later.text, claim.message()));
    }
}

/// A sentence, as it is named to people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    file: String,
    line: usize,
    text: String,
    intent: String,
}

impl Named {
    fn new(reading: &Reading<'_>) -> Self {
        Self {
            file: reading.block.file.clone(),
            line: reading.line,
            text: reading.text.trim().to_owned(),
            intent: reading.block.intent.clone(),
        }
    }
}

/// Who takes what a sentence could match.
struct Taker {
    named: Named,
    /// Whether it takes all of it, or others some.
    is_alone: bool,
    /// Whether every text of the sentence was tried.
    is_proved: bool,
}

/// A text that sentences of two intents match equally well.
struct Claim {
    earlier: Named,
    later: Named,
    said: String,
    is_import_concerned: bool,
}

impl Claim {
    fn pair(&self) -> (&Named, &Named) {
        (&self.later, &self.earlier)
    }

    fn message(&self) -> String {
        let Self { earlier, later, said, is_import_concerned } = self;
        let example = readable(said);
        let (text, at, intent) = (&earlier.text, format!("{}:{}", earlier.file, earlier.line), &earlier.intent);
        let what_to_do = if *is_import_concerned {
            "yours wins; leave it if that is what you want"
        } else {
            "give one of them a word of its own, or tell them apart by `requires_context`"
        };
        format!(
            "\u{201c}{example}\u{201d} is claimed by two intents: by {} here and, no worse, by {intent} as `{text}` at {at}; {what_to_do}",
            later.intent
        )
    }
}

fn never_wins(taker: &Taker, block: &Block) -> String {
    let Taker { named, .. } = taker;
    let never = if taker.is_proved { "never wins" } else { "wins with none of the texts that were tried" };
    let always = if taker.is_alone { " always takes" } else { ", and others, always take" };
    let of = if named.intent == block.intent { String::new() } else { format!(" of {}", named.intent) };
    format!(
        "this sentence {never}: `{}` at {}:{}{of}{always} what it could match; take it out, or put a word into it that the other does not have",
        named.text, named.file, named.line
    )
}

/// A text with the stand-ins called what they are.
fn readable(said: &str) -> String {
    let words = said.split(' ').map(|word| match word.strip_prefix("zq") {
        Some(rest) if rest.starts_with("name") => "\u{2039}name\u{203a}",
        Some(rest) if rest.starts_with("area") => "\u{2039}area\u{203a}",
        Some(rest) if rest.starts_with("floor") => "\u{2039}floor\u{203a}",
        Some(_) => "\u{2039}words\u{203a}",
        None => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// One sentence that is tried.
struct Trial<'a> {
    tongue: &'a Tongue,
    sentence: &'a Sentence,
    block: &'a Block,
    contexts: Vec<Map<String, Value>>,
    /// Texts that may still be tried.
    texts: &'a Cell<usize>,
}

/// What came of a text.
enum Outcome {
    Won,
    Lost(Named),
    /// The sentence does not take the text: nothing is known.
    Unknown,
}

impl Trial<'_> {
    /// Tries some texts, and many where none of them wins; who takes them where none does.
    fn run(&self, claims: &mut Vec<Claim>) -> Option<Taker> {
        let mut takers: Vec<Named> = Vec::new();
        let mut has_won = false;
        let mut attempt = |choices: &mut Choices, takers: &mut Vec<Named>| match self.attempt(choices, claims) {
            Outcome::Won => has_won = true,
            Outcome::Lost(taker) => takers.push(taker),
            Outcome::Unknown => {}
        };
        attempt(&mut Choices::in_order(), &mut takers);
        attempt(&mut Choices::last(), &mut takers);
        let seed = u64::from(self.sentence.order) << 16;
        for number in 0..SOME {
            attempt(&mut Choices::random(seed + number), &mut takers);
        }
        if has_won || takers.is_empty() {
            return None;
        }
        let mut choices = Choices::in_order();
        let mut is_proved = false;
        for number in 0..MANY {
            match self.attempt(&mut choices, claims) {
                Outcome::Won => return None,
                Outcome::Lost(taker) => takers.push(taker),
                Outcome::Unknown => {}
            }
            if !choices.next() {
                is_proved = !choices.is_cut && self.texts.get() > 0;
                break;
            }
            let number = u64::try_from(number).unwrap_or_default();
            match self.attempt(&mut Choices::random(seed + SOME + number), claims) {
                Outcome::Won => return None,
                Outcome::Lost(taker) => takers.push(taker),
                Outcome::Unknown => {}
            }
        }
        takers.sort();
        takers.dedup();
        let is_alone = takers.len() == 1;
        takers.into_iter().next().map(|named| Taker { named, is_alone, is_proved })
    }

    fn attempt(&self, choices: &mut Choices, claims: &mut Vec<Claim>) -> Outcome {
        let Some(left) = self.texts.get().checked_sub(1) else { return Outcome::Unknown };
        self.texts.set(left);
        let Some(text) = variants::write(self.tongue, self.block, self.sentence.root, choices) else {
            return Outcome::Unknown;
        };
        let heard = self.tongue.heard(&text);
        let found = self.tongue.found(&heard);
        for context in &self.contexts {
            let said = Said { text: &text, context: Some(context), ..Said::default() };
            let readings = self.tongue.readings(&heard, &found, &said);
            let Some(own) = readings.iter().find(|reading| self.is_own(reading)) else { continue };
            if !readings[0].is_as_good_as(own) {
                return Outcome::Lost(Named::new(&readings[0]));
            }
            Self::claim(own, &readings, &text, claims);
            return if self.is_own(&readings[0]) { Outcome::Won } else { Outcome::Lost(Named::new(&readings[0])) };
        }
        Outcome::Unknown
    }

    fn is_own(&self, reading: &Reading<'_>) -> bool {
        is_of(reading, self.block, self.sentence)
    }

    /// Remembers sentences of other intents that take the text as well as this one does.
    fn claim(own: &Reading<'_>, readings: &[Reading<'_>], said: &str, claims: &mut Vec<Claim>) {
        for other in readings.iter().filter(|other| other.block.intent != own.block.intent) {
            let is_import_concerned = other.block.is_imported;
            let is_equal = (other.cost, other.rank) == (own.cost, own.rank);
            if !is_equal {
                continue;
            }
            let is_later = is_import_concerned || own.order > other.order;
            let (earlier, later) = if is_later { (other, own) } else { (own, other) };
            let (earlier, later) = (Named::new(earlier), Named::new(later));
            claims.push(Claim { earlier, later, said: said.to_owned(), is_import_concerned });
        }
    }
}

/// Whether a reading is of this sentence.
pub(super) fn is_of(reading: &Reading<'_>, block: &Block, sentence: &Sentence) -> bool {
    std::ptr::eq(reading.block, block) && reading.line == sentence.line && reading.text == sentence.text
}

#[cfg(test)]
mod tests {
    use super::super::super::read_all;
    use super::*;
    use crate::core::intents::{Source, load};

    #[test]
    fn where_there_are_too_many_texts_it_is_said() {
        let text = "intents:\n  X:\n    data:\n      - sentences: [go]\n      - sentences: ['[now] stay']\n".to_owned();
        let source = Source { path: "a.yaml".to_owned(), text };
        let (mut rules, problems) = load(std::slice::from_ref(&source));
        assert_eq!(problems, []);
        let loaded = read_all(&[source], &mut Vec::new());
        let (mut problems, mut notes) = (Vec::new(), Vec::new());
        look_at_most(1, &mut rules.tongues[0], &Places::new(&loaded), &mut problems, &mut notes);
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert!(notes.len() == 1 && notes[0].starts_with("a.yaml:5:22: there are too many"), "{notes:?}");
    }
}
