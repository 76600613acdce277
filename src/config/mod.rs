//! The config file, validated types, secrets.
