//! `hearthd intents`, run as people run it, over a package that the test makes itself: nothing is fetched.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A home with a config and one rule of its own, and a package beside it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        fs::create_dir_all(place.path("intents/en")).unwrap();
        fs::write(place.path("config.yaml"), "language: de\n").unwrap();
        let own = "language: en\nintents: {Mine: {data: [{regex: open sesame, response: Opened.}]}}\n";
        fs::write(place.path("intents/en/own.yaml"), own).unwrap();
        for tag in ["de", "pt-BR", "zh-CN"] {
            place.write_language("1.0", tag, "sage hallo");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A package as pip installs it, of this version.
    fn write_language(&self, version: &str, tag: &str, sentence: &str) {
        let (data, about) =
            ("package/home_assistant_intents/data", "package/home_assistant_intents-VERSION.dist-info/licenses");
        let about = self.path(&about.replace("VERSION", version));
        fs::create_dir_all(self.path(data)).unwrap();
        fs::create_dir_all(&about).unwrap();
        fs::write(about.join("LICENSE.md"), "Do as you like.\n").unwrap();
        let language = json!({
            "language": tag,
            "settings": {"filter_with_regex": false},
            "responses": {"intents": {"HassGreet": {"default": "Hallo!"}}, "errors": {"no_intent": "Wie bitte?"}},
            "skip_words": ["bitte", "no"],
            "intents": {
                "HassGreet": {"data": [{"sentences": [sentence, "gr(ü|ue)ße [mich]"], "response": "default"}]},
                "HassSetLevel": {"data": [{"sentences": ["<setze> {level:brightness}"], "slots": {"domain": "light"}}]},
            },
            "lists": {"level": {"range": {"from": 0, "to": 100, "type": "percentage"}}},
            "expansion_rules": {"setze": "(setze|stelle) [es] auf"},
        });
        fs::write(self.path(data).join(format!("{tag}.json")), language.to_string()).unwrap();
    }

    fn hearthd(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hearthd"))
            .arg("--config")
            .arg(self.path("config.yaml"))
            .args(args)
            .output()
            .unwrap()
    }

    fn import(&self, args: &[&str]) -> Output {
        let package = self.path("package").display().to_string();
        let all: Vec<&str> =
            ["intents", "import", "home-assistant-intents", "--from", &package].iter().chain(args).copied().collect();
        self.hearthd(&all)
    }

    /// What is in a folder, by name.
    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What it said, where it went well.
fn good(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it complained of; it must have ended with 1.
fn bad(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_language_is_written_with_its_licence_and_brought_up_to_date() {
    let place = Place::new();
    let said = good(&place.import(&[]));
    assert!(said.contains("de: 2 intents of home-assistant-intents 1.0 written"), "{said}");
    let files = ["HassGreet.yaml", "HassSetLevel.yaml", "LICENSE.md", "common.yaml"];
    assert_eq!(place.names("intents/de/home-assistant"), files);
    assert_eq!(place.names("intents"), ["de", "en"], "nothing else is left");
    let greet = text(&place.path("intents/de/home-assistant/HassGreet.yaml"));
    for part in [
        "CC-BY-4.0",
        "OHF-Voice contributors",
        "hearthd intents import",
        "language: de\norigin: home-assistant-intents 1.0\n",
    ] {
        assert!(greet.contains(part), "{part:?} is missing:\n{greet}");
    }
    let read: Value = serde_yaml::from_str(&greet).unwrap();
    assert_eq!(read["intents"]["HassGreet"]["data"][0]["sentences"], json!(["sage hallo", "gr(ü|ue)ße [mich]"]));
    let common: Value = serde_yaml::from_str(&text(&place.path("intents/de/home-assistant/common.yaml"))).unwrap();
    assert_eq!(common["skip_words"], json!(["bitte", "no"]));
    assert_eq!(common["expansion_rules"]["setze"], "(setze|stelle) [es] auf");
    assert_eq!(text(&place.path("intents/de/home-assistant/LICENSE.md")), "Do as you like.\n");
    good(&place.hearthd(&["check"]));

    // A new version replaces all of it.
    fs::remove_dir_all(place.path("package")).unwrap();
    place.write_language("2.0", "de", "sage moin");
    let said = good(&place.import(&["--language", "DE"]));
    assert!(said.contains("2.0 brought up to date"), "{said}");
    let greet = text(&place.path("intents/de/home-assistant/HassGreet.yaml"));
    assert!(greet.contains("sage moin") && greet.contains("intents 2.0") && !greet.contains("1.0"), "{greet}");
    assert_eq!(place.names("intents/de/home-assistant"), files);
}

#[test]
fn several_languages_come_at_once_and_are_listed_with_their_origin() {
    let place = Place::new();
    let said = good(&place.import(&["--language", "de_AT", "--language", "pt_br", "--language", "de"]));
    assert!(said.contains("has no `de_AT`; `de` is taken for it"), "{said}");
    assert_eq!(said.matches("2 intents of").count(), 2, "each once: {said}");
    assert_eq!(place.names("intents"), ["de", "en", "pt-BR"]);
    let listed: Value = serde_json::from_str(&good(&place.hearthd(&["intents", "list", "--json"]))).unwrap();
    let row = |language, origin, intents, sentences, files| json!({"language": language, "origin": origin, "intents": intents, "sentences": sentences, "files": files});
    let theirs = "home-assistant-intents 1.0";
    let rows = [row("de", theirs, 2, 3, 3), row("en", "your own", 1, 1, 1), row("pt-BR", theirs, 2, 3, 3)];
    assert_eq!(listed["languages"], json!(rows));
    let table = good(&place.hearthd(&["intents", "list"]));
    assert!(table.lines().any(|line| line.starts_with("pt-BR ") && line.ends_with(theirs)), "{table}");
}

#[test]
fn a_wheel_is_as_good_as_a_folder() {
    let place = Place::new();
    let wheel = place.path("home_assistant_intents-1.0-py3-none-any.whl");
    let zip = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .arg(&wheel)
        .args(["home_assistant_intents", "home_assistant_intents-1.0.dist-info"])
        .current_dir(place.path("package"))
        .status();
    assert!(zip.unwrap().success());
    let from = wheel.display().to_string();
    let import = |from: &str| place.hearthd(&["intents", "import", "home-assistant-intents", "--from", from]);
    assert!(good(&import(&from)).contains("intents 1.0 written"));
    assert_eq!(place.names("intents/de/home-assistant").len(), 4);
    fs::write(&wheel, "no zip").unwrap();
    assert!(bad(&import(&from)).contains("holds no home-assistant-intents"));
    assert!(bad(&import(&place.path("nothing.whl").display().to_string())).contains("nothing.whl cannot be read"));
    assert!(bad(&import(&place.path("intents").display().to_string())).contains("holds no home-assistant-intents"));
    assert_eq!(place.names("intents/de/home-assistant").len(), 4, "what was there is still there");
}

#[test]
fn a_wrong_language_changes_nothing_and_names_those_near_it() {
    let place = Place::new();
    let said = bad(&place.import(&["--language", "de", "--language", "zh"]));
    assert!(said.contains("has no language `zh`: it has zh-CN"), "{said}");
    assert!(bad(&place.import(&["--language", "../de"])).contains("no language `../de`"));
    assert_eq!(place.names("intents"), ["en"]);
    let usage = place.hearthd(&["intents", "import", "something-else"]);
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");
}

#[test]
fn what_cannot_be_written_or_read_leaves_the_old() {
    let place = Place::new();
    good(&place.import(&[]));
    let before = text(&place.path("intents/de/home-assistant/HassGreet.yaml"));
    // A language that this program cannot read is told with what is wrong, before anything changes.
    let data = place.path("package/home_assistant_intents/data/de.json");
    fs::write(&data, r#"{"language": "de", "intents": {"HassGreet": {"dada": []}}}"#).unwrap();
    let said = bad(&place.import(&[]));
    assert!(said.contains("nothing was changed") && said.contains("dada"), "{said}");
    fs::write(&data, "{").unwrap();
    assert!(bad(&place.import(&[])).contains("de.json is not as home-assistant-intents writes it"));
    assert_eq!(text(&place.path("intents/de/home-assistant/HassGreet.yaml")), before);
    // Somebody's own file is never thrown away.
    place.write_language("1.0", "de", "sage servus");
    fs::write(place.path("intents/de/home-assistant/mine.yaml"), "language: de\n").unwrap();
    assert!(bad(&place.import(&[])).contains("mine.yaml was not made by an import"));
    assert_eq!(text(&place.path("intents/de/home-assistant/HassGreet.yaml")), before);
    assert_eq!(place.names("intents"), ["de", "en"], "nothing is left of the tries");
    // A file where the folder should be: nobody can write there, root included.
    fs::write(place.path("intents/pt-BR"), "").unwrap();
    let said = bad(&place.import(&["--language", "pt-BR"]));
    assert!(said.contains("pt-BR") && said.contains("intents.path"), "{said}");
    fs::write(place.path("config.yaml"), "intents: {path: config.yaml}\n").unwrap();
    let said = bad(&place.import(&["--language", "de"]));
    assert!(said.contains("cannot be created") && said.contains("intents.path"), "{said}");
}

#[test]
fn without_pip_or_network_the_message_says_what_to_do() {
    let place = Place::new();
    let real = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let tools = place.path("tools");
    fs::create_dir(&tools).unwrap();
    let import = |script: &str| {
        let python = tools.join("python3");
        fs::write(&python, format!("#!/bin/sh\n{}\n", script.replace("PYTHON", real.trim()))).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let mut hearthd = Command::new(env!("CARGO_BIN_EXE_hearthd"));
        hearthd.arg("--config").arg(place.path("config.yaml")).args(["intents", "import", "home-assistant-intents"]);
        bad(&hearthd.env("PATH", &tools).output().unwrap())
    };
    // -S -I hides the site packages, where pip lives.
    let said = import("exec PYTHON -S -I \"$@\"");
    assert!(said.contains("python3 has no pip") && said.contains("apt-get install python3-pip"), "{said}");
    let said = import("echo \"WARNING: broken by 'x': [Errno -3] Temporary failure in name resolution\" >&2; exit 1");
    assert!(said.contains("check the connection"), "{said}");
    assert!(!said.contains("WARNING"), "one line of ours, not pip's: {said}");
    fs::remove_file(tools.join("python3")).unwrap();
    let none = Command::new(env!("CARGO_BIN_EXE_hearthd"))
        .arg("--config")
        .arg(place.path("config.yaml"))
        .args(["intents", "import", "home-assistant-intents"])
        .env("PATH", &tools)
        .output()
        .unwrap();
    assert!(bad(&none).contains("install python3"), "{none:?}");
    assert_eq!(place.names("intents"), ["en"]);
}
