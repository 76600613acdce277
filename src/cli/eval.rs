//! `hearthd eval`: labelled sentences, and how well and how fast they are understood.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::config::Intents;
use crate::config::file::{ConfigError, Loaded};
use crate::core::intents::evaluation::{Line, Verdict};
use crate::core::intents::{self, Home, Rules, Said, Source};

use super::arguments::EvalArgs;
use super::{Outcome, complain, not_started, say, say_all, sources};

/// What was counted.
#[derive(Default)]
struct Counts {
    right_intents: usize,
    exact: usize,
    wrong_fires: usize,
    times: Vec<Duration>,
}

pub(super) fn run(config: Result<Loaded, ConfigError>, args: &EvalArgs) -> Outcome {
    let (folder, language) = match (&args.intents, config) {
        (Some(path), config) => (path.clone(), config.ok().map(|loaded| loaded.config.language.0)),
        (None, Ok(loaded)) => (loaded.config.intents.path.clone(), Some(loaded.config.language.0)),
        (None, Err(error)) => return not_started(&error),
    };
    let began = Instant::now();
    let (mut rules, problems) = read_rules(&folder);
    let load = began.elapsed();
    if !problems.is_empty() {
        say_all(&problems);
        return Outcome::NotStarted;
    }
    let prepared = read_home(args.home.as_deref(), &mut rules).and_then(|()| read_lines(&args.file));
    let lines = match prepared {
        Ok(lines) => lines,
        Err(message) => {
            complain(&message);
            return Outcome::Problems;
        }
    };
    let language = args.lang.clone().or(language).unwrap_or_else(|| "en".to_owned());
    let counts = measure(&rules, &lines, &language, args.errors && !args.json);
    report(&counts, lines.len(), load, args.json);
    Outcome::Done
}

fn read_rules(path: &Path) -> (Rules, Vec<crate::core::yaml::Problem>) {
    if path.is_dir() {
        return sources::load(&Intents { path: path.to_path_buf(), is_default: false, ..Intents::default() });
    }
    match fs::read_to_string(path) {
        Ok(text) => intents::load(&[Source { path: path.display().to_string(), text }]),
        Err(error) => {
            complain(&format_args!("{}: {error}", path.display()));
            (Rules::default(), Vec::new())
        }
    }
}

fn read_home(path: Option<&Path>, rules: &mut Rules) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let home: Home = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    rules.set_names(&Arc::new(home.names()));
    Ok(())
}

fn read_lines(path: &Path) -> Result<Vec<Line>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        Line::parse(line).map_err(|message| format!("{}:{}: {message}", path.display(), number + 1))
    };
    let lines = numbered.map(read).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() { Err(format!("{}: there is no sentence in it", path.display())) } else { Ok(lines) }
}

fn measure(rules: &Rules, lines: &[Line], lang: &str, shows_errors: bool) -> Counts {
    let said = |line: &'_ Line| -> Option<intents::Hit> {
        rules.hear(&Said { text: &line.sentence, lang, context: line.context.as_ref(), ..Said::default() })
    };
    // Once before it is timed: what is made on first use belongs to no sentence.
    for line in lines {
        drop(said(line));
    }
    let mut counts = Counts::default();
    for line in lines {
        let began = Instant::now();
        let hit = said(line);
        counts.times.push(began.elapsed());
        let verdict = line.judge(hit.as_ref());
        counts.right_intents += usize::from(verdict.is_right_intent());
        counts.exact += usize::from(verdict == Verdict::Exact);
        counts.wrong_fires += usize::from(verdict == Verdict::Wrong);
        if shows_errors && verdict != Verdict::Exact {
            let expected = json!({"intent": line.intent, "slots": line.slots});
            let got = hit.map(|hit| json!({"intent": hit.name, "slots": hit.slots, "source": hit.source}));
            say(&format_args!("{}\n  expected {expected}\n  got      {}", line.sentence, json!(got)));
        }
    }
    counts.times.sort_unstable();
    counts
}

fn report(counts: &Counts, total: usize, load: Duration, is_json: bool) {
    let share = |count: usize| ratio(count, total);
    let at = |percent: usize| {
        let time = counts.times.get((total * percent / 100).min(total.saturating_sub(1)));
        time.map_or(0.0, |time| (time.as_secs_f64() * 1e7).round() / 10.0)
    };
    if is_json {
        let latency = json!({"p50": at(50), "p95": at(95), "p99": at(99), "max": at(100)});
        say(&json!({
            "total": total,
            "intent_accuracy": share(counts.right_intents),
            "exact_accuracy": share(counts.exact),
            "wrong_fires": counts.wrong_fires,
            "latency_us": latency,
            "load_ms": (load.as_secs_f64() * 1e4).round() / 10.0,
        }));
        return;
    }
    let percent = |count: usize| share(count) * 100.0;
    say(&format_args!("sentences         {total}"));
    say(&format_args!("intent            {:.2} %", percent(counts.right_intents)));
    say(&format_args!("intent and slots  {:.2} %", percent(counts.exact)));
    say(&format_args!("wrong fires       {}", counts.wrong_fires));
    say(&format_args!("p50, p95, p99     {:.1}, {:.1}, {:.1} µs (max {:.1})", at(50), at(95), at(99), at(100)));
}

fn ratio(count: usize, total: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    number(count) / number(total.max(1))
}
