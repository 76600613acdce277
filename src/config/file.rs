//! Finds and reads the config file, lays the environment over it, and checks what one key alone cannot tell.
//!
//! The only place of this room that touches files and the environment. Secrets are read here and never shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::secret::Secret;
use crate::core::utterance;
use crate::core::yaml::{Document, Problem};

use super::{Broker, Config, DEFAULT_INTENTS, TierFile};

/// Environment variables with this prefix set config keys: `HEARTHD__MQTT__BROKER`.
const ENVIRONMENT_PREFIX: &str = "HEARTHD__";
/// Where the config is looked for when none is named.
const DEFAULT_PLACES: [&str; 2] = ["config.yaml", "/etc/hearthd/config.yaml"];
/// Bytes of a token below which it could be guessed.
const MIN_TOKEN_BYTES: usize = 32;
/// The longest that a device is waited for.
const MOST_CONFIRMING: Duration = Duration::from_secs(30);

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file was named and none is in the usual places.
    #[error("no config file: neither ./config.yaml nor /etc/hearthd/config.yaml is there; name one with --config FILE")]
    NotFound,
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file says something wrong; every problem of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
}

/// A config with its place and the secrets beside it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file it came from.
    pub path: PathBuf,
    /// What it says, paths made relative to the file's folder.
    pub config: Config,
    /// The broker's password, wherever it stood.
    pub mqtt_password: Option<Secret>,
    /// The HTTP door's token, wherever it stood.
    pub http_token: Option<Secret>,
    /// The key of the server that answers small talk, wherever it stood.
    pub chat_key: Option<Secret>,
    /// The key of the server that explains.
    pub explain_key: Option<Secret>,
    /// What must be said before what guards the house is opened, wherever it stood.
    pub pin: Option<Secret>,
}

/// Reads the config file, `None` for the usual places, with the environment's overrides.
///
/// # Errors
/// [`ConfigError`], with every problem of the file at once.
pub fn load(named: Option<&Path>, environment: &[(String, String)]) -> Result<Loaded, ConfigError> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => DEFAULT_PLACES.iter().map(PathBuf::from).find(|path| path.exists()).ok_or(ConfigError::NotFound)?,
    };
    let unreadable = |error: std::io::Error| ConfigError::Unreadable { path: path.clone(), reason: error.to_string() };
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| ConfigError::Unreadable { path: path.clone(), reason: "the file is not UTF-8".to_owned() })?;
    let shown = path.display().to_string();
    let mut document = Document::parse(&shown, &text).map_err(|problem| ConfigError::Problems(vec![problem]))?;
    let mut problems = overlay(&mut document, environment);
    let (config, wrong) = document.read::<Config>();
    problems.extend(wrong);
    let Some(mut config) = config.filter(|_| problems.is_empty()) else {
        return Err(ConfigError::Problems(problems));
    };
    config.intents.is_default = config.intents.path == Path::new(DEFAULT_INTENTS);
    rebase(&mut config, path.parent().unwrap_or(Path::new("")));
    let credentials = variable(environment, "CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let problem = |keys: &[&str], message: String| document.problem(keys, message);
    let mut problems: Vec<Problem> =
        inconsistencies(&config).into_iter().map(|(keys, text)| problem(&keys, text)).collect();
    let mut secret = |keys: &[&str], file: Option<&PathBuf>, credential: &str| {
        let read = read_secret(file, credentials.as_deref().map(|folder| folder.join(credential)));
        read.unwrap_or_else(|message| {
            problems.push(problem(keys, message));
            None
        })
    };
    let password_file = secret(&["mqtt", "password_file"], config.mqtt.password_file.as_ref(), "mqtt-password");
    let http_token = secret(&["http", "token_file"], config.http.token_file.as_ref(), "http-token");
    let pin_file = secret(&["home", "pin_file"], config.home.pin_file.as_ref(), "pin");
    let pin = config.home.pin.clone().or(pin_file);
    let mut key = |tier, settings: &TierFile, credential| {
        let file = settings.api_key_file.as_ref();
        settings.server.as_ref().and_then(|_| secret(&["models", tier, "api_key_file"], file, credential))
    };
    let chat_key = key("chat", &config.models.chat, "chat-api-key");
    let explain_key = key("explain", &config.models.explain, "explain-api-key");
    let mqtt_password = config.mqtt.password.clone().or(password_file);
    if let Some(listen) = config.http.listen
        && !listen.ip().is_loopback()
        && http_token.is_none()
    {
        problems.push(problem(
            &["http", "listen"],
            format!("{listen} is reachable from other machines: set http.token_file to a file with a long token"),
        ));
    }
    let mqtt = &config.mqtt;
    if mqtt_password.is_some() && mqtt.username.is_none() {
        problems.push(problem(&["mqtt"], "a password is of no use without mqtt.username".to_owned()));
    }
    if mqtt.broker == Broker::Embedded {
        if mqtt.username.is_some() && mqtt_password.is_none() {
            let message = "the embedded broker needs a password for this user: set mqtt.password_file";
            problems.push(problem(&["mqtt", "username"], message.to_owned()));
        }
        if !mqtt.listen.ip().is_loopback() && mqtt.username.is_none() {
            let message =
                format!("{} is reachable from other machines: set mqtt.username and mqtt.password_file", mqtt.listen);
            problems.push(problem(&["mqtt", "listen"], message));
        }
    }
    if http_token.as_ref().is_some_and(|token| token.reveal().len() < MIN_TOKEN_BYTES) {
        problems.push(problem(&["http", "token_file"], format!("the token is shorter than {MIN_TOKEN_BYTES} bytes")));
    }
    let is_pin =
        |pin: &Secret| (4..=12).contains(&pin.reveal().len()) && pin.reveal().bytes().all(|b| b.is_ascii_digit());
    if pin.as_ref().is_some_and(|pin| !is_pin(pin)) {
        problems.push(problem(&["home"], "the PIN must be 4 to 12 digits, in quotes".to_owned()));
    }
    if problems.is_empty() {
        Ok(Loaded { path, config, mqtt_password, http_token, chat_key, explain_key, pin })
    } else {
        Err(ConfigError::Problems(problems))
    }
}

fn variable(environment: &[(String, String)], name: &str) -> Option<String> {
    environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

/// Lays each `HEARTHD__A__B=value` over the document, as text where the key takes text, else as the YAML it is.
fn overlay(document: &mut Document, environment: &[(String, String)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, value) in environment {
        let Some(keys) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
        let keys: Vec<String> = keys.split("__").map(str::to_lowercase).collect();
        let text = serde_yaml::Value::String(value.clone());
        let parsed = serde_yaml::from_str(value).unwrap_or_else(|_| text.clone());
        let mut wrong = Vec::new();
        let fits = [text, parsed].into_iter().find(|candidate| {
            let Ok(mut alone) = Document::parse(name, "") else { return false };
            set(alone.value_mut(), &keys, candidate.clone());
            wrong = alone.read::<Config>().1;
            wrong.is_empty()
        });
        match fits {
            Some(candidate) => set(document.value_mut(), &keys, candidate),
            None => problems.append(&mut wrong),
        }
    }
    problems
}

fn set(value: &mut serde_yaml::Value, keys: &[String], new: serde_yaml::Value) {
    let Some((first, rest)) = keys.split_first() else {
        *value = new;
        return;
    };
    if !value.is_mapping() {
        *value = serde_yaml::Value::Mapping(serde_yaml::Mapping::new());
    }
    if let Some(mapping) = value.as_mapping_mut() {
        let entry = mapping.entry(first.as_str().into()).or_insert(serde_yaml::Value::Null);
        set(entry, rest, new);
    }
}

/// Makes every relative path of the config relative to the folder of its file.
fn rebase(config: &mut Config, folder: &Path) {
    let mut paths = vec![&mut config.intents.path, &mut config.models.path, &mut config.state_dir.0];
    let mqtt = &mut config.mqtt;
    let optional = [
        &mut mqtt.password_file,
        &mut mqtt.ca_file,
        &mut mqtt.client_cert_file,
        &mut mqtt.client_key_file,
        &mut config.http.token_file,
        &mut config.home.pin_file,
        &mut config.models.chat.api_key_file,
        &mut config.models.explain.api_key_file,
    ];
    paths.extend(optional.into_iter().flatten());
    for path in paths {
        *path = folder.join(&*path);
    }
}

/// A secret's file, or systemd's credential of that name where no file is configured.
fn read_secret(file: Option<&PathBuf>, credential: Option<PathBuf>) -> Result<Option<Secret>, String> {
    let path = match (file, credential) {
        (Some(file), _) => file.clone(),
        (None, Some(credential)) if credential.exists() => credential,
        _ => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

type At = Vec<&'static str>;

/// What no single key can tell: keys that need or exclude each other.
fn inconsistencies(config: &Config) -> Vec<(At, String)> {
    let mut found: Vec<(At, String)> = Vec::new();
    let mqtt = &config.mqtt;
    if !is_plain_topic(&mqtt.base_topic) {
        let message = "the base topic must be 1 to 128 characters without + # or a / at its ends, and not under $";
        found.push((vec!["mqtt", "base_topic"], message.to_owned()));
    }
    let own = ["utterance", "cancel", "admin", "status", "info", "error"]
        .map(|topic| format!("{}/{topic}/", mqtt.base_topic));
    for prefix in mqtt.reply_prefixes.iter().flatten() {
        if own.iter().any(|own| own.starts_with(prefix) || prefix.starts_with(own)) {
            let message =
                format!("`{prefix}` covers topics of hearthd's own: a reply there would be taken for an utterance");
            found.push((vec!["mqtt", "reply_prefixes"], message));
        }
        if !prefix.ends_with('/') || !is_plain_topic(prefix.trim_end_matches('/')) {
            let message = format!("`{prefix}` is no reply prefix: it must end with / and have no wildcard");
            found.push((vec!["mqtt", "reply_prefixes"], message));
        }
    }
    if mqtt.client_cert_file.is_some() != mqtt.client_key_file.is_some() {
        found.push((vec!["mqtt"], "client_cert_file and client_key_file go together".to_owned()));
    }
    if mqtt.password.is_some() && mqtt.password_file.is_some() {
        found.push((vec!["mqtt", "password_file"], "set password or password_file, not both".to_owned()));
    }
    if config.home.pin.is_some() && config.home.pin_file.is_some() {
        found.push((vec!["home", "pin_file"], "set pin or pin_file, not both".to_owned()));
    }
    if config.home.confirm_within.0 > MOST_CONFIRMING {
        found.push((vec!["home", "confirm_within"], "a device is waited for 30s at most".to_owned()));
    }
    if !(0.0..=1.0).contains(&config.routing.confidence) {
        found.push((vec!["routing", "confidence"], "the confidence must be 0 to 1".to_owned()));
    }
    for this in &config.routing.overrides {
        if utterance::normalise(&this.phrase).is_empty() {
            found.push((vec!["routing", "overrides"], format!("`{}` has no words to look for", this.phrase)));
        }
    }
    if config.reply.cache.entries > 10_000 {
        found.push((vec!["reply", "cache", "entries"], "entries must be 0 to 10000".to_owned()));
    }
    if !(1..=64).contains(&config.models.slots) {
        found.push((vec!["models", "slots"], "slots must be 1 to 64".to_owned()));
    }
    let (chat, explain) = (&config.models.chat, &config.models.explain);
    for (tier, file, settings) in [("chat", chat, config.models.chat()), ("explain", explain, config.models.explain())]
    {
        let mut wrong = |key, message: &str| found.push((vec!["models", tier, key], message.to_owned()));
        if file.server.is_some() {
            if file.model.as_ref().is_none_or(|model| model.trim().is_empty() || model.starts_with("hf:")) {
                wrong("model", "with a server, model must be the name by which the server knows its model");
            }
            for key in file.local_keys() {
                wrong(key, "this is of no effect with a server, which runs its model as it was told to");
            }
        } else if file.api_key_file.is_some() {
            wrong("api_key_file", "a key is of no use without server");
        }
        if settings.ctx_size < 128 {
            wrong("ctx_size", "a context below 128 tokens holds no conversation");
        }
        if settings.n_batch == 0 || settings.n_ubatch == 0 || settings.n_ubatch > settings.n_batch {
            wrong("n_ubatch", "n_ubatch must be 1 to n_batch");
        }
        if settings.max_tokens == 0 || settings.max_tokens >= settings.ctx_size {
            wrong("max_tokens", "max_tokens must be at least 1 and leave room for the prompt in ctx_size");
        }
        if !(0.0..=5.0).contains(&settings.sampling.temperature) {
            wrong("temperature", "the temperature must be 0 to 5");
        }
    }
    found
}

fn is_plain_topic(topic: &str) -> bool {
    !topic.is_empty()
        && topic.len() <= 128
        && !topic.starts_with(['/', '$'])
        && !topic.ends_with('/')
        && !topic.contains(['+', '#', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Speculation;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load(Some(&path), &environment)
    }

    fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        match read(text, environment) {
            Err(ConfigError::Problems(problems)) => {
                problems.into_iter().map(|p| format!("{}:{}: {}", p.line, p.column, p.message)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let loaded = read("", &[]).unwrap();
        assert_eq!(loaded.config.mqtt.broker, Broker::Embedded);
        assert_eq!(loaded.config.models.chat().ctx_size, 1024);
        assert_eq!(loaded.config.models.explain().model, "llama-3.2-3b-instruct");
        assert!(loaded.config.intents.path.ends_with("intents") && loaded.config.intents.path.is_absolute());
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let found = problems("mqtt:\n  brokr: embedded\nmodels:\n  slots: many\n  chat:\n    deadline: 30\n", &[]);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].starts_with("2:3: ") && found[0].contains("broker"), "{found:#?}");
        assert!(found[1].starts_with("4:10: "), "{found:#?}");
        assert!(found[2].starts_with("6:15: "), "{found:#?}");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let environment = [
            ("HEARTHD__MQTT__BROKER", "mqtt://host:1884"),
            ("HEARTHD__MODELS__SLOTS", "2"),
            ("HEARTHD__MQTT__USERNAME", "ann"),
            ("HEARTHD__MQTT__PASSWORD", "12345"),
            ("HEARTHD__LOG__UTTERANCES", "true"),
        ];
        let loaded = read("mqtt: {broker: embedded}", &environment).unwrap();
        assert_eq!(loaded.config.mqtt.broker, Broker::Remote { host: "host".into(), port: 1884, tls: false });
        assert_eq!(loaded.config.models.slots, 2);
        assert_eq!(loaded.mqtt_password.unwrap().reveal(), "12345");
        assert!(loaded.config.log.utterances);
    }

    #[test]
    fn drafting_is_left_to_hearthd_or_off() {
        let speculation = |text: &str| read(text, &[]).unwrap().config.models.speculation;
        assert_eq!(speculation(""), Speculation::Auto);
        assert_eq!(speculation("models: {speculation: auto}"), Speculation::Auto);
        assert_eq!(speculation("models: {speculation: off}"), Speculation::Off);
        assert_eq!(problems("models: {speculation: sometimes}\n", &[]).len(), 1);
    }

    #[test]
    fn a_wrong_override_is_told_by_its_name() {
        let found = match read("", &[("HEARTHD__MQTT__BROKR", "x")]) {
            Err(ConfigError::Problems(problems)) => problems,
            other => panic!("{other:?}"),
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "HEARTHD__MQTT__BROKR");
        assert!(found[0].message.contains("broker"), "{}", found[0].message);
    }

    #[test]
    fn keys_that_contradict_each_other_are_told() {
        assert_eq!(problems("http:\n  listen: 0.0.0.0:8000\n", &[]).len(), 1);
        assert_eq!(problems("mqtt:\n  base_topic: a/#\n", &[]).len(), 1);
        assert_eq!(problems("models:\n  chat: {ctx_size: 256, max_tokens: 256}\n", &[]).len(), 1);
        assert_eq!(problems("mqtt: {client_cert_file: a.pem}\n", &[]).len(), 1);
        let server = "server: 'http://box:8080/v1'";
        for wrong in [
            server.to_owned(),
            format!("{server}, model: 'hf:a/b/c.gguf'"),
            format!("{server}, model: m, threads: 2"),
            format!("{server}, model: m, api_key_file: not-there"),
            "server: 'box:8080', model: m".to_owned(),
            "server: 'http://user:word@box/v1', model: m".to_owned(),
            "api_key_file: key".to_owned(),
        ] {
            assert_eq!(problems(&format!("models:\n  chat: {{{wrong}}}\n"), &[]).len(), 1, "{wrong}");
        }
        assert!(read(&format!("models:\n  chat: {{{server}, model: m, ctx_size: 4096}}\n"), &[]).is_ok());
        assert_eq!(problems("mqtt: {password: word}\n", &[]).len(), 1);
        assert_eq!(problems("mqtt: {username: ann}\n", &[]).len(), 1);
        assert_eq!(problems("mqtt: {listen: \"0.0.0.0:1883\"}\n", &[]).len(), 1);
        assert_eq!(problems("routing: {confidence: 1.5}\n", &[]).len(), 1);
        assert_eq!(problems("routing: {overrides: [{phrase: \"?!\", tier: chat}]}\n", &[]).len(), 1);
        assert_eq!(problems("mqtt: {reply_prefixes: [hearthd/]}\n", &[]).len(), 1);
    }

    #[test]
    fn no_problem_shows_a_secret() {
        for text in ["mqtt: {username: a, password: 987654321}\n", "mqtt: {broker: \"tcp://user:987654321@host\"}\n"] {
            let found = problems(text, &[]).join("\n");
            assert!(!found.contains("987654321"), "{found}");
        }
    }

    #[test]
    fn secrets_come_from_files_and_credentials() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mqtt-password"), "canary\n").unwrap();
        let credentials = folder.path().display().to_string();
        let loaded = read("mqtt: {username: ann}", &[("CREDENTIALS_DIRECTORY", &credentials)]).unwrap();
        assert_eq!(loaded.mqtt_password.as_ref().unwrap().reveal(), "canary");
        assert!(!format!("{loaded:?}").contains("canary"));
    }
}
