//! What arrives about whom HelseNorge can reach → what is kept of that.

use domain::acceptance::Accepted;
use domain::digital_user::{Noted, is_doubted_by_entry, is_doubted_by_receipt};
use jiff::Timestamp;
use messages::HerId;
use store::contact::{self, Answer, Doubt};
use store::receipt::Receipt;
use store::{StoreError, Tx};

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

/// Of an entry of a dialog.
pub fn by_entry(accepted: &Accepted) -> Option<Told> {
    is_doubted_by_entry(&accepted.entry).then_some(Told::Doubt(Doubt::Patient(accepted.patient)))
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
