//! `dialogpost healthy`.

use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::Answer;
use clap::Args;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Asks the process of this machine that listens on LISTEN whether it runs; for containers, which have no other program to ask with.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Healthy {
    /// Ask whether it can do its work, too.
    #[arg(long)]
    ready: bool,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost healthy
  LISTEN=0.0.0.0:8090 dialogpost healthy --ready

Exit codes: 0 it runs, or is ready; 1 it is not; 2 wrong usage or environment.";

/// It answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read.
const ANSWER: u64 = 64 * 1024;

impl Healthy {
    /// Does it.
    ///
    /// # Errors
    /// LISTEN is no address.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let listen = local(environment::read(&[Need::Listen])?.listen);
        let path = if self.ready { "/readyz" } else { "/healthz" };
        let answer = tokio::time::timeout(PATIENCE, get(listen, path)).await.ok().and_then(Result::ok).unwrap_or_default();
        let positive = answer.starts_with("HTTP/1.1 200");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
        let text = match (positive, body.is_empty()) {
            (_, false) => body.to_owned(),
            (true, true) => "ok".to_owned(),
            (false, true) => format!("nobody answers on {listen}"),
        };
        Ok(Answer { json: json!({ "ok": positive }), text, positive })
    }
}

/// Whoever listens everywhere is asked here.
fn local(listen: SocketAddr) -> SocketAddr {
    match listen.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()),
        false => listen,
    }
}

async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        let table = [("0.0.0.0:8090", "127.0.0.1:8090"), ("[::]:1", "127.0.0.1:1"), ("10.0.0.7:8090", "10.0.0.7:8090")];
        for (listen, asked) in table {
            assert_eq!(local(listen.parse().unwrap()), asked.parse().unwrap(), "{listen}");
        }
    }
}
