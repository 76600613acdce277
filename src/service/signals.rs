//! The signals that tell the daemon to stop or to read its files again.
//!
//! SIGTERM and SIGINT stop, SIGHUP reloads. SIGPIPE stays ignored, as Rust's runtime leaves it: a closed pipe is an error
//! of the write, not the end of the daemon. What stopping and reloading mean is decided by who asks.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: finish what runs and end.
    Stop,
    /// SIGHUP: read config and intents again.
    Reload,
}

/// The process's signals from the moment this is made; before it, they have their default effect.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hang_up: unix::Signal,
}

impl Signals {
    /// Takes the signals over from their default effect.
    ///
    /// # Errors
    ///
    /// When the system refuses the handlers.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hang_up: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal. Stopping goes before reloading when both wait. Safe to drop and call again.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::{Signal as Number, raise};

    use super::*;

    #[tokio::test]
    async fn each_signal_asks_for_what_it_means() {
        let mut signals = Signals::new().unwrap();
        for (number, asked) in
            [(Number::SIGHUP, Signal::Reload), (Number::SIGTERM, Signal::Stop), (Number::SIGINT, Signal::Stop)]
        {
            raise(number).unwrap();
            let got = tokio::time::timeout(Duration::from_secs(10), signals.next()).await.unwrap();
            assert_eq!(got, asked, "{number}");
        }
    }
}
