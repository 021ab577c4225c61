//! A decision → rows and events, for a whole batch.

use crate::arrival::Arrived;
use crate::contact::{self, Told};
use domain::acceptance::{Accepted, Decision, Facts, Thread};
use domain::appointment::request::Request;
use domain::arrival::Payload;
use domain::command::dialog::Kind;
use domain::digital_user::Noted;
use domain::receipts::{Answer, ReceiptHead};
use domain::sync::Heard;
use domain::title::title;
use domain::transport::is_code;
use jiff::Timestamp;
use messages::event::{Answered, BookingRequested, DialogReceived, Event, Fact};
use messages::transport::Outgoing;
use messages::wire::Incoming;
use messages::wire::apprec::ReceivedAppRec;
use messages::{Fault, HerId};
use runtime::topology::event_to;
use std::collections::HashMap;
use store::booking;
use store::dialog::{self, By, Extended, NewDialog, NewEntry};
use store::message::{self, Outcome, Received};
use store::receipt::{self, Receipt};
use store::sending;
use store::waiting::{self, Waiting};
use store::{StoreError, Tx};
use uuid::Uuid;

/// What is written for one arrival.
#[derive(Debug)]
pub enum Effect {
    /// Its row in the ledger, and what is kept beside it.
    Decided(Box<Decided>),
    /// That it waits.
    PutOff(Waiting),
}

/// What is written of an arrival that was decided on.
#[derive(Debug)]
pub struct Decided {
    received: Received,
    kept: Kept,
    /// The claim under which it may have waited.
    waited: Option<String>,
}

/// What is kept beside the ledger's row.
#[derive(Debug)]
enum Kept {
    Entry(Box<Accepted>),
    Receipt(Receipt),
    Noted(HerId, Noted),
    Booking(HerId, Request),
    /// To this request of ours.
    Reply(Uuid),
    Nothing,
}

impl Kept {
    /// What it tells of whom HelseNorge can reach.
    fn told(&self, row: &Received) -> Option<Told> {
        match self {
            Self::Entry(accepted) => contact::by_entry(accepted),
            Self::Receipt(receipt) => contact::by_receipt(receipt),
            Self::Noted(clinic, noted) => contact::by_note(noted, *clinic, row.at),
            Self::Booking(_, request) => Some(contact::by_booking(request)),
            Self::Reply(_) | Self::Nothing => None,
        }
    }
}

/// The parts of a ledger row that a decision sets.
#[derive(Default)]
struct Ruling {
    code: Option<String>,
    answer: Option<Answer>,
    head: Option<ReceiptHead>,
    repeats: Option<Uuid>,
}

impl Effect {
    /// Turns a decision into what is written.
    pub fn new(arrived: &Arrived, facts: &Facts, decision: Decision) -> Self {
        let (outcome, ruling, kept) = match decision {
            Decision::Accept(accepted) => {
                let ruling = Ruling { answer: accepted.answer.clone(), head: Some(accepted.head.clone()), ..Ruling::default() };
                (Outcome::Accepted, ruling, Kept::Entry(accepted))
            }
            Decision::Note(note) => {
                let ruling = Ruling {
                    code: note.noted.code().map(str::to_owned),
                    answer: note.answer,
                    head: Some(note.head),
                    repeats: None,
                };
                (Outcome::Noted, ruling, Kept::Noted(note.clinic, note.noted))
            }
            Decision::Book(booking) => {
                let ruling = Ruling { answer: booking.answer, head: Some(booking.head), ..Ruling::default() };
                let request = Request { message: arrived.id, ..booking.request };
                (Outcome::Booking, ruling, Kept::Booking(booking.clinic, request))
            }
            Decision::Reject(reject) => {
                let (head, rejection) = *reject;
                let answer = Answer::AppRec { errors: vec![rejection.error] };
                let ruling = Ruling { answer: Some(answer), head: Some(head), ..Ruling::coded(rejection.code) };
                (Outcome::Rejected, ruling, Kept::Nothing)
            }
            Decision::Refuse(code, error) => {
                (Outcome::Refused, Ruling { answer: Some(Answer::Error(error)), ..Ruling::coded(code) }, Kept::Nothing)
            }
            Decision::Repeat(first) => (Outcome::Repeated, Ruling { repeats: Some(first), ..Ruling::default() }, Kept::Nothing),
            Decision::FileReceipt(apprec) => {
                (Outcome::Filed, Ruling::default(), Kept::Receipt(receipt_of(arrived, facts, &apprec)))
            }
            Decision::FileError => (Outcome::Filed, Ruling::default(), Kept::Receipt(error_of(arrived, facts))),
            Decision::Reply(reply) => {
                let (head, reply) = *reply;
                let code = reply.content.code().map(str::to_owned);
                let ruling = Ruling { code, answer: Some(Answer::Reply(reply)), head: Some(head), repeats: None };
                (Outcome::Replied, ruling, Kept::Nothing)
            }
            Decision::FileReply(Heard::Reply(request)) => (Outcome::Filed, Ruling::default(), Kept::Reply(request)),
            Decision::FileReply(Heard::Dropped(code)) => (Outcome::Filed, Ruling::coded(code), Kept::Nothing),
            Decision::Expired => (Outcome::Expired, Ruling::coded("request-expired"), Kept::Nothing),
            Decision::Dead(fault) | Decision::Later(fault) => (Outcome::Dead, Ruling::coded(fault.code), Kept::Nothing),
        };
        let waited = Some(arrived.key.clone()).filter(|_| arrived.arrival.properties.attempt() > 0);
        Self::Decided(Box::new(Decided { received: received(arrived, facts, outcome, ruling), kept, waited }))
    }

    /// It will come again.
    pub fn put_off(arrived: &Arrived, facts: &Facts, why: &Fault) -> Self {
        Self::PutOff(Waiting {
            key: arrived.key.clone(),
            message: arrived.id,
            at: arrived.arrival.received_at,
            clinic: facts.clinic.as_ref().map(|c| c.her_id),
            from: arrived.keys.from,
            to: arrived.keys.to,
            queue: arrived.queue.clone(),
            function: arrived.arrival.function(),
            transport_id: arrived.arrival.properties.message_id.clone(),
            bytes: arrived.raw.len(),
            code: why.code.to_owned(),
        })
    }
}

impl Ruling {
    fn coded(code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..Self::default() }
    }
}

fn received(arrived: &Arrived, facts: &Facts, outcome: Outcome, ruling: Ruling) -> Received {
    Received {
        id: arrived.id,
        at: arrived.arrival.received_at,
        clinic: facts.clinic.as_ref().map(|c| c.her_id),
        from: arrived.keys.from,
        to: arrived.keys.to,
        queue: arrived.queue.clone(),
        function: arrived.arrival.function(),
        msg_id: arrived.keys.msg_id.clone(),
        outcome,
        code: ruling.code,
        answer: ruling.answer,
        head: ruling.head,
        repeats: ruling.repeats,
        properties: arrived.arrival.properties.clone(),
        raw: arrived.raw.clone(),
    }
}

fn receipt_of(arrived: &Arrived, facts: &Facts, apprec: &ReceivedAppRec) -> Receipt {
    Receipt {
        message: arrived.id,
        about: facts.sent,
        original_id: apprec.original_id.clone(),
        is_error: false,
        status: apprec.status.as_ref().and_then(|s| s.v.clone()).map(code),
        codes: apprec.errors.iter().filter_map(|e| e.v.clone()).map(code).collect(),
    }
}

/// What says that something failed is never a receipt, whatever stands in it: nobody has signed it.
fn error_of(arrived: &Arrived, facts: &Facts) -> Receipt {
    let p = &arrived.arrival.properties;
    let fault = match &arrived.arrival.payload {
        Payload::Read(read) => match &read.incoming {
            Incoming::SoapFault(fault) => Some(fault),
            _ => None,
        },
        _ => None,
    };
    let (original_id, condition) = match fault {
        Some(fault) => (fault.message_id.clone(), fault.code.clone()),
        None => (p.application("originalMessageId").map(str::to_owned), p.application("errorCondition").map(str::to_owned)),
    };
    let codes = condition.map(code).into_iter().collect();
    Receipt { message: arrived.id, about: facts.sent, original_id, is_error: true, status: None, codes }
}

/// A code from outside, which operators are shown; what somebody wrote instead stays in the raw message.
fn code(text: String) -> String {
    let text = text.trim();
    if is_code(text) { text.to_owned() } else { "not-a-code".to_owned() }
}

/// Writes a batch and returns its events.
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, effects: Vec<Effect>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let (mut rows, mut kept) = (Vec::with_capacity(effects.len()), Vec::with_capacity(effects.len()));
    let (mut put_off, mut waited) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::Decided(decided) => {
                rows.push(decided.received);
                kept.push(decided.kept);
                waited.extend(decided.waited);
            }
            Effect::PutOff(one) => put_off.push(one),
        }
    }
    waiting::put(tx, &put_off).await?;
    waiting::forget(tx, &waited).await?;
    message::insert_received(tx, &rows).await?;
    let placed = place(tx, &rows, &kept, now).await?;
    let receipts: Vec<_> = kept.iter().filter_map(|k| if let Kept::Receipt(r) = k { Some(r.clone()) } else { None }).collect();
    receipt::insert(tx, &receipts).await?;
    let turned_down = receipts.iter().filter(|r| r.is_refusal()).filter_map(|r| r.about);
    let turned_down = receipt::dialog_entries(tx, &turned_down.collect::<Vec<_>>()).await?;
    let replies: Vec<_> =
        rows.iter().zip(&kept).filter_map(|(row, k)| if let Kept::Reply(of) = k { Some((*of, row.id)) } else { None }).collect();
    sending::heard(tx, &replies).await?;
    contact::lock(tx, &receipts).await?;
    contact::write(tx, rows.iter().zip(&kept).filter_map(|(row, kept)| kept.told(row)).collect(), now).await?;
    // Afterwards: a notice that is looked at again no longer knows the message by which its patient is doubted.
    contact::turned_down(tx, &receipts, now).await?;
    let requests = rows.iter().zip(&kept).filter_map(|(row, kept)| match kept {
        Kept::Booking(clinic, request) => Some(booking::Received { clinic: *clinic, request: request.clone(), at: row.at }),
        _ => None,
    });
    let requests: Vec<_> = requests.collect();
    booking::insert(tx, &requests).await?;
    let mut events: Vec<_> = rows.iter().filter_map(answered).collect();
    let requested =
        |r: &booking::Received| Fact::BookingRequested(BookingRequested { message: r.request.message, clinic: r.clinic });
    events.extend(requests.iter().map(requested));
    events.extend(turned_down.into_iter().map(|message| Fact::MessageTurnedDown(Answered { message })));
    let entries: Vec<_> = rows.iter().zip(kept).filter_map(|(row, kept)| entry(row, kept, &placed)).collect();
    events.extend(entries.iter().map(|(event, _)| event.clone()));
    let entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
    dialog::add_entries(tx, &entries).await?;
    Ok(events.into_iter().map(|fact| outgoing(fact, now)).collect())
}

/// Message → its dialog and place in it.
type Placed = HashMap<Uuid, (Uuid, u32, Kind)>;

/// Opens new dialogs and lengthens existing ones.
async fn place(tx: &Tx<'_>, rows: &[Received], kept: &[Kept], now: Timestamp) -> Result<Placed, StoreError> {
    let (mut placed, mut new, mut longer) = (Placed::new(), Vec::new(), HashMap::<Uuid, Vec<Uuid>>::new());
    for (row, kept) in rows.iter().zip(kept) {
        let Kept::Entry(accepted) = kept else { continue };
        match &accepted.thread {
            Thread::Existing(dialog) => longer.entry(*dialog).or_default().push(row.id),
            Thread::New { conversation, flagged } => {
                let id = Uuid::now_v7();
                placed.insert(row.id, (id, 1, Kind::HelseNorge(accepted.kind)));
                new.push(new_dialog(id, row, accepted, conversation.clone(), *flagged));
            }
        }
    }
    dialog::open(tx, &new).await?;
    let added = longer.iter().map(|(dialog, rows)| (*dialog, u32::try_from(rows.len()).unwrap_or(u32::MAX))).collect();
    let extended = dialog::extend(tx, &added, By::Patient, now).await?;
    for (dialog, rows) in longer {
        let Some(Extended { before, kind }) = extended.get(&dialog).copied() else { continue };
        placed.extend(rows.into_iter().zip(before + 1..).map(|(row, sequence)| (row, (dialog, sequence, kind))));
    }
    Ok(placed)
}

fn new_dialog(id: Uuid, row: &Received, accepted: &Accepted, conversation: String, flagged: bool) -> NewDialog {
    NewDialog {
        id,
        clinic: accepted.clinic,
        patient: Some(accepted.patient),
        kind: Kind::HelseNorge(accepted.kind),
        conversation,
        title: title(Kind::HelseNorge(accepted.kind), accepted.entry.subject.as_ref().map(|s| s.expose().as_str())),
        flagged,
        opened_at: row.at,
    }
}

fn entry(row: &Received, kept: Kept, placed: &Placed) -> Option<(Fact, NewEntry)> {
    let Kept::Entry(accepted) = kept else { return None };
    let (dialog, sequence, kind) = placed.get(&row.id).copied()?;
    let clinic: HerId = accepted.clinic;
    // A dialog that was converted is journaled and routed as what it is now (K3).
    let dialog_kind = match kind {
        Kind::HelseNorge(kind) => kind,
        Kind::EDialog => accepted.kind,
    };
    let fact = Fact::DialogReceived(DialogReceived { message: row.id, clinic, dialog, sequence, dialog_kind });
    Some((fact, NewEntry { id: row.id, dialog, sequence, entry: accepted.entry, own: None, received_at: row.at }))
}

/// The event of a message that only wants an answer.
fn answered(row: &Received) -> Option<Fact> {
    let answered = Answered { message: row.id };
    match row.outcome {
        Outcome::Rejected => Some(Fact::MessageRejected(answered)),
        Outcome::Refused => Some(Fact::MessageRefused(answered)),
        Outcome::Repeated => Some(Fact::MessageRepeated(answered)),
        Outcome::Noted => Some(Fact::MessageNoted(answered)),
        Outcome::Replied => Some(Fact::RequestReceived(answered)),
        // Told with what they are about.
        Outcome::Accepted | Outcome::Booking => None,
        Outcome::Filed | Outcome::Expired | Outcome::Dead => None,
    }
}

fn outgoing(fact: Fact, now: Timestamp) -> Outgoing {
    event_to(&Event { id: Uuid::now_v7(), time: now, fact })
}
