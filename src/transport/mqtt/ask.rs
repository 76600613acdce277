//! Asks a running daemon through the broker, as any client would.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::link::{self, Client, Event, Events, LinkError, Publish, Version};

/// How long the broker may take to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the daemon's retained status may take: it comes with the subscription.
const STATUS_WITHIN: Duration = Duration::from_secs(2);

/// Nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The broker cannot be reached or refuses us.
    #[error("no connection to the broker {0}: {1}")]
    Broker(String, String),
    /// The broker is there, the daemon is not.
    #[error("no hearthd is connected to the broker {0}: start it with `hearthd run`, or let this user read its topics")]
    NobodyThere(String),
    /// The daemon took longer than anybody waits.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// A question and where its answer comes.
#[derive(Clone, Debug)]
pub struct Question {
    /// The utterance's id, part of the reply topic.
    pub id: String,
    /// The utterance's payload.
    pub payload: String,
    /// The longest wait for the final object.
    pub within: Duration,
}

/// Publishes the question and passes each reply object on until the final one, which is returned.
///
/// # Errors
/// [`AskError`].
pub async fn ask(
    settings: &Settings,
    question: &Question,
    mut on_reply: impl FnMut(&Value),
) -> Result<Value, AskError> {
    let broker = format!("{}:{}", settings.host, settings.port);
    let (client, mut events) =
        connect(settings, question).await.map_err(|error| AskError::Broker(broker.clone(), error))?;
    let base = &settings.base_topic;
    let (status_topic, reply_topic) = (format!("{base}/status"), format!("{base}/reply/{}", question.id));
    let mut asked = false;
    let mut until = Instant::now() + STATUS_WITHIN;
    loop {
        let event = match timeout_at(until, events.poll()).await {
            Ok(event) => event.map_err(|error| AskError::Broker(broker.clone(), error.to_string()))?,
            Err(_) if asked => return Err(AskError::Timeout(question.within)),
            Err(_) => return Err(AskError::NobodyThere(broker)),
        };
        let message = match event {
            Event::Message(message) => message,
            Event::Subscribed { granted: false } => {
                return Err(AskError::Broker(broker, "it does not allow this user to read the replies".to_owned()));
            }
            _ => continue,
        };
        client.acknowledge(&message.receipt);
        if message.topic == status_topic {
            if message.payload.as_ref() != b"online" {
                return Err(AskError::NobodyThere(broker));
            }
            if !asked {
                asked = true;
                until = Instant::now() + question.within;
                client.publish(&Publish {
                    topic: format!("{base}/utterance"),
                    payload: question.payload.clone().into(),
                    qos: 1,
                    retain: false,
                    correlation: None,
                });
            }
            continue;
        }
        let Ok(reply) = serde_json::from_slice::<Value>(&message.payload) else { continue };
        if message.topic != reply_topic {
            continue;
        }
        on_reply(&reply);
        if reply.get("done").is_some_and(|done| done == true) {
            client.disconnect();
            // The goodbye is a courtesy; the answer is there.
            let _ = tokio::time::timeout(Duration::from_millis(200), events.poll()).await;
            return Ok(reply);
        }
    }
}

/// Connects by MQTT 5 or, where the broker refuses it, 3.1.1, and subscribes to the reply and the daemon's status.
async fn connect(settings: &Settings, question: &Question) -> Result<(Client, Events), String> {
    let base = &settings.base_topic;
    let filters = [format!("{base}/reply/{}", question.id), format!("{base}/status")];
    let until = Instant::now() + CONNECT_WITHIN;
    let mut version = Version::V5;
    loop {
        let (client, mut events) = link::open(settings, version, true);
        match timeout_at(until, connected(&mut events)).await {
            Ok(Ok(())) => {
                client.subscribe(&filters);
                return Ok((client, events));
            }
            Ok(Err(LinkError::VersionRefused)) if version == Version::V5 => version = Version::V311,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("it did not answer within {} s", CONNECT_WITHIN.as_secs())),
        }
    }
}

async fn connected(events: &mut Events) -> Result<(), LinkError> {
    while !matches!(events.poll().await?, Event::Connected { .. }) {}
    Ok(())
}
