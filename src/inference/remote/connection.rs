//! One request to a model server: a connection of its own, whose end cancels it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::RemoteTier;

/// How long a connection may take to come about: a server at home answers in milliseconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How much of an error's body is read, and for how long.
const MAX_ERROR_BYTES: usize = 16 * 1024;
const ERROR_WITHIN: Duration = Duration::from_secs(2);
/// The connection's buffer.
const MAX_BUFFER: usize = 64 * 1024;

/// Nobody answers there; why, in a few words.
#[derive(Debug)]
pub(super) struct Away(pub(super) String);

/// A response, with the task that moves its bytes. Dropping it closes the connection.
pub(super) struct Reply {
    pub(super) response: Response<Incoming>,
    _driver: JoinSet<()>,
}

/// Sends a request and waits for the response's head.
pub(super) async fn send(tier: &RemoteTier, method: Method, path: &str, body: Vec<u8>) -> Result<Reply, Away> {
    let connected = timeout(CONNECT_WITHIN, connect(tier)).await;
    let stream = connected.map_err(|_| Away("it cannot be reached".to_owned()))??;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Away(error.to_string()))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("a connection to a model server ended: {error}");
        }
    });
    let request = request(tier, method, path, body).map_err(|error| Away(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| Away(reason(&error)))?;
    Ok(Reply { response, _driver: driver })
}

fn reason(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        "it closed the connection without an answer".to_owned()
    } else if error.is_parse() {
        "it does not speak HTTP".to_owned()
    } else {
        error.to_string()
    }
}

fn request(
    tier: &RemoteTier,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", tier.server.path))
        .header(HOST, tier.server.authority())
        .header(ACCEPT, "text/event-stream, application/json")
        .header(CONTENT_TYPE, "application/json");
    if let Some(key) = &tier.api_key {
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal()))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request.body(Full::new(Bytes::from(body)))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(tier: &RemoteTier) -> Result<Box<dyn Stream>, Away> {
    let server = &tier.server;
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Away("nothing listens there".to_owned()),
        _ => Away(error.to_string()),
    })?;
    // A question is one small packet: it must not wait for the next.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("TCP_NODELAY could not be set: {error}");
    }
    if !server.tls {
        return Ok(Box::new(stream));
    }
    let connector = native_tls::TlsConnector::new().map_err(|error| Away(error.to_string()))?;
    let encrypted = tokio_native_tls::TlsConnector::from(connector).connect(&server.host, stream).await;
    Ok(Box::new(encrypted.map_err(|error| Away(format!("no encrypted connection: {error}")))?))
}

/// What the body of an error says.
pub(super) async fn error_body(reply: Reply) -> String {
    let Reply { response, _driver } = reply;
    let read = timeout(ERROR_WITHIN, Limited::new(response.into_body(), MAX_ERROR_BYTES).collect()).await;
    let bytes = read.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    super::events::error_text(&value)
}
