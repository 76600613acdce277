//! systemd, journal, signals.
