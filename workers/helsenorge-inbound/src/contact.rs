//! What arrives about whom HelseNorge can reach → what is kept of that.

use domain::acceptance::Accepted;
use domain::appointment::request::Request;
use domain::digital_user::{Noted, is_doubted_by_entry, is_doubted_by_receipt};
use jiff::Timestamp;
use messages::HerId;
use messages::event::DialogKind;
use store::contact::{self, Answer, Doubt};
use store::receipt::Receipt;
use store::{StoreError, Tx, telling};
use uuid::Uuid;

/// What one message tells.
#[derive(Debug)]
pub enum Told {
    /// Who of those asked about is active.
    Answer(Answer),
    /// That a status no longer holds.
    Doubt(Doubt),
}

/// Of what belongs to no dialog, which came at `at`.
pub fn by_note(noted: &Noted, clinic: HerId, at: Timestamp) -> Option<Told> {
    match noted {
        Noted::Answer { question, active } => Some(Told::Answer(Answer { question: *question, active: active.clone(), at })),
        Noted::Change(person) => Some(Told::Doubt(Doubt::Person(clinic, person.expose().to_owned().into()))),
        Noted::Nothing(_) => None,
    }
}

/// Of an AppRec about a message of ours.
pub fn by_receipt(receipt: &Receipt) -> Option<Told> {
    let doubts = !receipt.is_error && is_doubted_by_receipt(&receipt.codes);
    receipt.about.filter(|_| doubts).map(|message| Told::Doubt(Doubt::ReceiverOf(message)))
}

/// Locks the appointments that were turned down: everybody locks them before what is said of their patients.
///
/// # Errors
/// As any step of the store.
pub async fn lock(tx: &Tx<'_>, receipts: &[Receipt]) -> Result<(), StoreError> {
    let refused = receipts.iter().filter(|receipt| receipt.is_refusal()).filter_map(|receipt| receipt.about);
    telling::lock_told_by(tx, &refused.collect::<Vec<_>>()).await
}

/// What becomes of notices that HelseNorge was to give and has turned down.
///
/// # Errors
/// As any step of the store.
pub async fn turned_down(tx: &Tx<'_>, receipts: &[Receipt], now: Timestamp) -> Result<(), StoreError> {
    let refusals = receipts.iter().filter(|receipt| receipt.is_refusal());
    let of = |receipt: &Receipt| Some((receipt.about?, matches!(by_receipt(receipt), Some(Told::Doubt(_)))));
    let (unreached, others): (Vec<_>, Vec<_>) = refusals.filter_map(of).partition(|(_, is_unreached)| *is_unreached);
    let ids = |about: Vec<(Uuid, bool)>| about.into_iter().map(|(message, _)| message).collect::<Vec<_>>();
    let given_up = telling::turned_down(tx, &ids(unreached), &ids(others), now).await?;
    if given_up > 0 {
        metrics::counter!("dialogpost_notices_given_up_total").increment(given_up);
        tracing::error!(given_up, "HelseNorge has turned down notices that it was to give: nobody else gives them");
    }
    Ok(())
}

/// Of an entry of a dialog.
pub fn by_entry(accepted: &Accepted) -> Option<Told> {
    let doubts = is_doubted_by_entry(&accepted.entry).then_some(Told::Doubt(Doubt::Patient(accepted.patient)));
    // What a wish comes to is shown on HelseNorge.
    doubts.or_else(|| (accepted.kind == DialogKind::Timeonske).then_some(Told::Doubt(Doubt::Unreached(accepted.patient))))
}

/// Of a booking: whoever books is reached, be it through somebody else, whatever was said before.
pub fn by_booking(request: &Request) -> Told {
    Told::Doubt(Doubt::Unreached(request.patient))
}

/// Keeps what a batch told.
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, told: Vec<Told>, now: Timestamp) -> Result<(), StoreError> {
    let (mut answers, mut doubts) = (Vec::new(), Vec::new());
    for one in told {
        match one {
            Told::Answer(answer) => answers.push(answer),
            Told::Doubt(doubt) => doubts.push(doubt),
        }
    }
    contact::answered(tx, answers).await?;
    contact::doubt(tx, &doubts, now).await
}
