//! What was received and cannot be decided yet.

use crate::message::number;
use crate::step::{Params, step};
use crate::{StoreError, Tx};
use ::messages::HerId;
use jiff::Timestamp;
use uuid::Uuid;

/// A message that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The claim that it will make when it is decided.
    pub key: String,
    /// Its id in the ledger.
    pub message: Uuid,
    /// When it was first received.
    pub at: Timestamp,
    /// Whose it is, when that is known.
    pub clinic: Option<HerId>,
    /// `fromHerId`.
    pub from: Option<HerId>,
    /// `toHerId`.
    pub to: Option<HerId>,
    /// The queue it came from.
    pub queue: String,
    /// Message function.
    pub function: Option<String>,
    /// AMQP message id.
    pub transport_id: Option<String>,
    /// Of its body.
    pub bytes: usize,
    /// Why: a stable code.
    pub code: String,
}

/// Stores that messages wait; of one that waits already the reason changes.
///
/// # Errors
/// As any step.
pub async fn put(tx: &Tx<'_>, waiting: &[Waiting]) -> Result<(), StoreError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = waiting.iter().map(|w| w.key.as_str()).collect();
    let messages: Vec<Uuid> = waiting.iter().map(|w| w.message).collect();
    let at: Vec<Timestamp> = waiting.iter().map(|w| w.at).collect();
    let clinics: Vec<_> = waiting.iter().map(|w| number(w.clinic)).collect();
    let from: Vec<_> = waiting.iter().map(|w| number(w.from)).collect();
    let to: Vec<_> = waiting.iter().map(|w| number(w.to)).collect();
    let queues: Vec<&str> = waiting.iter().map(|w| w.queue.as_str()).collect();
    let functions: Vec<_> = waiting.iter().map(|w| w.function.as_deref()).collect();
    let transport_ids: Vec<_> = waiting.iter().map(|w| w.transport_id.as_deref()).collect();
    let bytes: Vec<i32> = waiting.iter().map(|w| i32::try_from(w.bytes).unwrap_or(i32::MAX)).collect();
    let codes: Vec<&str> = waiting.iter().map(|w| w.code.as_str()).collect();
    let put = step!(
        "waiting.put",
        "insert into dialogpost.waiting (key, message, at, clinic, from_her_id, to_her_id, queue, function, transport_id, bytes, code)
         select * from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
            $8::text[], $9::text[], $10::int[], $11::text[])
         on conflict (key) do update set code = excluded.code"
    );
    let params: Params<'_> = &[&keys, &messages, &at, &clinics, &from, &to, &queues, &functions, &transport_ids, &bytes, &codes];
    tx.query(put, params).await.map(drop)
}

/// Forgets those that were decided.
///
/// # Errors
/// As any step.
pub async fn forget(tx: &Tx<'_>, keys: &[String]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    tx.query(step!("waiting.forget", "delete from dialogpost.waiting where key = any($1)"), &[&keys]).await.map(drop)
}
