//! Answers given before, for questions that stand alone.
//!
//! Bounded in number, bytes and age; the one not asked for longest goes first. Everything that an answer depends on beside
//! its question (model, system prompt, sampling) is the settings', and new settings empty it: an answer that was begun
//! under the old ones is known by its [`Ticket`] and not kept. Reads no clock.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::core::standalone::{question_key, stands_alone};
use crate::inference::protocol::{ModelTier, Prompt};

/// Bytes of questions and answers kept.
const MAX_BYTES: usize = 1024 * 1024;
/// Pieces that a replayed answer is cut to at most: a transport takes so many at once.
const MAX_PIECES: usize = 32;

/// How many answers are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// The most answers; 0 for none.
    pub entries: usize,
    /// How long an answer is good.
    pub lifetime: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tier: ModelTier,
    lang: String,
    question: String,
}

/// A question that may be answered from here, and whose answer may be kept.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    key: Key,
    /// Settings' generation under which the question came.
    generation: u64,
}

impl Ticket {
    /// The ticket of the other tier for the same question, where that one answers in this one's place.
    pub(super) fn for_tier(self, tier: ModelTier) -> Self {
        Self { key: Key { tier, ..self.key }, ..self }
    }
}

#[derive(Debug)]
struct Entry {
    answer: String,
    made: Instant,
    /// Its place in `by_use`.
    used: u64,
}

/// The answers kept.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    /// The keys in the order of their last use.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
    generation: u64,
}

impl Cache {
    /// A ticket for a prompt's question; `None` where it depends on more than its words.
    pub(super) fn ticket(&self, prompt: &Prompt, lang: &str, settings: CacheSettings) -> Option<Ticket> {
        let kept = settings.entries > 0
            && prompt.turns.is_empty()
            && prompt.context.is_empty()
            && stands_alone(&prompt.text, lang);
        kept.then(|| {
            let key = Key { tier: prompt.tier, lang: lang.to_lowercase(), question: question_key(&prompt.text) };
            Ticket { key, generation: self.generation }
        })
    }

    /// The answer to a question, where it is known and young enough.
    pub(super) fn get(&mut self, ticket: &Ticket, settings: CacheSettings, now: Instant) -> Option<String> {
        let entry = self.entries.get_mut(&ticket.key)?;
        if now.saturating_duration_since(entry.made) >= settings.lifetime {
            self.remove(&ticket.key);
            return None;
        }
        self.uses += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.uses, key);
        }
        entry.used = self.uses;
        Some(entry.answer.clone())
    }

    /// Keeps an answer that was made to its end.
    pub(super) fn put(&mut self, ticket: Ticket, answer: &str, settings: CacheSettings, now: Instant) {
        let size = size(&ticket.key, answer);
        if ticket.generation != self.generation || size > MAX_BYTES {
            return;
        }
        self.remove(&ticket.key);
        while self.entries.len() >= settings.entries.max(1) || self.bytes + size > MAX_BYTES {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.remove(&oldest);
        }
        self.uses += 1;
        self.bytes += size;
        self.by_use.insert(self.uses, ticket.key.clone());
        self.entries.insert(ticket.key, Entry { answer: answer.to_owned(), made: now, used: self.uses });
    }

    /// Forgets everything, and what is being answered now as well.
    pub(super) fn clear(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(size(key, &entry.answer));
            self.by_use.remove(&entry.used);
        }
    }
}

fn size(key: &Key, answer: &str) -> usize {
    // The key stands in both maps.
    2 * (key.question.len() + key.lang.len()) + answer.len() + 256
}

/// An answer cut after its sentences, as it is sent again: joined they are the answer.
pub(super) fn pieces(answer: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut rest = answer;
    while pieces.len() + 1 < MAX_PIECES
        && let Some(end) = end_of_sentence(rest)
    {
        let (piece, after) = rest.split_at(end);
        pieces.push(piece.to_owned());
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// Where the blank after a text's first sentence is, if anything follows it.
fn end_of_sentence(text: &str) -> Option<usize> {
    let mut ended = false;
    for (at, c) in text.char_indices() {
        if ended && c.is_whitespace() {
            return Some(at);
        }
        ended = matches!(c, '.' | '!' | '?' | ':');
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::dialogue::Turn;
    use crate::core::sampling::Sampling;

    const SETTINGS: CacheSettings = CacheSettings { entries: 4, lifetime: Duration::from_hours(1) };

    fn prompt(tier: ModelTier, text: &str) -> Prompt {
        let sampling =
            Sampling { temperature: 0.7, top_k: 40, top_p: 0.95, min_p: 0.05, repeat_penalty: 1.1, seed: None };
        let (text, context) = (text.to_owned(), String::new());
        let user = "u".to_owned();
        Prompt { tier, user, turns: Vec::new(), text, context, max_tokens: 9, sampling }
    }

    fn ticket(cache: &Cache, text: &str) -> Ticket {
        cache.ticket(&prompt(ModelTier::Explain, text), "en", SETTINGS).unwrap()
    }

    #[test]
    fn an_answer_is_found_by_its_question_tier_and_language_until_it_is_old() {
        let now = Instant::now();
        let mut cache = Cache::default();
        let asked = ticket(&cache, "What is DNA?");
        assert_eq!(cache.get(&asked, SETTINGS, now), None);
        cache.put(asked.clone(), "A molecule.", SETTINGS, now);
        let again = ticket(&cache, "what is dna");
        assert_eq!(cache.get(&again, SETTINGS, now).as_deref(), Some("A molecule."));
        assert_eq!(cache.get(&again.clone().for_tier(ModelTier::Chat), SETTINGS, now), None);
        let german = cache.ticket(&prompt(ModelTier::Explain, "what is dna"), "de", SETTINGS).unwrap();
        assert_eq!(cache.get(&german, SETTINGS, now), None);
        assert_eq!(cache.get(&again, SETTINGS, now + SETTINGS.lifetime), None);
        assert!(cache.entries.is_empty() && cache.by_use.is_empty() && cache.bytes == 0);
    }

    #[test]
    fn what_depends_on_more_than_its_words_has_no_ticket() {
        let cache = Cache::default();
        let question = prompt(ModelTier::Chat, "what is dna");
        assert!(cache.ticket(&question, "en", SETTINGS).is_some());
        assert!(cache.ticket(&question, "en", CacheSettings { entries: 0, ..SETTINGS }).is_none());
        let turn = Turn { user: "a".to_owned(), assistant: "b".to_owned() };
        assert!(cache.ticket(&Prompt { turns: vec![turn], ..question.clone() }, "en", SETTINGS).is_none());
        assert!(cache.ticket(&Prompt { context: "Now".to_owned(), ..question }, "en", SETTINGS).is_none());
        assert!(cache.ticket(&prompt(ModelTier::Chat, "what is my name"), "en", SETTINGS).is_none());
    }

    #[test]
    fn new_settings_empty_it_and_answers_begun_before_are_not_kept() {
        let now = Instant::now();
        let mut cache = Cache::default();
        let asked = ticket(&cache, "what is dna");
        cache.put(asked.clone(), "A molecule.", SETTINGS, now);
        cache.clear();
        assert_eq!(cache.get(&asked, SETTINGS, now), None);
        cache.put(asked, "An old model's answer.", SETTINGS, now);
        assert!(cache.entries.is_empty());
    }

    #[test]
    fn the_least_recently_asked_goes_first_and_bytes_are_bounded() {
        let now = Instant::now();
        let mut cache = Cache::default();
        for number in 0..5 {
            cache.put(ticket(&cache, &format!("what is {number}")), "x", SETTINGS, now);
            let kept = ticket(&cache, "what is 0");
            assert!(cache.get(&kept, SETTINGS, now).is_some());
        }
        assert_eq!(cache.entries.len(), SETTINGS.entries);
        let gone = ticket(&cache, "what is 1");
        assert_eq!(cache.get(&gone, SETTINGS, now), None);
        let many = CacheSettings { entries: 100_000, ..SETTINGS };
        for number in 0..3_000 {
            cache.put(ticket(&cache, &format!("what is {number}")), &"x".repeat(2_000), many, now);
        }
        let counted: usize = cache.entries.iter().map(|(key, entry)| size(key, &entry.answer)).sum();
        assert!(cache.bytes <= MAX_BYTES && cache.bytes == counted && cache.by_use.len() == cache.entries.len());
        cache.put(ticket(&cache, "what is this"), &"x".repeat(2 * MAX_BYTES), many, now);
        assert_eq!(cache.bytes, counted, "one too large for all of it is not kept");
    }

    #[test]
    fn an_answer_is_sent_again_by_its_sentences() {
        assert_eq!(pieces("One. Two 2.5 three!\nFour"), ["One.", " Two 2.5 three!", "\nFour"]);
        assert_eq!(pieces(&"A. ".repeat(500)).len(), MAX_PIECES);
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_answer(answer in "(\\PC|[.!? \\n]){0,200}") {
            prop_assert_eq!(pieces(&answer).concat(), answer);
        }
    }
}
