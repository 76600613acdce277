//! How long it takes to refuse files that were made to do harm, and utterances as long as they may be. Each is to be
//! refused within 250 ms; an utterance is to be read within 1 ms.

#![expect(clippy::print_stdout, reason = "what was measured is printed")]

#[path = "../tests/support/hostile.rs"]
mod hostile;
#[path = "../tests/support/shipped.rs"]
mod shipped;

use std::time::{Duration, Instant};

use hearthd::core::intents::{Said, Source, load};

/// Each is done so often, and the shortest time counts: the machine has others to serve.
const ROUNDS: u32 = 3;

fn main() {
    println!("{:<52} {:>10}  what comes of it", "intent file", "ms");
    for file in hostile::files() {
        let sources = [Source { path: "hostile.yaml".to_owned(), text: file.text }];
        let mut outcome = String::new();
        let time = shortest(|| {
            let (rules, problems) = load(&sources);
            let first =
                problems.first().map_or("none".to_owned(), |problem| problem.message.chars().take(60).collect());
            outcome = format!("{} rules, {} problems: {first}", rules.len(), problems.len());
        });
        println!("{:<52} {:>10.1}  {outcome}", file.name, time.as_secs_f64() * 1_000.0);
    }
    let rules = shipped::rules();
    println!("\n{:<52} {:>10} {:>10}", "utterance, of the shipped sentences", "1,000: µs", "4,000: µs");
    for (name, text) in hostile::utterances() {
        let short: String = text.chars().take(1_000).collect();
        let micros = |text: &str| {
            let said = Said { text, lang: "en", site: Some("kitchen"), ..Said::default() };
            shortest(|| drop(std::hint::black_box(rules.understand(&said)))).as_secs_f64() * 1_000_000.0
        };
        println!("{name:<52} {:>10.0} {:>10.0}", micros(short.trim()), micros(&text));
    }
}

fn shortest(mut work: impl FnMut()) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}
