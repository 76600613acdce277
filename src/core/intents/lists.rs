//! Lists: the values a slot may have, and what each of them stands for.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::core::utterance;

use super::context;
use super::names::Names;
use super::sentence::found::ValueId;
use super::sentence::grammar::{ListId, OPEN_LISTS, Target};
use super::sentence::heard::{fold, without_spaces};
use super::sentence::syntax::Expression;
use super::sentence::trie::Trie;

/// Ways to say one value that is a template.
pub(super) const MAX_WAYS: usize = 4_096;
/// Ways to say all values of one language that are templates.
pub(super) const MAX_ALL_WAYS: usize = 100_000;

/// One value of a list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As it is written in the list, for answers.
    pub(super) said: String,
    /// Whether it is written as a template.
    is_template: bool,
    /// What it stands for; `None` for the words that name it.
    pub(super) out: Option<Value>,
    pub(super) context: Map<String, Value>,
    /// The same, as it is compared.
    pub(super) known: Vec<(String, Value)>,
    /// The texts it is found by.
    texts: Vec<String>,
}

impl Entry {
    /// A value and every way to say it.
    pub(super) fn new(
        said: &str,
        expression: &Expression,
        out: Option<Value>,
        context: Map<String, Value>,
    ) -> Option<Self> {
        let is_template = !matches!(expression, Expression::Text(_));
        if expression.ways() > MAX_WAYS {
            return None;
        }
        let mut texts: Vec<String> = expression.texts(MAX_WAYS)?.iter().map(|text| spoken(text)).collect();
        texts.retain(|text| !text.is_empty());
        texts.sort_unstable();
        texts.dedup();
        let known = context.iter().map(|(key, value)| (key.clone(), context::folded(value))).collect();
        let out = out.or_else(|| (!is_template).then(|| Value::String(said.to_owned())));
        Some(Self { said: said.to_owned(), is_template, out, context, known, texts })
    }

    /// A name as it is written.
    pub(super) fn of_name(name: &str, out: Option<Value>, context: Map<String, Value>) -> Option<Self> {
        Self::new(name, &Expression::Text(name.to_owned()), out, context)
    }

    /// What is shown of it in an answer.
    pub(super) fn shown<'a>(&'a self, words: &'a str) -> &'a str {
        if self.is_template { words } else { &self.said }
    }

    /// What is known of it under a key, folded.
    pub(super) fn knows(&self, key: &str) -> Option<&Value> {
        self.known.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The texts it is found by, folded.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// A value's text as an utterance's would be heard.
fn spoken(text: &str) -> String {
    fold(&utterance::normalise(text))
}

/// The lists of the sentences of one language, and the tries their values are found in.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// By id; those of open lists are empty, their values are [`Names`].
    entries: Vec<Vec<Entry>>,
    /// The lists' names; local lists have none.
    names: HashMap<String, Target>,
    pub(super) trie: Trie<ValueId>,
}

impl Lists {
    pub(super) fn new() -> Self {
        let mut lists = Self { entries: vec![Vec::new(); OPEN_LISTS.len()], ..Self::default() };
        for (id, name) in OPEN_LISTS.into_iter().enumerate() {
            lists.names.insert(name.to_owned(), Target::Values(u16::try_from(id).unwrap_or(0)));
        }
        lists
    }

    /// Adds a list of values, and says how it is reached.
    pub(super) fn add(&mut self, entries: Vec<Entry>, ignores_spaces: bool) -> ListId {
        let list = u16::try_from(self.entries.len()).unwrap_or(u16::MAX);
        for (value, entry) in entries.iter().enumerate() {
            let id = ValueId { list, value: u32::try_from(value).unwrap_or(u32::MAX) };
            insert(&mut self.trie, id, entry, ignores_spaces);
        }
        self.entries.push(entries);
        list
    }

    pub(super) fn name(&mut self, name: &str, target: Target) {
        self.names.insert(name.to_owned(), target);
    }

    pub(super) fn target(&self, name: &str) -> Option<Target> {
        self.names.get(name).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Lists there are, open ones included.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }
}

pub(super) fn insert(trie: &mut Trie<ValueId>, id: ValueId, entry: &Entry, ignores_spaces: bool) {
    for text in &entry.texts {
        if ignores_spaces {
            trie.insert(&without_spaces(text), id);
        } else {
            trie.insert(text, id);
        }
    }
}

/// All lists that an utterance is matched with.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) lists: &'a Lists,
    pub(super) names: &'a Names,
}

impl<'a> View<'a> {
    pub(super) fn entries(&self, list: ListId) -> impl Iterator<Item = &'a Entry> + use<'a> {
        self.names.entries(list).chain(self.lists.entries.get(usize::from(list)).into_iter().flatten())
    }

    pub(super) fn entry(&self, id: ValueId) -> Option<&'a Entry> {
        if usize::from(id.list) < OPEN_LISTS.len() {
            return self.names.entry(id);
        }
        self.lists.entries.get(usize::from(id.list))?.get(usize::try_from(id.value).ok()?)
    }

    /// The values of a list that the words name as a whole, in the list's order.
    pub(super) fn find(&self, list: ListId, words: &str) -> Vec<&'a Entry> {
        let text = spoken(words);
        let mut found = Vec::new();
        let mut push = |end: usize, id: &ValueId| {
            if end == text.len() && id.list == list {
                found.push(*id);
            }
        };
        self.lists.trie.find(text.as_bytes(), 0, &mut push);
        self.names.trie.find(text.as_bytes(), 0, &mut push);
        found.into_iter().filter_map(|id| self.entry(id)).collect()
    }
}
