//! What is said to intents of time, and what is due when: by example, and over random sequences.

mod random;

use serde_json::{Map, Value, json};

use super::*;

fn at(text: &str) -> Zoned {
    text.parse().unwrap()
}

/// A Wednesday.
fn noon() -> Zoned {
    at("2026-03-04T12:00:00[Europe/Berlin]")
}

fn after(now: &Zoned, seconds: i64) -> Zoned {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn slots(value: Value) -> Map<String, Value> {
    let Value::Object(slots) = value else { panic!("slots are an object: {value}") };
    slots
}

/// Somebody in a room of the house.
struct House {
    timers: Timers,
    now: Zoned,
    site: Option<&'static str>,
}

impl House {
    fn new() -> Self {
        Self { timers: Timers::default(), now: noon(), site: None }
    }

    fn hear(&mut self, intent: &str, of: Value) -> Result<String, Refusal> {
        let who = Who { site: self.site, user: "ann", lang: "en" };
        self.timers.answer(intent, &slots(of), &who, &self.now).expect("an intent of time")
    }

    fn ask(&mut self, intent: &str, of: Value) -> String {
        self.hear(intent, of).unwrap_or_else(|refusal| panic!("{intent}: {}", refusal.message))
    }

    fn refusal(&mut self, intent: &str, of: Value) -> Refusal {
        self.hear(intent, of).expect_err(intent)
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = after(&self.now, seconds);
        self
    }

    /// What is said of what is due, by a daemon that was on all the while.
    fn due(&mut self) -> Vec<String> {
        self.due_since(Timestamp::MIN)
    }

    fn due_since(&mut self, since: Timestamp) -> Vec<String> {
        let due = self.timers.take_due(&self.now, since);
        let said = due.into_iter().map(|due| match due.does {
            Does::Say(text) => text,
            Does::Run { command, user, lang } => format!("{user} ({lang}): {command}"),
        });
        said.collect()
    }

    fn happened(&mut self) -> Vec<Happened> {
        self.timers.take_events().into_iter().map(|event| event.event).collect()
    }
}

#[test]
fn timers_are_set_asked_changed_and_go_off() {
    use Happened::{Cancelled, Finished, Paused, Resumed, Started, Updated};

    let mut house = House::new();
    assert_eq!(house.ask("HassTimerStatus", json!({})), "No timers are running.");
    assert_eq!(house.ask("HassStartTimer", json!({"minutes": 10, "name": "eggs"})), "Eggs timer set for 10 minutes.");
    assert_eq!(house.ask("HassStartTimer", json!({"hours": 1, "minutes": 30})), "Timer set for 1 hour and 30 minutes.");
    house.wait(60);
    assert_eq!(
        house.ask("HassTimerStatus", json!({})),
        "2 timers: 9 minutes left on the eggs timer; 1 hour and 29 minutes left on the 1 hour 30 minute timer."
    );
    let added = house.ask("HassIncreaseTimer", json!({"name": "egg", "minutes": 1}));
    assert_eq!(added, "Added 1 minute to the eggs timer; 10 minutes left.");
    let taken = house.ask("HassDecreaseTimer", json!({"name": "the eggs", "seconds": 30}));
    assert_eq!(taken, "Took 30 seconds off the eggs timer; 9 minutes and 30 seconds left.");
    let paused = house.ask("HassPauseTimer", json!({"name": "eggs"}));
    assert_eq!(paused, "Paused the eggs timer with 9 minutes and 30 seconds left.");
    house.wait(3_000);
    assert!(house.due().is_empty(), "it is held");
    let gone_on = house.ask("HassUnpauseTimer", json!({}));
    assert_eq!(gone_on, "The eggs timer goes on; 9 minutes and 30 seconds left.");
    assert!(house.wait(569).due().is_empty());
    assert_eq!(house.wait(1).due(), ["The eggs timer is up."]);
    assert_eq!(house.ask("HassCancelTimer", json!({})), "Cancelled the 1 hour 30 minute timer.");
    assert_eq!(house.happened(), [Started, Started, Updated, Updated, Paused, Resumed, Finished, Cancelled]);
    assert!(house.timers.is_empty() && house.timers.next_due(&house.now).is_none());
}

#[test]
fn of_several_timers_the_one_that_is_meant_is_found_or_asked_for() {
    let mut house = House::new();
    assert_eq!(house.refusal("HassCancelTimer", json!({})).message, "no timer is running");
    house.site = Some("kitchen");
    house.ask("HassStartTimer", json!({"minutes": 10, "name": "soft eggs"}));
    house.site = Some("living_room");
    house.ask("HassStartTimer", json!({"minutes": 5}));
    house.ask("HassStartTimer", json!({"minutes": 7}));
    let which = house.refusal("HassPauseTimer", json!({}));
    assert_eq!(which.message, "which timer: the 5 minute timer or the 7 minute timer?", "those of this room");
    assert_eq!(which.suggestions, ["5 minute timer", "7 minute timer"]);
    let none = house.refusal("HassPauseTimer", json!({"name": "noodles"}));
    assert!(none.message.starts_with("there is no such timer; there is the soft eggs timer, "), "{}", none.message);
    assert!(house.ask("HassPauseTimer", json!({"start_minutes": 7})).starts_with("Paused the 7 minute timer"));
    assert!(house.ask("HassPauseTimer", json!({})).starts_with("Paused the 5 minute timer"), "the one that runs");
    assert!(house.ask("HassTimerStatus", json!({"area": "Kitchen"})).contains("soft eggs"));
    assert_eq!(house.ask("HassCancelTimer", json!({"area": "Living Room"})), "Cancelled 2 timers.");
    house.ask("HassStartTimer", json!({"minutes": 3, "name": "tea"}));
    house.wait(60).ask("HassStartTimer", json!({"minutes": 3, "name": "tea"}));
    let which = house.refusal("HassCancelTimer", json!({"name": "tea"}));
    assert_eq!(which.message, "which timer: the tea timer with 2 minutes left or the tea timer with 3 minutes left?");
    assert_eq!(house.ask("HassCancelAllTimers", json!({})), "Cancelled 3 timers.");
    assert_eq!(house.ask("HassCancelAllTimers", json!({})), "No timers are running.");
}

#[test]
fn there_are_bounds() {
    let mut house = House::new();
    assert_eq!(house.refusal("HassStartTimer", json!({})).why, Why::Unclear);
    assert!(house.refusal("HassStartTimer", json!({"hours": 300})).message.contains("a week at most"));
    for number in 0..MAX_ITEMS {
        house.ask("HassStartTimer", json!({"hours": 100, "name": format!("number {number}")}));
    }
    let full = house.refusal("HassStartTimer", json!({"minutes": 1}));
    assert_eq!(full.why, Why::Full, "{}", full.message);
    let more = house.refusal("HassIncreaseTimer", json!({"hours": 100, "name": "number 7"}));
    assert!(more.message.contains("a week at most"));
    let which = house.refusal("HassPauseTimer", json!({}));
    assert!(which.message.ends_with("or 95 others?") && which.suggestions.len() == 5, "{}", which.message);
}

#[test]
fn alarms_are_set_for_the_next_time_that_is_meant() {
    for (said, meant) in [
        (json!({"hour": 13, "minute": 30}), "1:30 PM today"),
        (json!({"hour": 7, "minute": 30}), "7:30 AM tomorrow"),
        (json!({"hour": 12}), "12:00 PM tomorrow"),
        (json!({"hour": 7, "part": "pm"}), "7:00 PM today"),
        (json!({"hour": 12, "part": "am"}), "12:00 AM tomorrow"),
        (json!({"hour": 0, "part": "pm"}), "12:00 AM tomorrow"),
        (json!({"hour": 7, "day": "tomorrow"}), "7:00 AM tomorrow"),
        (json!({"hour": 7, "day": "friday", "part": "am"}), "7:00 AM on Friday"),
        (json!({"hour": 11, "day": "wednesday"}), "11:00 AM on Wednesday, 11 March"),
        (json!({"hour": 6, "minute": 45, "day": "weekdays"}), "6:45 AM on weekdays"),
        (json!({"hour": 9, "day": "saturdays"}), "9:00 AM every Saturday"),
        (json!({"hour": 9, "day": "weekends"}), "9:00 AM at weekends"),
        (json!({"hour": 9, "day": "evenings"}), "9:00 PM every day"),
    ] {
        assert_eq!(House::new().ask("HearthdSetAlarm", said.clone()), format!("Alarm set for {meant}."), "{said}");
    }
    let mut house = House::new();
    assert!(house.refusal("HearthdSetAlarm", json!({"hour": 7, "day": "today"})).message.contains("has passed today"));
    assert!(house.refusal("HearthdSetAlarm", json!({"day": "tomorrow"})).message.contains("at what time"));
    assert!(house.refusal("HearthdSetAlarm", json!({"hour": 7, "day": "doomsday"})).message.contains("doomsday"));
}

#[test]
fn alarms_are_told_and_cancelled_by_time_and_day() {
    let mut house = House::new();
    assert_eq!(house.refusal("HearthdCancelAlarm", json!({})).message, "no alarm is set");
    for set in [json!({"hour": 7}), json!({"hour": 20}), json!({"hour": 6, "day": "weekdays"})] {
        house.ask("HearthdSetAlarm", set);
    }
    let told = house.ask("HearthdAlarmStatus", json!({}));
    assert_eq!(told, "3 alarms are set: 8:00 PM today, 6:00 AM on weekdays and 7:00 AM tomorrow.");
    let told = house.ask("HearthdAlarmStatus", json!({"day": "friday"}));
    assert_eq!(told, "One alarm is set, for 6:00 AM on weekdays.");
    let which = house.refusal("HearthdCancelAlarm", json!({}));
    assert_eq!(which.message, "which alarm: the alarm for 8:00 PM, the alarm for 6:00 AM or the alarm for 7:00 AM?");
    assert_eq!(house.ask("HearthdCancelAlarm", json!({"hour": 8})), "Cancelled the alarm for 8:00 PM.");
    assert!(house.refusal("HearthdCancelAlarm", json!({"hour": 9})).message.contains("no alarm for that time"));
    assert_eq!(house.ask("HearthdCancelAlarm", json!({"all": true})), "Cancelled 2 alarms.");
    assert_eq!(house.ask("HearthdAlarmStatus", json!({})), "No alarm is set.");
}

#[test]
fn reminders_and_commands_mean_the_hour_that_comes_first() {
    let mut house = House::new();
    let said = house.ask("HearthdRemind", json!({"reminder": "call my mother", "hour": 7}));
    assert_eq!(said, "I will remind you at 7:00 PM today: call your mother.");
    let said = house.ask("HearthdRemind", json!({"reminder": "take a break", "minutes": 10}));
    assert_eq!(said, "I will remind you in 10 minutes: take a break.");
    let said = house.ask("HearthdRemind", json!({"reminder": "swim", "hour": 3, "day": "tomorrow"}));
    assert_eq!(said, "I will remind you at 3:00 PM tomorrow: swim.");
    let off = json!({"conversation_command": "turn off the heating", "hour": 9, "part": "pm"});
    assert_eq!(house.ask("HearthdCommandAt", off), "At 9:00 PM today: turn off the heating.");
    let soon = json!({"conversation_command": "turn on the fan", "minutes": 20});
    assert_eq!(house.ask("HassStartTimer", soon), "In 20 minutes: turn on the fan.");
    let told = house.ask("HearthdReminderStatus", json!({}));
    assert_eq!(
        told,
        "3 reminders: take a break in 10 minutes; call your mother at 7:00 PM today; swim at 3:00 PM tomorrow."
    );
    assert!(house.refusal("HearthdCancelReminder", json!({})).message.starts_with("which reminder: "));
    let gone = house.ask("HearthdCancelReminder", json!({"reminder": "swim"}));
    assert_eq!(gone, "Cancelled the reminder to swim.");
    assert_eq!(house.wait(600).due(), ["Reminder: take a break."]);
    assert_eq!(house.wait(600).due(), ["ann (en): turn on the fan"]);
    assert_eq!(house.wait(7 * 3600 - 1200).due(), ["Reminder: call your mother."]);
    assert_eq!(
        house.ask("HassCancelTimer", json!({"name": "heating"})),
        "Cancelled the command “turn off the heating”."
    );
    assert!(house.timers.is_empty());
}

#[test]
fn what_was_missed_is_said_with_how_late_it_is() {
    let mut house = House::new();
    house.ask("HassStartTimer", json!({"minutes": 10, "name": "eggs"}));
    house.ask("HearthdSetAlarm", json!({"hour": 12, "minute": 12}));
    house.ask("HearthdRemind", json!({"reminder": "breathe", "minutes": 13}));
    house.ask("HassStartTimer", json!({"conversation_command": "turn on the fan", "seconds": 840}));
    house.wait(15 * 60);
    let again = house.now.timestamp();
    assert_eq!(
        house.due_since(again),
        [
            "The eggs timer ended 5 minutes ago, while I was off.",
            "Your alarm for 12:12 PM was due 3 minutes ago, while I was off.",
            "Reminder, due 2 minutes ago, while I was off: breathe.",
            "ann (en): turn on the fan",
        ]
    );
    house.timers.take_events();
    house.ask("HassStartTimer", json!({"conversation_command": "turn on the fan", "minutes": 1}));
    house.ask("HearthdSetAlarm", json!({"hour": 13, "day": "daily"}));
    house.wait(3 * 24 * 3600);
    assert_eq!(
        house.due(),
        [
            "Not done, since it was due 2 days ago: turn on the fan.",
            "Your alarm for 1:00 PM was due 23 hours and 15 minutes ago.",
        ]
    );
    let events = house.timers.take_events();
    assert_eq!(events.iter().map(|event| event.event).collect::<Vec<_>>()[2..], [Happened::Missed; 2]);
    assert_eq!(events[3].late_s, Some(23 * 3600 + 15 * 60));
    assert_eq!(house.timers.next_due(&house.now), Some(at("2026-03-07T13:00:00[Europe/Berlin]").timestamp()));
}

#[test]
fn daylight_saving_shortens_no_timer_and_moves_no_alarm() {
    // In Berlin, two is three in that night.
    let mut house = House { now: at("2026-03-29T01:30:00[Europe/Berlin]"), ..House::new() };
    house.ask("HassStartTimer", json!({"hours": 1}));
    house.ask("HearthdSetAlarm", json!({"hour": 7, "day": "daily"}));
    house.ask("HearthdSetAlarm", json!({"hour": 2, "minute": 30}));
    assert!(house.wait(3_599).due().is_empty());
    assert_eq!(house.wait(1).due(), ["The 1 hour timer is up.", "It is 3:30 AM: your alarm."]);
    house.now = at("2026-03-29T07:00:00[Europe/Berlin]");
    assert_eq!(house.due(), ["It is 7:00 AM: your alarm."]);
    assert_eq!(house.timers.next_due(&house.now), Some(at("2026-03-30T07:00:00[Europe/Berlin]").timestamp()));
    // In this one three is two again: once is enough.
    let mut house = House { now: at("2026-10-25T00:30:00[Europe/Berlin]"), ..House::new() };
    house.ask("HearthdSetAlarm", json!({"hour": 2, "minute": 30, "day": "daily"}));
    assert_eq!(house.wait(2 * 3600).due(), ["It is 2:30 AM: your alarm."]);
    assert!(house.wait(3600).due().is_empty());
    assert_eq!(house.timers.next_due(&house.now), Some(at("2026-10-26T02:30:00[Europe/Berlin]").timestamp()));
}

#[test]
fn a_clock_that_was_wrong_by_years_leaves_alarms_for_today() {
    let mut house = House::new();
    house.ask("HearthdSetAlarm", json!({"hour": 7, "day": "daily"}));
    house.now = at("2036-01-01T09:00:00[Europe/Berlin]");
    assert_eq!(house.due().len(), 1);
    house.now = noon();
    let set = house.now.timestamp().duration_since(at("2036-01-01T09:00:00[Europe/Berlin]").timestamp());
    house.timers.shift(set, 0, &house.now);
    assert_eq!(house.timers.next_due(&house.now), Some(at("2026-03-05T07:00:00[Europe/Berlin]").timestamp()));
    // Set back by a little, it does not ring twice.
    house.now = at("2026-03-05T07:00:01[Europe/Berlin]");
    assert_eq!(house.due().len(), 1);
    house.now = at("2026-03-05T06:50:00[Europe/Berlin]");
    house.timers.shift(SignedDuration::from_secs(-601), 0, &house.now);
    assert!(house.wait(700).due().is_empty());
}

#[test]
fn events_are_told_to_programs() {
    let mut house = House { site: Some("kitchen"), ..House::new() };
    house.ask("HassStartTimer", json!({"minutes": 10, "name": "eggs"}));
    house.wait(605).due();
    let events: Vec<Value> =
        house.timers.take_events().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let of_all = json!({"id": 1, "kind": "timer", "name": "eggs", "duration_s": 600, "site_id": "kitchen",
        "user_id": "ann", "due": "2026-03-04T11:10:00Z"});
    let with = |more: Value| Value::Object(slots(of_all.clone()).into_iter().chain(slots(more)).collect());
    assert_eq!(
        events,
        [with(json!({"event": "started", "left_s": 600})), with(json!({"event": "finished", "late_s": 5}))]
    );
}

#[test]
fn what_is_kept_is_read_back_and_nonsense_is_not() {
    let mut house = House { site: Some("kitchen"), ..House::new() };
    house.ask("HassStartTimer", json!({"minutes": 10, "name": "eggs"}));
    house.ask("HassPauseTimer", json!({}));
    house.ask("HassStartTimer", json!({"minutes": 10}));
    house.ask("HearthdSetAlarm", json!({"hour": 7, "day": "weekdays"}));
    house.timers.take_events();
    let stamp = Stamp { boot: Some("one".to_owned()), up_ms: 5, at: house.now.timestamp() };
    let text = house.timers.to_json(Some(&stamp));
    assert_eq!(Timers::from_json(&text).unwrap(), (house.timers.clone(), Some(stamp)));
    for (from, to) in [
        ("\"version\": 1", "\"version\": 2"),
        ("\"next_id\": 4", "\"next_id\": 2"),
        ("\"id\": 2", "\"id\": 1"),
        ("\"kitchen\"", "\"kitchen/#\""),
        ("\"left_ms\": 600000", "\"left_ms\": -1"),
        ("\"seconds\": 600", "\"seconds\": 600000000"),
        ("\"weekdays\"", "\"doomsdays\""),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        assert!(Timers::from_json(&text.replace(from, to)).is_err(), "{to}");
    }
}
