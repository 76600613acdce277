//! The thinking core: decisions as values, never effects.
//!
//! Nothing in here touches a socket, a file, a clock or a model; it takes text and instants and returns what should
//! happen. That keeps it deterministic and lets a test, a fuzzer or a bench call it directly.

pub mod checksum;
pub mod dialogue;
pub mod gpu_layers;
pub mod home;
pub mod intents;
pub(crate) mod language;
pub mod reply;
pub mod routing;
pub mod sampling;
pub mod secret;
pub mod server;
pub mod standalone;
pub mod utterance;
pub mod yaml;
