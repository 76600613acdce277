//! What words tell about a sentence: a command, a question, a request for an explanation.
//!
//! Works on lower-case words without the punctuation at their ends. English, like the shipped intents.

/// What comes before what is meant: "could you please turn …", "hey, explain …".
const COURTESIES: &[&str] = &[
    "please",
    "kindly",
    "hey",
    "hi",
    "hello",
    "ok",
    "okay",
    "so",
    "well",
    "now",
    "just",
    "then",
    "and",
    "but",
    "also",
    "quickly",
    "can you",
    "could you",
    "would you",
    "will you",
    "can we",
    "could we",
    "can i get you to",
    "would you mind",
    "i want you to",
    "i need you to",
    "i'd like you to",
    "i would like you to",
    "i want to",
    "i'd like to",
    "i would like to",
    "go ahead and",
    "let's",
    "let us",
    "help me",
    "try to",
    "do me a favor and",
    "do me a favour and",
    "be so kind and",
    "be so kind as to",
];

/// What comes after it.
const FAREWELLS: &[&str] =
    &["please", "thanks", "thank you", "for me", "now", "right now", "will you", "would you", "again"];

/// Openings that are commands whatever follows them.
const COMMANDS: &[&str] = &[
    "turn on",
    "turn off",
    "turn up",
    "turn down",
    "turn the",
    "turn my",
    "turn all",
    "turn both",
    "turn every",
    "turn it",
    "turn them",
    "turning on",
    "turning off",
    "switch on",
    "switch off",
    "switch the",
    "switch my",
    "switch all",
    "switch it",
    "switch to",
    "switch over",
    "switch between",
    "power on",
    "power off",
    "power up",
    "power down",
    "power the",
    "shut off",
    "shut down",
    "shut the",
    "shut it",
    "put on",
    "put off",
    "put out the",
    "dim",
    "brighten",
    "lock",
    "unlock",
    "arm",
    "disarm",
    "activate",
    "deactivate",
    "enable",
    "disable",
    "toggle",
    "mute",
    "unmute",
    "pause",
    "resume",
    "skip",
    "rewind",
    "shuffle",
    "volume up",
    "volume down",
    "louder",
    "quieter",
    "lights on",
    "lights off",
    "light on",
    "light off",
    "raise the",
    "raise my",
    "lower the",
    "lower my",
    "increase the",
    "decrease the",
    "reduce the",
    "heat up",
    "heat the",
    "cool the",
    "cool down the",
    "warm up the",
    "start the",
    "start my",
    "start a",
    "start cleaning",
    "stop the",
    "stop my",
    "stop playing",
    "stop music",
    "stop cleaning",
    "run the",
    "vacuum",
    "make it warmer",
    "make it colder",
    "make it cooler",
    "make it brighter",
    "make it darker",
    "make it louder",
    "make it quieter",
    "set a timer",
    "set an alarm",
    "set timer",
    "set alarm",
    "cancel the",
    "cancel my",
    "cancel all",
    "next song",
    "next track",
    "previous song",
    "previous track",
];

/// Verbs that are commands only where a thing of the house, or "the" or "my", follows: "open the garage", "set the heating".
const VERBS: &[&str] = &[
    "open", "close", "set", "play", "turn", "switch", "change", "adjust", "start", "stop", "run", "bring", "move",
    "roll", "raise", "lower",
];

/// What follows such a verb in a command.
const THINGS: &[&str] = &[
    "the",
    "my",
    "all",
    "every",
    "both",
    "our",
    "it",
    "that",
    "this",
    "some",
    "everything",
    "up",
    "down",
    "blinds",
    "blind",
    "curtain",
    "curtains",
    "shade",
    "shades",
    "shutter",
    "shutters",
    "cover",
    "covers",
    "garage",
    "gate",
    "door",
    "doors",
    "window",
    "windows",
    "valve",
    "light",
    "lights",
    "lamp",
    "lamps",
    "heating",
    "heater",
    "heat",
    "thermostat",
    "temperature",
    "brightness",
    "volume",
    "radiator",
    "fan",
    "fans",
    "scene",
    "mode",
    "music",
    "radio",
    "song",
    "songs",
    "playlist",
    "album",
    "movie",
    "tv",
    "television",
    "media",
    "jazz",
    "rock",
    "spotify",
    "living",
    "kitchen",
    "bedroom",
    "bathroom",
    "hallway",
    "hall",
    "office",
    "downstairs",
    "upstairs",
    "attic",
    "cellar",
    "basement",
    "alarm",
    "timer",
    "sprinkler",
    "vacuum",
    "robot",
    "mower",
];

/// What follows a verb where it is no verb, or a game: "set theory", "play on words", "turn of phrase".
const NO_COMMANDS: &[&str] = &[
    "open question",
    "open source",
    "open air",
    "open minded",
    "open ended",
    "open the question",
    "open the discussion",
    "open up about",
    "open to",
    "close reading",
    "close call",
    "close friend",
    "close friends",
    "close relationship",
    "close to",
    "close enough",
    "set theory",
    "set theoretic",
    "set of",
    "set in stone",
    "set in",
    "set aside",
    "set the stage",
    "set the scene",
    "play on words",
    "play on",
    "play a game",
    "play a word game",
    "play a role",
    "play chess with me",
    "play the devil's",
    "play devil's",
    "play therapy",
    "play dough",
    "play devils",
    "turn of phrase",
    "turn of the",
    "turn of events",
    "turn based",
    "turn this into",
    "turn the following",
    "turn it into",
    "turn that into",
    "turn my idea",
    "turn my notes",
    "turn my thoughts",
    "turn the sentence",
    "turn the text",
    "switch statement",
    "switch to a different topic",
    "switch the topic",
    "switch the subject",
    "switch to english",
    "switch to german",
    "switch topics",
    "switch between languages",
    "change the subject",
    "change the topic",
    "change my mind",
    "change of heart",
    "change management",
    "run of",
    "run the numbers",
    "start a story",
    "start a conversation",
    "start the story",
    "start the conversation",
    "start a game",
    "stop that",
    "stop it",
    "stop motion",
    "stop talking",
    "stop the story",
    "lock picking",
    "lock screen",
    "lock in syndrome",
    "arm wrestling",
    "arm yourself with",
    "dim sum",
    "dim witted",
    "skip a grade",
    "vacuum energy",
    "vacuum tube",
    "vacuum tubes",
    "pause and think",
    "power the sun",
    "raise the question",
    "raise my spirits",
    "raise my mood",
    "lower the voting",
    "run on sentence",
    "run on sentences",
    "volume of",
    "toggle switch history",
];

/// Openings of questions.
const QUESTIONS: &[&str] = &[
    "what", "what's", "whats", "who", "who's", "whose", "whom", "where", "where's", "when", "when's", "why", "why's",
    "which", "how", "how's", "is", "are", "am", "was", "were", "do", "does", "did", "has", "have", "had", "can",
    "could", "should", "would", "will", "may", "might", "shall", "isn't", "aren't", "don't", "doesn't", "didn't",
    "won't", "wouldn't",
];

/// Phrases that ask for an explanation, wherever they stand.
const EXPLANATIONS: &[&str] = &[
    "explain",
    "explained",
    "explains",
    "explaining",
    "explanation",
    "why",
    "how come",
    "how does",
    "how do",
    "how did",
    "how is it",
    "how are",
    "how can",
    "how could",
    "how would",
    "how to",
    "how was",
    "how were",
    "how exactly",
    "difference between",
    "differences between",
    "what is the difference",
    "what's the difference",
    "differ from",
    "compare",
    "compared to",
    "comparison",
    "describe",
    "in detail",
    "in depth",
    "step by step",
    "elaborate",
    "elaborate on",
    "teach me",
    "tell me about",
    "tell me more about",
    "tell me all about",
    "give me an overview",
    "pros and cons",
    "advantages",
    "disadvantages",
    "summarise",
    "summarize",
    "summary of",
    "analyse",
    "analyze",
    "analysis of",
    "walk me through",
    "break down",
    "what is meant by",
    "meaning of",
    "definition of",
    "what does",
    "what do you mean by",
    "what causes",
    "what caused",
    "what happens",
    "what happened",
    "what makes",
    "history of",
    "theory of",
    "in simple terms",
    "simply put",
    "essay",
    "prove that",
    "derive",
    "discuss",
    "what are the",
    "outline the",
];

/// Of those, what is small talk all the same.
const SMALL_TALK: &[&str] = &[
    "how are you",
    "how do you do",
    "how are things",
    "how are you doing",
    "how do you feel",
    "how are we",
    "how is it going",
    "how was your",
    "what do you mean",
    "why not",
    "what happened to you",
    "how did you sleep",
];

/// The part of the sentence that means something.
pub(super) fn without_courtesies<'w, 's>(words: &'w [&'s str]) -> &'w [&'s str] {
    let mut said = words;
    while let Some(length) = COURTESIES.iter().filter_map(|phrase| opens_with(said, phrase)).max() {
        if length == said.len() {
            break;
        }
        said = &said[length..];
    }
    while let Some(length) = FAREWELLS.iter().filter_map(|phrase| ends_with(said, phrase)).max() {
        if length == said.len() {
            break;
        }
        said = &said[..said.len() - length];
    }
    said
}

/// The words that make the sentence a command.
pub(super) fn command(said: &[&str]) -> Option<String> {
    if NO_COMMANDS.iter().any(|phrase| opens_with(said, phrase).is_some()) {
        return None;
    }
    if let Some(length) = COMMANDS.iter().filter_map(|phrase| opens_with(said, phrase)).max() {
        return (!asks_after(said, length)).then(|| said[..length].join(" "));
    }
    if is_switched(said) {
        return said.last().map(|word| (*word).to_owned());
    }
    let verb = said.first().filter(|word| VERBS.contains(word))?;
    let rest = said.get(1..).unwrap_or_default();
    let is_command = match rest.first() {
        // "Stop." and "Open." are said to a house, not to a friend.
        None => true,
        Some(next) => THINGS.contains(next) || rest.iter().take(6).any(|word| is_house_word(word)) || *verb == "play",
    };
    (is_command && !asks_after(said, 1)).then(|| (*verb).to_owned())
}

/// "kitchen lights off": a thing of the house, and at the end what is to become of it.
fn is_switched(said: &[&str]) -> bool {
    let ends = said.last().is_some_and(|word| matches!(*word, "on" | "off" | "up" | "down"));
    let is_statement =
        said.iter().any(|word| matches!(*word, "is" | "are" | "was" | "were" | "i" | "you" | "who" | "what"));
    ends && said.len() <= 8 && !is_question(said) && !is_statement && said.iter().any(|word| is_house_word(word))
}

/// Whether a word names a thing that houses have; "the" and the like say nothing so far from the verb.
fn is_house_word(word: &str) -> bool {
    THINGS.iter().skip_while(|thing| **thing != "blinds").any(|thing| *thing == word)
}

/// Whether a question follows what looked like a command: "open question: why …", "lock picking, how does it work".
fn asks_after(said: &[&str], from: usize) -> bool {
    let rest = &said[from.min(said.len())..];
    [
        "explain",
        "explained",
        "explanation",
        "why is",
        "why do",
        "why does",
        "why are",
        "how does it work",
        "how do they work",
        "what does it mean",
        "what is it",
        "meaning",
        "meaning of",
    ]
    .iter()
    .any(|phrase| contains(rest, phrase))
}

/// The phrase that asks for an explanation.
pub(super) fn explanation(said: &[&str]) -> Option<&'static str> {
    if SMALL_TALK.iter().any(|phrase| opens_with(said, phrase).is_some()) && said.len() <= 7 {
        return None;
    }
    EXPLANATIONS.iter().copied().find(|phrase| contains(said, phrase))
}

pub(super) fn is_question(said: &[&str]) -> bool {
    said.first().is_some_and(|word| QUESTIONS.contains(word))
}

/// How many words `phrase` has, if the sentence opens with them.
fn opens_with(words: &[&str], phrase: &str) -> Option<usize> {
    let mut length = 0;
    for word in phrase.split(' ') {
        if words.get(length) != Some(&word) {
            return None;
        }
        length += 1;
    }
    Some(length)
}

/// How many words `phrase` has, if the sentence ends with them.
fn ends_with(words: &[&str], phrase: &str) -> Option<usize> {
    let length = phrase.split(' ').count();
    opens_with(words.get(words.len().checked_sub(length)?..)?, phrase)
}

fn contains(words: &[&str], phrase: &str) -> bool {
    (0..words.len()).any(|from| opens_with(&words[from..], phrase).is_some())
}
