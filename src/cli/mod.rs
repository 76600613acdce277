//! The command line: one file a command, each from its arguments to an exit code.
//!
//! The only room that knows all others: it reads the config, makes the parts and puts them together. What a command
//! prints for people goes to standard output, what went wrong to standard error.

mod arguments;
mod ask;
mod check;
mod connect;
mod daemon;
mod demo_home;
mod devices;
mod eval;
mod intents;
mod matching;
pub mod models;
mod reload;
mod run;
mod schema;
mod sources;
mod table;
mod test;
mod train;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::config::file::{self, ConfigError, Loaded};
use crate::core::yaml::Problem;
use crate::{inference, service};

use arguments::{Arguments, Command};

/// How a command ended; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did what it was asked.
    Done,
    /// It found problems, or could not do it.
    Problems,
    /// It could not start: config, intents, a port.
    NotStarted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Problems => Self::from(1),
            Outcome::NotStarted => Self::from(3),
        }
    }
}

/// Reads the arguments, runs the command and returns its exit code; wrong usage ends with 2.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = || load(&arguments);
    let outcome = match arguments.command.as_ref().unwrap_or(&Command::Run) {
        Command::ModelWorker { log_level } => worker(*log_level),
        Command::Schema(which) => schema::run(*which),
        Command::TrainRouter(args) => train::run(args),
        Command::Check => check::run(&config()),
        Command::Run => with(config(), run::run),
        Command::Test(args) => with(config(), |loaded| test::run(&loaded, args)),
        Command::Match(args) => with(config(), |loaded| matching::run(&loaded, args)),
        Command::Eval(args) => eval::run(config, args),
        Command::Ask(args) => with(config(), |loaded| ask::run(&loaded, args)),
        Command::Devices(args) => with(config(), |loaded| devices::run(&loaded, args)),
        Command::DemoHome(args) => with(config(), |loaded| demo_home::run(&loaded, args)),
        Command::Intents(args) => with(config(), |loaded| intents::run(&loaded, args)),
        Command::Models(args) => with(config(), |loaded| fetch(&loaded, args)),
    };
    outcome.into()
}

fn load(arguments: &Arguments) -> Result<Loaded, ConfigError> {
    file::load(arguments.config.as_deref(), &environment())
}

/// The environment as text; a variable that is none cannot be one of ours.
fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Runs a command with its config, or tells why there is none.
fn with(config: Result<Loaded, ConfigError>, command: impl FnOnce(Loaded) -> Outcome) -> Outcome {
    match config {
        Ok(loaded) => command(loaded),
        Err(error) => not_started(&error),
    }
}

/// One line on standard error, and the exit code for what could not start.
fn not_started(error: &dyn std::fmt::Display) -> Outcome {
    complain(error);
    Outcome::NotStarted
}

fn complain(error: &dyn std::fmt::Display) {
    // Standard error is closed: there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "hearthd: {error}");
}

/// A line on standard output; a reader that went away, as `head` does, is no error.
fn say(line: &dyn std::fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Every problem of a file, a line each.
fn say_all(problems: &[Problem]) {
    for problem in problems {
        say(problem);
    }
}

fn worker(log_level: log::LevelFilter) -> Outcome {
    if service::log::init(log_level, true).is_err() {
        complain(&"the model worker's log could not be set up");
    }
    service::panics::abort_on_panic();
    match inference::worker::run() {
        Ok(()) => Outcome::Done,
        Err(error) => not_started(&error),
    }
}

fn fetch(loaded: &Loaded, args: &models::ModelsArgs) -> Outcome {
    let settings = &loaded.config.models;
    // What a server answers needs no file here.
    let local = [("chat", settings.chat()), ("explain", settings.explain())]
        .into_iter()
        .filter(|(_, tier)| tier.server.is_none());
    let texts: Vec<_> = local.map(|(name, tier)| (name, connect::model_text(loaded, &tier.model))).collect();
    let configured: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    match models::run(args, &settings.path, &configured, &mut io::stdout().lock()) {
        Ok(()) => Outcome::Done,
        Err(error) => {
            complain(&error);
            Outcome::Problems
        }
    }
}
