//! One file of the Hugging Face hub, fetched by the hf-hub crate into a folder of its own, resumed where it broke off.
//!
//! Gives the staged file and the sha256 that the hub announced for it. It does not check the sum and puts nothing under a
//! model's name: [`super::pull`] does, for every source alike. hf-hub's connections have no timeouts, so it runs in a
//! thread, and a caller who hears nothing for [`Sources::patience`] stops waiting.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use hf_hub::api::Progress as HubProgress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use crate::models::HubFile;
use crate::models::checksum::is_sha256;
use crate::models::error::Error;
use crate::models::pull::{Progress, Sources};

/// How often the thread tells how far it is; the disk is faster than a terminal needs to know.
const TELL_EVERY: Duration = Duration::from_millis(100);
const MAX_EVENTS: usize = 64;

/// What the hub says of a file without sending it.
pub(super) struct Announced {
    pub(super) size: u64,
    pub(super) sha256: Option<String>,
}

/// A whole file in the staging folder.
pub(super) struct Staged {
    pub(super) path: PathBuf,
    pub(super) sha256: Option<String>,
}

enum Event<T> {
    Bytes { done: u64, total: u64 },
    End(Result<T, Error>),
}

/// Asks the hub for size and sha256.
pub(super) fn announced(file: &HubFile, sources: &Sources) -> Result<Announced, Error> {
    let (asked, from) = (file.clone(), sources.clone());
    in_thread(file, sources, &mut |_| {}, move |_| {
        let transfer = Transfer::new(&asked, &from, Path::new(""))?;
        transfer.ask().map(|(announced, _)| announced)
    })
}

/// Fetches the file into `staging`, going on where an earlier try broke off.
pub(super) fn fetch(
    file: &HubFile,
    sources: &Sources,
    staging: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Staged, Error> {
    let (asked, from, into) = (file.clone(), sources.clone(), staging.to_owned());
    in_thread(file, sources, progress, move |events| Transfer::new(&asked, &from, &into)?.run(&into, events))
}

/// Runs `work` in a thread and waits as long as it shows life. The thread is left behind only when it hangs in a read
/// that nothing can end; it holds no more than its part file.
fn in_thread<T: Send + 'static>(
    file: &HubFile,
    sources: &Sources,
    progress: &mut dyn FnMut(Progress),
    work: impl FnOnce(&SyncSender<Event<T>>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (events_tx, events_rx) = mpsc::sync_channel(MAX_EVENTS);
    let spawned = thread::Builder::new().name("hub".to_owned()).spawn(move || {
        let outcome = work(&events_tx);
        // Nobody listens any more after the caller's patience ended.
        let _ = events_tx.send(Event::End(outcome));
    });
    spawned.map_err(|cause| Error::io("fetched", Path::new(&file.file), cause))?;
    let mut last = None;
    loop {
        match events_rx.recv_timeout(sources.patience) {
            Ok(Event::Bytes { done, total }) => {
                last = Some((done, total));
                progress(Progress::Bytes { done, total });
            }
            Ok(Event::End(outcome)) => return outcome,
            Err(RecvTimeoutError::Timeout) => {
                let cause = format!("nothing came for {} seconds", sources.patience.as_secs());
                return Err(match last {
                    Some((done, total)) => Error::BrokeOff { file: file.file.clone(), done, total, cause },
                    None => Error::Unreachable { server: sources.endpoint.clone(), cause, setting: "HF_ENDPOINT" },
                });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let cause = "the download ended without a word".to_owned();
                return Err(Error::Protocol { server: sources.endpoint.clone(), cause });
            }
        }
    }
}

struct Transfer<'a> {
    file: &'a HubFile,
    server: &'a str,
    api: Api,
    repo: ApiRepo,
    cache: hf_hub::CacheRepo,
}

impl<'a> Transfer<'a> {
    fn new(file: &'a HubFile, sources: &'a Sources, staging: &Path) -> Result<Self, Error> {
        let cache = Cache::new(staging.to_owned());
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(sources.endpoint.clone())
            .with_token(sources.token.clone())
            .with_progress(false)
            .with_user_agent(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| Error::Protocol { server: sources.endpoint.clone(), cause: error.to_string() })?;
        let repo = Repo::new(format!("{}/{}", file.owner, file.repo), RepoType::Model);
        Ok(Self { file, server: &sources.endpoint, repo: api.repo(repo.clone()), cache: cache.repo(repo), api })
    }

    /// Size and sum as announced, and where hf-hub keeps the content, whose name is the etag.
    fn ask(&self) -> Result<(Announced, PathBuf), Error> {
        let metadata = self.api.metadata(&self.repo.url(&self.file.file)).map_err(|error| self.refused(error))?;
        // Both become paths below the staging folder, so a server may not choose any path it likes.
        if ![metadata.etag(), metadata.commit_hash()].iter().all(|name| stays_inside(name)) {
            return Err(self.odd("its etag or commit is no plain name"));
        }
        let size = u64::try_from(metadata.size()).map_err(|_| self.odd("its size is out of range"))?;
        let sha256 = is_sha256(metadata.etag()).then(|| metadata.etag().to_ascii_lowercase());
        Ok((Announced { size, sha256 }, self.cache.blob_path(metadata.etag())))
    }

    fn run(&self, staging: &Path, events: &SyncSender<Event<Staged>>) -> Result<Staged, Error> {
        let (announced, blob) = self.ask()?;
        let part = blob.with_extension("part");
        let on_disk = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        match on_disk(&part) {
            // Whole, but not yet renamed: asking for what follows the last byte would be refused.
            length if length == announced.size && length > 0 => {
                fs::rename(&part, &blob).map_err(|cause| Error::io("renamed", &part, cause))?;
            }
            length if length > announced.size => {
                fs::remove_file(&part).map_err(|cause| Error::io("removed", &part, cause))?;
            }
            _ => {}
        }
        if on_disk(&blob) != announced.size {
            let told = Told { events, done: 0, total: announced.size, last: None };
            if let Err(error) = self.repo.download_with_progress(&self.file.file, told) {
                return Err(self.broke_off(error, on_disk(&part), announced.size, staging));
            }
            let done = on_disk(&blob);
            if done != announced.size {
                fs::remove_file(&blob).map_err(|cause| Error::io("removed", &blob, cause))?;
                return Err(self.odd(&format!("{done} bytes came instead of {}", announced.size)));
            }
        }
        Ok(Staged { path: blob, sha256: announced.sha256 })
    }

    /// An error before the first byte.
    fn refused(&self, error: ApiError) -> Error {
        let repo = || format!("{}/{}", self.file.owner, self.file.repo);
        let server = self.server.to_owned();
        match error {
            ApiError::RequestError(error) => match *error {
                ureq::Error::StatusCode(404) => Error::NotFound { server, repo: repo(), file: self.file.file.clone() },
                ureq::Error::StatusCode(status @ (401 | 403)) => Error::Forbidden { repo: repo(), status },
                ureq::Error::StatusCode(status) => self.odd(&format!("HTTP status {status}")),
                ureq::Error::Protocol(error) => self.odd(&error.to_string()),
                ureq::Error::BadUri(_) | ureq::Error::Http(_) => self.odd("its address is no http:// or https:// URL"),
                ureq::Error::Io(cause) => Error::Unreachable { server, cause: plain(&cause), setting: "HF_ENDPOINT" },
                other => Error::Unreachable { server, cause: other.to_string(), setting: "HF_ENDPOINT" },
            },
            other => self.odd(&other.to_string().to_lowercase()),
        }
    }

    /// An error while the bytes came.
    fn broke_off(&self, error: ApiError, done: u64, total: u64, staging: &Path) -> Error {
        match error {
            ApiError::IoError(cause) if is_disk(&cause) => Error::io("written", staging, cause),
            ApiError::IoError(cause) => {
                Error::BrokeOff { file: self.file.file.clone(), done, total, cause: plain(&cause) }
            }
            ApiError::LockAcquisition(_) => Error::Busy(staging.to_owned()),
            other => self.refused(other),
        }
    }

    fn odd(&self, cause: &str) -> Error {
        Error::Protocol { server: self.server.to_owned(), cause: cause.to_owned() }
    }
}

/// The disk's errors, as against those of the connection that the same copy loop reports.
fn is_disk(cause: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(cause.kind(), NotFound | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// The cause in words: `connection refused (os error 111)` without the number.
fn plain(cause: &io::Error) -> String {
    let text = cause.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn stays_inside(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Passes hf-hub's counts on, not more often than anyone can read them.
struct Told<'a> {
    events: &'a SyncSender<Event<Staged>>,
    done: u64,
    total: u64,
    last: Option<Instant>,
}

impl HubProgress for Told<'_> {
    fn init(&mut self, size: usize, _filename: &str) {
        // It comes twice: before the part file is looked at and after.
        self.done = 0;
        self.total = u64::try_from(size).unwrap_or(u64::MAX);
    }

    fn update(&mut self, size: usize) {
        self.done = self.done.saturating_add(u64::try_from(size).unwrap_or(0));
        if self.done == self.total || self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY) {
            self.last = Some(Instant::now());
            // An unheard count is no loss: the caller has stopped waiting.
            let _ = self.events.send(Event::Bytes { done: self.done, total: self.total });
        }
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_choose_a_path_outside() {
        assert!(stays_inside("b179c9523d0e"));
        assert!(stays_inside("W/b179"));
        for name in ["", "../up", "/etc/passwd", "a/../../b", ".", ".."] {
            assert!(!stays_inside(name), "{name}");
        }
    }
}
