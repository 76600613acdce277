//! The embedded MQTT broker, so that a newcomer needs nothing else.
//!
//! A peer like any other: hearthd reaches it by TCP, as other programs do, and nothing in the daemon has a shorter way to
//! it. Retained messages and sessions are kept under the state folder. It must not be reachable from other machines
//! unless its address says so, and it must not keep a message's words in the log. The broker itself is the crate `mqtt5`;
//! this room sets what must be set, and says what went wrong in words that help.

mod error;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::auth::PasswordAuthProvider;
use mqtt5::broker::config::{AuthConfig, RateLimitConfig, StorageConfig};
use mqtt5::broker::{BrokerConfig, BrokerShutdownHandle, MqttBroker};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use error::BrokerError;

/// The largest packet taken. The crate's own limit makes clients that check the CONNACK refuse it.
const MAX_PACKET: usize = 16 * 1024 * 1024;
/// Messages kept for a client that is away; beyond it the oldest are lost. The crate's 10,000 lose silently.
const MAX_QUEUED: usize = 100_000;
/// Connections at once: a home has dozens of devices, and the process must not run out of file descriptors.
const MAX_CLIENTS: usize = 1_000;
/// What is stored is read back within this, or the start is given up.
const START_LIMIT: Duration = Duration::from_mins(1);
/// The crate gives its connections 5 s to end, then writes what is left.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// Who may connect.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The password; never printed.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).field("password", &"[redacted]").finish()
    }
}

/// What the broker needs to know.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// The one address that is listened on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The daemon's state folder; the broker keeps its files in `broker` under it.
    pub state_dir: PathBuf,
    /// With a login nobody connects without it; without one everybody does.
    pub login: Option<Login>,
}

/// A broker that accepts connections. Dropping it ends it without waiting for its last writes; [`Broker::stop`] waits.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    end: watch::Receiver<Option<String>>,
}

/// Starts the broker and returns when it accepts connections.
///
/// # Errors
///
/// When the address cannot be listened on or the state folder cannot be used; the message says what to do.
pub async fn start(options: BrokerOptions) -> Result<Broker, BrokerError> {
    let BrokerOptions { listen, state_dir, login } = options;
    // The crate tells only in prose why it could not listen, so the same is tried here first.
    drop(TcpListener::bind(listen).await.map_err(|cause| BrokerError::listen(listen, &cause))?);
    let folder = state_dir.join("broker");
    let prepared = folder.clone();
    tokio::task::spawn_blocking(move || prepare(&prepared))
        .await
        .map_err(|cause| BrokerError::Failed { cause: cause.to_string() })?
        .map_err(|cause| BrokerError::state(&folder, &cause))?;
    if login.is_none() && !listen.ip().is_loopback() {
        log::warn!(
            "everybody who reaches {listen} may connect: set mqtt.username and mqtt.password, or mqtt.listen to 127.0.0.1"
        );
    }

    let broker = Box::pin(MqttBroker::with_config(config(listen, &folder)))
        .await
        .map_err(|cause| BrokerError::crates(&folder, &cause.to_string()))?;
    let mut broker = match login {
        None => broker,
        Some(login) => {
            let provider = PasswordAuthProvider::new();
            provider
                .add_user(login.username, &login.password)
                .map_err(|cause| BrokerError::Failed { cause: cause.to_string() })?;
            broker.with_auth_provider(Arc::new(provider))
        }
    };
    let address = broker.local_addr().unwrap_or(listen);
    let shutdown = Shutdown(broker.shutdown_handle());
    let ready = broker.ready_receiver();
    let (ended, end) = watch::channel(None);
    let task = tokio::spawn(async move {
        let cause = broker.run().await.err().map_or_else(|| "it was shut down".to_owned(), |cause| cause.to_string());
        // The storage is closed before the end is told, so that the folder is free for the next start.
        drop(broker);
        ended.send_replace(Some(cause));
    });
    let broker = Broker { address, shutdown, task, end };
    broker.wait_ready(ready, &folder).await?;
    log::info!("embedded broker listens on {address}");
    Ok(broker)
}

impl Broker {
    /// The address that clients connect to; the real port where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the broker has ended by itself, and says why. Safe to drop and call again.
    pub async fn died(&self) -> String {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(cause) => cause.clone().unwrap_or_default(),
            // The sender is gone without a word only if the task was ended from outside.
            Err(_) => "its task was ended".to_owned(),
        }
    }

    /// Ends the connections, writes what is not written yet, and returns when all is done or 8 s have passed.
    pub async fn stop(mut self) {
        self.shutdown.0.shutdown();
        if tokio::time::timeout(STOP_LIMIT, &mut self.task).await.is_err() {
            log::warn!("embedded broker did not end within {} s; its last messages may be lost", STOP_LIMIT.as_secs());
        }
    }

    async fn wait_ready(&self, mut ready: watch::Receiver<bool>, folder: &Path) -> Result<(), BrokerError> {
        let started = async {
            tokio::select! {
                Ok(_) = ready.wait_for(|ready| *ready) => Ok(()),
                cause = self.died() => Err(BrokerError::crates(folder, &cause)),
            }
        };
        tokio::time::timeout(START_LIMIT, started)
            .await
            .map_err(|_| BrokerError::Failed { cause: format!("not ready after {} s", START_LIMIT.as_secs()) })?
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shutdown(BrokerShutdownHandle);

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shutdown")
    }
}

fn config(listen: SocketAddr, folder: &Path) -> BrokerConfig {
    let storage = StorageConfig::new().with_base_dir(folder.to_owned()).with_max_queued_messages_per_client(MAX_QUEUED);
    // Anonymous stays allowed here also with a login: the crate would want a password file otherwise, and it is the
    // password provider that refuses. No lockout after wrong passwords: the crate counts them by address, so one
    // misconfigured device on this machine would lock the daemon out with it.
    let auth = AuthConfig {
        rate_limit: RateLimitConfig { enabled: false, ..RateLimitConfig::default() },
        ..AuthConfig::new().with_allow_anonymous(true)
    };
    BrokerConfig::new()
        .with_bind_address(listen)
        .with_max_clients(MAX_CLIENTS)
        .with_max_packet_size(MAX_PACKET)
        .with_storage(storage)
        .with_auth(auth)
        // They would be written to disk as retained messages every ten seconds.
        .with_sys_topics_enabled(false)
}

/// Makes the folder, for this user alone, and sees that a file can be written into it.
fn prepare(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &Path) -> BrokerOptions {
        BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), state_dir: folder.to_owned(), login: None }
    }

    #[tokio::test]
    async fn says_when_it_has_died() {
        let folder = tempfile::tempdir().unwrap();
        let broker = start(options(folder.path())).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(100), broker.died()).await;
        assert!(early.is_err(), "alive, and said to be dead: {early:?}");
        broker.shutdown.0.shutdown();
        let cause = tokio::time::timeout(Duration::from_secs(20), broker.died()).await.unwrap();
        assert_eq!(cause, "it was shut down");
        let again = tokio::time::timeout(Duration::from_secs(1), broker.died()).await.unwrap();
        assert_eq!(again, cause);
    }

    #[test]
    fn a_login_is_never_printed() {
        let login = Login { username: "hearth".to_owned(), password: "canary".to_owned() };
        let printed = format!("{:?}", BrokerOptions { login: Some(login), ..options(Path::new("state")) });
        assert!(printed.contains("hearth") && printed.contains("[redacted]"), "{printed}");
        assert!(!printed.contains("canary"), "{printed}");
    }
}
