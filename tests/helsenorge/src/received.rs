//! What HelseNorge finds on its queues, and whether it has the shape that every reader understands.

use crate::clock;
use crate::shape::{APPLICATION_SECTION, SECTION};
use broker::amqp10::{PropertiesSection, decode_application_properties, decode_properties};
use bytes::Bytes;
use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, ShortString};
use messages::transport::Properties;
use messages::wire::apprec::ReceivedAppRec;
use messages::wire::{Incoming, Limits, read};
use std::collections::BTreeMap;

/// One message as it lay on a queue.
#[derive(Clone, Debug)]
pub struct Received {
    /// The queue.
    pub queue: String,
    /// What an AMQP 1.0 reader sees: the sections, or the plain view where there is none.
    pub properties: Properties,
    /// What an AMQP 0.9.1 reader sees: basic properties and plain headers.
    pub plain: Properties,
    /// Whether both section headers are there and can be decoded.
    pub has_sections: bool,
    /// Header `delivery_mode`: 2 = persistent.
    pub delivery_mode: Option<u8>,
    /// Basic property `type`: a sender leaves it unset.
    pub kind: Option<String>,
    /// Whether the broker had handed it out before.
    pub redelivered: bool,
    /// The payload.
    pub body: Bytes,
    /// The payload, when it is an AppRec.
    pub apprec: Option<ReceivedAppRec>,
    /// When it was taken off the queue.
    pub at: Timestamp,
}

impl Received {
    pub(crate) fn of(queue: &str, delivery: lapin::message::Delivery) -> Self {
        let basic = &delivery.properties;
        let header = |key: &str| basic.headers().as_ref().and_then(|h| h.inner().get(key)).map(bytes_of);
        let section = header(SECTION).and_then(|bytes| decode_properties(bytes).ok());
        let application = header(APPLICATION_SECTION).and_then(|bytes| decode_application_properties(bytes).ok());
        let plain = plain(basic);
        Self {
            queue: queue.to_owned(),
            has_sections: section.is_some() && application.is_some(),
            properties: in_sections(section, application, &plain),
            plain,
            delivery_mode: *basic.delivery_mode(),
            kind: text(basic.kind()),
            redelivered: delivery.redelivered,
            apprec: apprec(&delivery.data),
            body: delivery.data.into(),
            at: clock::now(),
        }
    }

    /// An application property.
    pub fn application(&self, key: &str) -> Option<&str> {
        self.properties.application(key)
    }

    /// What a sender to HelseNorge must do and this one has not: empty when all is well.
    pub fn shape_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut demand = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        let p = &self.properties;
        demand(self.has_sections, "both section headers must be there");
        demand(self.delivery_mode == Some(2), "it must be persistent");
        demand(self.kind.is_none(), "the basic property type must be unset");
        demand(self.plain == *p, "sections and plain view must say the same");
        demand(p.message_id.as_deref().is_some_and(|id| !id.is_empty()), "message-id is missing");
        demand(p.subject.as_deref().is_some_and(|subject| !subject.is_empty()), "subject is missing");
        demand(p.to.as_deref() == Some(&self.queue), "to must be the bare name of this queue");
        demand(p.content_type.is_some(), "content-type is missing");
        demand(p.reply_to.as_deref().is_none_or(|queue| !queue.contains('/')), "reply-to must be a bare queue name");
        for key in ["fromHerId", "toHerId", "applicationTimeStamp"] {
            demand(p.application(key).is_some(), &format!("{key} is missing"));
        }
        faults
    }
}

fn in_sections(
    section: Option<PropertiesSection>,
    application: Option<BTreeMap<String, String>>,
    plain: &Properties,
) -> Properties {
    let application = application.unwrap_or_else(|| plain.application.clone());
    match section {
        Some(s) => Properties {
            message_id: s.message_id,
            correlation_id: s.correlation_id,
            subject: s.subject,
            to: s.to,
            reply_to: s.reply_to,
            content_type: s.content_type,
            ttl_ms: plain.ttl_ms,
            application,
        },
        None => Properties { application, ..plain.clone() },
    }
}

fn plain(basic: &BasicProperties) -> Properties {
    let headers = basic.headers().as_ref().into_iter().flatten();
    let ours = headers.filter(|(key, _)| !key.as_str().starts_with("x-"));
    let texts = ours.map(|(key, value)| (key.as_str().to_owned(), String::from_utf8_lossy(bytes_of(value)).into_owned()));
    let mut application: BTreeMap<String, String> = texts.collect();
    Properties {
        message_id: text(basic.message_id()),
        correlation_id: text(basic.correlation_id()),
        subject: application.remove("subject"),
        to: application.remove("to"),
        reply_to: text(basic.reply_to()),
        content_type: text(basic.content_type()),
        ttl_ms: basic.expiration().as_ref().and_then(|ms| ms.as_str().parse().ok()),
        application,
    }
}

fn text(field: &Option<ShortString>) -> Option<String> {
    field.as_ref().map(|text| text.as_str().to_owned())
}

/// Every value of ours is a string; anything else shows as empty.
fn bytes_of(value: &AMQPValue) -> &[u8] {
    match value {
        AMQPValue::LongString(text) => text.as_bytes(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice(),
        _ => &[],
    }
}

fn apprec(body: &[u8]) -> Option<ReceivedAppRec> {
    match read(body, &Limits::default()).ok()?.incoming {
        Incoming::AppRec(apprec) => Some(*apprec),
        _ => None,
    }
}
