//! `hearthd eval`: how well and how fast labelled sentences are understood.
//!
//! Nothing is done and no broker is asked: sentences go through the rules alone, as utterances do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::config::file::{ConfigError, Loaded};
use crate::core::intents::evaluation::{Line, Score, Verdict};
use crate::core::intents::{Hit, Home, Rules, Said, Understood};
use crate::core::yaml::Problem;

use super::{Outcome, complain, not_started, say, say_all, sources};

/// `hearthd eval`
#[derive(Debug, Args)]
#[command(
    after_help = "A line is a JSON object: {\"sentence\": \"dim the desk lamp to 40\", \"intent\": \"HassLightSet\", \"slots\": \
                  {\"name\": \"desk lamp\", \"brightness\": 40}}\n\
                  `\"intent\": null` is for what must not match. A line may have a `context`, such as {\"area\": \"Kitchen\"}; with\n\
                  `\"context_area_required\": true` the slot `area` is not compared. Slots compare without case, numbers by value,\n\
                  a list means any of its values. Lines of a routing file ({\"text\", \"label\"}) count as well: what is for chat or\n\
                  explain must not match, device lines are skipped.\n\n\
                  With --json: {\"total\", \"intent_accuracy\", \"exact_accuracy\", \"wrong_fires\", \"latency_us\": {\"p50\", \"p95\", \"p99\", \"max\"},\n\
                  \"load_ms\", \"skipped\", \"asked_back\"}. Accuracies are shares from 0 to 1, exact is intent and slots, wrong_fires counts lines\n\
                  where an intent matched that was not meant or several commands did. What is asked back counts as nothing.\n\n\
                  Examples:\n  hearthd eval sentences.jsonl --errors\n  \
                  hearthd eval sentences.jsonl --intents intents --home home.json --json\n  \
                  hearthd eval saetze.jsonl --intents de.json --lang de"
)]
pub(super) struct EvalArgs {
    /// Labelled sentences, one JSON object a line
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// The rules: a folder or file of intents, or Home Assistant's merged intents as one .json file; then no config is
    /// needed [default: the config's]
    #[arg(long, value_name = "FILE-OR-DIR")]
    intents: Option<PathBuf>,
    /// A home whose names count instead of those of the intent files: {"entities": [{"name", "domain", "area"}], "areas",
    /// "floors"}
    #[arg(long, value_name = "FILE")]
    home: Option<PathBuf>,
    /// The language to match [default: the config's; with --intents that of the files, else en]
    #[arg(long, value_name = "TAG")]
    lang: Option<String>,
    /// Tells each sentence that was not understood as it was meant
    #[arg(long)]
    errors: bool,
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

/// The rules that are measured, and what it took to read them.
struct Subject {
    rules: Rules,
    lang: String,
    load: Duration,
}

/// A sentence that was not understood as it was meant, and where it stands.
struct Miss<'a> {
    number: usize,
    line: &'a Line,
    understood: Understood,
}

pub(super) fn run(config: impl FnOnce() -> Result<Loaded, ConfigError>, args: &EvalArgs) -> Outcome {
    let text = match fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => return not_started(&format_args!("{}: cannot be read: {error}", args.file.display())),
    };
    let lines = match lines(&args.file, &text) {
        Ok(lines) => lines,
        Err(complaints) => return refuse(&complaints),
    };
    let subject = match &args.intents {
        Some(path) => Subject::named(path, args.lang.as_deref()),
        None => match config() {
            Ok(loaded) => Subject::of_config(&loaded, args.lang.as_deref()),
            Err(error) => return not_started(&error),
        },
    };
    let mut subject = match subject {
        Ok(subject) => subject,
        Err(problems) => {
            say_all(&problems);
            complain(&"nothing was measured: the intents have problems");
            return Outcome::Problems;
        }
    };
    if let Some(path) = &args.home {
        match home(path) {
            Ok(home) => subject.rules.set_names(&Arc::new(home.names())),
            Err(complaint) => return refuse(&[complaint]),
        }
    }
    let (score, misses) = measure(&subject, &lines);
    let skipped = lines.len() - score.total;
    if args.json {
        say(&as_json(&score, &subject, skipped, args.errors.then_some(&misses)));
        return Outcome::Done;
    }
    if args.errors {
        for miss in &misses {
            say(&miss.told(&args.file));
        }
    }
    show(&score, &subject, skipped);
    Outcome::Done
}

fn refuse(complaints: &[String]) -> Outcome {
    for complaint in complaints {
        say(complaint);
    }
    Outcome::Problems
}

/// The lines of a file with their numbers, or what is wrong with each that is none.
fn lines(path: &Path, text: &str) -> Result<Vec<(usize, Line)>, Vec<String>> {
    let mut lines = Vec::new();
    let mut complaints = Vec::new();
    let written = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (number, line) in written.map(|(index, line)| (index + 1, line)) {
        match Line::parse(line) {
            Ok(line) => lines.push((number, line)),
            Err(message) => complaints.push(format!("{}:{number}: {message}", path.display())),
        }
    }
    if lines.is_empty() && complaints.is_empty() {
        complaints.push(format!("{}:1: there is no labelled sentence in this file", path.display()));
    }
    if complaints.is_empty() { Ok(lines) } else { Err(complaints) }
}

impl Subject {
    fn named(path: &Path, lang: Option<&str>) -> Result<Self, Vec<Problem>> {
        Self::read(|| sources::load_from(path), lang, "en")
    }

    fn of_config(loaded: &Loaded, lang: Option<&str>) -> Result<Self, Vec<Problem>> {
        let lang = lang.unwrap_or(&loaded.config.language.0);
        Self::read(|| sources::load(&loaded.config.intents), Some(lang), lang)
    }

    /// Reads rules. Without a language that of the rules counts, where they have one alone.
    fn read(
        load: impl FnOnce() -> (Rules, Vec<Problem>),
        lang: Option<&str>,
        default: &str,
    ) -> Result<Self, Vec<Problem>> {
        let began = Instant::now();
        let (rules, problems) = load();
        let load = began.elapsed();
        if !problems.is_empty() {
            return Err(problems);
        }
        let languages = rules.languages();
        let own = if let [only] = languages[..] { only } else { default };
        let lang = lang.unwrap_or(own).to_owned();
        Ok(Self { rules, lang, load })
    }

    fn understand(&self, line: &Line) -> Understood {
        self.rules.understand(&Said {
            text: &line.sentence,
            lang: &self.lang,
            context: line.context.as_ref(),
            ..Said::default()
        })
    }
}

fn home(path: &Path) -> Result<Home, String> {
    let path_shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{path_shown}:1: cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path_shown}:{}: this is no home: {error}", error.line()))
}

/// Judges all sentences, then times each alone: the first pass warms the caches.
fn measure<'a>(subject: &Subject, lines: &'a [(usize, Line)]) -> (Score, Vec<Miss<'a>>) {
    let measured: Vec<(usize, &Line)> =
        lines.iter().filter(|(_, line)| line.is_measured).map(|(number, line)| (*number, line)).collect();
    let verdicts: Vec<(Verdict, Understood)> = measured
        .iter()
        .map(|(_, line)| {
            let understood = subject.understand(line);
            (line.judge_all(&understood), understood)
        })
        .collect();
    let mut score = Score::default();
    let mut misses = Vec::new();
    for ((number, line), (verdict, understood)) in measured.into_iter().zip(verdicts) {
        let began = Instant::now();
        let again = subject.understand(line);
        let took = began.elapsed();
        drop(again);
        score.add(verdict, took);
        score.asked_back += usize::from(matches!(understood, Understood::Unclear(_)));
        if verdict != Verdict::Exact {
            misses.push(Miss { number, line, understood });
        }
    }
    (score, misses)
}

impl Miss<'_> {
    fn told(&self, path: &Path) -> String {
        let Self { number, line, understood } = self;
        let written = |intent: &str, slots: &Map<String, Value>| format!("{intent} {}", Value::Object(slots.clone()));
        let expected = line.intent.as_ref().map_or("nothing".to_owned(), |intent| written(intent, &line.slots));
        let one = |hit: &Hit| {
            let (got, template) = (written(&hit.name, &hit.slots), hit.sentence.trim());
            format!("{got}\n  template `{template}` ({})", hit.source)
        };
        let got = match understood {
            Understood::Nothing => "nothing".to_owned(),
            Understood::Unclear(unclear) => format!("a question back: {}", unclear.message),
            Understood::Hits(hits) => hits.iter().map(one).collect::<Vec<_>>().join("\n  and      "),
        };
        format!("{}:{number}: {:?}\n  expected {expected}\n  got      {got}", path.display(), line.sentence)
    }

    /// `got` is the first of `all`.
    fn as_json(&self) -> Value {
        let Self { number, line, understood } = self;
        let (hits, question) = match understood {
            Understood::Hits(hits) => (hits.as_slice(), None),
            Understood::Unclear(unclear) => (&[][..], Some(&unclear.message)),
            Understood::Nothing => (&[][..], None),
        };
        let one = |hit: &Hit| json!({ "intent": hit.name, "slots": hit.slots, "template": hit.sentence.trim(), "source": hit.source });
        let all: Vec<Value> = hits.iter().map(one).collect();
        json!({
            "line": number,
            "sentence": line.sentence,
            "expected": line.intent.as_ref().map(|intent| json!({ "intent": intent, "slots": line.slots })),
            "got": all.first(),
            "all": all,
            "question": question,
        })
    }
}

/// Three digits after the point are more than anybody measures.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn as_json(score: &Score, subject: &Subject, skipped: usize, errors: Option<&Vec<Miss<'_>>>) -> Value {
    let latency = score.latency();
    let mut json = json!({
        "total": score.total,
        "intent_accuracy": score.share(score.right_intents),
        "exact_accuracy": score.share(score.exact),
        "wrong_fires": score.wrong_fires,
        "latency_us": {
            "p50": rounded(latency.p50),
            "p95": rounded(latency.p95),
            "p99": rounded(latency.p99),
            "max": rounded(latency.max),
        },
        "load_ms": rounded(subject.load.as_secs_f64() * 1e3),
        "skipped": skipped,
        "asked_back": score.asked_back,
    });
    if let Some(misses) = errors {
        json["errors"] = misses.iter().map(Miss::as_json).collect();
    }
    json
}

fn show(score: &Score, subject: &Subject, skipped: usize) {
    let row = |name: &str, count: usize| format!("{name:<14}{count:>6}{:>9.2} %", 100.0 * score.share(count));
    let mut lines = vec![format!("{:<14}{:>6}", "sentences", score.total)];
    if skipped > 0 {
        lines.push(format!("{:<14}{skipped:>6}   device lines, which do not say what is meant", "skipped"));
    }
    lines.push(row("right intent", score.right_intents));
    lines.push(row("and slots", score.exact));
    lines.push(row("wrong fires", score.wrong_fires));
    if score.asked_back > 0 {
        lines.push(row("asked back", score.asked_back));
    }
    let latency = score.latency();
    let times = [("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99), ("max", latency.max)];
    lines.extend(times.map(|(name, time)| format!("{:<14}{time:>8.1} µs", format!("latency {name}"))));
    let (load, rules, lang) = (subject.load.as_secs_f64() * 1e3, subject.rules.len(), &subject.lang);
    lines.push(format!("{:<14}{load:>8.1} ms   {rules} rules, language {lang}", "load"));
    say(&lines.join("\n"));
}
