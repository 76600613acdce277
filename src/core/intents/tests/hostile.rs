//! Nothing that is said or written ends in a panic or never ends.

use std::time::{Duration, Instant};

use super::*;

#[path = "../../../../tests/support/hostile.rs"]
#[expect(dead_code, reason = "the files are tried from outside, where people stand")]
mod made_to_do_harm;

/// Long after anything sound has ended, also where the machine has others to serve.
const FOREVER: Duration = Duration::from_secs(10);

const KINDS: &str = r#"
language: en
skip_words: [please, could you]
lists:
  n: {range: {from: 0, to: 100, type: percentage}}
  w: {wildcard: true}
  room: {values: [kitchen, hall, light]}
expansion_rules: {the: '[the|a]'}
intents:
  On: {data: [{sentences: ['turn on <the> {name}', '(turn; on; <the> {name}; in <the> {room}; to {n}[ ][percent])']}]}
  Play: {data: [{sentences: ['play {w} by {w:who} in {room}', '{w} x {w:y} y {w:z}', '{w:a}{w:b}{w:c}', '{n} {n:m} {w}']}]}
  L: {data: [{sentences: ["l'{room}", '{room}{room:b}{room:c} on', '([a];[b];[{n}];[-];[{room}];5 [{w}])']}]}
"#;

fn all_kinds() -> Rules {
    let (mut rules, problems) = load(&[source("kinds.yaml", KINDS)]);
    assert_eq!(problems, []);
    let home: Home = serde_json::from_value(json!({
        "entities": [{"name": "kitchen light", "domain": "light"}, {"name": "Straße 5", "domain": "light"}],
    }))
    .unwrap();
    rules.set_names(&std::sync::Arc::new(home.names()));
    rules
}

/// The matcher itself is asked; what people say is refused from [`MAX_COMMAND_CHARS`] on.
#[test]
fn four_thousand_characters_are_read() {
    let (shipped, _) = load(&shipped());
    for (rules, of) in [(shipped, "shipped"), (all_kinds(), "all kinds")] {
        for (name, text) in made_to_do_harm::utterances() {
            let text = utterance::normalise(&text);
            let said = Said { text: &text, lang: "en", ..Said::default() };
            let mut times = Vec::new();
            for _ in 0..3 {
                let start = Instant::now();
                for tongue in &rules.tongues {
                    let _ = tongue.read(&said);
                }
                times.push(start.elapsed());
            }
            let took = times.into_iter().min().unwrap();
            println!("{of}: {name}: {} µs", took.as_micros());
            assert!(took < FOREVER, "{name} takes {took:?}");
        }
    }
}

#[test]
fn nothing_that_is_said_panics() {
    let mut random = fastrand::Rng::with_seed(20_26);
    let pieces = [
        "turn",
        "on",
        "the",
        "kitchen",
        "light",
        "l'",
        "play",
        "by",
        "in",
        "x",
        "y",
        "please",
        "could you",
        "and",
        "except",
        "5",
        "-",
        "50%",
        "twenty",
        "five",
        "½",
        "ß",
        "İ",
        "e\u{301}",
        "漢",
        "\u{202e}",
        "\0",
        "''",
        "_",
        ".",
        ",",
        "5,5",
        "😀",
    ];
    let (shipped, _) = load(&shipped());
    let (kinds, mut hits) = (all_kinds(), 0);
    for _ in 0..10_000 {
        let text: String = (0..random.usize(0..24))
            .map(|_| {
                let piece = pieces[random.usize(0..pieces.len())].to_owned();
                let piece = if random.u8(..) < 8 { random.char(..).to_string() } else { piece };
                if random.u8(..) < 160 { piece + " " } else { piece }
            })
            .collect();
        let hit = kinds.find(&text, "en", None);
        hits += usize::from(hit.is_some());
        let _ = shipped.find(&text, "en", Some("kitchen"));
    }
    assert!(hits > 100, "{hits} hits");
}

/// Letters taken out, put in or doubled, and lines moved: the files are read or refused with a place.
#[test]
fn no_change_of_a_file_panics() {
    let mut random = fastrand::Rng::with_seed(11);
    let files = shipped();
    let (mut refused, mut read) = (0, 0);
    for _ in 0..300 {
        let file = &files[random.usize(0..files.len())];
        let mut letters: Vec<char> = file.text.chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..letters.len());
            match random.u8(0..4) {
                0 => drop(letters.remove(at)),
                1 => letters.insert(
                    at,
                    *random
                        .choice(&[
                            '{', '}', '[', ']', '(', '|', ';', '<', ':', ' ', '\n', '\'', '*', '&', '#', '-', '\t',
                            '\0',
                        ])
                        .unwrap(),
                ),
                2 => {
                    let other = random.usize(0..letters.len());
                    letters.swap(at, other);
                }
                _ => letters.truncate(at.max(1)),
            }
        }
        let text: String = letters.into_iter().collect();
        let (rules, problems) = load(&[source("changed.yaml", &text)]);
        assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0), "{problems:?}");
        (refused, read) = if problems.is_empty() { (refused, read + 1) } else { (refused + 1, read) };
        let _ = rules.find("turn on the kitchen light", "en", None);
    }
    assert!(refused > 30 && read > 10, "{refused} refused, {read} read");
}
