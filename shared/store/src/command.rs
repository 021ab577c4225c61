//! Commands that were decided on, with their answers.

use crate::step::{column, step};
use crate::{StoreError, Tx, clinic::her_id};
use ::messages::HerId;
use ::messages::command::answer::Answer;
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A command as its caller names it: clinic and id.
pub type CommandKey = (HerId, Uuid);

/// A command that was decided on.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Which.
    pub key: CommandKey,
    /// Its name.
    pub name: String,
    /// SHA-256 of what it asks, 32 bytes: the same id for something else is found out.
    pub digest: Vec<u8>,
    /// Who gave it.
    pub actor: String,
    /// When it was decided.
    pub at: Timestamp,
    /// AMQP message id of the answer.
    pub answer_id: Uuid,
    /// What its caller is told, each time.
    pub answer: Answer,
}

/// Keeps commands with their answers.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, decided: &[Decided]) -> Result<(), StoreError> {
    if decided.is_empty() {
        return Ok(());
    }
    let clinics: Vec<i64> = decided.iter().map(|d| d.key.0.get()).collect();
    let ids: Vec<Uuid> = decided.iter().map(|d| d.key.1).collect();
    let names: Vec<&str> = decided.iter().map(|d| d.name.as_str()).collect();
    let digests: Vec<&[u8]> = decided.iter().map(|d| d.digest.as_slice()).collect();
    let actors: Vec<&str> = decided.iter().map(|d| d.actor.as_str()).collect();
    let at: Vec<Timestamp> = decided.iter().map(|d| d.at).collect();
    let answer_ids: Vec<Uuid> = decided.iter().map(|d| d.answer_id).collect();
    let answers: Vec<_> = decided.iter().map(|d| Json(&d.answer)).collect();
    let insert = step!(
        "command.insert",
        "insert into dialogpost.command (clinic, id, name, digest, actor, at, answer_id, answer)
         select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::uuid[], $8::jsonb[])"
    );
    tx.query(insert, &[&clinics, &ids, &names, &digests, &actors, &at, &answer_ids, &answers]).await.map(drop)
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// SHA-256 of what was asked.
    pub digest: Vec<u8>,
    /// AMQP message id of the answer.
    pub id: Uuid,
    /// The answer.
    pub answer: Answer,
}

/// The answers to commands that were decided on; others are left out.
///
/// # Errors
/// As any step.
pub async fn answers(tx: &Tx<'_>, keys: &[CommandKey]) -> Result<HashMap<CommandKey, Answered>, StoreError> {
    let clinics: Vec<i64> = keys.iter().map(|(clinic, _)| clinic.get()).collect();
    let ids: Vec<Uuid> = keys.iter().map(|(_, id)| *id).collect();
    let load = step!(
        "command.answers",
        "select c.clinic, c.id, c.digest, c.answer_id, c.answer from unnest($1::bigint[], $2::uuid[]) k(clinic, id)
         join dialogpost.command c on c.clinic = k.clinic and c.id = k.id"
    );
    let rows = tx.query(load, &[&clinics, &ids]).await?;
    rows.iter()
        .map(|r| {
            let Json(answer) = column(r, "answer")?;
            let answered = Answered { digest: column(r, "digest")?, id: column(r, "answer_id")?, answer };
            Ok(((her_id(r, "clinic")?, column(r, "id")?), answered))
        })
        .collect()
}
