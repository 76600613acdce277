//! hearthd: what somebody said at home comes in by MQTT, one streamed reply goes out.
//!
//! ```text
//!          mqtt  http                     transport   bytes <-> Utterance, Reply
//!              |
//!          admission                      engine      duplicate? too many? too old? -> refused at once
//!              |
//!   normalise -> match -> decide          core        pure: no clock, no socket, no file, no model
//!              |
//!   +----------+-----------------+
//!   | tier 1   | tier 2          | tier 3
//!  publish    chat (1B)      explain (3B)
//!   |             \              /
//!   |          model worker process       inference
//!   +----------+-----------------+
//!              |
//!    chunks -> reply -> transport
//! ```
//!
//! Data flows one way. Each room may use only the rooms named in its row; `tests/rooms.rs` reads the `use crate::` lines
//! and keeps the table true.
//!
//! | room | holds | may use |
//! | --- | --- | --- |
//! | [`core`] | utterances, intents, the home, routing, dialogue, replies, YAML with positions | - |
//! | [`inference`] | the model worker: its process, the frames on its socket, the scheduler over llama.cpp | core |
//! | [`models`] | the catalogue, downloads, checksums | core |
//! | [`engine`] | one request's life: admission, deadlines, cancellation, effects in order | core, inference |
//! | [`transport`] | MQTT and HTTP: bytes to utterances, replies to bytes | core, engine |
//! | [`broker`] | the embedded MQTT broker, a peer like any other | - |
//! | [`config`] | the config file, validated types, secrets | core |
//! | [`service`] | systemd, journal, signals, changed files | - |
//! | [`cli`] | one file a command | all |
//!
//! What must never happen: a model's text becomes a device command; an utterance ends with no final object or with two;
//! a channel without a bound, a wait without an end, a lock held across an await; llama.cpp in the daemon's own process;
//! something that changes ahead of something that stays in a prompt; user text tokenised as control tokens; a publish
//! outside the reply prefixes, the daemon's own topics and the commands of written rules; a spoken word in the journal at
//! the default log level.

#[cfg(feature = "broker")]
pub mod broker;
pub mod cli;
pub mod config;
pub mod core;
pub mod engine;
pub mod inference;
pub mod models;
pub mod service;
pub mod transport;
