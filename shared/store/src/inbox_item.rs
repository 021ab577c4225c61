//! What lies in people's inboxes.

use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::HerId;
use ::messages::event::DialogKind;
use domain::routing::Routed;
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

/// What routing must know of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRoute {
    /// The clinic.
    pub clinic: HerId,
    /// Kind of its dialog.
    pub kind: DialogKind,
    /// Employee id of the patient's fastlege.
    pub fastlege: Option<String>,
    /// Employee id of who wrote it, when it is the clinic's own.
    pub author: Option<String>,
}

/// Loads what routing must know, by entry; unknown entries are left out.
///
/// # Errors
/// As any step.
pub async fn to_route(tx: &Tx<'_>, entries: &[Uuid]) -> Result<HashMap<Uuid, ToRoute>, StoreError> {
    let load = step!(
        "inbox_item.to_route",
        "select e.id, d.clinic, d.kind, p.fastlege, e.author from dialogpost.dialog_entry e
         join dialogpost.dialog d on d.id = e.dialog join dialogpost.patient p on p.id = d.patient where e.id = any($1)"
    );
    let rows = tx.query(load, &[&entries]).await?;
    rows.iter()
        .map(|r| {
            let kind = DialogKind::parse(column(r, "kind")?).ok_or_else(|| StoreError::row("kind"))?;
            Ok((
                column(r, "id")?,
                ToRoute {
                    clinic: crate::clinic::her_id(r, "clinic")?,
                    kind,
                    fastlege: column(r, "fastlege")?,
                    author: column(r, "author")?,
                },
            ))
        })
        .collect()
}

/// A routed entry.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The entry.
    pub entry: Uuid,
    /// The clinic.
    pub clinic: HerId,
    /// Its recipients.
    pub routed: Routed,
    /// When.
    pub at: Timestamp,
}

/// Puts entries into inboxes, one copy a person.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, delivered: &[Delivered]) -> Result<(), StoreError> {
    let rows: Vec<_> = delivered.iter().flat_map(|d| d.routed.recipients.iter().map(move |(who, via)| (d, who, via))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let entries: Vec<Uuid> = rows.iter().map(|(d, ..)| d.entry).collect();
    let employees: Vec<&str> = rows.iter().map(|(_, who, _)| who.as_str()).collect();
    let clinics: Vec<i64> = rows.iter().map(|(d, ..)| d.clinic.get()).collect();
    // Postgres has no arrays of arrays of different lengths: joined here, split there.
    let via: Vec<String> = rows.iter().map(|(.., via)| via.join("\n")).collect();
    let flagged: Vec<bool> = rows.iter().map(|(d, ..)| d.routed.flagged).collect();
    let at: Vec<Timestamp> = rows.iter().map(|(d, ..)| d.at).collect();
    let insert = step!(
        "inbox_item.insert",
        "insert into dialogpost.inbox_item (entry, employee, clinic, via, flagged, delivered_at)
         select entry, employee, clinic, string_to_array(via, e'\\n'), flagged, at
         from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bool[], $6::timestamptz[])
            i(entry, employee, clinic, via, flagged, at)"
    );
    tx.query(insert, &[&entries, &employees, &clinics, &via, &flagged, &at]).await.map(drop)
}
