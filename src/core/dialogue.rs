//! Conversations: what was said before, by whom.
