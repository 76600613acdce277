//! The names of the home's things, rooms and floors, apart from the sentences that speak of them.
//!
//! A name that comes or goes is a walk through a trie, and no sentence is compiled again: copy the names, change the copy,
//! and give it to the rules ([`super::Rules::set_names`]). What is being understood meanwhile keeps the names it began with.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::lists::{Entry, insert};
use super::offered::Offers;
use super::sentence::found::ValueId;
use super::sentence::grammar::{ListId, OPEN_LISTS};
use super::sentence::trie::Trie;
use super::slips::Sounds;

/// The value of words that are no name, where it matters what they might be. There are never as many names.
pub(super) const UNKNOWN: u32 = u32::MAX;
/// Nodes of names that are gone may be as many as those of names that are there, and so many more.
const MAX_DEAD_NODES: usize = 4_096;

/// What a name is a name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameOf {
    /// A thing that can be spoken of: the slot `name`.
    Thing,
    /// A room: the slot `area`.
    Area,
    /// A floor: the slot `floor`.
    Floor,
}

impl NameOf {
    fn list(self) -> ListId {
        match self {
            Self::Thing => 0,
            Self::Area => 1,
            Self::Floor => 2,
        }
    }
}

/// A name that was added, to take it away again by, once.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NameId {
    list: ListId,
    value: u32,
}

/// The names of the home's things, rooms and floors. A copy shares what stands behind each name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By open list; the place of a name that is gone is free for the next one.
    entries: [Vec<Option<Arc<Entry>>>; OPEN_LISTS.len()],
    free: Vec<ValueId>,
    pub(super) trie: Trie<ValueId>,
    /// Nodes that the trie would have without the names that are gone, about.
    live: usize,
    pub(super) sounds: Sounds,
    /// Intents that the home itself carries out where no rule does.
    carried_out: &'static [&'static str],
    /// What its devices offer to be set to.
    pub(super) offers: Offers,
}

impl Names {
    /// Names of a home that carries out these intents itself, by its devices, where no rule does.
    #[must_use]
    pub fn of_home(carried_out: &'static [&'static str]) -> Self {
        Self { carried_out, ..Self::default() }
    }

    /// Whether the home itself carries out an intent.
    pub(super) fn carries_out(&self, intent: &str) -> bool {
        self.carried_out.contains(&intent)
    }

    /// Whether the home acts by its devices.
    pub(super) fn is_home(&self) -> bool {
        !self.carried_out.is_empty()
    }

    /// Adds a name with what is known of the thing (`domain`, `area`, `device_class`, …) and what it stands for in slots
    /// and topics, the name itself where that is `None`. `None` where nothing of the name can be said.
    pub fn add(
        &mut self,
        of: NameOf,
        name: &str,
        stands_for: Option<Value>,
        known: Map<String, Value>,
    ) -> Option<NameId> {
        let entry = Entry::of_name(name, stands_for, known).filter(|entry| !entry.texts().is_empty())?;
        let ValueId { list, value } = self.add_entry(of.list(), entry)?;
        Some(NameId { list, value })
    }

    /// Takes a name away. The same words may still name something else.
    #[expect(clippy::needless_pass_by_value, reason = "an id is spent with its name: its place is the next one's")]
    pub fn remove(&mut self, name: NameId) {
        let id = ValueId { list: name.list, value: name.value };
        let Some(entry) = self.place(id).and_then(Option::take) else { return };
        for text in entry.texts() {
            self.trie.remove(text, |known| *known == id);
            self.live = self.live.saturating_sub(text.len());
        }
        self.sounds.remove(id, &entry);
        self.free.push(id);
        if self.trie.size() > 2 * self.live + MAX_DEAD_NODES {
            self.plant();
        }
    }

    /// Whether nothing has a name.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().flatten().all(Option::is_none)
    }

    /// These, which somebody wrote, and those of a home. A thing that is written is not the home's of the same name as well:
    /// somebody has said what to do with it.
    pub(super) fn and(&self, home: &Self) -> Self {
        let mut all = home.clone();
        for list in 0..ListId::try_from(OPEN_LISTS.len()).unwrap_or_default() {
            let written: HashSet<&str> = self.entries(list).flat_map(Entry::texts).map(String::as_str).collect();
            let is_written = |entry: &Entry| {
                let mut texts = entry.texts().iter().map(|text| written.contains(text.as_str()));
                if list == NameOf::Thing.list() {
                    texts.next() == Some(true)
                } else {
                    texts.all(|is_written| is_written)
                }
            };
            let entries = home.entries.get(usize::from(list)).into_iter().flatten();
            let twice =
                entries.zip(0..).filter(|(entry, _)| !written.is_empty() && entry.as_deref().is_some_and(is_written));
            for (_, value) in twice {
                all.remove(NameId { list, value });
            }
            for entry in self.entries(list) {
                all.add_entry(list, entry.clone());
            }
        }
        all
    }

    /// Adds a value to an open list.
    pub(super) fn add_entry(&mut self, list: ListId, entry: Entry) -> Option<ValueId> {
        let id = self.free_place(list)?;
        self.live += entry.texts().iter().map(String::len).sum::<usize>();
        self.sounds.add(id, &entry);
        insert(&mut self.trie, id, &entry, false);
        *self.place(id)? = Some(Arc::new(entry));
        Some(id)
    }

    fn free_place(&mut self, list: ListId) -> Option<ValueId> {
        if let Some(free) = self.free.iter().position(|id| id.list == list) {
            return Some(self.free.swap_remove(free));
        }
        let entries = self.entries.get_mut(usize::from(list))?;
        let id = ValueId { list, value: u32::try_from(entries.len()).ok()? };
        entries.push(None);
        Some(id)
    }

    fn place(&mut self, id: ValueId) -> Option<&mut Option<Arc<Entry>>> {
        self.entries.get_mut(usize::from(id.list))?.get_mut(usize::try_from(id.value).ok()?)
    }

    /// A trie of what is there, without what is gone.
    fn plant(&mut self) {
        self.trie = Trie::default();
        for (list, entries) in self.entries.iter().enumerate() {
            for (value, entry) in entries.iter().enumerate() {
                let (Ok(list), Ok(value), Some(entry)) = (ListId::try_from(list), u32::try_from(value), entry) else {
                    continue;
                };
                insert(&mut self.trie, ValueId { list, value }, entry, false);
            }
        }
    }

    /// The values of an open list.
    pub(super) fn entries(&self, list: ListId) -> impl Iterator<Item = &Entry> {
        self.entries.get(usize::from(list)).into_iter().flatten().flatten().map(AsRef::as_ref)
    }

    pub(super) fn entry(&self, id: ValueId) -> Option<&Entry> {
        self.entries.get(usize::from(id.list))?.get(usize::try_from(id.value).ok()?)?.as_deref()
    }
}
