//! From the config to what the parts are made of: the broker's settings, the engine's, the worker's plan.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::config::file::Loaded;
use crate::config::{Announce, Broker, ModelSettings, Speculation};
use crate::core::home::Reserved;
use crate::core::home::described::Described;
use crate::engine;
use crate::inference::protocol::{LoadPlan, ModelTier, TierPlan};
use crate::inference::remote::RemoteTier;
use crate::models::{self, ModelRef};
use crate::transport::mqtt;
use crate::transport::mqtt::tls::{self, TlsError};

/// How the daemon, or a client of its, reaches the broker.
///
/// # Errors
/// [`TlsError`] where a certificate cannot be used.
pub(super) fn settings(loaded: &Loaded) -> Result<mqtt::Settings, TlsError> {
    let config = &loaded.config.mqtt;
    let (host, port, encrypted) = match &config.broker {
        Broker::Embedded => (own_host(config.listen.ip()), config.listen.port(), false),
        Broker::Remote { host, port, tls } => (host.clone(), *port, *tls),
    };
    let client = config.client_cert_file.as_deref().zip(config.client_key_file.as_deref());
    let tls = if encrypted { Some(tls::connector(config.ca_file.as_deref(), client)?) } else { None };
    let password = loaded.mqtt_password.clone();
    Ok(mqtt::Settings {
        host,
        port,
        tls,
        client_id: config.client_id(),
        login: config.username.clone().map(|user| {
            let password = password.unwrap_or_else(|| crate::core::secret::Secret::new(String::new()));
            (user, password)
        }),
        base_topic: config.base_topic.clone(),
        will_topic: Some(format!("{}/status", config.base_topic)),
        reply_prefixes: config.reply_prefixes(),
        announce: form(loaded.config.home.announce),
        max_offline: config.max_offline.0,
    })
}

fn form(announce: Announce) -> Option<mqtt::Form> {
    match announce {
        Announce::Device => Some(mqtt::Form::Device),
        Announce::Single => Some(mqtt::Form::Single),
        Announce::Never => None,
    }
}

/// A broker that listens on every address is reached by the loopback's.
fn own_host(listen: IpAddr) -> String {
    match listen {
        ip if ip.is_unspecified() => if ip.is_ipv4() { "127.0.0.1" } else { "[::1]" }.to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The two tiers with their settings.
fn tiers(loaded: &Loaded) -> [(ModelTier, ModelSettings); 2] {
    let models = &loaded.config.models;
    [(ModelTier::Chat, models.chat()), (ModelTier::Explain, models.explain())]
}

/// The same broker for one errand of the command line. A client of its own: the daemon's name would cut the daemon off, its
/// last will would call it offline.
///
/// # Errors
/// As [`settings`].
pub(super) fn visitor(loaded: &Loaded, name: &str) -> Result<mqtt::Settings, TlsError> {
    let settings = settings(loaded)?;
    Ok(mqtt::Settings {
        client_id: format!("hearthd-{name}"),
        will_topic: None,
        announce: None,
        max_offline: Duration::ZERO,
        ..settings
    })
}

/// Models that the config names and nobody knows.
pub(super) fn bad_models(loaded: &Loaded) -> Vec<String> {
    let error = |(tier, settings): &(ModelTier, ModelSettings)| {
        let name = crate::core::utterance::Tier::from(*tier).as_str();
        if settings.server.is_some() {
            return None;
        }
        ModelRef::parse(&settings.model).err().map(|error| format!("models.{name}.model: {error}"))
    };
    tiers(loaded).iter().filter_map(error).collect()
}

/// A tier's file, or why there is none and what fetches it.
fn model_file(
    settings: &ModelSettings,
    folder: &Path,
    config_folder: &Path,
) -> Result<(ModelRef, std::path::PathBuf), String> {
    let model = ModelRef::parse(&settings.model).map_err(|error| error.to_string())?;
    let file = models::resolve(&model, folder);
    let file = if model.is_fake() { file } else { config_folder.join(file) };
    if model.is_fake() || models::has_content(&file) {
        return Ok((model, file));
    }
    Err(match model.pull_name() {
        Some(pull) => format!(
            "the model {} is not here; fetch it with `hearthd models pull {pull}` and restart hearthd",
            model.display_name()
        ),
        None => format!("the model file {} is not there; correct models.*.model or put it there", file.display()),
    })
}

/// A model as the config names it, a path made relative to where the command runs.
pub(super) fn model_text(loaded: &Loaded, text: &str) -> String {
    match ModelRef::parse(text) {
        Ok(model) if !model.is_fake() && model.pull_name().is_none() => {
            folder_of(loaded).join(text).display().to_string()
        }
        _ => text.to_owned(),
    }
}

/// What the worker loads: the tiers whose model is there.
pub(super) fn plan(loaded: &Loaded) -> LoadPlan {
    let models = &loaded.config.models;
    let tier_plan = |(tier, settings): (ModelTier, ModelSettings)| {
        if settings.server.is_some() {
            return None;
        }
        let (model, file) = model_file(&settings, &models.path, folder_of(loaded)).ok()?;
        Some(TierPlan {
            tier,
            name: model.display_name(),
            sha256: models::known_sha256(&model, &file),
            file,
            chat_template: settings.chat_template,
            ctx_size: settings.ctx_size,
            n_batch: settings.n_batch,
            n_ubatch: settings.n_ubatch,
            threads: settings.threads,
            gpu_layers: settings.gpu_layers,
            slots: models.slots,
            system_prompt: settings.system_prompt,
            state_dir: Some(loaded.config.state_dir.0.clone()),
            speculation: models.speculation == Speculation::Auto,
        })
    };
    LoadPlan { tiers: tiers(loaded).into_iter().filter_map(tier_plan).collect() }
}

/// The tiers that servers elsewhere answer.
pub(super) fn remotes(loaded: &Loaded) -> Vec<RemoteTier> {
    let remote = |(tier, settings): (ModelTier, ModelSettings)| {
        let key = match tier {
            ModelTier::Chat => &loaded.chat_key,
            ModelTier::Explain => &loaded.explain_key,
        };
        Some(RemoteTier {
            tier,
            name: settings.model,
            server: settings.server?,
            api_key: key.clone(),
            ctx_size: settings.ctx_size,
            slots: loaded.config.models.slots,
            system_prompt: settings.system_prompt,
        })
    };
    tiers(loaded).into_iter().filter_map(remote).collect()
}

fn folder_of(loaded: &Loaded) -> &Path {
    loaded.path.parent().unwrap_or(Path::new(""))
}

fn home_settings(loaded: &Loaded) -> engine::HomeSettings {
    let config = &loaded.config;
    engine::HomeSettings {
        reserved: reserved(&config.mqtt.base_topic),
        described: described(loaded),
        confirm_within: config.home.confirm_within.0,
        pin: loaded.pin.clone(),
    }
}

/// The topics that no device may name as its own.
pub(super) fn reserved(base_topic: &str) -> Reserved {
    Reserved { prefixes: vec![base_topic.to_owned()] }
}

/// The home in the config's words.
pub(super) fn described(loaded: &Loaded) -> Described {
    let config = &loaded.config;
    Described {
        areas: config.areas.clone(),
        floors: config.floors.clone(),
        sites: config.sites.clone(),
        devices: config.devices.clone(),
    }
}

/// What the engine goes by.
pub(super) fn engine_settings(loaded: &Loaded) -> engine::Settings {
    let [chat, explain] = tiers(loaded).map(|(_, settings)| {
        let is_remote = settings.server.is_some();
        let name = if is_remote {
            Ok(settings.model.clone())
        } else {
            let found = model_file(&settings, &loaded.config.models.path, folder_of(loaded));
            found.map(|(model, _)| model.display_name())
        };
        engine::TierSettings {
            model: name.clone().unwrap_or_else(|_| settings.model.clone()),
            max_tokens: settings.max_tokens,
            deadline: settings.deadline,
            sampling: settings.sampling,
            is_remote,
            missing: name.err(),
        }
    });
    engine::Settings {
        language: loaded.config.language.0.clone(),
        routing: loaded.config.routing.settings(),
        join: loaded.config.reply.join.0,
        cache: engine::CacheSettings {
            entries: usize::try_from(loaded.config.reply.cache.entries).unwrap_or(0),
            lifetime: loaded.config.reply.cache.lifetime.0,
        },
        slots: loaded.config.models.slots,
        log_utterances: loaded.config.log.utterances,
        home: home_settings(loaded),
        chat,
        explain,
    }
}
