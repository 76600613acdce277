//! One language's sentences: which of them an utterance is, the best one first.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::Value;

use super::Said;
use super::block::{Block, Slots};
use super::context;
use super::fill::Filled;
use super::lists::{Entry, Lists, View};
use super::names::{Names, UNKNOWN};
use super::openers;
use super::regexes::{Meanings, Regexes};
use super::sentence::filter::{Atoms, Filter};
use super::sentence::found::{Found, Occurrence, Tries, ValueId};
use super::sentence::grammar::{Grammar, ListId, NodeId, OPEN_LISTS, THINGS, is_open};
use super::sentence::heard::{Heard, fold};
use super::sentence::matcher::{Conditions, Fill, Matcher, Rank, Step};
use super::sentence::range::Spelling;

/// One sentence template.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) block: usize,
    pub(super) root: NodeId,
    pub(super) line: usize,
    /// As it is written.
    pub(super) text: String,
    /// Its place among all sentences of the language.
    pub(super) order: u32,
}

/// One language's sentences, and the names they speak of. A copy costs nothing to speak of.
#[derive(Clone, Debug, Default)]
pub(super) struct Tongue {
    pub(super) tag: Arc<str>,
    pub(super) grammar: Arc<Grammar>,
    pub(super) filter: Arc<Filter>,
    pub(super) sentences: Arc<Vec<Sentence>>,
    pub(super) regexes: Arc<Regexes>,
    pub(super) blocks: Arc<Vec<Block>>,
    pub(super) lists: Arc<Lists>,
    pub(super) names: Arc<Names>,
    pub(super) spelling: Arc<Spelling>,
    /// Words that mean nothing, folded, the longest first.
    pub(super) skip_words: Arc<Vec<String>>,
    /// Sentences that are known to match, for suggestions.
    pub(super) phrasings: Arc<Vec<String>>,
}

/// A reading of an utterance.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) block: &'a Block,
    /// Whether nothing ever comes of the block.
    pub(super) is_idle: bool,
    pub(super) slots: Slots<'a>,
    /// How far the words are from the sentence; 0 for not at all.
    pub(super) cost: u8,
    pub(super) rank: Rank,
    pub(super) order: u32,
    pub(super) line: usize,
    pub(super) text: &'a str,
    /// The slots' places in the folded text, in order, with what else the same words name.
    pub(super) spans: Vec<Span>,
    /// The compiled sentence; `None` for a regular expression.
    pub(super) root: Option<NodeId>,
}

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) slot: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The value, `None` for numbers and words.
    pub(super) value: Option<ValueId>,
    /// Other values with the same name.
    pub(super) others: Vec<ValueId>,
    pub(super) cost: u8,
}

impl Reading<'_> {
    fn key(&self) -> (u8, bool, bool, Reverse<Rank>, u32) {
        (self.cost, self.is_idle, self.block.is_imported, Reverse(self.rank), self.order)
    }

    /// Whether nothing but the order of the files decides between two readings.
    pub(super) fn is_as_good_as(&self, other: &Self) -> bool {
        let key = |reading: &Self| (reading.cost, reading.is_idle, reading.block.is_imported, reading.rank);
        key(self) == key(other)
    }
}

/// What a block makes of values, for one utterance.
struct Asking<'a> {
    block: &'a Block,
    view: View<'a>,
    name: Option<u16>,
    area: Option<&'a Value>,
}

impl Conditions for Asking<'_> {
    fn allows(&self, list: ListId, value: u32) -> Option<u8> {
        match self.view.entry(ValueId { list, value }) {
            Some(entry) => self.block.allows(entry),
            // Whatever it is, it would fit.
            None => (value == UNKNOWN).then_some(u8::MAX),
        }
    }

    fn given_by_slot(&self, slot: u16) -> u8 {
        let Some(slot) = self.block.slot(slot) else { return 0 };
        let keys = self.block.requires.iter().enumerate();
        keys.filter(|(_, required)| required.condition.key == self.block.slots[slot])
            .fold(0, |given, (index, _)| given | 1 << index)
    }

    fn prefers(&self, list: ListId, value: u32) -> bool {
        let entry = self.view.entry(ValueId { list, value });
        self.area.is_some() && entry.and_then(|entry| entry.knows("area")) == self.area
    }

    fn is_name(&self, slot: u16) -> bool {
        self.name == Some(slot)
    }
}

impl Tongue {
    /// The names of the blocks' intents, again for each block.
    pub(super) fn intents(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().map(|block| block.intent.as_str())
    }

    pub(super) fn is(&self, tag: &str) -> bool {
        let plain = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        self.tag.len() == tag.len() && self.tag.bytes().zip(tag.bytes()).all(|(ours, theirs)| ours == plain(theirs))
    }

    /// The rooms, as they are written.
    pub(super) fn rooms(&self) -> Vec<String> {
        let Some(block) = self.blocks.first() else { return Vec::new() };
        self.view().entries(block.areas).map(|entry| entry.said.clone()).collect()
    }

    pub(super) fn view(&self) -> View<'_> {
        View { lists: &self.lists, names: &self.names }
    }

    /// Makes normalised text ready.
    pub(super) fn heard<'t>(&self, text: &'t str) -> Heard<'t> {
        Heard::new(text, &self.skip_words, self.grammar.ignores_spaces)
    }

    /// Looks lists and numbers up.
    pub(super) fn found(&self, heard: &Heard<'_>) -> Found<'_> {
        let tries = Tries { fixed: &self.lists.trie, open: &self.names.trie, spelling: &self.spelling };
        Found::new(heard, tries)
    }

    /// All ways to read an utterance, the best one first.
    pub(super) fn readings<'a>(
        &'a self,
        heard: &'a Heard<'a>,
        found: &'a Found<'a>,
        said: &Said<'a>,
    ) -> Vec<Reading<'a>> {
        self.readings_where(heard, found, said, |reading| self.is_offered(reading))
    }

    /// Those of which something more holds.
    pub(super) fn readings_where<'a>(
        &'a self,
        heard: &'a Heard<'a>,
        found: &'a Found<'a>,
        said: &Said<'a>,
        holds: impl Fn(&mut Reading<'a>) -> bool,
    ) -> Vec<Reading<'a>> {
        let spaced = format!(" {} ", String::from_utf8_lossy(&heard.folded));
        let blocks = self.blocks.len();
        let mut reader =
            Reader { tongue: self, heard, said, spaced, callers: vec![None; blocks], things: vec![None; blocks] };
        let area = area_of(said);
        let mut readings = Vec::new();
        reader.read_sentences(found, area.as_ref(), &mut readings);
        reader.read_regexes(&mut readings);
        readings.retain_mut(|reading| !reader.is_asked(reading) && self.is_in_its_place(reading) && holds(reading));
        readings.sort_by_key(Reading::key);
        self.prefer_kinds(&mut readings, area_of(said).as_ref());
        readings
    }

    /// "The garage door", said in a room, is the room's own, even where a thing elsewhere has the kind for its name.
    fn prefer_kinds(&self, readings: &mut [Reading<'_>], area: Option<&Value>) {
        let (Some(area), Some(best)) = (area, readings.first()) else { return };
        let names_open = |span: &Span| span.value.is_some_and(|id| is_open(id.list));
        let Some(name) = best.spans.iter().find(|span| names_open(span) && best.block.slots[span.slot] == "name")
        else {
            return;
        };
        let entry = name.value.and_then(|id| self.view().entry(id));
        if entry.and_then(|entry| entry.knows("area")) == Some(area) {
            return;
        }
        let is_kind = |reading: &Reading<'_>| {
            let of_room = reading
                .block
                .requires
                .iter()
                .any(|required| required.condition.key == "area" && required.slot.is_some());
            // A home knows whether the room has one.
            let has_one = |id: ValueId| {
                let kind = self.view().entry(id).and_then(|entry| entry.out.as_ref()).map(context::folded);
                let is_one =
                    |thing: &Entry| thing.knows("area") == Some(area) && thing.knows("device_class") == kind.as_ref();
                !self.names.is_home() || self.names.entries(0).any(is_one)
            };
            let here = |span: &Span| {
                (span.start, span.end) == (name.start, name.end) && !names_open(span) && span.value.is_some_and(has_one)
            };
            of_room
                && reading.cost == best.cost
                && reading.block.intent == best.block.intent
                && reading.spans.iter().any(here)
        };
        if let Some(kind) = readings.iter().position(is_kind) {
            readings[..=kind].rotate_right(1);
        }
    }

    /// Whether a thing that is named stands in the room that is named. Of several with one name, those that do are meant.
    fn is_in_its_place<'a>(&'a self, reading: &mut Reading<'a>) -> bool {
        let slot = |name: &str| reading.block.slots.iter().position(|slot| slot == name);
        let (Some(area), Some(name)) = (slot("area"), slot("name")) else { return true };
        let Some(said) = reading.slots.filled.get(area).and_then(Option::as_ref) else { return true };
        let said = context::folded(&said.to_value());
        let Some(span) = reading.spans.iter_mut().find(|span| span.slot == name) else { return true };
        let there = |id: &ValueId| {
            self.view().entry(*id).is_some_and(|entry| entry.knows("area").is_none_or(|area| *area == said))
        };
        let mut meant = span.value.iter().chain(&span.others).copied().filter(there).collect::<Vec<_>>().into_iter();
        let is_thing = span.value.is_some_and(|id| is_open(id.list) && id.value != UNKNOWN);
        if !is_thing {
            return true;
        }
        let Some(first) = meant.next() else { return false };
        if let (Some(entry), Some(Some(Filled::Listed(known, _)))) =
            (self.view().entry(first), reading.slots.filled.get_mut(name))
        {
            *known = entry;
        }
        span.value = Some(first);
        span.others = meant.collect();
        true
    }

    /// Whether some sentence could be meant if any name at all had been said.
    pub(super) fn may_name(&self, heard: &Heard<'_>, found: &Found<'_>) -> bool {
        if found.values.iter().any(|value| is_open(value.id.list)) {
            return true;
        }
        let mut atoms = self.filter.hear(&heard.folded);
        self.hear_values(found, &mut atoms);
        let without = self.count_candidates(&atoms);
        for list in 0..OPEN_LISTS.len() {
            self.filter.hear_list(&mut atoms, ListId::try_from(list).unwrap_or(0));
        }
        self.count_candidates(&atoms) > without
    }

    /// Whether a name of the home stands in the text.
    pub(super) fn names_something(&self, text: &str) -> bool {
        let heard = self.heard(text);
        let mut is_named = false;
        for &start in &heard.starts {
            self.names.trie.find(&heard.folded, start, &mut |end, _| is_named |= heard.is_word_end(end));
        }
        is_named
    }

    fn count_candidates(&self, atoms: &Atoms) -> usize {
        let mut count = 0;
        self.filter.candidates(atoms, &mut |_| count += 1);
        count
    }

    fn hear_values(&self, found: &Found<'_>, atoms: &mut Atoms) {
        for occurrence in &found.values {
            self.filter.hear_list(atoms, occurrence.id.list);
        }
        for (index, range) in self.grammar.ranges.iter().enumerate() {
            if found.numbers.iter().any(|said| range.has(said)) {
                self.filter.hear_number(atoms, index);
            }
        }
    }
}

/// Where it was said, folded.
pub(super) fn area_of(said: &Said<'_>) -> Option<Value> {
    let area = said.context.and_then(|context| context.get("area")).and_then(Value::as_str).or(said.site)?;
    Some(Value::String(fold(area)))
}

/// What the caller gives of what a block requires, a bit for each key.
type Caller = Result<u8, NotMeant>;

/// A block that does not count where an utterance was said.
#[derive(Clone, Copy, Debug)]
struct NotMeant;

/// Reads one utterance.
struct Reader<'a, 's> {
    tongue: &'a Tongue,
    heard: &'a Heard<'a>,
    said: &'s Said<'a>,
    /// The folded text with a space on either side.
    spaced: String,
    /// By block, once it was looked at, what the caller gives of what is required.
    callers: Vec<Option<Caller>>,
    /// By block, once it was looked at, whether some thing that was named can be meant.
    things: Vec<Option<bool>>,
}

impl<'a> Reader<'a, '_> {
    /// What the caller gives of what the block requires, a bit for each key; `None` where the block does not count.
    fn caller(&mut self, index: usize) -> Option<u8> {
        if let Some(known) = self.callers[index] {
            return known.ok();
        }
        let given = self.look_at(&self.tongue.blocks[index]);
        self.callers[index] = Some(given.ok_or(NotMeant));
        given
    }

    /// Whether the block takes one of the things that were named: of the sentences that "turn on" begins, most are for other
    /// kinds of things.
    fn takes_a_thing(&mut self, index: usize, found: &Found<'_>) -> bool {
        if let Some(known) = self.things[index] {
            return known;
        }
        let block = &self.tongue.blocks[index];
        let asking = Asking { block, view: self.tongue.view(), name: None, area: None };
        let mut things = found.values.iter().filter(|occurrence| occurrence.id.list == THINGS);
        let takes = things.any(|occurrence| asking.allows(THINGS, occurrence.id.value).is_some());
        self.things[index] = Some(takes);
        takes
    }

    fn look_at(&self, block: &'a Block) -> Option<u8> {
        if !block.has_keyword(&self.spaced) {
            return None;
        }
        let value = |key: &str| {
            let filled = block.of_caller(key, self.said, self.tongue.view());
            filled.map(|filled| context::folded(&filled.to_value()))
        };
        let mut given = 0;
        for (index, required) in block.requires.iter().enumerate() {
            match value(&required.condition.key) {
                Some(value) if required.condition.holds(&value) => given |= 1 << index,
                // A room that the caller is in keeps nobody from naming another.
                Some(_) if required.condition.key != "area" => return None,
                _ => {}
            }
        }
        let is_out = block.excludes.iter().any(|key| value(&key.key).is_some_and(|value| key.holds(&value)));
        (!is_out).then_some(given)
    }

    fn read_sentences(&mut self, found: &'a Found<'a>, area: Option<&Value>, readings: &mut Vec<Reading<'a>>) {
        let tongue = self.tongue;
        let mut atoms = tongue.filter.hear(&self.heard.folded);
        tongue.hear_values(found, &mut atoms);
        let name =
            tongue.grammar.slots.iter().position(|slot| slot == "name").and_then(|slot| u16::try_from(slot).ok());
        let mut matcher = Matcher::new(&tongue.grammar, self.heard, found);
        let mut candidates = Vec::new();
        tongue.filter.candidates(&atoms, &mut |sentence| candidates.push(sentence));
        for number in candidates {
            let Some(sentence) = usize::try_from(number).ok().and_then(|index| tongue.sentences.get(index)) else {
                continue;
            };
            if tongue.filter.names_a_thing(number) && !self.takes_a_thing(sentence.block, found) {
                continue;
            }
            let Some(from_caller) = self.caller(sentence.block) else { continue };
            let block = &tongue.blocks[sentence.block];
            let all = (1_u16 << block.requires.len()) - 1;
            let asking = Asking { block, view: tongue.view(), name, area };
            let ways = matcher.ways(sentence.root, &asking, &|given| u16::from(given | from_caller) & all == all);
            for way in ways {
                let (slots, spans) = self.fill(block, &matcher.steps(&way));
                let (cost, rank) = (way.cost, way.rank);
                let (order, line, text) = (sentence.order, sentence.line, sentence.text.as_str());
                let root = Some(sentence.root);
                let is_idle = block.is_idle(&self.tongue.names);
                readings.push(Reading { block, is_idle, slots, cost, rank, order, line, text, spans, root });
            }
        }
    }

    fn fill(&self, block: &'a Block, steps: &[Step]) -> (Slots<'a>, Vec<Span>) {
        let mut slots = Slots { filled: vec![None; block.slots.len()], captures: Vec::new() };
        let mut spans = Vec::with_capacity(steps.len());
        for step in steps {
            let (filled, span) = self.value(step);
            let Some(filled) = filled else { continue };
            if step.is_capture {
                let name = self.tongue.grammar.slots[usize::from(step.slot)].clone();
                slots.captures.push((name, filled));
            } else if let Some(slot) = block.slot(step.slot) {
                slots.filled[slot] = Some(filled);
                spans.push(Span { slot, ..span });
            }
        }
        (slots, spans)
    }

    fn value(&self, step: &Step) -> (Option<Filled<'a>>, Span) {
        let span = |start, end| Span { slot: 0, start, end, value: None, others: Vec::new(), cost: 0 };
        match &step.fill {
            Fill::Value { occurrence: Occurrence { start, end, id, cost }, others } => {
                let words = self.heard.words(*start, *end);
                let entry = self.tongue.view().entry(*id);
                let filled = Some(entry.map_or(Filled::Spoken(words), |entry| Filled::Listed(entry, words)));
                let others = others.iter().map(|&value| ValueId { value, ..*id }).collect();
                (filled, Span { value: Some(*id), others, cost: *cost, ..span(*start, *end) })
            }
            Fill::Number { range, number, start, end } => {
                let value = self.tongue.grammar.ranges[usize::from(*range)].value(*number);
                (Some(Filled::Number(value)), span(*start, *end))
            }
            Fill::Words { start, end } => (Some(Filled::Spoken(self.heard.words(*start, *end))), span(*start, *end)),
        }
    }

    fn read_regexes(&mut self, readings: &mut Vec<Reading<'a>>) {
        if self.tongue.regexes.rules.is_empty() {
            return;
        }
        let before = readings.len();
        self.read_regexes_of(self.heard.said, readings);
        if readings.len() == before
            && let Some(bare) = self.heard.without_skip_words()
        {
            self.read_regexes_of(bare, readings);
        }
    }

    fn read_regexes_of(&mut self, text: &'a str, readings: &mut Vec<Reading<'a>>) {
        let tongue = self.tongue;
        let with = Meanings { view: tongue.view(), ranges: &tongue.grammar.ranges, spelling: &tongue.spelling };
        for rule in tongue.regexes.matching(text) {
            let Some(from_caller) = self.caller(rule.block) else { continue };
            let block = &tongue.blocks[rule.block];
            let Some((slots, rank)) = rule.apply(text, block, with) else { continue };
            let mut given = from_caller;
            for (index, required) in block.requires.iter().enumerate() {
                let key = &required.condition.key;
                let is_listed =
                    |value: &Filled<'_>| matches!(value, Filled::Listed(entry, _) if entry.knows(key).is_some());
                let own = block.slots.iter().position(|slot| slot == key).and_then(|slot| slots.filled[slot].as_ref());
                if slots.filled.iter().flatten().any(is_listed) || own.is_some() {
                    given |= 1 << index;
                }
            }
            if u16::from(given) != (1_u16 << block.requires.len()) - 1 {
                continue;
            }
            let (order, line) = (rule.order, rule.line);
            let text = rule.written();
            let (is_idle, spans) = (block.is_idle(&self.tongue.names), Vec::new());
            readings.push(Reading { block, is_idle, slots, cost: 0, rank, order, line, text, spans, root: None });
        }
    }

    /// Whether free words take the opener of a question: "why does …" is no command, whatever a wildcard would take.
    fn is_asked(&self, reading: &Reading<'_>) -> bool {
        let free = || reading.spans.iter().filter(|span| span.value.is_none());
        if free().next().is_none() {
            return false;
        }
        let mut places = Vec::new();
        self.heard.places(0, &mut |place| places.push(place));
        let opener = places.into_iter().find(|&place| {
            let word = self.heard.folded.get(place..self.heard.word_end(place)).unwrap_or_default();
            openers::is_opener(&self.tongue.tag, &String::from_utf8_lossy(word))
        });
        opener.is_some_and(|opener| free().any(|span| (span.start..span.end).contains(&opener)))
    }
}
