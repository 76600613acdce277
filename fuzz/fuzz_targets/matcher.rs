//! Any text said to a home with every kind of sentence.
#![no_main]

use std::sync::{Arc, LazyLock};

use hearthd_fuzz::core::intents::{Home, Rules, Said, Understood};
use hearthd_fuzz::{read, say};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let (mut rules, problems) = read("home.yaml", include_str!("home.yaml"));
    assert_eq!(problems, 0);
    let home = json!({
        "entities": [
            {"name": "Kitchen Lamp", "domain": "light", "area": "Kitchen"},
            {"name": "Salt and Pepper Lamp", "domain": "light", "area": "Hall"},
            {"name": "Lamp", "domain": "light", "area": "Hall"},
            {"name": "Lamp", "domain": "light", "area": "Kitchen"},
            {"name": "Front Door", "domain": "lock", "area": "Hall"},
            {"name": "Straßenlicht-2", "domain": "light"},
        ],
        "areas": ["Kitchen", "Hall"],
        "floors": ["Ground Floor"],
    });
    let home: Home = serde_json::from_value(home).expect("a home");
    rules.set_names(&Arc::new(home.names()));
    rules
});

fuzz_target!(|text: &str| {
    let understood = say(&RULES, text, "en");
    if text.is_ascii() {
        let names = |understood: Understood| match understood {
            Understood::Hits(hits) => hits.into_iter().map(|hit| hit.name).collect(),
            Understood::Unclear(_) | Understood::Nothing => Vec::new(),
        };
        let (said, loud) = (names(understood), names(say(&RULES, &text.to_ascii_uppercase(), "en")));
        assert_eq!(said, loud, "{text:?} said loudly");
    }
    let missed = RULES.missed(&Said { text, lang: "en", ..Said::default() });
    assert!(missed.suggestions.len() <= 3 && !missed.message.is_empty(), "{missed:?}");
});
