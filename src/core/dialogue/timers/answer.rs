//! What the intents about timers and alarms do, and what is said to them.

use std::ops::Range;

use jiff::{SignedDuration, Zoned};
use serde_json::{Map, Value};

use super::clock::{self, Hours};
use super::find::For;
use super::item::{Happened, Item, Kind, When, rounded};
use super::{Refusal, Timers, Who, later, seconds, span, wording};

/// The intents that are carried out here.
const INTENTS: [&str; 15] = [
    "HassStartTimer",
    "HassCancelTimer",
    "HassCancelAllTimers",
    "HassIncreaseTimer",
    "HassDecreaseTimer",
    "HassPauseTimer",
    "HassUnpauseTimer",
    "HassTimerStatus",
    "HearthdSetAlarm",
    "HearthdCancelAlarm",
    "HearthdAlarmStatus",
    "HearthdCommandAt",
    "HearthdRemind",
    "HearthdCancelReminder",
    "HearthdReminderStatus",
];

type Slots = Map<String, Value>;
/// What is said.
pub(super) type Said = Result<String, Refusal>;

/// Whether an intent is one of time.
#[must_use]
pub fn carries_out(intent: &str) -> bool {
    INTENTS.contains(&intent)
}

/// The command that an intent puts off: whoever knows the rules must say whether it is one, and may be done unasked.
#[must_use]
pub fn command<'s>(intent: &str, slots: &'s Slots) -> Option<&'s str> {
    matches!(intent, "HassStartTimer" | "HearthdCommandAt").then(|| clock::words(slots, "conversation_command"))?
}

impl Timers {
    /// Carries out an intent of time and says what is to be answered; `None` for any other intent.
    pub fn answer(&mut self, intent: &str, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Option<Said> {
        Some(match intent {
            "HassStartTimer" => self.start(slots, who, now),
            "HassCancelTimer" => self.cancel_timer(slots, who, now),
            "HassCancelAllTimers" => self.cancel_all(slots, now),
            "HassIncreaseTimer" => self.increase(slots, who, now),
            "HassDecreaseTimer" => self.decrease(slots, who, now),
            "HassPauseTimer" => self.pause(slots, who, now),
            "HassUnpauseTimer" => self.go_on(slots, who, now),
            "HassTimerStatus" => self.status(slots, now),
            "HearthdSetAlarm" => self.set_alarm(slots, who, now),
            "HearthdCancelAlarm" => self.cancel_alarm(slots, now),
            "HearthdAlarmStatus" => self.alarms_told(slots, now),
            "HearthdCommandAt" => self.command_at(slots, who, now),
            "HearthdRemind" => self.remind(slots, who, now),
            "HearthdCancelReminder" => self.cancel_reminder(slots, now),
            "HearthdReminderStatus" => Ok(self.reminders_told(now)),
            _ => return None,
        })
    }

    fn start(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let set = clock::span_to_run(slots)?;
        let after = (running(set, now), Some(set));
        if let Some(command) = clock::words(slots, "conversation_command") {
            let item = self.add(Kind::Command, Some(command), after, who, now)?;
            return Ok(put_off(item, now));
        }
        let item = self.add(Kind::Timer, clock::words(slots, "name"), after, who, now)?;
        let named = if item.text.is_some() { wording::label(item) } else { "timer".to_owned() };
        Ok(wording::sentence(&format!("{named} set for {}", wording::time_span(set))))
    }

    fn command_at(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let command = clock::words(slots, "conversation_command");
        let command = command.ok_or_else(|| Refusal::unclear("what is to be done then?"))?;
        let (at, repeat) = clock::moment(slots, Hours::Next, now)?;
        let item = self.add(Kind::Command, Some(command), (When::At { at, repeat }, None), who, now)?;
        Ok(put_off(item, now))
    }

    fn cancel_timer(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        // "The kitchen timer" is every timer of the kitchen.
        let numbers = if slots.contains_key("area") {
            self.meant(slots, For::Anything, now)?
        } else {
            vec![self.one(slots, For::Anything, who, now)?]
        };
        Ok(cancelled(&self.cancel(&numbers, now)))
    }

    /// Cancels what was set under these numbers, as far as it is still to come; `None` where nothing is.
    pub fn take_back(&mut self, set: &Range<u64>, now: &Zoned) -> Option<String> {
        let still: Vec<usize> = (0..self.items.len()).filter(|number| set.contains(&self.items[*number].id)).collect();
        (!still.is_empty()).then(|| cancelled(&self.cancel(&still, now)))
    }

    fn cancel_all(&mut self, slots: &Slots, now: &Zoned) -> Said {
        match self.meant(slots, For::Anything, now) {
            Ok(numbers) => Ok(cancelled(&self.cancel(&numbers, now))),
            // What is wanted is so already.
            Err(_) if !slots.contains_key("area") => Ok("No timers are running.".to_owned()),
            Err(refusal) => Err(refusal),
        }
    }

    fn increase(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let more = clock::span_to_run(slots)?;
        let number = self.one(slots, For::Length, who, now)?;
        clock::check(seconds(self.items[number].left(now)).saturating_add(more))?;
        self.lengthen(number, span(more), now);
        let (label, left) = self.label_and_left(number, now);
        Ok(format!("Added {} to the {label}; {left} left.", wording::time_span(more)))
    }

    fn decrease(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let less = clock::span_to_run(slots)?;
        let number = self.one(slots, For::Length, who, now)?;
        let less_than_all = span(less).min(self.items[number].left(now));
        self.lengthen(number, -less_than_all, now);
        let (label, left) = self.label_and_left(number, now);
        Ok(format!("Took {} off the {label}; {left} left.", wording::time_span(less)))
    }

    fn lengthen(&mut self, number: usize, by: SignedDuration, now: &Zoned) {
        let item = &mut self.items[number];
        match &mut item.when {
            When::Running { due } => *due = later(*due, by),
            When::Paused { left_ms } => {
                *left_ms = left_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or_default());
            }
            When::At { .. } => {}
        }
        self.events.push(self.items[number].event(Happened::Updated, now));
    }

    fn label_and_left(&self, number: usize, now: &Zoned) -> (String, String) {
        let item = &self.items[number];
        (wording::label(item), wording::time_span(rounded(item.left(now))))
    }

    fn pause(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let number = self.one(slots, For::Pausing, who, now)?;
        let (label, left) = self.label_and_left(number, now);
        let item = &mut self.items[number];
        if item.is_paused() {
            return Ok(format!("The {label} is paused already, with {left} left."));
        }
        item.when = When::Paused { left_ms: i64::try_from(item.left(now).as_millis()).unwrap_or_default() };
        self.events.push(self.items[number].event(Happened::Paused, now));
        Ok(format!("Paused the {label} with {left} left."))
    }

    fn go_on(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let number = self.one(slots, For::GoingOn, who, now)?;
        let (label, left) = self.label_and_left(number, now);
        let item = &mut self.items[number];
        if !item.is_paused() {
            return Ok(format!("The {label} is running already, with {left} left."));
        }
        item.when = When::Running { due: later(now.timestamp(), item.left(now)) };
        self.events.push(self.items[number].event(Happened::Resumed, now));
        Ok(format!("The {label} goes on; {left} left."))
    }

    fn status(&self, slots: &Slots, now: &Zoned) -> Said {
        let mut numbers = match self.meant(slots, For::Anything, now) {
            Ok(numbers) => numbers,
            Err(refusal) if !refusal.suggestions.is_empty() => return Err(refusal),
            Err(_) => return Ok("No timers are running.".to_owned()),
        };
        numbers.sort_by_key(|number| self.items[*number].left(now));
        let told: Vec<String> = numbers.iter().map(|number| wording::status(&self.items[*number], now)).collect();
        Ok(match &told[..] {
            [one] => wording::sentence(one),
            several => wording::sentence(&format!("{} timers: {}", several.len(), several.join("; "))),
        })
    }

    fn set_alarm(&mut self, slots: &Slots, who: &Who<'_>, now: &Zoned) -> Said {
        let (at, repeat) = clock::moment(slots, Hours::AsSaid, now)?;
        let name = clock::words(slots, "name");
        let item = self.add(Kind::Alarm, name, (When::At { at, repeat }, None), who, now)?;
        let When::At { at, repeat } = &item.when else { return Ok(String::new()) };
        Ok(format!("Alarm set for {}.", wording::time_and_day(*at, *repeat, now)))
    }

    fn cancel_alarm(&mut self, slots: &Slots, now: &Zoned) -> Said {
        let mut found = self.of_kind(Kind::Alarm, now);
        if found.is_empty() {
            return Err(Refusal::unclear("no alarm is set"));
        }
        let all = found.clone();
        // Without "in the morning" or "in the evening" it may be either.
        if let Some(times) = clock::times(slots, Hours::Next) {
            found.retain(|number| self.alarm_at(*number).is_some_and(|at| times.contains(&at.time())));
        }
        self.keep_day(&mut found, slots, now)?;
        match &found[..] {
            [] => {
                Err(Refusal { message: "there is no alarm for that time".to_owned(), ..self.which("alarm", &all, now) })
            }
            [_, _, ..] if slots.get("all").is_none_or(|all| *all == Value::Bool(false)) => {
                Err(self.which("alarm", &found, now))
            }
            some => {
                let some = some.to_vec();
                Ok(cancelled(&self.cancel(&some, now)))
            }
        }
    }

    /// Of alarms those that come on the day that was said.
    fn keep_day(&self, found: &mut Vec<usize>, slots: &Slots, now: &Zoned) -> Result<(), Refusal> {
        let mut kept = Vec::new();
        for number in found.iter().copied() {
            let When::At { at, repeat } = &self.items[number].when else { continue };
            let dates = match repeat {
                Some(repeat) => repeat.dates(now),
                None => vec![at.date()],
            };
            let mut is_on = false;
            for date in dates {
                is_on |= clock::is_on_day(slots, date, now)?;
            }
            if is_on {
                kept.push(number);
            }
        }
        *found = kept;
        Ok(())
    }

    fn alarm_at(&self, number: usize) -> Option<jiff::civil::DateTime> {
        if let When::At { at, .. } = &self.items[number].when { Some(*at) } else { None }
    }

    fn alarms_told(&self, slots: &Slots, now: &Zoned) -> Said {
        let mut found = self.of_kind(Kind::Alarm, now);
        self.keep_day(&mut found, slots, now)?;
        let told = found.iter().filter_map(|number| {
            let When::At { at, repeat } = &self.items[*number].when else { return None };
            Some(wording::time_and_day(*at, *repeat, now))
        });
        let told: Vec<String> = told.collect();
        Ok(match &told[..] {
            [] => "No alarm is set.".to_owned(),
            [one] => format!("One alarm is set, for {one}."),
            several => format!("{} alarms are set: {}.", several.len(), wording::and(several)),
        })
    }

    /// Those of a kind, the next first.
    pub(super) fn of_kind(&self, kind: Kind, now: &Zoned) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.items.len()).filter(|number| self.items[*number].kind == kind).collect();
        found.sort_by_key(|number| self.items[*number].due(now));
        found
    }
}

pub(super) fn running(set: u64, now: &Zoned) -> When {
    When::Running { due: later(now.timestamp(), span(set)) }
}

fn put_off(item: &Item, now: &Zoned) -> String {
    let command = item.text.as_deref().unwrap_or_default();
    wording::sentence(&format!("{}: {command}", wording::when(item, now)))
}

pub(super) fn cancelled(items: &[Item]) -> String {
    match items {
        [one] => format!("Cancelled the {}.", wording::label(one)),
        several => {
            let kind = several.first().map(|item| item.kind);
            let is_one_kind = several.iter().all(|item| Some(item.kind) == kind);
            let what = match kind.filter(|_| is_one_kind) {
                Some(Kind::Alarm) => "alarm",
                Some(Kind::Reminder) => "reminder",
                Some(Kind::Timer | Kind::Command) | None => "timer",
            };
            format!("Cancelled {}.", wording::counted(u64::try_from(several.len()).unwrap_or_default(), what))
        }
    }
}
