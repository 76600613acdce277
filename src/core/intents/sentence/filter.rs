//! Which sentences can match at all: those whose required words, lists and numbers were said.
//!
//! One pass of an Aho-Corasick automaton finds the words of all sentences at once. Each sentence needs some of several
//! groups of words ("turn" or "switch", and "on"); it is looked up under its rarest group, and matched only where all of
//! its groups were heard. A sentence is left out only when it provably cannot match.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use smallvec::{SmallVec, smallvec};

use super::grammar::{Grammar, ListId, Node, NodeId, THINGS};

/// Words that one group may have; a larger group says too little.
const MAX_GROUP: usize = 96;

/// Something that must have been said: words first, then lists, then ranges.
type Atom = u32;
/// At least one of these.
type Group = Vec<Atom>;

/// What a sentence asks for.
#[derive(Debug, Default)]
struct Needs {
    groups: Vec<Group>,
    /// Whether a name of a thing is among it.
    names: bool,
}

/// Finds the sentences that can match.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    words: Option<AhoCorasick>,
    word_count: usize,
    list_count: usize,
    /// By atom, the sentences whose rarest group has it.
    by_atom: Vec<Vec<u32>>,
    /// Sentences that need nothing.
    always: Vec<u32>,
    needs: Vec<Needs>,
}

/// What was heard: a bit for each atom.
#[derive(Debug)]
pub(crate) struct Atoms {
    bits: Vec<u64>,
}

impl Atoms {
    fn set(&mut self, atom: usize) {
        if let Some(bits) = self.bits.get_mut(atom / 64) {
            *bits |= 1 << (atom % 64);
        }
    }

    fn has(&self, atom: Atom) -> bool {
        let atom = usize::try_from(atom).unwrap_or(usize::MAX);
        self.bits.get(atom / 64).is_some_and(|bits| bits & (1 << (atom % 64)) != 0)
    }
}

/// Where a part of a sentence may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Where values are looked for: at a word's end, or behind a value.
    Word,
    /// Inside a word.
    Inside,
    /// Wherever free words end.
    Anywhere,
}

/// Gathers what sentences need, before the automaton is built.
pub(crate) struct Builder<'g> {
    grammar: &'g Grammar,
    list_count: usize,
    words: Vec<Vec<u8>>,
    word_ids: HashMap<Vec<u8>, u32>,
    /// What nodes need, for those that many sentences share.
    known: HashMap<NodeId, Vec<Needed>>,
    sentences: Vec<Vec<Needed>>,
}

/// An atom before words are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Word(u32),
    List(ListId),
    Number(u16),
}

/// A group before words are counted; most have one word.
type Needed = SmallVec<[Need; 2]>;
/// Whether a group asks for words alone: they are heard wherever they stand.
fn only_words(group: &[Need]) -> bool {
    group.iter().all(|need| matches!(need, Need::Word(_)))
}

impl<'g> Builder<'g> {
    pub(crate) fn new(grammar: &'g Grammar, list_count: usize) -> Self {
        Self {
            grammar,
            list_count,
            words: Vec::new(),
            word_ids: HashMap::new(),
            known: HashMap::new(),
            sentences: Vec::new(),
        }
    }

    /// Adds the next sentence.
    pub(crate) fn add(&mut self, root: NodeId) {
        let needs = self.needs(root);
        self.sentences.push(needs);
    }

    fn needs(&mut self, id: NodeId) -> Vec<Needed> {
        let grammar = self.grammar;
        match grammar.node(id) {
            Node::Word { text, .. } => return vec![smallvec![Need::Word(self.word(text))]],
            Node::List { list, .. } => return vec![smallvec![Need::List(*list)]],
            Node::Number { range, .. } => return vec![smallvec![Need::Number(*range)]],
            Node::Space { .. } | Node::Wildcard { .. } => return Vec::new(),
            _ => {}
        }
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        let mut needs: Vec<Needed> = match grammar.node(id) {
            Node::Sequence(items) => self.needs_of_all(items),
            Node::Permutation(items) => {
                let mut needs: Vec<_> = items.iter().flat_map(|&item| self.needs(item)).collect();
                if self.end(id, End::Word) != End::Word {
                    needs.retain(|group| only_words(group));
                }
                needs
            }
            Node::Alternative(items) => {
                let of_each: Vec<_> = items.iter().map(|&item| self.needs(item)).collect();
                // One group of each, joined: whichever is said, one of its words is.
                let best = of_each.iter().map(|groups| groups.iter().min_by(|a, b| self.rarer(a, b)));
                let joined = best.collect::<Option<Vec<_>>>().map(|groups| groups.into_iter().flatten().copied());
                joined.map(Iterator::collect).into_iter().collect()
            }
            _ => Vec::new(),
        };
        for group in &mut needs {
            group.sort_unstable();
            group.dedup();
        }
        needs.sort_unstable();
        needs.dedup();
        needs.retain(|group| !group.is_empty() && group.len() <= MAX_GROUP);
        self.known.insert(id, needs.clone());
        needs
    }

    /// What each of a sequence needs. A list or number that may begin inside a word is left out: values are looked for at
    /// the starts of words only.
    fn needs_of_all(&mut self, items: &[NodeId]) -> Vec<Needed> {
        let mut needs = Vec::new();
        let mut end = End::Word;
        for &item in items {
            let mut of_item = self.needs(item);
            if end != End::Word {
                of_item.retain(|group| only_words(group));
            }
            needs.extend(of_item);
            end = self.end(item, end);
        }
        needs
    }

    /// What may be behind a node.
    fn end(&self, id: NodeId, before: End) -> End {
        match self.grammar.node(id) {
            Node::Word { text, .. } if text.last() == Some(&b'\'') => End::Word,
            Node::Word { .. } | Node::List { .. } | Node::Number { .. } | Node::Wildcard { is_glued: false, .. } => {
                End::Inside
            }
            Node::Wildcard { is_glued: true, .. } => End::Anywhere,
            // Behind free words that end inside a word, a space may be missing.
            Node::Space { is_strict: false } if before == End::Anywhere => End::Anywhere,
            Node::Space { .. } => End::Word,
            Node::Sequence(items) => items.iter().fold(before, |before, &item| self.end(item, before)),
            Node::Alternative(items) | Node::Permutation(items) => {
                items.iter().map(|&item| self.end(item, before)).max().unwrap_or(before)
            }
        }
    }

    fn word(&mut self, text: &[u8]) -> u32 {
        if let Some(&id) = self.word_ids.get(text) {
            return id;
        }
        let id = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(text.to_vec());
        self.word_ids.insert(text.to_vec(), id);
        id
    }

    /// How often a group is met, roughly: short words and lists of names are everywhere.
    fn frequency(&self, group: &[Need]) -> u32 {
        let of = |need: &Need| match need {
            Need::Word(id) => match self.words[index(*id)].len() {
                0..=1 => 400,
                2 => 100,
                3 => 30,
                4 => 12,
                5 => 6,
                _ => 2,
            },
            Need::List(_) => 150,
            Need::Number(_) => 60,
        };
        group.iter().map(of).sum()
    }

    fn rarer(&self, one: &[Need], other: &[Need]) -> std::cmp::Ordering {
        self.frequency(one).cmp(&self.frequency(other))
    }

    /// Builds the filter; `None` where the automaton would be too large.
    pub(crate) fn build(self) -> Option<Filter> {
        let word_count = self.words.len();
        let atom = |need: &Need| match *need {
            Need::Word(id) => index(id),
            Need::List(list) => word_count + usize::from(list),
            Need::Number(range) => word_count + self.list_count + usize::from(range),
        };
        let atoms = word_count + self.list_count + self.grammar.ranges.len();
        let mut filter = Filter {
            words: Some(AhoCorasick::new(&self.words).ok()?),
            word_count,
            list_count: self.list_count,
            by_atom: vec![Vec::new(); atoms],
            always: Vec::new(),
            needs: Vec::with_capacity(self.sentences.len()),
        };
        for (index, groups) in self.sentences.iter().enumerate() {
            let sentence = u32::try_from(index).ok()?;
            let rarest = (0..groups.len()).min_by(|&a, &b| self.rarer(&groups[a], &groups[b]));
            match rarest {
                None => filter.always.push(sentence),
                Some(rarest) => groups[rarest].iter().for_each(|need| filter.by_atom[atom(need)].push(sentence)),
            }
            let as_atoms =
                |group: &Needed| group.iter().map(|need| u32::try_from(atom(need)).unwrap_or(u32::MAX)).collect();
            let others = groups.iter().enumerate().filter(|(at, _)| Some(*at) != rarest);
            let names = groups.iter().any(|group| group[..] == [Need::List(THINGS)]);
            filter.needs.push(Needs { groups: others.map(|(_, group)| as_atoms(group)).collect(), names });
        }
        Some(filter)
    }
}

/// A word's number as an index.
fn index(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

impl Filter {
    /// One that leaves nothing out, to compare with.
    #[cfg(test)]
    pub(crate) fn all(sentences: usize) -> Self {
        Self { always: (0..u32::try_from(sentences).unwrap_or(0)).collect(), ..Self::default() }
    }

    /// The words that were said; lists and numbers are added by the caller.
    pub(crate) fn hear(&self, folded: &[u8]) -> Atoms {
        let mut atoms = Atoms { bits: vec![0; self.by_atom.len().div_ceil(64)] };
        if let Some(words) = &self.words {
            for found in words.find_overlapping_iter(folded) {
                atoms.set(found.pattern().as_usize());
            }
        }
        atoms
    }

    pub(crate) fn hear_list(&self, atoms: &mut Atoms, list: ListId) {
        atoms.set(self.word_count + usize::from(list));
    }

    pub(crate) fn hear_number(&self, atoms: &mut Atoms, range: usize) {
        atoms.set(self.word_count + self.list_count + range);
    }

    /// Whether a sentence can match only where a name of a thing was heard.
    pub(crate) fn names_a_thing(&self, sentence: u32) -> bool {
        usize::try_from(sentence).ok().and_then(|at| self.needs.get(at)).is_some_and(|needs| needs.names)
    }

    /// Calls `each` with the sentences that can match, in no order.
    pub(crate) fn candidates(&self, atoms: &Atoms, each: &mut dyn FnMut(u32)) {
        let mut seen = vec![0_u64; self.needs.len().div_ceil(64)];
        for (block, &word) in atoms.bits.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                let bit = usize::try_from(word.trailing_zeros()).unwrap_or(0);
                word &= word - 1;
                for &sentence in self.by_atom.get(block * 64 + bit).into_iter().flatten() {
                    let at = usize::try_from(sentence).unwrap_or(usize::MAX);
                    let mark = 1_u64 << (at % 64);
                    if seen[at / 64] & mark == 0 {
                        seen[at / 64] |= mark;
                        if self.needs[at].groups.iter().all(|group| group.iter().any(|&atom| atoms.has(atom))) {
                            each(sentence);
                        }
                    }
                }
            }
        }
        self.always.iter().for_each(|&sentence| each(sentence));
    }
}
