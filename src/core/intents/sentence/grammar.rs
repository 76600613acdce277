//! Templates compiled: one arena of nodes that all sentences of a language share, and what each of them needs to be said.
//!
//! An expansion rule is compiled once and shared by all that name it, so that the arena stays small; what a template
//! stands for when its rules are written out is bounded here, since matching visits all of it.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;

use super::heard::{fold, without_spaces};
use super::range::NumberRange;
use super::syntax::{Expression, InlineRange, ListReference};

/// Nodes of one template with its rules written out.
const MAX_SIZE: u32 = 50_000;
/// Nodes of all templates of one language, and those of templates that were too large.
const MAX_NODES: usize = 500_000;
/// Nodes of all templates of one language with their rules written out: what a text that fits all of them makes us visit.
const MAX_WRITTEN: u64 = 5_000_000;
/// Ranges, and slots, of one language.
const MAX_RANGES: usize = 1_000;
const MAX_SLOTS: usize = 10_000;
/// Rules that may stand inside each other.
const MAX_DEPTH: usize = 32;

/// A node of the arena.
pub(crate) type NodeId = u32;
/// A list of values; the first three are the names of the home's things and places, which come and go.
pub(crate) type ListId = u16;

/// The lists of names that live apart from the sentences, by their ids.
pub(crate) const OPEN_LISTS: [&str; 3] = ["name", "area", "floor"];

/// The list of the names of things.
pub(crate) const THINGS: ListId = 0;

/// Whether a list's names live apart from the sentences.
pub(crate) fn is_open(list: ListId) -> bool {
    usize::from(list) < OPEN_LISTS.len()
}

/// What a part of a template asks of the words.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// These letters.
    Word {
        text: Box<[u8]>,
        characters: u32,
    },
    /// A space, or the start of a word. After a word's own letters a space must be there.
    Space {
        is_strict: bool,
    },
    /// A value of a list.
    List {
        list: ListId,
        slot: u16,
        is_capture: bool,
    },
    /// A number of a range.
    Number {
        range: u16,
        slot: u16,
        is_capture: bool,
    },
    /// Any words.
    Wildcard {
        slot: u16,
        is_capture: bool,
        is_glued: bool,
    },
    Sequence(Box<[NodeId]>),
    Alternative(Box<[NodeId]>),
    Permutation(Box<[NodeId]>),
}

/// Letters that something begins with, a bit for each: cheap to compare, and never without one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First(u64);

impl First {
    /// Whatever may come, the end of the text too.
    const ANY: Self = Self(u64::MAX);
    /// The bit of what may begin anywhere, which is among all letters of a text. No byte of a word has it to itself.
    const ALWAYS: u64 = 1;

    /// No letter of a text yet.
    pub(crate) const NO_LETTERS: Self = Self(Self::ALWAYS);

    /// Adds a letter, by its first byte.
    pub(crate) fn add(&mut self, byte: u8) {
        self.0 |= 1 << (byte & 63);
    }
}

/// What a list's name stands for where a sentence names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    Values(ListId),
    Range(u16),
    Wildcard,
}

/// The names a sentence may use.
pub(crate) trait Scope {
    fn list(&self, name: &str) -> Option<Target>;
    fn rule(&self, name: &str) -> Option<&Expression>;
}

/// What is wrong with a sentence beyond its syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    List(String),
    Rule(String),
    Recursion(String),
    TooLarge,
    /// Not the sentence, but all of them together.
    Full,
}

/// The sentences of one language, compiled.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    nodes: Vec<Node>,
    sizes: Vec<u32>,
    /// By node, what it can begin with.
    firsts: Vec<First>,
    /// By node, whether it may ask for nothing.
    empties: Vec<bool>,
    /// The sizes of all sentences.
    written: u64,
    /// The slots' names.
    pub(crate) slots: Vec<String>,
    slot_ids: HashMap<String, u16>,
    pub(crate) ranges: Vec<NumberRange>,
    pub(crate) ignores_spaces: bool,
}

impl Grammar {
    pub(crate) fn new(ignores_spaces: bool) -> Self {
        Self { ignores_spaces, ..Self::default() }
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::try_from(id).unwrap_or(usize::MAX)]
    }

    /// Whether nothing can be said by a part without a word of its own, but for values, numbers and free words.
    pub(crate) fn needs_word(&self, id: NodeId) -> bool {
        match self.node(id) {
            Node::Word { .. } => true,
            Node::Space { .. } | Node::List { .. } | Node::Number { .. } | Node::Wildcard { .. } => false,
            Node::Sequence(items) | Node::Permutation(items) => items.iter().any(|&item| self.needs_word(item)),
            Node::Alternative(items) => items.iter().all(|&item| self.needs_word(item)),
        }
    }

    /// The words of all sentences, folded; some more than once.
    pub(crate) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Word { text, .. } => Some(&**text),
            _ => None,
        })
    }

    /// Whether there is no room for more.
    pub(crate) fn is_full(&self) -> bool {
        self.nodes.len() > MAX_NODES
            || self.written > MAX_WRITTEN
            || self.ranges.len() > MAX_RANGES
            || self.slots.len() > MAX_SLOTS
    }

    /// The id of a slot.
    pub(crate) fn slot(&mut self, name: &str) -> u16 {
        if let Some(&id) = self.slot_ids.get(name) {
            return id;
        }
        let id = u16::try_from(self.slots.len()).unwrap_or(u16::MAX);
        self.slots.push(name.to_owned());
        self.slot_ids.insert(name.to_owned(), id);
        id
    }

    /// The id of a range; equal ranges are one.
    pub(crate) fn range(&mut self, range: NumberRange) -> u16 {
        let index = self.ranges.iter().position(|known| *known == range).unwrap_or_else(|| {
            self.ranges.push(range);
            self.ranges.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn push(&mut self, node: Node, size: u32) -> NodeId {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.empties.push(self.is_empty(&node));
        self.firsts.push(self.first_of(&node));
        self.nodes.push(node);
        self.sizes.push(size);
        id
    }

    fn is_empty(&self, node: &Node) -> bool {
        match node {
            Node::Word { .. } | Node::List { .. } | Node::Number { .. } | Node::Wildcard { .. } => false,
            Node::Space { .. } => true,
            Node::Sequence(items) | Node::Permutation(items) => items.iter().all(|&item| self.may_be_empty(item)),
            Node::Alternative(items) => items.iter().any(|&item| self.may_be_empty(item)),
        }
    }

    fn first_of(&self, node: &Node) -> First {
        let items = match node {
            Node::Word { text, .. } => {
                return text.first().map_or(First::ANY, |byte| First(1 << (byte & 63)));
            }
            Node::Space { .. } | Node::List { .. } | Node::Number { .. } | Node::Wildcard { .. } => return First::ANY,
            // As far as the first item that must be there.
            Node::Sequence(items) => {
                let must = items.iter().position(|&item| !self.may_be_empty(item));
                &items[..must.map_or(items.len(), |must| must + 1)]
            }
            Node::Alternative(items) | Node::Permutation(items) => items,
        };
        let mut first = First(0);
        let mut is_anywhere = self.is_empty(node);
        for item in items.iter().map(|&item| self.firsts[usize::try_from(item).unwrap_or(usize::MAX)]) {
            first.0 |= item.0 & !First::ALWAYS;
            is_anywhere |= item == First::ANY;
        }
        if is_anywhere { First(first.0 | First::ALWAYS) } else { first }
    }

    /// Whether a node can begin where one of these letters is.
    pub(crate) fn may_begin(&self, id: NodeId, letters: First) -> bool {
        self.firsts[usize::try_from(id).unwrap_or(usize::MAX)].0 & letters.0 != 0
    }

    fn size(&self, id: NodeId) -> u32 {
        self.sizes[usize::try_from(id).unwrap_or(usize::MAX)]
    }
}

/// Compiles the sentences that share one scope.
pub(crate) struct Compiler<'a> {
    pub(crate) grammar: &'a mut Grammar,
    scope: &'a dyn Scope,
    /// Rules that are compiled already; filled as they are met.
    rules: &'a mut HashMap<String, NodeId>,
    /// Rules that are being compiled, for those that name themselves.
    open: Vec<String>,
}

impl<'a> Compiler<'a> {
    /// `rules` are those that earlier sentences of the same scope have compiled.
    pub(crate) fn new(grammar: &'a mut Grammar, scope: &'a dyn Scope, rules: &'a mut HashMap<String, NodeId>) -> Self {
        Self { grammar, scope, rules, open: Vec::new() }
    }

    /// Compiles one sentence.
    pub(crate) fn sentence(&mut self, expression: &Expression) -> Result<NodeId, Unknown> {
        let root = self.compile(expression)?;
        self.grammar.written += u64::from(self.grammar.size(root));
        Ok(root)
    }

    fn compile(&mut self, expression: &Expression) -> Result<NodeId, Unknown> {
        if self.grammar.is_full() {
            return Err(Unknown::Full);
        }
        match expression {
            Expression::Text(text) => Ok(self.text(text)),
            Expression::Sequence(items) => self.group(items, Node::Sequence),
            Expression::Alternative(items) => self.group(items, Node::Alternative),
            Expression::Permutation(items) => self.permutation(items),
            Expression::List(reference) => self.list(reference),
            Expression::Rule(name) => self.rule(name),
        }
    }

    /// Words and spaces, one node each, so that words that mean nothing can be passed between them.
    fn text(&mut self, text: &str) -> NodeId {
        let mut composed: String = text.nfc().map(|c| if c == '\u{2019}' { '\'' } else { c }).collect();
        if self.grammar.ignores_spaces {
            composed = without_spaces(&composed);
        }
        let mut items = Vec::new();
        let mut has_word = false;
        let separators = |c: char| c.is_whitespace() || c == '_' || c == '-';
        let mut rest = composed.as_str();
        while !rest.is_empty() {
            let word_end = rest.find(separators).unwrap_or(rest.len());
            let (word, after) = rest.split_at(word_end);
            // Punctuation at a word's end is never in what was said.
            let bare = if after.starts_with(char::is_whitespace) {
                word.trim_end_matches(['?', '!', ',', ';', ':'])
            } else {
                word
            };
            let folded = fold(bare);
            if !folded.is_empty() {
                let characters = u32::try_from(folded.chars().count()).unwrap_or(u32::MAX);
                items.push(self.grammar.push(Node::Word { text: folded.into_bytes().into(), characters }, 1));
                has_word = true;
            }
            let spaces = after.find(|c| !separators(c)).unwrap_or(after.len());
            // The sign of a number that stands in the sentence.
            let is_sign = after[..spaces].ends_with('-') && after[spaces..].starts_with(|c: char| c.is_ascii_digit());
            if spaces > 0 {
                items.push(self.grammar.push(Node::Space { is_strict: has_word }, 1));
            }
            rest = &after[spaces..];
            if is_sign && let Some(end) = rest.find(separators).or(Some(rest.len())) {
                let number = fold(&format!("-{}", &rest[..end]));
                let characters = u32::try_from(number.chars().count()).unwrap_or(u32::MAX);
                items.push(self.grammar.push(Node::Word { text: number.into_bytes().into(), characters }, 1));
                rest = &rest[end..];
            }
        }
        if let [only] = items[..] {
            return only;
        }
        let size = u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.grammar.push(Node::Sequence(items.into()), size + 1)
    }

    fn group(&mut self, items: &[Expression], node: fn(Box<[NodeId]>) -> Node) -> Result<NodeId, Unknown> {
        let ids = items.iter().map(|item| self.compile(item)).collect::<Result<Vec<_>, _>>()?;
        if let [only] = ids[..] {
            return Ok(only);
        }
        let size = ids.iter().fold(1_u32, |size, &id| size.saturating_add(self.grammar.size(id)));
        self.sized(node(ids.into()), size)
    }

    fn permutation(&mut self, items: &[Expression]) -> Result<NodeId, Unknown> {
        let ids = items.iter().map(|item| self.compile(item)).collect::<Result<Vec<_>, _>>()?;
        // Each item is tried after each set of the others.
        let times = 1_u32 << ids.len().saturating_sub(1).min(31);
        let size = ids.iter().fold(1_u32, |size, &id| size.saturating_add(self.grammar.size(id).saturating_mul(times)));
        self.sized(Node::Permutation(ids.into()), size)
    }

    fn sized(&mut self, node: Node, size: u32) -> Result<NodeId, Unknown> {
        if size > MAX_SIZE { Err(Unknown::TooLarge) } else { Ok(self.grammar.push(node, size)) }
    }

    fn list(&mut self, reference: &ListReference) -> Result<NodeId, Unknown> {
        let slot = self.grammar.slot(&reference.slot);
        let is_capture = reference.is_capture;
        let target = match reference.range {
            Some(InlineRange { from, to, step }) => {
                Target::Range(self.grammar.range(NumberRange::whole(from, to, step)))
            }
            None => self.scope.list(&reference.list).ok_or_else(|| Unknown::List(reference.list.clone()))?,
        };
        let node = match target {
            Target::Values(list) => Node::List { list, slot, is_capture },
            Target::Range(range) => Node::Number { range, slot, is_capture },
            Target::Wildcard => Node::Wildcard { slot, is_capture, is_glued: reference.is_glued },
        };
        Ok(self.grammar.push(node, 1))
    }

    fn rule(&mut self, name: &str) -> Result<NodeId, Unknown> {
        if let Some(&known) = self.rules.get(name) {
            return Ok(known);
        }
        if self.open.iter().any(|open| open == name) || self.open.len() >= MAX_DEPTH {
            return Err(Unknown::Recursion(name.to_owned()));
        }
        let expression = self.scope.rule(name).ok_or_else(|| Unknown::Rule(name.to_owned()))?;
        self.open.push(name.to_owned());
        let compiled = self.compile(expression);
        self.open.pop();
        let id = compiled?;
        self.rules.insert(name.to_owned(), id);
        Ok(id)
    }
}

impl Grammar {
    /// The slots that a template may fill, captures left out.
    pub(crate) fn slots_of(&self, id: NodeId, seen: &mut BTreeSet<NodeId>, slots: &mut BTreeSet<u16>) {
        if !seen.insert(id) {
            return;
        }
        match self.node(id) {
            Node::List { slot, is_capture: false, .. }
            | Node::Number { slot, is_capture: false, .. }
            | Node::Wildcard { slot, is_capture: false, .. } => {
                slots.insert(*slot);
            }
            Node::Sequence(items) | Node::Alternative(items) | Node::Permutation(items) => {
                items.iter().for_each(|&item| self.slots_of(item, seen, slots));
            }
            _ => {}
        }
    }

    /// Whether a template asks for nothing.
    pub(crate) fn may_be_empty(&self, id: NodeId) -> bool {
        self.empties[usize::try_from(id).unwrap_or(usize::MAX)]
    }
}
