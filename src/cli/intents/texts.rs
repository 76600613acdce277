//! A language's data as intent files: one for each intent, one for what they share.
//!
//! Pure: data in, texts out, so that they can be proven before anything is written.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::PACKAGE;

/// What the intents share: lists, expansion rules, skip words, responses, settings.
const COMMON: &str = "common";

/// The files' names and texts, or what is wrong with the data.
///
/// # Errors
/// In words, where the data is not of the shape it should have.
pub(super) fn texts(tag: &str, version: &str, mut data: Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let Some(Value::Object(intents)) = data.shift_remove("intents") else {
        return Err("it has no intents".to_owned());
    };
    data.shift_remove("language");
    let mut files = vec![(COMMON.to_owned(), text(tag, version, &data)?)];
    for (name, intent) in intents {
        // It becomes a file's name.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`{}` is no name of an intent", name.escape_debug()));
        }
        let own = Map::from_iter([(name.clone(), intent)]);
        let file = Map::from_iter([("intents".to_owned(), Value::Object(own))]);
        files.push((name, text(tag, version, &file)?));
    }
    Ok(files.into_iter().map(|(name, text)| (format!("{name}.yaml"), text)).collect())
}

fn text(tag: &str, version: &str, content: &Map<String, Value>) -> Result<String, String> {
    let mut text = format!(
        "# From {PACKAGE} {version}, made by `hearthd intents import`, which writes it anew: do not edit it.\n\
         # Your own files override it.\n\
         # Home Assistant intents, OHF-Voice contributors: https://github.com/OHF-Voice/intents\n\
         # Licence: CC-BY-4.0, https://creativecommons.org/licenses/by/4.0/ (the package's own LICENSE is beside this file).\n\
         # Changed from the original: written as YAML, a file for each intent.\n"
    );
    // Writing to a String cannot fail.
    let _ = write!(text, "language: {tag}\norigin: {PACKAGE} {version}\n");
    if !content.is_empty() {
        text.push_str(&serde_yaml::to_string(content).map_err(|error| error.to_string())?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(data: &Value) -> Result<Vec<(String, String)>, String> {
        texts("nb", "1.2", data.as_object().unwrap().clone())
    }

    #[test]
    fn what_was_json_reads_the_same_as_yaml() {
        // Words that a YAML of another kind would take for something else.
        let block = json!({"sentences": ["(på|no) [the] {name}: 1", "yes", "# no", "'\"", " a\tb\n"], "slots": {"n": 1.5, "on": "off"}});
        let data = json!({
            "language": "nb",
            "settings": {"filter_with_regex": false},
            "intents": {"HassTurnOn": {"data": [block]}, "HassTurnOff": {"data": []}},
            "lists": {"l": {"values": [{"in": "007", "out": "~"}, "null", "1e3", "2026-01-01"]}},
            "skip_words": ["no", "y", "on", "0x1"],
        });
        let files = made(&data).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["common.yaml", "HassTurnOn.yaml", "HassTurnOff.yaml"]);
        let mut joined = json!({"language": "nb", "intents": {}});
        for (_, text) in &files {
            let read: Value = serde_yaml::from_str(text).unwrap();
            assert_eq!(read["language"], "nb");
            assert_eq!(read["origin"], "home-assistant-intents 1.2");
            for (key, value) in read.as_object().unwrap() {
                match (key.as_str(), value) {
                    ("origin", _) => {}
                    ("intents", Value::Object(intents)) => {
                        joined["intents"].as_object_mut().unwrap().extend(intents.clone());
                    }
                    _ => joined[key] = value.clone(),
                }
            }
            assert!(text.contains("CC-BY-4.0") && text.contains("OHF-Voice contributors"), "{text}");
        }
        assert_eq!(joined, data);
    }

    #[test]
    fn a_name_that_is_no_files_name_is_refused() {
        assert!(made(&json!({"intents": {"../up": {"data": []}}})).unwrap_err().contains("../up"));
        assert!(made(&json!({"lists": {}})).unwrap_err().contains("no intents"));
    }
}
