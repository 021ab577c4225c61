//! Dialogs, their entries and attachments.

use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::wire::resept::Resept;
use ::messages::{HerId, Sensitive};
use domain::command::dialog::Kind;
use domain::entry::{Entry, Representative};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A dialog to open.
#[derive(Clone, Debug)]
pub struct NewDialog {
    /// Its id.
    pub id: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// The patient; none between colleagues.
    pub patient: Option<Uuid>,
    /// Kind.
    pub kind: Kind,
    /// MsgId of the first message, lower case.
    pub conversation: String,
    /// Shown as its title.
    pub title: Sensitive<String>,
    /// Someone should look at where it belongs.
    pub flagged: bool,
    /// When.
    pub opened_at: Timestamp,
}

/// Opens dialogs without entries.
///
/// # Errors
/// [`StoreError::Conflict`] when a concurrent message opened the same conversation: run again, it exists then.
pub async fn open(tx: &Tx<'_>, dialogs: &[NewDialog]) -> Result<(), StoreError> {
    if dialogs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = dialogs.iter().map(|d| d.id).collect();
    let clinics: Vec<i64> = dialogs.iter().map(|d| d.clinic.get()).collect();
    let patients: Vec<Option<Uuid>> = dialogs.iter().map(|d| d.patient).collect();
    let kinds: Vec<&str> = dialogs.iter().map(|d| d.kind.as_str()).collect();
    let conversations: Vec<&str> = dialogs.iter().map(|d| d.conversation.as_str()).collect();
    let titles: Vec<&str> = dialogs.iter().map(|d| d.title.expose().as_str()).collect();
    let flagged: Vec<bool> = dialogs.iter().map(|d| d.flagged).collect();
    let opened: Vec<Timestamp> = dialogs.iter().map(|d| d.opened_at).collect();
    let open = step!(
        "dialog.open",
        "insert into dialogpost.dialog (entries, id, clinic, patient, kind, conversation, title, flagged, opened_at, newest_at)
         select 1, d.*, d.opened_at from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bool[],
            $8::timestamptz[]) d(id, clinic, patient, kind, conversation, title, flagged, opened_at)"
    );
    tx.query(open, &[&ids, &clinics, &patients, &kinds, &conversations, &titles, &flagged, &opened]).await.map(drop)
}

/// A dialog that was extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    /// Entries it had before.
    pub before: u32,
    /// Its kind now: it may have been converted since whatever asked for it was decided.
    pub kind: Kind,
}

/// Who writes in a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A patient: a dialog that was closed is open again, and flagged, for somebody must see to it.
    Patient,
    /// The clinic.
    Clinic,
}

/// Counts entries onto existing dialogs, locking them.
///
/// # Errors
/// As any step.
pub async fn extend(
    tx: &Tx<'_>,
    added: &HashMap<Uuid, u32>,
    by: By,
    at: Timestamp,
) -> Result<HashMap<Uuid, Extended>, StoreError> {
    if added.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sorted: Vec<_> = added.iter().collect();
    sorted.sort();
    let ids: Vec<Uuid> = sorted.iter().map(|(id, _)| **id).collect();
    let counts: Vec<i32> = sorted.iter().map(|(_, n)| i32::try_from(**n).unwrap_or(i32::MAX)).collect();
    let extend = step!(
        "dialog.extend",
        "update dialogpost.dialog d set entries = d.entries + a.n, newest_at = greatest(d.newest_at, $4),
            flagged = d.flagged or ($3 and d.closed_at is not null), closed_at = case when $3 then null else d.closed_at end
         from unnest($1::uuid[], $2::int[]) a(id, n) where d.id = a.id returning d.id, d.entries - a.n as before, d.kind"
    );
    let rows = tx.query(extend, &[&ids, &counts, &(by == By::Patient), &at]).await?;
    let of = |r: &Row| {
        let before = u32::try_from(column::<i32>(r, "before")?).unwrap_or(0);
        Ok((column(r, "id")?, Extended { before, kind: kind(r, "kind")? }))
    };
    rows.iter().map(of).collect()
}

/// An entry to store.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Its id: the message's.
    pub id: Uuid,
    /// Its dialog.
    pub dialog: Uuid,
    /// Place in the dialog, from 1.
    pub sequence: u32,
    /// Content.
    pub entry: Entry,
    /// Of the clinic's own.
    pub own: Option<Own>,
    /// When it was taken off the queue.
    pub received_at: Timestamp,
}

/// What is known only of what the clinic wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Employee id of who wrote it.
    pub author: String,
    /// The prescription request that it answers.
    pub answers: Option<Uuid>,
}

pub(crate) fn kind(row: &Row, name: &'static str) -> Result<Kind, StoreError> {
    Kind::parse(column(row, name)?).ok_or_else(|| StoreError::row(name))
}

#[derive(Serialize, Debug)]
pub(crate) struct RepresentativeColumn<'a> {
    relation: Option<&'a str>,
    name: &'a str,
    national_id: Option<&'a str>,
}

pub(crate) fn representative(r: &Representative) -> Json<RepresentativeColumn<'_>> {
    let national_id = r.national_id.as_ref().map(|n| n.expose().as_str());
    Json(RepresentativeColumn { relation: r.relation.as_deref(), name: r.name.expose(), national_id })
}

/// Stores entries with their attachments.
///
/// # Errors
/// As any step; [`StoreError::Conflict`] when a prescription request has its answer already.
pub async fn add_entries(tx: &Tx<'_>, entries: &[NewEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = entries.iter().map(|e| e.id).collect();
    let dialogs: Vec<Uuid> = entries.iter().map(|e| e.dialog).collect();
    let sequences: Vec<i32> = entries.iter().map(|e| i32::try_from(e.sequence).unwrap_or(i32::MAX)).collect();
    let forms: Vec<&str> = entries.iter().map(|e| e.entry.form.as_str()).collect();
    let codes: Vec<_> = entries.iter().map(|e| e.entry.code.as_deref()).collect();
    let subjects: Vec<_> = entries.iter().map(|e| e.entry.subject.as_ref().map(|s| s.expose().as_str())).collect();
    let texts: Vec<&str> = entries.iter().map(|e| e.entry.text.expose().as_str()).collect();
    let sent: Vec<Option<Timestamp>> = entries.iter().map(|e| e.entry.sent_at).collect();
    let received: Vec<Timestamp> = entries.iter().map(|e| e.received_at).collect();
    let representatives: Vec<_> = entries.iter().map(|e| e.entry.representative.as_ref().map(representative)).collect();
    let deliveries: Vec<_> = entries.iter().map(|e| e.entry.delivery.as_deref()).collect();
    let prescriptions: Vec<_> = entries.iter().map(|e| prescriptions(&e.entry.prescriptions)).collect();
    let authors: Vec<_> = entries.iter().map(|e| e.own.as_ref().map(|own| own.author.as_str())).collect();
    let answers: Vec<_> = entries.iter().map(|e| e.own.as_ref().and_then(|own| own.answers)).collect();
    let insert = step!(
        "dialog_entry.insert",
        "insert into dialogpost.dialog_entry (direction, id, dialog, sequence, form, code, subject, text, sent_at, received_at,
            representative, delivery, prescriptions, author, answers)
         select case when e.author is null then 'in' else 'out' end, e.* from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[],
            $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::jsonb[], $11::text[], $12::jsonb[],
            $13::text[], $14::uuid[]) e(i, d, s, f, c, u, t, sent, received, r, v, p, author, answers)"
    );
    tx.query(
        insert,
        &[
            &ids,
            &dialogs,
            &sequences,
            &forms,
            &codes,
            &subjects,
            &texts,
            &sent,
            &received,
            &representatives,
            &deliveries,
            &prescriptions,
            &authors,
            &answers,
        ],
    )
    .await?;
    add_attachments(tx, entries).await
}

fn prescriptions(list: &[Resept]) -> Option<Json<&[Resept]>> {
    (!list.is_empty()).then_some(Json(list))
}

async fn add_attachments(tx: &Tx<'_>, entries: &[NewEntry]) -> Result<(), StoreError> {
    let files: Vec<_> =
        entries.iter().flat_map(|e| e.entry.attachments.iter().zip(1i32..).map(|(file, number)| (e.id, number, file))).collect();
    if files.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = files.iter().map(|(id, ..)| *id).collect();
    let numbers: Vec<i32> = files.iter().map(|(_, number, _)| *number).collect();
    let names: Vec<&str> = files.iter().map(|(.., f)| f.file_name.expose().as_str()).collect();
    let types: Vec<&str> = files.iter().map(|(.., f)| f.media_type).collect();
    let bytes: Vec<&[u8]> = files.iter().map(|(.., f)| f.bytes.expose().as_slice()).collect();
    let insert = step!(
        "attachment.insert",
        "insert into dialogpost.attachment (entry, number, file_name, media_type, bytes)
         select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bytea[])"
    );
    tx.query(insert, &[&ids, &numbers, &names, &types, &bytes]).await.map(drop)
}
