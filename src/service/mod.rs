//! What the system around the daemon wants of it: systemd's notifications and watchdog, the journal, signals, and word of
//! changed files.
//!
//! Nothing here is needed to answer an utterance: without systemd, without a journal and without a terminal the daemon
//! runs the same. It must not decide anything; it carries what others decided to the system, and signals to them.

pub mod log;
pub mod notify;
pub mod panics;
pub mod signals;
pub mod watch;
