//! Which messages from HelseNorge are about booking, and what they ask for.

use super::letter::{AVTALEAVBESTILLING, TIMERESERVASJON};
use super::offer::Period;
use super::request::{Request, Wanted};
use crate::acceptance::Rejection;
use crate::entry;
use crate::receipts::error_8221;
use messages::HerId;
use messages::wire::dialogmelding::Foresporsel;
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::icalendar::Vevent;
use uuid::Uuid;

fn is_of(head: &MsgHead, functions: &[&str]) -> bool {
    let function = head.msg_type.as_ref().and_then(|t| t.v.as_deref()).unwrap_or_default();
    functions.iter().any(|known| known.eq_ignore_ascii_case(function))
}

/// Whether a message is of a process in which a patient books or cancels.
pub fn is_meant(head: &MsgHead) -> bool {
    is_of(head, &[TIMERESERVASJON, AVTALEAVBESTILLING])
}

fn requests(head: &MsgHead) -> impl Iterator<Item = &Foresporsel> {
    head.documents.iter().flat_map(|document| match &document.content {
        Content::Dialogmelding(dialog) => dialog.foresporsel.as_slice(),
        _ => &[],
    })
}

/// The days for which free slots are asked (HLT); none when it asks for something else.
pub fn asks_for_slots(head: &MsgHead) -> Option<Period> {
    let asks = requests(head).find(|asks| asks.type_foresp.as_ref().is_some_and(|code| code.is("HLT")));
    let asks = asks.filter(|_| is_of(head, &[TIMERESERVASJON]))?;
    Some(Period { from: asks.fra_dato, until: asks.til_dato })
}

/// A reservation or cancellation, before it is known whose.
///
/// # Errors
/// T02, T10 or T99, each with its own code.
pub fn request(head: &MsgHead, message: Uuid, patient: Uuid, addressed: HerId) -> Result<Request, Rejection> {
    let entry = entry::from_head(head)?;
    let unsupported = || Rejection::new("request-unsupported", error_8221("T10", "Forespørselen støttes ikke"));
    let wanted = match entry.code.as_deref() {
        Some("RT") if is_of(head, &[TIMERESERVASJON]) => Wanted::Reserve,
        Some("ART") => Wanted::Cancel,
        _ => return Err(unsupported()),
    };
    let mut events = events(head);
    let event = events.next();
    if events.next().is_some() {
        return Err(Rejection::new("events-several", error_8221("T99", "Meldingen gjelder mer enn én time")));
    }
    // What is no id of ours is the id of nothing here: the patient is told so.
    let uid = event.and_then(|event| event.uid.as_deref()).and_then(|uid| Uuid::try_parse(uid.trim()).ok());
    let comment = Some(entry.text).filter(|text| !text.expose().trim().is_empty());
    let conversation = head.conversation_ref.as_ref().and_then(|of| of.ref_to_conversation.clone());
    let conversation = conversation.filter(|id| !id.trim().is_empty());
    Ok(Request { message, patient, addressed, wanted, uid, comment, representative: entry.representative, conversation })
}

fn events(head: &MsgHead) -> impl Iterator<Item = &Vevent> {
    head.documents.iter().flat_map(|document| match &document.content {
        Content::Calendar(events) => events.as_slice(),
        _ => &[],
    })
}
