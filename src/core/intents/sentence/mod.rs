//! The sentence-template language: read, compiled, and matched against what was said.
//!
//! [`syntax`] reads a template, [`grammar`] compiles it, [`heard`] makes the words ready, [`found`] looks lists and numbers
//! up in them, [`filter`] leaves out what cannot match, and [`matcher`] matches the rest. Nothing here knows of files,
//! intents or rules.

pub(super) mod filter;
pub(super) mod found;
pub(super) mod grammar;
pub(super) mod heard;
pub(super) mod matcher;
pub(super) mod range;
pub(super) mod syntax;
pub(super) mod trie;
