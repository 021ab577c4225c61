//! What is looked at when its time comes: reminders, and notices that wait for what HelseNorge says.

use super::kind;
use crate::clinic::her_id;
use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::HerId;
use domain::notice::Kind;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// A version of an appointment of which a notice is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The appointment.
    pub appointment: Uuid,
    /// Its clinic.
    pub clinic: HerId,
    /// Its version.
    pub version: u32,
    /// Of which kind the notice is.
    pub kind: Kind,
}

fn item(row: &Row) -> Result<Item, StoreError> {
    let version: i32 = column(row, "version")?;
    Ok(Item {
        appointment: column(row, "appointment")?,
        clinic: her_id(row, "clinic")?,
        version: u32::try_from(version).map_err(|_| StoreError::row("version"))?,
        kind: kind(row)?,
    })
}

/// Takes reminders whose time has come off the agenda, the first due first; rows that another process takes are skipped.
///
/// # Errors
/// As any step.
pub async fn reminders(tx: &Tx<'_>, most: i64, now: Timestamp) -> Result<Vec<Item>, StoreError> {
    let take = step!(
        "agenda.reminders",
        "with due as (
            select appointment from dialogpost.reminder where due_at <= $1 order by due_at limit $2 for update skip locked
         ), taken as (
            delete from dialogpost.reminder r using due d where r.appointment = d.appointment returning r.appointment, r.version
         )
         select t.appointment, t.version, a.clinic, 'reminder' as kind from taken t join dialogpost.appointment a on a.id = t.appointment"
    );
    tx.query(take, &[&now, &most]).await?.iter().map(item).collect()
}

/// Takes notices that wait and are to be looked at now; should nothing come of it they are taken again at `again`.
///
/// # Errors
/// As any step.
pub async fn waiting(tx: &Tx<'_>, most: i64, now: Timestamp, again: Timestamp) -> Result<Vec<Item>, StoreError> {
    let take = step!(
        "agenda.waiting",
        "with due as (
            select id from dialogpost.notification where state in ('due', 'sending') and channel is distinct from 'helsenorge'
                and channel is null and due_at <= $1 order by due_at limit $2 for update skip locked
         )
         update dialogpost.notification n set due_at = $3 from due d where n.id = d.id
         returning n.appointment, n.version, n.clinic, n.kind"
    );
    tx.query(take, &[&now, &most, &again]).await?.iter().map(item).collect()
}
