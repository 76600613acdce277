//! The running daemon: starts its parts in order, waits for signals, reloads, drains, and stops them in reverse.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::config::Announce;
use crate::config::file::Loaded;
use crate::core::intents::Rules;
use crate::engine::{self, Engine};
use crate::inference::protocol::LoadPlan;
use crate::inference::remote::RemoteTier;
use crate::inference::supervisor::{self, SupervisorOptions};
use crate::service::notify;
use crate::service::signals::{Signal, Signals};
use crate::service::watch::{Change, Watch};
use crate::transport::http;
use crate::transport::mqtt::{self, Connection, Mqtt};

use super::reload::{Extent, Fresh, ReloadFailed, Reloads};
use super::{Outcome, connect, sources};

/// How long running answers may take to end once the daemon is told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long the parts may take to stop.
const STOP: Duration = Duration::from_secs(5);
/// How often the info topic and systemd's status are brought up to date.
const LOOK: Duration = Duration::from_millis(500);

/// Why the daemon did not start. Its text may have several lines, one a problem.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct StartError(String);

impl StartError {
    fn from_any(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

struct Daemon {
    loaded: Loaded,
    engine: Engine,
    mqtt: Mqtt,
    /// What the worker was started with.
    plan: LoadPlan,
    /// The servers that answer for tiers.
    remotes: Vec<RemoteTier>,
    /// What the engine was started with.
    started_with: engine::Settings,
    reloads: Reloads,
    last_reload: Value,
    /// The folder whose changes are taken at once.
    watched: watch::Sender<Option<PathBuf>>,
}

/// What makes the daemon read its files again, besides signals.
struct Orders {
    reload: mpsc::Receiver<()>,
    changes: mpsc::Receiver<Change>,
}

/// Runs until a signal says stop.
///
/// # Errors
/// [`StartError`] where a part cannot start.
pub(super) async fn run(loaded: Loaded) -> Result<Outcome, StartError> {
    let mut signals = Signals::new().map_err(StartError::from_any)?;
    if let Some(problem) = connect::bad_models(&loaded).first() {
        return Err(StartError(format!("{}: {problem}", loaded.path.display())));
    }
    // Before the rules are read: what changes meanwhile is noticed.
    let (watched, turned) = watch::channel(to_watch(&loaded));
    let watch = Watch::new(turned, |folder| sources::paths(folder).0);
    let rules = load_rules(&loaded)?;
    let broker = Broker::start(&loaded).await?;
    let (mqtt, connection) = mqtt::prepare(connect::settings(&loaded).map_err(StartError::from_any)?);
    let door = open_door(&loaded).await?;
    let (stop, stopped) = watch::channel(false);
    let plan = connect::plan(&loaded);
    let remotes = connect::remotes(&loaded);
    let (models, supervision) = supervisor::supervise_with(plan.clone(), remotes.clone(), worker_options(&loaded));
    let settings = connect::engine_settings(&loaded);
    for missing in [&settings.chat.missing, &settings.explain.missing].into_iter().flatten() {
        log::warn!("{missing}; device commands work all the same");
    }
    let engine = Engine::new(settings.clone(), rules, models, mqtt.bus(), Some(&loaded.config.state_dir.0));
    if loaded.config.home.announce != Announce::Never {
        engine.tell(mqtt.herald());
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(home_keeper(engine.clone(), stopped.clone()));
    tasks.spawn(supervision.run(until(stopped.clone())));
    let (changes_tx, changes) = mpsc::channel(1);
    tasks.spawn(watch.run(changes_tx, until(stopped.clone())));
    let (reload_tx, reload) = mpsc::channel(1);
    tasks.spawn(Box::pin(engine.clone().keep_timers(mqtt.herald(), until(stopped.clone()))));
    spawn_transports(&mut tasks, connection, door, &engine, reload_tx, stopped);
    let (reloads, last_reload) = (Reloads::default(), Value::Null);
    let mut daemon =
        Daemon { loaded, engine, mqtt, plan, remotes, started_with: settings, reloads, last_reload, watched };
    notify::ready();
    let outcome = daemon.serve(&mut signals, Orders { reload, changes }, &broker).await;
    notify::stopping();
    daemon.engine.drain(patience(&mut signals)).await;
    daemon.mqtt.close();
    stop.send_replace(true);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP, all).await.is_err() {
        log::warn!("some parts did not stop in time");
    }
    broker.stop().await;
    log::info!("stopped");
    Ok(outcome)
}

/// Ends when running answers have had time enough, or at a second order to stop: whoever gives it does not want to wait.
async fn patience(signals: &mut Signals) {
    let told_again = async { while signals.next().await != Signal::Stop {} };
    // Either way it is enough.
    let _ = tokio::time::timeout(DRAIN, told_again).await;
}

/// The worker logs as much as the daemon does.
fn worker_options(loaded: &Loaded) -> SupervisorOptions {
    let level = log::LevelFilter::from(loaded.config.log.level);
    let args = ["model-worker", "--log-level", level.as_str()].map(str::to_owned).to_vec();
    SupervisorOptions { args, ..SupervisorOptions::default() }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good as stopped.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Learns what devices announce, until it is time to stop.
async fn home_keeper(engine: Engine, stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = engine.keep_home() => {}
        () = until(stopped) => {}
    }
}

fn to_watch(loaded: &Loaded) -> Option<PathBuf> {
    let intents = &loaded.config.intents;
    intents.watch.then(|| intents.path.clone())
}

fn load_rules(loaded: &Loaded) -> Result<Rules, StartError> {
    let (rules, problems) = sources::load(&loaded.config.intents);
    if problems.is_empty() {
        return Ok(rules);
    }
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(StartError(format!("the intents have problems\n{}", lines.join("\n"))))
}

async fn open_door(loaded: &Loaded) -> Result<Option<(tokio::net::TcpListener, http::Settings)>, StartError> {
    let Some(listen) = loaded.config.http.listen else { return Ok(None) };
    let settings = http::Settings { listen, token: loaded.http_token.clone() };
    let listener = http::open(&settings).await.map_err(StartError::from_any)?;
    Ok(Some((listener, settings)))
}

fn spawn_transports(
    tasks: &mut JoinSet<()>,
    connection: Connection,
    door: Option<(tokio::net::TcpListener, http::Settings)>,
    engine: &Engine,
    reload_tx: mpsc::Sender<()>,
    stopped: watch::Receiver<bool>,
) {
    tasks.spawn(Box::pin(connection.run(engine.clone(), reload_tx)));
    if let Some((listener, settings)) = door {
        log::info!("http://{}/api/chat answers", settings.listen);
        tasks.spawn(http::serve(listener, settings, engine.clone(), until(stopped)));
    }
}

impl Daemon {
    /// Waits for signals, orders to reload and changes worth telling, until it is time to stop.
    async fn serve(&mut self, signals: &mut Signals, mut orders: Orders, broker: &Broker) -> Outcome {
        let mut look = tokio::time::interval(LOOK);
        let mut fed = tokio::time::Instant::now();
        let feed_every = notify::watchdog_interval();
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => return Outcome::Done,
                    Signal::Reload => self.reloads.order(Extent::All),
                },
                Some(()) = orders.reload.recv() => self.reloads.order(Extent::All),
                Some(change) = orders.changes.recv() => {
                    log::info!("intents changed: {change}");
                    self.reloads.order(Extent::Intents);
                }
                read = self.reloads.done() => self.take(read),
                cause = broker.died() => {
                    log::error!("the embedded broker ended, and hearthd with it: {cause}");
                    return Outcome::Problems;
                }
                _ = look.tick() => {
                    self.tell();
                    if feed_every.is_some_and(|every| fed.elapsed() >= every) {
                        notify::watchdog();
                        fed = tokio::time::Instant::now();
                    }
                }
            }
            if self.reloads.begin(&self.loaded, self.engine.intents() > 0) {
                notify::reloading();
            }
        }
    }

    /// Brings the info topic and systemd's status line up to date.
    fn tell(&self) {
        let health = self.engine.health();
        let tier = |tier: &engine::TierHealth| json!({ "model": tier.model, "state": tier.state });
        let info = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "tiers": {
                "intent": { "state": "ready" },
                "chat": tier(&health.chat),
                "explain": tier(&health.explain),
            },
            "intents": self.engine.intents(),
            "devices": self.engine.devices(),
            "last_reload": self.last_reload,
        });
        self.mqtt.announce(&info.to_string());
        let failed =
            self.last_reload["message"].as_str().map_or_else(String::new, |why| format!("reload failed: {why}; "));
        notify::status(&format!(
            "{failed}broker {}, {} intents, chat {}, explain {}",
            health.broker,
            self.engine.intents(),
            health.chat.state,
            health.explain.state
        ));
    }

    /// Puts what was read in place, or tells why nothing changes.
    fn take(&mut self, read: Result<Fresh, ReloadFailed>) {
        let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        match read {
            Ok(fresh) => {
                if let Some(loaded) = fresh.loaded {
                    self.take_config(loaded);
                }
                self.engine.replace_rules(fresh.rules);
                self.last_reload = json!({ "at": at, "ok": true });
                log::info!("reloaded: {} intents", self.engine.intents());
            }
            Err(failed) => {
                self.last_reload = json!({ "at": at, "ok": false, "message": failed.public });
                log::error!("reload failed, what was loaded before stays");
                for line in failed.lines {
                    log::error!("{line}");
                }
            }
        }
        self.tell();
        notify::ready();
    }

    /// Puts a config in place, as far as it can change while the daemon runs.
    fn take_config(&mut self, loaded: Loaded) {
        let mut settings = connect::engine_settings(&loaded);
        // The worker holds what it was started with; the rest of a tier's settings goes with each prompt.
        if connect::plan(&loaded) != self.plan || connect::remotes(&loaded) != self.remotes {
            log::warn!(
                "changes to models, their servers, their contexts or their system prompts take effect at the next start"
            );
            let before = &self.started_with;
            settings.chat.model.clone_from(&before.chat.model);
            settings.explain.model.clone_from(&before.explain.model);
            settings.chat.is_remote = before.chat.is_remote;
            settings.explain.is_remote = before.explain.is_remote;
            settings.chat.missing.clone_from(&before.chat.missing);
            settings.explain.missing.clone_from(&before.explain.missing);
        }
        let before = &self.loaded.config;
        if format!("{:?}{:?}", before.mqtt, before.http) != format!("{:?}{:?}", loaded.config.mqtt, loaded.config.http)
        {
            log::warn!("changes to mqtt and http take effect at the next start");
        }
        self.engine.replace_settings(settings);
        log::set_max_level(loaded.config.log.level.into());
        let folder = to_watch(&loaded);
        self.watched.send_if_modified(|watched| {
            let differs = *watched != folder;
            *watched = folder;
            differs
        });
        self.loaded = loaded;
    }
}

/// The embedded broker, where the config asks for one.
struct Broker {
    #[cfg(feature = "broker")]
    inner: Option<crate::broker::Broker>,
}

impl Broker {
    #[cfg(feature = "broker")]
    async fn start(loaded: &Loaded) -> Result<Self, StartError> {
        use crate::broker::{BrokerOptions, Login};
        use crate::config;

        let mqtt = &loaded.config.mqtt;
        if mqtt.broker != config::Broker::Embedded {
            return Ok(Self { inner: None });
        }
        let password = loaded.mqtt_password.as_ref().map(|password| password.reveal().to_owned());
        let login = mqtt.username.clone().zip(password).map(|(username, password)| Login { username, password });
        let options = BrokerOptions { listen: mqtt.listen, state_dir: loaded.config.state_dir.0.clone(), login };
        let inner = Box::pin(crate::broker::start(options)).await.map_err(StartError::from_any)?;
        Ok(Self { inner: Some(inner) })
    }

    #[cfg(not(feature = "broker"))]
    async fn start(loaded: &Loaded) -> Result<Self, StartError> {
        match loaded.config.mqtt.broker {
            crate::config::Broker::Embedded => Err(StartError(
                "this hearthd was built without a broker: set mqtt.broker to mqtt://host:1883".to_owned(),
            )),
            crate::config::Broker::Remote { .. } => Ok(Self {}),
        }
    }

    /// Waits for the broker to end by itself; for ever where there is none.
    async fn died(&self) -> String {
        #[cfg(feature = "broker")]
        if let Some(broker) = &self.inner {
            return broker.died().await;
        }
        std::future::pending().await
    }

    async fn stop(self) {
        #[cfg(feature = "broker")]
        if let Some(broker) = self.inner {
            broker.stop().await;
        }
    }
}
