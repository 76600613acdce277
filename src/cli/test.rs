//! `hearthd test`: the tests written beside the intents.

use crate::config::file::Loaded;

use super::{Outcome, say, say_all, sources};

pub(super) fn run(loaded: &Loaded) -> Outcome {
    let (rules, problems) = sources::load(&loaded.config.intents);
    if !problems.is_empty() {
        say_all(&problems);
        say(&"the tests were not run: the intents have problems");
        return Outcome::Problems;
    }
    let report = rules.run_tests();
    for failure in &report.failures {
        say(&format_args!("{}:{}: {:?}\n{}", failure.file, failure.line, failure.say, failure.message));
    }
    say(&format_args!("{} passed, {} failed", report.passed, report.failures.len()));
    if report.failures.is_empty() { Outcome::Done } else { Outcome::Problems }
}
