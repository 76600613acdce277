//! The files that come with hearthd.

use super::*;

#[test]
fn the_shipped_files_are_right_and_pass_their_tests() {
    let (rules, problems) = load(&shipped());
    assert_eq!(problems, []);
    assert_eq!(rules.notes(), []);
    let report = rules.run_tests();
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(report.passed >= 40, "{} tests passed", report.passed);
    assert!(rules.len() >= 25, "{} rules", rules.len());
}

#[test]
fn the_kitchen_light_goes_on() {
    let (rules, _) = load(&shipped());
    let hit = rules.find("Turn on the kitchen light, please.", "en-GB", None).unwrap();
    assert_eq!(
        serde_json::to_value(&hit).unwrap(),
        json!({
            "name": "HassTurnOn",
            "slots": {"name": "kitchen_light"},
            "source": hit.source,
            "sentence": hit.sentence,
            "is_handled": true,
            "response": "Turned on the kitchen light.",
            "publishes": [{"topic": "zigbee2mqtt/kitchen_light/set", "payload": "{\"state\":\"ON\"}", "qos": 1, "retain": false}],
        })
    );
    let (file, line) = hit.source.split_once(':').unwrap();
    let text = shipped().into_iter().find(|source| source.path == file).unwrap().text;
    assert!(text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap().contains(&hit.sentence));
}

#[test]
fn what_is_near_is_suggested() {
    let (rules, _) = load(&shipped());
    let missed = |text| rules.missed(&Said { text, lang: "en", ..Said::default() });
    let capacitor = missed("turn on the flux capacitor");
    assert_eq!(capacitor.message, "nothing called \u{201c}flux capacitor\u{201d} is known here");
    assert!((1..=3).contains(&capacitor.suggestions.len()), "{capacitor:?}");
    assert_eq!(capacitor, missed("turn on the flux capacitor"));
    let machine = missed("switch the coffee grinder on, please");
    assert_eq!(
        (machine.message.as_str(), machine.suggestions.first().map(String::as_str)),
        (
            "nothing called \u{201c}coffee grinder\u{201d} is known here; did you mean \u{201c}coffee machine\u{201d}?",
            Some("switch the coffee machine on please")
        )
    );
    let room = missed("turn off the lights in the attic");
    assert_eq!(room.message, "no room called \u{201c}attic\u{201d} is known here");
    let unfit = missed("open the kitchen light");
    assert_eq!(
        unfit.message,
        "\u{201c}kitchen light\u{201d} is known, but is nothing for \u{201c}open the \u{2026}\u{201d}"
    );
    let where_said = missed("turn on the light");
    assert!(where_said.message.starts_with("which room?"), "{where_said:?}");
    assert!(where_said.suggestions.iter().any(|say| say == "turn on the light in the kitchen"), "{where_said:?}");
    // A word of the sentences is no name that is unknown.
    let light = missed("light the light");
    assert!(!light.message.contains("called"), "{light:?}");
    for nothing in ["quantum", ""] {
        assert_eq!(missed(nothing).suggestions, Vec::<String>::new());
        assert!(missed(nothing).message.starts_with("no rule matches"));
    }
}

#[test]
fn chatter_fires_nothing() {
    let (rules, _) = load(&shipped());
    for text in [
        "hello, how are you?",
        "explain quantum physics in simple terms",
        "how do I turn on the kitchen light?",
        "what is on",
        "why is the kitchen light off",
        "turn",
        "on",
        "turn оn the kitchen light", // a Cyrillic o
        "tell me about the living room light",
        "can you",
        "please",
    ] {
        let understood = rules.understand(&Said { text, lang: "en", site: Some("kitchen"), ..Said::default() });
        assert!(!matches!(understood, Understood::Hits(_)), "{text}: {understood:?}");
    }
}
