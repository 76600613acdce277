//! What all rows have in common: the files, the settings of the run, and who is next.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;
use crate::daemon::{Model, Setup};
use crate::files::{Files, Size};
use crate::peer::ServerSetup;

/// The catalogue's format first: rows that show one format show this.
const FORMATS: [&str; 2] = ["q4_k_m", "q4_0"];
const ROUNDS: usize = 7;
/// Nobody goes on with a conversation sooner than that: an answer is read out first.
const REST: Duration = Duration::from_secs(2);
const THREADS: u32 = 2;

pub(crate) struct Scene {
    pub(crate) files: Files,
    pub(crate) formats: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) threads: u32,
}

impl Scene {
    pub(crate) fn find(format: Option<&str>) -> Result<Self, Failure> {
        let formats: Vec<String> = match format {
            Some(format) => vec![format.to_owned()],
            None => FORMATS.map(str::to_owned).to_vec(),
        };
        let number = |name: &str| match env::var(name) {
            Ok(text) => text.parse::<u32>().map(Some).map_err(|error| format!("{name}: {error}")),
            Err(_) => Ok(None),
        };
        let rounds = number("HEARTHD_BENCH_ROUNDS")?.map_or(Ok(ROUNDS), usize::try_from)?.max(1);
        let threads = number("HEARTHD_BENCH_THREADS")?.unwrap_or(THREADS);
        Ok(Self { files: Files::find(&formats)?, formats, rounds, threads })
    }

    /// What is measured on, and how often.
    pub(crate) fn machine(&self) -> String {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let cpu = cpu.map_or("an unknown processor", |(_, name)| name);
        format!("{cpu}, {} threads, medians of {} rounds", self.threads, self.rounds)
    }

    /// The format of rows that show one.
    pub(crate) fn format(&self) -> &str {
        self.formats.first().map_or(FORMATS[0], String::as_str)
    }

    pub(crate) fn model(&self, size: Size, format: &str) -> PathBuf {
        self.files.model(size, format)
    }

    /// hearthd with both models, its other settings the shipped ones.
    pub(crate) fn setup(&self, format: &str, max_tokens: u32) -> Setup {
        let model = |size| Model::new(&self.model(size, format), max_tokens);
        Setup::new(model(Size::Small), model(Size::Large), self.threads)
    }

    /// A server of the same model with the same settings.
    pub(crate) fn server(&self, size: Size, format: &str, slots: u32) -> ServerSetup {
        ServerSetup::new(self.model(size, format), slots, self.threads)
    }

    /// The rounds, the first of which warms up, and in each whether it is our turn: who goes first changes.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (usize, bool)> + use<> {
        (0..=self.rounds).flat_map(|round| [round % 2 == 0, round % 2 != 0].map(|ours| (round, ours)))
    }
}

/// Lets pass what either still does once its last answer is over, lest it be counted as the other's time: hearthd reads ahead
/// where a conversation may go on.
pub(crate) async fn rest() {
    tokio::time::sleep(REST).await;
}

/// hearthd's tier that a model answers.
pub(crate) fn tier(size: Size) -> &'static str {
    match size {
        Size::Small => "chat",
        Size::Large => "explain",
    }
}
