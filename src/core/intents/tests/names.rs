//! Names of the home that come and go while the rules stay.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::{NameOf, Names};
use super::*;

fn switching() -> Rules {
    rules(
        "language: en\nintents: {On: {data: [{sentences: ['turn on [the] {name}'], requires_context: {domain: light}, \
         actions: [{publish: {topic: 'x/{name}', payload: 'ON'}}]}]}}",
    )
}

fn light() -> Map<String, Value> {
    Map::from_iter([("domain".to_owned(), json!("light"))])
}

/// The rules with other names; the old ones keep theirs.
fn with(rules: &Rules, names: &Names) -> Rules {
    let mut rules = rules.clone();
    rules.set_names(&Arc::new(names.clone()));
    rules
}

fn topic(rules: &Rules, text: &str) -> Option<String> {
    rules.find(text, "en", None).map(|hit| hit.publishes[0].topic.clone())
}

#[test]
fn a_thing_that_appears_is_known_and_one_that_goes_is_not() {
    let mut names = Names::default();
    let before = with(&switching(), &names);
    let lamp = names.add(NameOf::Thing, "Hall Lamp", Some(json!("hall_lamp")), light()).unwrap();
    let during = with(&before, &names);
    names.remove(lamp);
    names.add(NameOf::Thing, "porch lamp", None, light()).unwrap();
    let after = with(&during, &names);
    assert_eq!(topic(&before, "turn on the hall lamp"), None);
    assert_eq!(topic(&during, "turn on the hall lamp"), Some("x/hall_lamp".to_owned()));
    assert_eq!(topic(&during, "turn on the porch lamp"), None);
    assert_eq!(topic(&after, "turn on the hall lamp"), None, "its place is another one's now");
    assert_eq!(topic(&after, "turn on the porch lamp"), Some("x/porch lamp".to_owned()));
    // By its sound, too.
    assert_eq!(topic(&during, "turn on the hall lampp"), Some("x/hall_lamp".to_owned()));
    assert_eq!(topic(&after, "turn on the hall lampp"), None);
}

#[test]
fn of_two_things_of_one_name_the_other_stays() {
    let mut names = Names::default();
    let one = names.add(NameOf::Thing, "lamp", Some(json!("one")), light()).unwrap();
    names.add(NameOf::Thing, "lamp", Some(json!("two")), light()).unwrap();
    let both = with(&switching(), &names);
    assert_eq!(topic(&both, "turn on the lamp"), None, "asked back");
    names.remove(one);
    assert_eq!(topic(&with(&both, &names), "turn on the lamp"), Some("x/two".to_owned()));
}

#[test]
fn renaming_for_ever_takes_no_more_room() {
    let mut names = Names::default();
    let mut last = names.add(NameOf::Thing, "a name", None, light()).unwrap();
    let mut most = 0;
    for number in 0..5_000 {
        names.remove(last);
        let name = format!("lamp of the {} {number}", number % 7);
        last = names.add(NameOf::Thing, &name, None, light()).unwrap();
        most = most.max(names.trie.size());
    }
    assert_eq!(names.entries(0).count(), 1);
    assert!(most < 10_000, "{most} nodes for one name");
    assert_eq!(
        topic(&with(&switching(), &names), "turn on the lamp of the 1 4999"),
        Some("x/lamp of the 1 4999".to_owned())
    );
}

#[test]
fn a_name_without_a_letter_is_none() {
    let mut names = Names::default();
    assert_eq!(names.add(NameOf::Area, " \u{200b} ", None, Map::new()), None);
    assert_eq!(names.add(NameOf::Floor, "", None, Map::new()), None);
}

#[test]
fn what_is_written_counts_beside_what_the_home_has() {
    let written = rules(
        "language: en\nlists: {name: {values: [{in: hall lamp, out: written, context: {domain: light}}]}}\nintents: {On: {data: \
         [{sentences: ['turn on [the] {name}'], requires_context: {domain: light}, actions: [{publish: {topic: \
         'x/{name}', payload: 'ON'}}]}]}}",
    );
    let mut names = Names::default();
    assert_eq!(topic(&written.for_home(&names), "turn on the hall lamp").as_deref(), Some("x/written"), "no home yet");
    names.add(NameOf::Thing, "Hall Lamp", Some(json!("home")), light()).unwrap();
    names.add(NameOf::Thing, "porch lamp", None, light()).unwrap();
    let rules = written.for_home(&names);
    assert_eq!(topic(&rules, "turn on the hall lamp").as_deref(), Some("x/written"));
    assert_eq!(topic(&rules, "turn on the porch lamp").as_deref(), Some("x/porch lamp"));
}
