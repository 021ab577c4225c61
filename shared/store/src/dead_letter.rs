//! What no worker could handle, stored whole.

use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use ::messages::transport::Properties;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A dead letter.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// When it died.
    pub at: Timestamp,
    /// The worker that gave it up.
    pub worker: String,
    /// Fault class.
    pub fault: String,
    /// Stable code.
    pub code: String,
    /// For people, without personal data.
    pub text: String,
    /// Attempts spent.
    pub attempts: u32,
    /// The ledger row it belongs to, when known.
    pub message: Option<Uuid>,
    /// The queue it came from.
    pub queue: String,
    /// Its properties.
    pub properties: Properties,
    /// Its body.
    pub body: Vec<u8>,
}

/// Stores dead letters; an id that is stored already changes nothing.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, letters: &[DeadLetter]) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = letters.iter().map(|l| l.id).collect();
    let at: Vec<Timestamp> = letters.iter().map(|l| l.at).collect();
    let workers: Vec<&str> = letters.iter().map(|l| l.worker.as_str()).collect();
    let faults: Vec<&str> = letters.iter().map(|l| l.fault.as_str()).collect();
    let codes: Vec<&str> = letters.iter().map(|l| l.code.as_str()).collect();
    let texts: Vec<&str> = letters.iter().map(|l| l.text.as_str()).collect();
    let attempts: Vec<i32> = letters.iter().map(|l| i32::try_from(l.attempts).unwrap_or(i32::MAX)).collect();
    let messages: Vec<Option<Uuid>> = letters.iter().map(|l| l.message).collect();
    let queues: Vec<&str> = letters.iter().map(|l| l.queue.as_str()).collect();
    let properties: Vec<Json<&Properties>> = letters.iter().map(|l| Json(&l.properties)).collect();
    let bodies: Vec<&[u8]> = letters.iter().map(|l| l.body.as_slice()).collect();
    let insert = step!(
        "dead_letter.insert",
        "insert into dialogpost.dead_letter (id, at, worker, fault, code, text, attempts, message, queue, properties, body)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::uuid[],
             $9::text[], $10::jsonb[], $11::bytea[])
         on conflict do nothing"
    );
    tx.query(insert, &[&ids, &at, &workers, &faults, &codes, &texts, &attempts, &messages, &queues, &properties, &bodies])
        .await
        .map(drop)
}

/// Dead letters, newest first.
///
/// # Errors
/// As any step.
pub async fn list(session: &Session, limit: i64) -> Result<Vec<DeadLetter>, StoreError> {
    let list = step!(
        "dead_letter.list",
        "select id, at, worker, fault, code, text, attempts, message, queue, properties, ''::bytea as body
         from dialogpost.dead_letter order by at desc, id desc limit $1"
    );
    session.query(list, &[&limit]).await?.iter().map(letter).collect()
}

/// One dead letter with its body.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
    let find = step!(
        "dead_letter.find",
        "select id, at, worker, fault, code, text, attempts, message, queue, properties, body from dialogpost.dead_letter where id = $1"
    );
    session.query(find, &[&id]).await?.first().map(letter).transpose()
}

fn letter(row: &Row) -> Result<DeadLetter, StoreError> {
    let Json(properties) = column(row, "properties")?;
    let attempts: i32 = column(row, "attempts")?;
    Ok(DeadLetter {
        id: column(row, "id")?,
        at: column(row, "at")?,
        worker: column(row, "worker")?,
        fault: column(row, "fault")?,
        code: column(row, "code")?,
        text: column(row, "text")?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        message: column(row, "message")?,
        queue: column(row, "queue")?,
        properties,
        body: column(row, "body")?,
    })
}
