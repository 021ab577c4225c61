//! What we write ourselves, on its way to a party (nhn-messaging 4.1, 4.3).

use crate::agreement::part::{Delivery, usual_receipt};
use crate::agreement::{Direction, Found, Wanted};
use crate::receipts::outbound_properties;
use crate::sync::LIFE_MS;
use jiff::{SignedDuration, Timestamp};
use messages::transport::Properties;
use messages::wire::dialogmelding::DialogmeldingVersion;
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::namespaces::{DIALOG_1_0, DIALOG_1_1, HELSEPERSONELL, ICALENDAR, PASIENTRELASJON, PERSONER};
use messages::{Fault, HerId};
use uuid::Uuid;

/// The two ends of a message of ours, with their queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The clinic.
    pub clinic: HerId,
    /// Who of it sends: its own HER-id, or an employee's.
    pub own: HerId,
    /// Where receipts and answers come back.
    pub own_async_queue: String,
    /// Where replies are waited for.
    pub own_syncreply_queue: String,
    /// Who receives.
    pub other: HerId,
    /// For what nobody waits for.
    pub async_queue: String,
    /// For what the sender waits for.
    pub sync_queue: String,
}

/// Queue and properties of a message of ours.
pub fn properties(ends: &Ends, function: &str, delivery: Delivery, id: Uuid, now: Timestamp) -> (String, Properties) {
    let (queue, reply_to) = match delivery {
        Delivery::Async => (&ends.async_queue, &ends.own_async_queue),
        Delivery::Sync => (&ends.sync_queue, &ends.own_syncreply_queue),
    };
    let mut properties = outbound_properties(function, ends.own, ends.other, queue, reply_to, id, now);
    properties.ttl_ms = (delivery == Delivery::Sync).then_some(LIFE_MS);
    (queue.clone(), properties)
}

/// When the sender of a request waits no longer.
pub fn reply_due(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_millis(i64::try_from(LIFE_MS).unwrap_or(i64::MAX))).unwrap_or(Timestamp::MAX)
}

/// Until when an AppRec must have come for what is sent now.
pub fn receipt_due(now: Timestamp, limit: SignedDuration) -> Timestamp {
    now.checked_add(limit).unwrap_or(Timestamp::MAX)
}

/// Whether a message with this content will be receipted, if the receiver has agreed to it at all; where no agreement is known, the usual
/// is assumed.
///
/// # Errors
/// Nothing may be sent: `function-not-agreed`, `package-not-agreed`, `protocol-not-agreed`.
pub fn is_receipted(found: &Found<'_>, function: &str, head: &MsgHead) -> Result<bool, Fault> {
    let Some(source) = found.sources.first() else { return Ok(usual_receipt(function, None).is_some()) };
    let namespaces = namespaces(head);
    let wanted = Wanted { function, action: None, namespaces: &namespaces };
    source.part_for(Direction::Receives, &wanted).map(|part| part.receipt.is_some()).map_err(|fault| fault.fault())
}

fn namespaces(head: &MsgHead) -> Vec<&str> {
    head.documents
        .iter()
        .filter_map(|document| match &document.content {
            Content::Dialogmelding(d) if d.version == DialogmeldingVersion::V1_0 => Some(DIALOG_1_0),
            Content::Dialogmelding(_) => Some(DIALOG_1_1),
            Content::Pasientrelasjon(_) => Some(PASIENTRELASJON),
            Content::Personer(_) => Some(PERSONER),
            Content::Calendar(_) => Some(ICALENDAR),
            Content::Helsepersonell(_) => Some(HELSEPERSONELL),
            Content::Unknown { namespace, .. } => Some(namespace.as_str()),
            // The header goes without saying. Prescriptions have a namespace for each version of theirs, and packages name whichever was current.
            Content::Resept(_) | Content::Attachment(_) | Content::BadAttachment | Content::FileReference | Content::Empty => {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::wire::hodemelding::{Document, HealthcareProfessional};

    #[test]
    fn each_payload_has_the_namespace_that_agreements_name() {
        let of = |content: Content| {
            let head = MsgHead { documents: vec![Document::xml("2026-07-02T12:31:17Z", content)], ..MsgHead::default() };
            namespaces(&head).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(Content::Calendar(Vec::new())), ["urn:ietf:params:xml:ns:icalendar-2.0"]);
        let locum = Content::Helsepersonell(HealthcareProfessional::default());
        assert_eq!(of(locum), ["http://www.kith.no/xmlstds/helsepersonell/2015-05-04"]);
        assert!(of(Content::Attachment(Vec::new().into())).is_empty());
    }
}
