//! `hearthd check`: every problem of config and intents, as `file:line:column: message`.

use crate::config::file::{ConfigError, Loaded};

use super::{Outcome, complain, connect, say, say_all, sources};

pub(super) fn run(config: &Result<Loaded, ConfigError>) -> Outcome {
    let loaded = match config {
        Ok(loaded) => loaded,
        Err(ConfigError::Problems(problems)) => {
            say_all(problems);
            return Outcome::Problems;
        }
        Err(error) => {
            complain(error);
            return Outcome::NotStarted;
        }
    };
    let (rules, problems) = sources::check(&loaded.config.intents);
    say_all(&problems);
    for note in rules.notes() {
        say(&format_args!("{note} (a note)"));
    }
    let mut found = problems.len();
    for message in
        connect::settings(loaded).err().into_iter().map(|error| error.to_string()).chain(connect::bad_models(loaded))
    {
        say(&format_args!("{}:1:1: {message}", loaded.path.display()));
        found += 1;
    }
    if found > 0 {
        return Outcome::Problems;
    }
    let (path, rules, intents) = (loaded.path.display(), rules.len(), rules.intents());
    say(&format_args!("{path}: no problems; {rules} rules for {intents} intents"));
    Outcome::Done
}
