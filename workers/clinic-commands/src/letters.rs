//! What HelseNorge gets: each message written once, exactly as it will be signed, into the ledger.

use crate::answering::event;
use crate::dialogs::Doing;
use bytes::Bytes;
use domain::agreement::part::Delivery;
use domain::command::compose::{Address, Body, Letter};
use domain::command::deed::{Post, Written};
use jiff::Timestamp;
use messages::HerId;
use messages::event::{Answered, DialogKind, Fact};
use messages::person_id::TestSeries;
use messages::transport::{BYTES, Outgoing};
use messages::wire::hodemelding::MsgHead;
use std::collections::HashMap;
use store::letter::{self, Addresses, Surroundings};
use store::message::{self, Sent};
use store::{StoreError, Tx};
use uuid::Uuid;

/// A message to be composed.
struct Draft<'a> {
    written: &'a Written,
    kind: DialogKind,
    ends: (HerId, HerId),
    body: &'a Body,
}

/// Writes the messages of a batch and returns the word that they are to be sent, in the order of their commands. Those with files one by
/// one: no two are held at once.
///
/// # Errors
/// As any step of the store; a bug when what stands around a message is missing or no XML can be made of it.
pub async fn write(tx: &Tx<'_>, doing: &[Doing], series: &TestSeries, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let drafts: Vec<Draft<'_>> = doing.iter().filter_map(draft).collect();
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let around = letter::surroundings(tx, &drafts.iter().map(|d| d.written.entry).collect::<Vec<_>>()).await?;
    let addresses = letter::addresses(tx, &drafts.iter().map(|d| d.ends).collect::<Vec<_>>()).await?;
    let mut light = Vec::new();
    let mut outgoing = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        let has_files = !draft.written.files.is_empty();
        let files = if has_files { letter::attachments(tx, draft.written.entry).await? } else { Vec::new() };
        let (mut sent, message) = draft.compose(&around, &addresses, files, series, now)?;
        let xml = message.streamed().map_err(|_| StoreError::missing("xml"))?;
        outgoing.push(written(sent.id, xml.encoded_len(), now));
        if has_files {
            message::insert_streamed(tx, &sent, &xml).await?;
        } else {
            sent.raw = xml.to_vec().into();
            light.push(sent);
        }
    }
    message::insert_sent(tx, &light).await?;
    Ok(outgoing)
}

fn draft(doing: &Doing) -> Option<Draft<'_>> {
    let written = doing.deed.written.as_ref()?;
    match &written.post {
        Post::HelseNorge { kind, from, to, body } => Some(Draft { written, kind: *kind, ends: (*from, *to), body }),
        Post::Portal(_) | Post::Colleagues(_) => None,
    }
}

/// The word that a message is to be sent. It tells how many bytes that is, so that no worker takes more in hand than it can hold.
fn written(message: Uuid, bytes: usize, now: Timestamp) -> Outgoing {
    let mut outgoing = event(Fact::MessageWritten(Answered { message }), now);
    outgoing.properties.application.insert(BYTES.to_owned(), bytes.to_string());
    outgoing
}

impl Draft<'_> {
    /// The message, and its row without the message's bytes.
    fn compose(
        &self,
        around: &HashMap<Uuid, Surroundings>,
        addresses: &HashMap<(HerId, HerId), Addresses>,
        attachments: Vec<domain::entry::Attachment>,
        series: &TestSeries,
        now: Timestamp,
    ) -> Result<(Sent, MsgHead), StoreError> {
        let id = self.written.entry;
        let around = around.get(&id).ok_or_else(|| StoreError::missing("surroundings"))?;
        let addresses = addresses.get(&self.ends).ok_or_else(|| StoreError::missing("addresses"))?;
        let letter = Letter {
            id,
            from: from(addresses, around),
            to: addresses.to.clone(),
            patient: around.patient(series).ok_or_else(|| StoreError::missing("patient"))?,
            kind: self.kind,
            answers: around.answers.clone(),
            body: self.body.clone(),
            prescriptions: around.prescriptions.clone(),
            attachments,
        };
        let function = self.kind.message_function();
        let sent = Sent::written(&addresses.ends, function, Delivery::Async, id, now, Bytes::new());
        Ok((sent, letter.message(now)))
    }
}

/// The sender; a doctor who is the patient's fastlege is called that.
fn from(addresses: &Addresses, around: &Surroundings) -> Address {
    addresses.from.clone().calling_fastlege(addresses.doctor.is_some() && addresses.doctor == around.fastlege)
}
