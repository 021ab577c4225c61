//! Claims: a row (worker, message id) in the effect's own transaction makes the effect happen once.

use crate::{StoreError, Tx, step::column, step::step};
use jiff::Timestamp;
use std::collections::HashSet;

/// Claims messages for a worker and returns the ids that are new. Ids that a committed transaction claimed are left out; ids that a
/// concurrent one holds are waited for.
///
/// # Errors
/// As any step.
pub async fn claim(tx: &Tx<'_>, worker: &str, message_ids: &[&str], at: Timestamp) -> Result<HashSet<String>, StoreError> {
    // Sorted: concurrent batches then lock in one order and cannot deadlock.
    let claim = step!(
        "processed.claim",
        "insert into dialogpost.processed (worker, message_id, at)
         select distinct $1::text, id, $3::timestamptz from unnest($2::text[]) id order by id
         on conflict do nothing returning message_id"
    );
    let rows = tx.query(claim, &[&worker, &message_ids, &at]).await?;
    rows.iter().map(|r| column(r, "message_id")).collect()
}

/// Gives a claim back, within the transaction that made it: the message will be tried again.
///
/// # Errors
/// As any step.
pub async fn release(tx: &Tx<'_>, worker: &str, message_ids: &[String]) -> Result<(), StoreError> {
    let release = step!("processed.release", "delete from dialogpost.processed where worker = $1 and message_id = any($2)");
    tx.query(release, &[&worker, &message_ids]).await.map(drop)
}
