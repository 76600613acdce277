//! Problems with their places, and files that mean harm.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    mqtt: Mqtt,
    models: BTreeMap<String, u16>,
    publish: Vec<Publish>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Mqtt {
    broker: String,
    listen: String,
    port: u16,
    tls: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    topic: String,
    #[serde(default)]
    qos: u8,
}

fn problems(text: &str) -> Vec<String> {
    let (_, problems) = Document::parse("c.yaml", text).unwrap().read::<Settings>();
    problems.iter().map(ToString::to_string).collect()
}

fn refusal(text: &str) -> String {
    Document::parse("c.yaml", text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    for text in ["", "\u{feff}", "# nothing\n", "---\n"] {
        let (settings, problems) = Document::parse("c.yaml", text).unwrap().read::<Settings>();
        assert_eq!(problems, []);
        assert!(settings.is_some_and(|settings| settings.mqtt.broker.is_empty()));
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let text = "\
mqtt:
  brokr: x
  port: seventy
  tls: 1
models:
  chat: 3
  explain: {}
publish:
  - {topic: a, qos: 300}
  - topic: 5
  - qos: 1
  - topic: fine
colour: red
mqtt: {}
";
    assert_eq!(
        problems(text),
        [
            "c.yaml:2:3: unknown key `brokr`; did you mean `broker`?",
            "c.yaml:3:9: `port`: expected a whole number from 0 to 65535, found the text \"seventy\"",
            "c.yaml:4:8: `tls`: expected true or false, found 1",
            "c.yaml:7:3: `explain`: expected a whole number from 0 to 65535, found a mapping",
            "c.yaml:9:21: `qos`: expected a whole number from 0 to 255, found 300",
            "c.yaml:10:12: `topic`: expected text, found 5",
            "c.yaml:11:5: the key `topic` is missing",
            "c.yaml:13:1: unknown key `colour`; known are `mqtt`, `models`, `publish`",
            "c.yaml:14:1: the key `mqtt` stands here a second time",
        ]
    );
}

#[test]
fn what_is_right_beside_a_mistake_is_still_read() {
    let text = "mqtt: {brokr: x, listen: y}\npublish: [{qos: 1}, {topic: t}]\n";
    let (settings, pruned, problems) = Document::parse("c.yaml", text).unwrap().into_read::<Settings>();
    let settings = settings.unwrap();
    assert_eq!((problems.len(), settings.mqtt.listen.as_str()), (2, "y"));
    assert_eq!((settings.publish[0].topic.as_str(), settings.publish[0].qos), ("t", 0));
    assert_eq!(pruned.place(&["publish", "0", "topic"]), Place { line: 2, column: 29 });
}

#[test]
fn values_laid_over_the_file_are_read() {
    let mut document = Document::parse("c.yaml", "mqtt: {broker: a}").unwrap();
    document.value_mut()["mqtt"]["broker"] = "b".into();
    let (settings, problems) = document.read::<Settings>();
    assert_eq!((settings.unwrap().mqtt.broker.as_str(), problems.len()), ("b", 0));
    document.value_mut()["mqtt"]["port"] = "x".into();
    assert_eq!(document.read::<Settings>().1[0].line, 1);
}

#[test]
fn a_root_of_another_kind_is_a_problem() {
    assert_eq!(problems("[1, 2]"), ["c.yaml:1:1: expected a mapping, found a list"]);
    assert_eq!(problems("word"), ["c.yaml:1:1: expected a mapping, found the text \"word\""]);
}

#[test]
fn aliases_are_written_out() {
    let (settings, problems) =
        Document::parse("c.yaml", "publish: [&p {topic: t}, *p, *p]").unwrap().read::<Settings>();
    assert_eq!((settings.unwrap().publish.len(), problems.len()), (3, 0));
}

#[test]
fn what_cannot_be_read_at_all_is_refused_with_its_place() {
    assert_eq!(refusal("a: !include b.yaml"), "c.yaml:1:4: the tag `!include` means nothing here");
    assert_eq!(refusal("a: 1\n---\nb: 2"), "c.yaml:2:1: a second document begins here; write one document a file");
    assert_eq!(refusal("? [a]\n: b"), "c.yaml:1:3: a key must be plain text, not a list or a mapping");
    assert!(refusal("a:\n\t- b: c").starts_with("c.yaml:2:"), "{}", refusal("a:\n\t- b: c"));
    assert!(refusal("a: [1, 2\nb: 3").starts_with("c.yaml:2:"), "{}", refusal("a: [1, 2\nb: 3"));
    assert!(refusal("a: *nowhere").starts_with("c.yaml:1:"));
    assert!(refusal("a: &a [*a]").contains("stands inside what it names"));
}

#[test]
fn hostile_files_are_refused_before_they_are_parsed() {
    let refused = [
        "x".repeat(MAX_BYTES + 1),
        "{a: ".repeat(20_000),
        "[".repeat(100_000),
        "- ".repeat(60_000),
        "? ".repeat(60_000),
        (0..400).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n"),
        // A wide list named many times: each alias is cheap to write and dear to copy.
        format!("a: &a [{}]\nb: [{}]", "x,".repeat(50_000), "*a,".repeat(20_000)),
        "a: &a [l,l,l,l,l,l,l,l,l]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n\
         d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\n"
            .to_owned(),
    ];
    for text in refused {
        let problem = Document::parse("c.yaml", &text).unwrap_err();
        assert!(problem.message.len() < 200, "{problem}");
    }
}

#[test]
fn the_nearest_word_is_near() {
    let keys = ["broker", "base_topic", "client_id"];
    assert_eq!(nearest("brokr", keys), Some("broker"));
    assert_eq!(nearest("Broker", keys), Some("broker"));
    assert_eq!(nearest("basetopic", keys), Some("base_topic"));
    assert_eq!(nearest("colour", keys), None);
    assert_eq!(nearest("", keys), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-a-c{}\\[\\]:,?&*!|>#'\" \n\t]{0,60}") {
        if let Ok(document) = Document::parse("c.yaml", &text) {
            let _ = document.read::<Settings>();
        }
    }
}

#[test]
fn json_that_ends_before_it_begins_has_a_place_too() {
    for text in ["", "\n", "{"] {
        let problem = Document::parse_json("a.json", text).unwrap_err();
        assert!(problem.line > 0 && problem.column > 0, "{problem}");
    }
}
