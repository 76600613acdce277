//! The config file: one contract, read once into validated types.
//!
//! Takes the text of a file and the environment's overrides and returns a [`Config`] or every problem in it with its
//! place. Knows nothing of who uses the values; [`file`] reads the file and the secrets beside it.

pub mod file;
mod models;
mod routing;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::home::described;
use crate::core::secret::Secret;

pub use models::{ModelSettings, ModelsFile, Speculation, TierFile};
pub use routing::{Answers, Routing, RoutingOverride};
pub use values::{Broker, Level, Span};

/// Everything that config.yaml may say. Every key has a default, so an empty file is valid.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The connection to the broker.
    pub mqtt: Mqtt,
    /// Where the rules are.
    pub intents: Intents,
    /// The language whose intents are matched where an utterance names none.
    pub language: Language,
    /// Who answers what no rule knows.
    pub routing: Routing,
    /// The models of tiers 2 and 3.
    pub models: ModelsFile,
    /// How replies are sent.
    pub reply: Reply,
    /// How the devices of the home are spoken to.
    pub home: Home,
    /// Rooms, by name.
    pub areas: BTreeMap<String, described::Area>,
    /// Floors, by name.
    pub floors: BTreeMap<String, described::Floor>,
    /// The rooms that sites stand in, where a site is not called after its room.
    pub sites: BTreeMap<String, String>,
    /// Devices: other names, rooms, and those that announce nothing; by the name that `hearthd devices` shows.
    pub devices: BTreeMap<String, described::Device>,
    /// The HTTP door.
    pub http: Http,
    /// Folder of what must survive a restart.
    pub state_dir: StateDir,
    /// What is logged.
    pub log: Log,
}

/// A language tag such as `en` or `de-AT`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Language(pub String);

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// A folder, relative to the config file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StateDir(pub PathBuf);

impl Default for StateDir {
    fn default() -> Self {
        Self("state".into())
    }
}

/// `mqtt:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mqtt {
    /// `embedded`, `mqtt://host:1883` or `mqtts://host:8883`.
    pub broker: Broker,
    /// Address of the embedded broker.
    pub listen: std::net::SocketAddr,
    /// First part of every topic of hearthd's own.
    pub base_topic: String,
    /// Name at the broker; two programs with one name cut each other off. Default: `hearthd-HOSTNAME`.
    pub client_id: Option<String>,
    /// User at the broker.
    pub username: Option<String>,
    /// Password at the broker.
    pub password: Option<Secret>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// Certificate authority of an `mqtts://` broker, PEM.
    pub ca_file: Option<PathBuf>,
    /// Client certificate, PEM.
    pub client_cert_file: Option<PathBuf>,
    /// Key of the client certificate, PEM, PKCS #8.
    pub client_key_file: Option<PathBuf>,
    /// Where an MQTT 5 response topic may point. Default: `BASE/reply/`.
    pub reply_prefixes: Option<Vec<String>>,
    /// Utterances that waited longer than this at the broker are never carried out.
    pub max_offline: Span,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            broker: Broker::Embedded,
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 1883)),
            base_topic: "hearthd".to_owned(),
            client_id: None,
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            reply_prefixes: None,
            max_offline: Span(Duration::from_secs(30)),
        }
    }
}

impl Mqtt {
    /// The prefixes that a response topic may have.
    #[must_use]
    pub fn reply_prefixes(&self) -> Vec<String> {
        self.reply_prefixes.clone().unwrap_or_else(|| vec![format!("{}/reply/", self.base_topic)])
    }

    /// The client id, the host's name in it where none is configured.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.client_id.clone().unwrap_or_else(|| {
            let host = nix::unistd::gethostname().ok().and_then(|host| host.into_string().ok());
            format!("hearthd-{}", host.unwrap_or_else(|| "home".to_owned()))
        })
    }
}

/// `intents:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Intents {
    /// Folder of intent files; every `*.yaml` in it and below is read.
    pub path: PathBuf,
    /// Whether changed files are taken at once.
    pub watch: bool,
    /// Whether nothing but the default named it.
    #[serde(skip)]
    pub is_default: bool,
}

impl Default for Intents {
    fn default() -> Self {
        Self { path: DEFAULT_INTENTS.into(), watch: true, is_default: false }
    }
}

/// Where intents are looked for when the config does not say.
pub const DEFAULT_INTENTS: &str = "intents";

/// `home.announce`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    /// As one device, which Home Assistant takes since 2024.11.
    Device,
    /// Entity by entity, for older ones.
    Single,
    /// Not at all.
    Never,
}

/// `home:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Home {
    /// How long a device may take to report what it was told to do.
    pub confirm_within: Span,
    /// How hearthd announces itself to Home Assistant.
    pub announce: Announce,
    /// Digits that must be said, beside yes, before a lock or a garage door is opened.
    pub pin: Option<Secret>,
    /// A file that has them.
    pub pin_file: Option<PathBuf>,
}

impl Default for Home {
    fn default() -> Self {
        Self {
            confirm_within: Span(Duration::from_millis(1_500)),
            announce: Announce::Device,
            pin: None,
            pin_file: None,
        }
    }
}

/// `reply:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// How long chunks after the first are joined.
    pub join: Span,
    /// Answers that are given again to the same question.
    pub cache: Cache,
}

impl Default for Reply {
    fn default() -> Self {
        Self { join: Span(Duration::from_millis(40)), cache: Cache::default() }
    }
}

/// `reply.cache:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// The most answers kept; 0: every question is put to a model.
    #[schemars(range(max = 10_000))]
    pub entries: u32,
    /// How long an answer is good.
    pub lifetime: Span,
}

impl Default for Cache {
    fn default() -> Self {
        Self { entries: 256, lifetime: Span(Duration::from_hours(24)) }
    }
}

/// `http:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address of the HTTP door; empty: off.
    #[serde(deserialize_with = "values::listen")]
    #[schemars(with = "String")]
    pub listen: Option<std::net::SocketAddr>,
    /// File that holds the bearer token; required to listen beyond loopback.
    pub token_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: Some(std::net::SocketAddr::from(([127, 0, 0, 1], 8000))), token_file: None }
    }
}

/// `log:`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Level,
    /// Whether what was said may stand in the log.
    pub utterances: bool,
}

/// The JSON Schema of config.yaml, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "hearthd config".into());
    }
    schema
}
