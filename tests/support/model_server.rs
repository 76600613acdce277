//! A stand-in for an OpenAI-compatible server, on a real socket: answers as a test wants it to, well or badly.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// These pieces, a finish reason, the usage, the end.
    Pieces(Vec<&'static str>),
    /// A piece every so often, for ever.
    Slow(Duration),
    /// Some words, then the connection is cut.
    Cut,
    /// These bytes after a good head, then the end.
    Raw(&'static str),
    /// This status and body, to every question.
    Status(u16, &'static str),
    /// This status to everything, the look at its models too.
    Down(u16),
    /// Takes the question and never says anything.
    Never,
}

struct Shared {
    mode: Mutex<Mode>,
    questions: Mutex<Vec<(String, Value)>>,
    open: AtomicUsize,
}

/// The server; gone when it is dropped.
pub(crate) struct ModelServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl ModelServer {
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), mode).await
    }

    pub(crate) async fn at(address: SocketAddr, mode: Mode) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { mode: Mutex::new(mode), questions: Mutex::default(), open: AtomicUsize::new(0) });
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&served);
                connections.spawn(async move {
                    let _ = serve(socket, &shared).await;
                });
            }
        });
        Self { address, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// The head and the body of every question so far.
    pub(crate) fn questions(&self) -> Vec<(String, Value)> {
        self.shared.questions.lock().unwrap().clone()
    }

    /// Waits until no answer's connection is open any more.
    pub(crate) async fn all_closed(&self) {
        let closed = async {
            while self.shared.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), closed).await.expect("an answer's connection stays open");
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (head, body) = read_request(&mut socket).await?;
    let mode = shared.mode.lock().unwrap().clone();
    if head.starts_with("GET /v1/models ") {
        let status = if let Mode::Down(status) = mode { status } else { 200 };
        return plain(&mut socket, status, r#"{"object":"list","data":[]}"#).await;
    }
    assert!(head.starts_with("POST /v1/chat/completions "), "{head}");
    shared.questions.lock().unwrap().push((head, serde_json::from_slice(&body).unwrap()));
    shared.open.fetch_add(1, Ordering::SeqCst);
    let served = answer(&mut socket, mode).await;
    shared.open.fetch_sub(1, Ordering::SeqCst);
    served
}

async fn answer(socket: &mut TcpStream, mode: Mode) -> std::io::Result<()> {
    match mode {
        Mode::Pieces(pieces) => {
            stream_head(socket).await?;
            for piece in &pieces {
                event(socket, &json!({ "choices": [{ "delta": { "content": piece }, "finish_reason": null }] }))
                    .await?;
            }
            event(socket, &json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] })).await?;
            let usage = json!({ "prompt_tokens": 12, "completion_tokens": pieces.len(), "total_tokens": 99 });
            event(socket, &json!({ "choices": [], "usage": usage })).await?;
            chunk(socket, "data: [DONE]\n\n").await?;
            socket.write_all(b"0\r\n\r\n").await
        }
        Mode::Slow(every) => {
            stream_head(socket).await?;
            for number in 0.. {
                event(socket, &json!({ "choices": [{ "delta": { "content": format!("word{number} ") } }] })).await?;
                tokio::time::sleep(every).await;
            }
            Ok(())
        }
        Mode::Cut => {
            stream_head(socket).await?;
            event(socket, &json!({ "choices": [{ "delta": { "content": "Half an" } }] })).await
        }
        Mode::Raw(text) => {
            stream_head(socket).await?;
            chunk(socket, text).await?;
            socket.write_all(b"0\r\n\r\n").await
        }
        Mode::Status(status, body) => plain(socket, status, body).await,
        Mode::Down(status) => plain(socket, status, "{}").await,
        Mode::Never => {
            // Ends when the other side does.
            let _ = socket.read(&mut [0; 16]).await;
            Ok(())
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if socket.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Ok((head, bytes[end + 4..].to_vec()));
        }
    }
}

async fn plain(socket: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} As Told\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + body).as_bytes()).await
}

async fn stream_head(socket: &mut TcpStream) -> std::io::Result<()> {
    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await
}

async fn event(socket: &mut TcpStream, event: &Value) -> std::io::Result<()> {
    chunk(socket, &format!("data: {event}\n\n")).await
}

async fn chunk(socket: &mut TcpStream, text: &str) -> std::io::Result<()> {
    socket.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await
}
