//! Intent files that were made to do harm are refused, or do none.
//!
//! How long each takes is measured by `cargo bench --bench hostile`; here only what never ends is noticed.

#[path = "support/hostile.rs"]
#[expect(dead_code, reason = "its utterances are said to the matcher itself, in its own tests")]
mod hostile;

use std::time::{Duration, Instant};

use hearthd::core::intents::{Source, load};

/// Long after anything sound has ended, also where the machine has others to serve.
const FOREVER: Duration = Duration::from_secs(10);

/// Files that are harmless although they look otherwise; all others are refused.
const HARMLESS: [&str; 6] = ["sentences", "lists", "values", "names", "skip words", "slots"];

#[test]
fn files_that_were_made_to_do_harm_do_none() {
    let mut wrong = Vec::new();
    for file in hostile::files() {
        assert!(file.text.len() <= 256 * 1024, "{} is refused by its size alone", file.name);
        let start = Instant::now();
        let (rules, problems) = load(&[Source { path: "hostile.yaml".to_owned(), text: file.text }]);
        // What was loaded is used as well: a small file may stand for much.
        let hit = rules.find("x a a a a a a a b b b b", "en", None);
        let took = start.elapsed();
        if took > FOREVER {
            wrong.push(format!("{}: took {took:?}", file.name));
        }
        if problems.is_empty() != HARMLESS.contains(&file.name) {
            let first = problems.first().map(ToString::to_string);
            wrong.push(format!("{}: {} rules, {first:?}, {hit:?}", file.name, rules.len()));
        }
        if problems.iter().any(|problem| problem.message.is_empty() || problem.file != "hostile.yaml") {
            wrong.push(format!("{}: a problem says nothing", file.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
