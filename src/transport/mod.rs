//! The doors: each turns bytes into utterances and replies into bytes.
//!
//! A transport decides nothing about what was said: it reads, hands over to the engine, and writes what comes back.

pub mod http;
pub mod mqtt;
