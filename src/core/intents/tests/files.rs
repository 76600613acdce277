//! Files to rules: what is accepted, what is a problem, and what their own tests say.

use super::*;

#[test]
fn every_problem_of_every_file_is_listed() {
    let one = "\
language: en
intent: {}
lists:
  bad: {}
  back: {range: {from: 5, to: 1}}
  wild: {values: [{in: a, out: 'a/+'}]}
intents:
  X:
    data:
      - regex: ['(', 'a*', 'ok', '(?=x)y', 'a)|(b']
      - {}
      - regex: a (?P<room>.+) (?P<wild>.+)
        response: 'To {rom} {back}.'
        requires_context: {area: {slots: true}}
        actions:
          - publish: {topic: 'a/{roam}/#', payload: {a: '{nothing}'}}
          - publish: {topic: '', qos: 3}
          - publish: {topic: '$SYS/x', payload: [1, '{x']}
          - publish: {topic: 't/{wild}', retain: maybe}
          - pubish: {topic: t}
tests:
  - {say: a, intent: Y}
  - {say: b}
";
    let two = "language: en\nintents: {X: {data: [{regex: ok}]}}\nlists: {l: {values: ['']}}\n";
    let (rules, problems) = load(&[source("b.yaml", two), source("a.yaml", one), source("c.yaml", "a: [")]);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let wanted = [
        "a.yaml:2:1: unknown key `intent`; did you mean `intents`?",
        "a.yaml:4:3: a list has one of `values`, `range` and `wildcard: true`",
        "a.yaml:5:10: a range goes from a number up to another, in steps above 0",
        "a.yaml:10:17: the regex is wrong: unclosed group",
        "a.yaml:10:22: the regex matches when nothing is said",
        "a.yaml:10:34: the regex is wrong: look-around, including look-ahead and look-behind, is not supported",
        "a.yaml:10:44: the regex is wrong: unopened group",
        "a.yaml:11:9: the block has neither `regex` nor `sentences`, so nothing matches it",
        "a.yaml:13:19: no group `(?P<back>…)` of the regex takes a value of the list `back`",
        "a.yaml:13:19: unknown slot `rom`; did you mean `room`?",
        "a.yaml:14:28: unknown key `slots`; known are `value`, `slot`",
        "a.yaml:16:30: a message cannot be sent to this topic: it is empty, has `+`, `#` or NUL in it, or begins with `$`",
        "a.yaml:16:30: unknown slot `roam`; did you mean `room`?",
        "a.yaml:16:44: unknown slot `nothing`; known are `room`, `wild`",
        "a.yaml:17:30: a message cannot be sent to this topic: it is empty, has `+`, `#` or NUL in it, or begins with `$`",
        "a.yaml:17:39: `qos` must be 0, 1 or 2, not 3",
        "a.yaml:18:30: a message cannot be sent to this topic: it is empty, has `+`, `#` or NUL in it, or begins with `$`",
        "a.yaml:19:30: `a` of the list cannot stand in a topic: it stands for \"a/+\"",
        "a.yaml:19:50: `retain`: expected true or false, found the text \"maybe\"",
        "a.yaml:20:13: unknown key `pubish`; did you mean `publish`?",
        "a.yaml:22:22: unknown intent `Y`; did you mean `X`?",
        "a.yaml:23:5: the key `intent` is missing",
        "b.yaml:2:30: the same regex stands at a.yaml:10 already, so this one never matches",
        "b.yaml:3:22: a value of a list must not be empty",
        "c.yaml:2:1: while parsing a node, did not find expected node content",
    ];
    assert_eq!(problems, wanted);
    assert!(!rules.is_empty());
}

#[test]
fn an_intents_actions_stay_in_their_own_file() {
    let one = "intents: {X: {actions: [{publish: {topic: one}}], response: One., data: [{regex: a}]}}";
    let two = "intents: {X: {data: [{regex: b}, {regex: c, actions: [{publish: {topic: three}}], response: Three.}]}}";
    let (rules, problems) = load(&[source("1", one), source("2", two)]);
    assert_eq!(problems, []);
    let topics = |text| {
        let hit = rules.find(text, "en", None).unwrap();
        (hit.response, hit.publishes.into_iter().map(|publish| publish.topic).collect::<Vec<_>>())
    };
    assert_eq!(topics("a"), ("One.".to_owned(), vec!["one".to_owned()]));
    assert_eq!(topics("b"), ("OK.".to_owned(), vec![]));
    assert_eq!(topics("c"), ("Three.".to_owned(), vec!["three".to_owned()]));
}

#[test]
fn lists_and_responses_of_all_files_come_together() {
    let one = "lists: {n: {values: [a]}}\nresponses: {intents: {X: {default: 'Old {n}.', k: 'Key {n}.'}}}";
    let two = "lists: {n: {values: [{in: b, out: B}]}}\nresponses: {intents: {X: {default: 'New {n}.'}}}\n\
               intents: {X: {data: [{regex: 'go (?P<n>.)'}, {regex: 'key (?P<n>.)', response: k}]}}";
    let (rules, problems) = load(&[source("1", one), source("2", two)]);
    assert_eq!(problems, []);
    let response = |text| rules.find(text, "en", None).map(|hit| hit.response);
    assert_eq!(response("go a").as_deref(), Some("New a."));
    assert_eq!(response("key b").as_deref(), Some("Key b."));
    assert_eq!(response("go c"), None);
}

#[test]
fn home_assistants_files_are_accepted() {
    let text = r#"
language: en
settings: {ignore_whitespace: false, filter_with_regex: true}
intents:
  HassTurnOn:
    data:
      - sentences: ["turn on [the] {name}", "<turn> {area:preferred} {1..60:secs} (now;please)"]
        slots: {domain: light}
        response: light
        requires_context: {domain: [light, switch], area: {value: kitchen, slot: preferred}, x: null}
        excludes_context: {domain: cover}
        required_keywords: [on]
        expansion_rules: {turn: "(turn|switch)"}
        lists: {name: {values: [{in: "big [red] fan", out: fan, context: {domain: fan}, metadata: {a: 1}}, plain, 7]}}
        metadata: {hass_custom_sentence: true}
lists:
  brightness: {range: {from: 0, to: 100, step: 5, type: percentage, multiplier: 2, fractions: halves, digits: true, words: true, words_language: en}}
  message: {wildcard: true}
expansion_rules: {the: "[the]"}
skip_words: [please]
responses:
  intents: {HassTurnOn: {default: "Turned on {{ slots.name }}", light: "On"}}
  errors: {no_intent: "Sorry"}
"#;
    let rules = rules(text);
    assert_eq!((rules.len(), rules.intents(), rules.notes()), (2, 1, &[][..]));
    let context = json!({"area": "kitchen", "x": 1});
    let said = Said { text: "please switch hall 5 secs", lang: "en", context: context.as_object(), ..Said::default() };
    assert_eq!(rules.hear(&said), None);
    // The block's own list of names, its context and its keyword.
    let named = |text| rules.hear(&Said { text, ..said }).map(|hit| hit.slots);
    assert_eq!(named("turn on the plain"), None);
}

#[test]
fn too_many_rules_are_refused() {
    let many: String =
        (0..=MAX_RULES).fold(String::from("intents: {X: {data: [{regex: ["), |text, n| text + &format!("r{n},"));
    let (rules, problems) = load(&[source("t.yaml", &(many + "]}]}}"))]);
    assert_eq!((rules.len(), problems.len()), (0, 1));
    assert!(problems[0].message.contains("2001 regexes"), "{}", problems[0]);
}

#[test]
fn regexes_that_grow_are_refused() {
    let nested = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    for (regex, word) in [("a{1000}{1000}", "too large"), (r"\pL{900}", "too large"), (nested.as_str(), "nested")] {
        let found = problems(&format!("intents: {{X: {{data: [{{regex: '{regex}'}}]}}}}"));
        assert!(found.len() == 1 && found[0].contains(word), "{found:?}");
    }
}

#[test]
fn a_failing_test_says_what_it_expected_and_what_came() {
    let rules = rules(
        "\
intents:
  X: {data: [{regex: 'go (?P<a>.+)', actions: [{publish: {topic: t, payload: {a: '{a}'}}}]}]}
  Y: {data: [{regex: stay}]}
tests:
  - {say: go 5, intent: X, slots: {a: 5}, publishes: [{topic: t, payload: '{\"a\": 5}', qos: 1}], response: OK.}
  - {say: stay, intent: X}
  - {say: go 6, intent: X, slots: {a: 7}, publishes: []}
  - {say: go up, intent: none}
  - {say: nothing, intent: Y}
  - {say: nothing, intent: null}
",
    );
    let report = rules.run_tests();
    assert_eq!(report.passed, 2);
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failures,
        [
            "t.yaml:6: \"stay\"\n  intent: expected X\n          got      Y (t.yaml:3)",
            "t.yaml:7: \"go 6\"\n  slots: expected {\"a\":7}\n         got      {\"a\":6}\n  publishes[0]: expected no message\n                got      t {\"a\":6} qos 1 retain false",
            "t.yaml:8: \"go up\"\n  intent: expected no match\n          got      X (t.yaml:2)",
            "t.yaml:9: \"nothing\"\n  intent: expected Y\n          got      no match",
        ]
    );
}

#[test]
fn the_schema_describes_the_file() {
    let schema = schema();
    assert_eq!(schema["title"], "hearthd intents");
    assert_eq!(schema["additionalProperties"], false);
    let text = schema.to_string();
    for key in ["required_keywords", "expansion_rules", "publishes", "qos", "metadata", "requires_context"] {
        assert!(text.contains(key), "{key}");
    }
    assert!(schema["properties"]["tests"]["description"].as_str().is_some_and(|text| text.contains("hearthd test")));
}
