//! A block of an intent: what its sentences have in common, and what comes of one of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::context::{self, Condition, Requirement};
use super::fill::{self, Filled, Template};
use super::lists::View;
use super::names::Names;
use super::respond::Response;
use super::sentence::grammar::{ListId, is_open};
use super::{Hit, Publish, Said, guard};

/// The slot of what a sentence leaves out: "everything off except the fridge".
pub(super) const EXCEPTED: &str = "except";
/// Keys of the context that one block may ask for.
pub(super) const MAX_REQUIRED: usize = 8;

/// What the sentences of a block have in common.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) intent: String,
    /// The file it stands in.
    pub(super) file: String,
    pub(super) line: usize,
    /// Whether it comes from an imported file, which the user's own files outrank.
    pub(super) is_imported: bool,
    /// The slots that any of its sentences may fill, by name and by the grammar's id.
    pub(super) slots: Vec<String>,
    pub(super) ids: Vec<u16>,
    pub(super) fixed: Vec<(usize, Value)>,
    pub(super) requires: Vec<Required>,
    pub(super) excludes: Vec<Condition>,
    /// The list that names the places, so that `living_room` is "living room".
    pub(super) areas: ListId,
    /// One of these must be said, folded, with a space on either side.
    pub(super) keywords: Vec<String>,
    pub(super) acts: Vec<Act>,
    pub(super) response: Response,
    pub(super) metadata: Map<String, Value>,
    /// Whether it says what is done or answered; if not, the intent is understood and nothing comes of it.
    pub(super) is_handled: bool,
}

/// A requirement with its slot by index.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) condition: Condition,
    pub(super) slot: Option<usize>,
}

/// Messages, and when they are sent.
#[derive(Debug)]
pub(super) struct Act {
    /// Whether the block itself says it, not the files of its intent.
    pub(super) is_own: bool,
    /// A slot, or a key of what is known of a named thing, and what it must be.
    pub(super) when: Vec<Requirement>,
    pub(super) publishes: Vec<PublishTemplate>,
}

#[derive(Debug)]
pub(super) struct PublishTemplate {
    pub(super) topic: Template,
    pub(super) payload: Template,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// The slots of a block while a sentence fills them, and the captures that are for the answer only.
#[derive(Debug, Default)]
pub(super) struct Slots<'a> {
    pub(super) filled: Vec<Option<Filled<'a>>>,
    pub(super) captures: Vec<(String, Filled<'a>)>,
}

impl Required {
    pub(super) fn new(requirement: Requirement, slots: &[String]) -> Self {
        let slot = requirement.slot.and_then(|name| slots.iter().position(|slot| *slot == name));
        Self { condition: requirement.condition, slot }
    }
}

impl Block {
    /// Whether nothing ever comes of it: where something comes of another block, that one was meant.
    pub(super) fn is_idle(&self, names: &Names) -> bool {
        self.acts.is_empty() && !self.is_handled && !names.carries_out(&self.intent)
    }

    /// The block's own number of a slot of the grammar.
    pub(super) fn slot(&self, id: u16) -> Option<usize> {
        self.ids.iter().position(|&known| known == id)
    }

    pub(super) fn has_keyword(&self, spaced: &str) -> bool {
        self.keywords.is_empty() || self.keywords.iter().any(|keyword| spaced.contains(keyword.as_str()))
    }

    /// What is known of the place and the speaker under a key: where it was said counts as the room.
    pub(super) fn of_caller<'a>(&self, key: &str, said: &Said<'a>, view: View<'a>) -> Option<Filled<'a>> {
        match said.context.and_then(|context| context.get(key)) {
            Some(Value::String(area)) if key == "area" => self.place(area, view, true),
            Some(value) => Some(Filled::Fixed(value)),
            None if key == "area" => self.place(said.site?, view, false),
            None => None,
        }
    }

    /// The room of that name. Where rooms are listed, a site that is none of them is no room; a room that the caller vouches
    /// for is one, unless the block has rooms of its own.
    fn place<'a>(&self, area: &'a str, view: View<'a>, is_vouched: bool) -> Option<Filled<'a>> {
        if let Some(entry) = view.find(self.areas, area).first().copied() {
            return Some(Filled::Listed(entry, area));
        }
        let is_listed = view.entries(self.areas).next().is_some();
        let is_own = !is_open(self.areas);
        (!is_listed || (is_vouched && !is_own)).then_some(Filled::Spoken(area))
    }

    /// A key of the context: from the sentence's own slot for rooms, then from the values named last, then from the caller.
    fn look_up<'a>(&'a self, key: &str, said: &Said<'a>, view: View<'a>, slots: &Slots<'a>) -> Option<Filled<'a>> {
        let own = || {
            let slot = (key == "area").then(|| self.slots.iter().position(|name| name == key)).flatten()?;
            slots.filled.get(slot)?.clone()
        };
        let captures = slots.captures.iter().map(|(_, filled)| filled);
        // What is excepted says nothing of the rest: its room is not theirs.
        let filled = self.slots.iter().zip(&slots.filled).filter(|(name, _)| *name != EXCEPTED);
        let filled = filled.filter_map(|(_, filled)| filled.as_ref());
        let listed = || {
            captures.chain(filled).rev().find_map(|value| match value {
                Filled::Listed(entry, _) => entry.context.get(key),
                _ => None,
            })
        };
        own().or_else(|| listed().map(Filled::Fixed)).or_else(|| self.of_caller(key, said, view))
    }

    /// What comes of a sentence of the block; `None` where its slots may not enter a topic.
    pub(super) fn hit<'a>(
        &'a self,
        mut slots: Slots<'a>,
        line: usize,
        template: &str,
        said: &Said<'a>,
        view: View<'a>,
    ) -> Option<Hit> {
        for (slot, value) in &self.fixed {
            slots.filled[*slot].get_or_insert(Filled::Fixed(value));
        }
        for required in &self.requires {
            if let Some(slot) = required.slot.filter(|slot| slots.filled[*slot].is_none()) {
                slots.filled[slot] = Some(self.look_up(&required.condition.key, said, view, &slots)?);
            }
        }
        let publishes = match &self.acts[..] {
            // The block's own: where its words may not enter a topic, the sentence is none of this block's.
            [own] if own.is_own => Some(own.write(&slots)?),
            acts => acts.iter().filter(|act| self.is_when(act, &slots)).find_map(|act| act.write(&slots)),
        };
        let is_handled = publishes.is_some() || (self.is_handled && self.acts.is_empty());
        let is_for_home = !is_handled && view.names.carries_out(&self.intent);
        let guarded = guard::moved(self, &slots.filled, view);
        Some(Hit {
            name: self.intent.clone(),
            needs_yes: guarded.is_some() && guard::opens(self, &slots.filled),
            known: self.known(&slots),
            slots: fill::slots(&self.slots, &slots.filled),
            source: format!("{}:{line}", self.file),
            sentence: template.to_owned(),
            response: self.response.write(&self.slots, &slots, said.now),
            is_handled: is_handled || is_for_home,
            is_for_home,
            corrected: None,
            guarded,
            metadata: self.metadata.clone(),
            publishes: publishes.unwrap_or_default(),
        })
    }

    /// By slot: what is known of the values that were named.
    fn known(&self, slots: &Slots<'_>) -> BTreeMap<String, Map<String, Value>> {
        let named = self.slots.iter().zip(&slots.filled);
        let known = named.filter_map(|(slot, value)| match value.as_ref()? {
            Filled::Listed(entry, _) if !entry.context.is_empty() => Some((slot.clone(), entry.context.clone())),
            _ => None,
        });
        known.collect()
    }

    /// Whether an act is meant: each key a slot that the sentence fills, or known of a thing that it names. The room the
    /// caller is in is neither. What a sentence excepts is for acts alone that say so.
    fn is_when(&self, act: &Act, slots: &Slots<'_>) -> bool {
        let filled = |key: &str| {
            let slot = self.slots.iter().position(|name| name == key)?;
            slots.filled.get(slot)?.as_ref()
        };
        let is_excepting =
            filled(EXCEPTED).is_some() && !act.when.iter().any(|wanted| wanted.condition.key == EXCEPTED);
        let named = self.slots.iter().zip(&slots.filled).filter(|(name, _)| *name != EXCEPTED);
        let named: Vec<&Filled<'_>> = named.filter_map(|(_, value)| value.as_ref()).collect();
        let known = |key: &str| {
            named.iter().rev().find_map(|value| match value {
                Filled::Listed(entry, _) => entry.context.get(key).cloned(),
                _ => None,
            })
        };
        !is_excepting
            && act.when.iter().all(|wanted| {
                let key = wanted.condition.key.as_str();
                let value = filled(key).map(Filled::to_value).or_else(|| known(key));
                value.is_some_and(|value| wanted.condition.holds(&context::folded(&value)))
            })
    }
}

impl Act {
    /// The messages; `None` where a slot is not filled, or its words may not enter a topic.
    fn write(&self, slots: &Slots<'_>) -> Option<Vec<Publish>> {
        let message = |publish: &PublishTemplate| {
            Some(Publish {
                topic: publish.topic.write_topic(&slots.filled)?,
                payload: publish.payload.write(&slots.filled)?,
                qos: publish.qos,
                retain: publish.retain,
            })
        };
        self.publishes.iter().map(message).collect()
    }
}
