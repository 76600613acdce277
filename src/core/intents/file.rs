//! The intent file as it is written: typed, every key known, its doc comments the descriptions that editors show.
//!
//! A superset of Home Assistant's custom sentence files: what those may hold is accepted here even where nothing reads it
//! yet. No decision is made here; the loader gives these types their meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A file of intents: what may be said, and what is done and answered then.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "hearthd intents")]
pub(super) struct File {
    /// The language of the sentences, such as `en` or `de-AT`. Without it the file counts for every language.
    pub(super) language: Option<String>,
    /// Where the file was imported from, with the version; your own files outrank imported ones.
    pub(super) origin: Option<String>,
    /// Whether the file describes a home to try things with: it counts as long as no device of the real one is known.
    pub(super) example: bool,
    /// How sentence templates are matched (Home Assistant's settings).
    pub(super) settings: Settings,
    /// What may be said, by the name of the intent (`HassTurnOn`, `HassLightSet`, or one of your own).
    pub(super) intents: Ordered<Intent>,
    /// What an intent does, in whatever language it was said: of each intent, the first one whose `when` holds.
    pub(super) actions: Ordered<Vec<Act>>,
    /// Named lists of values; `{name}` in a sentence, or a group of a regex with a list's name, takes only its values.
    pub(super) lists: Ordered<ListDefinition>,
    /// Named parts of sentence templates, written `<name>` in them.
    pub(super) expansion_rules: BTreeMap<String, String>,
    /// Words that mean nothing (`please`): a sentence is tried with them first, then without.
    pub(super) skip_words: Vec<String>,
    /// Texts to answer with, by intent and key.
    pub(super) responses: Responses,
    /// Sentences and what must come of them, run by `hearthd test`.
    pub(super) tests: Vec<TestCase>,
}

/// How sentence templates are matched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// White space means nothing between the words of this language.
    pub(super) ignore_whitespace: bool,
    /// Accepted, without effect, as in Home Assistant.
    filter_with_regex: Option<bool>,
}

/// One intent: the ways to say it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Intent {
    /// What the intent is for; for people only.
    description: Option<String>,
    /// Blocks of sentences that belong together.
    pub(super) data: Vec<Block>,
    /// What the blocks of this intent in this file do that have no `actions` of their own.
    pub(super) actions: Option<Vec<Action>>,
    /// What the blocks of this intent in this file answer that have no `response` of their own.
    pub(super) response: Option<String>,
}

/// Sentences that belong together: they do the same and answer the same.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Block {
    /// Regular expressions for the whole sentence; a named group `(?P<name>…)` is a slot. Case does not matter.
    pub(super) regex: Many<String>,
    /// Sentence templates, as in Home Assistant.
    pub(super) sentences: Vec<String>,
    /// Slots with a fixed value, for those that the sentence does not fill.
    pub(super) slots: Map<String, Value>,
    /// Lists of this block alone; they hide the file's lists of the same name.
    pub(super) lists: Ordered<ListDefinition>,
    /// Named parts of sentence templates, of this block alone.
    pub(super) expansion_rules: BTreeMap<String, String>,
    /// What to answer: a text with `{slot}` in it, or a key of `responses`.
    pub(super) response: Option<String>,
    /// What must be known: `{domain: light}` of the named value, `{area: {slot: true}}` of the room it is said in.
    pub(super) requires_context: Map<String, Value>,
    /// What must not be so, written like `requires_context`.
    pub(super) excludes_context: Map<String, Value>,
    /// One of these words must be in the sentence.
    pub(super) required_keywords: Vec<String>,
    /// What the block is for; for people only.
    description: Option<String>,
    /// Copied to the result.
    pub(super) metadata: Map<String, Value>,
    /// What is done, in this order.
    pub(super) actions: Option<Vec<Action>>,
}

/// What is done, and when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// A slot, or something known of what is named (`domain`), and what it must be: a value, one of several, or `true` for
    /// any value. All of them must hold.
    #[serde(default)]
    pub(super) when: Map<String, Value>,
    /// The message to send, or a list of them.
    pub(super) publish: Many<PublishDefinition>,
}

/// One thing to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    /// Send an MQTT message.
    pub(super) publish: PublishDefinition,
}

/// An MQTT message.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishDefinition {
    /// Where to; may hold `{slot}`.
    pub(super) topic: String,
    /// What: a mapping is sent as JSON, a text as it is; both may hold `{slot}`. A value that is nothing but `"{slot}"` is a
    /// number where the slot is one.
    #[serde(default)]
    pub(super) payload: Value,
    /// MQTT quality of service: 0, 1 or 2.
    #[serde(default = "default_qos")]
    #[schemars(range(max = 2))]
    pub(super) qos: u8,
    /// Whether the broker keeps the message for those who subscribe later; rarely right for a command.
    #[serde(default)]
    pub(super) retain: bool,
}

fn default_qos() -> u8 {
    1
}

/// A list: `values`, a `range` of numbers, or `wildcard: true`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListDefinition {
    /// What may be said, and what it stands for.
    pub(super) values: Option<Vec<ListValue>>,
    /// Numbers from one to another.
    pub(super) range: Option<Range>,
    /// Any words at all.
    pub(super) wildcard: bool,
}

/// Numbers from one to another, both included.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The lowest number.
    pub(super) from: f64,
    /// The highest number.
    pub(super) to: f64,
    /// The distance between two numbers; 1 if left out.
    #[serde(default = "default_step")]
    pub(super) step: f64,
    /// `number`, `percentage` or `temperature`; of percent, "half" is 50.
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    /// What the number is multiplied by before it becomes the slot.
    #[serde(default)]
    pub(super) multiplier: Option<f64>,
    /// `halves` or `tenths`: which fractions count besides whole steps.
    #[serde(default)]
    pub(super) fractions: Option<Fractions>,
    /// Whether numbers may be said in digits.
    #[serde(default)]
    pub(super) digits: Option<bool>,
    /// Whether numbers may be said in words.
    #[serde(default)]
    pub(super) words: Option<bool>,
    /// The language of number words, if not the file's.
    #[serde(default)]
    pub(super) words_language: Option<String>,
}

fn default_step() -> f64 {
    1.0
}

/// Which fractions a range has besides its steps.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fractions {
    /// .5
    Halves,
    /// .1 to .9
    Tenths,
}

/// Texts to answer with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Responses {
    /// By intent, then by key; the key `default` is used where a block names none.
    pub(super) intents: BTreeMap<String, BTreeMap<String, String>>,
    /// Texts for what goes wrong, by key.
    errors: BTreeMap<String, String>,
}

/// A sentence and what must come of it; what is left out is not compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestCase {
    /// What is said.
    pub(super) say: String,
    /// The intent that must match; `none` where nothing may.
    pub(super) intent: ExpectedIntent,
    /// All slots with their values.
    #[serde(default)]
    pub(super) slots: Option<Map<String, Value>>,
    /// All messages, in order.
    #[serde(default)]
    pub(super) publishes: Option<Vec<ExpectedPublish>>,
    /// The answer.
    #[serde(default)]
    pub(super) response: Option<String>,
    /// Where it is said.
    #[serde(default)]
    pub(super) site: Option<String>,
    /// In which language, if not the file's.
    #[serde(default)]
    pub(super) lang: Option<String>,
}

/// A message that must be sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedPublish {
    /// Where to.
    pub(super) topic: String,
    /// What: a mapping is compared as JSON, a text as it is.
    #[serde(default)]
    pub(super) payload: Option<Value>,
    /// The quality of service.
    #[serde(default)]
    pub(super) qos: Option<u8>,
    /// Whether the broker keeps it.
    #[serde(default)]
    pub(super) retain: Option<bool>,
}

/// The name of the intent that a test expects; `None` where nothing may match.
#[derive(Debug)]
pub(super) struct ExpectedIntent(pub(super) Option<String>);

impl<'de> Deserialize<'de> for ExpectedIntent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = ExpectedIntent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an intent, or none")
            }

            fn visit_str<E>(self, name: &str) -> Result<ExpectedIntent, E> {
                Ok(ExpectedIntent((!name.eq_ignore_ascii_case("none")).then(|| name.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<ExpectedIntent, E> {
                Ok(ExpectedIntent(None))
            }
        }
        // Not as an option: serde would take that for a key that may be left out.
        deserializer.deserialize_any(Name)
    }
}

impl JsonSchema for ExpectedIntent {
    fn schema_name() -> Cow<'static, str> {
        "ExpectedIntent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "null"]})
    }
}

/// A mapping in the order it is written: the first rule that matches wins.
#[derive(Debug)]
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MappingOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Many<T>, E> {
                T::deserialize(StrDeserializer::new(text)).map(|item| Many(vec![item]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|item| Many(vec![item]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Many(all))
            }
        }
        deserializer.deserialize_any(Items(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

/// A value of a list: a text that stands for itself, or `{in, out}`.
#[derive(Debug)]
pub(super) struct ListValue {
    /// What is said.
    pub(super) said: String,
    /// What it stands for; `None` for itself.
    pub(super) out: Option<Value>,
    /// What is known of it, for `requires_context`.
    pub(super) context: Map<String, Value>,
}

/// The long form of a list's value.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListValue")]
struct LongValue {
    /// What is said.
    #[serde(rename = "in")]
    said: Value,
    /// What it stands for; the text itself if left out.
    #[serde(default)]
    out: Option<Value>,
    /// What is known of it: `{domain: light, area: kitchen}`.
    #[serde(default)]
    context: Option<Map<String, Value>>,
    /// For people and programs only.
    #[serde(default)]
    #[expect(dead_code, reason = "for people and programs only")]
    metadata: Option<Map<String, Value>>,
}

impl<'de> Deserialize<'de> for ListValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Short;
        impl<'de> Visitor<'de> for Short {
            type Value = ListValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a mapping with `in` and `out`")
            }

            fn visit_str<E>(self, text: &str) -> Result<ListValue, E> {
                Ok(ListValue { said: text.to_owned(), out: None, context: Map::new() })
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ListValue, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ListValue, A::Error> {
                let long = LongValue::deserialize(MapAccessDeserializer::new(map))?;
                let said = match long.said {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    _ => return Err(serde::de::Error::custom("`in` must be text")),
                };
                let out = long.out.filter(|out| !out.is_null());
                Ok(ListValue { said, out, context: long.context.unwrap_or_default() })
            }
        }
        deserializer.deserialize_any(Short)
    }
}

impl JsonSchema for ListValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ListValueOrText".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongValue>();
        json_schema!({"anyOf": [{"type": ["string", "integer"]}, long]})
    }
}

/// The JSON Schema of an intent file.
pub(super) fn schema() -> Value {
    schemars::schema_for!(File).to_value()
}
