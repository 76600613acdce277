//! One connection to a broker, by MQTT 5 or 3.1.1: the same calls and events for both.
//!
//! rumqttc has a client for each version; this is the only place that knows there are two. A link is made anew for every
//! connection, so that what is resent after a cut is decided by the outbox alone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{NetworkOptions, Outgoing, Transport, v5};

use super::Settings;

/// Requests that wait in rumqttc's own channel.
const CHANNEL: usize = 1_024;
/// Told to the broker with MQTT 5, so that it keeps larger messages back; rumqttc ends a connection on them.
const MAX_PACKET_BYTES: u32 = 8 * 1024 * 1024;
/// MQTT 3.1.1 cannot tell the broker a limit, and a message over ours would come again at every connection and keep all
/// others away: so the protocol's own largest is taken, and refused where it is read.
const MAX_PACKET_BYTES_311: usize = 268_435_455;
/// Publishes that may be unacknowledged; brokers may ask for fewer.
const MAX_INFLIGHT: u16 = 256;
/// Messages that the broker may have delivered without our acknowledgement (MQTT 5; for 3.1.1 it decides itself, Mosquitto's
/// default is 20). Acknowledgements wait behind what is published, so that a broker that takes replies slowly keeps the
/// utterances that cannot be answered yet.
const MAX_UNACKNOWLEDGED: u16 = 1_024;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const CONNECT_SECONDS: u64 = 5;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// MQTT 5.
    V5,
    /// MQTT 3.1.1.
    V311,
}

impl Version {
    /// The one that is left.
    pub(super) fn other(self) -> Self {
        match self {
            Self::V5 => Self::V311,
            Self::V311 => Self::V5,
        }
    }
}

/// Something to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publish {
    /// Where.
    pub(super) topic: String,
    /// What.
    pub(super) payload: Bytes,
    /// 0, 1 or 2.
    pub(super) qos: u8,
    /// Whether the broker keeps it.
    pub(super) retain: bool,
    /// MQTT 5's correlation data, dropped with 3.1.1.
    pub(super) correlation: Option<Bytes>,
}

/// A message that arrived.
#[derive(Debug)]
pub(super) struct Message {
    /// Where it was published.
    pub(super) topic: String,
    /// What it says.
    pub(super) payload: Bytes,
    /// Whether the broker had kept it.
    pub(super) retain: bool,
    /// MQTT 5: where the answer is wanted.
    pub(super) response_topic: Option<String>,
    /// MQTT 5: what every answer repeats.
    pub(super) correlation: Option<Bytes>,
    /// MQTT 5: how much longer it is valid.
    pub(super) expiry: Option<Duration>,
    /// When it came.
    pub(super) arrived: Instant,
    /// Acknowledges it.
    pub(super) receipt: Receipt,
}

/// What acknowledges a message.
#[derive(Debug)]
pub(super) enum Receipt {
    /// By MQTT 5.
    V5(packets5::Publish),
    /// By MQTT 3.1.1.
    V311(rumqttc::Publish),
}

impl Receipt {
    /// Whether the broker waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        match self {
            Self::V5(publish) => publish.qos != v5::mqttbytes::QoS::AtMostOnce,
            Self::V311(publish) => publish.qos != rumqttc::QoS::AtMostOnce,
        }
    }
}

/// What happens on a link.
#[derive(Debug)]
pub(super) enum Event {
    /// The broker took us.
    Connected {
        /// The largest packet it takes, where it says so.
        max_packet: Option<usize>,
    },
    /// The answer to a subscription: whether all of it was granted.
    Subscribed {
        /// `false` where the broker refuses a topic.
        granted: bool,
    },
    /// A message arrived.
    Message(Box<Message>),
    /// A publish left under this packet id; 0 for one that is not acknowledged.
    Sent(u16),
    /// The broker has taken a publish.
    Acknowledged(u16),
    /// The broker refuses a publish (MQTT 5 only; 3.1.1 cannot say so).
    Denied {
        /// Its packet id.
        packet: u16,
        /// Whether rumqttc still counts it as under way, as it does at `QoS` 2: only a new link gets the place back.
        stuck: bool,
    },
    /// Something else left, so that there is room for one thing more: an acknowledgement, a subscription.
    Left,
    /// Our goodbye left.
    Disconnected,
    /// Nothing that anybody waits for.
    Other,
}

/// Why a link ended or never was.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The broker does not speak the version.
    #[error("the broker does not speak this version of MQTT")]
    VersionRefused,
    /// The broker closed the connection without a word.
    #[error("the broker closed the connection")]
    Closed,
    /// The connection was closed or cut before or after it was up.
    #[error("{0}")]
    Lost(String),
    /// The broker refuses us.
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
}

/// The sending half. Never waits.
pub(super) struct Client {
    inner: InnerClient,
}

enum InnerClient {
    V5(v5::AsyncClient),
    V311(rumqttc::AsyncClient),
}

/// The receiving half; must be polled for anything to move.
pub(super) struct Events {
    inner: InnerEvents,
}

enum InnerEvents {
    V5(Box<v5::EventLoop>),
    V311(Box<rumqttc::EventLoop>),
}

/// Prepares a connection; the first poll opens it. `clean` makes the broker forget what waits for us (3.1.1 only: with
/// MQTT 5 the session's expiry does that).
#[must_use]
pub(super) fn open(settings: &Settings, version: Version, clean: bool) -> (Client, Events) {
    match version {
        Version::V5 => {
            let (client, mut events) = v5::AsyncClient::new(options5(settings), CHANNEL);
            events.options.set_network_options(network());
            (Client { inner: InnerClient::V5(client) }, Events { inner: InnerEvents::V5(Box::new(events)) })
        }
        Version::V311 => {
            let (client, mut events) = rumqttc::AsyncClient::new(options311(settings, clean), CHANNEL);
            events.set_network_options(network());
            (Client { inner: InnerClient::V311(client) }, Events { inner: InnerEvents::V311(Box::new(events)) })
        }
    }
}

/// Nagle's algorithm off: with it an echo takes 88 ms instead of 0.1 ms.
fn network() -> NetworkOptions {
    let mut options = NetworkOptions::new();
    options.set_tcp_nodelay(true);
    options.set_connection_timeout(CONNECT_SECONDS);
    options
}

fn transport(settings: &Settings) -> Transport {
    match &settings.tls {
        Some(connector) => Transport::tls_with_config(rumqttc::TlsConfiguration::NativeConnector(connector.clone())),
        None => Transport::tcp(),
    }
}

fn options5(settings: &Settings) -> v5::MqttOptions {
    let mut options = v5::MqttOptions::new(&settings.client_id, &settings.host, settings.port);
    options
        .set_transport(transport(settings))
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(u32::try_from(settings.max_offline.as_secs()).unwrap_or(u32::MAX)))
        .set_max_packet_size(Some(MAX_PACKET_BYTES))
        .set_receive_maximum(Some(MAX_UNACKNOWLEDGED))
        .set_connection_timeout(CONNECT_SECONDS)
        .set_outgoing_inflight_upper_limit(MAX_INFLIGHT)
        .set_manual_acks(true);
    if let Some(topic) = &settings.will_topic {
        options.set_last_will(packets5::LastWill::new(topic, "offline", v5::mqttbytes::QoS::AtLeastOnce, true, None));
    }
    if let Some((user, password)) = &settings.login {
        options.set_credentials(user, password.reveal());
    }
    options
}

fn options311(settings: &Settings, clean: bool) -> rumqttc::MqttOptions {
    let mut options = rumqttc::MqttOptions::new(&settings.client_id, &settings.host, settings.port);
    options
        .set_transport(transport(settings))
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(clean)
        .set_max_packet_size(MAX_PACKET_BYTES_311, MAX_PACKET_BYTES_311)
        .set_inflight(MAX_INFLIGHT)
        .set_manual_acks(true);
    if let Some(topic) = &settings.will_topic {
        options.set_last_will(rumqttc::LastWill::new(topic, "offline", rumqttc::QoS::AtLeastOnce, true));
    }
    if let Some((user, password)) = &settings.login {
        options.set_credentials(user, password.reveal());
    }
    options
}

impl Client {
    /// Hands a publish to the link; `false` where its channel is full.
    pub(super) fn publish(&self, publish: &Publish) -> bool {
        match &self.inner {
            InnerClient::V5(client) => {
                let qos = match publish.qos {
                    0 => v5::mqttbytes::QoS::AtMostOnce,
                    1 => v5::mqttbytes::QoS::AtLeastOnce,
                    _ => v5::mqttbytes::QoS::ExactlyOnce,
                };
                let Publish { topic, payload, retain, .. } = publish;
                match &publish.correlation {
                    None => client.try_publish(topic, qos, *retain, payload.clone()),
                    Some(data) => {
                        let properties =
                            packets5::PublishProperties { correlation_data: Some(data.clone()), ..Default::default() };
                        client.try_publish_with_properties(topic, qos, *retain, payload.clone(), properties)
                    }
                }
                .is_ok()
            }
            InnerClient::V311(client) => {
                let qos = match publish.qos {
                    0 => rumqttc::QoS::AtMostOnce,
                    1 => rumqttc::QoS::AtLeastOnce,
                    _ => rumqttc::QoS::ExactlyOnce,
                };
                client.try_publish(&publish.topic, qos, publish.retain, publish.payload.clone()).is_ok()
            }
        }
    }

    /// Acknowledges a message; `false` where the channel is full. One of another version's link needs none any more: the
    /// broker delivers it again.
    pub(super) fn acknowledge(&self, receipt: &Receipt) -> bool {
        match (&self.inner, receipt) {
            (InnerClient::V5(client), Receipt::V5(publish)) => client.try_ack(publish).is_ok(),
            (InnerClient::V311(client), Receipt::V311(publish)) => client.try_ack(publish).is_ok(),
            _ => true,
        }
    }

    /// Subscribes to all of these, at `QoS` 0 or else 1.
    pub(super) fn subscribe(&self, filters: &[String], qos: u8) -> bool {
        match &self.inner {
            InnerClient::V5(client) => {
                let qos = if qos == 0 { v5::mqttbytes::QoS::AtMostOnce } else { v5::mqttbytes::QoS::AtLeastOnce };
                let filters = filters.iter().map(|filter| packets5::Filter::new(filter, qos));
                client.try_subscribe_many(filters).is_ok()
            }
            InnerClient::V311(client) => {
                let qos = if qos == 0 { rumqttc::QoS::AtMostOnce } else { rumqttc::QoS::AtLeastOnce };
                let filters = filters.iter().map(|filter| rumqttc::SubscribeFilter::new(filter.clone(), qos));
                client.try_subscribe_many(filters).is_ok()
            }
        }
    }

    /// Says goodbye, so that the last will is not sent.
    pub(super) fn disconnect(&self) -> bool {
        match &self.inner {
            InnerClient::V5(client) => client.try_disconnect().is_ok(),
            InnerClient::V311(client) => client.try_disconnect().is_ok(),
        }
    }
}

impl Events {
    /// Waits for the next event and moves whatever is to be sent. After an error the link is of no more use.
    ///
    /// # Errors
    /// [`LinkError`] when the connection cannot be made or ends.
    pub(super) async fn poll(&mut self) -> Result<Event, LinkError> {
        match &mut self.inner {
            InnerEvents::V5(events) => events.poll().await.map(event5).map_err(|error| error5(&error)),
            InnerEvents::V311(events) => events.poll().await.map(event311).map_err(|error| error311(&error)),
        }
    }
}

fn sent(outgoing: &Outgoing) -> Event {
    match outgoing {
        Outgoing::Publish(packet) => Event::Sent(*packet),
        Outgoing::Disconnect => Event::Disconnected,
        _ => Event::Left,
    }
}

fn event5(event: v5::Event) -> Event {
    match event {
        v5::Event::Outgoing(outgoing) => sent(&outgoing),
        v5::Event::Incoming(packet) => match packet {
            packets5::Packet::ConnAck(ack) => Event::Connected {
                max_packet: ack
                    .properties
                    .and_then(|properties| properties.max_packet_size)
                    .and_then(|size| usize::try_from(size).ok()),
            },
            packets5::Packet::SubAck(ack) => {
                let granted =
                    |code: &packets5::SubscribeReasonCode| matches!(code, packets5::SubscribeReasonCode::Success(_));
                Event::Subscribed { granted: ack.return_codes.iter().all(granted) }
            }
            packets5::Packet::PubAck(ack) => match ack.reason {
                packets5::PubAckReason::Success | packets5::PubAckReason::NoMatchingSubscribers => {
                    Event::Acknowledged(ack.pkid)
                }
                _ => Event::Denied { packet: ack.pkid, stuck: false },
            },
            packets5::Packet::PubRec(received) => match received.reason {
                packets5::PubRecReason::Success | packets5::PubRecReason::NoMatchingSubscribers => Event::Other,
                _ => Event::Denied { packet: received.pkid, stuck: true },
            },
            packets5::Packet::PubComp(done) => Event::Acknowledged(done.pkid),
            packets5::Packet::Publish(publish) => Event::Message(Box::new(message5(publish))),
            _ => Event::Other,
        },
    }
}

fn message5(mut publish: packets5::Publish) -> Message {
    // The receipt needs no payload.
    let payload = std::mem::take(&mut publish.payload);
    let properties = publish.properties.as_ref();
    Message {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload,
        retain: publish.retain,
        response_topic: properties.and_then(|properties| properties.response_topic.clone()),
        correlation: properties.and_then(|properties| properties.correlation_data.clone()),
        expiry: properties
            .and_then(|properties| properties.message_expiry_interval)
            .map(|seconds| Duration::from_secs(seconds.into())),
        arrived: Instant::now(),
        receipt: Receipt::V5(publish),
    }
}

fn event311(event: rumqttc::Event) -> Event {
    match event {
        rumqttc::Event::Outgoing(outgoing) => sent(&outgoing),
        rumqttc::Event::Incoming(packet) => match packet {
            rumqttc::Packet::ConnAck(_) => Event::Connected { max_packet: None },
            rumqttc::Packet::SubAck(ack) => {
                let granted =
                    |code: &rumqttc::SubscribeReasonCode| matches!(code, rumqttc::SubscribeReasonCode::Success(_));
                Event::Subscribed { granted: ack.return_codes.iter().all(granted) }
            }
            rumqttc::Packet::PubAck(ack) => Event::Acknowledged(ack.pkid),
            rumqttc::Packet::PubComp(done) => Event::Acknowledged(done.pkid),
            rumqttc::Packet::Publish(publish) => Event::Message(Box::new(Message {
                topic: publish.topic.clone(),
                payload: publish.payload.clone(),
                retain: publish.retain,
                response_topic: None,
                correlation: None,
                expiry: None,
                arrived: Instant::now(),
                receipt: Receipt::V311(publish),
            })),
            _ => Event::Other,
        },
    }
}

fn error5(error: &v5::ConnectionError) -> LinkError {
    use packets5::ConnectReturnCode as Code;
    match error {
        v5::ConnectionError::ConnectionRefused(Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion)
        // A 3.1.1 broker refuses with a CONNACK that has no properties, which MQTT 5 cannot read.
        | v5::ConnectionError::MqttState(v5::StateError::Deserialization(_)) => LinkError::VersionRefused,
        v5::ConnectionError::MqttState(v5::StateError::ConnectionAborted) => LinkError::Closed,
        v5::ConnectionError::ConnectionRefused(code) => LinkError::Refused(format!("{code:?}")),
        other => LinkError::Lost(other.to_string()),
    }
}

fn error311(error: &rumqttc::ConnectionError) -> LinkError {
    match error {
        rumqttc::ConnectionError::ConnectionRefused(rumqttc::ConnectReturnCode::RefusedProtocolVersion) => {
            LinkError::VersionRefused
        }
        rumqttc::ConnectionError::MqttState(rumqttc::StateError::ConnectionAborted) => LinkError::Closed,
        rumqttc::ConnectionError::ConnectionRefused(code) => LinkError::Refused(format!("{code:?}")),
        other => LinkError::Lost(other.to_string()),
    }
}
