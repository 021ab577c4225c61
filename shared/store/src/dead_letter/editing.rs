//! Edits, discarding, and who may see a body.

use crate::step::{Params, column, step};
use crate::{Session, StoreError, Tx};
use ::messages::transport::Properties;
use jiff::Timestamp;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A letter as it is to be replayed.
#[derive(Clone, Debug)]
pub struct Edit {
    /// From 1; each counts on from the one before.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The names of what was changed.
    pub fields: Vec<String>,
    /// What is replayed; none: the letter as it came.
    pub content: Option<(Properties, Vec<u8>)>,
}

/// Locks a letter that nothing was done about yet until the transaction ends. `false`: there is none, or something was done.
///
/// # Errors
/// As any step.
pub async fn lock_open(tx: &Tx<'_>, letter: Uuid) -> Result<bool, StoreError> {
    let lock = step!(
        "dead_letter.lock_open",
        "select from dialogpost.dead_letter where id = $1 and replayed_at is null and discarded_at is null for update"
    );
    Ok(!tx.query(lock, &[&letter]).await?.is_empty())
}

/// The edits of a letter, the first first.
///
/// # Errors
/// As any step.
pub async fn edits(session: &Session, letter: Uuid) -> Result<Vec<Edit>, StoreError> {
    session.query(EDITS, &[&letter]).await?.iter().map(edit).collect()
}

/// As [`edits`], within a transaction.
///
/// # Errors
/// As any step.
pub async fn edits_in(tx: &Tx<'_>, letter: Uuid) -> Result<Vec<Edit>, StoreError> {
    tx.query(EDITS, &[&letter]).await?.iter().map(edit).collect()
}

const EDITS: crate::step::Step = step!(
    "dead_letter_edit.list",
    "select number, at, actor, reason, fields, properties, body from dialogpost.dead_letter_edit where letter = $1 order by number"
);

fn edit(row: &tokio_postgres::Row) -> Result<Edit, StoreError> {
    let number: i32 = column(row, "number")?;
    let properties: Option<Json<Properties>> = column(row, "properties")?;
    let body: Option<Vec<u8>> = column(row, "body")?;
    Ok(Edit {
        number: number.try_into().map_err(|_| StoreError::row("number"))?,
        at: column(row, "at")?,
        actor: column(row, "actor")?,
        reason: column(row, "reason")?,
        fields: column(row, "fields")?,
        content: properties.map(|Json(properties)| properties).zip(body),
    })
}

/// Adds an edit to a letter that is locked ([`lock_open`]).
///
/// # Errors
/// As any step.
pub async fn add(tx: &Tx<'_>, letter: Uuid, edit: &Edit) -> Result<(), StoreError> {
    let add = step!(
        "dead_letter_edit.add",
        "insert into dialogpost.dead_letter_edit (letter, number, at, actor, reason, fields, properties, body)
         values ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let number = i32::try_from(edit.number).map_err(|_| StoreError::row("number"))?;
    let (properties, body) = edit.content.as_ref().map(|(properties, body)| (Json(properties), body)).unzip();
    let params: Params<'_> = &[&letter, &number, &edit.at, &edit.actor, &edit.reason, &edit.fields, &properties, &body];
    tx.query(add, params).await.map(drop)
}

/// Discards those of these letters that nothing was done about, and tells which.
///
/// # Errors
/// As any step.
pub async fn discard(tx: &Tx<'_>, letters: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    let discard = step!(
        "dead_letter.discard",
        "with open as (
            select id from dialogpost.dead_letter where id = any($1) and replayed_at is null and discarded_at is null order by id for update
         )
         update dialogpost.dead_letter l set discarded_at = $2 from open o where l.id = o.id returning l.id"
    );
    tx.query(discard, &[&letters, &now]).await?.iter().map(|row| column(row, "id")).collect()
}

/// Until when somebody may see a letter's body, and why.
///
/// # Errors
/// As any step.
pub async fn granted(tx: &Tx<'_>, letter: Uuid, actor: &str, now: Timestamp) -> Result<Option<(Timestamp, String)>, StoreError> {
    let find = step!(
        "dead_letter_grant.find",
        "select until, reason from dialogpost.dead_letter_grant where letter = $1 and actor = $2 and until > $3"
    );
    let rows = tx.query(find, &[&letter, &actor, &now]).await?;
    rows.first().map(|row| Ok((column(row, "until")?, column(row, "reason")?))).transpose()
}

/// Lets somebody see a letter's body for a time.
///
/// # Errors
/// As any step.
pub async fn grant(tx: &Tx<'_>, letter: Uuid, actor: &str, reason: &str, until: Timestamp) -> Result<(), StoreError> {
    let grant = step!(
        "dead_letter_grant.put",
        "insert into dialogpost.dead_letter_grant (letter, actor, reason, until) values ($1, $2, $3, $4)
         on conflict (letter, actor) do update set reason = excluded.reason, until = excluded.until"
    );
    tx.query(grant, &[&letter, &actor, &reason, &until]).await.map(drop)
}
