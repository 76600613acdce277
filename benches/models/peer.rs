//! llama.cpp's own server and bench, run as their users run them: what hearthd is measured beside.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Failure;
use crate::files::{Files, tail};
use crate::heard::Heard;
use crate::home::free_port;
use crate::memory::Memory;

/// Loading a large model from a cold disk.
const MOST_LOADING: Duration = Duration::from_mins(5);
/// Longer than any question takes.
const MOST_SILENCE: Duration = Duration::from_mins(5);
/// Options that help it or make it comparable, with the value they get, used where this version of it has them: no pages
/// for a browser, no copies of old prompts beside the slots, a slot's context its own.
const OPTIONS: [(&str, Option<&str>); 3] =
    [("--no-webui", None), ("--cache-ram", Some("0")), ("--no-kv-unified", None)];

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct ServerSetup {
    pub(crate) model: PathBuf,
    /// Conversations at once, each with a context of its own.
    pub(crate) slots: u32,
    pub(crate) context: u32,
    pub(crate) batch: u32,
    pub(crate) ubatch: u32,
    pub(crate) threads: u32,
}

impl ServerSetup {
    /// As hearthd's default config runs a model.
    pub(crate) fn new(model: PathBuf, slots: u32, threads: u32) -> Self {
        Self { model, slots, context: 1024, batch: 256, ubatch: 128, threads }
    }

    fn arguments(&self, port: u16, help: &str) -> Vec<String> {
        let Self { slots, context, batch, ubatch, threads, .. } = self;
        let mut arguments: Vec<String> = format!(
            "--host 127.0.0.1 --port {port} -c {} -np {slots} -t {threads} -tb {threads} -b {batch} -ub {ubatch}",
            context * slots
        )
        .split(' ')
        .map(str::to_owned)
        .collect();
        arguments.extend(["-m".to_owned(), self.model.display().to_string()]);
        for (option, value) in OPTIONS {
            if help.split([' ', ',', '\n']).any(|word| word == option) {
                arguments.extend([option].into_iter().chain(value).map(str::to_owned));
            }
        }
        arguments
    }
}

/// A running llama-server.
pub(crate) struct Server {
    address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it and waits until it has loaded its model.
    pub(crate) async fn start(files: &Files, setup: &ServerSetup) -> Result<Self, Failure> {
        let program = files.server();
        let help = Command::new(&program).arg("--help").stdin(Stdio::null()).output()?;
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let port = free_port();
        let folder = tempfile::tempdir()?;
        let log = fs::File::create(folder.path().join("log"))?;
        let child = Command::new(&program)
            .args(setup.arguments(port, &help))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { address: SocketAddr::from(([127, 0, 0, 1], port)), child, folder };
        let began = Instant::now();
        loop {
            if let Some(status) = server.child.try_wait()? {
                return Err(server.failure(&format!("it ended with {status} while it loaded its model")));
            }
            if crate::web::try_get(server.address, "/health").await.is_some_and(|(status, _)| status == 200) {
                return Ok(server);
            }
            if began.elapsed() > MOST_LOADING {
                return Err(server.failure("it does not become ready"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        Memory::of(self.child.id())
    }

    fn failure(&self, what: &str) -> Failure {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        format!("llama-server: {what}\n--- the end of its log\n{}", tail(&String::from_utf8_lossy(&log))).into()
    }

    /// Sends a conversation whose last message is to be answered, over a connection that is there before the clock starts.
    pub(crate) async fn begin(&self, messages: &Messages, max_tokens: u32) -> Result<Stream<'_>, Failure> {
        let socket = TcpStream::connect(self.address).await.map_err(|error| self.failure(&error.to_string()))?;
        socket.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        let task = tokio::spawn(async move {
            // Its end is seen where the answer is read.
            let _ = connection.await;
        });
        let body = json!({
            "messages": messages.0, "max_tokens": max_tokens, "stream": true, "cache_prompt": true,
            "stream_options": { "include_usage": true }, "temperature": 0, "samplers": ["top_k"], "top_k": 1,
        });
        let request = Request::post("/v1/chat/completions")
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let asked = Instant::now();
        let answer = timeout(MOST_SILENCE, sender.send_request(request)).await;
        let answer = answer
            .map_err(|_| self.failure("it says nothing any more"))?
            .map_err(|error| self.failure(&error.to_string()))?;
        if !answer.status().is_success() {
            return Err(self.failure(&format!("it answers {}", answer.status())));
        }
        Ok(Stream { server: self, asked, answer, task, unread: Vec::new(), heard: Heard::default() })
    }

    /// One whole answer.
    pub(crate) async fn ask(&self, messages: &Messages, max_tokens: u32) -> Result<Heard, Failure> {
        self.begin(messages, max_tokens).await?.end().await
    }
}

/// A conversation as the `OpenAI` protocol has it.
#[derive(Clone, Debug)]
pub(crate) struct Messages(Vec<Value>);

impl Messages {
    pub(crate) fn new(system: &str) -> Self {
        Self(if system.is_empty() { Vec::new() } else { vec![json!({ "role": "system", "content": system })] })
    }

    pub(crate) fn user(mut self, text: &str) -> Self {
        self.0.push(json!({ "role": "user", "content": text }));
        self
    }

    pub(crate) fn assistant(mut self, text: &str) -> Self {
        self.0.push(json!({ "role": "assistant", "content": text }));
        self
    }
}

/// An answer on its way; dropped, it closes the connection, by which the server stops.
pub(crate) struct Stream<'a> {
    server: &'a Server,
    asked: Instant,
    answer: Response<Incoming>,
    task: JoinHandle<()>,
    unread: Vec<u8>,
    heard: Heard,
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream<'_> {
    /// Takes what comes next; `false` at the end.
    async fn receive(&mut self) -> Result<bool, Failure> {
        let frame = timeout(MOST_SILENCE, self.answer.body_mut().frame()).await;
        let now = self.asked.elapsed();
        let Some(frame) = frame.map_err(|_| self.server.failure("it says nothing any more"))? else {
            self.heard.total = now;
            return Ok(false);
        };
        let frame = frame.map_err(|error| self.server.failure(&error.to_string()))?;
        self.unread.extend_from_slice(&frame.into_data().unwrap_or_default());
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = String::from_utf8(line)?;
            let Some(event) = line.trim_end().strip_prefix("data: ").filter(|event| *event != "[DONE]") else {
                continue;
            };
            self.take(now, &serde_json::from_str(event)?)?;
        }
        Ok(true)
    }

    fn take(&mut self, now: Duration, event: &Value) -> Result<(), Failure> {
        if !event["error"].is_null() {
            return Err(self.server.failure(&format!("it answers {event}")));
        }
        if let Some(text) = event["choices"][0]["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
            self.heard.push(now, text);
        }
        if event["usage"].is_object() {
            // Where it stands depends on the version.
            let cached = [&event["usage"]["prompt_tokens_details"]["cached_tokens"], &event["timings"]["cache_n"]];
            let cached = cached.into_iter().find(|cached| cached.is_number()).unwrap_or(&Value::Null);
            self.heard.count(&event["usage"], cached);
        }
        Ok(())
    }

    /// Waits for the first words.
    pub(crate) async fn first(&mut self) -> Result<(), Failure> {
        while self.heard.pieces.is_empty() && self.receive().await? {}
        Ok(())
    }

    /// Whether it has ended by now.
    pub(crate) async fn is_over(&mut self) -> Result<bool, Failure> {
        while self.heard.total.is_zero() {
            match timeout(Duration::ZERO, self.receive()).await {
                Ok(received) => received?,
                Err(_) => return Ok(false),
            };
        }
        Ok(true)
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> Result<Heard, Failure> {
        while self.receive().await? {}
        Ok(std::mem::take(&mut self.heard))
    }
}

/// llama-bench's tokens a second of 128 tokens behind so many others.
pub(crate) async fn bench(files: &Files, model: &Path, threads: u32, depth: f64) -> Result<f64, Failure> {
    let arguments = format!("-p 0 -n 128 -d {depth} -r 1 -t {threads} -b 256 -ub 128 -o json");
    // Ended with the bench where that is stopped.
    let output = tokio::process::Command::new(files.bench())
        .args(arguments.split(' '))
        .arg("-m")
        .arg(model)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let failure = |what: String| -> Failure { format!("llama-bench: {what}\n{}", tail(&log)).into() };
    if !output.status.success() {
        return Err(failure(format!("it ended with {}", output.status)));
    }
    let figures: Value = serde_json::from_slice(&output.stdout).map_err(|error| failure(error.to_string()))?;
    figures[0]["avg_ts"].as_f64().ok_or_else(|| failure(format!("it prints {figures}")))
}
