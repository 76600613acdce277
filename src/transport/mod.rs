//! Bytes to utterances, replies to bytes.
