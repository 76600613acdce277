//! Which ids were taken: the same id again within ten minutes is not carried out a second time.
//!
//! Kept in memory with the final object of each, so that a client that asks again is answered, and as lines in a file
//! of the state folder, so that a message that the broker delivers again after a restart moves nothing twice.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::core::reply::Final;

/// How long an id is remembered.
const WINDOW: Duration = Duration::from_mins(10);
/// How many ids are remembered.
const MAX_IDS: usize = 4_096;
/// Lines of the file beyond which it is written anew.
const MAX_LINES: usize = 2 * MAX_IDS;
/// Bytes of final objects kept for clients that ask again.
const MAX_FINAL_BYTES: usize = 4 * 1024 * 1024;

/// What is known of an id.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// Not seen: it is taken now.
    New,
    /// Being answered; its final object will come.
    Running,
    /// Answered with this.
    Answered(Box<Final>),
    /// Taken before a restart, or so long ago that the answer was dropped.
    Forgotten,
    /// Taken for another text.
    Conflict {
        /// Whether that one is still being answered.
        running: bool,
    },
}

#[derive(Debug)]
enum Outcome {
    Running,
    Answered(Box<Final>),
    Forgotten,
}

#[derive(Debug)]
struct Entry {
    text_hash: u64,
    taken: Instant,
    outcome: Outcome,
}

/// The ids of the last ten minutes.
#[derive(Debug)]
pub(super) struct Seen {
    entries: HashMap<String, Entry>,
    /// In the order they were taken.
    order: VecDeque<String>,
    /// Those with a final object, in the order they were answered.
    answered: VecDeque<String>,
    final_bytes: usize,
    file: Option<Journal>,
}

impl Seen {
    /// Reads what the file still knows; without a folder, or with one that cannot be written, ids live in memory only.
    pub(super) fn open(state_dir: Option<&Path>, now: Instant) -> Self {
        let mut seen = Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            answered: VecDeque::new(),
            final_bytes: 0,
            file: None,
        };
        let Some(folder) = state_dir else { return seen };
        let path = folder.join("ids");
        let text = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        for (stamp, text_hash, id) in text.lines().filter_map(parse_line) {
            let age = since_epoch().saturating_sub(stamp);
            if age < WINDOW {
                let taken = now.checked_sub(age).unwrap_or(now);
                seen.insert(id.to_owned(), Entry { text_hash, taken, outcome: Outcome::Forgotten });
            }
        }
        match Journal::create(path, &seen) {
            Ok(journal) => seen.file = Some(journal),
            Err(error) => log::warn!("ids are not remembered across a restart: {}: {error}", folder.display()),
        }
        seen
    }

    /// Says what is known of an id, and takes it for a text where it is new and `taking`.
    pub(super) fn take(&mut self, id: &str, text: &str, taking: bool, now: Instant) -> Known {
        let text_hash = hash(text);
        if let Some(entry) = self.entries.get(id) {
            if now.saturating_duration_since(entry.taken) < WINDOW {
                return match &entry.outcome {
                    outcome if entry.text_hash != text_hash => {
                        Known::Conflict { running: matches!(outcome, Outcome::Running) }
                    }
                    Outcome::Running => Known::Running,
                    Outcome::Answered(last) => Known::Answered(last.clone()),
                    Outcome::Forgotten => Known::Forgotten,
                };
            }
            self.remove(id);
        }
        if !taking {
            return Known::New;
        }
        self.insert(id.to_owned(), Entry { text_hash, taken: now, outcome: Outcome::Running });
        self.write(id, text_hash);
        Known::New
    }

    /// Keeps the final object of an id.
    pub(super) fn answered(&mut self, id: &str, last: &Final) {
        if let Some(entry) = self.entries.get_mut(id) {
            self.final_bytes += size(last);
            self.answered.push_back(id.to_owned());
            entry.outcome = Outcome::Answered(Box::new(last.clone()));
        }
        while self.final_bytes > MAX_FINAL_BYTES || self.answered.len() > MAX_IDS {
            let Some(oldest) = self.answered.pop_front() else { break };
            if let Some(entry) = self.entries.get_mut(&oldest)
                && let Outcome::Answered(last) = &entry.outcome
            {
                self.final_bytes = self.final_bytes.saturating_sub(size(last));
                entry.outcome = Outcome::Forgotten;
            }
        }
    }

    fn insert(&mut self, id: String, entry: Entry) {
        while self.order.len() >= MAX_IDS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(&oldest);
        }
        self.order.push_back(id.clone());
        self.entries.insert(id, entry);
    }

    fn remove(&mut self, id: &str) {
        self.order.retain(|known| known != id);
        self.forget(id);
    }

    fn forget(&mut self, id: &str) {
        if let Some(Entry { outcome: Outcome::Answered(last), .. }) = self.entries.remove(id) {
            self.final_bytes = self.final_bytes.saturating_sub(size(&last));
        }
    }

    /// Adds a line before anything is carried out, so that even a killed daemon does not do it twice.
    fn write(&mut self, id: &str, text_hash: u64) {
        let Some(mut journal) = self.file.take() else { return };
        let written = if journal.lines >= MAX_LINES {
            Journal::create(journal.path.clone(), self).map(|renewed| journal = renewed)
        } else {
            journal.append(id, text_hash)
        };
        if let Err(error) = written {
            // Said once a minute at most: a full disk fails for every utterance.
            if journal.warned.is_none_or(|warned| warned.elapsed() > Duration::from_mins(1)) {
                log::warn!("ids are not remembered across a restart: {}: {error}", journal.path.display());
                journal.warned = Some(Instant::now());
            }
        }
        self.file = Some(journal);
    }
}

/// The file behind the ids: one line each, written anew when it is twice as long as it need be.
#[derive(Debug)]
struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    warned: Option<Instant>,
}

impl Journal {
    /// Writes the ids known to a new file and puts it in the old one's place.
    fn create(path: PathBuf, seen: &Seen) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let aside = path.with_extension("new");
        let mut file = File::create(&aside)?;
        let mut text = String::new();
        for id in &seen.order {
            if let Some(entry) = seen.entries.get(id) {
                let stamp = since_epoch().saturating_sub(entry.taken.elapsed());
                text.push_str(&line(stamp, entry.text_hash, id));
            }
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, &path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { path, file, lines: seen.order.len(), warned: None })
    }

    fn append(&mut self, id: &str, text_hash: u64) -> io::Result<()> {
        self.lines += 1;
        self.file.write_all(line(since_epoch(), text_hash, id).as_bytes())
    }
}

fn line(stamp: Duration, text_hash: u64, id: &str) -> String {
    format!("{} {text_hash:016x} {id}\n", stamp.as_millis())
}

fn parse_line(line: &str) -> Option<(Duration, u64, &str)> {
    let mut parts = line.split(' ');
    let stamp = Duration::from_millis(parts.next()?.parse().ok()?);
    let text_hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    let id = parts.next().filter(|id| !id.is_empty())?;
    Some((stamp, text_hash, id))
}

/// FNV-1a: stands in the file, so it must be the same in every build.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn size(last: &Final) -> usize {
    512 + last.text.len()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::reply::Status;

    #[test]
    fn an_id_is_taken_once() {
        let now = Instant::now();
        let mut seen = Seen::open(None, now);
        assert_eq!(seen.take("a", "turn on", true, now), Known::New);
        assert_eq!(seen.take("b", "turn on", false, now), Known::New);
        assert_eq!(seen.take("b", "turn off", true, now), Known::New, "it was only asked about");
        assert_eq!(seen.take("a", "turn on", true, now), Known::Running);
        assert_eq!(seen.take("a", "turn off", true, now), Known::Conflict { running: true });
        let last = Final::new(Some("a".to_owned()), Status::Ok);
        seen.answered("a", &last);
        assert_eq!(seen.take("a", "turn on", true, now), Known::Answered(Box::new(last)));
        assert_eq!(seen.take("a", "turn on", true, now + WINDOW), Known::New);
    }

    #[test]
    fn ids_survive_a_restart_and_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let mut seen = Seen::open(Some(folder.path()), now);
        assert_eq!(seen.take("a", "turn on", true, now), Known::New);
        drop(seen);
        let mut file = OpenOptions::new().append(true).open(folder.path().join("ids")).unwrap();
        file.write_all(b"123 \xff\xfe garbage\n17").unwrap();
        let mut seen = Seen::open(Some(folder.path()), now);
        assert_eq!(seen.take("a", "turn on", true, now), Known::Forgotten);
        assert_eq!(seen.take("a", "turn off", true, now), Known::Conflict { running: false });
        assert_eq!(seen.take("b", "turn on", true, now), Known::New);
    }

    #[test]
    fn memory_and_file_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let mut seen = Seen::open(Some(folder.path()), now);
        let mut last = Final::new(None, Status::Ok);
        last.text = "x".repeat(4_000);
        for number in 0..3 * MAX_IDS {
            let id = format!("id-{number}");
            assert_eq!(seen.take(&id, "text", true, now), Known::New);
            seen.answered(&id, &last);
        }
        assert_eq!(seen.entries.len(), MAX_IDS);
        assert!(seen.final_bytes <= MAX_FINAL_BYTES && seen.answered.len() <= MAX_IDS);
        assert!(std::fs::read_to_string(folder.path().join("ids")).unwrap().lines().count() <= MAX_LINES);
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_only_the_memory_across_restarts() {
        let now = Instant::now();
        let mut seen = Seen::open(Some(Path::new("/proc/nowhere")), now);
        assert_eq!(seen.take("a", "text", true, now), Known::New);
        assert_eq!(seen.take("a", "text", true, now), Known::Running);
    }
}
