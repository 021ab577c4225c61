//! The messages that commands write: begun, answered, ended, converted, by every rule together. Nothing is decided anywhere else.

use super::attachments::{Uploaded, media_types};
use super::compose::{Body, form_and_code};
use super::contact::{Caution, Status, may_start};
use super::deed::{Deed, File, Opening, Post, Written};
use super::dialog::{Kind, Known, State, may_answer, may_close, may_convert, may_write};
use super::text::{TEXT_LIMIT, check, check_file_name, check_subject, named_type};
use crate::clinic::Clinic;
use crate::entry::Form;
use crate::readiness;
use crate::services::may_begin;
use crate::title::{retitled, title};
use jiff::Timestamp;
use messages::command::answer::Done;
use messages::command::order::{
    AnswerPrescriptionRequest, AttachmentRef, CloseDialog, ConvertDialog, ReplyToDialog, StartDialog, StartedKind,
};
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;
use messages::person_id::TestSeries;
use messages::{HerId, PersonId, Sensitive};
use uuid::Uuid;

/// What the rules ask about one command.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The clinic it is for.
    pub clinic: &'a Clinic,
    /// The party through which the clinic reaches HelseNorge.
    pub reach: Option<HerId>,
    /// The dialog that it names, if the clinic has it and the actor may see it.
    pub dialog: Option<&'a Known>,
    /// The patient that it names, if the clinic knows him.
    pub patient: Option<&'a KnownPatient>,
    /// What HelseNorge said of him.
    pub status: Option<&'a Status>,
    /// The uploads that it names, in order.
    pub uploads: Vec<Option<Uploaded>>,
    /// How the clinic takes what is not known of a patient.
    pub caution: Caution,
    /// Test series of identity numbers.
    pub series: TestSeries,
}

/// A patient of the clinic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPatient {
    /// Our id.
    pub id: Uuid,
    /// Employee id of his fastlege.
    pub fastlege: Option<String>,
}

/// Ids for what a command may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Of a dialog.
    pub dialog: Uuid,
    /// Of a message in it, which is its `MsgId` too.
    pub entry: Uuid,
}

/// A command that writes, or closes or converts a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing<'a> {
    /// See [`StartDialog`].
    Start(&'a StartDialog),
    /// See [`ReplyToDialog`].
    Reply(&'a ReplyToDialog),
    /// See [`CloseDialog`].
    Close(&'a CloseDialog),
    /// See [`AnswerPrescriptionRequest`].
    AnswerRequest(&'a AnswerPrescriptionRequest),
    /// See [`ConvertDialog`].
    Convert(&'a ConvertDialog),
}

/// What a command that writes does.
///
/// # Errors
/// Why it is refused: nothing has changed then.
pub fn decide(order: Writing<'_>, actor: &str, ids: Ids, facts: &Facts<'_>, now: Timestamp) -> Result<Deed, Refusal> {
    match order {
        Writing::Start(start) => begin(start, actor, ids, facts, now),
        Writing::Reply(reply) => answer(reply, actor, ids, facts),
        Writing::Close(close) => end(close, actor, ids, facts),
        Writing::AnswerRequest(order) => answer_request(order, ids, facts),
        Writing::Convert(order) => convert(order, actor, ids, facts),
    }
}

fn begin(start: &StartDialog, actor: &str, ids: Ids, facts: &Facts<'_>, now: Timestamp) -> Result<Deed, Refusal> {
    check_subject(start.subject.expose()).map_err(|why| Refusal::of("arguments.subject", why))?;
    checked_text(&start.text)?;
    let kind = Kind::from(start.kind);
    let (post, opening) = match start.kind {
        StartedKind::EKontakt => begin_on_helsenorge(DialogKind::EKontakt, start, actor, facts, now)?,
        StartedKind::EKonsultasjon => begin_on_helsenorge(DialogKind::EKonsultasjon, start, actor, facts, now)?,
        StartedKind::EDialog => begin_inside(start, actor, facts)?,
    };
    let (form, code) = match &post {
        Post::HelseNorge { kind, body, .. } => form_and_code(*kind, body),
        Post::Portal(_) | Post::Colleagues(_) => (Form::Foresporsel, None),
    };
    let (patient, participants) = opening;
    let subject = Some(start.subject.clone());
    let title = title(kind, Some(start.subject.expose()));
    let written = Written {
        entry: ids.entry,
        opens: Some(Opening { kind, title, patient, participants }),
        form,
        code,
        subject,
        text: start.text.clone(),
        answers: None,
        files: files(&start.attachments, facts)?,
        post,
    };
    Ok(Deed::writing(ids.dialog, written))
}

type Who = (Option<Uuid>, Vec<String>);

fn begin_on_helsenorge(
    kind: DialogKind,
    start: &StartDialog,
    actor: &str,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<(Post, Who), Refusal> {
    let to = reach(facts)?;
    if !start.colleagues.is_empty() {
        return Err(Refusal::of("arguments.colleagues", Why::RecipientUnwanted));
    }
    let patient = patient(start, facts)?;
    let from = may_begin(facts.clinic, actor, patient.fastlege.as_deref(), kind)
        .ok_or_else(|| Refusal::of("arguments.kind", Why::ServiceNotOffered))?;
    may_start(facts.status, facts.caution, now).map_err(|why| Refusal::of("arguments.patient", why))?;
    let body = Body::Opening { subject: start.subject.clone(), text: start.text.clone() };
    Ok((Post::HelseNorge { kind, from, to, body }, (Some(patient.id), Vec::new())))
}

/// The patient by a full number (S2).
fn patient<'a>(start: &StartDialog, facts: &Facts<'a>) -> Result<&'a KnownPatient, Refusal> {
    let at = |why| Refusal::of("arguments.patient", why);
    let number = start.patient.as_ref().ok_or_else(|| at(Why::PatientMissing))?;
    PersonId::parse(number.expose(), &facts.series).map_err(|_| at(Why::PatientNumber))?;
    facts.patient.ok_or_else(|| at(Why::PatientUnknown))
}

/// An E-dialog: to the patient's inbox in the portal, or between colleagues.
fn begin_inside(start: &StartDialog, actor: &str, facts: &Facts<'_>) -> Result<(Post, Who), Refusal> {
    let at = |why| Refusal::of("arguments.colleagues", why);
    match (&start.patient, start.colleagues.as_slice()) {
        (Some(_), []) => {
            let patient = patient(start, facts)?;
            Ok((Post::Portal(patient.id), (Some(patient.id), Vec::new())))
        }
        (Some(_), _) => Err(Refusal::of("arguments.patient", Why::PatientUnwanted)),
        (None, []) => Err(at(Why::RecipientMissing)),
        (None, colleagues) => {
            if let Some(n) = colleagues.iter().position(|id| !facts.clinic.employees.contains_key(id)) {
                return Err(Refusal::of(&format!("arguments.colleagues[{n}]"), Why::RecipientUnknown));
            }
            let participants = distinct(colleagues.iter().map(String::as_str).chain([actor]));
            let others = others(&participants, actor);
            if others.is_empty() {
                return Err(at(Why::RecipientMissing));
            }
            Ok((Post::Colleagues(others), (None, participants)))
        }
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.collect::<std::collections::BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

fn others(participants: &[String], actor: &str) -> Vec<String> {
    participants.iter().filter(|id| *id != actor).cloned().collect()
}

fn answer(reply: &ReplyToDialog, actor: &str, ids: Ids, facts: &Facts<'_>) -> Result<Deed, Refusal> {
    let known = writable(facts)?;
    checked_text(&reply.text)?;
    let written = Written {
        files: files(&reply.attachments, facts)?,
        ..note(known, actor, ids, reply.text.clone(), Body::Answer { text: reply.text.clone() }, facts)?
    };
    Ok(Deed::writing(known.id, written))
}

fn end(close: &CloseDialog, actor: &str, ids: Ids, facts: &Facts<'_>) -> Result<Deed, Refusal> {
    let known = named(facts, may_close)?;
    if let Kind::HelseNorge(DialogKind::Reseptfornyelse | DialogKind::Timeonske) = known.kind {
        // The process has no word for it: its answer was the last.
        return match close.text {
            Some(_) => Err(Refusal::of("arguments.text", Why::TextUnwanted)),
            None => Ok(Deed::closing(known.id)),
        };
    }
    close.text.as_ref().map_or(Ok(()), checked_text)?;
    let text = close.text.clone().unwrap_or_default();
    let written = note(known, actor, ids, text, Body::Closing { text: close.text.clone() }, facts)?;
    Ok(Deed { closes: true, ..Deed::writing(known.id, written) })
}

fn answer_request(order: &AnswerPrescriptionRequest, ids: Ids, facts: &Facts<'_>) -> Result<Deed, Refusal> {
    let known = named(facts, |state| may_answer(state, DialogKind::Reseptfornyelse))?;
    let request = known.request(order.request)?;
    checked_text(&order.text)?;
    let body = Body::Prescription { choice: order.choice, text: order.text.clone() };
    let written = posted(known, DialogKind::Reseptfornyelse, ids, order.text.clone(), body, facts)?;
    Ok(Deed::writing(known.id, Written { answers: Some(request), ..written }))
}

fn convert(order: &ConvertDialog, actor: &str, ids: Ids, facts: &Facts<'_>) -> Result<Deed, Refusal> {
    let known = named(facts, |state| may_convert(state, order))?;
    let Kind::HelseNorge(from) = known.kind else { return Err(Refusal::of("arguments.dialog", Why::KindUnfit)) };
    if may_begin(facts.clinic, actor, known.fastlege.as_deref(), order.to).is_none() {
        return Err(Refusal::of("arguments.to", Why::ServiceNotOffered));
    }
    if known.beside.contains(&order.to) {
        return Err(Refusal::of("arguments.to", Why::KindTaken));
    }
    let written = match &order.text {
        Some(text) => {
            checked_text(text)?;
            let request = known.request(None).map_err(|_| Refusal::of("arguments.dialog", Why::RequestsOpen))?;
            let body = Body::Answer { text: text.clone() };
            let written = posted(known, order.to, ids, text.clone(), body, facts)?;
            Some(Written { answers: Some(request), ..written })
        }
        None => None,
    };
    let journaled = match order.to {
        DialogKind::EKonsultasjon => known.entries.saturating_add(u32::from(written.is_some())),
        DialogKind::EKontakt | DialogKind::Reseptfornyelse | DialogKind::Timeonske => 0,
    };
    let done = Done::Converted { dialog: known.id, journaled };
    let title = retitled(known.title.expose(), known.kind, Kind::HelseNorge(order.to));
    let converts = Some((from, order.to));
    Ok(Deed { dialog: known.id, written, closes: false, converts, title: Some(title), appointment: None, done })
}

pub(super) fn named<'a>(facts: &Facts<'a>, rule: impl Fn(Option<State>) -> Result<State, Refusal>) -> Result<&'a Known, Refusal> {
    rule(facts.dialog.map(Known::state))?;
    facts.dialog.ok_or_else(|| Refusal::of("arguments.dialog", Why::DialogUnknown))
}

fn writable<'a>(facts: &Facts<'a>) -> Result<&'a Known, Refusal> {
    named(facts, may_write)
}

/// A message in a dialog that exists, wherever that is carried.
fn note(
    known: &Known,
    actor: &str,
    ids: Ids,
    text: Sensitive<String>,
    body: Body,
    facts: &Facts<'_>,
) -> Result<Written, Refusal> {
    let post = match (known.kind, &known.patient) {
        (Kind::HelseNorge(kind), _) => return posted(known, kind, ids, text, body, facts),
        (Kind::EDialog, Some(patient)) => Post::Portal(*patient),
        (Kind::EDialog, None) => Post::Colleagues(still_here(others(&known.participants, actor), facts, &body)?),
    };
    Ok(Written::of(ids.entry, Form::Notat, None, text, post))
}

/// Those who work here still. A message to nobody is none; a dialog may be ended all the same.
fn still_here(mut colleagues: Vec<String>, facts: &Facts<'_>, body: &Body) -> Result<Vec<String>, Refusal> {
    colleagues.retain(|id| facts.clinic.employees.contains_key(id));
    match colleagues.is_empty() && !matches!(body, Body::Closing { .. }) {
        true => Err(Refusal::of("arguments.dialog", Why::RecipientMissing)),
        false => Ok(colleagues),
    }
}

/// A message that HelseNorge carries, from whomever the patient knows.
pub(super) fn posted(
    known: &Known,
    kind: DialogKind,
    ids: Ids,
    text: Sensitive<String>,
    body: Body,
    facts: &Facts<'_>,
) -> Result<Written, Refusal> {
    let reach = reach(facts)?;
    let clinic = facts.clinic;
    let works_here = |id: &HerId| *id == clinic.her_id || clinic.employee_by_her_id(*id).is_some();
    let (from, to) = known.between.unwrap_or((clinic.her_id, reach));
    let from = Some(from).filter(works_here).unwrap_or(clinic.her_id);
    let (form, code) = form_and_code(kind, &body);
    Ok(Written::of(ids.entry, form, code, text, Post::HelseNorge { kind, from, to, body }))
}

/// Whether a clinic takes part in digital dialog (J1).
///
/// # Errors
/// `clinic-not-ready`.
pub fn ready(clinic: &Clinic) -> Result<(), Refusal> {
    match readiness::missing(clinic).is_empty() {
        true => Ok(()),
        false => Err(Refusal::of("clinic", Why::ClinicNotReady)),
    }
}

/// HelseNorge, for a clinic that takes part.
fn reach(facts: &Facts<'_>) -> Result<HerId, Refusal> {
    ready(facts.clinic)?;
    facts.reach.ok_or_else(|| Refusal::of("clinic", Why::HelsenorgeUnknown))
}

pub(super) fn checked_text(text: &Sensitive<String>) -> Result<(), Refusal> {
    check(text.expose(), TEXT_LIMIT).map_err(|why| Refusal::of("arguments.text", why))
}

fn files(named: &[AttachmentRef], facts: &Facts<'_>) -> Result<Vec<File>, Refusal> {
    let mut uploads = std::collections::BTreeSet::new();
    for (n, file) in named.iter().enumerate() {
        let at = |field: &str| format!("arguments.attachments[{n}].{field}");
        check_file_name(file.file_name.expose()).map_err(|why| Refusal::of(&at("file_name"), why))?;
        // A file goes into one message once: its parts are moved there.
        if !uploads.insert(file.upload) {
            return Err(Refusal::of(&at("upload"), Why::UploadIncomplete));
        }
    }
    let types = media_types(&facts.uploads)?;
    for (n, (file, found)) in named.iter().zip(&types).enumerate() {
        if named_type(file.file_name.expose()).is_some_and(|said| said != *found) {
            return Err(Refusal::of(&format!("arguments.attachments[{n}].file_name"), Why::AttachmentName));
        }
    }
    let file = |(file, media_type): (&AttachmentRef, _)| File { name: file.file_name.clone(), upload: file.upload, media_type };
    Ok(named.iter().zip(types).map(file).collect())
}
