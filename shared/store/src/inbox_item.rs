//! What lies in people's inboxes.

use crate::step::{column, step};
use crate::{StoreError, Tx, clinic::her_id};
use ::messages::HerId;
use ::messages::command::answer::{InInbox, Item};
use ::messages::event::{DialogKind, DialogTurnedDown};
use domain::routing::{Routed, is_guess, is_turned_down};
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
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

/// Moves the dialogs of entries that were turned down to the top of the lists that they stand in, and tells which these are.
///
/// # Errors
/// As any step.
pub async fn move_up(tx: &Tx<'_>, entries: &[Uuid], at: Timestamp) -> Result<Vec<DialogTurnedDown>, StoreError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let move_up = step!(
        "inbox_item.move_up",
        "with moved as (
            select id from dialogpost.dialog where id in (select dialog from dialogpost.dialog_entry where id = any($1))
            order by id for update
         ), up as (
            update dialogpost.dialog d set newest_at = greatest(d.newest_at, $2) from moved m where d.id = m.id returning d.id, d.clinic
         )
         select e.id as entry, up.id as dialog, up.clinic from up join dialogpost.dialog_entry e on e.dialog = up.id and e.id = any($1)"
    );
    let of =
        |r: &Row| Ok(DialogTurnedDown { entry: column(r, "entry")?, dialog: column(r, "dialog")?, clinic: her_id(r, "clinic")? });
    tx.query(move_up, &[&entries, &at]).await?.iter().map(of).collect()
}

/// What of dialogs lies in people's inboxes: by dialog and employee, the entry and how it lies there.
pub(crate) type Lying = HashMap<(Uuid, String), HashMap<Uuid, Item>>;

/// What of dialogs lies in the inboxes of those who look at them.
///
/// # Errors
/// As any step.
pub(crate) async fn of_dialogs(tx: &Tx<'_>, looked: &[(Uuid, String)]) -> Result<Lying, StoreError> {
    if looked.is_empty() {
        return Ok(Lying::new());
    }
    let (dialogs, employees): (Vec<Uuid>, Vec<&str>) = looked.iter().map(|(dialog, who)| (*dialog, who.as_str())).unzip();
    let load = step!(
        "inbox_item.of_dialogs",
        "select k.dialog, k.employee, i.entry, i.via, i.flagged, i.delivered_at
         from (select distinct * from unnest($1::uuid[], $2::text[])) k(dialog, employee)
         join dialogpost.dialog_entry e on e.dialog = k.dialog
         join dialogpost.inbox_item i on i.entry = e.id and i.employee = k.employee"
    );
    let mut lying = Lying::new();
    for row in &tx.query(load, &[&dialogs, &employees]).await? {
        let via: Vec<String> = column(row, "via")?;
        let (turned_down, guessed) = (is_turned_down(&via), is_guess(&via, column(row, "flagged")?));
        let item = Item { via, at: column(row, "delivered_at")?, turned_down, guessed };
        lying.entry((column(row, "dialog")?, column(row, "employee")?)).or_default().insert(column(row, "entry")?, item);
    }
    Ok(lying)
}

/// In one word each.
pub(crate) fn summed_up(items: &HashMap<Uuid, Item>) -> Option<InInbox> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(InInbox {
        items: count(items.len()),
        newest_at: items.values().map(|item| item.at).max()?,
        turned_down: count(items.values().filter(|item| item.turned_down).count()),
        guessed: items.values().any(|item| item.guessed),
    })
}
