//! One command + facts → what is done and what its caller is told. The rules are those of [`domain::command`]; here is only which of them
//! a command goes by.

use crate::asked::{Asked, dialog_of, patients_of, uploads_of};
use crate::facts::{Facts, part_key};
use crate::recording::record;
use domain::appointment::NewVersion;
use domain::appointment::change::{Asked as Change, PutSlot};
use domain::audit::Record;
use domain::clinic::Clinic;
use domain::command::attachments::{PART_LIMIT, Part, take_part};
use domain::command::contact::{self, Caution};
use domain::command::deed::{Deed, Post};
use domain::command::dialog::Kind;
use domain::command::recipients::{Chosen, Names, set_recipients, show_recipients};
use domain::command::wish;
use domain::command::writing::{self, KnownPatient, Writing};
use jiff::Timestamp;
use messages::command::Command;
use messages::command::answer::{Done, Outcome};
use messages::command::order::{
    CheckContactability, FetchAttachment, ListDialogs, Order, SetRecipients, ShowDialog, UploadAttachment,
};
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;
use messages::person_id::TestSeries;
use messages::{HerId, Sensitive};
use std::sync::Arc;
use store::reading::Look;
use store::upload::UploadKey;

/// How commands are decided on here.
#[derive(Clone, Copy, Debug)]
pub struct Ruling {
    /// How what is not known of a patient is taken.
    pub caution: Caution,
    /// Test series of identity numbers.
    pub series: TestSeries,
}

/// What is written for one command.
#[derive(Debug)]
pub enum Act {
    /// Nothing but the answer.
    Nothing,
    /// In a dialog.
    Deed(Box<Deed>),
    /// A part of a file is kept.
    Part(UploadKey, Part),
    /// Who receives.
    Recipients(DialogKind, Chosen),
    /// An appointment is made or changed.
    Appointment(Box<NewVersion>),
    /// Slots are put into a timebok.
    Slots(Vec<PutSlot>),
}

/// A decision.
#[derive(Debug)]
pub struct Decision {
    /// What is written.
    pub act: Act,
    /// Numbers that HelseNorge is to be asked about.
    pub ask: Vec<String>,
    /// What the caller is told.
    pub outcome: Outcome,
    /// What the audit keeps of it.
    pub record: Option<Record>,
    /// The clinic is not here, or does not take commands of this user: nothing of it is the clinic's, nor is the id used up.
    pub is_foreign: bool,
}

/// Bytes of the texts of one dialog in an answer: half of what a broker carries at once, since JSON may write a character as six.
pub(crate) const SHOWN_LIMIT: usize = 8 * 1024 * 1024;

pub(crate) type Decided = Result<(Act, Done), Refusal>;

impl Ruling {
    /// Decides, and notes in the facts what changes.
    pub fn decide(&self, asked: &Asked, facts: &mut Facts, now: Timestamp) -> Decision {
        let command = match &asked.command {
            Ok(command) => command,
            Err(unreadable) => return Decision::refused(unreadable.refusal.clone()),
        };
        // Whose commands it does not take learns no more than of a clinic that is not here.
        let clinic = facts.clinics.get(&command.clinic).filter(|clinic| clinic.takes_commands_of(asked.user.as_deref()));
        let Some(clinic) = clinic.cloned() else {
            tracing::warn!(clinic = %command.clinic, "a command for a clinic that is not here, or takes none from this user");
            return Decision { is_foreign: true, ..Decision::refused(Refusal::of("clinic", Why::ClinicUnknown)) };
        };
        if command.order.is_question() && asked.reply.queue.is_none() {
            return Decision::refused(Refusal::new(Why::ReplyToMissing));
        }
        let decided = match clinic.employees.contains_key(&command.actor) {
            true => self.rule(asked, command, &clinic, facts, now),
            false => Err(Refusal::of("actor", Why::ActorUnknown)),
        };
        let record = record(command, facts, &decided, now);
        let ask = self.questions(command, facts, &decided, now);
        match decided {
            Ok((act, done)) => {
                note(command, &act, facts);
                Decision { act, ask, outcome: Outcome::Done { result: done }, record, is_foreign: false }
            }
            Err(refusal) => Decision { ask, record, ..Decision::refused(refusal) },
        }
    }

    fn rule(&self, asked: &Asked, command: &Command, clinic: &Arc<Clinic>, facts: &Facts, now: Timestamp) -> Decided {
        let order = match &command.order {
            Order::UploadAttachment(order) => return upload(command, order, facts),
            Order::SetRecipients(order) => return recipients(clinic, command, order),
            Order::ShowRecipients(_) => return Ok(who_receives(command, clinic, facts)),
            Order::CheckContactability(order) => return self.contactability(command, order, clinic, facts, now),
            Order::ShowDialog(order) => return show(command, order, facts),
            Order::ListDialogs(order) => return list(asked, command, order, facts),
            Order::FetchAttachment(order) => return fetch(command, order, facts),
            Order::ReleaseSlots(order) => return facts.timeboker.release(command, order, clinic, now),
            Order::ShowTimebok(order) => return facts.timeboker.show(command, order, clinic),
            Order::ListAppointments(order) => {
                return facts.timeboker.list(command, order, named_patient(command, facts).is_some(), now);
            }
            Order::BookAppointment(order) => return appointment(Change::Book(order), command, clinic, facts, now),
            Order::MoveAppointment(order) => return appointment(Change::Move(order), command, clinic, facts, now),
            Order::CancelAppointment(order) => return appointment(Change::Cancel(order), command, clinic, facts, now),
            Order::ChangeAppointmentType(order) => return appointment(Change::Type(order), command, clinic, facts, now),
            Order::MarkNoShow(order) => return appointment(Change::NoShow(order), command, clinic, facts, now),
            Order::StartDialog(order) => Writing::Start(order),
            Order::ReplyToDialog(order) => Writing::Reply(order),
            Order::CloseDialog(order) => Writing::Close(order),
            Order::AnswerPrescriptionRequest(order) => Writing::AnswerRequest(order),
            Order::ConvertDialog(order) => Writing::Convert(order),
            Order::AnswerTimeonske(order) => {
                let (of_dialog, taken) = (self.facts_of(command, clinic, facts), facts.timeboker.taken(command.clinic));
                let changes = facts.timeboker.facts_of(command, clinic, &taken, None);
                let deed = wish::decide(order, asked.ids, &of_dialog, &changes, now)?;
                let done = deed.done.clone();
                return Ok((Act::Deed(Box::new(deed)), done));
            }
        };
        let deed = writing::decide(order, &command.actor, asked.ids, &self.facts_of(command, clinic, facts), now)?;
        let done = deed.done.clone();
        Ok((Act::Deed(Box::new(deed)), done))
    }

    fn facts_of<'a>(&self, command: &Command, clinic: &'a Clinic, facts: &'a Facts) -> writing::Facts<'a> {
        let number = patients_of(&command.order).first().map(|nin| (command.clinic, (*nin).to_owned()));
        let uploads = uploads_of(&command.order);
        let file = |upload: &uuid::Uuid| facts.uploads.get(&(command.clinic, *upload)).map(|spooled| spooled.file());
        writing::Facts {
            clinic,
            reach: facts.reach.get(&command.clinic).copied(),
            dialog: dialog_of(&command.order).and_then(|id| seen(facts, command, id)),
            patient: number.as_ref().and_then(|key| facts.patients.get(key)),
            status: number.as_ref().and_then(|key| facts.statuses.get(key)),
            uploads: uploads.iter().map(file).collect(),
            caution: self.caution,
            series: self.series,
        }
    }

    fn contactability(
        &self,
        command: &Command,
        order: &CheckContactability,
        clinic: &Clinic,
        facts: &Facts,
        now: Timestamp,
    ) -> Decided {
        writing::ready(clinic)?;
        if order.patients.is_empty() {
            return Err(Refusal::of("arguments.patients", Why::TooFew { least: 1 }));
        }
        let status = |nin: &str| facts.statuses.get(&(command.clinic, nin.to_owned()));
        let of = |nin: &Sensitive<String>| {
            contact::contactability(nin, status(nin.expose()), self.caution.age_limit, &self.series, now)
        };
        Ok((Act::Nothing, Done::Contactable { patients: order.patients.iter().map(of).collect() }))
    }

    /// Those of whom HelseNorge has said nothing lately. A dialog that is refused for that may be begun once it has.
    fn questions(&self, command: &Command, facts: &Facts, decided: &Decided, now: Timestamp) -> Vec<String> {
        let matters = match (&command.order, decided) {
            (Order::CheckContactability(_), decided) => decided.is_ok(),
            (Order::StartDialog(_), Ok((Act::Deed(deed), _))) => {
                deed.written.as_ref().is_some_and(|written| matches!(written.post, Post::HelseNorge { .. }))
            }
            (Order::StartDialog(_), Err(refusal)) => refusal.is(Why::ContactabilityUnknown),
            _ => false,
        };
        let wants = |nin: &&str| {
            let status = facts.statuses.get(&(command.clinic, (*nin).to_owned()));
            contact::may_ask(nin, &self.series) && contact::wants_asking(status, self.caution.age_limit, now)
        };
        match matters {
            true => patients_of(&command.order).into_iter().filter(wants).map(str::to_owned).collect(),
            false => Vec::new(),
        }
    }
}

/// A dialog of the clinic that the actor may see. Another's is not there.
pub(crate) fn seen<'a>(facts: &'a Facts, command: &Command, dialog: uuid::Uuid) -> Option<&'a domain::command::dialog::Known> {
    let (clinic, known) = facts.dialogs.get(&dialog)?;
    (*clinic == command.clinic && known.is_seen_by(&command.actor)).then_some(known)
}

/// The patient that a command names, if the clinic knows him.
fn named_patient<'a>(command: &Command, facts: &'a Facts) -> Option<&'a KnownPatient> {
    let nin = patients_of(&command.order).into_iter().next()?;
    facts.patients.get(&(command.clinic, nin.to_owned()))
}

fn appointment(change: Change<'_>, command: &Command, clinic: &Clinic, facts: &Facts, now: Timestamp) -> Decided {
    facts.timeboker.rule(change, command, clinic, named_patient(command, facts), now)
}

fn upload(command: &Command, order: &UploadAttachment, facts: &Facts) -> Decided {
    let key = (command.clinic, order.upload);
    let (part, missing) = take_part(order, facts.uploads.get(&key), facts.spooled.get(&command.clinic).copied().unwrap_or(0))?;
    Ok((Act::Part(key, part), Done::Uploaded { upload: order.upload, missing }))
}

fn recipients(clinic: &Clinic, command: &Command, order: &SetRecipients) -> Decided {
    let chosen = set_recipients(clinic, &command.actor, order)?;
    let done = Done::RecipientsSet { nobody: chosen.nobody.clone() };
    Ok((Act::Recipients(order.kind, chosen), done))
}

fn who_receives(command: &Command, clinic: &Clinic, facts: &Facts) -> (Act, Done) {
    let nobody = Names::default();
    let names = facts.names.get(&command.clinic).unwrap_or(&nobody);
    (Act::Nothing, Done::Recipients { recipients: Box::new(show_recipients(clinic, names)) })
}

fn show(command: &Command, order: &ShowDialog, facts: &Facts) -> Decided {
    let unknown = || Refusal::of("arguments.dialog", Why::DialogUnknown);
    seen(facts, command, order.dialog).ok_or_else(unknown)?;
    let look = Look { clinic: command.clinic, dialog: order.dialog, employee: command.actor.clone() };
    let dialog = facts.shown.get(&look).cloned().ok_or_else(unknown)?;
    let has = dialog.entries.iter().map(|entry| entry.text.expose().len()).fold(0, usize::saturating_add);
    if has > SHOWN_LIMIT {
        return Err(Refusal::of("arguments.dialog", Why::AnswerTooLarge { has, limit: SHOWN_LIMIT }));
    }
    Ok((Act::Nothing, Done::Dialog { dialog: Box::new(dialog) }))
}

fn list(asked: &Asked, command: &Command, order: &ListDialogs, facts: &Facts) -> Decided {
    if !(1..=200).contains(&order.limit) {
        let why = if order.limit == 0 { Why::TooFew { least: 1 } } else { Why::TooMany { limit: 200 } };
        return Err(Refusal::of("arguments.limit", why));
    }
    if let Some(nin) = &order.patient
        && !facts.patients.contains_key(&(command.clinic, nin.expose().clone()))
    {
        return Err(Refusal::of("arguments.patient", Why::PatientUnknown));
    }
    if let Some(after) = order.after {
        seen(facts, command, after).ok_or_else(|| Refusal::of("arguments.after", Why::DialogUnknown))?;
    }
    let dialogs = facts.lists.get(&asked.ids.entry).cloned().unwrap_or_default();
    Ok((Act::Nothing, Done::Dialogs { dialogs }))
}

fn fetch(command: &Command, order: &FetchAttachment, facts: &Facts) -> Decided {
    let unknown = || Refusal::of("arguments.entry", Why::AttachmentUnknown);
    let found = part_key(command).and_then(|key| facts.parts.get(&key)).ok_or_else(unknown)?;
    seen(facts, command, found.dialog).ok_or_else(unknown)?;
    let parts = u32::try_from(found.size.div_ceil(PART_LIMIT as u64)).unwrap_or(u32::MAX);
    let bytes = domain::command::attachments::encoded(found.bytes.expose()).into();
    Ok((Act::Nothing, Done::AttachmentPart { part: order.part, parts, bytes }))
}

impl Decision {
    /// Nothing is done, and nothing asked.
    pub const fn refused(refusal: Refusal) -> Self {
        Self { act: Act::Nothing, ask: Vec::new(), outcome: Outcome::Refused { refusal }, record: None, is_foreign: false }
    }
}

/// What the next command of the batch finds changed.
fn note(command: &Command, act: &Act, facts: &mut Facts) {
    match act {
        Act::Nothing => {}
        Act::Part(key, part) => {
            let before = facts.uploads.remove(key).unwrap_or_default();
            let spooled = facts.spooled.entry(key.0).or_default();
            *spooled = spooled.saturating_sub(before.counted());
            let after = before.with(part);
            *spooled = spooled.saturating_add(after.counted());
            facts.uploads.insert(*key, after);
        }
        Act::Recipients(kind, chosen) => {
            if let Some(clinic) = facts.clinics.get_mut(&command.clinic) {
                let routing = &mut Arc::make_mut(clinic).routing;
                match &chosen.rule {
                    Some(rule) => routing.insert(*kind, rule.clone()),
                    None => routing.remove(kind),
                };
            }
            if let Some(names) = facts.names.get_mut(&command.clinic) {
                names.chosen_by.insert(*kind, command.actor.clone());
            }
        }
        Act::Deed(deed) => {
            if let Some(version) = &deed.appointment {
                let nin = facts.dialogs.get(&deed.dialog).and_then(|(_, known)| known.nin.clone());
                facts.timeboker.note(version, nin);
            }
            note_deed(command.clinic, deed, facts);
        }
        Act::Appointment(version) => {
            let nin = patients_of(&command.order).first().map(|nin| Sensitive::new((*nin).to_owned()));
            facts.timeboker.note(version, nin);
        }
        Act::Slots(slots) => facts.timeboker.note_slots(slots),
    }
}

fn note_deed(clinic: HerId, deed: &Deed, facts: &mut Facts) {
    for file in deed.written.iter().flat_map(|written| &written.files) {
        let attached = facts.uploads.remove(&(clinic, file.upload)).unwrap_or_default();
        facts.spooled.entry(clinic).and_modify(|bytes| *bytes = bytes.saturating_sub(attached.counted()));
    }
    let Some((_, known)) = facts.dialogs.get_mut(&deed.dialog) else { return };
    known.closed |= deed.closes;
    if let Some(written) = &deed.written {
        known.entries = known.entries.saturating_add(1);
        if let Some(request) = written.answers {
            known.answer(request);
        }
    }
    if let Some(title) = &deed.title {
        known.title = title.clone();
    }
    if let Some((_, to)) = deed.converts {
        known.kind = Kind::HelseNorge(to);
    }
}
