//! Messages that we send, as they were written.

use super::number;
use crate::agreement::Pair;
use crate::large::{LARGE, LongRow};
use crate::step::{column, step};
use crate::{Session, StoreError, Tx, clinic::her_id};
use ::messages::HerId;
use ::messages::transport::Properties;
use ::messages::wire::Streamed;
use bytes::Bytes;
use domain::agreement::part::Delivery;
use domain::sending::Ends;
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql, Type};
use uuid::Uuid;

/// A message that we send, as it is stored.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its id; the transport message id too.
    pub id: Uuid,
    /// When it was written.
    pub at: Timestamp,
    /// The clinic.
    pub clinic: Option<HerId>,
    /// `fromHerId`.
    pub from: HerId,
    /// `toHerId`.
    pub to: HerId,
    /// The queue it goes to.
    pub queue: String,
    /// Message function.
    pub function: String,
    /// The message it answers.
    pub answers: Option<Uuid>,
    /// Its properties.
    pub properties: Properties,
    /// Its bytes before protection.
    pub raw: Bytes,
}

/// Stores messages that we send.
///
/// # Errors
/// As any step.
pub async fn insert_sent(tx: &Tx<'_>, sent: &[Sent]) -> Result<(), StoreError> {
    if sent.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = sent.iter().map(|m| m.id).collect();
    let at: Vec<Timestamp> = sent.iter().map(|m| m.at).collect();
    let clinics: Vec<_> = sent.iter().map(|m| number(m.clinic)).collect();
    let from: Vec<i64> = sent.iter().map(|m| m.from.get()).collect();
    let to: Vec<i64> = sent.iter().map(|m| m.to.get()).collect();
    let queues: Vec<&str> = sent.iter().map(|m| m.queue.as_str()).collect();
    let functions: Vec<&str> = sent.iter().map(|m| m.function.as_str()).collect();
    let answers: Vec<Option<Uuid>> = sent.iter().map(|m| m.answers).collect();
    let properties: Vec<_> = sent.iter().map(|m| Json(&m.properties)).collect();
    let raw: Vec<&[u8]> = sent.iter().map(|m| m.raw.as_ref()).collect();
    let insert = step!(
        "message.insert_sent",
        "insert into dialogpost.message (direction, outcome, transport_id, id, at, clinic, from_her_id, to_her_id, queue, function,
            answers, properties, raw)
         select 'out', 'sent', s.id::text, s.* from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[],
            $6::text[], $7::text[], $8::uuid[], $9::jsonb[], $10::bytea[]) s(id, at, clinic, f, t, q, fn, a, p, r)"
    );
    tx.query(insert, &[&ids, &at, &clinics, &from, &to, &queues, &functions, &answers, &properties, &raw]).await.map(drop)
}

/// Stores one message that we send, its bytes as they come: they are not those of `sent`, and held nowhere else.
///
/// # Errors
/// As any step.
pub async fn insert_streamed(tx: &Tx<'_>, sent: &Sent, raw: &Streamed<'_>) -> Result<(), StoreError> {
    let copy = step!(
        "message.insert_streamed",
        "copy dialogpost.message (direction, outcome, transport_id, id, at, clinic, from_her_id, to_her_id, queue, function, answers,
            properties, raw) from stdin (format binary)"
    );
    let columns: [(Type, &(dyn ToSql + Sync)); 12] = [
        (Type::TEXT, &"out"),
        (Type::TEXT, &"sent"),
        (Type::TEXT, &sent.id.to_string()),
        (Type::UUID, &sent.id),
        (Type::TIMESTAMPTZ, &sent.at),
        (Type::INT8, &number(sent.clinic)),
        (Type::INT8, &sent.from.get()),
        (Type::INT8, &sent.to.get()),
        (Type::TEXT, &sent.queue),
        (Type::TEXT, &sent.function),
        (Type::UUID, &sent.answers),
        (Type::JSONB, &Json(&sent.properties)),
    ];
    tx.copy(copy, LongRow { columns: &columns, length: raw.encoded_len() }, raw.pieces()).await
}

/// Notes until when messages that are sent now must be receipted.
///
/// # Errors
/// As any step.
pub async fn await_receipts(tx: &Tx<'_>, ids: &[Uuid], due_at: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let note = step!("message.await_receipts", "update dialogpost.message set receipt_due_at = $2 where id = any($1)");
    tx.query(note, &[&ids, &due_at]).await.map(drop)
}

/// Messages of ours as they were written, by ledger id; unknown ids are left out.
///
/// # Errors
/// As any step.
pub async fn written(session: &Session, ids: &[Uuid]) -> Result<HashMap<Uuid, Sent>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "message.written",
        "select id, at, clinic, from_her_id, to_her_id, queue, function, answers, properties, octet_length(raw) as length,
            case when octet_length(raw) <= $2 then raw end as raw
         from dialogpost.message where id = any($1) and direction = 'out'"
    );
    let mut written = HashMap::new();
    for r in session.query(load, &[&ids, &i32::try_from(LARGE).unwrap_or(i32::MAX)]).await? {
        let sent = written_of(session, &r).await?;
        written.insert(sent.id, sent);
    }
    Ok(written)
}

async fn written_of(session: &Session, r: &Row) -> Result<Sent, StoreError> {
    let piece = step!("message.piece", "select substring(raw from $1 for $2) as piece from dialogpost.message where id = $3");
    let (id, Json(properties)): (Uuid, _) = (column(r, "id")?, column(r, "properties")?);
    let raw = match column::<Option<&[u8]>>(r, "raw")? {
        Some(raw) => Bytes::copy_from_slice(raw),
        None => session.long(piece, &[&id], column(r, "length")?).await?.into(),
    };
    Ok(Sent {
        id,
        at: column(r, "at")?,
        clinic: column::<Option<i64>>(r, "clinic")?.and_then(|n| n.try_into().ok()),
        from: her_id(r, "from_her_id")?,
        to: her_id(r, "to_her_id")?,
        queue: column(r, "queue")?,
        function: column(r, "function")?,
        answers: column(r, "answers")?,
        properties,
        raw,
    })
}

impl Sent {
    /// Between whom it is.
    pub fn pair(&self) -> Pair {
        Pair { own: self.from, other: self.to, cpa_id: None }
    }

    /// A message that we write ourselves, in answer to none: between these ends.
    pub fn written(ends: &Ends, function: &str, delivery: Delivery, id: Uuid, now: Timestamp, raw: Bytes) -> Self {
        let (queue, properties) = domain::sending::properties(ends, function, delivery, id, now);
        Self {
            id,
            at: now,
            clinic: Some(ends.clinic),
            from: ends.own,
            to: ends.other,
            queue,
            function: function.to_owned(),
            answers: None,
            properties,
            raw,
        }
    }
}
