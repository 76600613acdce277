//! One client for the tests over rumqttc's two: MQTT 3.1.1 and MQTT 5 behind the same calls.
//!
//! Dropping a client closes its socket without DISCONNECT, as a killed program's is.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for a loaded machine; a test that waits for it has failed.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
const LARGEST: u32 = 2 * 1024 * 1024;
/// Requests, and events that nobody read yet.
const QUEUE: usize = 65_536;

/// The protocol's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V5,
}

/// How to connect.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) version: Version,
    pub(crate) id: String,
    /// Whether the broker keeps the session while the client is away.
    pub(crate) keep: bool,
    /// For how long, in seconds; MQTT 5 only.
    pub(crate) expiry: u32,
    pub(crate) login: Option<(&'static str, &'static str)>,
    pub(crate) will: Option<(&'static str, &'static str)>,
}

impl Settings {
    pub(crate) fn new(version: Version, id: &str) -> Self {
        Self { version, id: format!("{id}-{version:?}"), keep: false, expiry: 3_600, login: None, will: None }
    }
}

/// A message that was delivered.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    /// MQTT 5 only.
    pub(crate) properties: PublishProperties,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }
}

/// What the broker said.
enum Said {
    Connected { session: bool, max_packet: Option<u32> },
    Subscribed { granted: bool },
    Acknowledged,
    Message(Message),
    Gone(String),
}

enum Link {
    V4(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

pub(crate) struct Client {
    link: Link,
    said: mpsc::Receiver<Said>,
    unread: VecDeque<Message>,
    task: JoinHandle<()>,
    /// Whether the broker had a session of this client.
    pub(crate) session: bool,
    /// The largest packet that the broker says it takes.
    pub(crate) max_packet: Option<u32>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Connects, or says why the broker did not take the client.
    pub(crate) async fn connect(address: SocketAddr, settings: &Settings) -> Result<Self, String> {
        let (tx, said) = mpsc::channel(QUEUE);
        let (link, task) = match settings.version {
            Version::V4 => link_v4(address, settings, tx),
            Version::V5 => link_v5(address, settings, tx),
        };
        let mut client = Self { link, said, unread: VecDeque::new(), task, session: false, max_packet: None };
        match client.next().await {
            Said::Connected { session, max_packet } => {
                client.session = session;
                client.max_packet = max_packet;
                Ok(client)
            }
            Said::Gone(cause) => Err(cause),
            _ => Err("something came before the CONNACK".to_owned()),
        }
    }

    /// A client that the broker takes.
    pub(crate) async fn new(address: SocketAddr, version: Version, id: &str) -> Self {
        Self::connect(address, &Settings::new(version, id)).await.unwrap()
    }

    async fn next(&mut self) -> Said {
        timeout(LIMIT, self.said.recv()).await.expect("the broker said nothing").expect("the client's task ended")
    }

    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) {
        match &self.link {
            Link::V4(link) => link.subscribe(filter, qos_v4(qos)).await.unwrap(),
            Link::V5(link) => link.subscribe(filter, qos_v5(qos)).await.unwrap(),
        }
        loop {
            match self.next().await {
                Said::Subscribed { granted } => return assert!(granted, "{filter} refused"),
                Said::Message(message) => self.unread.push_back(message),
                Said::Gone(cause) => panic!("gone while subscribing: {cause}"),
                Said::Connected { .. } | Said::Acknowledged => {}
            }
        }
    }

    /// Publishes and waits until the broker has taken it.
    pub(crate) async fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>, qos: u8, retain: bool) {
        self.start(topic, payload.into(), qos, retain).await;
        self.acknowledged(usize::from(qos > 0)).await;
    }

    /// Publishes all at quality of service 1 without waiting in between, then waits until the broker has taken all.
    pub(crate) async fn publish_many(&mut self, topic: &str, payloads: &[String]) {
        for payload in payloads {
            self.start(topic, payload.clone().into_bytes(), 1, false).await;
        }
        self.acknowledged(payloads.len()).await;
    }

    async fn start(&self, topic: &str, payload: Vec<u8>, qos: u8, retain: bool) {
        match &self.link {
            Link::V4(link) => link.publish(topic, qos_v4(qos), retain, payload).await.unwrap(),
            Link::V5(link) => link.publish(topic, qos_v5(qos), retain, payload).await.unwrap(),
        }
    }

    /// Publishes at quality of service 1 with MQTT 5's properties.
    pub(crate) async fn publish_with(&mut self, topic: &str, payload: &str, properties: PublishProperties) {
        let Link::V5(link) = &self.link else { panic!("properties are MQTT 5's") };
        let payload = payload.as_bytes().to_vec();
        link.publish_with_properties(topic, qos_v5(1), false, payload, properties).await.unwrap();
        self.acknowledged(1).await;
    }

    async fn acknowledged(&mut self, wanted: usize) {
        let mut got = 0;
        while got < wanted {
            match self.next().await {
                Said::Acknowledged => got += 1,
                Said::Message(message) => self.unread.push_back(message),
                Said::Gone(cause) => panic!("gone after {got} of {wanted} acknowledgements: {cause}"),
                Said::Connected { .. } | Said::Subscribed { .. } => {}
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Message {
        if let Some(message) = self.unread.pop_front() {
            return message;
        }
        loop {
            match self.next().await {
                Said::Message(message) => return message,
                Said::Gone(cause) => panic!("gone while waiting for a message: {cause}"),
                _ => {}
            }
        }
    }

    /// Goes with DISCONNECT.
    pub(crate) async fn leave(mut self) {
        match &self.link {
            Link::V4(link) => link.disconnect().await.unwrap(),
            Link::V5(link) => link.disconnect().await.unwrap(),
        }
        timeout(LIMIT, &mut self.task).await.expect("the connection stayed").unwrap();
    }
}

fn nodelay() -> rumqttc::NetworkOptions {
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network
}

fn link_v4(address: SocketAddr, settings: &Settings, tx: mpsc::Sender<Said>) -> (Link, JoinHandle<()>) {
    use rumqttc::{Event, Packet};

    let mut options = rumqttc::MqttOptions::new(&settings.id, address.ip().to_string(), address.port());
    options.set_clean_session(!settings.keep).set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(LARGEST.try_into().unwrap(), LARGEST.try_into().unwrap());
    if let Some((username, password)) = settings.login {
        options.set_credentials(username, password);
    }
    if let Some((topic, payload)) = settings.will {
        options.set_last_will(rumqttc::LastWill::new(topic, payload, rumqttc::QoS::AtLeastOnce, true));
    }
    let (link, mut events) = rumqttc::AsyncClient::new(options, QUEUE);
    events.set_network_options(nodelay());
    let task = tokio::spawn(async move {
        loop {
            let said = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                    Said::Connected { session: ack.session_present, max_packet: None }
                }
                Ok(Event::Incoming(Packet::SubAck(ack))) => Said::Subscribed {
                    granted: ack.return_codes.iter().all(|c| matches!(c, rumqttc::SubscribeReasonCode::Success(_))),
                },
                Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Said::Acknowledged,
                Ok(Event::Incoming(Packet::Publish(publish))) => Said::Message(Message {
                    topic: publish.topic,
                    payload: publish.payload.to_vec(),
                    qos: (0..=2).find(|n| qos_v4(*n) == publish.qos).unwrap(),
                    retain: publish.retain,
                    properties: PublishProperties::default(),
                }),
                Ok(_) => continue,
                Err(cause) => Said::Gone(cause.to_string()),
            };
            let gone = matches!(said, Said::Gone(_));
            if tx.send(said).await.is_err() || gone {
                return;
            }
        }
    });
    (Link::V4(link), task)
}

fn link_v5(address: SocketAddr, settings: &Settings, tx: mpsc::Sender<Said>) -> (Link, JoinHandle<()>) {
    use rumqttc::v5::Event;
    use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, SubscribeReasonCode};

    let mut options = v5::MqttOptions::new(&settings.id, address.ip().to_string(), address.port());
    options.set_clean_start(!settings.keep).set_keep_alive(Duration::from_secs(30));
    options.set_session_expiry_interval(settings.keep.then_some(settings.expiry));
    options.set_max_packet_size(Some(LARGEST)).set_network_options(nodelay());
    if let Some((username, password)) = settings.login {
        options.set_credentials(username, password);
    }
    if let Some((topic, payload)) = settings.will {
        options.set_last_will(LastWill::new(topic, payload, qos_v5(1), true, None));
    }
    let (link, mut events) = v5::AsyncClient::new(options, QUEUE);
    let task = tokio::spawn(async move {
        loop {
            let said = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(ack))) => Said::Connected {
                    session: ack.session_present,
                    max_packet: ack.properties.and_then(|properties| properties.max_packet_size),
                },
                Ok(Event::Incoming(Packet::SubAck(ack))) => Said::Subscribed {
                    granted: ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))),
                },
                Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Said::Acknowledged,
                Ok(Event::Incoming(Packet::Publish(publish))) => Said::Message(Message {
                    topic: String::from_utf8(publish.topic.to_vec()).unwrap(),
                    payload: publish.payload.to_vec(),
                    qos: (0..=2).find(|n| qos_v5(*n) == publish.qos).unwrap(),
                    retain: publish.retain,
                    properties: publish.properties.unwrap_or_default(),
                }),
                Ok(_) => continue,
                Err(cause) => Said::Gone(cause.to_string()),
            };
            let gone = matches!(said, Said::Gone(_));
            if tx.send(said).await.is_err() || gone {
                return;
            }
        }
    });
    (Link::V5(link), task)
}

fn qos_v4(qos: u8) -> rumqttc::QoS {
    rumqttc::qos(qos).unwrap()
}

fn qos_v5(qos: u8) -> v5::mqttbytes::QoS {
    v5::mqttbytes::qos(qos).unwrap()
}
