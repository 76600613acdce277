//! Reminders: what is to be remembered, at a time or after one.

use jiff::Zoned;
use serde_json::{Map, Value};

use super::answer::{Said, cancelled, running};
use super::clock::{self, Hours};
use super::item::{Kind, When};
use super::{Refusal, Timers, Who, wording};

impl Timers {
    pub(super) fn remind(&mut self, slots: &Map<String, Value>, who: &Who<'_>, now: &Zoned) -> Said {
        let what = clock::words(slots, "reminder").ok_or_else(|| Refusal::unclear("remind you of what?"))?;
        let when = if clock::span(slots, "").is_some() {
            let set = clock::span_to_run(slots)?;
            (running(set, now), Some(set))
        } else {
            let (at, repeat) = clock::moment(slots, Hours::Next, now)?;
            (When::At { at, repeat }, None)
        };
        let item = self.add(Kind::Reminder, Some(what), when, who, now)?;
        Ok(format!("I will remind you {}: {}.", wording::when(item, now), wording::to_you(what)))
    }

    pub(super) fn cancel_reminder(&mut self, slots: &Map<String, Value>, now: &Zoned) -> Said {
        let all = self.of_kind(Kind::Reminder, now);
        if all.is_empty() {
            return Err(Refusal::unclear("there are no reminders"));
        }
        let found = match clock::words(slots, "reminder") {
            Some(what) => self.called(&all, what),
            None => all.clone(),
        };
        let is_all = slots.get("all").is_some_and(|all| *all != Value::Bool(false));
        match &found[..] {
            [] => {
                let message = "there is no such reminder".to_owned();
                Err(Refusal { message, ..self.which("reminder", &all, now) })
            }
            [_, _, ..] if !is_all => Err(self.which("reminder", &found, now)),
            some => Ok(cancelled(&self.cancel(some, now))),
        }
    }

    pub(super) fn reminders_told(&self, now: &Zoned) -> String {
        let told = self.of_kind(Kind::Reminder, now).into_iter().map(|number| {
            let item = &self.items[number];
            let what = wording::to_you(item.text.as_deref().unwrap_or_default());
            format!("{what} {}", wording::when(item, now))
        });
        let told: Vec<String> = told.collect();
        match &told[..] {
            [] => "There are no reminders.".to_owned(),
            [one] => format!("One reminder: {one}."),
            several => format!("{} reminders: {}.", several.len(), several.join("; ")),
        }
    }
}
