//! HelseNorge over AMQP 1.0: the client library of other vendors, run as a child process.

use crate::message::Sent;
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use messages::transport::Properties;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The system's own, which sees Debian's packages.
const PYTHON: &str = "/usr/bin/python3";
const SCRIPT: &str = include_str!("../proton/helsenorge.py");

/// An AMQP 1.0 client for one broker.
#[derive(Clone, Debug)]
pub struct Proton {
    url: String,
    exchange: String,
}

/// One message as an AMQP 1.0 reader gets it.
#[derive(Clone, Debug)]
pub struct ProtonReceived {
    /// All properties; ids and values as text.
    pub properties: Properties,
    /// Python's name for the type of `message-id`: `str`, `UUID`, `ulong`.
    pub message_id_type: String,
    /// The same for `correlation-id`; `NoneType` when there is none.
    pub correlation_id_type: String,
    /// The types of application properties, each once.
    pub application_types: Vec<String>,
    /// Names of message annotations.
    pub annotations: Vec<String>,
    /// Header `durable`.
    pub durable: bool,
    /// The payload.
    pub body: Bytes,
    /// Whether the payload came as a data section.
    pub body_is_data: bool,
}

/// How [`Proton::send`] differs from HelseNorge's usual way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtonOptions {
    /// Send both ids as AMQP UUIDs; they must be some.
    pub uuid_ids: bool,
    /// Ask for persistence.
    pub durable: bool,
}

impl Proton {
    /// Looks for the client library.
    ///
    /// # Errors
    /// [`Trouble::NoProton`] names the package to install.
    pub async fn find(amqp_url: &str, exchange: &str) -> Result<Self, Trouble> {
        if !Path::new(PYTHON).exists() {
            return Err(Trouble::NoProton(format!("there is no {PYTHON}")));
        }
        let tried = Command::new(PYTHON).args(["-c", "import proton"]).output().await;
        match tried {
            Ok(output) if output.status.success() => Ok(Self { url: amqp_url.to_owned(), exchange: exchange.to_owned() }),
            Ok(output) => Err(Trouble::NoProton(last_line(&output.stderr))),
            Err(error) => Err(Trouble::NoProton(error.to_string())),
        }
    }

    /// Sends a message as HelseNorge does: not durable, ids as strings, one data section. RabbitMQ 3.10 says "accepted" even when no
    /// queue takes it.
    ///
    /// # Errors
    /// [`Trouble::Proton`].
    pub async fn send(&self, message: &Sent) -> Result<(), Trouble> {
        self.send_with(message, ProtonOptions::default()).await
    }

    /// Sends a message in another way.
    ///
    /// # Errors
    /// Like [`Proton::send`].
    pub async fn send_with(&self, message: &Sent, options: ProtonOptions) -> Result<(), Trouble> {
        let mut input = serde_json::to_value(&message.properties).map_err(|e| Trouble::Proton(e.to_string()))?;
        input["body"] = json!(STANDARD.encode(&message.body));
        input["uuid_ids"] = json!(options.uuid_ids);
        input["durable"] = json!(options.durable);
        self.run(&["send", &message.queue], &input).await.map(|_| ())
    }

    /// Takes up to `count` messages off a queue, waiting at most `patience` for them all.
    ///
    /// # Errors
    /// [`Trouble::Proton`].
    pub async fn receive(&self, queue: &str, count: usize, patience: Duration) -> Result<Vec<ProtonReceived>, Trouble> {
        let (count, patience) = (count.to_string(), patience.as_secs_f64().to_string());
        let arguments = ["receive", queue, "--count", &count, "--timeout", &patience];
        let output = self.run(&arguments, &Value::Null).await?;
        output.lines().map(|line| Printed::read(line).ok_or_else(|| Trouble::Proton("unreadable output".to_owned()))).collect()
    }

    /// Addresses and passwords go through the environment and messages through standard input: command lines are for all to see.
    async fn run(&self, arguments: &[&str], input: &Value) -> Result<String, Trouble> {
        let failed = |error: std::io::Error| Trouble::Proton(error.to_string());
        let mut child = Command::new(PYTHON)
            .args(["-c", SCRIPT])
            .args(arguments)
            .env("NHN_AMQP_URL", &self.url)
            .env("NHN_EXCHANGE", &self.exchange)
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A client that fails at once has not read it; its own words say more.
            let _ = stdin.write_all(input.to_string().as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(failed)?;
        if !output.status.success() {
            return Err(Trouble::Proton(last_line(&output.stderr)));
        }
        String::from_utf8(output.stdout).map_err(|_| Trouble::Proton("unreadable output".to_owned()))
    }
}

/// A line of the script's output.
#[derive(Deserialize)]
struct Printed {
    properties: Properties,
    message_id_type: String,
    correlation_id_type: String,
    application_types: Vec<String>,
    annotations: Vec<String>,
    durable: bool,
    body: String,
    body_is_data: bool,
}

impl Printed {
    fn read(line: &str) -> Option<ProtonReceived> {
        let printed: Self = serde_json::from_str(line).ok()?;
        Some(ProtonReceived {
            properties: printed.properties,
            message_id_type: printed.message_id_type,
            correlation_id_type: printed.correlation_id_type,
            application_types: printed.application_types,
            annotations: printed.annotations,
            durable: printed.durable,
            body: STANDARD.decode(printed.body).ok()?.into(),
            body_is_data: printed.body_is_data,
        })
    }
}

fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.trim().lines().last().unwrap_or_default().to_owned()
}
