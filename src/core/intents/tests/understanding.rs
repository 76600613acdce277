//! Slips of names, questions back, and several commands in one breath.

use std::sync::LazyLock;

use super::*;

const HOME: &str = "
language: en
lists:
  area: {values: [kitchen, hall, den]}
  name:
    values:
      - {in: kitchen lamp, out: k, context: {domain: light}}
      - {in: kitchen lump, out: u, context: {domain: light}}
      - {in: ceiling light, out: c, context: {domain: light}}
      - {in: salt and pepper lamp, out: s, context: {domain: light}}
      - {in: lamp, out: l1, context: {domain: light, area: hall}}
      - {in: lamp, out: l2, context: {domain: light, area: den}}
      - {in: front door, out: f, context: {domain: lock}}
      - {in: socket 2, out: s2, context: {domain: light}}
      - {in: fridge, out: fr, context: {domain: light}}
intents:
  On:
    data:
      - sentences: ['turn on [the] {name}', 'turn [the] {name} on']
        requires_context: {domain: light}
        actions: [{publish: {topic: 'd/{name}', payload: 'ON'}}]
  Off:
    data:
      - sentences: ['lights off in [the] {area}']
        actions: [{publish: {topic: 'd/{area}', payload: 'OFF'}}]
  Unlock:
    data:
      - sentences: ['unlock [the] {name}']
        requires_context: {domain: lock}
        actions: [{publish: {topic: 'd/{name}', payload: 'UNLOCK'}}]
  GetLock:
    data:
      - {sentences: ['is [the] {name} locked'], requires_context: {domain: lock}}
";

fn understand(text: &str, site: Option<&str>) -> Understood {
    rules(HOME).understand(&Said { text, lang: "en", site, ..Said::default() })
}

/// The topics of what is done, joined.
fn done(text: &str) -> String {
    match understand(text, None) {
        Understood::Hits(hits) => {
            let topics = hits.iter().flat_map(|hit| &hit.publishes).map(|publish| publish.topic.clone());
            topics.collect::<Vec<_>>().join(" ")
        }
        Understood::Unclear(unclear) => format!("{} {:?}", unclear.message, unclear.suggestions),
        Understood::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn a_slip_of_a_name_is_forgiven() {
    for said in
        ["turn on the ceilng light", "turn on the cieling light", "turn on the ceiling lightt", "turn sealing lite on"]
    {
        assert_eq!(done(said), "d/c", "{said}");
    }
    let Understood::Hits(hits) = understand("turn on the ceilng light", None) else { panic!() };
    assert_eq!(hits[0].corrected.as_deref(), Some("turn on the ceiling light"));
}

#[test]
fn what_is_as_near_as_another_is_asked_back() {
    assert_eq!(done("turn on the kitchen limp"), "Kitchen lamp or kitchen lump? [\"kitchen lamp\", \"kitchen lump\"]");
    assert_eq!(
        done("turn on the lamp"),
        "Lamp in the hall or lamp in the den? [\"lamp in the hall\", \"lamp in the den\"]"
    );
    let Understood::Hits(hits) = understand("turn on the lamp", Some("den")) else { panic!() };
    assert_eq!(hits[0].publishes[0].topic, "d/l2");
}

#[test]
fn what_guards_the_house_is_never_reached_by_a_slip() {
    assert_eq!(done("unlock the front door"), "d/f");
    assert_eq!(done("unlock the frnt door"), "Did you mean front door? [\"unlock the front door\"]");
    assert!(matches!(understand("is the frnt door locked", None), Understood::Hits(_)));
}

#[test]
fn a_slip_changes_no_digit_and_no_short_word() {
    assert_eq!(done("turn on socket 2"), "d/s2");
    assert_eq!(done("turn on socket 3"), "nothing");
    assert_eq!(done("turn on the dan"), "nothing");
    assert_eq!(done("lights off in the dan"), "nothing");
}

#[test]
fn several_commands_are_all_done() {
    assert_eq!(done("turn on the kitchen lamp and turn on the fridge"), "d/k d/fr");
    assert_eq!(done("turn on the kitchen lamp and the fridge"), "d/k d/fr");
    assert_eq!(done("turn the kitchen lamp and the fridge on"), "d/k d/fr");
    assert_eq!(done("lights off in the kitchen and the hall"), "d/kitchen d/hall");
    assert_eq!(done("turn on the salt and pepper lamp"), "d/s");
    assert_eq!(done("turn on the salt and pepper lamp and then lights off in the den"), "d/s d/den");
    assert_eq!(done("turn on the fridge and the salt and pepper lamp"), "d/fr d/s");
}

#[test]
fn one_number_is_not_two_commands() {
    let rules = rules(
        "language: en\nlists: {level: {range: {from: 0, to: 100}}, name: {values: [lamp one, lamp two]}}\n\
         intents: {Set: {data: [{sentences: ['set [the] lamp to {level} [percent]'], response: x}]}, \
         On: {data: [{sentences: ['turn on {name}'], response: x}]}}",
    );
    let count = |text| match rules.understand(&Said { text, lang: "en", ..Said::default() }) {
        Understood::Hits(hits) => hits.len(),
        _ => 0,
    };
    assert_eq!(count("set lamp to one hundred and fifty percent"), 0);
    assert_eq!(count("set the lamp to a hundred percent"), 1);
    assert_eq!(count("turn on lamp one and lamp two"), 2);
    assert_eq!(count("turn on lamp one and two"), 2);
}

#[test]
fn a_pause_joins_as_words_do() {
    assert_eq!(done("Turn on the kitchen lamp, turn on the fridge."), "d/k d/fr");
    assert_eq!(done("Turn on the kitchen lamp. Lights off in the den!"), "d/k d/den");
    assert_eq!(done("lights off in the kitchen, the hall, and the den"), "d/kitchen d/hall d/den");
    assert_eq!(done("Please, turn on, well, the fridge"), "nothing");
    // Nobody meant a second command.
    assert_eq!(done("turn on the fridge, my dear"), "nothing");
}

#[test]
fn a_slip_in_one_of_several_is_forgiven() {
    assert_eq!(done("turn on the fridge and turn on the kitchn lamp"), "d/fr d/k");
    assert_eq!(
        done("turn on the fridge and unlock the frnt door"),
        "I understood “turn on the fridge”, but not “unlock the frnt door”; nothing was done []"
    );
}

#[test]
fn what_is_searched_for_is_no_command() {
    let rules = rules(
        "language: en\nlists: {search_query: {wildcard: true}}\nintents: {Play: {data: [{sentences: ['play {search_query}'], response: x}]}, \
         Off: {data: [{sentences: ['lights off'], response: x}]}}",
    );
    let names = |text| match rules.understand(&Said { text, lang: "en", ..Said::default() }) {
        Understood::Hits(hits) => hits.into_iter().map(|hit| hit.name).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    assert_eq!(names("play jazz and lights off"), ["Play", "Off"]);
    assert_eq!(names("play salt and pepper"), ["Play"]);
}

#[test]
fn of_several_commands_all_are_done_or_none() {
    assert_eq!(
        done("turn on the fridge and frobnicate the cat"),
        "I understood “turn on the fridge”, but not “frobnicate the cat”; nothing was done []"
    );
    assert_eq!(
        done("turn on the fridge and unlock the front door"),
        "what moves front door must be said by itself; nothing was done []"
    );
    assert_eq!(done("salt and pepper"), "nothing");
}

/// The shipped intents and the demo home, read once for all tests.
fn shipped_rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| {
        let (rules, problems) = load(&shipped());
        assert_eq!(problems, []);
        rules
    });
    &RULES
}

/// What the shipped intents do in the demo home, as topic and payload.
fn done_in_demo(text: &str, site: Option<&str>) -> Vec<String> {
    match shipped_rules().understand(&Said { text, lang: "en", site, ..Said::default() }) {
        Understood::Hits(hits) => {
            let publishes = hits.iter().flat_map(|hit| &hit.publishes);
            publishes.map(|publish| format!("{} {}", publish.topic, publish.payload)).collect()
        }
        Understood::Unclear(unclear) => vec![unclear.message],
        Understood::Nothing => Vec::new(),
    }
}

#[test]
fn a_name_beside_a_command_is_no_command() {
    let on_or_off = |state: &str, things: &[&str]| -> Vec<String> {
        things.iter().map(|thing| format!("zigbee2mqtt/{thing}/set {{\"state\":\"{state}\"}}")).collect()
    };
    for (text, things) in [
        ("kitchen light and hallway light off", &["kitchen_light", "hallway_light"][..]),
        ("kitchen light, hallway light and office light off", &["kitchen_light", "hallway_light", "office_light"]),
        ("bedroom light and tv off", &["bedroom_light", "tv_plug"]),
        ("the kitchen light and the reading lamp off", &["kitchen_light", "reading_lamp"]),
    ] {
        assert_eq!(done_in_demo(text, None), on_or_off("OFF", things), "{text}");
    }
    assert_eq!(done_in_demo("kitchen light", None), on_or_off("ON", &["kitchen_light"]));
    for text in [
        "is the kitchen light on and the reading lamp",
        "check the kitchen light and the reading lamp",
        "turn off all the lights except the bedroom light and the kitchen light",
        "turn off everything downstairs except the tv and the kitchen light",
        "turn on the kitchen light and 40 percent",
        "turn off the tv and the kichen light on the left",
    ] {
        let done = done_in_demo(text, None).join(" ");
        assert!(!done.contains("zigbee2mqtt") && !done.contains("home/"), "{text}: {done}");
    }
}

#[test]
fn it_is_what_was_named_before() {
    let brighter = done_in_demo("turn the reading lamp up", None);
    assert_eq!(brighter.len(), 1);
    let lamp = |then: &str| done_in_demo(&format!("turn on the reading lamp and {then}"), None);
    assert_eq!(lamp("turn it up")[1..], brighter);
    assert_eq!(lamp("set it to blue")[1..], done_in_demo("set the reading lamp to blue", None));
    assert_eq!(lamp("then turn it off")[1..], done_in_demo("turn off the reading lamp", None));
    for text in [
        "open the office blinds and turn it up",
        "turn up the heating and turn it down",
        "turn on the kitchen light and the reading lamp and turn it up",
        "turn on the light and mute it",
    ] {
        for site in [None, Some("bedroom")] {
            let done = done_in_demo(text, site).join(" ");
            assert!(!done.contains("shairport"), "{text}: {done}");
        }
    }
}

#[test]
fn free_words_hide_no_command() {
    let named = |text: &str| match shipped_rules().understand(&Said {
        text,
        lang: "en",
        site: Some("kitchen"),
        ..Said::default()
    }) {
        Understood::Hits(hits) => hits.into_iter().map(|hit| hit.name).collect::<Vec<_>>().join(" "),
        Understood::Unclear(unclear) => unclear.message,
        Understood::Nothing => "nothing".to_owned(),
    };
    for (text, expected) in [
        ("turn on the kitchen light and set a timer for five minutes", "HassTurnOn HassStartTimer"),
        ("turn off the tv and start a 10 minute timer", "HassTurnOff HassStartTimer"),
        ("set a 5 minute timer and a ten minute timer", "HassStartTimer HassStartTimer"),
        ("play some music and dim the lights", "HassMediaUnpause HassLightSet"),
        ("play jazz and turn it up", "HassMediaSearchAndPlay HassSetVolumeRelative"),
        ("set a salt and pepper timer for five minutes", "HassStartTimer"),
        ("play salt and pepper on the radio", "HassMediaSearchAndPlay"),
        (
            "set a timer for 5 minutes and another for ten minutes",
            "I understood “set a timer for 5 minutes”, but not “another for ten minutes”; nothing was done",
        ),
    ] {
        assert_eq!(named(text), expected, "{text}");
    }
}

/// The shipped English intents in a house with what must be guarded.
fn at_home(text: &str, site: Option<&str>) -> Understood {
    let home = json!({
        "entities": [
            {"name": "Front Door", "domain": "lock", "area": "Hall"},
            {"name": "Garage Door", "domain": "cover", "area": "Garage", "attributes": {"device_class": "garage"}},
            {"name": "Gate Relay", "domain": "switch", "area": "Garden"},
            {"name": "Bedroom Curtain", "domain": "cover", "area": "Bedroom", "attributes": {"device_class": "curtain"}},
            {"name": "Kitchen Light", "domain": "light", "area": "Kitchen"},
            {"name": "Fridge", "domain": "switch", "area": "Kitchen"},
            {"name": "TV", "domain": "media_player", "area": "Den"},
            {"name": "Robby", "domain": "vacuum", "area": "Hall"},
            {"name": "Heater", "domain": "switch", "area": "Kitchen"},
            {"name": "Heater", "domain": "switch", "area": "Bedroom"}
        ],
        "areas": ["Hall", "Garage", "Garden", "Bedroom", "Kitchen", "Den"]
    });
    let home: Home = serde_json::from_value(home).unwrap();
    let mut rules = shipped_rules().clone();
    rules.set_names(&std::sync::Arc::new(home.names()));
    rules.understand(&Said { text, lang: "en", site, ..Said::default() })
}

fn slots(understood: &Understood) -> Vec<String> {
    match understood {
        Understood::Hits(hits) => hits.iter().map(|hit| Value::Object(hit.slots.clone()).to_string()).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn nothing_guarded_is_reached_beside_something_else_or_by_a_slip() {
    for (text, site) in [
        ("open the gates in the gardn", None),
        ("open the garage doors in the garag", None),
        ("lock the doors in the kichen", None),
        ("turn on the kitchen light and open the garage doors", None),
        ("turn on the kitchen light and lock the doors", None),
        ("turn on the kitchen light, unlock the front door", None),
        ("play jazz and open the garage doors in the garage", None),
        ("start robby and open the garage door", Some("Bedroom")),
        ("open the bedroom curtain and the garage door", None),
        ("turn on the gate rely", None),
        ("unlock the frnt door", None),
    ] {
        let understood = at_home(text, site);
        assert!(!matches!(understood, Understood::Hits(_)), "{text}: {understood:?}");
    }
    assert!(matches!(at_home("unlock the front door", None), Understood::Hits(_)));
    assert!(matches!(at_home("is the frnt door locked", None), Understood::Hits(_)));
}

#[test]
fn each_thing_is_meant_as_it_was_named() {
    assert_eq!(
        slots(&at_home("turn off the tv and the kitchen light", None)),
        [r#"{"name":"TV"}"#, r#"{"name":"Kitchen Light"}"#]
    );
    assert_eq!(slots(&at_home("turn on the heater in the bedroom", None)).len(), 1);
    assert!(slots(&at_home("turn on the fridge in the bedrom", None)).is_empty());
    assert!(slots(&at_home("turn on the fridge in the bedroom", None)).is_empty());
    assert!(!matches!(
        at_home("turn off all the lights except the kitchen light and the fridge", None),
        Understood::Hits(_)
    ));
}

#[test]
fn a_song_of_many_ands_keeps_nobody_waiting() {
    let text = "play the song a and ".repeat(45) + "play the song a";
    let began = std::time::Instant::now();
    let understood = at_home(&text, None);
    // It took minutes; loading the rules is part of this.
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{understood:?}");
}
