//! A server of revocation lists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is at a path.
#[derive(Clone)]
pub enum Answer {
    List(Vec<u8>),
    Redirect(String),
    Failure,
    /// Nothing, until [`Server::release`]; then this list.
    Held(Vec<u8>),
}

/// Answers every path as it was told, and counts.
pub struct Server {
    pub base: String,
    shared: Arc<Shared>,
    release: watch::Sender<bool>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<HashMap<String, usize>>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let (release, released) = watch::channel(false);
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving), released.clone()));
            }
        });
        Self { base, shared, release }
    }

    pub fn put(&self, path: &str, answer: Answer) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub fn release(&self) {
        self.release.send(true).unwrap();
    }

    pub fn requests(&self, path: &str) -> usize {
        self.shared.requests.lock().unwrap().get(path).copied().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>, mut released: watch::Receiver<bool>) {
    let mut request = [0; 2048];
    let read = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = shared.answers.lock().unwrap().get(&path).cloned();
    *shared.requests.lock().unwrap().entry(path).or_default() += 1;
    let (head, body) = match answer {
        Some(Answer::List(list)) => ("200 OK".to_owned(), list),
        Some(Answer::Redirect(to)) => (format!("302 Found\r\nLocation: {to}"), Vec::new()),
        Some(Answer::Held(list)) => {
            released.wait_for(|is| *is).await.unwrap();
            ("200 OK".to_owned(), list)
        }
        Some(Answer::Failure) | None => ("503 Service Unavailable".to_owned(), Vec::new()),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
}
