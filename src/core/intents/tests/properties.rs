//! The matcher against the slow, obvious one, on random templates and texts made of few words, so that they often meet.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::reference::{Part, Scope, Slots};
use super::*;
use crate::core::intents::sentence::filter::Filter;
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::sentence::syntax;

const WORDS: [&str; 10] = ["turn", "on", "the", "lamp", "s", "l'", "set", "to", "a lamp", "desk-lamp"];
const DEVICES: [(&str, &str); 4] = [("lamp", "lamp"), ("desk lamp", "desk"), ("lamp on", "odd"), ("s", "ess")];
const ROOMS: [(&str, &str); 2] = [("on", "room"), ("den set", "den")];
const RULES: [(&str, &str); 3] = [("go", "(turn|set) [the]"), ("plain", "lamp[s]"), ("where", "[to] {room}")];
const SKIP_WORDS: [&str; 2] = ["please", "could you"];

/// A template, as it is written.
fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => select(&WORDS[..]).prop_map(str::to_owned),
        2 => select(&["{device}", "{device:what}", "{room}", "{0..12:n}", "{any}", "{any:rest}"][..]).prop_map(str::to_owned),
        1 => select(&["<go>", "<plain>", "<where>"][..]).prop_map(str::to_owned),
    ];
    let glue = || select(&[" ", " ", " ", ""][..]);
    let tree = leaf.prop_recursive(3, 12, 3, move |inner| {
        let sequence = || vec((inner.clone(), glue()), 1..3).prop_map(|items| joined(&items));
        prop_oneof![
            sequence(),
            vec(sequence(), 1..3).prop_map(|items| format!("[{}]", items.join("|"))),
            vec(sequence(), 2..4).prop_map(|items| format!("({})", items.join("|"))),
            sequence().prop_map(|item| format!("({item}|)")),
            vec(sequence(), 2..4).prop_map(|items| format!("({})", items.join(";"))),
        ]
    });
    vec((tree, glue()), 1..4).prop_map(|items| joined(&items))
}

fn joined(items: &[(String, &'static str)]) -> String {
    let joined: String = items.iter().map(|(item, glue)| [item.as_str(), glue].concat()).collect();
    joined.trim_end().to_owned()
}

/// What is done to a sentence before it is said.
#[derive(Clone, Debug)]
enum Slip {
    None,
    Insert(usize, &'static str),
    Remove(usize),
    Glue(usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let word = select(&["please", "could you", "on", "lamp", "s", "7", "-3", "twelve", "x"][..]);
    prop_oneof![
        3 => Just(Slip::None),
        4 => (any::<usize>(), word).prop_map(|(at, word)| Slip::Insert(at, word)),
        1 => any::<usize>().prop_map(Slip::Remove),
        1 => any::<usize>().prop_map(Slip::Glue),
    ]
}

fn say(sentence: &[Part], seed: usize, slips: &[Slip]) -> String {
    let text: Vec<&str> = sentence
        .iter()
        .enumerate()
        .map(|(index, part)| match part {
            Part::Word(word) => word,
            Part::Space | Part::Gap => " ",
            Part::Value { list, .. } => {
                let values = if list == "device" { &DEVICES[..] } else { &ROOMS[..] };
                values[(seed >> index) % values.len()].0
            }
            Part::Number { .. } => ["7", "12", "0", "three", "Eleven", "13"][(seed >> index) % 6],
            Part::Wildcard { .. } => ["x", "on", "x lamp", "lamp x on"][(seed >> index) % 4],
        })
        .collect();
    let text = text.concat();
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for slip in slips {
        match slip {
            Slip::Insert(at, word) => words.insert(at % (words.len() + 1), (*word).to_owned()),
            Slip::Remove(at) if words.len() > 1 => drop(words.remove(at % words.len())),
            Slip::Glue(at) if words.len() > 1 => {
                let at = at % (words.len() - 1);
                let word = words.remove(at + 1);
                words[at].push_str(&word);
            }
            _ => {}
        }
    }
    words.join(" ")
}

fn rules_of(template: &str) -> Option<Rules> {
    let values = |list: &[(&str, &str)]| {
        let values: Vec<Value> = list.iter().map(|(said, out)| json!({"in": said, "out": out})).collect();
        json!({"values": values})
    };
    let grammar = json!({
        "language": "en",
        "skip_words": SKIP_WORDS,
        "lists": {"device": values(&DEVICES), "room": values(&ROOMS), "any": {"wildcard": true}},
        "expansion_rules": RULES.iter().map(|(name, rule)| ((*name).to_owned(), json!(rule))).collect::<Map<_, _>>(),
        "intents": {"I": {"data": [{"sentences": [template]}]}},
    });
    let (rules, problems) = load(&[source("t.json", &grammar.to_string())]);
    // A sentence of nothing is refused, and so is one that is too large.
    problems.is_empty().then_some(rules)
}

fn folded(slots: &Map<String, Value>) -> Slots {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), fold);
    slots.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

#[test]
fn the_matcher_agrees_with_the_slow_one() {
    let scope = Scope {
        lists: &[("device", &DEVICES), ("room", &ROOMS)],
        rules: &RULES.map(|(name, rule)| (name, syntax::parse(rule).unwrap())),
        skip_words: &SKIP_WORDS,
    };
    let (compared, matched) = (Cell::new(0), Cell::new(0));
    let cases = (template(), any::<usize>(), any::<usize>(), vec(slip(), 0..4));
    let config = ProptestConfig::default();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: config.cases.max(2_000), failure_persistence: None, ..config });
    let outcome = runner.run(&cases, |(template, sentence, seed, slips)| {
        let Some(mut rules) = rules_of(&template) else { return Ok(()) };
        let Some(sentences) = scope.sentences(&syntax::parse(&template).unwrap()) else { return Ok(()) };
        let text = say(&sentences[sentence % sentences.len()], seed, &slips);
        let hit = rules.find(&text, "en", None);
        let readings = scope.readings(&sentences, &fold(&utterance::normalise(&text)));
        compared.set(compared.get() + 1);
        match &hit {
            None => prop_assert!(readings.is_empty(), "{template:?} misses {text:?}: {readings:?}"),
            Some(hit) => {
                matched.set(matched.get() + 1);
                let slots = folded(&hit.slots);
                prop_assert!(readings.contains(&slots), "{template:?} reads {text:?} as {slots:?}, not {readings:?}");
            }
        }
        for tongue in &mut rules.tongues {
            tongue.filter = Filter::all(tongue.sentences.len()).into();
        }
        let unfiltered = rules.find(&text, "en", None);
        prop_assert_eq!(&unfiltered, &hit, "the filter decides on {:?} of {:?}", text, template);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    // Neither all nor nothing, or little would be shown.
    assert!(
        compared.get() > 1_000 && (compared.get() / 4..compared.get() * 19 / 20).contains(&matched.get()),
        "{} of {} matched",
        matched.get(),
        compared.get()
    );
}

proptest! {
    /// What is compared is compared once and for all.
    #[test]
    fn folding_twice_is_folding_once(text in r"\PC{0,40}|[-_ 0-9a-zßẞİıſΣςéE\u{301}'’.]{0,24}") {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once.clone());
        let normal = utterance::normalise(&text);
        prop_assert_eq!(utterance::normalise(&normal), normal.clone());
        // Folded or not, the words are the same.
        prop_assert_eq!(fold(&fold(&normal)), fold(&normal));
    }
}
