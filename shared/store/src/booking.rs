//! Reservations and cancellations from HelseNorge, and what became of them.

use crate::clinic::her_id;
use crate::dialog::representative;
use crate::step::{Params, column, step};
use crate::timebok::slot;
use crate::{StoreError, Tx};
use ::messages::wire::hodemelding::Code;
use ::messages::{HerId, Sensitive};
use domain::appointment::Slot;
use domain::appointment::request::{Request, Wanted};
use domain::receipts::ReceiptHead;
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A request that was taken in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The clinic.
    pub clinic: HerId,
    /// What is asked for.
    pub request: Request,
    /// When it came.
    pub at: Timestamp,
}

/// Keeps requests.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, received: &[Received]) -> Result<(), StoreError> {
    if received.is_empty() {
        return Ok(());
    }
    let all = || received.iter().map(|r| &r.request);
    let messages: Vec<Uuid> = all().map(|r| r.message).collect();
    let clinics: Vec<i64> = received.iter().map(|r| r.clinic.get()).collect();
    let patients: Vec<Uuid> = all().map(|r| r.patient).collect();
    let addressed: Vec<i64> = all().map(|r| r.addressed.get()).collect();
    let kinds: Vec<&str> = all().map(|r| r.wanted.as_str()).collect();
    let uids: Vec<Option<Uuid>> = all().map(|r| r.uid).collect();
    let comments: Vec<Option<&str>> = all().map(|r| r.comment.as_ref().map(|c| c.expose().as_str())).collect();
    let representatives: Vec<_> = all().map(|r| r.representative.as_ref().map(representative)).collect();
    let conversations: Vec<Option<&str>> = all().map(|r| r.conversation.as_deref()).collect();
    let at: Vec<Timestamp> = received.iter().map(|r| r.at).collect();
    let insert = step!(
        "booking_request.insert",
        "insert into dialogpost.booking_request (message, clinic, patient, addressed, kind, uid, comment, representative, conversation,
            received_at)
         select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::jsonb[],
            $9::text[], $10::timestamptz[])"
    );
    let params: Params<'_> =
        &[&messages, &clinics, &patients, &addressed, &kinds, &uids, &comments, &representatives, &conversations, &at];
    tx.query(insert, params).await.map(drop)
}

/// A request that waits for its answer, with what the answer needs.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The clinic.
    pub clinic: HerId,
    /// What is asked for; who acted for the patient is left out.
    pub request: Request,
    /// Employee id of the patient's fastlege.
    pub fastlege: Option<String>,
    /// Who asked: the party that gets the answer.
    pub asker: HerId,
    /// `MsgInfo/Type` of the request.
    pub function: Code,
    /// `MsgId` of the request and of the first of its conversation, as they were written.
    pub conversation: (String, String),
    /// Family name, given name and national number of the patient.
    pub patient: (Sensitive<String>, Sensitive<String>, Sensitive<String>),
    /// The slot that is known by the uid.
    pub slot: Option<Slot>,
}

/// Locks the timebøker that requests are about, and the appointments, until the transaction ends.
///
/// # Errors
/// As any step.
pub async fn lock(tx: &Tx<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    let lock = step!(
        "booking_request.lock_timeboker",
        "select from dialogpost.timebok b where (b.clinic, b.id) in (
            select s.clinic, s.timebok from dialogpost.booking_request r join dialogpost.slot s on s.uid = r.uid and s.clinic = r.clinic
                where r.message = any($1)
            union select a.clinic, a.timebok from dialogpost.booking_request r
                join dialogpost.appointment a on a.uid = r.uid and a.clinic = r.clinic where r.message = any($1)
         ) order by b.clinic, b.id for no key update"
    );
    tx.query(lock, &[&ids]).await?;
    let lock = step!(
        "booking_request.lock",
        "select from dialogpost.appointment a where (a.clinic, a.uid) in (
            select r.clinic, r.uid from dialogpost.booking_request r where r.message = any($1)
         ) order by a.id for no key update"
    );
    tx.query(lock, &[&ids]).await.map(drop)
}

/// Requests by their ledger rows; unknown ids are left out.
///
/// # Errors
/// As any step.
pub async fn waiting(tx: &Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Waiting>, StoreError> {
    let load = step!(
        "booking_request.waiting",
        "select r.message, r.clinic, r.patient, r.addressed, r.kind, r.uid as wanted, r.comment, r.conversation, p.fastlege, p.family_name, p.given_name,
            p.nin, m.from_her_id, m.head, s.timebok, s.starts_at, s.ends_at, s.type, s.online, s.uid
         from dialogpost.booking_request r
         join dialogpost.message m on m.id = r.message
         join dialogpost.patient p on p.id = r.patient
         left join dialogpost.slot s on s.uid = r.uid and s.clinic = r.clinic
         where r.message = any($1)"
    );
    tx.query(load, &[&ids]).await?.iter().map(|row| Ok((column(row, "message")?, waiting_of(row)?))).collect()
}

fn waiting_of(row: &Row) -> Result<Waiting, StoreError> {
    let text = |name| column::<String>(row, name).map(Sensitive::new);
    let Json(head): Json<ReceiptHead> = column(row, "head")?;
    let request = Request {
        message: column(row, "message")?,
        patient: column(row, "patient")?,
        addressed: her_id(row, "addressed")?,
        wanted: Wanted::parse(column(row, "kind")?).ok_or_else(|| StoreError::row("kind"))?,
        uid: column(row, "wanted")?,
        comment: column::<Option<String>>(row, "comment")?.map(Sensitive::new),
        representative: None,
        conversation: column(row, "conversation")?,
    };
    let first = request.conversation.clone().unwrap_or_else(|| head.msg_id.clone());
    let slot = if column::<Option<Uuid>>(row, "uid")?.is_some() { Some(slot(row)?) } else { None };
    Ok(Waiting {
        clinic: her_id(row, "clinic")?,
        request,
        fastlege: column(row, "fastlege")?,
        asker: her_id(row, "from_her_id")?,
        function: head.msg_type,
        conversation: (head.msg_id, first),
        patient: (text("family_name")?, text("given_name")?, text("nin")?),
        slot,
    })
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The request.
    pub request: Uuid,
    /// Ledger row of the answer.
    pub answer: Uuid,
    /// Why not; none = as asked.
    pub code: Option<&'static str>,
    /// The appointment that it is about.
    pub appointment: Option<Uuid>,
}

/// Keeps what became of requests.
///
/// # Errors
/// As any step.
pub async fn decided(tx: &Tx<'_>, decided: &[Decided], now: Timestamp) -> Result<(), StoreError> {
    if decided.is_empty() {
        return Ok(());
    }
    let requests: Vec<Uuid> = decided.iter().map(|d| d.request).collect();
    let answers: Vec<Uuid> = decided.iter().map(|d| d.answer).collect();
    let codes: Vec<Option<&str>> = decided.iter().map(|d| d.code).collect();
    let appointments: Vec<Option<Uuid>> = decided.iter().map(|d| d.appointment).collect();
    let insert = step!(
        "booking_decision.insert",
        "insert into dialogpost.booking_decision (request, answer, code, appointment, at)
         select *, $5::timestamptz from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])"
    );
    tx.query(insert, &[&requests, &answers, &codes, &appointments, &now]).await.map(drop)
}
