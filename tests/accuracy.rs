//! How well the shipped English sentences are understood, over the folder that `HEARTHD_EVAL_DATA` names.

#![expect(clippy::unwrap_used, reason = "a test says by a panic what went wrong")]

#[path = "support/data.rs"]
mod data;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hearthd::core::intents::evaluation::{Line, Verdict};
use hearthd::core::intents::{Home, Rules, Said, Source, Understood, load};
use hearthd::core::routing::{Asked, Route, Settings, route};
use serde_json::{Value, json};

/// The shipped sentences, with the names of the measured home.
fn shipped(data: &Path) -> Rules {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["intents", "intents/en"] {
        let paths = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        sources.extend(
            files.map(|path| Source { path: path.display().to_string(), text: fs::read_to_string(path).unwrap() }),
        );
    }
    let (mut rules, problems) = load(&sources);
    assert_eq!(problems, []);
    let home: Home = serde_json::from_str(&data::read(data, "home_en.json")).unwrap();
    rules.set_names(&Arc::new(home.names()));
    rules
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Of a hundred sentences, how many have a verdict that `counts`.
fn percent(rules: &Rules, lines: &[Line], counts: impl Fn(Verdict) -> bool) -> f64 {
    percent_of(rules, lines, |line, understood| counts(line.judge_all(understood)))
}

/// Of a hundred sentences, for how many what came of them `counts`.
fn percent_of(rules: &Rules, lines: &[Line], counts: impl Fn(&Line, &Understood) -> bool) -> f64 {
    let is_counted = |line: &&Line| {
        let said = Said { text: &line.sentence, lang: "en", context: line.context.as_ref(), ..Said::default() };
        counts(line, &rules.understand(&said))
    };
    let count = lines.iter().filter(is_counted).count();
    100.0 * f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(lines.len()).unwrap())
}

fn labelled(data: &Path, file: &str) -> Vec<Line> {
    lines(&data.join(file)).iter().map(|line| Line::parse(line).unwrap()).collect()
}

#[test]
fn labelled_sentences_are_understood() {
    let Some(data) = data::folder("labelled_sentences_are_understood") else { return };
    let (rules, lines) = (shipped(&data), labelled(&data, "ha_en_dev.jsonl"));
    let intents = percent(&rules, &lines, Verdict::is_right_intent);
    let exact = percent(&rules, &lines, |verdict| verdict == Verdict::Exact);
    println!("intent {intents:.2} %, with slots {exact:.2} %");
    assert!(intents >= 95.0 && exact >= 92.0, "intent {intents:.2} %, with slots {exact:.2} %");
}

#[test]
fn slips_of_names_are_forgiven() {
    let Some(data) = data::folder("slips_of_names_are_forgiven") else { return };
    let (rules, lines) = (shipped(&data), labelled(&data, "typo_dev.jsonl"));
    let exact = percent(&rules, &lines, |verdict| verdict == Verdict::Exact);
    let home: Value = serde_json::from_str(&data::read(&data, "home_en.json")).unwrap();
    let things = home["entities"].as_array().unwrap();
    let is_known = |name: &str| things.iter().any(|thing| thing["name"].as_str().unwrap().eq_ignore_ascii_case(name));
    let wrong = percent_of(&rules, &lines, |line, understood| line.acts_wrongly(understood, &is_known));
    println!("with slots {exact:.2} %, wrong {wrong:.2} %");
    assert!(exact >= 88.0 && wrong <= 1.0, "with slots {exact:.2} %, wrong {wrong:.2} %");
}

#[test]
fn chat_and_questions_fire_nothing() {
    let Some(data) = data::folder("chat_and_questions_fire_nothing") else { return };
    let rules = shipped(&data);
    let lines: Vec<Line> = lines(&data.join("routing_dev.jsonl"))
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["label"] == "chat" || line["label"] == "explain")
        .map(|line| Line::parse(&json!({"sentence": line["text"], "intent": null}).to_string()).unwrap())
        .collect();
    let fired = percent(&rules, &lines, |verdict| verdict != Verdict::Exact);
    println!("{fired:.2} % of {} fired", lines.len());
    assert!(fired <= 0.3, "{fired:.2} % fired");
}

#[test]
fn commands_small_talk_and_questions_are_told_apart() {
    const LABELS: [&str; 3] = ["device", "chat", "explain"];
    let Some(data) = data::folder("commands_small_talk_and_questions_are_told_apart") else { return };
    let mut right = 0_u32;
    let mut table = [[0_u32; 3]; 3];
    let settings = Settings::default();
    for line in lines(&data.join("routing_dev.jsonl")) {
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["core"] != true {
            continue;
        }
        let text = line["text"].as_str().unwrap();
        let truth = LABELS.iter().position(|label| line["label"] == *label).unwrap();
        let got = match route(&Asked { text, lang: "en", tier: None, hit: false }, &settings).tier {
            Route::Intent | Route::NotUnderstood => 0,
            Route::Chat => 1,
            Route::Explain => 2,
        };
        table[truth][got] += 1;
        right += u32::from(truth == got);
    }
    let all: u32 = table.iter().flatten().sum();
    let percent = 100.0 * f64::from(right) / f64::from(all);
    let rows = LABELS.iter().zip(table).map(|(label, row)| format!("{label:8} {row:?}")).collect::<Vec<_>>().join("\n");
    let told = format!("{percent:.2} % of {all}; rows are labels, columns command, chat, explain\n{rows}");
    println!("{told}");
    assert!(percent >= 95.0, "{told}");
}
