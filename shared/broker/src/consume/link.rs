//! One channel, reading one queue.

use super::ledger::Ledger;
use crate::connect::{PATIENCE, classify, short, within};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ErrorKind, Event};
use messages::Fault;
use messages::transport::BYTES;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// A batch that holds this much takes no more: messages with attachments must not add up to what no transaction carries.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;

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
    /// Nothing has come for so long that it may be deaf.
    Quiet,
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
    /// Since when every look has found it empty.
    quiet_since: Option<Instant>,
    /// An end that was seen while a batch was being filled.
    pub(super) end: Option<End>,
}

impl Link {
    pub(super) async fn open(connection: &Connection) -> Result<Self, Fault> {
        let channel = within(PATIENCE, connection.create_channel()).await?;
        Ok(Self { channel, stream: None, ledger: Arc::new(Ledger::default()), quiet_since: None, end: None })
    }

    pub(super) fn is_consuming(&self) -> bool {
        self.stream.is_some()
    }

    pub(super) async fn consume(&mut self, queue: &str, prefetch: u16) -> Result<(), Fault> {
        // Zero would mean: without limit.
        within(PATIENCE, self.channel.basic_qos(prefetch.max(1), BasicQosOptions { global: false })).await?;
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
    pub(super) async fn get(&self, connection: &Connection, queue: &str) -> Result<Option<Delivery>, End> {
        let queue = short(queue).map_err(End::OfChannel)?;
        // lapin leaves a get unanswered whose answer broke the connection; what it says about the connection itself comes here.
        let broken = connection.events_listener().filter_map(|event| std::future::ready(end_of_connection(event)));
        let mut broken = std::pin::pin!(broken);
        tokio::select! {
            biased;
            answer = self.channel.basic_get(queue, BasicGetOptions { no_ack: false }) => match answer {
                Ok(message) => Ok(message.map(|message| message.delivery)),
                Err(error) => Err(End::of(&error)),
            },
            Some(end) = broken.next() => Err(end),
            () = tokio::time::sleep(PATIENCE) => Err(End::OfConnection(Fault::transient("amqp-timeout", "no answer from the broker"))),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, End>> {
        let Some(stream) = &mut self.stream else { return Poll::Pending };
        if let Poll::Ready(item) = stream.poll_next_unpin(cx) {
            self.quiet_since = None;
            return Poll::Ready(ended(item));
        }
        // Judged only now that it is known to be empty, and with no batch out: closing the channel gives back what is on it.
        let since = *self.quiet_since.get_or_insert_with(Instant::now);
        if since.elapsed() > QUIET && self.ledger.is_settled() { Poll::Ready(Err(End::Quiet)) } else { Poll::Pending }
    }

    /// What has arrived after the first, up to `most` in all.
    pub(super) fn fill(&mut self, first: Delivery, most: usize) -> Vec<Delivery> {
        let mut bytes = weight(&first);
        let mut deliveries = vec![first];
        while deliveries.len() < most
            && bytes < BATCH_BYTES
            && let Some(item) = self.stream.as_mut().and_then(|stream| stream.next().now_or_never())
        {
            match ended(item) {
                Ok(delivery) => {
                    bytes = bytes.saturating_add(weight(&delivery));
                    deliveries.push(delivery);
                }
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
            Some(End::OfChannel(_) | End::Cancelled | End::Quiet) | None => None,
        }
    }
}

/// As [`messages::transport::Delivery::weight`], of what is not read yet.
fn weight(delivery: &Delivery) -> usize {
    let headers = delivery.properties.headers().as_ref().map(|table| table.inner());
    let about = headers.and_then(|headers| match headers.get(BYTES)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.parse().ok(),
        _ => None,
    });
    delivery.data.len().saturating_add(about.unwrap_or(0))
}

fn end_of_connection(event: Event) -> Option<End> {
    match event {
        Event::Error(error) => Some(End::of(&error)).filter(|end| matches!(end, End::OfConnection(_))),
        _ => None,
    }
}

fn ended(item: Option<lapin::Result<Delivery>>) -> Result<Delivery, End> {
    match item {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(error)) => Err(End::of(&error)),
        None => Err(End::Cancelled),
    }
}
