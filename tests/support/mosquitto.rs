//! A real Mosquitto of the test's own, and a door in front of it that lets nothing but MQTT 3.1.1 through.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::LIMIT;
use crate::home::free_port;

pub(crate) struct Mosquitto {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    /// One that anybody may use, and that keeps sessions across a restart.
    pub(crate) async fn start() -> Self {
        Self::with("allow_anonymous true\n", |_| {}).await
    }

    /// One with these lines in its config; `prepare` puts files beside it. `FOLDER` stands for its folder.
    pub(crate) async fn with(lines: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let place = folder.path().display().to_string();
        let config = format!(
            "listener {} 127.0.0.1\nset_tcp_nodelay true\npersistence true\npersistence_location {place}/\nuser root\n{}",
            address.port(),
            lines.replace("FOLDER", &place)
        );
        fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mut mosquitto = Self { address, folder, child: None };
        mosquitto.launch().await;
        mosquitto
    }

    pub(crate) async fn launch(&mut self) {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new(program.unwrap_or("mosquitto"))
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("mosquitto must be installed: make setup"));
        let began = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            assert!(began.elapsed() < LIMIT, "{}", fs::read_to_string(self.folder.path().join("log")).unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Pauses it, say.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().expect("it runs").id();
        kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Refuses MQTT 5 as an old broker does, with a CONNACK of 3.1.1, and passes everything else on.
pub(crate) struct OldDoor {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl OldDoor {
    pub(crate) async fn before(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(pass(socket, broker));
            }
        });
        Self { address, task }
    }
}

impl Drop for OldDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut socket: TcpStream, broker: SocketAddr) {
    let mut first = vec![0; 512];
    let Ok(length) = socket.read(&mut first).await else { return };
    first.truncate(length);
    let level = first.windows(4).position(|name| name == b"MQTT").and_then(|at| first.get(at + 4)).copied();
    if level != Some(4) {
        // Connection refused, unacceptable protocol version.
        let _ = socket.write_all(&[0x20, 2, 0, 1]).await;
        return;
    }
    let Ok(mut inner) = TcpStream::connect(broker).await else { return };
    if inner.write_all(&first).await.is_ok() {
        let _ = copy_bidirectional(&mut socket, &mut inner).await;
    }
}
