//! The publisher's connection and its channels, each lent to one batch at a time.

use crate::connect::{self, AmqpUrl, PATIENCE, within};
use crate::reconnect::{Delays, Policy};
use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, ConnectionStatus};
use messages::Fault;
use std::fmt;
use std::sync::{Mutex, PoisonError};
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
    status: Mutex<Option<ConnectionStatus>>,
}

struct Link {
    connection: Option<Connection>,
    idle: Vec<Channel>,
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
        let link = Link { connection: None, idle: Vec::new(), delays: Delays::new(POLICY), rest: None };
        Self { url, name, free: Semaphore::new(LANES), link: tokio::sync::Mutex::new(link), status: Mutex::new(None) }
    }

    pub(super) fn is_blocked(&self) -> bool {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.as_ref().is_some_and(|status| status.connected() && status.blocked())
    }

    /// A lane, connecting first when there is no connection.
    pub(super) async fn take(&self) -> Result<Lane<'_>, Fault> {
        let closed = || Fault::transient("amqp-connection", "the publisher is closed");
        let permit = self.free.acquire().await.map_err(|_| closed())?;
        let mut link = self.link.lock().await;
        if !link.connection.as_ref().is_some_and(|c| c.status().connected()) {
            self.connect(&mut link).await?;
        }
        while let Some(channel) = link.idle.pop() {
            if channel.status().connected() {
                return Ok(Lane { channel, _permit: permit });
            }
        }
        let connection = link.connection.as_ref().ok_or_else(closed)?;
        let channel = within(PATIENCE, connection.create_channel()).await?;
        within(PATIENCE, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Lane { channel, _permit: permit })
    }

    /// Gives a lane with nothing outstanding to the next batch.
    pub(super) fn give_back(&self, lane: Lane<'_>) {
        // When another batch holds the link just now, a fresh channel later is cheaper than waiting.
        if let Ok(mut link) = self.link.try_lock() {
            link.idle.push(lane.channel);
        }
    }

    pub(super) async fn close(&self) {
        let mut link = self.link.lock().await;
        link.idle.clear();
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
        link.idle.clear();
        if link.connection.take().is_some() {
            metrics::counter!("dialogpost_reconnects_total", "name" => self.name.clone()).increment(1);
        }
        match connect::connect(&self.url, &format!("{} publish", self.name)).await {
            Ok(connection) => {
                *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.status().clone());
                link.connection = Some(connection);
                link.delays.reset();
                link.rest = None;
                Ok(())
            }
            Err(fault) => {
                link.rest = Some((Instant::now() + link.delays.next_delay(), fault.clone()));
                Err(fault)
            }
        }
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}
