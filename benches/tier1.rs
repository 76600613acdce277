//! How long tier 1 takes: normalise, match, route, and the chunker, with the shipped rules and with a thousand more.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};

use hearthd::core::intents::{Rules, Said, Source, load};
use hearthd::core::reply::Chunker;
use hearthd::core::{routing, utterance};

const HIT: &str = "Turn on the kitchen light, please.";
const MISS: &str = "Could you turn on the flux capacitor in the cellar?";
const QUESTION: &str = "Explain how a heat pump takes warmth out of cold air.";

fn main() {
    divan::main();
}

fn shipped() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("intents"), root.join("intents/en")];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let read = |path: &Path| Some(Source { path: path.display().to_string(), text: fs::read_to_string(path).ok()? });
    paths.filter_map(|path| read(&path)).collect()
}

/// A thousand rules of the usual kinds: fixed words, alternatives, and a slot that takes anything.
fn synthetic() -> Source {
    let mut text = String::from("language: en\nintents:\n");
    for n in 0..1_000 {
        let regex = match n % 3 {
            0 => format!("(?:turn|switch) on (?:the )?gadget {n}"),
            1 => format!("(?:set|dim) (?:the )?gadget {n} to (?P<level>\\d+) ?(?:%|percent)?"),
            _ => format!("tell gadget {n} (?:to )?(?P<what>.+)"),
        };
        text.extend([format!(
            "  I{n}:\n    data:\n      - regex: '{regex}'\n        actions: [{{publish: {{topic: g/{n}, payload: {{state: 'ON'}}}}}}]\n"
        )]);
    }
    Source { path: "z/synthetic.yaml".to_owned(), text }
}

fn rules(with_synthetic: bool) -> Rules {
    let mut sources = shipped();
    if with_synthetic {
        sources.push(synthetic());
    }
    let (rules, problems) = load(&sources);
    assert!(problems.is_empty(), "{problems:?}");
    rules
}

#[divan::bench(args = [HIT, MISS, QUESTION])]
fn match_shipped(bencher: Bencher, text: &str) {
    let rules = rules(false);
    bencher.bench(|| rules.find(black_box(text), "en", Some("kitchen")));
}

#[divan::bench(args = [HIT, MISS, QUESTION, "tell gadget 998 to hurry up", "set the gadget 499 to 40 percent"])]
fn match_with_1000_more(bencher: Bencher, text: &str) {
    let rules = rules(true);
    bencher.bench(|| rules.find(black_box(text), "en", Some("kitchen")));
}

/// Sentences that differ each time: what the matcher remembers of the last one helps less.
#[divan::bench]
fn match_with_1000_more_varied(bencher: Bencher) {
    let rules = rules(true);
    let texts: Vec<String> =
        (0..997).map(|n| format!("tell gadget {} to do number {}", n * 7 % 1_000, n * 13)).collect();
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 1) % texts.len();
        rules.find(black_box(&texts[at]), "en", None)
    });
}

#[divan::bench]
fn near(bencher: Bencher) {
    let rules = rules(false);
    bencher.bench(|| rules.missed(&Said { text: black_box(MISS), lang: "en", ..Said::default() }));
}

#[divan::bench(args = [false, true])]
fn load_files(bencher: Bencher, with_synthetic: bool) {
    bencher.bench(|| rules(black_box(with_synthetic)));
}

/// Choosing who answers; the target is 50 µs.
#[divan::bench(args = [HIT, MISS, QUESTION])]
fn route(bencher: Bencher, text: &str) {
    let settings = routing::Settings::default();
    let asked = routing::Asked { text, lang: "en", tier: None, hit: false };
    bencher.bench(|| routing::route(black_box(&asked), &settings));
}

#[divan::bench(args = [HIT, "Schalte das Licht im Büro ein!"])]
fn normalise(text: &str) -> String {
    utterance::normalise(black_box(text))
}

/// A hundred pieces, 5 ms apart.
#[divan::bench]
fn chunker() -> usize {
    let start = Instant::now();
    let mut chunker = Chunker::new(Duration::from_millis(40));
    let chunks =
        (0..100).filter_map(|n| chunker.push(black_box(" word"), start + Duration::from_millis(5 * n))).count();
    chunks + usize::from(chunker.take().is_some())
}
