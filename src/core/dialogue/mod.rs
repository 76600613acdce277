//! Conversations: what one person said before and was answered, so that a model can follow.
//!
//! Bounded in people, turns, characters and time. Reads no clock: its caller passes the time. What is to happen later, by a
//! timer or an alarm, is in [`timers`]; what leans on a command just given, in [`followups`].

pub mod followups;
pub mod timers;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::core::utterance::Identifier;

/// People whose conversations are kept; the one silent longest is forgotten first.
const MAX_CONVERSATIONS: usize = 256;
/// Turns kept of one conversation; the worker leaves out more where they do not fit the context.
const MAX_TURNS: usize = 16;
/// Bytes kept of one conversation: more than any prompt of 1,024 tokens holds.
const MAX_BYTES: usize = 16 * 1024;
/// What is left once either is exceeded: the model's state of a conversation is of use for as long as its beginning stays
/// the same, so that many turns go at once and seldom.
const TURNS_AFTER_FORGETTING: usize = 10;
const BYTES_AFTER_FORGETTING: usize = 10 * 1024;
/// A conversation silent for longer than this is over.
const LIFETIME: Duration = Duration::from_mins(30);

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What the person said: user text, tokenised without control tokens.
    pub user: String,
    /// What was answered.
    pub assistant: String,
}

#[derive(Debug)]
struct Conversation {
    turns: VecDeque<Turn>,
    last: Instant,
}

/// Every conversation that is still going on.
#[derive(Debug, Default)]
pub struct Conversations {
    by_user: HashMap<Identifier, Conversation>,
}

impl Conversations {
    /// The earlier turns of a person's conversation, oldest first.
    #[must_use]
    pub fn turns(&self, user: &Identifier, now: Instant) -> Vec<Turn> {
        match self.by_user.get(user) {
            Some(conversation) if now.saturating_duration_since(conversation.last) < LIFETIME => {
                conversation.turns.iter().cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Adds a turn, and forgets the oldest `dropped` ones, which did not fit the prompt any more.
    pub fn add(&mut self, user: &Identifier, turn: Turn, dropped: usize, now: Instant) {
        self.by_user.retain(|_, conversation| now.saturating_duration_since(conversation.last) < LIFETIME);
        if !self.by_user.contains_key(user) && self.by_user.len() >= MAX_CONVERSATIONS {
            let silent_longest = self.by_user.iter().min_by_key(|(_, c)| c.last).map(|(user, _)| user.clone());
            silent_longest.and_then(|user| self.by_user.remove(&user));
        }
        let conversation =
            self.by_user.entry(user.clone()).or_insert_with(|| Conversation { turns: VecDeque::new(), last: now });
        conversation.last = now;
        let dropped = dropped.min(conversation.turns.len());
        conversation.turns.drain(..dropped);
        conversation.turns.push_back(turn);
        let bytes = |turns: &VecDeque<Turn>| turns.iter().map(|t| t.user.len() + t.assistant.len()).sum::<usize>();
        let exceed = |turns: &VecDeque<Turn>, most: usize, most_bytes| turns.len() > most || bytes(turns) > most_bytes;
        if exceed(&conversation.turns, MAX_TURNS, MAX_BYTES) {
            while conversation.turns.len() > 1
                && exceed(&conversation.turns, TURNS_AFTER_FORGETTING, BYTES_AFTER_FORGETTING)
            {
                conversation.turns.pop_front();
            }
            conversation.turns.retain(|turn| turn.user.len() + turn.assistant.len() <= MAX_BYTES);
        }
    }
}

/// Words that make an answer depend on when or where it is given: en, de, fr, es, nl, it.
const NOW_OR_HERE: [&str; 89] = [
    "time",
    "clock",
    "now",
    "date",
    "day",
    "today",
    "tomorrow",
    "yesterday",
    "tonight",
    "week",
    "weekend",
    "month",
    "year",
    "morning",
    "afternoon",
    "evening",
    "night",
    "noon",
    "midnight",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "late",
    "early",
    "soon",
    "season",
    "here",
    "room",
    "where", //
    "uhr",
    "zeit",
    "jetzt",
    "datum",
    "tag",
    "heute",
    "morgen",
    "gestern",
    "abend",
    "nacht",
    "woche",
    "monat",
    "jahr",
    "spät",
    "hier",
    "zimmer",
    "raum",
    "wo", //
    "heure",
    "maintenant",
    "jour",
    "aujourd'hui",
    "demain",
    "hier",
    "soir",
    "semaine",
    "mois",
    "année",
    "ici",
    "pièce",
    "où", //
    "hora",
    "ahora",
    "fecha",
    "día",
    "hoy",
    "mañana",
    "ayer",
    "noche",
    "semana",
    "mes",
    "año",
    "aquí",
    "dónde", //
    "tijd",
    "nu",
    "vandaag",
    "gisteren",
    "jaar",
    "kamer",
    "waar", //
    "ora",
    "adesso",
    "oggi",
    "domani",
    "dove",
];

/// Whether an answer needs to know the time or the room.
///
/// A prompt says them only then: each is twenty tokens to read before the first word, and a small model that is told the
/// date talks about the date.
#[must_use]
pub fn refers_to_now_or_here(text: &str) -> bool {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(|word| word.trim_end_matches("'s")).any(|word| NOW_OR_HERE.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_room_are_told_where_they_matter() {
        for text in
            ["what time is it?", "Is it late?", "what's today's date", "Wie viel Uhr ist es?", "which room is this"]
        {
            assert!(refers_to_now_or_here(text), "{text}");
        }
        for text in
            ["hello, how are you?", "explain quantum physics in simple terms", "tell me a joke about timetables"]
        {
            assert!(!refers_to_now_or_here(text), "{text}");
        }
    }

    fn user(name: &str) -> Identifier {
        Identifier::parse(name).unwrap()
    }

    fn turn(text: &str) -> Turn {
        Turn { user: text.to_owned(), assistant: "yes".to_owned() }
    }

    #[test]
    fn people_have_conversations_of_their_own() {
        let now = Instant::now();
        let mut conversations = Conversations::default();
        conversations.add(&user("ann"), turn("hello"), 0, now);
        assert_eq!(conversations.turns(&user("ann"), now), [turn("hello")]);
        assert!(conversations.turns(&user("bob"), now).is_empty());
    }

    #[test]
    fn what_did_not_fit_and_what_is_old_is_forgotten() {
        let now = Instant::now();
        let mut conversations = Conversations::default();
        let (mut lengths, mut moves) = (Vec::new(), 0);
        let mut first = None;
        for number in 0..40 {
            conversations.add(&user("ann"), turn(&number.to_string()), 0, now);
            let turns = conversations.turns(&user("ann"), now);
            lengths.push(turns.len());
            moves += usize::from(first.replace(turns[0].clone()).is_some_and(|first| first != turns[0]));
        }
        assert_eq!(lengths.iter().max(), Some(&MAX_TURNS));
        assert!(lengths[MAX_TURNS..].iter().all(|length| *length >= TURNS_AFTER_FORGETTING), "{lengths:?}");
        assert!((3..=5).contains(&moves), "the beginning stays the same for several turns: it moved {moves} times");
        conversations.add(&user("ann"), turn("last"), lengths[39] - 1, now);
        assert_eq!(conversations.turns(&user("ann"), now), [turn("39"), turn("last")]);
        assert!(conversations.turns(&user("ann"), now + LIFETIME).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let mut conversations = Conversations::default();
        for number in 0..2 * MAX_CONVERSATIONS {
            let later = now + Duration::from_millis(number.try_into().unwrap());
            conversations.add(&user(&format!("user-{number}")), turn(&"x".repeat(2_000)), 0, later);
        }
        assert_eq!(conversations.by_user.len(), MAX_CONVERSATIONS);
        for _ in 0..100 {
            conversations.add(&user("ann"), turn(&"x".repeat(2_000)), 0, now);
        }
        let kept: usize = conversations.turns(&user("ann"), now).iter().map(|t| t.user.len() + t.assistant.len()).sum();
        assert!(kept <= MAX_BYTES);
        conversations.add(&user("ann"), turn(&"x".repeat(MAX_BYTES)), 0, now);
        assert!(conversations.turns(&user("ann"), now).is_empty(), "no turn is kept that alone is too long");
    }
}
