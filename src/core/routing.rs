//! Tier choice: a pure function from an utterance to who answers it.
