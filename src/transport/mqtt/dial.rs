//! A connection for one errand of the command line: by MQTT 5 or, where the broker refuses it, 3.1.1.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::link::{self, Client, Event, Events, LinkError, Version};

/// How long the broker may take to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Connects.
///
/// # Errors
/// Why the broker cannot be reached, or why it refuses us.
pub(super) async fn dial(settings: &Settings) -> Result<(Client, Events), String> {
    let until = Instant::now() + CONNECT_WITHIN;
    let mut version = Version::V5;
    loop {
        let (client, mut events) = link::open(settings, version, true);
        match timeout_at(until, connected(&mut events)).await {
            Ok(Ok(())) => return Ok((client, events)),
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
