//! The publisher's connection and its channels, each lent to one batch at a time.

use crate::connect::{self, AmqpUrl, PATIENCE, within};
use crate::reconnect::{Delays, Policy};
use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, ConnectionStatus};
use messages::{Fault, FaultClass};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Batches under way at once.
const LANES: usize = 16;
/// A failed attempt is not repeated at once by the next batch, but soon: messages are waiting.
const POLICY: Policy = Policy { first: Duration::from_millis(100), max: Duration::from_secs(2) };

pub(super) struct Lanes {
    url: AmqpUrl,
    name: String,
    free: Semaphore,
    link: tokio::sync::Mutex<Link>,
    idle: Mutex<Vec<Channel>>,
    status: Mutex<Option<ConnectionStatus>>,
}

struct Link {
    connection: Option<Connection>,
    delays: Delays,
    /// No attempt to connect before this.
    rest: Option<(Instant, Fault)>,
}

/// A channel in confirm mode with nothing outstanding. Dropped instead of given back, it closes.
pub(super) struct Lane<'a> {
    pub(super) channel: Channel,
    _permit: SemaphorePermit<'a>,
}

impl Lanes {
    pub(super) fn new(url: AmqpUrl, name: String) -> Self {
        let link = Link { connection: None, delays: Delays::new(POLICY), rest: None };
        let (free, link) = (Semaphore::new(LANES), tokio::sync::Mutex::new(link));
        Self { url, name, free, link, idle: Mutex::default(), status: Mutex::default() }
    }

    pub(super) fn is_blocked(&self) -> bool {
        lock(&self.status).as_ref().is_some_and(|status| status.connected() && status.blocked())
    }

    /// A lane, connecting first when there is no connection.
    pub(super) async fn take(&self) -> Result<Lane<'_>, Fault> {
        let closed = || Fault::transient("amqp-connection", "the publisher is closed");
        let permit = self.free.acquire().await.map_err(|_| closed())?;
        if let Some(channel) = self.idle_channel() {
            return Ok(Lane { channel, _permit: permit });
        }
        let mut link = self.link.lock().await;
        if !link.connection.as_ref().is_some_and(|c| c.status().connected()) {
            self.connect(&mut link).await?;
        }
        let connection = link.connection.as_ref().ok_or_else(closed)?;
        let channel = within(PATIENCE, connection.create_channel()).await?;
        within(PATIENCE, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Lane { channel, _permit: permit })
    }

    /// Gives a lane with nothing outstanding to the next batch.
    pub(super) fn give_back(&self, lane: Lane<'_>) {
        lock(&self.idle).push(lane.channel);
    }

    fn idle_channel(&self) -> Option<Channel> {
        let mut idle = lock(&self.idle);
        idle.retain(|channel| channel.status().connected());
        idle.pop()
    }

    pub(super) async fn close(&self) {
        let mut link = self.link.lock().await;
        lock(&self.idle).clear();
        if let Some(connection) = link.connection.take() {
            connect::close(connection).await;
        }
    }

    async fn connect(&self, link: &mut Link) -> Result<(), Fault> {
        if let Some((until, fault)) = &link.rest
            && Instant::now() < *until
        {
            return Err(fault.clone());
        }
        lock(&self.idle).clear();
        if link.connection.take().is_some() {
            metrics::counter!("dialogpost_reconnects_total", "name" => self.name.clone()).increment(1);
        }
        match connect::connect(&self.url, &format!("{} publish", self.name)).await {
            Ok(connection) => {
                *lock(&self.status) = Some(connection.status().clone());
                link.connection = Some(connection);
                link.delays.reset();
                link.rest = None;
                Ok(())
            }
            Err(fault) => {
                // A refused login, say, is broken, but no message is to blame for it.
                let fault = Fault { class: FaultClass::Transient, ..fault };
                link.rest = Some((Instant::now() + link.delays.next_delay(), fault.clone()));
                Err(fault)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}
