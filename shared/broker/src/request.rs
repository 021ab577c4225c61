//! One question to a queue of ours and the answer to it, for programs that people start: a connection and a queue for just that.

use crate::connect::{self, AmqpUrl, PATIENCE, short, within};
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};
use messages::Fault;
use std::time::Duration;

/// One question is asked on each connection, and nobody else knows its queue.
const CORRELATION: &str = "1";

/// Sends `body` and waits for what comes back; `None` = nothing did within `patience`. What was sent is done all the same.
///
/// # Errors
/// `amqp-not-found`: there is no such queue; else what the broker said.
pub async fn request(url: &AmqpUrl, queue: &str, body: &[u8], patience: Duration) -> Result<Option<Vec<u8>>, Fault> {
    let connection = connect::connect(url, "dialogpost command").await?;
    let channel = within(PATIENCE, connection.create_channel()).await;
    let answered = async { ask(&channel?, url.user(), queue, body, patience).await }.await;
    connect::close(connection).await;
    answered
}

async fn ask(channel: &Channel, user: &str, queue: &str, body: &[u8], patience: Duration) -> Result<Option<Vec<u8>>, Fault> {
    within(PATIENCE, channel.confirm_select(Default::default())).await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let answers = within(PATIENCE, channel.queue_declare(short("")?, own, FieldTable::default())).await?.name().clone();
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let consuming = channel.basic_consume(answers.clone(), short("")?, options, FieldTable::default());
    let mut consumer = within(PATIENCE, consuming).await?;
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type(short("application/json")?)
        .with_reply_to(answers)
        // Whoever answers some users only must know which this is.
        .with_user_id(short(user)?)
        .with_correlation_id(short(CORRELATION)?);
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let publishing = async {
        channel
            .basic_publish(short("").unwrap_or_default(), short(queue).unwrap_or_default(), options, body, properties)
            .await?
            .await
    };
    match within(PATIENCE, publishing).await? {
        Confirmation::Ack(None) => {}
        Confirmation::Ack(Some(_)) => {
            return Err(Fault::broken("amqp-not-found", format!("there is no queue {queue}: run `dialogpost topology apply`")));
        }
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            return Err(Fault::transient("amqp-nacked", "the broker would not take it"));
        }
    }
    let answer = async {
        loop {
            let delivery = consumer.next().await?.ok()?;
            if delivery.properties.correlation_id().as_ref().is_some_and(|id| id.as_str() == CORRELATION) {
                return Some(delivery.data);
            }
        }
    };
    Ok(tokio::time::timeout(patience, answer).await.unwrap_or(None))
}
