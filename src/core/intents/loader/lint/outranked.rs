//! Sentences that others outrank whatever is said, by the names that the files have: "turn on the kitchen light" is never
//! one's own where the kitchen light is a thing that can be turned on, since the longest name ranks first.
//!
//! Only what can be said in a few ways is looked at, and all of them must be lost. Stand-ins for names would not show it:
//! that is the difference to sentences that never win in any home.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::core::intents::Said;
use crate::core::intents::block::Block;
use crate::core::intents::explain;
use crate::core::intents::sentence::grammar::{ListId, OPEN_LISTS};
use crate::core::intents::tongue::{Sentence, Tongue};
use crate::core::yaml::Problem;

use super::reach::is_of;
use super::variants::{self, Choices};
use super::{Places, stand_ins};

/// Ways to say a sentence that are all tried.
const MAX_WAYS: usize = 64;

/// Notes each sentence that is outranked in every way to say it. Those in `told` are known to win nothing; `texts` may
/// still be tried.
pub(super) fn look(
    tongue: &Tongue,
    told: &HashSet<u32>,
    texts: &Cell<usize>,
    places: &Places<'_>,
    notes: &mut Vec<Problem>,
) {
    let mut open = 0..OPEN_LISTS.len();
    let is_named = |list| tongue.view().entries(list).next().is_some();
    if !open.any(|list| ListId::try_from(list).is_ok_and(is_named)) {
        return;
    }
    for sentence in tongue.sentences.iter() {
        let block = &tongue.blocks[sentence.block];
        if block.is_imported || told.contains(&sentence.order) {
            continue;
        }
        let trial = Trial { tongue, sentence, block, contexts: stand_ins::contexts(block) };
        let lost = trial.losses(texts);
        let Some(first) = lost.first() else { continue };
        notes.extend(places.problem(&block.file, sentence.line, &sentence.text, message(first, &lost, block)));
    }
}

/// A text that another sentence took.
struct Lost {
    said: String,
    /// The other sentence, as it is named to people.
    taker: String,
    intent: String,
    why: String,
}

fn message(first: &Lost, lost: &[Lost], block: &Block) -> String {
    let Lost { said, taker, intent, why } = first;
    let example = match lost.len() {
        1 => format!("\u{201c}{said}\u{201d}"),
        ways => format!("every one of the {ways} ways to say it, such as \u{201c}{said}\u{201d},"),
    };
    let is_one = lost.iter().all(|other| other.taker == *taker);
    let others = if is_one { "" } else { ", or by others" };
    let what_to_do = if *intent == block.intent {
        "take it out, or put a word into it that the other does not have".to_owned()
    } else {
        format!(
            "put a word into it that the other does not have, or write what it does under `actions:` of {intent}, with a `when` for what it names"
        )
    };
    format!(
        "this sentence never wins with the names that are known: {example} is taken by {taker}{others}; this one loses because {why}; {what_to_do}"
    )
}

/// One sentence that is tried.
struct Trial<'a> {
    tongue: &'a Tongue,
    sentence: &'a Sentence,
    block: &'a Block,
    contexts: Vec<Map<String, Value>>,
}

impl Trial<'_> {
    /// What takes each text of the sentence; nothing where one of them is won, or not all of them can be tried.
    fn losses(&self, texts: &Cell<usize>) -> Vec<Lost> {
        let mut choices = Choices::every(MAX_WAYS);
        let mut lost: Vec<Lost> = Vec::new();
        loop {
            let left = texts.get().checked_sub(1).filter(|_| lost.len() < MAX_WAYS);
            let text = variants::write(self.tongue, self.block, self.sentence.root, &mut choices);
            let (Some(left), Some(text), false) = (left, text, choices.is_cut) else { return Vec::new() };
            texts.set(left);
            if !lost.iter().any(|known| known.said == text) {
                lost.push(match self.loss(&text) {
                    Some(taken) => taken,
                    None => return Vec::new(),
                });
            }
            if !choices.next() {
                return lost;
            }
        }
    }

    /// What takes a text wherever it is said; `None` where the sentence wins it, or cannot be said so.
    fn loss(&self, text: &str) -> Option<Lost> {
        let heard = self.tongue.heard(text);
        let found = self.tongue.found(&heard);
        let mut loss = None;
        for context in &self.contexts {
            let said = Said { text, context: Some(context), ..Said::default() };
            let mut readings = self.tongue.readings(&heard, &found, &said);
            let Some(own) = readings.iter().position(|reading| is_of(reading, self.block, self.sentence)) else {
                continue;
            };
            if own == 0 {
                return None;
            }
            let mut why = explain::why(&readings[0], &readings[own]);
            if readings[0].rank.name > readings[own].rank.name {
                why.push_str(", and the longest name of a thing wins");
            }
            let best = readings.swap_remove(0);
            let taker = format!("`{}` of {} at {}:{}", best.text.trim(), best.block.intent, best.block.file, best.line);
            let intent = best.block.intent.clone();
            // What may not be sent leaves the words to the next one.
            best.block.hit(best.slots, best.line, best.text, &said, self.tongue.view())?;
            loss.get_or_insert(Lost { said: text.to_owned(), taker, intent, why });
        }
        loss
    }
}
