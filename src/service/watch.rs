//! Tells when files of a folder change, once for a burst of changes and only where something really did.
//!
//! The system's events only say when to look. What changed comes from comparing the files' times, sizes and inodes with
//! what they were: an editor's own files, access times, or a file written by rename make no difference then, and neither do
//! events that got lost. Where the system tells nothing (its limit is reached, the folder is gone, its disk is another
//! machine's), a look now and then does the same, only later. What a change leads to is decided by who asks.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout_at};

/// Files must rest this long: what is written in several steps is looked at once.
const REST: Duration = Duration::from_millis(300);
/// Where they do not come to rest, a look is taken all the same.
const LONGEST_UNREST: Duration = Duration::from_secs(2);
/// How often to look while the system tells of changes: some are behind links, or on disks that tell nothing.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);
/// How often to look while it does not.
const LOOK_UNTOLD: Duration = Duration::from_secs(2);
/// Names that a change shows.
const MAX_SHOWN: usize = 5;

/// Files that are new, gone, or other than they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Their names, relative to the folder, in order.
    pub files: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.files.len().min(MAX_SHOWN);
        f.write_str(&self.files[..shown].join(", "))?;
        match self.files.len() - shown {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The files of a folder that count, by whoever knows: in it and below.
pub type List = fn(&Path) -> Vec<PathBuf>;

/// A watch over one folder at a time.
#[derive(Debug)]
pub struct Watch {
    folder: watch::Receiver<Option<PathBuf>>,
    list: List,
    /// The folder that was named first, and its files.
    seen: Option<(PathBuf, Files)>,
}

impl Watch {
    /// Remembers how the files are now; make it before they are read, so that no change falls between. `None` as the folder
    /// means that nothing is watched for now.
    #[must_use]
    pub fn new(mut folder: watch::Receiver<Option<PathBuf>>, list: List) -> Self {
        let seen = folder.borrow_and_update().clone().map(|folder| (folder.clone(), files(&folder, list)));
        Self { folder, list, seen }
    }

    /// Tells each change until `stopped`, or until nobody listens or says what to watch any more. A change that finds the
    /// channel full is not told: whoever takes what is in it sees this one, too.
    pub async fn run(self, changes: mpsc::Sender<Change>, stopped: impl Future<Output = ()>) {
        tokio::select! {
            () = stopped => {}
            () = self.follow(changes) => {}
        }
    }

    async fn follow(mut self, changes: mpsc::Sender<Change>) {
        loop {
            let folder = self.folder.borrow_and_update().clone();
            let Some(folder) = folder else {
                if self.folder.changed().await.is_err() {
                    return;
                }
                continue;
            };
            // Another folder was just read by whoever named it: it counts from the first look.
            let seen = self.seen.take().filter(|(of, _)| *of == folder).map(|(_, files)| files);
            let (ping, pinged) = mpsc::channel(1);
            let eye = Eye { folder, list: self.list, seen, ears: None, ping, complained: false };
            tokio::select! {
                turned = self.folder.changed() => if turned.is_err() { return },
                () = keep_looking(eye, pinged, &changes) => return,
            }
        }
    }
}

/// Looks whenever something may have changed; returns when nobody listens any more.
async fn keep_looking(mut eye: Eye, mut pinged: mpsc::Receiver<()>, changes: &mpsc::Sender<Change>) {
    loop {
        // A disk may let us wait, and many folders take their time.
        let looked = tokio::task::spawn_blocking(move || {
            let files = eye.look();
            (eye, files)
        });
        let Ok((back, files)) = looked.await else { return };
        eye = back;
        if changes.is_closed() {
            return;
        }
        if !files.is_empty() {
            // Full: see `run`.
            let _ = changes.try_send(Change { files });
        }
        let every = if eye.ears.is_some() { LOOK_ANYWAY } else { LOOK_UNTOLD };
        tokio::select! {
            Some(()) = pinged.recv() => rest(&mut pinged).await,
            () = sleep(every) => {}
        }
    }
}

/// Waits until no more is told for a while.
async fn rest(pinged: &mut mpsc::Receiver<()>) {
    let end = Instant::now() + LONGEST_UNREST;
    while Instant::now() < end {
        let quiet = Instant::now() + REST;
        if timeout_at(quiet.min(end), pinged.recv()).await.is_err() {
            return;
        }
    }
}

/// When a file was written, how large it is, and which it is: another file under its name is a change as well.
type Stamp = (i64, i64, u64, u64);
type Files = BTreeMap<PathBuf, Option<Stamp>>;

fn files(folder: &Path, list: List) -> Files {
    let stamp = |path: &PathBuf| {
        let about = fs::metadata(path).ok()?;
        Some((about.mtime(), about.mtime_nsec(), about.size(), about.ino()))
    };
    list(folder).into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

fn differences(before: &Files, now: &Files, folder: &Path) -> Vec<String> {
    let is_new = |(path, stamp): &(&PathBuf, &Option<Stamp>)| before.get(*path) != Some(*stamp);
    let mut changed: Vec<&PathBuf> = now.iter().filter(is_new).map(|(path, _)| path).collect();
    changed.extend(before.keys().filter(|path| !now.contains_key(*path)));
    changed.sort();
    changed.iter().map(|path| path.strip_prefix(folder).unwrap_or(path).display().to_string()).collect()
}

/// One folder, what was seen of it, and the system's word on it where it gives one.
struct Eye {
    folder: PathBuf,
    list: List,
    /// `None` before the first look.
    seen: Option<Files>,
    ears: Option<Ears>,
    ping: mpsc::Sender<()>,
    complained: bool,
}

/// The system tells of changes as long as this lives.
struct Ears {
    _watcher: RecommendedWatcher,
    /// The folder that it is about, which may since have made room for another of its name.
    inode: (u64, u64),
}

impl Eye {
    /// The names of what changed since the last look.
    fn look(&mut self) -> Vec<String> {
        // First the ears: what changes between both is told, and seen at the next look.
        self.listen();
        let now = files(&self.folder, self.list);
        let names = self.seen.as_ref().map_or_else(Vec::new, |before| differences(before, &now, &self.folder));
        self.seen = Some(now);
        names
    }

    /// Sees to it that the system tells of this very folder, if it can.
    fn listen(&mut self) {
        let inode =
            fs::metadata(&self.folder).ok().filter(fs::Metadata::is_dir).map(|about| (about.dev(), about.ino()));
        if self.ears.as_ref().is_some_and(|ears| Some(ears.inode) == inode) {
            return;
        }
        self.ears = None;
        let Some(inode) = inode else { return };
        match hear(&self.folder, self.ping.clone()) {
            Ok(watcher) => {
                self.ears = Some(Ears { _watcher: watcher, inode });
                self.complained = false;
            }
            Err(error) if !self.complained => {
                self.complained = true;
                let (folder, every) = (self.folder.display(), LOOK_UNTOLD.as_secs());
                log::warn!("changes in {folder} are noticed within {every} s only: {}", in_words(&error));
            }
            Err(_) => {}
        }
    }
}

fn hear(folder: &Path, ping: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let tell = move |event: notify::Result<Event>| {
        if event.as_ref().map_or(true, is_change) {
            // Full: a look is due already.
            let _ = ping.try_send(());
        }
    };
    // Links are not followed: one to `/` would be a watch over everything.
    let mut watcher = RecommendedWatcher::new(tell, Config::default().with_follow_symlinks(false))?;
    watcher.watch(&fs::canonicalize(folder)?, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Reading is none, or our own reading would make us read again.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn in_words(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached; raise it with sysctl fs.inotify.max_user_watches"
                .to_owned()
        }
        ErrorKind::Io(cause) if cause.raw_os_error() == Some(nix::libc::EMFILE) => {
            "the system's limit of watches is reached; raise it with sysctl fs.inotify.max_user_instances".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
