//! A clinic's journal system: an ordinary AMQP client that knows the published schemas and nothing else of ours.

use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use serde_json::{Value, json};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use uuid::Uuid;

/// Where commands go.
pub const COMMANDS: &str = "dialogpost.clinic-commands";
/// Where questions that somebody waits for go.
pub const QUESTIONS: &str = "dialogpost.clinic-commands.sync";
/// How long an answer may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Holds what is called by this name against its published schema.
pub type Judge = fn(&str, &Value);

/// Every command that is sent, every answer and every event that comes is shown to it, once there is one.
pub static JUDGE: OnceLock<Judge> = OnceLock::new();

fn judge(name: &str, value: &Value) {
    if let Some(judge) = JUDGE.get() {
        judge(name, value);
    }
}

/// A journal system.
pub struct Epj {
    channel: Channel,
    replies: String,
    consumer: Mutex<Consumer>,
    /// The name that its messages bear, for which the broker vouches.
    user: Option<String>,
    // Closes with it.
    _connection: Connection,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What it answers.
    pub correlation: String,
    /// Its AMQP message id.
    pub message_id: String,
    /// Its body.
    pub body: Value,
}

impl Epj {
    /// Connects, with a queue of its own for answers.
    pub async fn connect(amqp_url: &str) -> Self {
        let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await.expect("the broker answers");
        let channel = connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), options, FieldTable::default()).await.expect("a queue");
        let replies = queue.name().as_str().to_owned();
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consumer = channel.basic_consume(replies.as_str().into(), "".into(), options, FieldTable::default()).await;
        let consumer = Mutex::new(consumer.expect("a consumer"));
        Self { channel, replies, consumer, user: None, _connection: connection }
    }

    /// The same, and its messages say by whom they are.
    #[must_use]
    pub fn named(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    /// Sends bytes, to be answered under this correlation id.
    pub async fn send_raw(&self, queue: &str, body: &[u8], correlation: &str) {
        let properties = BasicProperties::default().with_reply_to(self.replies.as_str().into());
        self.publish(queue, body, properties.with_correlation_id(correlation.into())).await;
    }

    /// Sends bytes and waits for the broker's word that it has them.
    ///
    /// # Errors
    /// What the broker said instead.
    pub async fn confirmed(&self, queue: &str, body: &[u8]) -> Result<(), String> {
        let told = |error: lapin::Error| error.to_string();
        self.channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(told)?;
        let properties = self.signed(BasicProperties::default().with_reply_to(self.replies.as_str().into()));
        let options = BasicPublishOptions::default();
        let published = self.channel.basic_publish("".into(), queue.into(), options, body, properties).await.map_err(told)?;
        published.await.map_err(told).map(drop)
    }

    /// With the name that this one's messages bear.
    fn signed(&self, properties: BasicProperties) -> BasicProperties {
        match &self.user {
            Some(user) => properties.with_user_id(user.as_str().into()),
            None => properties,
        }
    }

    /// Sends a command without saying where the answer goes.
    pub async fn tell(&self, command: &Value) {
        self.publish(COMMANDS, &serde_json::to_vec(command).expect("JSON"), BasicProperties::default()).await;
    }

    /// As [`Epj::tell`], within a trace of its own; the answer is to come here.
    pub async fn tell_within(&self, traceparent: &str, command: &Value) {
        let mut headers = FieldTable::default();
        headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.into()));
        let properties = BasicProperties::default().with_reply_to(self.replies.as_str().into()).with_headers(headers);
        self.publish(COMMANDS, &serde_json::to_vec(command).expect("JSON"), properties).await;
    }

    async fn publish(&self, queue: &str, body: &[u8], properties: BasicProperties) {
        let properties = properties.with_delivery_mode(2).with_message_id(Uuid::new_v4().to_string().into());
        let properties = self.signed(properties);
        let published = self.channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), body, properties);
        published.await.expect("the broker takes it");
    }

    /// Hears what is told of this routing key on our exchange.
    pub async fn listen(&self, key: &str) -> Heard {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = self.channel.queue_declare("".into(), options, FieldTable::default()).await.expect("a queue");
        let name = queue.name().as_str();
        let bound =
            self.channel.queue_bind(name.into(), "dialogpost".into(), key.into(), Default::default(), FieldTable::default());
        bound.await.expect("a binding");
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consumer = self.channel.basic_consume(name.into(), "".into(), options, FieldTable::default()).await;
        Heard(Mutex::new(consumer.expect("a consumer")))
    }

    /// The next answer, as it came.
    pub async fn next_raw(&self) -> Delivery {
        let delivery = timeout(PATIENCE, async { self.consumer.lock().await.next().await }).await;
        delivery.expect("an answer in time").expect("the connection stays").expect("a delivery")
    }

    /// The next answer, whichever it answers. It fits the published schema.
    pub async fn next(&self) -> Reply {
        let delivery = self.next_raw().await;
        let text = |text: &Option<lapin::types::ShortString>| text.as_ref().map(|t| t.as_str().to_owned()).unwrap_or_default();
        let body: Value = serde_json::from_slice(&delivery.data).expect("JSON");
        judge("Answer", &body);
        Reply {
            correlation: text(delivery.properties.correlation_id()),
            message_id: text(delivery.properties.message_id()),
            body,
        }
    }

    /// Sends a command that fits its schema and waits for its answer.
    pub async fn ask(&self, command: &Value) -> Value {
        self.ask_on(COMMANDS, command).await
    }

    /// Likewise, on another queue.
    pub async fn ask_on(&self, queue: &str, command: &Value) -> Value {
        let name = command["command"].as_str().expect("a name");
        judge(name, command);
        self.ask_anyhow(queue, command).await.body
    }

    /// Likewise of a command that may fit no schema.
    pub async fn ask_anyhow(&self, queue: &str, command: &Value) -> Reply {
        let correlation = Uuid::new_v4().to_string();
        self.send_raw(queue, &serde_json::to_vec(command).expect("JSON"), &correlation).await;
        loop {
            let reply = self.next().await;
            if reply.correlation == correlation {
                return reply;
            }
        }
    }

    /// Asks for what must be done, and gives its result.
    pub async fn done(&self, command: &Value) -> Value {
        let answer = self.ask(command).await;
        assert_eq!(answer["outcome"], "done", "{answer}");
        answer["result"].clone()
    }

    /// Asks for what must be refused, and gives code and field.
    pub async fn refused(&self, command: &Value) -> (String, String) {
        let answer = self.ask_anyhow(COMMANDS, command).await.body;
        assert_eq!(answer["outcome"], "refused", "{answer}");
        let refusal = &answer["refusal"];
        let text = |key: &str| refusal[key].as_str().unwrap_or_default().to_owned();
        assert!(text("norwegian").ends_with('.') && text("english").ends_with('.'), "{refusal}");
        (text("code"), text("field"))
    }

    /// Uploads a file in parts of 256 KiB, the last one first.
    pub async fn upload(&self, clinic: i64, actor: &str, bytes: &[u8]) -> Uuid {
        let upload = Uuid::new_v4();
        let parts: Vec<&[u8]> = bytes.chunks(256 * 1024).collect();
        for (n, part) in parts.iter().enumerate().rev() {
            let arguments = json!({ "upload": upload, "part": n + 1, "parts": parts.len(), "bytes": base64(part) });
            let result = self.done(&command("UploadAttachment", clinic, actor, arguments)).await;
            assert_eq!(result["missing"], n, "parts that are still missing");
        }
        upload
    }
}

/// Events that somebody listens to.
pub struct Heard(Mutex<Consumer>);

impl Heard {
    /// The next. It fits the published schema.
    pub async fn next(&self) -> Value {
        let delivery = timeout(PATIENCE, async { self.0.lock().await.next().await }).await;
        let delivery = delivery.expect("an event in time").expect("the connection stays").expect("a delivery");
        let body: Value = serde_json::from_slice(&delivery.data).expect("JSON");
        judge("Event", &body);
        body
    }
}

/// A new command.
pub fn command(name: &str, clinic: i64, actor: &str, arguments: Value) -> Value {
    json!({ "command": name, "version": 1, "id": Uuid::new_v4(), "clinic": clinic, "actor": actor, "arguments": arguments })
}

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
