//! The rows of the table, each of which starts what it measures and ends it.

mod chat_first;
mod decode;
mod first_chunk;
mod four_streams;
mod memory;
mod repeated;
mod second_turn;
mod settings;
mod sizes;
mod streaming;
mod subscriber;
mod system_prompt;

use std::pin::Pin;

use crate::Failure;
use crate::picture::Times;
use crate::scene::Scene;
use crate::table::Line;

/// The row whose times are drawn.
pub(crate) const DRAWN: &str = "streaming";

/// What a row found.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) lines: Vec<Line>,
    pub(crate) times: Option<Times>,
}

impl From<Vec<Line>> for Outcome {
    fn from(lines: Vec<Line>) -> Self {
        Self { lines, times: None }
    }
}

type Run<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + 'a>>;

/// One of the bench's questions.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whose the second column is.
    pub(crate) theirs: &'static str,
    pub(crate) run: for<'a> fn(&'a Scene) -> Run<'a>,
}

#[rustfmt::skip]
pub(crate) const ROWS: [Row; 12] = [
    Row { name: "decode", theirs: "bench", run: |scene| Box::pin(decode::run(scene)),
        about: "tokens a second of one stream over MQTT, beside llama-bench" },
    Row { name: "first-chunk", theirs: "server", run: |scene| Box::pin(first_chunk::run(scene)),
        about: "a new question's first chunk over MQTT, beside llama-server with its prompt cache" },
    Row { name: "second-turn", theirs: "server", run: |scene| Box::pin(second_turn::run(scene)),
        about: "the first chunk of a conversation's second turn" },
    Row { name: "four-streams", theirs: "server", run: |scene| Box::pin(four_streams::run(scene)),
        about: "tokens a second of four streams together, beside llama-server -np 4" },
    Row { name: "chat-first", theirs: "server", run: |scene| Box::pin(chat_first::run(scene)),
        about: "chat's first chunk while an explanation streams, beside two llama-servers" },
    Row { name: "streaming", theirs: "server", run: |scene| Box::pin(streaming::run(scene)),
        about: "an explanation's first chunk against its end; the times of the three tiers" },
    Row { name: "sizes", theirs: "large", run: |scene| Box::pin(sizes::run(scene)),
        about: "whole short answers of the small model (ours) against the large one's, as shipped and equally long" },
    Row { name: "system-prompt", theirs: "without", run: |scene| Box::pin(system_prompt::run(scene)),
        about: "the system prompt computed once (ours), and with every question" },
    Row { name: "repeated", theirs: "server", run: |scene| Box::pin(repeated::run(scene)),
        about: "a question that was asked before" },
    Row { name: "settings", theirs: "", run: |scene| Box::pin(settings::run(scene)),
        about: "contexts and batches: time, speed, memory" },
    Row { name: "subscriber", theirs: "", run: |scene| Box::pin(subscriber::run(scene)),
        about: "from a sampled token to its chunk at a subscriber of Mosquitto" },
    Row { name: "memory", theirs: "server", run: |scene| Box::pin(memory::run(scene)),
        about: "the worker's memory, and whether it grows over 2,000 requests" },
];
