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
    assert_eq!(rules.near("turn on the kitchn light", "en").first().map(String::as_str), Some("kitchen light"));
    let near = rules.near("turn on the flux capacitor", "en");
    assert!(!near.is_empty() && near.len() <= 3, "{near:?}");
    assert_eq!(near, rules.near("turn on the flux capacitor", "en"));
    assert_eq!(rules.near("quantum", "en"), Vec::<String>::new());
    assert_eq!(rules.near("", "en"), Vec::<String>::new());
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
        assert_eq!(rules.find(text, "en", Some("kitchen")), None, "{text}");
    }
}
