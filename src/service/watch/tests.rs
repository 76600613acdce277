//! Changes made to real folders, as people, editors and tools make them.

use std::collections::BTreeSet;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;

/// Far longer than any of this takes: a test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(30);

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found
}

struct Watched {
    folder: TempDir,
    changes: mpsc::Receiver<Change>,
    turn: watch::Sender<Option<PathBuf>>,
    _task: JoinHandle<()>,
}

impl Watched {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("intents")).unwrap();
        fs::write(folder.path().join("intents/a.yaml"), "1").unwrap();
        let (turn, turned) = watch::channel(Some(folder.path().join("intents")));
        let (changes_tx, changes) = mpsc::channel(1);
        let task = tokio::spawn(Watch::new(turned, yaml_files).run(changes_tx, std::future::pending()));
        Self { folder, changes, turn, _task: task }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("intents").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    async fn next(&mut self) -> Vec<String> {
        tokio::time::timeout(LIMIT, self.changes.recv()).await.expect("a change is told").unwrap().files
    }

    /// Collects changes until all of these were told; nothing else may be.
    async fn told(&mut self, names: &[&str]) {
        let mut missing: BTreeSet<&str> = names.iter().copied().collect();
        while !missing.is_empty() {
            for name in self.next().await {
                assert!(names.contains(&name.as_str()), "{name} did not change");
                missing.remove(name.as_str());
            }
        }
    }
}

#[tokio::test]
async fn files_are_told_by_name_when_they_come_change_and_go() {
    let mut watched = Watched::start();
    // Written at once, before the system was asked to tell anything.
    watched.write("b.yaml", "new");
    watched.told(&["b.yaml"]).await;
    // As editors do: another file under the name, and none of their own files counts.
    watched.write(".a.yaml.swp", "x");
    watched.write("a.yaml~", "1");
    watched.write("a.tmp", "longer than before");
    fs::rename(watched.path("a.tmp"), watched.path("a.yaml")).unwrap();
    watched.told(&["a.yaml"]).await;
    fs::create_dir(watched.path("de")).unwrap();
    watched.write("de/c.yaml", "in a new folder");
    watched.told(&["de/c.yaml"]).await;
    watched.write("de/c.yaml", "the new folder is watched, too");
    watched.told(&["de/c.yaml"]).await;
    fs::remove_file(watched.path("b.yaml")).unwrap();
    watched.told(&["b.yaml"]).await;
}

#[tokio::test]
async fn a_folder_that_goes_and_comes_back_is_watched_again() {
    let mut watched = Watched::start();
    for round in 0..2 {
        fs::remove_dir_all(watched.path("")).unwrap();
        watched.told(&["a.yaml"]).await;
        fs::create_dir(watched.path("")).unwrap();
        watched.write("a.yaml", "back");
        watched.told(&["a.yaml"]).await;
        watched.write("a.yaml", &format!("and changed, {round}"));
        watched.told(&["a.yaml"]).await;
    }
    // Another folder takes its place in one step.
    fs::rename(watched.path(""), watched.folder.path().join("old")).unwrap();
    fs::create_dir(watched.folder.path().join("new")).unwrap();
    fs::write(watched.folder.path().join("new/z.yaml"), "1").unwrap();
    fs::rename(watched.folder.path().join("new"), watched.path("")).unwrap();
    watched.told(&["a.yaml", "z.yaml"]).await;
}

#[tokio::test]
async fn a_burst_is_told_in_few_words() {
    let mut watched = Watched::start();
    watched.write("b.yaml", "the watch is up");
    watched.told(&["b.yaml"]).await;
    let names: Vec<String> = (0..300).map(|n| format!("{n}.yaml")).collect();
    for name in &names {
        watched.write(name, "x");
    }
    let (mut seen, mut words) = (BTreeSet::new(), 0);
    while seen.len() < names.len() {
        seen.extend(watched.next().await);
        words += 1;
    }
    assert!(words < 30, "{words} changes were told for one burst");
}

#[tokio::test]
async fn another_folder_or_none_can_be_watched_instead() {
    let mut watched = Watched::start();
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("there.yaml"), "already").unwrap();
    watched.turn.send_replace(None);
    watched.turn.send_replace(Some(other.path().to_owned()));
    // What was there when it was named is no change. It may not have been looked at yet, so the name is written until told.
    let began = Instant::now();
    let told = loop {
        fs::write(other.path().join("new.yaml"), format!("{:?}", began.elapsed())).unwrap();
        tokio::select! {
            files = watched.next() => break files,
            () = sleep(Duration::from_secs(1)) => assert!(began.elapsed() < LIMIT, "nothing is told"),
        }
    };
    assert_eq!(told, ["new.yaml"]);
}

#[test]
fn a_long_change_is_shown_in_short() {
    let files = |count: usize| Change { files: (0..count).map(|n| format!("{n}.yaml")).collect() };
    assert_eq!(files(2).to_string(), "0.yaml, 1.yaml");
    assert_eq!(files(7).to_string(), "0.yaml, 1.yaml, 2.yaml, 3.yaml, 4.yaml and 2 more");
}

#[test]
fn reading_is_no_change() {
    let access = |kind| is_change(&Event::new(EventKind::Access(kind)));
    assert!(!access(AccessKind::Read) && !access(AccessKind::Close(AccessMode::Read)));
    assert!(access(AccessKind::Close(AccessMode::Write)));
    assert!(is_change(&Event::new(EventKind::Other)), "lost events are a reason to look");
}
