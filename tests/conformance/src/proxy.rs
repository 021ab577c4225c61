//! A wire between a client and the broker that shows what goes over it, and that breaks when a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// A method of AMQP 0.9.1: class and method number.
pub type Method = (u16, u16);

/// What a client sends to it goes to the broker, and the other way round.
pub struct Proxy {
    from: String,
    to: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    confirms_to_lose: AtomicUsize,
    sent: Mutex<Vec<Method>>,
}

impl Proxy {
    /// Between clients of this process and the broker on this port; the first `confirms_to_lose` confirms are lost with their connections.
    pub async fn start(port: u16, confirms_to_lose: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let inner = Arc::new(Inner { confirms_to_lose: AtomicUsize::new(confirms_to_lose), ..Inner::default() });
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(broker) = TcpStream::connect(("127.0.0.1", port)).await {
                    tokio::spawn(connect(client, broker, Arc::clone(&shared)));
                }
            }
        });
        Self { from: format!(":{port}/"), to: format!(":{own}/"), inner }
    }

    /// The URL of the broker, by way of this wire.
    pub fn url(&self, amqp_url: &str) -> String {
        assert!(amqp_url.contains(&self.from), "a URL of the broker");
        amqp_url.replacen(&self.from, &self.to, 1)
    }

    /// Confirms that are still to be lost.
    pub fn confirms_to_lose(&self) -> usize {
        self.inner.confirms_to_lose.load(Ordering::SeqCst)
    }

    /// The methods that clients have sent.
    pub fn sent(&self) -> Vec<Method> {
        self.inner.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn connect(client: TcpStream, broker: TcpStream, inner: Arc<Inner>) {
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    // Whichever ends takes both connections along.
    tokio::select! {
        _ = upwards(from_client, to_broker, &inner) => {}
        _ = downwards(from_broker, to_client, &inner) => {}
    }
}

async fn upwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, inner: &Inner) -> std::io::Result<()> {
    let mut greeting = [0; 8];
    from.read_exact(&mut greeting).await?;
    to.write_all(&greeting).await?;
    loop {
        let frame = frame(&mut from).await?;
        inner.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(method(&frame));
        to.write_all(&frame).await?;
    }
}

async fn downwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, inner: &Inner) -> std::io::Result<()> {
    loop {
        let frame = frame(&mut from).await?;
        // basic.ack, which a broker sends for what it has stored.
        let left = |n: usize| n.checked_sub(1);
        if method(&frame) == Some((60, 80))
            && inner.confirms_to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
        {
            return Ok(());
        }
        to.write_all(&frame).await?;
    }
}

/// Type, channel, size, payload, end.
async fn frame(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 7];
    from.read_exact(&mut frame).await?;
    let size = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]) as usize;
    frame.resize(7 + size + 1, 0);
    from.read_exact(&mut frame[7..]).await?;
    Ok(frame)
}

fn method(frame: &[u8]) -> Option<Method> {
    let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    (frame[0] == 1).then(|| (number(7), number(9)))
}
