//! What is due: what is said or done then, and what of it comes too late.

use jiff::{SignedDuration, Timestamp, Zoned};

use super::item::{Happened, Item, Kind, When, moment};
use super::{Timers, seconds, wording};

/// What comes later than this is said to be late.
const ON_TIME: SignedDuration = SignedDuration::from_secs(5);
/// A command that is later is not done: nobody reckons with it any more. As long as a machine takes to start.
const COMMAND_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// An alarm or a reminder that is later only tells that it was missed.
const ALARM_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// This is said.
    Say(String),
    /// This is carried out as if it were said now.
    Run {
        /// The words.
        command: String,
        /// Whose they were.
        user: String,
        /// The language they were in.
        lang: String,
    },
}

/// Something that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What is to be done.
    pub does: Does,
    /// Where.
    pub site: Option<String>,
}

impl Timers {
    /// Takes out what is due, the earliest first; what repeats is set to its next time. Whoever asks has been running `since`.
    pub fn take_due(&mut self, now: &Zoned, since: Timestamp) -> Vec<Due> {
        let is_due = |item: &mut Item| item.due(now).is_some_and(|due| due <= now.timestamp());
        let mut taken: Vec<Item> = self.items.extract_if(.., is_due).collect();
        taken.sort_by_key(|item| item.due(now));
        let mut all = Vec::new();
        for mut item in taken {
            let mut due = item.due(now).unwrap_or_else(|| now.timestamp());
            let mut again = None;
            if let When::At { at, repeat: Some(repeat) } = &mut item.when {
                // However many were missed, the last is told.
                if let Some(last) = repeat.last(at.time(), now) {
                    *at = last;
                    due = moment(last, now).unwrap_or(due).max(due);
                }
                again = repeat.next(at.time(), now).map(|next| When::At { at: next, repeat: Some(*repeat) });
            }
            let late = now.timestamp().duration_since(due).max(SignedDuration::ZERO);
            let (does, happened) = outcome(&item, late, due < since, now);
            let mut event = item.event(happened, now);
            event.late_s = Some(seconds(late));
            self.events.push(event);
            all.push(Due { does, site: item.site.clone() });
            if let Some(when) = again {
                self.items.push(Item { when, ..item });
            }
        }
        all
    }
}

fn outcome(item: &Item, late: SignedDuration, was_off: bool, now: &Zoned) -> (Does, Happened) {
    let within = match item.kind {
        Kind::Timer => SignedDuration::MAX,
        Kind::Alarm | Kind::Reminder => ALARM_WITHIN,
        Kind::Command => COMMAND_WITHIN,
    };
    let happened = if late <= within { Happened::Finished } else { Happened::Missed };
    let text = item.text.clone().unwrap_or_default();
    if item.kind == Kind::Command && happened == Happened::Finished {
        let does = Does::Run { command: text, user: item.user.clone(), lang: item.lang.clone() };
        return (does, happened);
    }
    (Does::Say(said(item, late, was_off, now)), happened)
}

fn said(item: &Item, late: SignedDuration, was_off: bool, now: &Zoned) -> String {
    let (label, text) = (wording::label(item), item.text.as_deref().unwrap_or_default());
    if late < ON_TIME {
        return match item.kind {
            Kind::Timer => format!("The {label} is up."),
            Kind::Alarm => format!("It is {}: your alarm.", wording::time(now.datetime())),
            Kind::Reminder => wording::sentence(&format!("Reminder: {}", wording::to_you(text))),
            Kind::Command => wording::sentence(text),
        };
    }
    let ago = wording::ago(seconds(late));
    let why = if was_off { ", while I was off" } else { "" };
    match item.kind {
        Kind::Timer => format!("The {label} ended {ago} ago{why}."),
        Kind::Alarm => format!("Your {label} was due {ago} ago{why}."),
        Kind::Reminder => wording::sentence(&format!("Reminder, due {ago} ago{why}: {}", wording::to_you(text))),
        Kind::Command => wording::sentence(&format!("Not done, since it was due {ago} ago{why}: {text}")),
    }
}
