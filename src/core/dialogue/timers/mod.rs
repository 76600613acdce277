//! What is to happen later: timers, alarms, reminders and commands.
//!
//! Pure: the time is handed in, nothing is read or written here. An intent with its slots comes in ([`Timers::answer`]), or
//! the time ([`Timers::take_due`]); what is to be said, done and announced comes out. A timer runs by the time that passes,
//! whatever becomes of the clock ([`Timers::shift`]); an alarm goes by the clock on the wall, through daylight saving too.

mod answer;
mod clock;
mod due;
mod find;
mod item;
mod reminders;
mod saved;
mod wording;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp, Zoned};

use item::{Item, Kind, When};

pub use answer::{carries_out, command};
pub use due::{Does, Due};
pub use item::{Event, Happened};
pub use saved::{ReadError, Stamp};

/// Timers, alarms, reminders and commands for later, of all people together.
pub const MAX_ITEMS: usize = 100;
/// Events kept until somebody takes them; the oldest go first.
const MAX_EVENTS: usize = 1_000;
/// Seconds of the longest timer: a week.
const MAX_SECONDS: u64 = 7 * 24 * 3600;
/// A clock that moved so far was wrong before: what repeats is reckoned anew.
const WAS_WRONG: SignedDuration = SignedDuration::from_hours(2);

/// Who speaks, and where.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Where it was said.
    pub site: Option<&'a str>,
    /// Whose it is.
    pub user: &'a str,
    /// The language of what was said.
    pub lang: &'a str,
}

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no such thing, or several are, or no time was said that makes sense.
    Unclear,
    /// There are as many as may be.
    Full,
}

/// Why nothing was done, as a question where one helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind it is.
    pub why: Why,
    /// One sentence.
    pub message: String,
    /// What may have been meant.
    pub suggestions: Vec<String>,
}

impl Refusal {
    fn unclear(message: impl Into<String>) -> Self {
        Self { why: Why::Unclear, message: message.into(), suggestions: Vec::new() }
    }
}

/// Everything that is to happen later.
#[derive(Clone, Debug, PartialEq)]
pub struct Timers {
    next_id: u64,
    items: Vec<Item>,
    /// What happened since they were last taken.
    events: Vec<Event>,
}

impl Default for Timers {
    fn default() -> Self {
        Self { next_id: 1, items: Vec::new(), events: Vec::new() }
    }
}

impl Timers {
    /// When something is due next.
    #[must_use]
    pub fn next_due(&self, now: &Zoned) -> Option<Timestamp> {
        self.items.iter().filter_map(|item| item.due(now)).min()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets the oldest events where nobody took them for long.
    pub fn trim_events(&mut self) {
        self.events.drain(..self.events.len().saturating_sub(MAX_EVENTS));
    }

    /// The number that the next one gets; those that are there have smaller ones.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// What happened since this was last asked, in order, as far as there was room for it.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.trim_events();
        std::mem::take(&mut self.events)
    }

    /// The clock was set: what runs by the time that passes goes on as if it had not been. Only what has a number of at
    /// least `from` is moved: what was kept through a restart of the machine may have been right all the while.
    pub fn shift(&mut self, by: SignedDuration, from: u64, now: &Zoned) {
        for item in &mut self.items {
            match &mut item.when {
                When::Running { due } if item.id >= from => *due = later(*due, by),
                When::At { at, repeat: Some(repeat) } if by.abs() >= WAS_WRONG => {
                    if let Some(next) = repeat.next(at.time(), now) {
                        *at = next;
                    }
                }
                When::Running { .. } | When::Paused { .. } | When::At { .. } => {}
            }
        }
    }

    /// Adds one, where there is room.
    fn add(
        &mut self,
        kind: Kind,
        text: Option<&str>,
        (when, seconds): (When, Option<u64>),
        who: &Who<'_>,
        now: &Zoned,
    ) -> Result<&Item, Refusal> {
        if self.items.len() >= MAX_ITEMS {
            let message =
                format!("there are {MAX_ITEMS} timers, alarms and reminders already; cancel some of them first");
            return Err(Refusal { why: Why::Full, message, suggestions: Vec::new() });
        }
        let item = Item {
            id: self.next_id,
            kind,
            text: text.map(str::to_owned),
            site: who.site.map(str::to_owned),
            user: who.user.to_owned(),
            lang: who.lang.to_owned(),
            seconds,
            when,
        };
        self.next_id += 1;
        self.events.push(item.event(Happened::Started, now));
        self.items.push(item);
        // Just pushed.
        self.items.last().ok_or_else(|| Refusal::unclear("nothing was set"))
    }

    /// Takes some away, and says what they were.
    fn cancel(&mut self, numbers: &[usize], now: &Zoned) -> Vec<Item> {
        let ids: Vec<u64> = numbers.iter().filter_map(|number| self.items.get(*number)).map(|item| item.id).collect();
        let cancelled: Vec<Item> = self.items.extract_if(.., |item| ids.contains(&item.id)).collect();
        self.events.extend(cancelled.iter().map(|item| item.event(Happened::Cancelled, now)));
        cancelled
    }
}

/// A moment so much later; the last one there is where that is beyond it.
fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    moment.checked_add(by).unwrap_or(end)
}

/// Seconds of a span, none where it is negative.
fn seconds(span: SignedDuration) -> u64 {
    u64::try_from(span.as_secs()).unwrap_or(0)
}

/// A span of so many seconds.
fn span(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}
