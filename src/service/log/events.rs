//! Turns `tracing` events into log records.
//!
//! `tracing` can do so by itself, but only for events made by its own macros: llama.cpp's messages are dispatched by hand
//! and would be lost. Spans are of no use to a line-wise log and are not kept.

use std::fmt::{self, Write as _};

use log::LevelFilter;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Event, Level, Metadata, Subscriber};

/// From here on every event at `level` or above becomes a record of the installed logger.
pub(super) fn forward(level: LevelFilter) -> Result<(), SetGlobalDefaultError> {
    tracing::subscriber::set_global_default(Forward { level })
}

struct Forward {
    level: LevelFilter,
}

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && log::logger().enabled(&described(metadata))
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        use tracing::level_filters::LevelFilter as Hint;

        Some(match self.level {
            LevelFilter::Off => Hint::OFF,
            LevelFilter::Error => Hint::ERROR,
            LevelFilter::Warn => Hint::WARN,
            LevelFilter::Info => Hint::INFO,
            LevelFilter::Debug => Hint::DEBUG,
            LevelFilter::Trace => Hint::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        // An event that is dispatched by hand was not asked about before.
        if !self.enabled(metadata) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        log::logger().log(
            &log::Record::builder()
                .metadata(described(metadata))
                .args(format_args!("{}{}", text.message, text.fields))
                .module_path(metadata.module_path())
                .file(metadata.file())
                .line(metadata.line())
                .build(),
        );
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

fn described<'a>(metadata: &Metadata<'a>) -> log::Metadata<'a> {
    let level = match *metadata.level() {
        Level::ERROR => log::Level::Error,
        Level::WARN => log::Level::Warn,
        Level::INFO => log::Level::Info,
        Level::DEBUG => log::Level::Debug,
        Level::TRACE => log::Level::Trace,
    };
    log::Metadata::builder().level(level).target(metadata.target()).build()
}

/// The event's message, and its other fields as ` name=value` behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}
