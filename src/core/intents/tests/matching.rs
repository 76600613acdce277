//! Sentences against rules: slots, lists, context, and what may enter a topic or a payload.

use proptest::prelude::*;

use super::*;

const HOME: &str = "
language: en
lists:
  name:
    values:
      - {in: Salt-Lamp, out: salt, context: {domain: light, area: den}}
      - {in: kettle, out: k1, context: {domain: switch}}
      - {in: lamp, out: lamp/left, context: {domain: light}}
      - {in: lamp, out: lamp_plug, context: {domain: switch}}
  level: {range: {from: 0, to: 100, step: 10, multiplier: 2.5}}
  what: {wildcard: true}
skip_words: [please, would you kindly]
intents:
  On:
    data:
      - regex: on (?P<name>.+)
        requires_context: {domain: light}
        slots: {domain: light, name: never}
        actions: [{publish: {topic: 'd/{name}/set', payload: {state: 'ON'}}}]
        response: 'The {name} is on.'
      - regex: on (?P<name>.+)
        requires_context: {domain: [switch, plug]}
        actions: [{publish: {topic: 'p/{name}', payload: '1', qos: 2, retain: true}}]
  Level:
    data:
      - regex: '(?P<name>.+?) to (?P<level>\\d+)'
        excludes_context: {domain: switch}
        actions: [{publish: {topic: 'd/{name}/set', payload: {level: '{level}', text: 'at {level}'}}}]
  Say:
    data:
      - regex: say (?P<what>.+)
        required_keywords: [hello, good day]
        actions: [{publish: {topic: say, payload: {text: '{what}', note: 'said \"{what}\"', '{what}': [1, true, null]}}}]
  Here:
    data:
      - regex: light here
        requires_context: {area: {slot: true}}
        lists: {area: {values: [{in: living room, out: lr}, den]}}
        actions: [{publish: {topic: '{area}/light'}}]
        response: Light in the {area}.
  There:
    data:
      - regex: light( in (?P<area>\\w+))?
        requires_context: {area: {slot: true}}
        actions: [{publish: {topic: '{area}/light'}}]
";

/// The first message of a hit as `topic payload`.
fn publish_of(rules: &Rules, text: &str, site: Option<&str>) -> Option<String> {
    let hit = rules.find(text, "en", site)?;
    hit.publishes.first().map(|publish| format!("{} {}", publish.topic, publish.payload))
}

fn assert_publishes(rules: &Rules, text: &str, site: Option<&str>, expected: &str) {
    assert_eq!(publish_of(rules, text, site).as_deref(), Some(expected), "{text}");
}

#[test]
fn a_list_takes_only_its_values() {
    let rules = rules(HOME);
    let hit = rules.find("On SALT lamp", "en", None).unwrap();
    assert_eq!(Value::Object(hit.slots), json!({"name": "salt", "domain": "light"}));
    assert_eq!((hit.response.as_str(), hit.publishes[0].topic.as_str()), ("The Salt-Lamp is on.", "d/salt/set"));
    assert_eq!(rules.find("on pepper lamp", "en", None), None);
    assert_eq!(rules.find("please on salt-lamp would you kindly", "en", None).unwrap().name, "On");
    assert_eq!(rules.find("please", "en", None), None);
}

#[test]
fn the_context_of_a_value_chooses_the_rule() {
    let rules = rules(HOME);
    assert_publishes(&rules, "on kettle", None, "p/k1 1");
    assert_publishes(&rules, "on lamp", None, "d/lamp/left/set {\"state\":\"ON\"}");
    let hit = rules.find("on kettle", "en", None).unwrap();
    assert_eq!((hit.publishes[0].qos, hit.publishes[0].retain, hit.response.as_str()), (2, true, "OK."));
    assert_eq!(publish_of(&rules, "kettle to 10", None), None);
    // The first "lamp" that the rule allows.
    assert_publishes(&rules, "lamp to 10", None, "d/lamp/left/set {\"level\":25,\"text\":\"at 25\"}");
}

#[test]
fn a_range_takes_only_its_numbers() {
    let rules = rules(HOME);
    assert_publishes(&rules, "salt lamp to 100", None, "d/salt/set {\"level\":250,\"text\":\"at 250\"}");
    assert_publishes(&rules, "salt lamp to 050", None, "d/salt/set {\"level\":125,\"text\":\"at 125\"}");
    for text in ["salt lamp to 55", "salt lamp to 110", "salt lamp to 1000000000000000000000", "salt lamp to ٣"] {
        assert_eq!(publish_of(&rules, text, None), None, "{text}");
    }
}

#[test]
fn words_in_json_are_escaped() {
    let rules = rules(HOME);
    let payload = publish_of(&rules, r#"say hello a"},{"x":1}\ {what} end"#, None).unwrap();
    let spoken = r#"hello a"},{"x":1}\ {what} end"#;
    let read: Value = serde_json::from_str(payload.trim_start_matches("say ")).unwrap();
    assert_eq!(read, json!({"text": spoken, "note": format!("said \"{spoken}\""), spoken: [1, true, null]}));
    assert_eq!(publish_of(&rules, "say goodbye", None), None);
    assert!(publish_of(&rules, "say good day", None).is_some());
}

#[test]
fn json_written_as_text_cannot_be_broken_out_of() {
    let rules = publishing("x (?P<a>.+)", "t", r#"'{"a": {a}, "b": "{a}", "c": "\"{a}"}'"#);
    let text = payload(&rules, r#"x 1,"d":"2"#).unwrap();
    let spoken = r#"1,"d":"2"#;
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!({"a": spoken, "b": spoken, "c": format!("\"{spoken}")})
    );
    assert_eq!(payload(&rules, "x 5").as_deref(), Some(r#"{"a": 5, "b": "5", "c": "\"5"}"#));
}

#[test]
fn scalars_and_plain_text_are_sent_as_they_are() {
    for (written, expected) in
        [("21", "21"), ("true", "true"), ("null", ""), ("'{a} \"q\"'", "s\"ay \"q\""), ("'to {x y} {'", "to {x y} {")]
    {
        let rules = publishing("x (?P<a>.+)", "t", written);
        assert_eq!(payload(&rules, "x s\"ay").as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn spoken_words_enter_a_topic_only_when_harmless() {
    let rules = publishing("to (?P<room>.+)", "home/{room}/set", "go");
    let topic = |text: &str| rules.find(text, "en", None).map(|hit| hit.publishes[0].topic.clone());
    assert_eq!(topic("to attic 2").as_deref(), Some("home/attic 2/set"));
    for text in ["to a/b", "to +", "to a#", "to #", "to a+b", &format!("to {}", "x".repeat(65))] {
        assert_eq!(topic(text), None, "{text}");
    }
    let first = publishing("to (?P<room>.+)", "{room}/set", "go");
    assert_eq!(first.find("to $SYS", "en", None), None);
    assert_eq!(first.find("to $share", "en", None), None);
    assert!(first.find("to sys", "en", None).is_some());
}

#[test]
fn a_slot_that_is_not_filled_sends_nothing() {
    let rules = publishing("go( (?P<room>[a-z]+))?", "home/{room}/set", "go");
    assert!(rules.find("go up", "en", None).is_some());
    assert_eq!(rules.find("go", "en", None), None);
}

#[test]
fn the_room_it_is_said_in_fills_the_area() {
    let rules = rules(HOME);
    assert_publishes(&rules, "light here", Some("living_room"), "lr/light ");
    assert_publishes(&rules, "light here", Some("Den"), "den/light ");
    assert_eq!(publish_of(&rules, "light here", Some("satellite-7")), None);
    assert_eq!(publish_of(&rules, "light here", None), None);
    assert_eq!(rules.find("light here", "en", Some("living_room")).unwrap().response, "Light in the living room.");
    // Without a list of areas the site's own id stands for the room; the sentence's room comes first.
    assert_publishes(&rules, "light", Some("attic"), "attic/light ");
    assert_publishes(&rules, "light in hall", Some("attic"), "hall/light ");
    assert_eq!(publish_of(&rules, "light", Some("a/+")), None);
}

#[test]
fn numbers_are_numbers() {
    let rules = publishing("v (?P<a>.+)", "t", "'{a}'");
    for (said, value) in [
        ("21", json!(21)),
        ("-4", json!(-4)),
        ("2.5", json!(2.5)),
        ("1e5", json!("1e5")),
        ("1,5", json!("1,5")),
        ("1.2.3", json!("1.2.3")),
        ("12345678901234567890", json!("12345678901234567890")),
    ] {
        let hit = rules.find(&format!("v {said}"), "en", None).unwrap();
        assert_eq!(hit.slots.get("a"), Some(&value), "{said}");
    }
}

#[test]
fn a_language_is_matched_exactly_then_by_its_beginning() {
    let en = "language: en\nintents: {E: {data: [{regex: licht}]}}\n";
    let de = "language: de\nintents: {D: {data: [{regex: licht}]}}\n";
    let at = "language: de_AT\nintents: {A: {data: [{regex: licht}]}}\n";
    let any = "intents: {N: {data: [{regex: lux}]}}\n";
    let (rules, problems) = load(&[source("4", any), source("2", de), source("3", at), source("1", en)]);
    assert_eq!((problems.len(), rules.len()), (0, 4));
    let name = |text, lang| rules.find(text, lang, None).map(|hit| hit.name);
    for (text, lang, expected) in [
        ("licht", "en", Some("E")),
        ("licht", "en-US", Some("E")),
        ("Licht", "DE", Some("D")),
        ("licht", "de-AT", Some("A")),
        ("licht", "de-CH", Some("D")),
        ("licht", "fr", None),
        ("lux", "fr", Some("N")),
        ("lux", "de-AT", Some("N")),
        ("lux", "en", Some("N")),
        ("licht", "e", None),
    ] {
        assert_eq!(name(text, lang).as_deref(), expected, "{text} {lang}");
    }
}

#[test]
fn the_first_rule_in_the_order_of_the_files_wins() {
    let one = source("a/1.yaml", "intents: {Z: {data: [{regex: 'go .+'}]}, A: {data: [{regex: go up}]}}");
    let two = source("a/2.yaml", "intents: {B: {data: [{regex: go down}, {regex: stay}]}}");
    let (rules, problems) = load(&[two, one]);
    assert_eq!(problems, []);
    for (text, expected) in [("go up", "Z"), ("go down", "Z"), ("stay", "B")] {
        assert_eq!(rules.find(text, "en", None).unwrap().name, expected);
    }
}

#[test]
fn what_a_list_says_of_a_value_may_be_sent() {
    let rules = rules(
        "lists: {color: {values: [{in: red, out: red, context: {hex: '#f00', levels: [1, 2]}}, plain]}}\n\
         intents: {C: {data: [{sentences: ['make it {color}'], response: 'it is {color.hex} now', \
         actions: [{publish: {topic: c, payload: {hex: '{color.hex}', text: 'a {color.hex}', levels: '{color.levels}'}}}]}]}}",
    );
    let sent: Value = serde_json::from_str(&payload(&rules, "make it red").unwrap()).unwrap();
    assert_eq!(sent, json!({ "hex": "#f00", "text": "a #f00", "levels": [1, 2] }));
    assert_eq!(rules.find("make it red", "en", None).unwrap().response, "it is #f00 now");
    // Nothing half is sent.
    assert_eq!(rules.find("make it plain", "en", None), None);
    let unknown = "intents: {C: {data: [{sentences: ['make it {name}'], response: '{colr.hex}'}]}}";
    assert!(problems(unknown)[0].contains("unknown slot `colr`"), "{:?}", problems(unknown));
}

#[test]
fn what_nothing_carries_out_gives_way() {
    let rules = rules(
        "language: en\nintents: {HassVacuumStart: {data: [{sentences: ['tell the robot to go [and] clean']}]}, \
         Mine: {data: [{sentences: ['[tell] [the] robot [to] {order}'], lists: {order: {wildcard: true}}, response: ok}]}}",
    );
    let find = |text| rules.find(text, "en", None).map(|hit| (hit.name, hit.is_handled));
    assert_eq!(find("tell the robot to go clean"), Some(("Mine".to_owned(), true)));
    assert_eq!(find("tell the robot to go and clean"), Some(("Mine".to_owned(), true)));
}

#[test]
fn no_rules_match_nothing() {
    let rules = Rules::default();
    assert_eq!((rules.len(), rules.is_empty(), rules.find("x", "en", None)), (0, true, None));
    assert_eq!(rules.run_tests(), TestReport::default());
    assert_eq!(rules.missed(&Said { text: "x", ..Said::default() }).suggestions, Vec::<String>::new());
}

proptest! {
    /// Whatever is said: no panic, and nothing that a broker must refuse or that opens another level.
    #[test]
    fn spoken_words_stay_in_their_place(text in "(on|say hello|to|v|light)? ?[-a-z+#/${}\"\\\\ \u{0}\u{7f}é0-9.]{0,40}", site in "[-a-z_+/#]{0,8}") {
        let rules = [rules(HOME), publishing("to (?P<room>.+)", "home/{room}/set", "{a: '{room}'}")];
        for rules in rules {
            if let Some(hit) = rules.find(&text, "en", Some(&site)) {
                for publish in &hit.publishes {
                    prop_assert!(fill::is_topic(&publish.topic));
                    prop_assert!(!publish.topic.starts_with("home/") || publish.topic.matches('/').count() == 2);
                    if publish.payload.starts_with('{') {
                        prop_assert!(serde_json::from_str::<Value>(&publish.payload).is_ok(), "{}", publish.payload);
                    }
                }
            }
            let _ = rules.missed(&Said { text: &text, lang: "en", ..Said::default() });
        }
    }
}

/// "Kitchenlights" where the sentence has a space between two lists: languages that join words say it so.
#[test]
fn values_may_be_said_as_one_word() {
    let rules = rules(
        "
language: en
lists:
  place: {values: [office, den]}
  thing: {values: [shades, light]}
  level: {range: {from: 0, to: 10}}
  what: {wildcard: true}
intents:
  Close: {data: [{sentences: ['close {place} {thing} [to {level}]', '{thing} {level}', 'say ({what};{thing}) now']}]}
",
    );
    for (text, slots) in [
        ("close officeshades", json!({"place": "office", "thing": "shades"})),
        ("close denlight to 5", json!({"place": "den", "thing": "light", "level": 5})),
        ("light5", json!({"thing": "light", "level": 5})),
        ("say xlight now", json!({"what": "x", "thing": "light"})),
    ] {
        let hit = rules.find(text, "en", None).unwrap_or_else(|| panic!("{text:?} is nothing"));
        assert_eq!(Value::Object(hit.slots), slots, "{text}");
    }
    assert_eq!(rules.find("close officex shades", "en", None), None);
}

#[test]
fn words_that_mean_nothing_may_stand_inside_a_name() {
    let rules = rules(
        "
language: en
skip_words: [uh, you know]
lists: {thing: {values: [kitchen light, uh oh lamp]}}
intents: {On: {data: [{sentences: ['{thing} on']}]}}
",
    );
    for (text, name) in [
        ("kitchen uh light on", Some("kitchen light")),
        ("kitchen uh you know uh light uh on", Some("kitchen light")),
        ("uh oh lamp on", Some("uh oh lamp")),
        ("uh uh oh you know lamp on", Some("uh oh lamp")),
        ("kitchenuh light on", None),
        ("oh lamp on", None),
    ] {
        let hit = rules.find(text, "en", None);
        assert_eq!(hit.as_ref().and_then(|hit| hit.slots["thing"].as_str()), name, "{text}");
    }
}
