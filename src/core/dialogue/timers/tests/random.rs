//! Random sequences of intents, time that passes and clocks that are set: what holds after each step.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Intent(&'static str, Value),
    Wait(i64),
    Set(i64),
    Restart,
}

fn of_time() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..300_u64).prop_map(|minutes| json!({"minutes": minutes})),
        (1..100_u64).prop_map(|hours| json!({"hours": hours, "name": "eggs"})),
        (0..24_u64, 0..60_u64).prop_map(|(hour, minute)| json!({"hour": hour, "minute": minute})),
        (0..24_u64).prop_map(|hour| json!({"hour": hour, "day": "daily"})),
        (0..24_u64).prop_map(|hour| json!({"hour": hour, "part": "pm", "day": "tuesdays"})),
        (0..100_u64).prop_map(|seconds| json!({"seconds": seconds, "start_minutes": 5})),
        Just(json!({"reminder": "call Ann", "minutes": 5})),
        Just(json!({"conversation_command": "turn on the fan", "seconds": 30})),
        Just(json!({"name": "eggs", "all": true})),
        Just(json!({"hour": 99, "minutes": -5, "day": "never", "area": "x"})),
        Just(json!({})),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let intents = prop::sample::select(vec![
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
    ]);
    prop_oneof![
        6 => (intents, of_time()).prop_map(|(intent, slots)| Step::Intent(intent, slots)),
        2 => (0..200_000_i64).prop_map(Step::Wait),
        1 => (-200_000..200_000_i64).prop_map(Step::Set),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_comes_twice_and_nothing_due_stays(steps in prop::collection::vec(step(), 1..60)) {
        let mut house = House { now: at("2026-03-28T12:00:00[Europe/Berlin]"), ..House::new() };
        let mut expected: i64 = 0;
        for step in steps {
            match step {
                Step::Intent(intent, slots) => {
                    let before = house.timers.clone();
                    if house.hear(intent, slots).is_err() {
                        prop_assert_eq!(&before, &house.timers, "a refusal changes nothing");
                    }
                }
                Step::Wait(seconds) => {
                    house.wait(seconds);
                }
                Step::Set(seconds) => {
                    let now = after(&house.now, seconds);
                    let left = |house: &House| -> Vec<(u64, SignedDuration)> {
                        let running = house.timers.items.iter().filter(|item| matches!(item.when, When::Running { .. }));
                        running.map(|item| (item.id, item.left(&house.now))).collect()
                    };
                    let before = left(&house);
                    house.timers.shift(SignedDuration::from_secs(seconds), 0, &now);
                    house.now = now;
                    prop_assert_eq!(before, left(&house), "no timer is shorter or longer");
                }
                Step::Restart => {
                    let text = house.timers.to_json(None);
                    let events = house.timers.take_events();
                    let (read, _) = Timers::from_json(&text).unwrap();
                    prop_assert_eq!(&read, &house.timers);
                    house.timers = Timers { events, ..read };
                }
            }
            let repeating = |timers: &Timers| {
                timers.items.iter().filter(|item| matches!(item.when, When::At { repeat: Some(_), .. })).count()
            };
            let again = repeating(&house.timers);
            house.due();
            prop_assert_eq!(again, repeating(&house.timers), "what repeats stays");
            let now = house.now.timestamp();
            prop_assert!(house.timers.next_due(&house.now).is_none_or(|due| due > now));
            for event in house.timers.take_events() {
                let of_one = |ids: &[u64]| ids.contains(&event.id);
                let stays: Vec<u64> = house.timers.items.iter().map(|item| item.id).collect();
                expected += match event.event {
                    Happened::Started => 1,
                    Happened::Cancelled => -1,
                    Happened::Finished | Happened::Missed if !of_one(&stays) => -1,
                    _ => 0,
                };
            }
            // A repeating one that was due and then cancelled was counted once: both happen in different steps.
            prop_assert_eq!(expected, i64::try_from(house.timers.len()).unwrap());
            prop_assert!(house.timers.len() <= MAX_ITEMS);
        }
    }
}
