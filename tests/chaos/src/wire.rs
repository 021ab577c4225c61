//! The network between workers and a server: open, cut, or long.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is lost and nothing takes long.
    Open,
    /// Silence, as when a cable is pulled; what wanted to pass meanwhile has lost its connection when it is over.
    Cut,
    /// Everything takes so much longer, each way.
    Slow(Duration),
}

/// A port of this machine that leads to a server's.
pub struct Wire {
    port: u16,
    state: watch::Sender<State>,
}

impl Wire {
    /// To the server on this port.
    ///
    /// # Panics
    /// When this machine has no port left.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (state, seen) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, server, seen.clone()));
            }
        });
        Self { port, state }
    }

    /// The same URL by way of this wire.
    ///
    /// # Panics
    /// When it is not of that server.
    pub fn url(&self, url: &str, server: u16) -> String {
        let direct = format!(":{server}/");
        assert!(url.contains(&direct), "a URL of the server");
        url.replacen(&direct, &format!(":{}/", self.port), 1)
    }

    /// From now on it is like this.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn connect(client: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    let Ok(takes) = pass(&mut state).await else { return };
    tokio::time::sleep(takes).await;
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Whichever ends takes both along.
    tokio::select! {
        _ = pump(from_client, to_server, state.clone()) => {}
        _ = pump(from_server, to_client, state) => {}
    }
}

/// What comes while others are on their way is on its way, too.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) -> io::Result<()> {
    let (sent, mut arriving) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let send = async move {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return io::Result::Ok(());
            }
            let arrives = Instant::now() + pass(&mut state).await?;
            let _ = sent.send((arrives, bytes[..length].to_vec()));
        }
    };
    let arrive = async {
        while let Some((at, bytes)) = arriving.recv().await {
            tokio::time::sleep_until(at).await;
            to.write_all(&bytes).await?;
        }
        Ok(())
    };
    tokio::try_join!(send, arrive).map(drop)
}

/// How long what passes takes; fails once a cut is over.
async fn pass(state: &mut watch::Receiver<State>) -> io::Result<Duration> {
    let now = *state.borrow_and_update();
    match now {
        State::Open => Ok(Duration::ZERO),
        State::Slow(delay) => Ok(delay),
        State::Cut => {
            let _ = state.wait_for(|state| *state != State::Cut).await;
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}
