//! HTTP by hand, so that a test sees the bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::LIMIT;

/// Sends a request and returns status and body; `None` where nobody listens.
pub(crate) async fn request(address: SocketAddr, head: &str, body: &str) -> Option<(u16, String)> {
    let mut socket = TcpStream::connect(address).await.ok()?;
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    timeout(LIMIT, socket.read_to_end(&mut answer)).await.expect("no answer").ok()?;
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

pub(crate) async fn try_get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"), "").await
}
