//! Where certificates say that revocation lists are.

use pki::Pki;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Lists = Arc<Mutex<HashMap<&'static str, Vec<u8>>>>;

/// An HTTP server on this machine; it has no lists until it is given some.
pub struct ListServer {
    /// Lists are below this URL.
    pub base: String,
    lists: Lists,
}

impl ListServer {
    /// Listens.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let lists = Lists::default();
        let served = Arc::clone(&lists);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { base, lists }
    }

    /// From now on it has the lists of these authorities.
    pub fn have(&self, pki: &Pki) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.extend([("/issuing.crl", pki.crl()), ("/root.crl", pki.root_crl())]);
    }
}

async fn serve(mut stream: TcpStream, lists: Lists) {
    let mut request = [0; 2048];
    let read = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let list = lists.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    let (status, body) = list.map_or(("503 Service Unavailable", Vec::new()), |list| ("200 OK", list));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
}
