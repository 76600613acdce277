//! A real program of the neighbours', fetched by a script of `.ci`, with a folder of its own and a log that is shown where a
//! test fails.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

/// A file of this project's folder.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file where a script puts it; `None`, and said loudly, where that could not.
pub(crate) fn fetched(program: &str, path: &str, script: &str, needs: &str) -> Option<PathBuf> {
    let file = file(path);
    if !file.exists() {
        let why = format!("`{script}` has not fetched it, which needs {needs}");
        let _ = writeln!(io::stderr(), "\nSKIPPED with a real {program}: {why}; NOTHING WAS TESTED\n");
    }
    file.exists().then_some(file)
}

/// Killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    folder: TempDir,
}

impl Program {
    /// Starts it; both of its outputs are its log.
    pub(crate) fn start(command: &mut Command, folder: TempDir) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child, folder }
    }

    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "{}", self.log());
        }
    }
}
