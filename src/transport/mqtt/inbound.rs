//! A message that arrived: an utterance, a cancellation or an order to reload; where its answer goes.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::core::reply::{Code, Final, Reply};
use crate::core::utterance::{self, Format, Identifier};
use crate::engine::{self, Engine, ReplySink, Request, SinkGone};

use super::Settings;
use super::link::{Message, Publish};
use super::outbox::{MAX_UNDER_WAY, Outbox, UnderWay};

/// Bytes of a response topic.
const MAX_TOPIC_BYTES: usize = 256;
/// Levels of a response topic.
const MAX_TOPIC_LEVELS: usize = 8;

/// What a topic of ours is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purpose<'a> {
    /// Something was said, perhaps at this site.
    Utterance(Option<&'a str>),
    /// An answer is to stop.
    Cancel(&'a str),
    /// Rules and config are to be read again.
    Reload,
    /// Nothing of ours.
    Unknown,
}

/// What we subscribe to.
pub(super) fn filters(base: &str) -> Vec<String> {
    ["utterance", "utterance/+", "cancel/+", "admin/reload"].map(|topic| format!("{base}/{topic}")).to_vec()
}

/// Reads a topic.
pub(super) fn purpose<'a>(topic: &'a str, base: &str) -> Purpose<'a> {
    let Some(rest) = topic.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) else { return Purpose::Unknown };
    match rest.split_once('/') {
        None if rest == "utterance" => Purpose::Utterance(None),
        Some(("utterance", site)) => Purpose::Utterance(Some(site)),
        Some(("cancel", id)) => Purpose::Cancel(id),
        Some(("admin", "reload")) => Purpose::Reload,
        _ => Purpose::Unknown,
    }
}

/// Hands an utterance's payload to the engine, or answers why it is none.
pub(super) fn utterance(message: &Message, site: Option<&str>, settings: &Settings, outbox: &Arc<Outbox>, engine: &Engine) {
    let arrived = Instant::now();
    let error_topic = || format!("{}/error", settings.base_topic);
    let answer = |topic: String, last: Final| {
        let mut sink = Sink::new(topic, message.correlation.clone(), Format::Json, true, Arc::clone(outbox));
        if sink.send(&Reply::Final(Box::new(last))).is_err() {
            log::warn!("a refusal could not be published: the broker takes nothing");
        }
    };
    // A site of the topic that is no identifier is as good as none said; the payload may name one.
    let site = site.and_then(Identifier::parse);
    let parsed = utterance::parse(&message.payload, site.as_ref());
    let id = match &parsed {
        Ok(utterance) => utterance.id.clone(),
        Err(refusal) => refusal.id.clone(),
    };
    let reply_topic = match &message.response_topic {
        Some(topic) if !is_allowed(topic, &settings.reply_prefixes) => {
            log::warn!("refused: a response topic outside mqtt.reply_prefixes");
            let text = "the response topic does not lie under one of mqtt.reply_prefixes";
            let last = Final::refusal(id.map(|id| id.to_string()), Code::ReplyTopicNotAllowed, text);
            return answer(error_topic(), last);
        }
        Some(topic) => Some(topic.clone()),
        None => id.as_ref().map(|id| format!("{}/reply/{id}", settings.base_topic)),
    };
    match parsed {
        Err(refusal) => {
            log::info!("refused: {}", refusal.code.as_str());
            let last = Final::refusal(refusal.id.map(|id| id.to_string()), refusal.code, refusal.message);
            answer(reply_topic.unwrap_or_else(error_topic), last);
        }
        Ok(utterance) => {
            let id = utterance.id.as_ref().map_or_else(engine::fresh_id, Identifier::to_string);
            let topic = reply_topic.unwrap_or_else(|| format!("{}/reply/{id}", settings.base_topic));
            let sink = Sink::new(topic, message.correlation.clone(), utterance.format, utterance.stream, Arc::clone(outbox));
            let expires = message.expiry.map(|expiry| arrived + expiry);
            engine.submit(Request { id, utterance, arrived, expires }, Box::new(sink));
        }
    }
}

/// Whether a response topic may be published to.
fn is_allowed(topic: &str, prefixes: &[String]) -> bool {
    topic.len() <= MAX_TOPIC_BYTES
        && topic.split('/').count() <= MAX_TOPIC_LEVELS
        && !topic.contains(['+', '#', '\0'])
        && !topic.starts_with('$')
        && prefixes.iter().any(|prefix| topic.len() > prefix.len() && topic.starts_with(prefix.as_str()))
}

/// Publishes one utterance's replies.
struct Sink {
    topic: String,
    correlation: Option<Bytes>,
    format: Format,
    streamed: bool,
    outbox: Arc<Outbox>,
    under_way: UnderWay,
}

impl Sink {
    fn new(topic: String, correlation: Option<Bytes>, format: Format, streamed: bool, outbox: Arc<Outbox>) -> Self {
        Self { topic, correlation, format, streamed, outbox, under_way: UnderWay::default() }
    }
}

impl ReplySink for Sink {
    fn send(&mut self, reply: &Reply) -> Result<(), SinkGone> {
        // The final object goes out even then: it says that the rest did not.
        if matches!(reply, Reply::Chunk { .. }) && Arc::strong_count(&self.under_way) > MAX_UNDER_WAY {
            return Err(SinkGone);
        }
        let payloads = match self.format {
            Format::Json => vec![reply.to_json()],
            Format::Text => reply.to_text(self.streamed),
        };
        for payload in payloads {
            let publish = Publish {
                topic: self.topic.clone(),
                payload: payload.into(),
                qos: 1,
                retain: false,
                correlation: self.correlation.clone(),
            };
            self.outbox.publish(publish, Some(Arc::clone(&self.under_way))).map_err(|_| SinkGone)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read() {
        for (topic, expected) in [
            ("hearthd/utterance", Purpose::Utterance(None)),
            ("hearthd/utterance/kitchen", Purpose::Utterance(Some("kitchen"))),
            ("hearthd/cancel/01J", Purpose::Cancel("01J")),
            ("hearthd/admin/reload", Purpose::Reload),
            ("hearthd/reply/01J", Purpose::Unknown),
            ("hearthd2/utterance", Purpose::Unknown),
            ("hearthd", Purpose::Unknown),
        ] {
            assert_eq!(purpose(topic, "hearthd"), expected, "{topic}");
        }
    }

    #[test]
    fn response_topics_stay_under_their_prefix() {
        let prefixes = ["hearthd/reply/".to_owned(), "clients/".to_owned()];
        for allowed in ["hearthd/reply/a", "hearthd/reply/a/b", "clients/x"] {
            assert!(is_allowed(allowed, &prefixes), "{allowed}");
        }
        let long = format!("hearthd/reply/{}", "x".repeat(300));
        for refused in [
            "", "hearthd/reply/", "hearthd/reply", "hearthd/utterance", "zigbee2mqtt/lamp/set", "hearthd/reply/+", "hearthd/reply/#",
            "hearthd/reply/a\0", "$SYS/x", "clients/1/2/3/4/5/6/7/8", &long,
        ] {
            assert!(!is_allowed(refused, &prefixes), "{refused}");
        }
    }
}
