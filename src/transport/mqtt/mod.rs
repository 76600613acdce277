//! MQTT: utterances in, replies and device commands out, through a broker that may come and go.
//!
//! One task polls the link and does nothing that waits: messages go straight into the engine, what is to be published
//! goes through the outbox. A lost broker is looked for again for ever, with a growing pause.

pub mod ask;
mod backlog;
mod devices;
mod dial;
mod entities;
mod inbound;
mod link;
pub mod listen;
mod outbox;
pub mod play;
pub mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::core::secret::Secret;
use crate::engine::{Bus, BusError, Engine, Herald};

use backlog::Backlog;
use devices::DeviceTopics;
use entities::Entities;
pub use entities::Form;
use inbound::Purpose;
use link::{Event, Events, LinkError, Message, Publish, Version};
use outbox::{Outbox, Pressure};

/// The first and the longest pause between attempts to connect.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Closed connections in a row before another version is tried.
const CLOSED_BEFORE_GUESS: u32 = 3;
/// A connection that held this long was good: the next pause begins small again.
const STABLE: Duration = Duration::from_secs(30);

/// Where Home Assistant says that it is there.
pub(super) const HOME_ASSISTANT: &str = "homeassistant/status";

/// Messages whose acknowledgements are asked for between two looks at the link.
const AT_ONCE: usize = 64;

/// Where the broker is and who we are to it.
#[derive(Clone)]
pub struct Settings {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// For `mqtts://`.
    pub tls: Option<native_tls::TlsConnector>,
    /// Our name there.
    pub client_id: String,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// First part of our topics.
    pub base_topic: String,
    /// Where our last will goes; `None` for a client that is not the daemon.
    pub will_topic: Option<String>,
    /// Where response topics may point.
    pub reply_prefixes: Vec<String>,
    /// How hearthd announces itself to Home Assistant; `None` for not at all.
    pub announce: Option<Form>,
    /// How long the broker keeps messages for us while we are away.
    pub max_offline: Duration,
}

/// The connection as the rest of the daemon sees it.
#[derive(Clone)]
pub struct Mqtt {
    outbox: Arc<Outbox>,
    info: watch::Sender<String>,
    closing: watch::Sender<bool>,
    base_topic: String,
    entities: Option<Arc<Entities>>,
}

impl Mqtt {
    /// The way to the devices.
    #[must_use]
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::<Outbox>::clone(&self.outbox)
    }

    /// The way to those who hear what nobody asked for just now.
    #[must_use]
    pub fn herald(&self) -> Arc<dyn Herald> {
        Arc::new(self.clone())
    }

    /// Publishes what stands on the info topic, now and at every new connection.
    pub fn announce(&self, info: &str) {
        let changed = self.info.send_if_modified(|known| {
            let changed = known != info;
            info.clone_into(known);
            changed
        });
        if changed && self.outbox.is_connected() {
            self.retained("info", info);
        }
    }

    /// Publishes `offline`, waits until the broker has taken everything, and says goodbye; [`Connection::run`] ends.
    pub fn close(&self) {
        let publish = retained(&self.base_topic, "status", "offline");
        self.outbox.close(publish);
        self.closing.send_replace(true);
    }

    /// Tells Home Assistant what there is of us, and how the last utterance ended, when it says that it is there.
    fn look_for_home_assistant(&self, message: &Message) {
        let Some(entities) = self.entities.as_ref().filter(|entities| entities.are_wanted_by(message)) else { return };
        for (topic, payload) in entities.announcements() {
            self.at_most_once(topic.clone(), payload.clone(), true);
        }
        if let Some(last) = entities.last() {
            self.at_most_once(format!("{}/last", self.base_topic), last, false);
        }
    }

    /// A broker that does not allow it drops it without a word, and nothing waits for it.
    fn at_most_once(&self, topic: String, payload: String, retain: bool) {
        let publish = Publish { topic, payload: Bytes::from(payload), qos: 0, retain, correlation: None };
        if self.outbox.publish(publish, None).is_err() {
            log::debug!("Home Assistant was not told: the broker takes nothing");
        }
    }

    fn retained(&self, topic: &str, payload: &str) {
        if self.outbox.publish(retained(&self.base_topic, topic, payload), None).is_err() {
            log::warn!("{}/{topic} could not be published: the broker takes nothing", self.base_topic);
        }
    }
}

impl Herald for Mqtt {
    fn tell(&self, topic: &str, payload: String) -> Result<(), BusError> {
        let publish = Publish {
            topic: format!("{}/{topic}", self.base_topic),
            payload: Bytes::from(payload),
            qos: 1,
            retain: false,
            correlation: None,
        };
        self.outbox.publish(publish, None).map_err(|_| BusError::Full)
    }

    fn ended(&self, utterance: &str) {
        let Some(entities) = &self.entities else { return };
        entities.keep(utterance);
        if entities.are_heard() && self.outbox.is_connected() {
            for topic in ["event/utterance", "last"] {
                self.at_most_once(format!("{}/{topic}", self.base_topic), utterance.to_owned(), false);
            }
        }
    }
}

fn retained(base: &str, topic: &str, payload: &str) -> Publish {
    Publish {
        topic: format!("{base}/{topic}"),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        qos: 1,
        retain: true,
        correlation: None,
    }
}

/// The connection's own half: run it.
pub struct Connection {
    settings: Settings,
    handle: Mqtt,
    closing: watch::Receiver<bool>,
}

/// Prepares a connection; nothing is sent until it runs.
#[must_use]
pub fn prepare(settings: Settings) -> (Mqtt, Connection) {
    let (closing, closed) = watch::channel(false);
    let handle = Mqtt {
        outbox: Arc::new(Outbox::new(settings.max_offline)),
        info: watch::Sender::new(String::new()),
        closing,
        base_topic: settings.base_topic.clone(),
        entities: settings.announce.map(|form| Arc::new(Entities::new(&settings.base_topic, form))),
    };
    (handle.clone(), Connection { settings, handle, closing: closed })
}

impl Connection {
    /// Keeps connected until [`Mqtt::close`]. A message on the reload topic puts an order into `reload`.
    pub async fn run(self, engine: Engine, reload: mpsc::Sender<()>) {
        let mut closing = self.closing.clone();
        let closed = async move {
            // An error means that the handle is gone, which is as good as closed.
            let _ = closing.wait_for(|closing| *closing).await;
            tokio::time::sleep(CLOSE_WITHIN).await;
        };
        tokio::select! {
            () = self.keep_connected(&engine, &reload) => {}
            () = closed => log::debug!("the broker did not take our goodbye in time"),
        }
    }

    async fn keep_connected(&self, engine: &Engine, reload: &mpsc::Sender<()>) {
        let mut attempt = Attempt::new();
        loop {
            let began = Instant::now();
            let error = match self.serve(&mut attempt, engine, reload).await {
                Ok(()) => return,
                Err(error) => error,
            };
            self.handle.outbox.detach();
            if *self.closing.borrow() {
                return;
            }
            let pause = attempt.after(&error, began.elapsed());
            let Settings { host, port, .. } = &self.settings;
            log::warn!("no connection to the broker {host}:{port}: {error}; next try in {} ms", pause.as_millis());
            let mut closing = self.closing.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = closing.wait_for(|closing| *closing) => return,
            }
        }
    }

    /// One connection, from its opening to its end: `Ok` after our goodbye.
    async fn serve(&self, attempt: &mut Attempt, engine: &Engine, reload: &mpsc::Sender<()>) -> Result<(), LinkError> {
        let outbox = &self.handle.outbox;
        if attempt.must_forget(self.settings.max_offline) {
            self.forget_session().await?;
        }
        let (client, mut events) = link::open(&self.settings, attempt.version, false);
        outbox.attach(client);
        let mut backlog = Backlog::default();
        let mut devices = DeviceTopics::new(engine);
        loop {
            match events.poll().await? {
                Event::Connected { max_packet } => {
                    attempt.connected();
                    // First, while the new link's channel has room for it.
                    if !outbox.subscribe(&inbound::filters(&self.settings.base_topic), 1) {
                        return Err(LinkError::Lost("the subscription could not be sent".to_owned()));
                    }
                    outbox.connected(max_packet);
                }
                Event::Subscribed { granted } if devices.answered(granted) => self.subscribed(granted, attempt.version),
                Event::Message(message) if self.is_of_device(&message.topic) => {
                    self.handle.look_for_home_assistant(&message);
                    devices.hear(&message.topic, &message.payload, engine);
                    outbox.acknowledge(message.receipt);
                }
                Event::Message(message) => {
                    // What has no room to wait is read all the same, and refused.
                    if let Err(message) = backlog.push(message) {
                        self.receive(*message, engine, reload);
                    }
                }
                Event::Sent(packet) => outbox.sent(packet),
                Event::Left => outbox.hand_over(),
                Event::Acknowledged(packet) => outbox.acknowledged(packet),
                Event::Denied { packet, stuck } => {
                    outbox.acknowledged(packet);
                    log::warn!("the broker refuses a publish: allow this user to write to the topics of the rules");
                    if stuck {
                        return Err(LinkError::Lost(
                            "a refused publish keeps its place until the next connection".to_owned(),
                        ));
                    }
                }
                Event::Disconnected => return Ok(()),
                Event::Subscribed { .. } | Event::Other => {}
            }
            devices.ask(outbox);
            self.catch_up(&mut backlog, engine, reload);
            if *self.closing.borrow() && outbox.is_done() {
                return farewell(&mut events).await;
            }
        }
    }

    /// Whether a topic is none of ours. A flood of states waits for nothing.
    fn is_of_device(&self, topic: &str) -> bool {
        inbound::purpose(topic, &self.settings.base_topic) == Purpose::Unknown
    }

    /// Reads what has come, as far as there is room for what answers it. Acknowledgements that leave are the occasion for the
    /// next; for what wants none there may be no other.
    fn catch_up(&self, backlog: &mut Backlog, engine: &Engine, reload: &mpsc::Sender<()>) {
        let mut acknowledged = 0;
        while acknowledged < AT_ONCE && self.handle.outbox.pressure() == Pressure::Low {
            let Some(message) = backlog.pop() else { return };
            acknowledged += usize::from(message.receipt.is_wanted());
            self.receive(message, engine, reload);
        }
    }

    fn subscribed(&self, granted: bool, version: Version) {
        let Settings { host, port, base_topic, .. } = &self.settings;
        // Whoever looks at the status after us must find `offline` there.
        if *self.closing.borrow() {
            return;
        }
        if !granted {
            log::error!(
                "the broker {host}:{port} refuses our subscriptions: allow this user to read {base_topic}/utterance/#, \
                 {base_topic}/cancel/# and {base_topic}/admin/#"
            );
            return;
        }
        log::info!(
            "connected to the broker {host}:{port} by MQTT {}",
            if version == Version::V5 { "5" } else { "3.1.1" }
        );
        self.handle.outbox.subscribed();
        self.handle.retained("status", "online");
        let info = self.handle.info.borrow().clone();
        if !info.is_empty() {
            self.handle.retained("info", &info);
        }
    }

    fn receive(&self, message: Message, engine: &Engine, reload: &mpsc::Sender<()>) {
        match inbound::purpose(&message.topic, &self.settings.base_topic) {
            // Kept by the broker, so said at some other time: nothing to answer now.
            _ if message.retain => log::warn!("ignored: a retained message on one of our topics; clear it"),
            Purpose::Utterance(site) => inbound::utterance(&message, site, &self.settings, &self.handle.outbox, engine),
            Purpose::Cancel(id) => engine.cancel(id),
            // A full channel holds an order that has not begun: one reload serves both.
            Purpose::Reload => drop(reload.try_send(())),
            Purpose::Unknown => {}
        }
        self.handle.outbox.acknowledge(message.receipt);
    }

    /// MQTT 3.1.1 has no session expiry: connects once with a clean session, so that the broker drops what is too old.
    async fn forget_session(&self) -> Result<(), LinkError> {
        let (client, mut events) = link::open(&self.settings, Version::V311, true);
        loop {
            if matches!(events.poll().await?, Event::Connected { .. }) {
                client.disconnect();
                return farewell(&mut events).await;
            }
        }
    }
}

/// Polls until the goodbye has left.
async fn farewell(events: &mut Events) -> Result<(), LinkError> {
    let left = async {
        loop {
            match events.poll().await {
                Ok(Event::Disconnected) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    // A broker that reads nothing any more needs no goodbye.
    let _ = tokio::time::timeout(CLOSE_WITHIN, left).await;
    Ok(())
}

/// What one connection teaches the next: the version, the pause, whether an old session must be forgotten.
struct Attempt {
    version: Version,
    pause: Duration,
    was_connected: bool,
    /// Connections in a row that the broker closed without a word before it took us.
    closed: u32,
    /// Whether the version was only guessed from that.
    guessed: bool,
    lost: Option<Instant>,
}

impl Attempt {
    fn new() -> Self {
        Self { version: Version::V5, pause: PAUSE.0, was_connected: false, closed: 0, guessed: false, lost: None }
    }

    fn connected(&mut self) {
        self.was_connected = true;
        self.closed = 0;
    }

    /// Whether what the broker kept for us could be older than what may be carried out.
    fn must_forget(&self, max_offline: Duration) -> bool {
        self.version == Version::V311 && self.lost.is_none_or(|lost| lost.elapsed() >= max_offline)
    }

    /// Chooses the next version and returns the pause before it.
    fn after(&mut self, error: &LinkError, held: Duration) -> Duration {
        if self.was_connected {
            self.lost = Some(Instant::now());
            // A guess is tried anew: the broker may be another one by now.
            if std::mem::take(&mut self.guessed) {
                self.version = Version::V5;
            }
        } else {
            match error {
                LinkError::VersionRefused => self.version = self.version.other(),
                LinkError::Closed => {
                    // A broker that closes the connection again and again may be one that does not know MQTT 5.
                    self.closed += 1;
                    if self.closed.is_multiple_of(CLOSED_BEFORE_GUESS) {
                        self.version = self.version.other();
                        self.guessed = self.version == Version::V311;
                    }
                }
                LinkError::Lost(_) | LinkError::Refused(_) => {}
            }
        }
        if self.was_connected && held >= STABLE {
            self.pause = PAUSE.0;
        }
        self.was_connected = false;
        let pause = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0).max(PAUSE.0);
        self.pause = (self.pause * 2).min(PAUSE.1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> LinkError {
        LinkError::Lost("closed".to_owned())
    }

    #[test]
    fn pauses_grow_to_their_bound_and_begin_small_after_a_good_connection() {
        let mut attempt = Attempt::new();
        let pauses: Vec<_> = (0..12).map(|_| attempt.after(&lost(), Duration::ZERO)).collect();
        assert!(pauses.iter().all(|pause| (PAUSE.0..=PAUSE.1).contains(pause)), "{pauses:?}");
        assert!(pauses[11] >= PAUSE.1 / 2);
        attempt.connected();
        assert!(attempt.after(&lost(), STABLE) <= 2 * PAUSE.0);
    }

    #[test]
    fn an_outage_is_no_reason_to_speak_an_older_version() {
        let mut attempt = Attempt::new();
        for _ in 0..20 {
            attempt.after(&lost(), Duration::ZERO);
            assert_eq!(attempt.version, Version::V5);
        }
        attempt.connected();
        attempt.after(&LinkError::VersionRefused, Duration::ZERO);
        assert_eq!(attempt.version, Version::V5, "it took this version a moment ago");
    }

    #[test]
    fn a_broker_that_closes_without_a_word_is_tried_with_the_older_version_once() {
        let mut attempt = Attempt::new();
        for _ in 0..CLOSED_BEFORE_GUESS {
            attempt.after(&LinkError::Closed, Duration::ZERO);
        }
        assert_eq!(attempt.version, Version::V311);
        attempt.connected();
        attempt.after(&lost(), Duration::ZERO);
        assert_eq!(attempt.version, Version::V5);
    }

    #[test]
    fn a_refused_version_is_not_tried_again_at_once() {
        let mut attempt = Attempt::new();
        attempt.after(&LinkError::VersionRefused, Duration::ZERO);
        assert_eq!(attempt.version, Version::V311);
        attempt.connected();
        attempt.after(&lost(), Duration::ZERO);
        assert_eq!(attempt.version, Version::V311, "the version that worked is kept");
    }

    #[test]
    fn only_an_old_session_is_forgotten() {
        let mut attempt = Attempt::new();
        assert!(!attempt.must_forget(Duration::from_secs(30)), "MQTT 5 has session expiry");
        attempt.version = Version::V311;
        assert!(attempt.must_forget(Duration::from_secs(30)), "who knows how old it is");
        attempt.connected();
        attempt.after(&lost(), Duration::ZERO);
        assert!(!attempt.must_forget(Duration::from_secs(30)));
        assert!(attempt.must_forget(Duration::ZERO));
    }
}
