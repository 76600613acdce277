//! Names and rooms that stand for those of a home while sentences are looked at: a sentence is not wrong because nothing
//! in this home is called so, nor right because something is.

use serde_json::{Map, Value};

use crate::core::intents::block::Block;
use crate::core::intents::lists::Entry;
use crate::core::intents::names::Names;
use crate::core::intents::sentence::grammar::OPEN_LISTS;

/// Things of one kind that a block is tried with.
const MAX_KINDS: usize = 8;
/// What is known where anything will do.
const ANYTHING: &str = "zqthing";
/// The room that things are said in.
const AREA: &str = "zqarea";

/// A thing for each kind that some block asks for, a room and a floor.
pub(super) fn names(blocks: &[Block]) -> Names {
    let mut names = Names::default();
    let mut known: Vec<Map<String, Value>> = vec![Map::new()];
    for context in blocks.iter().filter(|block| !block.is_imported).flat_map(kinds) {
        if !known.contains(&context) {
            known.push(context);
        }
    }
    for (number, context) in known.into_iter().enumerate() {
        // All of one length: the length of a name decides between sentences.
        if let Some(entry) = Entry::of_name(&format!("zqname{number:05}"), None, context) {
            names.add_entry(0, entry);
        }
    }
    for (list, name) in OPEN_LISTS.iter().enumerate().skip(1) {
        if let (Ok(list), Some(entry)) = (u16::try_from(list), Entry::of_name(&format!("zq{name}"), None, Map::new())) {
            names.add_entry(list, entry);
        }
    }
    names
}

/// What is known of the things that a block asks for: one for each value of its first key, the first value of all others.
fn kinds(block: &Block) -> Vec<Map<String, Value>> {
    let mut kinds = vec![Map::new()];
    // The room is the caller's.
    for required in block.requires.iter().filter(|required| required.condition.key != "area") {
        let values = values(required.condition.values());
        let most = if kinds.len() == 1 { MAX_KINDS } else { 1 };
        let more = values.iter().take(most).flat_map(|value| {
            kinds.iter().map(|kind| {
                let mut kind = kind.clone();
                kind.insert(required.condition.key.clone(), value.clone());
                kind
            })
        });
        kinds = more.collect();
    }
    kinds
}

fn values(values: Option<&[Value]>) -> Vec<Value> {
    match values {
        Some(values) if !values.is_empty() => values.to_vec(),
        _ => vec![Value::String(ANYTHING.to_owned())],
    }
}

/// What a caller may bring along for the block: nothing, its room, and all that is required.
pub(super) fn contexts(block: &Block) -> Vec<Map<String, Value>> {
    let first = |required: &&crate::core::intents::block::Required| {
        let condition = &required.condition;
        let anything = if condition.key == "area" { AREA } else { ANYTHING };
        let value = condition.values().and_then(|values| values.first().cloned());
        (condition.key.clone(), value.unwrap_or_else(|| Value::String(anything.to_owned())))
    };
    let area: Map<String, Value> =
        block.requires.iter().filter(|required| required.condition.key == "area").map(|r| first(&r)).collect();
    let all: Map<String, Value> = block.requires.iter().map(|required| first(&required)).collect();
    let mut contexts = vec![Map::new(), area, all];
    contexts.dedup();
    contexts
}
