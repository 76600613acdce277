//! Where log records go: the journal when standard error is the journal, plain lines on standard error else.
//!
//! Records of other crates come by the `log` crate or as `tracing` events; both end here. What they call information is
//! detail to somebody who runs a home, so it counts as debug, and so does everything llama.cpp says. Control characters
//! of a message are escaped: nobody writes the journal's lines, or the terminal's colours, through an utterance.

mod events;
mod line;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::SystemTime;

use log::{Level, LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::JournalLog;
use thiserror::Error;

/// Why logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// `init` was called before in this process.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Sends every record at `level` or above to the journal or to standard error; `worker` marks those of the model worker.
///
/// # Errors
///
/// When logging is already set up.
pub fn init(level: LevelFilter, worker: bool) -> Result<(), LogError> {
    let sink = Sink { level, output: Output::find(worker) };
    log::set_boxed_logger(Box::new(sink)).map_err(|_| LogError::AlreadySet)?;
    log::set_max_level(level);
    // The worker listens to llama.cpp itself, since it has to know the last error as well.
    if worker { Ok(()) } else { events::forward(level).map_err(|_| LogError::AlreadySet) }
}

struct Sink {
    level: LevelFilter,
    output: Output,
}

enum Output {
    Journal(JournalLog),
    Lines { colour: bool, worker: bool },
}

impl Output {
    fn find(worker: bool) -> Self {
        if systemd_journal_logger::connected_to_journal()
            && let Ok(journal) = JournalLog::empty()
        {
            let name = if worker { "hearthd-model-worker" } else { "hearthd" };
            return Self::Journal(journal.with_syslog_identifier(name.to_owned()));
        }
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::Lines { colour, worker }
    }
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata) -> bool {
        weighed(metadata.target(), metadata.level()) <= self.level
    }

    fn log(&self, record: &Record) {
        let level = weighed(record.target(), record.level());
        if level > self.level {
            return;
        }
        let message = record.args().to_string();
        let message = line::escaped(&message);
        match &self.output {
            Output::Journal(journal) => journal.log(
                &Record::builder()
                    .metadata(Metadata::builder().level(level).target(record.target()).build())
                    .args(format_args!("{message}"))
                    .module_path(record.module_path())
                    .file(record.file())
                    .line(record.line())
                    .build(),
            ),
            Output::Lines { colour, worker } => {
                let place = if *worker { "model-worker " } else { "" };
                let level = line::level(level, *colour);
                let text =
                    format!("{} {level} {place}{}: {message}\n", line::stamp(SystemTime::now()), record.target());
                // One write a line, so that the daemon's and the worker's lines do not mix. Nobody is left to be told
                // of a standard error that is closed.
                let _ = io::stderr().lock().write_all(text.as_bytes());
            }
        }
    }

    fn flush(&self) {}
}

/// How much a record counts here, given who says it.
fn weighed(target: &str, level: Level) -> Level {
    let speaker = target.split("::").next().unwrap_or(target);
    let from_llama = speaker.contains("llama") || speaker.contains("ggml");
    if from_llama || (speaker != "hearthd" && level == Level::Info) { level.max(Level::Debug) } else { level }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn others_information_is_our_detail() {
        assert_eq!(weighed("hearthd::engine", Level::Info), Level::Info);
        assert_eq!(weighed("hearthd", Level::Info), Level::Info);
        assert_eq!(weighed("hearthd::inference::llama", Level::Info), Level::Info);
        for other in ["mqtt5::broker::router", "mqtt5_protocol::packet", "rumqttc::state", "hyper_util::client"] {
            assert_eq!(weighed(other, Level::Info), Level::Debug, "{other}");
            assert_eq!(weighed(other, Level::Warn), Level::Warn, "{other}");
            assert_eq!(weighed(other, Level::Trace), Level::Trace, "{other}");
        }
        for llama in ["llama-cpp-2", "llama_cpp_2::context", "llama.cpp::load", "ggml::cuda"] {
            assert_eq!(weighed(llama, Level::Error), Level::Debug, "{llama}");
            assert_eq!(weighed(llama, Level::Trace), Level::Trace, "{llama}");
        }
    }

    const CHILD: &str = "HEARTHD_TEST_LOGS";

    /// Run by the tests below in a process of its own, since logging is set up once a process.
    #[test]
    fn child_logs_when_told() {
        let Ok(level) = std::env::var(CHILD) else { return };
        init(level.parse().unwrap(), level == "debug").unwrap();
        assert!(init(LevelFilter::Trace, false).is_err());
        log::info!(target: "hearthd::engine", "ready\n2026-01-01T00:00:00Z ERROR hearthd: \u{1b}[31mforged");
        log::debug!(target: "hearthd::engine", "detail");
        tracing::info!(target: "mqtt5::broker", client = 7, "connected");
        tracing::warn!(target: "mqtt5::broker", client = 7, "refused");
        tracing::error!(target: "llama-cpp-2", "cannot load");
    }

    fn logged(level: &str) -> Vec<String> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "service::log::tests::child_logs_when_told", "--nocapture"])
            .env(CHILD, level)
            .env_remove("JOURNAL_STREAM")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap().lines().map(|line| line[20..].to_owned()).collect()
    }

    #[test]
    fn writes_plain_lines_that_cannot_be_forged() {
        assert_eq!(
            logged("info"),
            [
                " INFO hearthd::engine: ready\\n2026-01-01T00:00:00Z ERROR hearthd: \\u{1b}[31mforged",
                " WARN mqtt5::broker: refused client=7",
            ]
        );
    }

    #[test]
    fn shows_others_detail_at_debug_and_marks_the_worker() {
        assert_eq!(
            logged("debug")[1..],
            [
                " DEBUG model-worker hearthd::engine: detail",
                " DEBUG model-worker mqtt5::broker: connected client=7",
                " WARN model-worker mqtt5::broker: refused client=7",
                " DEBUG model-worker llama-cpp-2: cannot load",
            ]
        );
    }
}
