//! A wish for an appointment and its answer: what was wished for is done, or is not, and the patient is told either way, once.

use super::compose::Body;
use super::deed::{Deed, Written};
use super::dialog::may_answer;
use super::writing::{Facts, Ids, checked_text, named, posted};
use crate::appointment::change::{Asked, Changed, Facts as ChangeFacts, decide as change};
use crate::appointment::letter::{Shown, vevent};
use crate::appointment::{NewVersion, Status};
use jiff::Timestamp;
use messages::Sensitive;
use messages::command::order::{AnswerTimeonske, BookAppointment, CancelAppointment, Fulfilment, MoveAppointment};
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;

/// What a patient wishes for: `TypeForesp` (7601).
const NEW: &str = "OT";
const CHANGE: &str = "OET";
const CANCELLATION: &str = "OAT";

/// What becomes of a wish.
///
/// # Errors
/// Why it is refused: nothing has changed then.
pub fn decide(
    order: &AnswerTimeonske,
    ids: Ids,
    facts: &Facts<'_>,
    changes: &ChangeFacts<'_>,
    now: Timestamp,
) -> Result<Deed, Refusal> {
    let known = named(facts, |state| may_answer(state, DialogKind::Timeonske))?;
    let entry = known.request(order.request)?;
    let wished = known.requests.iter().find(|request| request.entry == entry).and_then(|request| request.code.as_deref());
    let tema = tema(&order.becomes, wished.unwrap_or(NEW))?;
    let is_fulfilled = !matches!(order.becomes, Fulfilment::Unavailable | Fulfilment::Rejected);
    match &order.text {
        Some(text) => checked_text(text)?,
        None if !is_fulfilled => return Err(Refusal::of("arguments.text", Why::MissingField)),
        None => {}
    }
    let patient = known.nin.clone().ok_or_else(|| Refusal::of("arguments.dialog", Why::KindUnfit))?;
    let changed = changed(&order.becomes, patient, &ChangeFacts { patient: known.patient, ..changes.clone() }, now)?;
    let event = changed.as_ref().map(|(appointment, _)| {
        let booking = &facts.clinic.booking;
        let owner = booking.timeboker.get(&appointment.timebok).and_then(|timebok| facts.clinic.employees.get(&timebok.owner));
        let of_type = booking.types.get(&appointment.appointment_type);
        let shown = Shown { appointment, of_type, doctor: owner.and_then(|owner| owner.her_id) };
        Box::new(vevent(shown, appointment.status != Status::Cancelled))
    });
    let body = Body::Wish { tema, text: order.text.clone(), event };
    let written = posted(known, DialogKind::Timeonske, ids, order.text.clone().unwrap_or_default(), body, facts)?;
    let version = changed.and_then(|(_, version)| version);
    let version = version.map(|version| NewVersion { request: Some(entry), ..version });
    let deed = Deed::writing(known.id, Written { answers: Some(entry), ..written });
    Ok(Deed { appointment: version.map(Box::new), ..deed })
}

/// `TemaKodet` (7602). What was not wished for is no answer.
fn tema(becomes: &Fulfilment, wished: &str) -> Result<(&'static str, &'static str), Refusal> {
    Ok(match (becomes, wished) {
        (Fulfilment::Rejected, _) => ("26", "Forespørsel avvist"),
        (Fulfilment::Booked { .. }, NEW) => ("05", "Timereservasjon bekreftet"),
        (Fulfilment::Moved { .. }, CHANGE) => ("07", "Endring bekreftet"),
        (Fulfilment::Cancelled { .. }, CANCELLATION) => ("08", "Avbestilling bekreftet"),
        (Fulfilment::Unavailable, CHANGE) => ("34", "Time kunne ikke endres"),
        (Fulfilment::Unavailable, CANCELLATION) => ("09", "Time kunne ikke avbestilles"),
        (Fulfilment::Unavailable, _) => ("06", "Time ikke tilgjengelig"),
        _ => return Err(Refusal::of("arguments.becomes.type", Why::FulfilmentUnfit)),
    })
}

fn changed(
    becomes: &Fulfilment,
    patient: Sensitive<String>,
    facts: &ChangeFacts<'_>,
    now: Timestamp,
) -> Result<Option<Changed>, Refusal> {
    let of_patient = facts.appointment.filter(|appointment| Some(appointment.patient) == facts.patient);
    let facts = ChangeFacts { appointment: of_patient, ..facts.clone() };
    let decided = match becomes.clone() {
        Fulfilment::Booked { timebok, start, appointment_type } => {
            let book = BookAppointment { timebok, patient, start, appointment_type, comment: None };
            change(Asked::Book(&book), &facts, now)
        }
        Fulfilment::Moved { appointment, start, timebok } => {
            change(Asked::Move(&MoveAppointment { appointment, start, timebok, version: None }), &facts, now)
        }
        Fulfilment::Cancelled { appointment } => {
            change(Asked::Cancel(&CancelAppointment { appointment, version: None }), &facts, now)
        }
        Fulfilment::Unavailable | Fulfilment::Rejected => return Ok(None),
    };
    let within = |refusal: Refusal| {
        let field = refusal.field.map(|field| field.replacen("arguments.", "arguments.becomes.", 1));
        Refusal { field, ..refusal }
    };
    let (appointment, version) = decided.map_err(within)?;
    // A hidden type is told to nobody: it is no answer to a patient.
    let is_hidden = facts.booking.types.get(&appointment.appointment_type).is_none_or(|of_type| of_type.hidden);
    match is_hidden {
        true => Err(Refusal::of("arguments.becomes.appointment_type", Why::AppointmentTypeHidden)),
        false => Ok(Some((appointment, version))),
    }
}
