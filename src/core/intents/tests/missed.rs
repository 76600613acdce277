//! What is said of commands that no rule matches, and what is offered instead.

use super::*;

fn missed_in(rules: &Rules, text: &str) -> (String, Vec<String>) {
    let missed = rules.missed(&Said { text, lang: "en", ..Said::default() });
    (missed.message, missed.suggestions)
}

/// Said of what nothing is known of.
const NOTHING: &str = "no rule matches this command; `hearthd match` shows why";
const NOT_CARRIED_OUT: &str = "but no action of the intent files carries it out here";

/// What is said in the demo home, with what is answered (a part of it) and what is offered (all of it).
const SAID: [(&str, &str, &[&str]); 37] = [
    // A name that was said right, a part of the words, or their contrary: nothing that somebody should say.
    ("no turn off the kitchen light", NOTHING, &[]),
    ("don't turn off the kitchen light", NOTHING, &[]),
    ("please do not unlock the front door", NOTHING, &[]),
    ("not unlock the front door", NOTHING, &[]),
    ("turn off everything except the radio and the tv", NOTHING, &[]),
    ("leave the hallway light on and turn everything else off", NOTHING, &[]),
    ("open everything", NOTHING, &[]),
    ("lock everything", NOTHING, &[]),
    ("turn everything on", NOTHING, &[]),
    // Fragments of a sentence are no names.
    ("alexa turn on the kitchen light", "did you mean", &["turn on the kitchen light again"]),
    ("wait turn off the kitchen light", NOTHING, &[]),
    ("hearthd turn off the kitchen light", NOTHING, &[]),
    // Words that are nothing like a name, or the words that tell names apart.
    ("off", NOTHING, &[]),
    ("we need butter", NOTHING, &[]),
    ("put the big light on", "nothing called \u{201c}big\u{201d} is known here", &[]),
    ("unlock the back door", "nothing called \u{201c}back door\u{201d} is known here", &[]),
    ("turn on the garage heater", "no room called \u{201c}garage\u{201d} is known here", &[]),
    ("turn on the kitchen blinds", "nothing called \u{201c}kitchen blinds\u{201d} is known here", &[]),
    ("turn off the lights in the attic", "no room called \u{201c}attic\u{201d} is known here", &[]),
    // A slip, or a word that few names have: the whole sentence, put right.
    ("unlock the frnt door", "did you mean \u{201c}unlock the front door\u{201d}?", &["unlock the front door"]),
    (
        "turn off the reading light",
        "nothing called \u{201c}reading light\u{201d} is known here; did you mean \u{201c}reading lamp\u{201d}?",
        &["turn off the reading lamp"],
    ),
    (
        "turn on the coffee grinder",
        "nothing called \u{201c}coffee grinder\u{201d} is known here; did you mean \u{201c}coffee machine\u{201d}?",
        &["turn on the coffee machine", "turn on the coffee maker"],
    ),
    (
        "set the kitchen light to purpel",
        "no rule matches this command; did you mean \u{201c}set the kitchen light to purple\u{201d}?",
        &["set the kitchen light to purple"],
    ),
    // What is known, and is nothing for the sentence.
    (
        "open the kitchen light",
        "\u{201c}kitchen light\u{201d} is known, but is nothing for \u{201c}open the \u{2026}\u{201d}",
        &[],
    ),
    (
        "unlock the office",
        "\u{201c}office\u{201d} is known, but is nothing for \u{201c}unlock the \u{2026}\u{201d}",
        &[],
    ),
    (
        "turn the bedroom off",
        "\u{201c}bedroom\u{201d} is known, but is nothing for \u{201c}turn the \u{2026} off\u{201d}",
        &["turn the bedroom light off"],
    ),
    (
        "bedroom 20 degrees",
        "\u{201c}bedroom\u{201d} is known, but is nothing for \u{201c}\u{2026} 20 degrees\u{201d}",
        &["bedroom radiator 20 degrees"],
    ),
    ("open the bedroom", "\u{201c}bedroom\u{201d} is known, but", &["open the bedroom curtains"]),
    // No room helps.
    ("open the garage", NOT_CARRIED_OUT, &[]),
    ("open the gate", NOT_CARRIED_OUT, &[]),
    ("play the beatles", NOT_CARRIED_OUT, &[]),
    ("play the news", NOT_CARRIED_OUT, &[]),
    ("turn the heating up", NOT_CARRIED_OUT, &[]),
    // One does.
    (
        "turn on the light",
        "which room?",
        &[
            "turn on the light in the living room",
            "turn on the light in the kitchen",
            "turn on the light in the bedroom",
        ],
    ),
    // Lists are written as templates; nobody says those.
    ("set the candlelight", "nothing called \u{201c}candlelight\u{201d} is known here", &[]),
    // A command that was only begun, and the like of one.
    ("set a timer", "did you mean \u{201c}set a timer for 5 minutes\u{201d}?", &["set a timer for 5 minutes"]),
    ("dim the attic light", "nothing called \u{201c}attic\u{201d} is known here", &["dim the hallway light"]),
];

#[test]
fn what_is_offered_is_what_can_be_said() {
    let (rules, _) = load(&shipped());
    let mut wrong = Vec::new();
    for (text, message, suggestions) in SAID {
        let (said, offered) = missed_in(&rules, text);
        if !said.contains(message) || offered != suggestions {
            wrong.push(format!("{text}: {said} {offered:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn whatever_is_offered_is_understood() {
    let (rules, _) = load(&shipped());
    for (text, ..) in SAID {
        for offered in missed_in(&rules, text).1 {
            let understood = rules.understand(&Said { text: &offered, lang: "en", ..Said::default() });
            assert!(matches!(understood, Understood::Hits(_)), "{text}: {offered}: {understood:?}");
        }
    }
}

const LIGHTS: &str = "
lists:
  area: {values: [Küche, Bad]}
  name: {values: [{in: 'Nacht[tisch]lampe', out: n, context: {domain: light}}, {in: Decke, out: d, context: {domain: light}}]}
  kind: {values: ['Farb[e|en]']}
intents:
  On: {data: [{sentences: ['schalte [die|das] {name} ein'], response: ok}]}
  Off: {data: [{sentences: ['schalte alles aus'], response: ok}]}
  Kind: {data: [{sentences: ['zeige {kind}'], response: ok}]}
tests:
  - {say: schalte die Decke ein, intent: On}
";

/// Nothing of what is compared is English.
#[test]
fn other_languages_are_offered_what_can_be_said() {
    let rules = rules(&format!("language: de\n{LIGHTS}"));
    let missed = |text| {
        let missed = rules.missed(&Said { text, lang: "de", ..Said::default() });
        (missed.message, missed.suggestions)
    };
    // The way to say it is offered, not the template.
    assert_eq!(missed("schalte die Nahctlampa ein").1, ["schalte die nachtlampe ein"]);
    assert_eq!(missed("schalte die Nahctlampa nicht ein"), (NOTHING.to_owned(), Vec::new()));
    assert_eq!(missed("schalte die Decke aus"), (NOTHING.to_owned(), Vec::new()));
    assert_eq!(missed("zeige Frabne").1, Vec::<String>::new());
    let (message, offered) = missed("schalte den Ofen ein");
    assert!(message.contains("\u{201c}den Ofen\u{201d} is known here"), "{message}");
    assert_eq!(offered, ["schalte die Decke ein"]);
    let (message, _) = missed("schalte die Küche ein");
    assert!(message.starts_with("\u{201c}Küche\u{201d} is known, but is nothing for"), "{message}");
}
