//! The JSON Schema of an intent file, with examples: what editors complete, underline and show beside a key.
//!
//! Types and descriptions come from [`super::file`]; the examples stand here, as YAML, and are read by a test as files are.

use serde_json::Value;

use super::file;

/// Examples of a definition of the schema (empty: the whole file), or of one of its keys; each a list in YAML.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("", "", WHOLE),
    ("", "language", "[en, de-AT]"),
    ("", "example", "[true]"),
    ("", "origin", "[home-assistant-intents 2026.6.1]"),
    (
        "",
        "intents",
        "[{HassTurnOn: {data: [{sentences: ['(turn|switch) on [the] {name}'], requires_context: {domain: light}}]}}]",
    ),
    (
        "",
        "actions",
        "[{HassTurnOn: [{when: {domain: light, name: true}, publish: {topic: 'zigbee2mqtt/{name}/set', payload: {state: 'ON'}}}]}]",
    ),
    (
        "",
        "lists",
        "[{area: {values: [kitchen, {in: '(living|sitting) room', out: living_room}]}, brightness: {range: {from: 0, to: 100, type: percentage}}, song: {wildcard: true}}]",
    ),
    ("", "expansion_rules", "[{the: '[the|my|our]', lamp: '<the> {name} [light|lamp]'}]"),
    ("", "skip_words", "[[please, could you]]"),
    ("", "responses", "[{intents: {HassTurnOn: {default: 'Turned on the {name}.'}}}]"),
    (
        "",
        "tests",
        "[[{say: turn on the kitchen light, intent: HassTurnOn, slots: {name: kitchen_light}}, {say: what is on, intent: none}]]",
    ),
    ("", "settings", "[{ignore_whitespace: true}]"),
    ("Settings", "ignore_whitespace", "[true]"),
    ("Settings", "filter_with_regex", "[true]"),
    ("Intent", "", "[{data: [{sentences: ['(turn|switch) on [the] {name}']}], response: 'Turned on the {name}.'}]"),
    ("Intent", "description", "[Turns something on.]"),
    ("Intent", "data", "[[{sentences: ['lock [the] {name}'], requires_context: {domain: lock}}]]"),
    ("Intent", "actions", "[[{publish: {topic: 'home/{name}/set', payload: 'ON'}}]]"),
    ("Intent", "response", "['Turned on the {name}.']"),
    (
        "Block",
        "",
        "[{sentences: ['set [the] {name} to {brightness}[ ]%'], requires_context: {domain: light}, response: 'The {name} is at {brightness} percent.'}]",
    ),
    ("Block", "regex", r"['(?:turn|switch) on (?:the )?(?P<name>.+)', ['lights out', 'all dark']]"),
    (
        "Block",
        "sentences",
        "[['(turn|switch) on [the] {name}', '(turn; on) [the] {name}', 'set <lamp> to {0..100:brightness} percent', 'play {song:title}']]",
    ),
    ("Block", "slots", "[{domain: light}, {name: all}]"),
    ("Block", "lists", "[{mode: {values: [{in: '(cosy|cozy)', out: warm}, cool]}}]"),
    ("Block", "expansion_rules", "[{what: '<the> {name} blinds'}]"),
    (
        "Block",
        "response",
        "['The {name} is at {brightness} percent.', 'It is {{ slots.temperature }} degrees.', default]",
    ),
    (
        "Block",
        "requires_context",
        "[{domain: light}, {domain: [light, switch], area: {slot: true}}, {area: {value: [kitchen, hall], slot: true}}]",
    ),
    ("Block", "excludes_context", "[{domain: cover}, {device_class: [garage, gate]}]"),
    ("Block", "required_keywords", "[[lamp, light, lights]]"),
    ("Block", "description", "[Lights by their name.]"),
    ("Block", "metadata", "[{author: me}]"),
    ("Block", "actions", "[[{publish: {topic: 'zigbee2mqtt/{name}/set', payload: {brightness: '{brightness}'}}}]]"),
    (
        "ListDefinition",
        "",
        "[{values: [red, {in: '(gray|grey)', out: grey}]}, {range: {from: 0, to: 100, type: percentage}}, {wildcard: true}]",
    ),
    (
        "ListDefinition",
        "values",
        "[[red, {in: '(gray|grey)', out: grey}, {in: desk lamp, out: lamp_1, context: {domain: light, area: study}}]]",
    ),
    (
        "ListDefinition",
        "range",
        "[{from: 0, to: 100, type: percentage}, {from: 5, to: 30, fractions: halves, type: temperature}]",
    ),
    ("ListDefinition", "wildcard", "[true]"),
    ("ListValue", "", "[{in: desk lamp, out: lamp_1, context: {domain: light, area: study}}]"),
    ("ListValue", "in", "[desk lamp, '(living|sitting) room', 'curtain[s]']"),
    ("ListValue", "out", "[lamp_1, 40, true]"),
    ("ListValue", "context", "[{domain: light, area: kitchen}]"),
    ("ListValue", "metadata", "[{maker: Acme}]"),
    ("Range", "", "[{from: 0, to: 100, type: percentage}]"),
    ("Range", "from", "[0, -20]"),
    ("Range", "to", "[100]"),
    ("Range", "step", "[5]"),
    ("Range", "type", "[percentage, temperature, number]"),
    ("Range", "multiplier", "[-1, 2.54]"),
    ("Range", "fractions", "[halves, tenths]"),
    ("Range", "digits", "[false]"),
    ("Range", "words", "[false]"),
    ("Range", "words_language", "[de]"),
    ("Action", "", "[{publish: {topic: 'home/{name}/set', payload: 'ON'}}]"),
    ("Action", "publish", "[{topic: 'home/{name}/set', payload: 'ON'}]"),
    ("PublishDefinition", "", "[{topic: 'zigbee2mqtt/{name}/set', payload: {state: 'ON'}}]"),
    ("PublishDefinition", "topic", "['zigbee2mqtt/{name}/set']"),
    ("PublishDefinition", "payload", "[{state: 'ON', brightness: '{brightness}'}, 'ON']"),
    ("PublishDefinition", "qos", "[1]"),
    ("PublishDefinition", "retain", "[false]"),
    (
        "Act",
        "",
        "[{when: {domain: light, name: true}, publish: {topic: 'zigbee2mqtt/{name}/set', payload: {state: 'ON'}}}]",
    ),
    ("Act", "when", "[{domain: [light, switch], name: true}, {area: kitchen}]"),
    (
        "Act",
        "publish",
        "[{topic: 'home/{name}/set', payload: 'ON'}, [{topic: home/lamp, payload: 'ON'}, {topic: home/fan, payload: 'OFF'}]]",
    ),
    ("Responses", "intents", "[{HassTurnOn: {default: 'Turned on the {name}.', all: Turned on everything.}}]"),
    ("Responses", "errors", "[{no_intent: I did not understand that.}]"),
    (
        "TestCase",
        "",
        "[{say: turn on the kitchen light, intent: HassTurnOn, slots: {name: kitchen_light, domain: light}, publishes: [{topic: zigbee2mqtt/kitchen_light/set, payload: {state: 'ON'}}]}, {say: why is the light on, intent: none}]",
    ),
    ("TestCase", "say", "[turn on the kitchen light]"),
    ("TestCase", "intent", "[HassTurnOn, none]"),
    ("TestCase", "slots", "[{name: kitchen_light, domain: light}]"),
    ("TestCase", "publishes", "[[{topic: zigbee2mqtt/kitchen_light/set, payload: {state: 'ON'}}], []]"),
    ("TestCase", "response", "[Turned on the kitchen light.]"),
    ("TestCase", "site", "[kitchen]"),
    ("TestCase", "lang", "[de-AT]"),
    ("ExpectedPublish", "", "[{topic: zigbee2mqtt/kitchen_light/set, payload: {state: 'ON'}, qos: 1}]"),
    ("ExpectedPublish", "topic", "[zigbee2mqtt/kitchen_light/set]"),
    ("ExpectedPublish", "payload", "[{state: 'ON'}, 'ON']"),
    ("ExpectedPublish", "qos", "[1]"),
    ("ExpectedPublish", "retain", "[false]"),
];

/// A file that is right as it stands.
const WHOLE: &str = "
- language: en
  lists:
    name:
      values:
        - {in: kitchen (light|lamp), out: kitchen_light, context: {domain: light, area: kitchen}}
    brightness: {range: {from: 0, to: 100, type: percentage}}
  expansion_rules:
    the: '[the|my|our]'
  skip_words: [please]
  intents:
    HassTurnOn:
      data:
        - sentences:
            - (turn|switch) on <the> {name}
            - (turn|switch) <the> {name} on
          requires_context: {domain: light}
          response: Turned on the {name}.
    HassLightSet:
      data:
        - sentences:
            - (set|dim) <the> {name} to {brightness}[[ ](%|percent)]
          requires_context: {domain: light}
          response: The {name} is at {brightness} percent.
  actions:
    HassTurnOn:
      - when: {domain: light}
        publish: {topic: 'zigbee2mqtt/{name}/set', payload: {state: 'ON'}}
    HassLightSet:
      - publish: {topic: 'zigbee2mqtt/{name}/set', payload: {brightness_percent: '{brightness}'}}
  tests:
    - say: please turn on the kitchen lamp
      intent: HassTurnOn
      publishes: [{topic: zigbee2mqtt/kitchen_light/set, payload: {state: 'ON'}}]
    - {say: dim the kitchen light to forty percent, intent: HassLightSet, slots: {name: kitchen_light, brightness: 40}}
    - {say: why is the kitchen light on, intent: none}
";

/// The JSON Schema of an intent file.
pub(super) fn schema() -> Value {
    let mut schema = file::schema();
    for (definition, key, examples) in EXAMPLES {
        // What stands here is read by a test: nothing is left out by a mistake.
        let Ok(examples) = serde_yaml::from_str::<Value>(examples) else { continue };
        if let Some(place) = schema.pointer_mut(&pointer(definition, key)).and_then(Value::as_object_mut) {
            place.insert("examples".to_owned(), examples);
        }
    }
    schema
}

/// Where a definition or one of its keys stands.
fn pointer(definition: &str, key: &str) -> String {
    let definition = if definition.is_empty() { String::new() } else { format!("/$defs/{definition}") };
    if key.is_empty() { definition } else { format!("{definition}/properties/{key}") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::de::DeserializeOwned;
    use serde_json::{Map, json};

    use super::*;
    use crate::core::intents::{Source, check};

    /// Reads a value as files are read.
    fn read(definition: &str, value: Value) -> Result<(), String> {
        fn as_type<T: DeserializeOwned>(value: Value) -> Result<(), String> {
            serde_json::from_value::<T>(value).map(|_| ()).map_err(|error| error.to_string())
        }
        match definition {
            "" => as_type::<file::File>(value),
            "Settings" => as_type::<file::Settings>(value),
            "Intent" => as_type::<file::Intent>(value),
            "Block" => as_type::<file::Block>(value),
            "ListDefinition" => as_type::<file::ListDefinition>(value),
            "ListValue" => as_type::<file::ListValue>(value),
            "Range" => as_type::<file::Range>(value),
            "Action" => as_type::<file::Action>(value),
            "PublishDefinition" => as_type::<file::PublishDefinition>(value),
            "Act" => as_type::<file::Act>(value),
            "Responses" => as_type::<file::Responses>(value),
            "TestCase" => as_type::<file::TestCase>(value),
            "ExpectedPublish" => as_type::<file::ExpectedPublish>(value),
            _ => Err(format!("no such definition: {definition}")),
        }
    }

    fn examples(definition: &str, key: &str) -> Vec<Value> {
        let found = EXAMPLES.iter().find(|(known, of, _)| *known == definition && *of == key);
        found.map_or_else(Vec::new, |(_, _, yaml)| serde_yaml::from_str(yaml).unwrap())
    }

    #[test]
    fn every_example_is_read_without_a_complaint() {
        for (definition, key, yaml) in EXAMPLES {
            let all: Vec<Value> = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
            assert!(!all.is_empty(), "{definition} {key}");
            for example in all {
                // A key stands in an example of its definition, with what else must be there.
                let mut whole = examples(definition, "").into_iter().next().unwrap_or_else(|| json!({}));
                if key.is_empty() {
                    whole = example;
                } else {
                    whole.as_object_mut().unwrap().insert((*key).to_owned(), example);
                }
                if let Err(message) = read(definition, whole.clone()) {
                    panic!("{definition} {key}: {message}\n{whole}");
                }
            }
        }
    }

    #[test]
    fn the_example_of_a_file_has_no_problem_and_passes_its_tests() {
        let example = examples("", "").remove(0);
        let source = Source { path: "example.yaml".to_owned(), text: serde_yaml::to_string(&example).unwrap() };
        let (rules, problems) = check(&[source]);
        assert_eq!((problems, rules.notes()), (Vec::new(), &[][..]));
        let report = rules.run_tests();
        assert_eq!((report.passed, report.failures), (3, Vec::new()));
    }

    #[test]
    fn every_key_has_a_description_and_an_example() {
        let schema = schema();
        let none = Map::new();
        let definitions = schema["$defs"].as_object().unwrap_or(&none).iter();
        let mut keys = 0;
        for (name, definition) in definitions.map(|(name, of)| (name.as_str(), of)).chain([("", &schema)]) {
            for (key, property) in definition["properties"].as_object().unwrap_or(&none) {
                keys += 1;
                assert!(property["description"].is_string(), "{name} {key} has no description");
                assert!(property["examples"].is_array(), "{name} {key} has no example");
            }
        }
        assert!(keys >= 50, "{keys}");
        for (definition, key, _) in EXAMPLES {
            assert!(schema.pointer(&pointer(definition, key)).is_some(), "no such key: {definition} {key}");
        }
    }

    #[test]
    fn the_shipped_schema_is_the_printed_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("intents/intents.schema.json");
        let shipped = fs::read_to_string(path).unwrap_or_default();
        assert!(
            shipped == format!("{:#}\n", schema()),
            "intents/intents.schema.json is not what the program prints; make it again: \
             hearthd schema intents > intents/intents.schema.json"
        );
    }

    /// Every shipped file, folders below each other.
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_shipped_file_names_its_schema_first() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("intents");
        let mut found = Vec::new();
        files(&root, &mut found);
        assert!(found.len() > 3, "{found:?}");
        for path in found {
            let depth = path.strip_prefix(&root).unwrap().components().count() - 1;
            let line = format!("# yaml-language-server: $schema={}intents.schema.json", "../".repeat(depth));
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().next(), Some(line.as_str()), "{}", path.display());
        }
    }
}
