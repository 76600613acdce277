//! Who answers what: a table.

use super::*;

use Route::{Chat, Explain, NotUnderstood};

use trainer::{Texts, checksum, train};

const TEXTS: Texts<'_> = Texts {
    common: include_str!("training/common.txt"),
    command: include_str!("training/command.txt"),
    chat: include_str!("training/chat.txt"),
    explain: include_str!("training/explain.txt"),
};

fn english(text: &str) -> Asked<'_> {
    Asked { text, lang: "en", tier: None, hit: false }
}

fn said(text: &str) -> Decision {
    route(&english(text), &Settings::default())
}

/// What is said when no rule matched and no tier was asked for, and who answers.
const TABLE: &[(&str, Route)] = &[
    // Commands, which no model may take.
    ("turn on the flux capacitor", NotUnderstood),
    ("Turn on the flux capacitor!", NotUnderstood),
    ("turn off everything in the cellar", NotUnderstood),
    ("turn the warp drive on", NotUnderstood),
    ("could you please turn off the warp drive", NotUnderstood),
    ("hey, can you turn up the heating", NotUnderstood),
    ("please switch on the coffee machine", NotUnderstood),
    ("switch the bedroom lamp off", NotUnderstood),
    ("dim the lights", NotUnderstood),
    ("dim", NotUnderstood),
    ("brighten the hallway", NotUnderstood),
    ("open the garage", NotUnderstood),
    ("open garage door", NotUnderstood),
    ("close the blinds", NotUnderstood),
    ("close all windows", NotUnderstood),
    ("set the thermostat to 21 degrees", NotUnderstood),
    ("set temperature to 21", NotUnderstood),
    ("set living room to 20", NotUnderstood),
    ("set a timer for five minutes", NotUnderstood),
    ("set an alarm for seven", NotUnderstood),
    ("play some jazz", NotUnderstood),
    ("play bohemian rhapsody", NotUnderstood),
    ("play the office on the tv", NotUnderstood),
    ("pause", NotUnderstood),
    ("pause the music", NotUnderstood),
    ("next song", NotUnderstood),
    ("volume up", NotUnderstood),
    ("mute the tv", NotUnderstood),
    ("lock the front door", NotUnderstood),
    ("unlock the front door", NotUnderstood),
    ("disarm the alarm", NotUnderstood),
    ("activate movie night", NotUnderstood),
    ("raise the blinds", NotUnderstood),
    ("lower the shutters a bit", NotUnderstood),
    ("kitchen lights off", NotUnderstood),
    ("all lights off please", NotUnderstood),
    ("stop", NotUnderstood),
    ("stop the vacuum", NotUnderstood),
    ("i want you to open the gate", NotUnderstood),
    ("would you mind turning off the radio", NotUnderstood),
    ("start the dishwasher", NotUnderstood),
    ("change the temperature to 22", NotUnderstood),
    ("make it warmer in here", NotUnderstood),
    ("shut the door", NotUnderstood),
    ("remind me to water the plants", NotUnderstood),
    ("i need a timer for ten minutes", NotUnderstood),
    ("add milk to my shopping list", NotUnderstood),
    ("roll down the shutters", NotUnderstood),
    // Explanations.
    ("explain quantum physics in simple terms", Explain),
    ("Can you explain how a fridge works?", Explain),
    ("why is the sky blue?", Explain),
    ("how does a heat pump work", Explain),
    ("how do I turn on my oven?", Explain),
    ("how do you open a coconut", Explain),
    ("what is the difference between a llama and an alpaca", Explain),
    ("tell me about the roman empire", Explain),
    ("describe in detail how bread is made", Explain),
    ("open question: why is the sky blue", Explain),
    ("play on words – explain", Explain),
    ("set theory explained simply", Explain),
    ("lock picking explained", Explain),
    ("turn of phrase: what does it mean", Explain),
    ("compare cats and dogs", Explain),
    ("what happens when I close a valve too fast", Explain),
    ("what are the pros and cons of solar panels", Explain),
    ("walk me through changing a tyre", Explain),
    ("tell me the history of the light bulb", Explain),
    ("teach me about volcanoes", Explain),
    ("could you please explain why the heating makes noises", Explain),
    ("is it a good idea to buy a house now when the interest rates are that high in europe", Explain),
    // Chat.
    ("hello, how are you?", Chat),
    ("good morning", Chat),
    ("tell me a joke", Chat),
    ("what's your name", Chat),
    ("who are you", Chat),
    ("thank you", Chat),
    ("I am bored", Chat),
    ("play a game with me", Chat),
    ("stop it, you make me laugh", Chat),
    ("change the subject", Chat),
    ("how are you doing today", Chat),
    ("what is the capital of france", Explain),
    ("close friends are the best", Chat),
    ("that's a nice turn of phrase", Chat),
    ("the lights are pretty tonight", Chat),
    ("is it going to rain", NotUnderstood),
    ("please", Chat),
    ("roll the dice", Chat),
    ("make a joke about lamps", Chat),
    ("change my name to master", Chat),
    ("?", Chat),
];

#[test]
fn the_table_holds() {
    let wrong: Vec<String> = TABLE
        .iter()
        .map(|(text, expected)| (text, expected, said(text)))
        .filter(|(_, expected, got)| got.tier != **expected)
        .map(|(text, expected, got)| format!("{text}: expected {expected}, got {} because {}", got.tier, got.reason))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_rule_that_matched_goes_first() {
    for (text, _) in TABLE {
        assert_eq!(route(&Asked { hit: true, ..english(text) }, &Settings::default()).tier, Route::Intent);
    }
}

#[test]
fn the_tier_that_was_asked_for_wins() {
    let asked_for = |text, tier, hit| {
        let asked = Asked { tier: Some(tier), hit, ..english(text) };
        route(&asked, &Settings::default()).tier
    };
    for (text, _) in TABLE {
        for hit in [true, false] {
            assert_eq!(asked_for(text, Tier::Chat, hit), Chat);
            assert_eq!(asked_for(text, Tier::Explain, hit), Explain);
        }
        assert_eq!(asked_for(text, Tier::Intent, true), Route::Intent);
        assert_eq!(asked_for(text, Tier::Intent, false), NotUnderstood);
    }
}

#[test]
fn case_and_punctuation_change_nothing() {
    for (text, expected) in TABLE {
        let shouted = format!("  {}!!  ", text.to_uppercase());
        assert_eq!(said(&shouted).tier, *expected, "{shouted}");
    }
}

#[test]
fn a_reason_is_given() {
    let decision = said("could you please turn on the flux capacitor");
    assert_eq!(decision.reason, "a command (\"turn on\") that no rule matches");
    assert!(said("thank you").reason.starts_with("sounds like small talk (0."), "{}", said("thank you").reason);
}

/// Device commands that neither rules nor phrases need know: no model may ever get one.
const COMMANDS: &[&str] = &[
    "douse the lamps in the den",
    "would somebody get the hallway light",
    "kitchen heater on full",
    "bring the blinds to half",
    "get the garage shut",
    "i'd like the fan a bit faster",
    "lights out in the nursery",
    "crank the heat up",
    "the porch light should be off",
    "can you make sure that the back door is locked",
    "send the robot back to its dock",
    "give me thirty minutes on the egg timer",
    "wake us up at half past six",
    "jot down paper towels on the shopping list",
    "tell my sister that i am running late",
    "ring uncle bob",
    "put my dentist appointment on the calendar",
    "let me hear some piano music",
    "go back to the song before",
    "that is too loud turn it down",
    "pay my electric bill",
    "book a taxi for seven",
    "is the oven still on",
    "what is left on my shopping list",
    "do i have any meetings on friday",
    "what time is it in nairobi",
    "will it rain on sunday",
];

#[test]
fn no_command_gets_to_a_model() {
    let to_models: Vec<String> = COMMANDS
        .iter()
        .map(|text| (text, said(text)))
        .filter(|(_, got)| got.tier != NotUnderstood)
        .map(|(text, got)| format!("{text}: {} because {}", got.tier, got.reason))
        .collect();
    assert_eq!(to_models, Vec::<String>::new());
}

#[test]
fn below_the_confidence_the_large_model_answers() {
    let sure = Settings { confidence: 1.0, ..Settings::default() };
    let unsure = Settings { confidence: 0.0, ..Settings::default() };
    assert_eq!(route(&english("hello, how are you?"), &sure).tier, Explain);
    assert_eq!(route(&english("hello, how are you?"), &unsure).tier, Chat);
    assert_eq!(route(&english("why is the sky blue?"), &unsure).tier, Explain);
}

#[test]
fn an_override_decides_between_the_models_but_frees_no_command() {
    let overrides = vec![
        Override::new("Sky", false),
        Override::new("blue sky!", true),
        Override::new("flux capacitor", false),
        Override::new("light", false),
    ];
    let settings = Settings { overrides, ..Settings::default() };
    let routed = |text| route(&english(text), &settings).tier;
    assert_eq!(routed("why is the sky so dark"), Chat);
    assert_eq!(routed("tell me a joke about the BLUE sky"), Explain);
    assert_eq!(routed("explain the skyline"), Explain);
    assert_eq!(routed("turn on the flux capacitor"), NotUnderstood);
    assert_eq!(routed("please dim the light"), NotUnderstood);
    let german = Asked { lang: "de", ..english("Blue Sky, bitte") };
    assert_eq!(route(&german, &settings).tier, Explain);
}

#[test]
fn other_languages_are_not_scored() {
    let tier = |lang, text| {
        let decision = route(&Asked { lang, ..english(text) }, &Settings::default());
        assert_eq!(decision.scores, None, "{text}");
        decision.tier
    };
    assert_eq!(tier("de", "Wie geht es dir?"), Chat);
    assert_eq!(tier("de-AT", "Mir ist heute langweilig"), Chat);
    let long = "Kannst du mir bitte genau sagen, weshalb der Himmel am Abend so rot ist und mittags blau?";
    assert_eq!(tier("de", long), Explain);
    assert_eq!(tier("el", "Γεια σου, τι κάνεις;"), Chat);
    assert!(route(&Asked { lang: "en-GB", ..english("hello") }, &Settings::default()).scores.is_some());
    assert!(route(&Asked { lang: "EN", ..english("hello") }, &Settings::default()).scores.is_some());
}

#[test]
fn the_shipped_weights_are_those_of_the_training_texts() {
    let shipped = include_bytes!("weights.bin");
    let told = "run `hearthd train-router` after changing the training texts, the features or the trainer";
    let weights = predictor::Weights::read(shipped).expect(told);
    assert_eq!(weights.checksum, checksum(&TEXTS), "{told}");
    assert!(train(&TEXTS).unwrap() == shipped, "{told}");
}

#[test]
fn weights_of_another_version_are_no_weights() {
    let shipped = include_bytes!("weights.bin");
    assert!(predictor::Weights::read(&shipped[1..]).is_none());
    assert!(predictor::Weights::read(&shipped[..shipped.len() - 1]).is_none());
    assert!(predictor::Weights::read(b"").is_none());
}

#[test]
fn a_wrong_pattern_is_told() {
    let with = |chat| train(&Texts { chat, ..TEXTS }).unwrap_err();
    assert_eq!(with("say (one|two"), "`say (one|two` has an open bracket");
    assert_eq!(with("say <nothing>"), "`say <nothing>`: nothing is called <nothing>");
    assert!(with("<loop> = a <loop>\nsay <loop>").ends_with("nests too deep"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_scores_make_one(text in "\\PC{0,80}") {
        let Some(scores) = said(&text).scores else {
            proptest::prop_assert_eq!(utterance::normalise(&text), "");
            return Ok(());
        };
        let whole = scores.command + scores.chat + scores.explain;
        proptest::prop_assert!((whole - 1.0).abs() < 1e-3, "{scores}");
    }

    #[test]
    fn no_pattern_panics(chat in "[()<>|\\[\\] =a-c]{0,30}") {
        let _ = train(&Texts { common: "", command: "stop", chat: &chat, explain: "why" });
    }
}
