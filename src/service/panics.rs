//! A panic ends the process, so that a half-dead daemon is never mistaken for a living one.
//!
//! The journal gets the place of the panic and nothing else: a message that was formatted into the panic could hold
//! spoken words. systemd then starts the daemon again.

use std::io::Write as _;

/// From here on a panic in any thread is logged with its place, without its message, and aborts the process.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        if log::max_level() >= log::LevelFilter::Error {
            log::error!("panicked at {place}: this is a bug in hearthd; the process ends");
            log::logger().flush();
        } else {
            // Logging is not set up yet; a closed standard error leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "hearthd: panicked at {place}: this is a bug in hearthd");
        }
        std::process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::sys::signal::Signal;

    use super::*;

    const CHILD: &str = "HEARTHD_TEST_PANICS";

    /// Run by the test below in a process of its own; alone it shows nothing.
    #[test]
    fn child_panics_when_told() {
        if std::env::var_os(CHILD).is_some() {
            abort_on_panic();
            let spoken = "open the back door";
            panic!("while answering {spoken:?}");
        }
    }

    #[test]
    fn tells_the_place_but_not_the_words_and_aborts() {
        use std::os::unix::process::ExitStatusExt as _;

        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "service::panics::tests::child_panics_when_told", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let ended_by = output.status.signal().map(|number| Signal::try_from(number).unwrap());
        assert_eq!(ended_by, Some(Signal::SIGABRT), "{said}");
        assert!(said.contains("src/service/panics.rs:"), "{said}");
        assert!(!said.contains("back door"), "{said}");
    }
}
