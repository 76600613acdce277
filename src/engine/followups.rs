//! What leans on the command before it, by the same person at the same site: said again in full, or taken back.

use std::sync::Arc;
use std::time::Instant;

use crate::core::dialogue::followups::{self, LIFETIME, TakeBack};
use crate::core::home::wish::{Last, Wish};
use crate::core::intents::{Hit, Rules, Said, Unclear, Understood};
use crate::core::reply::{Code, Final};
use crate::core::utterance::Utterance;

use super::deeds::{self, Deeds, Done};
use super::per_person::PerPerson;
use super::responder::Responder;
use super::state::Shared;
use super::{lock, timers};

/// The intent that takes back what was done.
pub(super) const UNDO: &str = "HearthdUndo";

/// The last command of each person at each site.
#[derive(Debug, Default)]
pub(super) struct Memory {
    last: PerPerson<Kept>,
}

/// What is leaned on. What it was about is looked up when something does: it takes longer than the command.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// A command that was carried out or answered, in full, and the room that it was said in.
    Command { text: String, hit: Box<Hit>, area: Option<String> },
    /// Which of several was asked back.
    Question(Last),
}

#[derive(Clone, Debug)]
struct Kept {
    about: Option<About>,
    done: Done,
}

impl Memory {
    /// Remembers what was said, and what was done; after a question that only was answered, what was done before stays.
    pub(super) fn keep(&mut self, utterance: &Utterance, about: Option<About>, done: Done, now: Instant) {
        let before = self.last.take(utterance, now).map(|(before, _)| before);
        let (about_before, done_before) = before.map(|before| (before.about, before.done)).unwrap_or_default();
        let is_news = done.is_something() && done.begun >= done_before.begun;
        let (about, done) = (about.or(about_before), if is_news { done } else { done_before });
        if about.is_none() && !done.is_something() {
            return;
        }
        self.last.put(utterance, Kept { about, done }, now + LIFETIME, now);
    }

    /// Forgets what was asked back, which nobody wants any more; what was done before it can still be taken back.
    fn let_be(&mut self, utterance: &Utterance, now: Instant) {
        if let Some((kept, until)) = self.last.take(utterance, now) {
            self.last.put(utterance, Kept { about: None, ..kept }, until, now);
        }
    }
}

/// Takes back what was done last, where an utterance wants that; gives it back where it does not.
pub(super) fn undo(shared: &Arc<Shared>, utterance: Utterance, responder: Responder) -> Option<(Utterance, Responder)> {
    let Some(wanted) = followups::takes_back(&utterance.text) else { return Some((utterance, responder)) };
    let done = {
        let (mut memory, now) = (lock(&shared.followups), Instant::now());
        match (wanted, memory.last.get(&utterance, now)) {
            (TakeBack::Cancel, Some(Kept { about: Some(About::Question(_)), .. })) => {
                memory.let_be(&utterance, now);
                None
            }
            (TakeBack::Cancel, Some(kept)) if !kept.done.is_something() => None,
            (_, kept) => kept.map(|kept| kept.done.clone()),
        }
    };
    let Some(done) = done else { return Some((utterance, responder)) };
    let hit = Hit { name: UNDO.to_owned(), is_handled: true, is_for_home: true, ..Hit::default() };
    let taken_back = done.timers.and_then(|ids| timers::take_back(shared, &ids));
    let (set, text) = taken_back.map_or_else(|| (timers::Set::nothing(shared), None), |(set, text)| (set, Some(text)));
    let undone = lock(&shared.home.house).undo(&done.granted, &jiff::Zoned::now());
    let deeds = match (undone, text) {
        (Ok(None), None) => Err("there is nothing to take back".to_owned()),
        (Ok(granted), text) => Ok(Deeds::undoing(granted, text)),
        // Half of it: the rest is said, not left out.
        (Err(refusal), Some(text)) => Ok(Deeds::undoing(None, Some(format!("{text} As for the rest: {refusal}.")))),
        (Err(refusal), None) => Err(refusal.to_string()),
    };
    match deeds {
        Ok(deeds) => deeds::carry_out(shared, (deeds, set), vec![hit], utterance, responder),
        Err(message) => {
            let last = Final::refusal(None, Code::NotSupported, message);
            shared.finish(&utterance, responder, deeds::describe(vec![hit], last));
        }
    }
    None
}

/// Remembers what was asked back, for the answer.
pub(super) fn asked_back(shared: &Shared, utterance: &Utterance, unclear: &Unclear) {
    let last = Last { text: utterance.text.clone(), offers: unclear.suggestions.clone(), ..Last::default() };
    lock(&shared.followups).keep(utterance, Some(About::Question(last)), Done::default(), Instant::now());
}

/// Whether anything was said lately that an utterance may lean on.
pub(super) fn are_possible(shared: &Shared, utterance: &Utterance) -> bool {
    lock(&shared.followups).last.get(utterance, Instant::now()).is_some()
}

/// What an utterance says in full, where it is understood so and without a slip.
pub(super) fn in_full(
    shared: &Shared,
    rules: &Rules,
    utterance: &Utterance,
    said: &Said<'_>,
) -> Option<(String, Vec<Hit>)> {
    let about = lock(&shared.followups).last.get(utterance, Instant::now())?.about.clone()?;
    let last = match about {
        About::Question(last) => last,
        About::Command { text, hit, area } => {
            let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area: area.as_deref() };
            lock(&shared.home.house).subject(&wish, &text)?
        }
    };
    followups::in_full(&utterance.text, &last).into_iter().find_map(|text| {
        match rules.understand(&Said { text: &text, is_guess: true, ..*said }) {
            Understood::Hits(hits) if hits.iter().all(|hit| hit.corrected.is_none()) => Some((text, hits)),
            _ => None,
        }
    })
}
