//! How long tier 1 takes: normalise, match, route, and the chunker, with the shipped rules and with a thousand more; and
//! with homes of 56 and of 1,000 names, what a hit, a slip of a name, several commands or no command at all cost, what a
//! name that appears costs, and what the rules take in memory.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use serde_json::{Map, Value};

use hearthd::core::intents::{NameOf, Names, Rules, Said, Source, load};
use hearthd::core::reply::Chunker;
use hearthd::core::{routing, utterance};

const HIT: &str = "Turn on the kitchen light, please.";
const MISS: &str = "Could you turn on the flux capacitor in the cellar?";
const QUESTION: &str = "Explain how a heat pump takes warmth out of cold air.";

/// Homes by their number of names: a usual one, and a very large one.
const HOMES: [usize; 2] = [56, 1_000];
const RELOADS: usize = 20;

fn main() {
    memory();
    divan::main();
}

/// Memory before the rules are loaded, with them, and after reloads that hold the old ones until the new ones are there.
#[expect(clippy::print_stdout, reason = "a bench says what it measures")]
fn memory() {
    let before = resident_kib();
    let mut rules = home_rules(1_000);
    let loaded = resident_kib();
    for _ in 0..RELOADS {
        rules = black_box(home_rules(1_000));
    }
    let (Some(before), Some(loaded), Some(after)) = (before, loaded, resident_kib()) else {
        return println!("memory: not known on this system");
    };
    println!(
        "memory: {} rules and 1,000 names take {} KiB resident, {} KiB after {RELOADS} reloads\n",
        rules.len(),
        loaded.saturating_sub(before),
        after.saturating_sub(before)
    );
}

fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Rooms with lights, fans, blinds and the like, and a few names that sentences below speak of.
fn names(count: usize) -> Names {
    let mut names = Names::default();
    let mut add = |of, name: &str, known: &[(&str, &str)]| {
        let known: Map<String, Value> = known.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        names.add(of, name, None, known);
    };
    let rooms = ["kitchen", "bedroom", "office", "hall", "cellar", "attic", "studio", "nursery"];
    for room in rooms {
        add(NameOf::Area, room, &[]);
    }
    let kinds =
        [("lamp", "light"), ("fan", "fan"), ("blind", "cover"), ("socket", "switch"), ("speaker", "media_player")];
    let things = count.saturating_sub(rooms.len());
    for number in 0..things {
        let room = rooms[number % rooms.len()];
        let (kind, domain) = kinds[number / rooms.len() % kinds.len()];
        let group = number / (rooms.len() * kinds.len());
        let name = if group == 0 { format!("{room} {kind}") } else { format!("{room} {kind} {group}") };
        add(NameOf::Thing, &name, &[("domain", domain), ("area", room)]);
    }
    names
}

fn home_rules(count: usize) -> Rules {
    let mut rules = rules(false);
    rules.set_names(&Arc::new(names(count)));
    rules
}

/// The sentences one after the other, so that the processor remembers no single one of them.
fn understand(bencher: Bencher, home: usize, sentences: &[&str]) {
    let rules = home_rules(home);
    let mut next = sentences.iter().cycle();
    bencher.bench_local(|| {
        let text = next.next().copied().unwrap_or_default();
        rules.understand(&Said { text: black_box(text), lang: "en", ..Said::default() })
    });
}

#[divan::bench(args = HOMES)]
fn understand_hits(bencher: Bencher, home: usize) {
    let said = [
        "turn on the kitchen lamp",
        "close the bedroom blind",
        "set the office lamp to 40 percent",
        "turn off all the lights in the hall",
        "what time is it",
        "set a timer for 5 minutes",
        "is the cellar fan on",
    ];
    understand(bencher, home, &said);
}

#[divan::bench(args = HOMES)]
fn understand_misses(bencher: Bencher, home: usize) {
    let said = [
        "why does bread rise when it is baked",
        "tell me a story about a kitchen and the cook who lived in it",
        "could you turn on the flux capacitor in the cellar",
        "what should I wear to a wedding in the mountains, and what would my sister wear",
        "good morning, did you sleep well",
    ];
    understand(bencher, home, &said);
}

#[divan::bench(args = HOMES)]
fn understand_slips(bencher: Bencher, home: usize) {
    let said = ["turn on the kitchn lamp", "close the bedrom blind", "set the ofice lamp to 40 percent"];
    understand(bencher, home, &said);
}

#[divan::bench(args = HOMES)]
fn understand_several(bencher: Bencher, home: usize) {
    let said = [
        "turn on the kitchen lamp and close the bedroom blind",
        "turn on the kitchen lamp and the office lamp",
        "turn off the hall fan and then turn on the studio lamp and the attic lamp",
        "close the bedroom blind and sing me something",
    ];
    understand(bencher, home, &said);
}

/// A text of the greatest length there is.
#[divan::bench(args = ["turn on the kitchen lamp and ", "kitchn ", "a "])]
fn understand_4000_characters(bencher: Bencher, part: &str) {
    let rules = home_rules(1_000);
    let texts: Vec<String> = [1_000, 4_000].iter().map(|&length| part.chars().cycle().take(length).collect()).collect();
    bencher.bench(|| {
        for text in &texts {
            black_box(rules.understand(&Said { text: black_box(text), lang: "en", ..Said::default() }));
        }
    });
}

/// The files and the names, as at a start or a reload.
#[divan::bench(args = HOMES)]
fn load_home(bencher: Bencher, home: usize) {
    bencher.bench(|| home_rules(black_box(home)));
}

/// A thing appears in a home: the names are copied, one is added, and the rules get them.
#[divan::bench(args = HOMES)]
fn one_name_appears(bencher: Bencher, home: usize) {
    let mut rules = home_rules(home);
    let known = names(home);
    bencher.bench_local(|| {
        let mut names = known.clone();
        names.add(NameOf::Thing, black_box("garden lantern"), None, Map::new());
        rules.set_names(&Arc::new(names));
    });
}

/// The same without the copy: what one more name costs by itself.
#[divan::bench(args = HOMES)]
fn add_name(bencher: Bencher, home: usize) {
    let mut known = names(home);
    bencher.bench_local(|| {
        if let Some(id) = known.add(NameOf::Thing, black_box("garden lantern"), None, Map::new()) {
            known.remove(id);
        }
    });
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
    chunks + usize::from(chunker.take(start).is_some())
}
