//! Listens to a broker for as long as it has something to tell: what it keeps of a home.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::ask::AskError;
use super::devices::AT_ONCE;
use super::dial::dial;
use super::link::{Client, Event, Publish};
use crate::core::home::{Message, discovery};

/// How long to listen.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Silence that means that all was told.
    pub quiet: Duration,
    /// The longest in any case.
    pub most: Duration,
}

/// What follows from a message.
#[derive(Debug, Default)]
pub struct Next {
    /// Topics to listen to as well.
    pub topics: Vec<String>,
    /// Questions to send.
    pub questions: Vec<Message>,
}

/// Subscribes to the filters and passes on each message; what that returns is subscribed to, and asked,
/// as well. Ends when nothing more comes.
///
/// # Errors
/// [`AskError::Broker`].
pub async fn listen(
    settings: &Settings,
    filters: &[String],
    patience: Patience,
    mut on_message: impl FnMut(&str, &[u8]) -> Next,
) -> Result<(), AskError> {
    let broker = format!("{}:{}", settings.host, settings.port);
    let lost = |why: String| AskError::Broker(broker.clone(), why);
    let (client, mut events) = dial(settings).await.map_err(lost)?;
    let mut wanted = filters.to_vec();
    // Subscriptions that are not answered yet: so long it is no silence.
    let mut asked = 0_usize;
    let mut has_called = false;
    let end = Instant::now() + patience.most;
    let mut silent_since = Instant::now();
    loop {
        // One at a time, so that the link's channel never fills.
        if asked == 0 && !wanted.is_empty() {
            let some: Vec<String> = wanted.drain(..wanted.len().min(AT_ONCE)).collect();
            // Kept at QoS 0, for which a broker drops nothing of what it keeps, however much that is.
            asked += usize::from(client.subscribe(&some, 0));
        }
        if asked == 0 && !std::mem::replace(&mut has_called, true) {
            send(&client, discovery::call());
        }
        let until = if asked == 0 { (silent_since + patience.quiet).min(end) } else { end };
        match timeout_at(until, events.poll()).await {
            Err(_) => break,
            Ok(Err(error)) => return Err(lost(error.to_string())),
            Ok(Ok(Event::Subscribed { granted })) => {
                asked = asked.saturating_sub(1);
                silent_since = Instant::now();
                if !granted {
                    log::warn!("the broker does not let this user read everything that devices announce");
                }
            }
            Ok(Ok(Event::Message(message))) => {
                silent_since = Instant::now();
                client.acknowledge(&message.receipt);
                let Next { topics, questions } = on_message(&message.topic, &message.payload);
                wanted.extend(topics);
                for question in questions {
                    send(&client, question);
                }
            }
            Ok(Ok(_)) => {}
        }
    }
    client.disconnect();
    // The goodbye is a courtesy; all was told.
    let _ = tokio::time::timeout(Duration::from_millis(200), events.poll()).await;
    Ok(())
}

fn send(client: &Client, Message { topic, payload, qos, retain }: Message) {
    // What finds the channel full is not asked: whoever looks again asks again.
    client.publish(&Publish { topic, payload: payload.into(), qos, retain, correlation: None });
}
