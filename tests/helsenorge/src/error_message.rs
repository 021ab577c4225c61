//! HelseNorge's notice that it could not process what a clinic sent.

use crate::clock;
use crate::example::{HELSENORGE, error_queue};
use crate::message::Sent;
use bytes::Bytes;
use messages::transport::Properties;
use uuid::Uuid;

/// Which version of HelseNorge's messaging library writes it: all three are met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// A message of its own with everything a receiver may look for.
    #[default]
    Complete,
    /// A message of its own without content type and correlation id.
    WithoutContentType,
    /// A clone of the original, its message id included, with the error added.
    Clone,
}

/// A notice in the making; its body is empty.
#[derive(Clone, Debug)]
pub struct ErrorMessage {
    original: Properties,
    condition: String,
    description: String,
    data: Option<String>,
    generation: Generation,
    transport_id: String,
}

impl ErrorMessage {
    /// About a message with these properties, to the error queue of its `fromHerId`.
    pub fn about(original: &Properties) -> Self {
        Self {
            original: original.clone(),
            condition: "transport:internal-error".to_owned(),
            description: "Internal error".to_owned(),
            data: None,
            generation: Generation::default(),
            transport_id: Uuid::new_v4().to_string(),
        }
    }

    /// `errorCondition` and `errorDescription`.
    #[must_use]
    pub fn condition(mut self, condition: &str, description: &str) -> Self {
        condition.clone_into(&mut self.condition);
        description.clone_into(&mut self.description);
        self
    }

    /// `errorConditionData`: items each followed by `;`.
    #[must_use]
    pub fn data(mut self, data: &str) -> Self {
        self.data = Some(data.to_owned());
        self
    }

    /// Written by this version of the library.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// AMQP `message-id`; a clone keeps the original's.
    #[must_use]
    pub fn transport_id(mut self, id: impl Into<String>) -> Self {
        self.transport_id = id.into();
        self
    }

    /// The notice with its properties.
    ///
    /// # Panics
    /// When the original has no `fromHerId` that is a number.
    pub fn build(&self) -> Sent {
        let sender = self.original.application("fromHerId").and_then(|id| id.parse().ok());
        let queue = error_queue(sender.expect("the original has a numeric fromHerId"));
        let properties = match self.generation {
            Generation::Clone => self.clone_of_original(),
            Generation::Complete | Generation::WithoutContentType => self.message_of_its_own(&queue),
        };
        let transport_id = properties.message_id.clone().unwrap_or_default();
        Sent { transport_id, msg_id: String::new(), queue, properties, body: Bytes::new() }
    }

    fn message_of_its_own(&self, queue: &str) -> Properties {
        let complete = self.generation == Generation::Complete;
        let protected = "application/pkcs7-mime; smime-type=signed-and-enveloped-data";
        let mut properties = Properties {
            message_id: Some(self.transport_id.clone()),
            correlation_id: self.original.correlation_id.clone().filter(|_| complete),
            subject: self.original.subject.clone(),
            to: Some(queue.to_owned()),
            content_type: complete.then(|| protected.to_owned()),
            ..Properties::default()
        };
        let receiver = self.original.application("toHerId").map_or_else(|| HELSENORGE.to_string(), str::to_owned);
        let sender = self.original.application("fromHerId").unwrap_or_default().to_owned();
        for (key, value) in [("fromHerId", receiver), ("toHerId", sender)] {
            properties.application.insert(key.to_owned(), value);
        }
        self.add_error(&mut properties);
        properties
    }

    /// Not even the HER-ids are swapped.
    fn clone_of_original(&self) -> Properties {
        let mut properties = self.original.clone();
        self.add_error(&mut properties);
        properties
    }

    fn add_error(&self, properties: &mut Properties) {
        let now = clock::now();
        let keys = [
            ("applicationTimeStamp", Some(clock::application_time_stamp(now))),
            ("enqueuedTimeUtc", Some(clock::enqueued_time(now))),
            ("originalMessageId", Some(self.original.message_id.clone().unwrap_or_default())),
            ("receiverTimeStamp", Some(now.strftime("%m/%d/%Y %H:%M:%S").to_string())),
            ("errorCondition", Some(self.condition.clone())),
            ("errorDescription", Some(self.description.clone())),
            ("errorConditionData", self.data.clone()),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                properties.application.entry(key.to_owned()).or_insert(value);
            }
        }
    }
}
