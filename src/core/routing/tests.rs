//! Who answers what: a table.

use super::*;

use Route::{Chat, Explain, NotUnderstood};

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
    ("teach me something about volcanoes", Explain),
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
    ("what is the capital of france", Chat),
    ("close friends are the best", Chat),
    ("that's a nice turn of phrase", Chat),
    ("the lights are pretty tonight", Chat),
    ("is it going to rain", Chat),
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
        .map(|(text, expected)| (text, expected, route(text, None, false)))
        .filter(|(_, expected, got)| got.tier != **expected)
        .map(|(text, expected, got)| format!("{text}: expected {expected}, got {} because {}", got.tier, got.reason))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_rule_that_matched_goes_first() {
    for (text, _) in TABLE {
        assert_eq!(route(text, None, true).tier, Route::Intent);
    }
}

#[test]
fn the_tier_that_was_asked_for_wins() {
    for (text, _) in TABLE {
        for hit in [true, false] {
            assert_eq!(route(text, Some(Tier::Chat), hit).tier, Chat);
            assert_eq!(route(text, Some(Tier::Explain), hit).tier, Explain);
        }
        assert_eq!(route(text, Some(Tier::Intent), true).tier, Route::Intent);
        assert_eq!(route(text, Some(Tier::Intent), false).tier, NotUnderstood);
    }
}

#[test]
fn case_and_punctuation_change_nothing() {
    for (text, expected) in TABLE {
        let shouted = format!("  {}!!  ", text.to_uppercase());
        assert_eq!(route(&shouted, None, false).tier, *expected, "{shouted}");
    }
}

#[test]
fn a_reason_is_given() {
    assert_eq!(
        route("could you please turn on the flux capacitor", None, false).reason,
        "a command (\"turn on\") that no rule matches"
    );
    assert_eq!(route("thank you", None, false).reason, "small talk");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = route(&text, None, false);
    }
}
