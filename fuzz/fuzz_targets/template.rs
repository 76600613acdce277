//! Any text as a sentence, as an expansion rule and as a list's value: it is refused with its place, or can be matched.
#![no_main]

use hearthd_fuzz::{read, say};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let (template, said) = text.split_once('\n').unwrap_or((text, text));
    let grammars = [
        json!({"sentences": [template]}),
        json!({"sentences": ["turn <r>"], "expansion_rules": {"r": template}}),
        json!({"sentences": ["turn {l}"], "lists": {"l": {"values": [template]}}}),
    ];
    for block in grammars {
        let grammar = json!({
            "language": "en",
            "skip_words": ["please"],
            "lists": {
                "name": {"values": ["lamp", "desk lamp"]},
                "n": {"range": {"from": -10, "to": 100, "type": "percentage"}},
                "q": {"wildcard": true},
            },
            "expansion_rules": {"the": "[the|a]", "on": "(turn|switch) on"},
            "intents": {"I": {"data": [block]}},
        });
        let (rules, problems) = read("fuzz.json", &grammar.to_string());
        assert!(problems > 0 || rules.len() == 1, "{template:?}");
        for said in [said, template, &format!("turn {said}")] {
            say(&rules, said, "en");
        }
    }
});
