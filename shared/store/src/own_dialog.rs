//! What only the clinic does with dialogs: between colleagues, to the portal, ended, converted.

use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::event::DialogKind;
use ::messages::{HerId, Sensitive};
use jiff::Timestamp;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Notes between whom dialogs of colleagues are: (clinic, dialog, employee id). Whoever writes in a dialog takes part in it by that.
///
/// # Errors
/// As any step.
pub async fn add_participants(tx: &Tx<'_>, participants: &BTreeSet<(HerId, Uuid, String)>) -> Result<(), StoreError> {
    if participants.is_empty() {
        return Ok(());
    }
    let clinics: Vec<i64> = participants.iter().map(|(clinic, ..)| clinic.get()).collect();
    let dialogs: Vec<Uuid> = participants.iter().map(|(_, dialog, _)| *dialog).collect();
    let employees: Vec<&str> = participants.iter().map(|(.., employee)| employee.as_str()).collect();
    let add = step!(
        "dialog_participant.insert",
        "insert into dialogpost.dialog_participant (clinic, dialog, employee)
         select * from unnest($1::bigint[], $2::uuid[], $3::text[]) on conflict do nothing"
    );
    tx.query(add, &[&clinics, &dialogs, &employees]).await.map(drop)
}

/// Puts entries into patients' inboxes of the portal: (entry, clinic, patient).
///
/// # Errors
/// As any step.
pub async fn put_into_portal(tx: &Tx<'_>, entries: &[(Uuid, HerId, Uuid)], at: Timestamp) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = entries.iter().map(|(id, ..)| *id).collect();
    let clinics: Vec<i64> = entries.iter().map(|(_, clinic, _)| clinic.get()).collect();
    let patients: Vec<Uuid> = entries.iter().map(|(.., patient)| *patient).collect();
    let put = step!(
        "portal_item.insert",
        "insert into dialogpost.portal_item (entry, clinic, patient, delivered_at)
         select i.*, $4::timestamptz from unnest($1::uuid[], $2::bigint[], $3::uuid[]) i(entry, clinic, patient)"
    );
    tx.query(put, &[&ids, &clinics, &patients, &at]).await.map(drop)
}

/// Ends dialogs.
///
/// # Errors
/// As any step.
pub async fn close(tx: &Tx<'_>, dialogs: &[Uuid], at: Timestamp) -> Result<(), StoreError> {
    if dialogs.is_empty() {
        return Ok(());
    }
    let close = step!("dialog.close", "update dialogpost.dialog set closed_at = $2 where id = any($1)");
    tx.query(close, &[&dialogs, &at]).await.map(drop)
}

/// A dialog that goes on under another kind.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The dialog.
    pub dialog: Uuid,
    /// Its kind until now.
    pub from: DialogKind,
    /// Its new kind.
    pub to: DialogKind,
    /// Its new title.
    pub title: Sensitive<String>,
}

/// Converts dialogs, in order; one may go through several kinds. What comes under a former kind is still theirs.
///
/// # Errors
/// As any step.
pub async fn convert(tx: &Tx<'_>, converted: &[Converted]) -> Result<(), StoreError> {
    if converted.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = converted.iter().map(|c| c.dialog).collect();
    let from: Vec<&str> = converted.iter().map(|c| c.from.as_str()).collect();
    let to: Vec<&str> = converted.iter().map(|c| c.to.as_str()).collect();
    let titles: Vec<&str> = converted.iter().map(|c| c.title.expose().as_str()).collect();
    let convert = step!(
        "dialog.convert",
        "update dialogpost.dialog d set former_kinds = d.former_kinds || c.former, kind = c.kind, title = c.title
         from (select id, array_agg(former order by n) as former, (array_agg(kind order by n desc))[1] as kind,
                (array_agg(title order by n desc))[1] as title
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) with ordinality c(id, former, kind, title, n) group by id) c
         where d.id = c.id"
    );
    tx.query(convert, &[&ids, &from, &to, &titles]).await.map(drop)
}

/// Entries of dialogs that are in no journal yet.
///
/// # Errors
/// As any step.
pub async fn unjournaled(tx: &Tx<'_>, dialogs: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    if dialogs.is_empty() {
        return Ok(Vec::new());
    }
    let load = step!(
        "dialog.unjournaled",
        "select e.id from dialogpost.dialog_entry e where e.dialog = any($1)
            and not exists (select from dialogpost.journal_entry j where j.entry = e.id)"
    );
    tx.query(load, &[&dialogs]).await?.iter().map(|r| column(r, "id")).collect()
}
