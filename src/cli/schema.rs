//! `hearthd schema`: JSON Schema for editors.

use super::arguments::Schema;
use super::{Outcome, say};
use crate::config;
use crate::core::intents;

pub(super) fn run(which: Schema) -> Outcome {
    let schema = match which {
        Schema::Intents => intents::schema(),
        Schema::Config => config::schema(),
    };
    say(&format_args!("{schema:#}"));
    Outcome::Done
}
