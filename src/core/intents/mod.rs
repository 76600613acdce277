//! Tier 1: rules written in YAML.
