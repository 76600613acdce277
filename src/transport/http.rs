//! HTTP: `POST /api/chat`, `GET /healthz`, `GET /metrics`, on loopback unless the config says otherwise.
//!
//! A browser on the same machine can be made to send requests by any page it shows, so a request must name a host of
//! ours, come from no other origin, and be JSON. Beyond loopback it must carry the token.

mod server;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::core::reply::{Code, Final, Reply, Status};
use crate::core::secret::Secret;
use crate::core::utterance::{self, Identifier, Refusal, Utterance};
use crate::engine::{self, Engine, ReplySink, Request, SinkGone};

/// Bytes of a request's body: an utterance of 2,000 characters in any encoding of JSON.
const MAX_BODY_BYTES: usize = 32 * 1024;
/// How long a request's body may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Reply objects that wait for a reader; one that is slower loses its answer.
const WAITING_REPLIES: usize = 256;

/// The door's own settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What `Authorization: Bearer` must carry, where a token is configured.
    pub token: Option<Secret>,
}

/// The door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Another program listens there.
    #[error("{0} is in use by another program: set http.listen to a free port, or to \"\" for no HTTP")]
    InUse(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {0}: {1}; set http.listen to an address of this machine")]
    Listen(SocketAddr, std::io::Error),
}

struct Door {
    engine: Engine,
    settings: Settings,
}

/// Opens the door; nothing is answered until [`serve`].
///
/// # Errors
/// [`HttpError`], with the remedy.
pub async fn open(settings: &Settings) -> Result<TcpListener, HttpError> {
    let listen = settings.listen;
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => HttpError::InUse(listen),
        _ => HttpError::Listen(listen, error),
    })
}

/// Answers until `shutdown` is done, and then until every answer under way is.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    engine: Engine,
    shutdown: impl Future<Output = ()> + Send,
) {
    let door = Arc::new(Door { engine, settings });
    let unknown =
        |status| (status, axum::Json(Final::refusal(None, Code::BadRequest, "see README.md for what is answered")));
    let routes = Router::new()
        .route("/api/chat", post(chat))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .fallback(async move || unknown(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async move || unknown(StatusCode::METHOD_NOT_ALLOWED))
        .layer(middleware::from_fn_with_state(Arc::clone(&door), guard))
        .with_state(door);
    server::serve(listener, routes, shutdown).await;
}

/// Lets in what names us, comes from no other origin, and has the token where one is needed.
async fn guard(State(door): State<Arc<Door>>, request: HttpRequest, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if door.settings.listen.ip().is_loopback() && !host.is_some_and(is_local_host) {
        return forbidden("the Host header must be localhost or 127.0.0.1");
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = host.is_some_and(|host| {
            origin.to_str().is_ok_and(|origin| origin.split_once("://").is_some_and(|(_, o)| o == host))
        });
        if !own {
            return forbidden("requests from pages of another origin are not answered");
        }
    }
    if let Some(token) = &door.settings.token {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        // Health needs no secret: whoever watches the service has none.
        if request.uri().path() != "/healthz" && !given.is_some_and(|given| token.equals(given)) {
            return forbidden("the Authorization header must be `Bearer` and the token of http.token_file");
        }
    }
    next.run(request).await
}

fn is_local_host(host: &str) -> bool {
    let name = host.strip_suffix(|c: char| c.is_ascii_digit()).map_or(host, |_| {
        let bare = host.trim_end_matches(|c: char| c.is_ascii_digit());
        bare.strip_suffix(':').unwrap_or(host)
    });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn forbidden(message: &str) -> Response {
    answer(&Final::refusal(None, Code::Forbidden, message))
}

async fn health(State(door): State<Arc<Door>>) -> Response {
    let health = door.engine.health();
    let status = if health.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = serde_json::to_value(&health).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.insert("status".to_owned(), if health.is_good() { "ok" } else { "degraded" }.into());
    }
    (status, axum::Json(body)).into_response()
}

async fn metrics(State(door): State<Arc<Door>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], door.engine.metrics()).into_response()
}

async fn chat(State(door): State<Arc<Door>>, headers: HeaderMap, body: Body) -> Response {
    let arrived = Instant::now();
    let utterance = match read(&headers, body).await {
        Ok(utterance) => utterance,
        Err(Refusal { id, code, message }) => {
            return answer(&Final::refusal(id.map(|id| id.to_string()), code, message));
        }
    };
    let (replies_tx, mut replies_rx) = mpsc::channel(WAITING_REPLIES);
    let streamed = utterance.stream;
    let id = utterance.id.as_ref().map_or_else(engine::fresh_id, Identifier::to_string);
    door.engine.submit(Request { id, utterance, arrived, expires: None }, Box::new(Sink { replies_tx }));
    let first = match replies_rx.recv().await {
        Some(Reply::Final(last)) if !streamed || is_failure(last.status) => return answer(&last),
        Some(first) => first,
        // The engine sends a final object always; this is for the fault that it did not.
        None => return answer(&Final::refusal(None, Code::Internal, "no answer was made")),
    };
    let replies = stream::unfold((Some(first), replies_rx), |(ready, mut replies_rx)| async {
        let reply = match ready {
            Some(reply) => reply,
            None => replies_rx.recv().await?,
        };
        Some((Ok::<_, Infallible>(Event::default().data(reply.to_json())), (None, replies_rx)))
    });
    let unbuffered = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (unbuffered, Sse::new(replies).keep_alive(KeepAlive::default())).into_response()
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Utterance, Refusal> {
    let refuse = |code, message: String| Refusal { id: None, code, message };
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if !json {
        return Err(refuse(Code::Forbidden, "the Content-Type must be application/json".to_owned()));
    }
    let body = match timeout(BODY_WITHIN, axum::body::to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(refuse(Code::TooLong, "the body is longer than 32 KiB, or ended early".to_owned())),
        Err(_) => return Err(refuse(Code::BadRequest, "the body did not come within 10 s".to_owned())),
    };
    let mut fields: serde_json::Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| refuse(Code::BadRequest, format!("the body is no JSON object: {error}")))?;
    // What MQTT calls `text` is `message` here.
    fields.remove("text");
    match fields.remove("message") {
        Some(message) => fields.insert("text".to_owned(), message),
        None => return Err(refuse(Code::BadRequest, "`message` is missing: say in it what was said".to_owned())),
    };
    utterance::parse_object(&Value::Object(fields).to_string(), None).map_err(|mut refusal| {
        refusal.message = refusal.message.replace("`text`", "`message`");
        refusal
    })
}

fn is_failure(status: Status) -> bool {
    matches!(status, Status::Error | Status::Busy | Status::Expired)
}

/// A final object as a whole HTTP answer.
fn answer(last: &Final) -> Response {
    let code = last.error.as_ref().filter(|_| is_failure(last.status)).map(|error| error.code);
    let status = match code {
        None => StatusCode::OK,
        Some(Code::BadRequest | Code::ReplyTopicNotAllowed) => StatusCode::BAD_REQUEST,
        Some(Code::TooLong) => StatusCode::PAYLOAD_TOO_LARGE,
        Some(Code::Forbidden | Code::NotConfirmed) => StatusCode::FORBIDDEN,
        Some(Code::Duplicate) => StatusCode::CONFLICT,
        Some(Code::Expired) => StatusCode::REQUEST_TIMEOUT,
        Some(Code::Timeout) => StatusCode::GATEWAY_TIMEOUT,
        Some(Code::ModelCrashed) => StatusCode::BAD_GATEWAY,
        Some(
            Code::Busy | Code::ModelUnavailable | Code::BrokerUnavailable | Code::DeviceOffline | Code::ShuttingDown,
        ) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Code::NotSupported) => StatusCode::NOT_IMPLEMENTED,
        Some(Code::Internal | Code::NotUnderstood | Code::TooSlow) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, axum::Json(last)).into_response()
}

struct Sink {
    replies_tx: mpsc::Sender<Reply>,
}

impl ReplySink for Sink {
    fn send(&mut self, reply: &Reply) -> Result<(), SinkGone> {
        // The last place is the final object's.
        if matches!(reply, Reply::Chunk { .. }) && self.replies_tx.capacity() <= 1 {
            return Err(SinkGone);
        }
        self.replies_tx.try_send(reply.clone()).map_err(|_| SinkGone)
    }

    fn is_private(&self) -> bool {
        true
    }

    fn is_gone(&self) -> bool {
        self.replies_tx.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_names_are_ours() {
        for host in ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"] {
            assert!(is_local_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "127.0.0.2",
            "::1",
        ] {
            assert!(!is_local_host(host), "{host}");
        }
    }
}
