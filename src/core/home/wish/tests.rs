//! Wishes granted in a home.
