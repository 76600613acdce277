//! The task that waits for what is due, says it, does it, and writes down what changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::core::dialogue::timers::{Does, Due};
use crate::core::reply::{Reply, Status};
use crate::core::utterance::{Format, Identifier, Tier, Utterance};
use crate::engine::{Engine, Herald, ReplySink, Request, SinkGone, fresh_id};

use super::{Look, clock, file};

/// The longest wait: clocks may be set at any time.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait for a broker that is away, with something to be said.
const AGAIN: Duration = Duration::from_secs(1);
/// Where it is said that belongs to no room.
const NO_SITE: &str = "default";

impl Engine {
    /// Waits for what is due and says and does it, until it is time to `stop`.
    pub async fn keep_timers(self, herald: Arc<dyn Herald>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut is_warned = false;
        loop {
            let wait = self.look_at_timers(&herald);
            self.write_timers(&mut is_warned).await;
            tokio::select! {
                () = &mut stop => break,
                () = self.shared.timers.changed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.write_timers(&mut is_warned).await;
    }

    /// Says and does what is due, and returns how long to wait.
    fn look_at_timers(&self, herald: &Arc<dyn Herald>) -> Duration {
        let shared = &self.shared;
        let (now, stamp) = clock::read();
        let at = stamp.at;
        // While the broker is away nothing is said, and nothing is taken as said; what stops does nothing new.
        let is_heard = shared.bus.is_connected() && !shared.is_draining();
        let Look { due, events, next } = shared.timers.look(&now, stamp, is_heard);
        for event in events {
            // Strings and numbers only, which can always be written.
            tell(herald, "event/timer", serde_json::to_string(&event).unwrap_or_default());
        }
        for due in due {
            self.fulfil(due, herald);
        }
        let wait = next.map_or(LOOK, |next| until(next, at));
        if is_heard { wait } else { wait.max(AGAIN) }
    }

    fn fulfil(&self, due: Due, herald: &Arc<dyn Herald>) {
        let topic = format!("say/{}", due.site.as_deref().unwrap_or(NO_SITE));
        match due.does {
            Does::Say(text) => tell(herald, &topic, text),
            Does::Run { command, user, lang } => {
                let site_id = due.site.as_deref().and_then(Identifier::parse);
                let Some(user_id) = Identifier::parse(&user) else { return };
                let utterance = Utterance {
                    id: None,
                    text: command,
                    user_id,
                    site_id,
                    stream: false,
                    format: Format::Json,
                    // It was understood as a command; no model is to make anything else of it.
                    tier: Some(Tier::Intent),
                    lang: Some(lang),
                };
                let sink = Speaker { herald: Arc::clone(herald), topic };
                let request = Request { id: fresh_id(), utterance, arrived: Instant::now(), expires: None };
                self.submit(request, Box::new(sink));
            }
        }
    }

    /// Writes what changed, on a thread that may wait for the disk.
    async fn write_timers(&self, is_warned: &mut bool) {
        let Some((path, text)) = self.shared.timers.take_text() else { return };
        let shown = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || file::write(&path, &text)).await;
        let Err(error) = written.map_err(std::io::Error::other).flatten() else {
            *is_warned = false;
            return;
        };
        self.shared.timers.not_written();
        if !std::mem::replace(is_warned, true) {
            log::warn!("timers are not remembered across a restart: {shown}: {error}");
        }
    }
}

/// How long until a moment, as far as it is worth waiting at once.
fn until(moment: Timestamp, now: Timestamp) -> Duration {
    let left = moment.duration_since(now);
    // A millisecond more, so that the moment has come.
    Duration::try_from(left).unwrap_or_default().saturating_add(Duration::from_millis(1)).min(LOOK)
}

fn tell(herald: &Arc<dyn Herald>, topic: &str, payload: String) {
    if let Err(error) = herald.tell(topic, payload) {
        log::warn!("{topic} was not published: {error}");
    }
}

/// Says the answer to a command that was put off.
struct Speaker {
    herald: Arc<dyn Herald>,
    topic: String,
}

impl ReplySink for Speaker {
    fn send(&mut self, reply: &Reply) -> Result<(), SinkGone> {
        if let Reply::Final(last) = reply {
            let text = match &last.error {
                Some(error) if last.status != Status::Ok => error.message.clone(),
                _ => last.text.clone(),
            };
            if !text.is_empty() {
                tell(&self.herald, &self.topic, text);
            }
        }
        Ok(())
    }
}
