//! What the audit keeps of a command: who did what, on whose data, why. Ids and choices, never content.

use crate::asked::{dialog_of, patients_of};
use crate::deciding::{Act, Decided, seen};
use crate::facts::{Facts, part_key};
use crate::timeboker::appointment_of;
use domain::appointment::NewVersion;
use domain::audit::Record;
use domain::command::deed::Post;
use jiff::Timestamp;
use messages::Sensitive;
use messages::command::Command;
use messages::command::answer::Done;
use messages::command::order::{Order, RecipientMode};
use messages::command::refusal::Why;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why somebody lacks the right to what he asks.
const WITHOUT_RIGHT: [Why; 3] = [Why::RoleMissing, Why::ServiceNotOffered, Why::ActorUnknown];

/// What the audit keeps: who did what, on whose data, why. Uploads say nothing yet; a refusal is kept when somebody lacked the right to
/// what he asked.
pub(crate) fn record(command: &Command, facts: &Facts, decided: &Decided, now: Timestamp) -> Option<Record> {
    if matches!(command.order, Order::UploadAttachment(_)) {
        return None;
    }
    let refused = match decided {
        Ok(_) => None,
        Err(refusal) if WITHOUT_RIGHT.iter().any(|why| refusal.is(*why)) || is_hidden(facts, command) => {
            Some(refusal.code.as_str())
        }
        Err(_) => return None,
    };
    let (subject, detail) = subject(command, facts, decided);
    Some(Record {
        clinic: Some(command.clinic),
        at: now,
        actor: command.actor.clone(),
        action: command.order.name().to_owned(),
        subject,
        patients: concerned(command, facts, decided),
        reason: command.reason.clone(),
        detail: match (refused, detail) {
            (Some(code), _) => Some(json!({ "refused": code })),
            (None, detail) => detail,
        },
    })
}

/// Whether it names a dialog of the clinic that the actor may not see: told as if there were none, and kept.
fn is_hidden(facts: &Facts, command: &Command) -> bool {
    let is_hidden = |id: uuid::Uuid| {
        let of_clinic = facts.dialogs.get(&id).is_some_and(|(clinic, _)| *clinic == command.clinic);
        of_clinic && seen(facts, command, id).is_none()
    };
    named_dialog(command, facts).is_some_and(is_hidden)
}

/// The dialog that a command names, by itself or by a file in it.
fn named_dialog(command: &Command, facts: &Facts) -> Option<uuid::Uuid> {
    match &command.order {
        Order::ShowDialog(show) => Some(show.dialog),
        Order::ListDialogs(list) => list.after,
        Order::FetchAttachment(_) => part_key(command).and_then(|key| facts.parts.get(&key)).map(|part| part.dialog),
        order => dialog_of(order),
    }
}

/// Whose data it is about.
fn concerned(command: &Command, facts: &Facts, decided: &Decided) -> Vec<Sensitive<String>> {
    let of_dialog = named_dialog(command, facts).and_then(|id| seen(facts, command, id)).and_then(|known| known.nin.clone());
    let named = patients_of(&command.order).into_iter().map(|nin| Sensitive::new(nin.to_owned()));
    let of_appointment = facts.timeboker.known(command).map(|known| known.nin.clone());
    let listed = match decided {
        Ok((_, Done::Dialogs { dialogs })) => dialogs.iter().filter_map(|dialog| dialog.patient.clone()).collect(),
        Ok((_, Done::Timebok { timebok })) => timebok.appointments.iter().map(|one| one.patient.clone()).collect(),
        _ => Vec::new(),
    };
    let all: BTreeMap<String, Sensitive<String>> =
        named.chain(of_dialog).chain(of_appointment).chain(listed).map(|nin| (nin.expose().clone(), nin)).collect();
    all.into_values().collect()
}

/// What it is about, and what is worth knowing of it: ids and choices, never content.
fn subject(command: &Command, facts: &Facts, decided: &Decided) -> (String, Option<Value>) {
    let about = |id: uuid::Uuid| id.to_string();
    match (&command.order, decided) {
        (_, Ok((Act::Deed(deed), _))) => {
            let to = deed.written.as_ref().map(|written| match written.post {
                Post::HelseNorge { .. } => "helsenorge",
                Post::Portal(_) => "portal",
                Post::Colleagues(_) => "colleagues",
            });
            let entry = deed.written.as_ref().map(|written| written.entry);
            let converts = deed.converts.map(|(from, to)| json!({ "from": from, "to": to }));
            let appointment = deed.appointment.as_ref().map(|version| version.appointment.id);
            (about(deed.dialog), Some(json!({ "entry": entry, "to": to, "converts": converts, "appointment": appointment })))
        }
        (Order::SetRecipients(set), Ok((Act::Recipients(_, chosen), _))) => {
            let rule = chosen.rule.as_ref().map_or_else(|| json!({ "mode": RecipientMode::Default }), |rule| json!(rule));
            let before = facts.clinics.get(&command.clinic).and_then(|clinic| clinic.routing.get(&set.kind));
            (set.kind.as_str().to_owned(), Some(json!({ "before": before, "rule": rule })))
        }
        (Order::SetRecipients(set), _) => (set.kind.as_str().to_owned(), None),
        (Order::ShowDialog(show), _) => (about(show.dialog), None),
        (_, Ok((Act::Appointment(version), _))) => {
            let NewVersion { appointment, change, .. } = version.as_ref();
            (about(appointment.id), Some(json!({ "change": change, "version": appointment.version })))
        }
        (Order::ReleaseSlots(release), _) => {
            let detail = json!({ "slots": release.slots.len(), "online": release.online });
            (known_timebok(&release.timebok, command, facts), Some(detail))
        }
        (Order::ShowTimebok(show), _) => {
            (known_timebok(&show.timebok, command, facts), Some(json!({ "from": show.from, "days": show.days })))
        }
        (Order::FetchAttachment(fetch), _) => (about(fetch.entry), Some(json!({ "number": fetch.number, "part": fetch.part }))),
        (order, _) => (dialog_of(order).or_else(|| appointment_of(order)).map(about).unwrap_or_default(), None),
    }
}

/// The timebok that a command names; what is no timebok of the clinic's could be anything that somebody wrote.
fn known_timebok(name: &str, command: &Command, facts: &Facts) -> String {
    let clinic = facts.clinics.get(&command.clinic);
    clinic.filter(|clinic| clinic.booking.timeboker.contains_key(name)).map(|_| name.to_owned()).unwrap_or_default()
}
