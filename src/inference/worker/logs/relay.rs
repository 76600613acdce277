//! The tracing subscriber that hands llama.cpp's messages to `log`.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::{TARGET, is_llama_target};

static FIRST_ERROR: Mutex<Option<String>> = Mutex::new(None);

/// The first thing that llama.cpp called an error since this was last asked: the ones after it say less and less.
pub(in crate::inference::worker) fn take_first_error() -> Option<String> {
    FIRST_ERROR.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Sends llama.cpp's messages to the log from now on.
pub(in crate::inference::worker) fn install() {
    // Where a subscriber is installed already, messages go to that one.
    if tracing::subscriber::set_global_default(ToLog).is_ok() {
        llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
    }
}

struct ToLog;

impl Subscriber for ToLog {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // The log's level may change later.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_llama_target(metadata.target())
            && (*metadata.level() == Level::ERROR || log::log_enabled!(target: TARGET, log::Level::Debug))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = line.0.trim();
        if *event.metadata().level() == Level::ERROR {
            FIRST_ERROR.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| text.to_owned());
        }
        log::debug!(target: TARGET, "{text}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's fields in one line: its message, then the others by name.
#[derive(Default)]
struct Line(String);

impl Line {
    fn append(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" | "text" => self.0.push_str(value.trim_end()),
            "module" => self.0 = format!("{value}: {}", self.0),
            name => self.append(format_args!(" {name}={value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.append(format_args!("{value:?}")),
            name => self.append(format_args!(" {name}={value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ToLog, take_first_error};

    #[test]
    fn the_first_error_is_kept_once() {
        tracing::subscriber::with_default(ToLog, || {
            tracing::error!(target: "other", "not ours");
            tracing::error!(target: "llama-cpp-2", "unknown model architecture: 'x'\n");
            tracing::error!(target: "llama-cpp-2", "failed to load model");
        });
        assert_eq!(take_first_error().as_deref(), Some("unknown model architecture: 'x'"));
        assert_eq!(take_first_error(), None);
    }
}
