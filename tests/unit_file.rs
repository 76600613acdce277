//! The systemd unit is one that systemd accepts, and it stays as closed as it was measured to be.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Ten times the score of `systemd-analyze security` above which the unit is too open.
const THRESHOLD: &str = "--threshold=15";

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/hearthd.service")
}

/// Runs `systemd-analyze`; `None`, said aloud, where there is none.
fn analyze(arguments: &[&str], file: &Path) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).arg(file).output() {
        Ok(output) => Some(output),
        Err(error) => {
            // Past the test harness, which would keep it to itself.
            let line = format!("\nSKIPPED: systemd-analyze {} was not run: {error}\n", arguments.join(" "));
            std::io::stderr().write_all(line.as_bytes()).ok();
            None
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn systemd_understands_every_line() {
    let folder = tempfile::tempdir().unwrap();
    // Verification asks that the program exists, and here it is not installed.
    let program = folder.path().join("hearthd");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = std::fs::read_to_string(unit()).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/hearthd run --config /etc/hearthd/config.yaml\n"));
    let copy = folder.path().join("hearthd.service");
    std::fs::write(&copy, text.replace("/usr/bin/hearthd", program.to_str().unwrap())).unwrap();

    let Some(output) = analyze(&["verify", "--man=no"], &copy) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let about_it: Vec<_> = said(&output).lines().filter(|line| line.contains("hearthd")).map(str::to_owned).collect();
    assert!(about_it.is_empty(), "{about_it:#?}");
}

#[test]
fn the_service_stays_closed() {
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager", THRESHOLD], &unit()) else { return };
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_gate_that_lets_everything_through_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open.service");
    std::fs::write(&open, "[Service]\nExecStart=/bin/true\n").unwrap();
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager", THRESHOLD], &open) else { return };
    assert!(!output.status.success(), "{}", said(&output));
}
