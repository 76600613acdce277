//! `hearthd test`: the tests written beside the intents, and what they leave out.

use clap::Args;

use crate::config::file::Loaded;
use crate::core::intents::Coverage;

use super::{Outcome, say, say_all, sources};

/// `hearthd test`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hearthd test --filter timers.yaml\n  hearthd test --coverage")]
pub(super) struct TestArgs {
    /// Runs the tests whose sentence, intent or file has this text in it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Lists the blocks that no passed test reaches, and the share of blocks and sentences that tests reach
    #[arg(long)]
    coverage: bool,
}

pub(super) fn run(loaded: &Loaded, args: &TestArgs) -> Outcome {
    let (rules, problems) = sources::load(&loaded.config.intents);
    if !problems.is_empty() {
        say_all(&problems);
        say(&"the tests were not run: the intents have problems");
        return Outcome::Problems;
    }
    let report = rules.run_tests_about(&args.filter);
    for failure in &report.failures {
        let (file, line, hint) = (&failure.file, failure.line, &failure.hint);
        say(&format_args!("{file}:{line}: {:?}\n{}\n  hint: {hint}", failure.say, failure.message));
    }
    if args.coverage {
        show(&rules.coverage(&report));
    }
    if report.passed + report.failures.len() == 0 && !args.filter.is_empty() {
        say(&format_args!("no test has {:?} in its sentence, intent or file", args.filter));
    }
    say(&format_args!("{} passed, {} failed", report.passed, report.failures.len()));
    if report.failures.is_empty() { Outcome::Done } else { Outcome::Problems }
}

fn show(coverage: &Coverage) {
    for block in &coverage.untested {
        say(&format_args!("{}: no test reaches this block of {}: `{}`", block.source, block.intent, block.sentence));
    }
    let share = |reached: usize, all: usize| {
        let percent = (reached * 100).checked_div(all).unwrap_or(0);
        format!("{reached} of {all} ({percent} %)")
    };
    let blocks = share(coverage.blocks_reached, coverage.blocks);
    let sentences = share(coverage.sentences_reached, coverage.sentences);
    say(&format_args!("tests reach {blocks} blocks and {sentences} sentences"));
}
