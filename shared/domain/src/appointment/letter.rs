//! How appointments are said to HelseNorge. No captured message is known: what message-formats 5 proposes is here, and here alone.
//!
//! - an answer to a reservation or cancellation: a Notat with the appointment as one vevent
//! - what the clinic changed: a Foresporsel MOA with the appointment as one vevent, whose `status` says whether it takes place and whose
//!   `sequence` is the version, so that what overtakes another message does no harm
//! - a patient who did not come: a Notat 11 likewise
//! - a reminder: a Foresporsel MOA whose subject says so, in the version that HelseNorge knows

use super::request::Answer;
use super::telling::{Telling, is_visible};
use super::{Appointment, AppointmentType, Contact, Slot, Status};
use crate::agreement::lookup::Found;
use crate::agreement::{Direction, Wanted};
use crate::command::compose::{Address, Patient, organisation, person};
use crate::receipts::norwegian_time;
use jiff::Timestamp;
use messages::HerId;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use messages::wire::hodemelding::{Code, Content, ConversationRef, Document, HealthcareProfessional, Ident, MsgHead};
use messages::wire::icalendar::{CANCELLED, CONFIRMED, VIDEO, Vevent};
use messages::wire::namespaces::{DIALOG_1_1, ICALENDAR};
use uuid::Uuid;

/// The process of booking.
pub const TIMERESERVASJON: &str = "DIALOG_INNBYGGER_TIMERESERVASJON";
/// The process of what the clinic changes, where it was agreed by itself.
pub const AVTALEUTSENDING: &str = "DIALOG_INNBYGGER_AVTALEUTSENDING";
/// The process of cancelling, where it was agreed by itself.
pub const AVTALEAVBESTILLING: &str = "DIALOG_INNBYGGER_AVTALEAVBESTILLING";

const TYPE_FORESP_7601: &str = "2.16.578.1.12.4.1.1.7601";
const TEMA_7602: &str = "2.16.578.1.12.4.1.1.7602";
/// Subject of a reminder.
const REMINDER: &str = "Påminnelse om time";

/// A doctor, as patients are told of him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doctor {
    /// HER-id.
    pub her_id: HerId,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
}

/// An appointment with what is told along with it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The appointment.
    pub appointment: &'a Appointment,
    /// Its type; none when that is gone.
    pub of_type: Option<&'a AppointmentType>,
    /// HER-id of whose timebok it is in; none when he has none.
    pub doctor: Option<HerId>,
}

/// The two ends of a message and whom it is about.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The clinic, or its doctor.
    pub from: Address,
    /// HelseNorge.
    pub to: Address,
    /// The patient.
    pub patient: Patient,
}

/// What a free slot looks like.
pub fn offered(slot: &Slot, contact: Option<Contact>, doctor: Option<HerId>) -> Vevent {
    Vevent {
        uid: Some(slot.uid.to_string()),
        start: Some(slot.span.start),
        end: Some(slot.span.end),
        contact: doctor.map(|her_id| her_id.to_string()),
        ..described(contact)
    }
}

/// What an appointment looks like. Of a hidden one only that it is not to be seen: not when it is, or with whom (T6).
pub fn vevent(shown: Shown<'_>, takes_place: bool) -> Vevent {
    let Shown { appointment, of_type, doctor } = shown;
    let uid = Some(appointment.uid.to_string());
    let sequence = Some(appointment.version);
    if !takes_place && !is_visible(of_type) {
        return Vevent { uid, status: Some(CANCELLED.to_owned()), sequence, ..Vevent::default() };
    }
    Vevent {
        uid,
        start: Some(appointment.span.start),
        end: Some(appointment.span.end),
        contact: doctor.map(|her_id| her_id.to_string()),
        status: Some(if takes_place { CONFIRMED } else { CANCELLED }.to_owned()),
        sequence,
        ..described(of_type.map(|of_type| of_type.contact))
    }
}

/// What patients read of a type (T7). Its name is the clinic's own and may say more than it should: it stays here.
fn described(contact: Option<Contact>) -> Vevent {
    let (summary, location) = match contact {
        Some(Contact::Video) => (VIDEO, Some(VIDEO)),
        Some(Contact::Telefon) => ("Telefonkonsultasjon", None),
        Some(Contact::Oppmote) | None => ("Time hos lege", None),
    };
    Vevent { summary: Some(summary.to_owned().into()), location: location.map(str::to_owned), ..Vevent::default() }
}

/// The answer to a reservation or cancellation: of the function that it came under.
pub fn answer(
    ends: Ends,
    function: &Code,
    conversation: (String, String),
    told: &Answer,
    shown: Option<(Shown<'_>, Option<&Doctor>)>,
    id: Uuid,
    now: Timestamp,
) -> MsgHead {
    let (v, dn) = told.tema;
    let tekst = told.text.map(|text| text.to_owned().into());
    let notat = vec![Notat { tema_kodet: Some(Code::in_system(v, dn, TEMA_7602)), tekst, ..Notat::default() }];
    let mut contents = Vec::new();
    if let Some((shown, doctor)) = shown {
        contents.push(Content::Calendar(vec![vevent(shown, shown.appointment.status != Status::Cancelled)]));
        // Another than the one asked is told by name.
        contents.extend(doctor.filter(|_| v == "10").map(helsepersonell));
    }
    let (ref_to_parent, ref_to_conversation) = (Some(conversation.0), Some(conversation.1));
    let head = message(ends, function.clone(), (vec![], notat), contents, id, now);
    MsgHead { conversation_ref: Some(ConversationRef { ref_to_parent, ref_to_conversation }), ..head }
}

/// What the clinic changed, or that it did not come to pass.
pub fn told(ends: Ends, function: &str, telling: Telling, shown: Shown<'_>, id: Uuid, now: Timestamp) -> MsgHead {
    let events = vec![vevent(shown, telling.shows())];
    let body = match telling {
        Telling::NoShow => {
            let tema_kodet = Some(Code::in_system("11", "Pasient ikke møtt", TEMA_7602));
            (vec![], vec![Notat { tema_kodet, ..Notat::default() }])
        }
        Telling::Show | Telling::Withdraw => (vec![about_appointment(None)], vec![]),
    };
    message(ends, process(function), body, vec![Content::Calendar(events)], id, now)
}

/// A reminder of an appointment that HelseNorge shows already.
pub fn reminder(ends: Ends, function: &str, shown: Shown<'_>, id: Uuid, now: Timestamp) -> MsgHead {
    let body = (vec![about_appointment(Some(REMINDER))], vec![]);
    message(ends, process(function), body, vec![Content::Calendar(vec![vevent(shown, true)])], id, now)
}

/// Under which process a counterpart is told what the clinic changes: that of its own where it was agreed, else that of booking.
pub fn process_of<'a>(found: impl Fn(&'static str) -> Found<'a>) -> &'static str {
    let wanted = Wanted { function: AVTALEUTSENDING, action: None, namespaces: &[DIALOG_1_1, ICALENDAR] };
    let found = found(AVTALEUTSENDING);
    let agreed = found.sources.first().filter(|source| source.agreement.is_some());
    match agreed.is_some_and(|source| source.part_for(Direction::Receives, &wanted).is_ok()) {
        true => AVTALEUTSENDING,
        false => TIMERESERVASJON,
    }
}

fn about_appointment(subject: Option<&str>) -> Foresporsel {
    Foresporsel {
        type_foresp: Some(Code::in_system("MOA", "Melding om avtale", TYPE_FORESP_7601)),
        emne_sporsmal: subject.map(|subject| subject.to_owned().into()),
        ..Foresporsel::default()
    }
}

fn process(function: &str) -> Code {
    let name = match function {
        AVTALEUTSENDING => "Dialog med innbygger - avtaleutsending",
        _ => "Dialog med innbygger - timereservasjon",
    };
    Code::new(function, name)
}

fn helsepersonell(doctor: &Doctor) -> Content {
    Content::Helsepersonell(HealthcareProfessional {
        family_name: Some(doctor.family_name.clone().into()),
        given_name: Some(doctor.given_name.clone().into()),
        idents: vec![Ident::of_person(doctor.her_id.to_string().into(), "HER", "HER-id")],
        ..HealthcareProfessional::default()
    })
}

fn message(
    ends: Ends,
    function: Code,
    (foresporsel, notat): (Vec<Foresporsel>, Vec<Notat>),
    contents: Vec<Content>,
    id: Uuid,
    now: Timestamp,
) -> MsgHead {
    let at = norwegian_time(now);
    let dialog = Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat };
    let contents = std::iter::once(Content::Dialogmelding(Box::new(dialog))).chain(contents);
    MsgHead {
        msg_type: Some(function),
        gen_date: Some(at.clone()),
        msg_id: Some(id.to_string()),
        ack: Some(Code::new("J", "Ja")),
        sender: Some(organisation(ends.from)),
        receiver: Some(organisation(ends.to)),
        patient: Some(person(ends.patient)),
        documents: contents.map(|content| Document::xml(&at, content)).collect(),
        ..MsgHead::default()
    }
}
