//! A message that arrived: an utterance, a cancellation or an order to reload; where its answer goes.

use std::sync::Arc;

use bytes::Bytes;

use crate::core::reply::{Code, Final, Reply};
use crate::core::utterance::{self, Format, Identifier};
use crate::engine::{self, Engine, ReplySink, Request, SinkGone};

use super::Settings;
use super::link::{Message, Publish};
use super::outbox::{MAX_UNDER_WAY, Outbox, Pressure, UnderWay};

/// Bytes of a response topic.
const MAX_TOPIC_BYTES: usize = 256;
/// Bytes of correlation data: every answer repeats them, so their size counts many times.
const MAX_CORRELATION_BYTES: usize = 1_024;
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
pub(super) fn utterance(
    message: &Message,
    site: Option<&str>,
    settings: &Settings,
    outbox: &Arc<Outbox>,
    engine: &Engine,
) {
    // A site of the topic that is no identifier is as good as none said; the payload may name one.
    let site = site.and_then(Identifier::parse);
    let parsed = utterance::parse(&message.payload, site.as_ref());
    let id = match &parsed {
        Ok(utterance) => utterance.id.clone(),
        Err(refusal) => refusal.id.clone(),
    };
    let replies = Replies { message, settings, outbox };
    let topic = match replies.topic(id.as_ref()) {
        Ok(topic) => topic,
        Err((topic, code, text)) => return replies.refuse(topic, id.as_ref(), code, text),
    };
    match parsed {
        Err(refusal) => replies.refuse(topic, id.as_ref(), refusal.code, refusal.message),
        Ok(utterance) => {
            let id = utterance.id.as_ref().map_or_else(engine::fresh_id, Identifier::to_string);
            let topic = topic.unwrap_or_else(|| format!("{}/reply/{id}", settings.base_topic));
            let sink = replies.sink(topic, utterance.format, utterance.stream);
            let arrived = message.arrived;
            let expires = message.expiry.map(|expiry| arrived + expiry);
            engine.submit(Request { id, utterance, arrived, expires }, Box::new(sink));
        }
    }
}

/// A refusal on its way: the topic, where the utterance names one, the code and the sentence.
type Refused = (Option<String>, Code, String);

/// Where one message's replies go.
struct Replies<'a> {
    message: &'a Message,
    settings: &'a Settings,
    outbox: &'a Arc<Outbox>,
}

impl Replies<'_> {
    /// The topic that the message names by its response topic or its id, if any; what keeps it from being answered at all.
    fn topic(&self, id: Option<&Identifier>) -> Result<Option<String>, Refused> {
        let base = &self.settings.base_topic;
        let topic = match &self.message.response_topic {
            Some(topic) if !is_allowed(topic, &self.settings.reply_prefixes) => {
                let text = "the response topic does not lie under one of mqtt.reply_prefixes";
                return Err((None, Code::ReplyTopicNotAllowed, text.to_owned()));
            }
            Some(topic) => Some(topic.clone()),
            None => id.map(|id| format!("{base}/reply/{id}")),
        };
        if self.message.correlation.as_ref().is_some_and(|data| data.len() > MAX_CORRELATION_BYTES) {
            let text = format!("the correlation data is longer than {MAX_CORRELATION_BYTES} bytes");
            return Err((topic, Code::TooLong, text));
        }
        if self.outbox.pressure() != Pressure::Low {
            let text = "the broker takes replies more slowly than utterances come; say it again in a moment";
            return Err((topic, Code::Busy, text.to_owned()));
        }
        Ok(topic)
    }

    fn refuse(&self, topic: Option<String>, id: Option<&Identifier>, code: Code, text: String) {
        if self.outbox.pressure() == Pressure::Full {
            // Not even a refusal finds a place; the log is the only one left to tell.
            return log::warn!("an utterance was dropped: the broker does not take the replies");
        }
        log::info!("refused: {}", code.as_str());
        let topic = topic.unwrap_or_else(|| format!("{}/error", self.settings.base_topic));
        let last = Final::refusal(id.map(Identifier::to_string), code, text);
        if self.sink(topic, Format::Json, true).send(&Reply::Final(Box::new(last))).is_err() {
            log::warn!("a refusal could not be published: the broker takes nothing");
        }
    }

    fn sink(&self, topic: String, format: Format, streamed: bool) -> Sink {
        Sink {
            topic,
            error_topic: format!("{}/error", self.settings.base_topic),
            correlation: self.message.correlation.clone().filter(|data| data.len() <= MAX_CORRELATION_BYTES),
            format,
            streamed,
            outbox: Arc::clone(self.outbox),
            under_way: UnderWay::default(),
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
    /// For what must not end the reply on its own topic.
    error_topic: String,
    correlation: Option<Bytes>,
    format: Format,
    streamed: bool,
    outbox: Arc<Outbox>,
    under_way: UnderWay,
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

    fn send_aside(&mut self, reply: &Reply) -> Result<(), SinkGone> {
        let own = std::mem::replace(&mut self.topic, self.error_topic.clone());
        let sent = self.send(reply);
        self.topic = own;
        sent
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
            "",
            "hearthd/reply/",
            "hearthd/reply",
            "hearthd/utterance",
            "zigbee2mqtt/lamp/set",
            "hearthd/reply/+",
            "hearthd/reply/#",
            "hearthd/reply/a\0",
            "$SYS/x",
            "clients/1/2/3/4/5/6/7/8",
            &long,
        ] {
            assert!(!is_allowed(refused, &prefixes), "{refused}");
        }
    }
}
