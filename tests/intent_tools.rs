//! The commands for whoever writes intents, as they are used: `eval`, `match`, `test`, `check` and `schema`.
#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const INTENTS: &str = "\
language: en
lists:
  name:
    values:
      - {in: desk lamp, out: desk_lamp, context: {domain: light}}
      - {in: fan, out: fan, context: {domain: fan}}
  what: {wildcard: true}
intents:
  HassTurnOn:
    data:
      - sentences: ['turn on [the] {name}']
        requires_context: {domain: [light, fan]}
        actions: [{publish: {topic: 'home/{name}', payload: 'ON'}}]
        response: The {name} is on.
      - sentences: [lights on]
        requires_context: {area: {slot: true}}
        response: Light.
  Start:
    data:
      - sentences: ['turn {what}', 'sing {what}']
        response: Starting {what}.
tests:
  - {say: turn on the desk lamp, intent: HassTurnOn, slots: {name: desk_lamp}}
  - {say: nothing at all, intent: none}
";

/// A folder with intents, and with a config that names them where one is needed.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.folder.path().join("rules")).unwrap();
        place.write("rules/home.yaml", INTENTS);
        place
    }

    fn configured() -> Self {
        let place = Self::new();
        place.write("config.yaml", "intents: {path: rules}\n");
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Exit code, standard output, standard error.
    fn hearthd(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_hearthd"))
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.hearthd(arguments);
        assert_eq!(code, 0, "{out}{err}");
        serde_json::from_str(&out).unwrap()
    }
}

const LINES: &str = "\
{\"sentence\": \"turn on the Desk-Lamp\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": \"DESK LAMP\"}}
{\"sentence\": \"turn on the fan\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": [\"heater\", \"fan\"]}}

{\"sentence\": \"lights on\", \"intent\": \"HassTurnOn\", \"slots\": {}, \"context\": {\"area\": \"Den\"}, \"context_area_required\": true}
{\"sentence\": \"turn on the fan\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": \"heater\"}}
{\"sentence\": \"turn around\", \"intent\": null}
{\"text\": \"why is the sky blue\", \"label\": \"explain\"}
{\"text\": \"turn on the heater\", \"label\": \"device\"}
{\"sentence\": \"dance\", \"intent\": \"Dance\", \"slots\": {}}
";

#[test]
fn eval_measures_without_a_config() {
    let place = Place::new();
    place.write("lines.jsonl", LINES);
    let score = place.json(&["eval", "lines.jsonl", "--intents", "rules", "--json"]);
    assert_eq!(
        (&score["total"], &score["wrong_fires"], &score["skipped"]),
        (&json!(7), &json!(1), &json!(1)),
        "{score}"
    );
    let close = |name: &str, to: f64| (score[name].as_f64().unwrap() - to).abs() < 1e-9;
    assert!(close("intent_accuracy", 5.0 / 7.0) && close("exact_accuracy", 4.0 / 7.0), "{score}");
    let times: Vec<f64> = ["p50", "p95", "p99", "max"].map(|key| score["latency_us"][key].as_f64().unwrap()).into();
    assert!(times[0] > 0.0 && times.is_sorted(), "{score}");
    assert!(score["load_ms"].as_f64().unwrap() > 0.0 && score.get("errors").is_none(), "{score}");
    let (code, out, _) = place.hearthd(&["eval", "lines.jsonl", "--intents", "rules/home.yaml", "--errors"]);
    assert_eq!(code, 0);
    for part in [
        "lines.jsonl:5: \"turn on the fan\"\n  expected HassTurnOn {\"name\":\"heater\"}\n  got      HassTurnOn {\"name\":\"fan\"}\n  template `turn on [the] {name}` (rules/home.yaml:11)",
        "lines.jsonl:6: \"turn around\"\n  expected nothing\n  got      Start {\"what\":\"around\"}",
        "lines.jsonl:9: \"dance\"\n  expected Dance {}\n  got      nothing",
        "right intent       5    71.43 %",
        "skipped            1",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let errors = place.json(&["eval", "lines.jsonl", "--intents", "rules", "--errors", "--json"])["errors"].clone();
    assert_eq!(errors[1]["got"]["intent"], "Start", "{errors}");
    assert_eq!(errors[1]["expected"], Value::Null, "{errors}");
}

#[test]
fn eval_tells_several_commands_and_questions_back() {
    let place = Place::new();
    let text = "\
language: en
lists: {name: {values: [fan, {in: bulb, out: a, context: {area: den}}, {in: bulb, out: b, context: {area: attic}}]}}
intents:
  HassTurnOn: {data: [{sentences: ['turn on [the] {name}'], response: 'On.'}]}
  Halt: {data: [{sentences: [halt]}]}
";
    place.write("rules/home.yaml", text);
    let lines = "\
{\"sentence\": \"turn on the fan and halt\", \"intent\": null}
{\"sentence\": \"turn on the bulb\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": \"a\"}}
";
    place.write("lines.jsonl", lines);
    let score = place.json(&["eval", "lines.jsonl", "--intents", "rules", "--json", "--errors"]);
    assert_eq!((&score["wrong_fires"], &score["asked_back"]), (&json!(1), &json!(1)), "{score}");
    assert_eq!(score["errors"][0]["all"][1]["intent"], "Halt", "{score}");
    assert!(score["errors"][1]["question"].is_string() && score["errors"][1]["got"].is_null(), "{score}");
    let (_, out, _) = place.hearthd(&["eval", "lines.jsonl", "--intents", "rules", "--errors"]);
    for part in
        ["got      HassTurnOn {\"name\":\"fan\"}", "and      Halt {}", "got      a question back: ", "asked back "]
    {
        assert!(out.contains(part), "{part}\n{out}");
    }
}

#[test]
fn eval_takes_a_home_a_language_and_merged_json() {
    let place = Place::new();
    place.write(
        "lines.jsonl",
        "{\"sentence\": \"lampe an\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": \"Lampe\"}}\n",
    );
    place.write(
        "home.json",
        &json!({"entities": [{"name": "Lampe", "domain": "light"}], "areas": [], "floors": []}).to_string(),
    );
    let merged = json!({
        "language": "de",
        "intents": {"HassTurnOn": {"data": [{"sentences": ["{name} an"], "requires_context": {"domain": "light"}}]}},
        "lists": {}, "expansion_rules": {}, "skip_words": [], "responses": {"intents": {}},
    });
    place.write("de.json", &merged.to_string());
    let accuracy = |arguments: &[&str]| {
        let all = [&["eval", "lines.jsonl", "--json", "--intents", "de.json"], arguments].concat();
        place.json(&all)["exact_accuracy"].as_f64().unwrap()
    };
    // The language is that of the file.
    assert!(accuracy(&["--home", "home.json"]) > 0.9);
    assert!(accuracy(&["--home", "home.json", "--lang", "de-AT"]) > 0.9);
    assert!(accuracy(&["--home", "home.json", "--lang", "en"]) < 0.1);
    assert!(accuracy(&[]) < 0.1);
}

#[test]
fn eval_goes_by_the_config_where_nothing_else_is_said() {
    let place = Place::configured();
    place.write(
        "lines.jsonl",
        "{\"sentence\": \"turn on the fan\", \"intent\": \"HassTurnOn\", \"slots\": {\"name\": \"fan\"}}\n",
    );
    let score = place.json(&["eval", "lines.jsonl", "--json"]);
    assert!(score["exact_accuracy"].as_f64().unwrap() > 0.9, "{score}");
}

#[test]
fn what_eval_cannot_read_is_named_with_its_line() {
    let place = Place::new();
    place.write("lines.jsonl", "{\"sentence\": \"a\"}\n{\"sentence\": \"b\", \"intent\": null}\nno json\n");
    let (code, out, _) = place.hearthd(&["eval", "lines.jsonl", "--intents", "rules", "--json"]);
    assert_eq!(code, 1);
    assert!(out.contains("lines.jsonl:1: ") && out.contains("lines.jsonl:3: "), "{out}");
    assert_eq!(out.lines().count(), 2, "{out}");
    place.write("empty.jsonl", "\n");
    assert_eq!(place.hearthd(&["eval", "empty.jsonl", "--intents", "rules"]).0, 1);
    assert_eq!(place.hearthd(&["eval", "nowhere.jsonl", "--intents", "rules"]).0, 3);
    place.write("lines.jsonl", "{\"sentence\": \"b\", \"intent\": null}\n");
    place.write("home.json", "{\"entities\":\n [{}]}");
    let (code, out, _) = place.hearthd(&["eval", "lines.jsonl", "--intents", "rules", "--home", "home.json"]);
    assert!(code == 1 && out.contains("home.json:2: "), "{code} {out}");
    place.write("rules/home.yaml", "intents: [");
    let (code, out, _) = place.hearthd(&["eval", "lines.jsonl", "--intents", "rules"]);
    assert!(code == 1 && out.contains("rules/home.yaml:2:1: "), "{code} {out}");
}

#[test]
fn match_names_the_runner_up_and_why_it_lost() {
    let place = Place::configured();
    let (code, out, err) = place.hearthd(&["match", "turn on the fan"]);
    assert_eq!(code, 0, "{err}");
    for part in [
        "intent:   HassTurnOn",
        "home.yaml:11",
        "sentence: turn on [the] {name}",
        "slot:     name = \"fan\"",
        "action:   home/fan ON",
        "response: The fan is on.",
        "next:     Start `turn {what}` (",
        "home.yaml:20)",
        "lost:     it names nothing of the home",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let json = place.json(&["match", "--json", "turn on the fan"]);
    assert_eq!(json["runner_up"]["name"], "Start", "{json}");
    assert_eq!(json["runner_up"]["is_tie"], false, "{json}");
    assert_eq!(json["intent"]["sentence"], "turn on [the] {name}", "{json}");
    assert_eq!(place.json(&["match", "--json", "sing a song"])["runner_up"], Value::Null);
}

#[test]
fn match_shows_several_commands_slips_and_questions_back() {
    let place = Place::configured();
    let text = "\
language: en
lists:
  name:
    values:
      - {in: desk lamp, out: desk_lamp, context: {area: den}}
      - {in: fan, out: fan, context: {area: den}}
      - {in: bulb, out: bulb_1, context: {area: den}}
      - {in: bulb, out: bulb_2, context: {area: attic}}
intents:
  HassTurnOn: {data: [{sentences: ['turn on [the] {name}'], response: 'The {name} is on.'}]}
  Halt: {data: [{sentences: [halt, 'h(a|u)lt'], response: Halted.}]}
";
    place.write("rules/home.yaml", text);
    let shows = |text: &str, parts: &[&str]| {
        let (code, out, err) = place.hearthd(&["match", text]);
        assert_eq!(code, 0, "{err}");
        for part in parts {
            assert!(out.contains(part), "{part}\n{out}");
        }
    };
    shows("turn on the fan and halt", &["commands: 2\nintent:   HassTurnOn\n", "\nintent:   Halt\n", "Halted."]);
    let json = place.json(&["match", "--json", "turn on the fan and the desk lamp"]);
    assert_eq!(json["intents"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!((&json["tier"], &json["intent"]), (&json!("intent"), &json["intents"][0]));

    shows("turn on the desk lmap", &["intent:   HassTurnOn\nheard as: turn on the desk lamp\n"]);
    let json = place.json(&["match", "--json", "turn on the desk lmap"]);
    assert_eq!(json["intent"]["corrected"], "turn on the desk lamp", "{json}");

    shows("turn on the bulb", &["asks:     ", "offers:   bulb in the den\noffers:   bulb in the attic\n"]);
    let json = place.json(&["match", "--json", "turn on the bulb"]);
    assert_eq!((&json["intent"], &json["suggestions"][1]), (&Value::Null, &json!("bulb in the attic")), "{json}");
    assert!(json["question"].as_str().unwrap().ends_with('?'), "{json}");

    shows(
        "halt",
        &["sentence: halt\n", "next:     Halt `h(a|u)lt` (", "lost:     it stands later in the files: a tie\n"],
    );
    assert_eq!(place.json(&["match", "--json", "halt"])["runner_up"]["is_tie"], true);
}

#[test]
fn match_takes_what_is_known_of_the_moment() {
    let place = Place::configured();
    assert_eq!(place.json(&["match", "--json", "lights on"])["intent"], Value::Null);
    let json = place.json(&["match", "--json", "--context", "area=Den", "lights on"]);
    assert_eq!(json["intent"]["slots"]["area"], "Den", "{json}");
    assert_eq!(place.hearthd(&["match", "--context", "area", "lights on"]).0, 2);
    assert_eq!(place.hearthd(&["match", "--context", "=den", "lights on"]).0, 2);
}

#[test]
fn tests_that_fail_say_what_matched_instead() {
    let place = Place::configured();
    let tests = "\
language: en
tests:
  - {say: turn on the fan, intent: Start}
  - {say: turn around, intent: HassTurnOn}
  - {say: turn on the desk lamp please, intent: HassTurnOn}
  - {say: turn of the desk lamp, intent: none}
";
    place.write("rules/more.yaml", tests);
    let (code, out, _) = place.hearthd(&["test"]);
    assert_eq!(code, 1);
    for part in [
        "hint: `turn on [the] {name}` at rules/home.yaml:11 matches; `turn {what}` at rules/home.yaml:20 does too, but it names nothing of the home",
        "hint: `turn {what}` at rules/home.yaml:20 matches; no sentence of HassTurnOn does",
        "hint: `turn {what}` at rules/home.yaml:20 matches\n",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert_eq!(out.lines().last(), Some("2 passed, 4 failed"), "{out}");
    let (code, out, _) = place.hearthd(&["test", "--filter", "home.yaml"]);
    assert_eq!((code, out.as_str()), (0, "2 passed, 0 failed\n"));
    let (code, out, _) = place.hearthd(&["test", "--filter", "TURN AROUND"]);
    assert!(code == 1 && out.ends_with("0 passed, 1 failed\n"), "{out}");
    let (code, out, _) = place.hearthd(&["test", "--filter", "no such thing"]);
    assert!(code == 0 && out.contains("no test has") && out.ends_with("0 passed, 0 failed\n"), "{out}");
}

#[test]
fn coverage_lists_what_no_test_reaches() {
    let place = Place::configured();
    let (code, out, _) = place.hearthd(&["test", "--coverage"]);
    assert_eq!(code, 0);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].ends_with("home.yaml:15: no test reaches this block of HassTurnOn: `lights on`"), "{out}");
    assert!(lines[1].ends_with("home.yaml:20: no test reaches this block of Start: `turn {what}`"), "{out}");
    assert_eq!(lines[2..], ["tests reach 1 of 3 (33 %) blocks and 1 of 4 (25 %) sentences", "2 passed, 0 failed"]);
}

#[test]
fn check_tells_problems_from_notes() {
    let place = Place::configured();
    let (code, out, _) = place.hearthd(&["check"]);
    assert!(code == 0 && !out.contains("(a note)"), "{out}");
    let more =
        "language: en\nlists: {idle: {values: [a]}}\nintents: {Halt: {data: [{sentences: [halt, '[now] halt']}]}}\n";
    place.write("rules/more.yaml", more);
    let (code, out, _) = place.hearthd(&["check"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("more.yaml:2:9: ") && out.contains("(a note)"), "{out}");
    let clash = more.replace(
        "{Halt:",
        "{HassTurnOn: {data: [{sentences: [sing]}]}, Sing: {data: [{sentences: ['(sing|hum)']}]}, Halt:",
    );
    place.write("rules/more.yaml", &clash);
    let (code, out, _) = place.hearthd(&["check"]);
    assert!(code == 1 && out.contains("more.yaml:3:") && out.contains("is claimed by two intents"), "{out}");
    // It is for whoever writes intents: the rules work all the same.
    assert_eq!(place.json(&["match", "--json", "sing"])["tier"], "intent");
}

#[test]
fn the_shipped_schema_is_what_the_program_prints() {
    let (code, out, _) = Place::new().hearthd(&["schema", "intents"]);
    assert_eq!(code, 0);
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/intents/intents.schema.json")).unwrap();
    assert!(out == shipped, "make it again: hearthd schema intents > intents/intents.schema.json");
}

#[test]
fn the_shipped_files_are_clean() {
    let root = env!("CARGO_MANIFEST_DIR");
    let place = Place::new();
    place.write("config.yaml", &format!("intents: {{path: {root}/intents}}\n"));
    let (code, out, _) = place.hearthd(&["check"]);
    assert_eq!((code, out.lines().count()), (0, 1), "{out}");
}
