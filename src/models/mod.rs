//! The catalogue of known models, where they are, and how they are fetched.
