//! Bytes → what the rules decide on.

use crate::opening::unprotected;
use bytes::Bytes;
use domain::arrival::{Arrival, Keys, Payload, packing};
use domain::transport::{Lane, Packing, is_code};
use messages::person_id::TestSeries;
use messages::transport::Delivery;
use messages::wire::{Incoming, Limits, read};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A delivery as this worker reads it.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Ledger id given to it.
    pub id: Uuid,
    /// What makes it happen once.
    pub key: String,
    /// What the rules decide on.
    pub arrival: Arrival,
    /// What to ask the store.
    pub keys: Keys,
    /// Whether it is sealed and wants opening.
    pub wants_opening: bool,
    /// Its bytes.
    pub raw: Bytes,
    /// The queue it first came from.
    pub queue: String,
}

impl Arrived {
    /// Reads a delivery; never fails.
    pub fn read(delivery: &Delivery, lane: Lane, reading: &Reading) -> Self {
        let packing = packing(lane, &delivery.properties);
        let payload = match packing {
            Packing::Protected => Payload::Closed,
            Packing::Plain | Packing::Soap => reading.unprotected(delivery, lane, packing),
        };
        let received_at = delivery.first_received_at();
        let arrival = Arrival { lane, properties: delivery.properties.clone(), payload, received_at };
        Self {
            id: delivery.properties.ledger_id().unwrap_or_else(Uuid::now_v7),
            key: key(delivery, lane),
            keys: arrival.keys(&reading.series),
            arrival,
            wants_opening: packing == Packing::Protected && lane != Lane::Error,
            raw: delivery.body.clone(),
            queue: delivery.origin_queue().to_owned(),
        }
    }

    /// Goes on with what was opened.
    pub fn opened(&mut self, payload: Payload, reading: &Reading) {
        self.arrival.payload = payload;
        self.keys = self.arrival.keys(&reading.series);
    }
}

/// How payloads are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Limits of the reader.
    pub limits: Limits,
    /// Test series of identity numbers.
    pub series: TestSeries,
    /// Whether unprotected content is read at all.
    pub plain: bool,
}

impl Reading {
    /// The payload of a message that is not sealed. Only what is no message at all may be so: notices that something failed.
    fn unprotected(&self, delivery: &Delivery, lane: Lane, packing: Packing) -> Payload {
        let payload = self.payload(&delivery.body);
        let is_fault = matches!(&payload, Payload::Read(read) if matches!(read.incoming, Incoming::SoapFault(_)));
        // Without a content type it is refused for that, on the lanes whose messages are answered; the payload may tell its function.
        let is_refused_anyway = matches!(lane, Lane::Async | Lane::Sync) && delivery.properties.content_type.is_none();
        if lane == Lane::Error || is_refused_anyway || (packing == Packing::Soap && is_fault) {
            return payload;
        }
        unprotected(self.plain).map_or(payload, Payload::Unopened)
    }

    /// Reads content; never fails.
    pub fn payload(&self, content: &[u8]) -> Payload {
        match read(content, &self.limits) {
            Ok(read) => Payload::Read(Box::new(read)),
            Err(error) => Payload::Unreadable(error),
        }
    }
}

/// Unique for (`fromHerId`, message id); a message without an id is known by its body (nhn-messaging 3.2). Error messages of an old kind
/// copy the id of the message they are about (2.5), so their condition counts too. What is too long for an index entry, or no code and so
/// perhaps something that somebody wrote, is hashed.
fn key(delivery: &Delivery, lane: Lane) -> String {
    let p = &delivery.properties;
    let from = p.application("fromHerId").unwrap_or_default();
    let condition = match lane {
        Lane::Async | Lane::Sync | Lane::SyncReply => "",
        Lane::Error => p.application("errorCondition").unwrap_or("error"),
    };
    match p.message_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) if [from, id, condition].iter().all(|part| part.is_empty() || is_code(part)) => {
            format!("{from}/{id}/{condition}")
        }
        Some(id) => format!("sha256/{}", digest(&[from.as_bytes(), id.as_bytes(), condition.as_bytes()])),
        None => format!("sha256/{}", digest(&[from.as_bytes(), &delivery.body, condition.as_bytes()])),
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use messages::transport::Properties;

    fn delivery(from: &str, id: Option<&str>, body: &'static [u8]) -> Delivery {
        let mut properties = Properties { message_id: id.map(str::to_owned), ..Properties::default() };
        properties.application.insert("fromHerId".into(), from.into());
        Delivery {
            queue: "q".into(),
            redelivered: false,
            properties,
            deviations: vec![],
            body: Bytes::from_static(body),
            received_at: Timestamp::UNIX_EPOCH,
            user: None,
        }
    }

    fn key_of(from: &str, id: Option<&str>, body: &'static [u8]) -> String {
        key(&delivery(from, id, body), Lane::Async)
    }

    #[test]
    fn keys_tell_senders_ids_and_bodies_apart() {
        assert_eq!(key_of("1", Some("a"), b"x"), key_of("1", Some("a"), b"y"));
        assert_ne!(key_of("1", Some("a"), b"x"), key_of("2", Some("a"), b"x"));
        assert_ne!(key_of("1", None, b"x"), key_of("1", None, b"y"));
        assert_eq!(key_of("1", None, b"x"), key_of("1", None, b"x"));
        let long = "i".repeat(300);
        assert!(key_of("1", Some(&long), b"").len() < 100);
        assert!(!key_of("Line Danser", Some("a"), b"").contains("Line"), "what somebody wrote is no key");
    }
}
