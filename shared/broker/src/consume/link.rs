//! One channel, reading one queue.

use super::batch::Ledger;
use crate::connect::{PATIENCE, classify, short, within};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ErrorKind};
use messages::Fault;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// A link that has been quiet for so long is opened anew.
///
/// RabbitMQ 3.10 does not tell a consumer when its quorum queue is deleted and declared again at once: the new queue counts its messages as
/// delivered to the old consumer, whose channel passes none of them on. Neither a cancellation nor the consumer count gives it away.
const QUIET: Duration = Duration::from_secs(20);

/// Why a link gives no more deliveries.
#[derive(Debug)]
pub(super) enum End {
    OfConnection(Fault),
    OfChannel(Fault),
    /// The queue is gone or has moved (trap L7): the channel lives, the stream just ended.
    Cancelled,
}

impl End {
    pub(super) fn of(error: &lapin::Error) -> Self {
        let fault = classify(error);
        let channel_only = error.is_amqp_soft_error()
            || matches!(error.kind(), ErrorKind::InvalidChannel(_) | ErrorKind::InvalidChannelState(..));
        if channel_only { Self::OfChannel(fault) } else { Self::OfConnection(fault) }
    }
}

#[derive(Debug)]
pub(super) struct Link {
    channel: Channel,
    /// None while messages are fetched one by one.
    stream: Option<lapin::Consumer>,
    pub(super) ledger: Arc<Ledger>,
    heard: Instant,
    /// An end that was seen while a batch was being filled.
    pub(super) end: Option<End>,
}

impl Link {
    pub(super) async fn open(connection: &Connection) -> Result<Self, Fault> {
        let channel = within(PATIENCE, connection.create_channel()).await?;
        Ok(Self { channel, stream: None, ledger: Arc::new(Ledger::default()), heard: Instant::now(), end: None })
    }

    pub(super) fn is_consuming(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether it may have gone deaf. Not while a batch is out: closing the channel would give that batch back.
    pub(super) fn is_suspiciously_quiet(&self) -> bool {
        self.is_consuming() && self.heard.elapsed() > QUIET && self.ledger.is_settled()
    }

    pub(super) async fn consume(&mut self, queue: &str, prefetch: u16) -> Result<(), Fault> {
        within(PATIENCE, self.channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
        let tag = short("")?;
        let consuming = self.channel.basic_consume(short(queue)?, tag, BasicConsumeOptions::default(), FieldTable::default());
        self.stream = Some(within(PATIENCE, consuming).await?);
        Ok(())
    }

    /// Stops the flow; what was handed out can still be settled.
    pub(super) fn stop(&mut self) {
        self.stream = None;
    }

    /// One message, if there is any.
    pub(super) async fn get(&self, queue: &str) -> Result<Option<Delivery>, End> {
        let queue = short(queue).map_err(End::OfChannel)?;
        let getting = self.channel.basic_get(queue, BasicGetOptions { no_ack: false });
        match tokio::time::timeout(PATIENCE, getting).await {
            Ok(Ok(message)) => Ok(message.map(|message| message.delivery)),
            Ok(Err(error)) => Err(End::of(&error)),
            Err(_) => Err(End::OfConnection(Fault::transient("amqp-timeout", "no answer from the broker"))),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, End>> {
        match &mut self.stream {
            Some(stream) => stream.poll_next_unpin(cx).map(ended),
            None => Poll::Pending,
        }
    }

    /// What has arrived after the first, up to `most` in all.
    pub(super) fn fill(&mut self, first: Delivery, most: usize) -> Vec<Delivery> {
        self.heard = Instant::now();
        let mut deliveries = vec![first];
        while deliveries.len() < most
            && let Some(item) = self.stream.as_mut().and_then(|stream| stream.next().now_or_never())
        {
            match ended(item) {
                Ok(delivery) => deliveries.push(delivery),
                Err(end) => {
                    self.end = Some(end);
                    break;
                }
            }
        }
        deliveries
    }

    /// Why the connection ended, when this link knows.
    pub(super) fn last_fault(&mut self) -> Option<Fault> {
        let mut end = self.end.take();
        // Deliveries of a dead connection are of no use: they cannot be settled.
        while let Some(Some(item)) = self.stream.as_mut().and_then(|stream| stream.next().now_or_never()) {
            end = item.err().as_ref().map(End::of).or(end);
        }
        match end {
            Some(End::OfConnection(fault)) => Some(fault),
            Some(End::OfChannel(_) | End::Cancelled) | None => None,
        }
    }
}

fn ended(item: Option<lapin::Result<Delivery>>) -> Result<Delivery, End> {
    match item {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(error)) => Err(End::of(&error)),
        None => Err(End::Cancelled),
    }
}
