//! Reading config and intents again while the daemon runs: aside, one reading at a time, and nothing changes where
//! anything is wrong.
//!
//! Only reads and proves. What comes of it is put in place by the daemon, in one step.

use std::path::PathBuf;

use tokio::task::JoinHandle;

use crate::config::file::{self, ConfigError, Loaded};
use crate::core::intents::Rules;
use crate::core::yaml::Problem;

use super::{environment, sources};

/// Problems that are told on the info topic.
const MAX_TOLD: usize = 5;

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// The intents, by the config that is in force.
    Intents,
    /// The config, and the intents it names.
    All,
}

/// What was read, without a problem in it.
pub(super) struct Fresh {
    /// The config, where it was to be read.
    pub(super) loaded: Option<Loaded>,
    pub(super) rules: Rules,
}

/// Why a reload changes nothing.
pub(super) struct ReloadFailed {
    /// For the info topic, which everybody on the broker may read.
    pub(super) public: String,
    /// For the log, a problem a line.
    pub(super) lines: Vec<String>,
}

impl ReloadFailed {
    /// A config may hold a secret in the wrong place, so that only the log says what is wrong with it.
    fn config(error: &ConfigError) -> Self {
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        Self { public: "the config has problems; the log and `hearthd check` name them".to_owned(), lines }
    }

    fn intents(problems: &[Problem]) -> Self {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Self { public: lines.iter().take(MAX_TOLD).cloned().collect::<Vec<_>>().join("\n"), lines }
    }

    fn one(line: String) -> Self {
        Self { public: line.clone(), lines: vec![line] }
    }
}

/// What is being read, and what is to be read after it.
#[derive(Default)]
pub(super) struct Reloads {
    reading: Option<JoinHandle<Result<Fresh, ReloadFailed>>>,
    next: Option<Extent>,
}

impl Reloads {
    /// Wants it read again. While something is being read, however many orders come make one more reading.
    pub(super) fn order(&mut self, extent: Extent) {
        self.next = self.next.max(Some(extent));
    }

    /// Begins what was ordered, if nothing is being read; says whether it did.
    pub(super) fn begin(&mut self, loaded: &Loaded, had_rules: bool) -> bool {
        if self.reading.is_some() {
            return false;
        }
        let Some(extent) = self.next.take() else { return false };
        let loaded = loaded.clone();
        // Off the threads that answer utterances: many rules take a while.
        self.reading = Some(tokio::task::spawn_blocking(move || read(&loaded, extent, had_rules)));
        true
    }

    /// Waits for what is being read; for ever where nothing is. Safe to drop and call again.
    pub(super) async fn done(&mut self) -> Result<Fresh, ReloadFailed> {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let read = reading.await;
        self.reading = None;
        read.unwrap_or_else(|error| Err(ReloadFailed::one(format!("the reading ended early: {error}"))))
    }
}

/// Reads what is asked for. `had_rules` says that rules are in force, which a folder that is gone does not end: it may be
/// on its way back.
fn read(loaded: &Loaded, extent: Extent, had_rules: bool) -> Result<Fresh, ReloadFailed> {
    let fresh = match extent {
        Extent::Intents => None,
        Extent::All => {
            let path: PathBuf = loaded.path.clone();
            Some(file::load(Some(&path), &environment()).map_err(|error| ReloadFailed::config(&error))?)
        }
    };
    let intents = &fresh.as_ref().unwrap_or(loaded).config.intents;
    if had_rules && !intents.path.is_dir() {
        return Err(ReloadFailed::one(format!("the folder {} is gone", intents.path.display())));
    }
    let (rules, problems) = sources::load(intents);
    if problems.is_empty() { Ok(Fresh { loaded: fresh, rules }) } else { Err(ReloadFailed::intents(&problems)) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn home(folder: &Path) -> Loaded {
        fs::create_dir_all(folder.join("intents")).unwrap();
        fs::write(folder.join("config.yaml"), "").unwrap();
        let rule = "language: en\nintents: {A: {data: [{regex: hello, response: Hi.}]}}\n";
        fs::write(folder.join("intents/a.yaml"), rule).unwrap();
        file::load(Some(&folder.join("config.yaml")), &[]).unwrap()
    }

    #[tokio::test]
    async fn orders_during_a_reading_make_one_more_and_the_larger_one() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = home(folder.path());
        let mut reloads = Reloads::default();
        reloads.order(Extent::Intents);
        assert!(reloads.begin(&loaded, true));
        for extent in [Extent::Intents, Extent::All, Extent::Intents] {
            reloads.order(extent);
            assert!(!reloads.begin(&loaded, true), "one at a time");
        }
        assert!(reloads.done().await.is_ok_and(|fresh| fresh.loaded.is_none() && fresh.rules.len() == 1));
        assert!(reloads.begin(&loaded, true));
        assert!(reloads.done().await.is_ok_and(|fresh| fresh.loaded.is_some()));
        assert!(!reloads.begin(&loaded, true), "nothing more was ordered");
    }

    #[test]
    fn a_folder_that_is_gone_ends_no_rules_and_a_config_tells_no_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = home(folder.path());
        fs::remove_dir_all(folder.path().join("intents")).unwrap();
        let failed = read(&loaded, Extent::Intents, true).err().unwrap();
        assert!(failed.public.ends_with("intents is gone"), "{}", failed.public);
        assert!(
            read(&loaded, Extent::All, false).is_ok(),
            "the default folder may be missing where there were no rules"
        );
        fs::write(folder.path().join("config.yaml"), "mqtt: {passwort: canary}\n").unwrap();
        let failed = read(&loaded, Extent::All, false).err().unwrap();
        assert!(!failed.public.contains("canary") && !failed.lines.is_empty(), "{:?}", failed.lines);
        // The intents alone can be read all the same.
        assert!(read(&loaded, Extent::Intents, false).is_ok());
    }
}
