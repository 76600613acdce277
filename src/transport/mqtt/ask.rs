//! Asks a running daemon through the broker, as any client would.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::dial::dial;
use super::link::{Event, Publish};

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
    let (client, mut events) = dial(settings).await.map_err(|error| AskError::Broker(broker.clone(), error))?;
    let base = &settings.base_topic;
    let (status_topic, reply_topic) = (format!("{base}/status"), format!("{base}/reply/{}", question.id));
    client.subscribe(&[reply_topic.clone(), status_topic.clone()], 1);
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
