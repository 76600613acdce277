//! Plays a part at a broker: says an opening, answers what it hears after a while, and takes everything back at the end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::Settings;
use super::ask::AskError;
use super::dial::dial;
use super::link::{Client, Event, Events, Publish};

/// Lines that wait to be said; beyond that the newest are not said.
const MOST_WAITING: usize = 10_000;
/// How long the end may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A message and when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How long after what it answers.
    pub after: Duration,
    /// Where.
    pub topic: String,
    /// What; retained, and an empty one takes back what was.
    pub payload: String,
}

/// What is played.
pub trait Part {
    /// The topics that it listens to.
    fn filters(&self) -> Vec<String>;
    /// What it says first.
    fn opening(&self) -> Vec<Line>;
    /// What it says to a message.
    fn hear(&mut self, topic: &str, payload: &str) -> Vec<Line>;
    /// What it says last.
    fn closing(&self) -> Vec<Line>;
}

/// Plays until `stop`; then everything is taken back.
///
/// # Errors
/// [`AskError::Broker`] where the broker cannot be reached, or goes away.
pub async fn play(settings: &Settings, part: &mut impl Part, stop: impl Future<Output = ()>) -> Result<(), AskError> {
    let broker = format!("{}:{}", settings.host, settings.port);
    let lost = |why: String| AskError::Broker(broker.clone(), why);
    let (client, mut events) = dial(settings).await.map_err(lost)?;
    client.subscribe(&part.filters(), 1);
    let mut waiting = Waiting::default();
    waiting.add(part.opening());
    tokio::pin!(stop);
    loop {
        waiting.send(&client);
        let due = waiting.due();
        tokio::select! {
            () = &mut stop => break,
            () = sleep_until(due), if !waiting.0.is_empty() => {}
            event = events.poll() => match event {
                Err(error) => return Err(lost(error.to_string())),
                Ok(Event::Subscribed { granted: false }) => {
                    return Err(lost("it does not allow this user to read the commands".to_owned()));
                }
                Ok(Event::Message(message)) => {
                    client.acknowledge(&message.receipt);
                    // What is kept was said to somebody else.
                    if !message.retain && let Ok(text) = std::str::from_utf8(&message.payload) {
                        waiting.add(part.hear(&message.topic, text));
                    }
                }
                Ok(_) => {}
            },
        }
    }
    close(&client, &mut events, part.closing()).await;
    Ok(())
}

async fn close(client: &Client, events: &mut Events, lines: Vec<Line>) {
    let mut waiting = Waiting::default();
    let mut open = lines.len();
    waiting.add(lines);
    let taken = async {
        while open > 0 {
            waiting.send(client);
            match events.poll().await {
                Ok(Event::Acknowledged(_)) => open -= 1,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        client.disconnect();
        while events.poll().await.is_ok_and(|event| !matches!(event, Event::Disconnected)) {}
    };
    // A broker that reads nothing any more is told nothing.
    let _ = timeout(CLOSE_WITHIN, taken).await;
}

/// Lines with their times, the first one first.
#[derive(Default)]
struct Waiting(Vec<(Instant, Line)>);

impl Waiting {
    fn add(&mut self, lines: Vec<Line>) {
        let now = Instant::now();
        // What is said anew is not contradicted by what was still to be said.
        self.0.retain(|(_, waits)| lines.iter().all(|line| line.topic != waits.topic));
        let room = MOST_WAITING.saturating_sub(self.0.len());
        self.0.extend(lines.into_iter().take(room).map(|line| (now + line.after, line)));
        self.0.sort_by_key(|(due, _)| *due);
    }

    fn due(&self) -> Instant {
        // One whose time is over finds no room in the link's channel, which is looked at again soon.
        let soon = Instant::now() + Duration::from_millis(5);
        self.0.first().map_or(soon, |(due, _)| (*due).max(soon))
    }

    fn send(&mut self, client: &Client) {
        let now = Instant::now();
        let sent = self.0.iter().take_while(|(due, _)| *due <= now).take_while(|(_, line)| {
            client.publish(&Publish {
                topic: line.topic.clone(),
                payload: line.payload.clone().into(),
                qos: 1,
                retain: true,
                correlation: None,
            })
        });
        let sent = sent.count();
        self.0.drain(..sent);
    }
}
