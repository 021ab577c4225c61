//! A message's properties out of every shape a broker delivers (nhn-messaging 7.1), and into every shape a receiver reads (7.3).
//!
//! Three generations of RabbitMQ show an AMQP 1.0 message differently: 3.x hides its properties in two section headers, 4.x turns application
//! properties into plain headers and drops `subject` and `to`. Sections win over headers, headers over basic properties.

mod headers;

use crate::amqp10::{self, PropertiesSection, SectionError};
use crate::connect::{FRAME_MAX, short};
use bytes::Bytes;
use headers::Headers;
use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use messages::Fault;
use messages::transport::{Delivery, Outgoing, Properties, TRACEPARENT, Wire};
use std::collections::BTreeMap;

const SECTION: &str = "x-amqp-1.0-properties";
const APPLICATION_SECTION: &str = "x-amqp-1.0-app-properties";
/// Plain headers for the two fields that AMQP 0.9.1 has no property for.
const SUBJECT: &str = "subject";
const TO: &str = "to";
/// What some senders call the subject.
const LABEL: &str = "Label";
/// The type of the payload as its sender's library copied it out; unauthenticated.
const PAYLOAD_TYPE: &str = "X-MessageInfo-Type";
/// Names and values of all headers together, in bytes: to NHN they travel twice, and all fit into one frame with everything else.
const MAX_HEADERS: usize = (FRAME_MAX as usize - 8 * 1024) / 2;

const PERSISTENT: u8 = 2;
/// How the names of our own queues begin.
const OURS: &str = "dialogpost.";
/// How the names of properties begin that steer our own retries and dead letters.
const STEERING: [&str; 3] = ["dialogpost-", "x-first-death-", "x-death"];

/// Reads one delivery. Whatever is odd about it becomes a deviation, never an error: a batch must not fall with one message.
///
/// Ids stay as given, `urn:uuid:` of 4.x included: they are compared with what our own side has written. Timestamps of the broker are ignored
/// (3.x writes milliseconds where seconds belong).
pub(crate) fn decode(queue: &str, delivery: lapin::message::Delivery, received_at: Timestamp) -> Delivery {
    let basic = &delivery.properties;
    let mut deviations = Vec::new();
    let headers = Headers::read(basic.headers().as_ref(), &mut deviations);
    let mut properties = merge(headers, basic, &mut deviations);
    without_nul(&mut properties, &mut deviations);
    if !queue.starts_with(OURS) {
        // What steers our own retries and dead letters is nobody else's to set, nor are our traces anybody else's.
        properties.application.retain(|key, _| key != TRACEPARENT && !STEERING.iter().any(|prefix| key.starts_with(prefix)));
    }
    let user = basic.user_id().as_ref().map(|user| user.as_str().to_owned());
    let body = payload(basic.kind().as_ref().map(ShortString::as_str), delivery.data, &mut deviations);
    deviations.sort_unstable();
    deviations.dedup();
    Delivery {
        queue: queue.to_owned(),
        redelivered: delivery.redelivered,
        properties,
        deviations,
        body: Bytes::from(body),
        received_at,
        user,
    }
}

/// Postgres holds no NUL in text, and nobody needs one here: each becomes U+FFFD.
fn without_nul(p: &mut Properties, deviations: &mut Vec<&'static str>) {
    let mut found = false;
    let mut clean = |text: &mut String| {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{FFFD}");
            found = true;
        }
    };
    let fields = [&mut p.message_id, &mut p.correlation_id, &mut p.subject, &mut p.to, &mut p.reply_to, &mut p.content_type];
    fields.into_iter().flatten().for_each(&mut clean);
    p.application.values_mut().for_each(&mut clean);
    if p.application.keys().any(|key| key.contains('\0')) {
        p.application =
            std::mem::take(&mut p.application).into_iter().map(|(key, value)| (key.replace('\0', "\u{FFFD}"), value)).collect();
        found = true;
    }
    if found {
        deviations.push("nul-replaced");
    }
}

fn merge(headers: Headers, basic: &BasicProperties, deviations: &mut Vec<&'static str>) -> Properties {
    let Headers { section, mut application, plain, subject, to, message_id, correlation_id } = headers;
    for (key, value) in plain {
        match application.get(&key) {
            Some(other) if *other != value => deviations.push("application-property-differs"),
            Some(_) => {}
            None => {
                application.insert(key, value);
            }
        }
    }
    let label = application.get(LABEL).cloned();
    let basic_text = |field: &Option<ShortString>| field.as_ref().map(|text| text.as_str().to_owned());
    let mut prefer = |section: Option<String>, other: Option<String>, deviation| {
        if let (Some(a), Some(b)) = (&section, &other)
            && bare_queue_name(a) != bare_queue_name(b)
        {
            deviations.push(deviation);
        }
        section.or(other)
    };
    let properties = Properties {
        message_id: prefer(section.message_id, message_id.or_else(|| basic_text(basic.message_id())), "message-id-differs"),
        correlation_id: prefer(
            section.correlation_id,
            correlation_id.or_else(|| basic_text(basic.correlation_id())),
            "correlation-id-differs",
        ),
        subject: prefer(section.subject, subject.or(label), "subject-differs"),
        to: prefer(section.to, to, "to-differs"),
        reply_to: prefer(section.reply_to, basic_text(basic.reply_to()), "reply-to-differs"),
        content_type: prefer(section.content_type, basic_text(basic.content_type()), "content-type-differs"),
        ttl_ms: basic.expiration().as_ref().and_then(|text| text.as_str().parse().ok()).filter(|ms| *ms > 0),
        application,
    };
    if let (Some(subject), Some(payload_type)) = (&properties.subject, properties.application(PAYLOAD_TYPE))
        && !subject.eq_ignore_ascii_case(payload_type)
    {
        deviations.push("payload-type-differs");
    }
    properties
}

/// The payload by the message's `type`: raw, or inside AMQP 1.0 sections.
fn payload(kind: Option<&str>, raw: Vec<u8>, deviations: &mut Vec<&'static str>) -> Vec<u8> {
    let announced = kind == Some("amqp-1.0");
    // Neither XML nor CMS starts like this: a section that nobody announced.
    let looks_wrapped = matches!(raw.as_slice(), [0x00, 0x53, 0x75 | 0x77, ..]);
    if !announced && !looks_wrapped {
        return raw;
    }
    match amqp10::decode_body(&raw) {
        Ok(body) if announced => body,
        Ok(body) => {
            deviations.push("body-section-unannounced");
            body
        }
        Err(_) => {
            let starts_like_one = raw.first() == Some(&0x00);
            deviations.push(if starts_like_one { "body-unsupported" } else { "body-type-differs" });
            raw
        }
    }
}

/// Writes what a message carries besides its body. Both views, sections and plain, come from the one [`Properties`].
///
/// `type` stays unset and no timestamp is written, see nhn-messaging 7.3. Headers that brokers write themselves (`x-death` and the like) are
/// not repeated; application properties called `subject` or `to` travel in the section only.
///
/// # Errors
/// `amqp-property-too-long` and `amqp-properties-too-large`: this message can never be sent as it is.
pub(crate) fn encode(outgoing: &Outgoing) -> Result<BasicProperties, Fault> {
    let p = &outgoing.properties;
    let application = carried(&p.application, outgoing.wire);
    let fields = [&p.subject, &p.to].into_iter().flatten().map(String::len);
    let size: usize = application.iter().map(|(key, value)| key.len() + value.len()).chain(fields).sum();
    if size > MAX_HEADERS {
        return Err(too_large());
    }
    let mut headers = plain_headers(p, &application)?;
    if outgoing.wire == Wire::Nhn {
        let section = PropertiesSection {
            message_id: Some(message_id(outgoing)),
            to: p.to.clone(),
            subject: p.subject.clone(),
            reply_to: p.reply_to.clone(),
            correlation_id: p.correlation_id.clone(),
            content_type: p.content_type.clone(),
        };
        let unfit = |_: SectionError| too_large();
        insert(&mut headers, SECTION, amqp10::encode_properties(&section).map_err(unfit)?)?;
        insert(&mut headers, APPLICATION_SECTION, amqp10::encode_application_properties(&application).map_err(unfit)?)?;
    }
    let mut basic = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
        .with_message_id(short(&message_id(outgoing))?);
    if let Some(text) = &p.correlation_id {
        basic = basic.with_correlation_id(short(text)?);
    }
    if let Some(text) = &p.reply_to {
        basic = basic.with_reply_to(short(text)?);
    }
    if let Some(text) = &p.content_type {
        basic = basic.with_content_type(short(text)?);
    }
    if let Some(ttl) = p.ttl_ms.filter(|ttl| *ttl > 0) {
        basic = basic.with_expiration(short(&ttl.to_string())?);
    }
    Ok(basic)
}

/// The id a message travels under: its own, or that of its outbox row.
pub(crate) fn message_id(outgoing: &Outgoing) -> String {
    outgoing.properties.message_id.clone().unwrap_or_else(|| outgoing.id.to_string())
}

fn carried(application: &BTreeMap<String, String>, wire: Wire) -> BTreeMap<String, String> {
    const BROKERS_OWN: [&str; 8] = [
        "x-death",
        "x-first-death-",
        "x-last-death-",
        "x-delivery-count",
        "x-acquired-count",
        "x-amqp-1.0-",
        "x-message-id",
        "x-correlation-id",
    ];
    let skipped = |key: &str| match wire {
        Wire::Nhn => key.starts_with("x-") || key == TRACEPARENT,
        Wire::Dialogpost => BROKERS_OWN.iter().any(|own| key.starts_with(own)),
    };
    application.iter().filter(|(key, _)| !skipped(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn plain_headers(p: &Properties, application: &BTreeMap<String, String>) -> Result<FieldTable, Fault> {
    let mut headers = FieldTable::default();
    for (key, value) in application.iter().filter(|(key, _)| *key != SUBJECT && *key != TO) {
        insert(&mut headers, key, value.as_bytes())?;
    }
    for (key, field) in [(SUBJECT, &p.subject), (TO, &p.to)] {
        if let Some(text) = field {
            insert(&mut headers, key, text.as_bytes())?;
        }
    }
    Ok(headers)
}

fn insert(headers: &mut FieldTable, key: &str, value: impl Into<Vec<u8>>) -> Result<(), Fault> {
    headers.insert(short(key)?, AMQPValue::LongString(value.into().into()));
    Ok(())
}

fn too_large() -> Fault {
    Fault::broken(
        "amqp-properties-too-large",
        format!("more than {} properties or {MAX_HEADERS} bytes of them", amqp10::MAX_ENTRIES),
    )
}

/// The queue that an address means, for every form of address in use (nhn-messaging 4.3): what follows the last slash, percent-decoded in
/// the forms of RabbitMQ 4 only.
pub fn bare_queue_name(address: &str) -> String {
    let address = address.trim();
    let name = address.rsplit('/').next().unwrap_or(address);
    let encoded = address.starts_with("/queues/") || address.starts_with("/exchanges/");
    encoded.then(|| percent_decoded(name)).flatten().unwrap_or_else(|| name.to_owned())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = digits.iter().map(|d| char::from(*d).to_digit(16)).collect::<Option<Vec<_>>>()?;
            bytes.push(u8::try_from(digits.iter().fold(0, |n, d| n * 16 + d)).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
