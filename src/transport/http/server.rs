//! Accepts HTTP connections: so many at once, each with so much time for its request's head.
//!
//! axum's own loop has neither bound, so that a few hundred half requests would take every file descriptor of the daemon.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// How long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The pause after an accept that failed, as it does while no file descriptor is free.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `shutdown` is done, then lets what is being answered end.
pub(super) async fn serve(listener: TcpListener, routes: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = shutdown.as_mut() => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = accepted => match accepted {
                Ok((socket, _)) => {
                    let connection = connection(socket, routes.clone(), stopped.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    log::warn!("an HTTP connection could not be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
}

async fn connection(socket: TcpStream, routes: Router, mut stopped: watch::Receiver<bool>) {
    // A chunk is one small packet: it must not wait for the next.
    if let Err(error) = socket.set_nodelay(true) {
        log::debug!("TCP_NODELAY could not be set: {error}");
    }
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(routes))
    );
    let told = async move {
        // An error means that the server is gone, which is as good as stopped.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("an HTTP connection ended: {error}");
    }
}
