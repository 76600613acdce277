//! Slips of names, questions back, and several commands in one breath.

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
    assert_eq!(done("unlock the frnt door"), "Did you mean front door? [\"front door\"]");
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
        "I understood “turn on the fridge”, but not “unlock the frnt door”; nothing was done [\"turn on the fridge\"]"
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
        "I understood “turn on the fridge”, but not “frobnicate the cat”; nothing was done [\"turn on the fridge\"]"
    );
    assert_eq!(
        done("turn on the fridge and unlock the front door"),
        "Unlock must be said by itself; nothing was done []"
    );
    assert_eq!(done("salt and pepper"), "nothing");
}
