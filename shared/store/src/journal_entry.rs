//! The patient's journal: append-only, once for each entry.

use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::event::DialogKind;
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

/// The kind of each entry's dialog; unknown entries are left out.
///
/// # Errors
/// As any step.
pub async fn kinds(tx: &Tx<'_>, entries: &[Uuid]) -> Result<HashMap<Uuid, DialogKind>, StoreError> {
    let load = step!(
        "journal_entry.kinds",
        "select e.id, d.kind from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog where e.id = any($1)"
    );
    let rows = tx.query(load, &[&entries]).await?;
    rows.iter()
        .map(|r| Ok((column(r, "id")?, DialogKind::parse(column(r, "kind")?).ok_or_else(|| StoreError::row("kind"))?)))
        .collect()
}

/// Writes entries to the journal, complete: who wrote (the employee, or the representative, else the patient), text, number of attachments,
/// times.
///
/// # Errors
/// As any step.
pub async fn append(tx: &Tx<'_>, entries: &[Uuid], at: Timestamp) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let append = step!(
        "journal_entry.append",
        "insert into dialogpost.journal_entry (entry, clinic, patient, direction, author, subject, text, attachments, sent_at,
            received_at, journaled_at)
         select e.id, d.clinic, d.patient, e.direction,
            coalesce((select name from dialogpost.employee y where y.clinic = d.clinic and y.id = e.author), e.author,
                nullif(e.representative ->> 'name', ''), p.given_name || ' ' || p.family_name), e.subject, e.text,
            (select count(*) from dialogpost.attachment a where a.entry = e.id), e.sent_at, e.received_at, $2
         from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog join dialogpost.patient p on p.id = d.patient
         where e.id = any($1)"
    );
    tx.query(append, &[&entries, &at]).await.map(drop)
}
