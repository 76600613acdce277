//! What may fill each slot of an intent, over all languages: the values of lists, fixed values, and what nobody can list.
//!
//! It is read from the rules that came of the files, expansion rules and all; what is wrong with a file is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::intents::block::Block;
use crate::core::intents::context;
use crate::core::intents::lists::Entry;
use crate::core::intents::sentence::grammar::{Grammar, ListId, Node, NodeId, OPEN_LISTS, Target};
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::tongue::Tongue;

use super::vocabulary;

/// What may fill the slots of all intents, and what is known of values.
pub(super) struct Fillers<'a> {
    tongues: &'a [Tongue],
    intents: BTreeMap<&'a str, BTreeMap<&'a str, Filler<'a>>>,
    /// What lists say of their values, by key.
    pub(super) known: BTreeMap<&'a str, Vec<&'a Value>>,
}

/// What may fill one slot.
#[derive(Default)]
pub(super) struct Filler<'a> {
    /// Lists, each of one language.
    lists: BTreeSet<(usize, ListId)>,
    fixed: Vec<&'a Value>,
    /// Whether it may be a number, free words, or what the caller brings along.
    is_free: bool,
}

/// The slots of one intent.
#[derive(Clone, Copy)]
pub(super) struct Slots<'f, 'a> {
    fillers: &'f Fillers<'a>,
    own: Option<&'f BTreeMap<&'a str, Filler<'a>>>,
    /// Whether other files may bring slots along.
    is_common: bool,
}

impl<'a> Fillers<'a> {
    pub(super) fn new(tongues: &'a [Tongue]) -> Self {
        let mut fillers = Self { tongues, intents: BTreeMap::new(), known: BTreeMap::new() };
        for (number, tongue) in tongues.iter().enumerate() {
            fillers.add(number, tongue);
        }
        for values in fillers.known.values_mut() {
            values.sort_by_cached_key(ToString::to_string);
            values.dedup();
        }
        fillers
    }

    /// The intents that some block is for.
    pub(super) fn intents(&self) -> impl Iterator<Item = &'a str> {
        self.intents.keys().copied()
    }

    pub(super) fn slots(&self, intent: &str) -> Slots<'_, 'a> {
        Slots { fillers: self, own: self.intents.get(intent), is_common: vocabulary::is_intent(intent) }
    }

    fn add(&mut self, number: usize, tongue: &'a Tongue) {
        for block in tongue.blocks.iter() {
            let slots = self.intents.entry(&block.intent).or_default();
            for name in &block.slots {
                slots.entry(name).or_default();
            }
            for (index, value) in &block.fixed {
                slots.entry(&block.slots[*index]).or_default().fixed.push(value);
            }
            for index in block.requires.iter().filter_map(|required| required.slot) {
                slots.entry(&block.slots[index]).or_default().is_free = true;
            }
        }
        let mut seen: Vec<BTreeSet<NodeId>> = vec![BTreeSet::new(); tongue.blocks.len()];
        for sentence in tongue.sentences.iter() {
            let block = &tongue.blocks[sentence.block];
            let slots = self.intents.entry(&block.intent).or_default();
            walk(&tongue.grammar, sentence.root, &mut seen[sentence.block], &mut |id, target| {
                if let Some(filler) = slot_of(block, id).and_then(|name| slots.get_mut(name)) {
                    filler.add(number, target);
                }
            });
        }
        for rule in &tongue.regexes.rules {
            let block = &tongue.blocks[rule.block];
            let slots = self.intents.entry(&block.intent).or_default();
            for group in &rule.groups {
                if let Some(filler) = slots.get_mut(block.slots[group.slot].as_str()) {
                    filler.add(number, group.list.unwrap_or(Target::Wildcard));
                }
            }
        }
        for list in 0..tongue.lists.count() {
            for entry in ListId::try_from(list).into_iter().flat_map(|list| tongue.view().entries(list)) {
                for (key, value) in &entry.context {
                    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    self.known.entry(key).or_default().extend(values);
                }
            }
        }
        for required in tongue.blocks.iter().flat_map(|block| &block.requires) {
            let values = required.condition.values().unwrap_or_default();
            self.known.entry(&required.condition.key).or_default().extend(values);
        }
    }
}

impl Filler<'_> {
    fn add(&mut self, tongue: usize, target: Target) {
        match target {
            Target::Values(list) => {
                self.lists.insert((tongue, list));
            }
            Target::Range(_) | Target::Wildcard => self.is_free = true,
        }
    }

    /// Whether a home that is described elsewhere may have more values for it.
    fn is_open(&self) -> bool {
        self.lists.iter().any(|(_, list)| usize::from(*list) < OPEN_LISTS.len())
    }
}

impl<'f, 'a> Slots<'f, 'a> {
    /// Whether the intent has the slot, or may have it by other files.
    pub(super) fn has(self, name: &str) -> bool {
        self.own.is_some_and(|own| own.contains_key(name)) || self.is_common(name)
    }

    /// Whether other files may fill the slot, and in other ways.
    pub(super) fn is_common(self, name: &str) -> bool {
        self.is_common && vocabulary::is_slot(name)
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'f str> {
        let common = self.is_common.then(vocabulary::slots).into_iter().flatten();
        self.own.into_iter().flat_map(|own| own.keys().copied()).chain(common)
    }

    /// Every value that a slot may have; `None` where that cannot be said.
    pub(super) fn values(self, name: &str) -> Option<Vec<Value>> {
        let Some(filler) = self.own.and_then(|own| own.get(name)) else {
            return (!self.has(name)).then(Vec::new);
        };
        if filler.is_free || filler.is_open() {
            return None;
        }
        let mut values: Vec<Value> = filler.fixed.iter().map(|&value| value.clone()).collect();
        for entry in self.entries(filler) {
            match &entry.out {
                Some(out) => values.push(out.clone()),
                None => values.extend(entry.texts().iter().cloned().map(Value::String)),
            }
        }
        Some(values)
    }

    /// What lists say of the values of a slot; `None` where it cannot be said, since others may fill the slot.
    pub(super) fn keys(self, name: &str) -> Option<BTreeSet<&'a str>> {
        let filler = self.own?.get(name)?;
        let mut keys: BTreeSet<&str> =
            self.entries(filler).flat_map(|entry| entry.context.keys().map(String::as_str)).collect();
        if filler.is_open() || (filler.is_free && OPEN_LISTS.contains(&name)) {
            keys.extend(vocabulary::keys());
        }
        Some(keys)
    }

    fn entries(self, filler: &'f Filler<'a>) -> impl Iterator<Item = &'a Entry> {
        let tongues = self.fillers.tongues;
        filler.lists.iter().flat_map(move |(tongue, list)| tongues[*tongue].view().entries(*list))
    }
}

/// Whether a value is one of those that may be; texts are the same as names are.
pub(super) fn has_value(values: &[Value], wanted: &Value) -> bool {
    values.iter().any(|value| context::is_same(value, wanted))
}

/// Folded values as texts, for looking for the one that was meant.
pub(super) fn texts(values: &[Value]) -> BTreeSet<String> {
    values.iter().filter_map(Value::as_str).map(fold).collect()
}

/// The block's name of a slot of the grammar.
fn slot_of(block: &Block, id: u16) -> Option<&str> {
    block.slot(id).map(|slot| block.slots[slot].as_str())
}

/// Calls `each` with the slots of a template and what fills them, captures left out.
fn walk(grammar: &Grammar, id: NodeId, seen: &mut BTreeSet<NodeId>, each: &mut impl FnMut(u16, Target)) {
    if !seen.insert(id) {
        return;
    }
    match grammar.node(id) {
        Node::List { list, slot, is_capture: false } => each(*slot, Target::Values(*list)),
        Node::Number { range, slot, is_capture: false } => each(*slot, Target::Range(*range)),
        Node::Wildcard { slot, is_capture: false, .. } => each(*slot, Target::Wildcard),
        Node::Sequence(items) | Node::Alternative(items) | Node::Permutation(items) => {
            items.iter().for_each(|&item| walk(grammar, item, seen, each));
        }
        _ => {}
    }
}
