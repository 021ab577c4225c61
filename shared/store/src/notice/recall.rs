//! What was decided on and holds no longer: it is called off, whether we were to give it ourselves or HelseNorge.

use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// Calls off what was to be said of appointments: it holds no longer. What is under way is not sent again.
///
/// # Errors
/// As any step.
pub(crate) async fn call_off(tx: &Tx<'_>, appointments: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    if appointments.is_empty() {
        return Ok(());
    }
    // In one order, and looked at once more when they are locked: what is taken meanwhile is under way then.
    let call_off = step!(
        "notice.call_off",
        "with its as (
            select id from dialogpost.notification where appointment = any($1) and state in ('due', 'sending')
                and channel in ('sms', 'email', 'push') order by id for update
         )
         update dialogpost.notification n set
            state = case n.state when 'due' then 'none' else n.state end,
            reason = case n.state when 'due' then 'superseded' end,
            channel = case n.state when 'due' then null else n.channel end,
            address = case n.state when 'due' then null else n.address end,
            due_at = case n.state when 'due' then null else n.due_at end,
            expires_at = case n.state when 'due' then null else $2::timestamptz end,
            code = case n.state when 'due' then n.code else 'superseded' end,
            changed_at = case n.state when 'due' then $2::timestamptz else n.changed_at end
         from its where n.id = its.id and n.state in ('due', 'sending')"
    );
    tx.query(call_off, &[&appointments, &now]).await?;
    let carried = step!(
        "notice.reminders",
        "select message from dialogpost.notification
         where appointment = any($1) and kind = 'reminder' and channel = 'helsenorge' and state = 'sent' and message is not null"
    );
    let carried = messages(&tx.query(carried, &[&appointments]).await?, "message")?;
    if carried.is_empty() {
        return Ok(());
    }
    called_off(tx, &taken_back(tx, &carried, now).await?, now).await
}

/// Those of these messages that nobody sends any more: HelseNorge's broker is away. What is due to somebody is not under way with anybody.
async fn taken_back(tx: &Tx<'_>, messages: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let take = step!(
        "notice.take_back",
        "delete from dialogpost.outbox where id = any($1) and wire = 'nhn' and due_at <= $2 returning id"
    );
    let taken = self::messages(&tx.query(take, &[&messages, &now]).await?, "id")?;
    let unsent = step!("notice.unsent", "update dialogpost.message set receipt_due_at = null where id = any($1)");
    tx.query(unsent, &[&taken]).await?;
    Ok(taken)
}

fn messages(rows: &[Row], name: &'static str) -> Result<Vec<Uuid>, StoreError> {
    rows.iter().map(|row| column(row, name)).collect()
}

/// What a message to HelseNorge reminds of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminded {
    /// When the appointment starts, as it is reminded of.
    pub starts_at: Timestamp,
    /// Whether it still stands so, for its patient to see.
    pub stands: bool,
}

/// Those of these messages that remind of appointments, as these stand until the transaction ends.
///
/// # Errors
/// As any step.
pub async fn reminded(tx: &Tx<'_>, messages: &[Uuid]) -> Result<HashMap<Uuid, Reminded>, StoreError> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "notice.reminded",
        "select n.message, n.starts_at, a.status = 'booked' and a.starts_at = n.starts_at and not t.hidden as stands
         from dialogpost.notification n join dialogpost.appointment a on a.id = n.appointment
         join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type
         where n.message = any($1) and n.kind = 'reminder' order by a.id for share of a"
    );
    let of = |row: &Row| {
        Ok((column(row, "message")?, Reminded { starts_at: column(row, "starts_at")?, stands: column(row, "stands")? }))
    };
    tx.query(load, &[&messages]).await?.iter().map(of).collect()
}

/// HelseNorge was not told to give these reminders, by their messages: what they remind of has changed.
///
/// # Errors
/// As any step.
pub async fn called_off(tx: &Tx<'_>, messages: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let end = step!(
        "notice.called_off",
        "update dialogpost.notification set state = 'none', reason = 'superseded', channel = null, changed_at = $2
         where message = any($1) and state = 'sent'"
    );
    tx.query(end, &[&messages, &now]).await.map(drop)
}

/// HelseNorge was not told to give these reminders, by their messages: it was too late. Tells which notices those were.
///
/// # Errors
/// As any step.
pub async fn missed(tx: &Tx<'_>, messages: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let end = step!(
        "notice.missed",
        "update dialogpost.notification set state = 'failed', code = 'expired', changed_at = $2
         where message = any($1) and state = 'sent' returning id"
    );
    self::messages(&tx.query(end, &[&messages, &now]).await?, "id")
}

/// Reminders that HelseNorge's broker has not taken and that may be too late, each with the start that it reminds of: by their messages.
///
/// # Errors
/// As any step.
pub async fn untaken(session: &Session, now: Timestamp, most: i64) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
    let find = step!(
        "notice.untaken",
        "select o.id, n.starts_at from dialogpost.outbox o join dialogpost.notification n on n.message = o.id
         where o.wire = 'nhn' and o.due_at <= $3 and n.kind = 'reminder' and n.state = 'sent' and n.starts_at < $1
         order by n.starts_at limit $2"
    );
    // A day on the wall has 23 to 25 hours.
    let horizon = now.checked_add(SignedDuration::from_hours(25)).unwrap_or(Timestamp::MAX);
    let of = |row: &Row| Ok((column(row, "id")?, column(row, "starts_at")?));
    session.query(find, &[&horizon, &most, &now]).await?.iter().map(of).collect()
}

/// Takes reminders back that are too late to be sent, by their messages, and tells which notices those were.
///
/// # Errors
/// As any step.
pub async fn give_up(tx: &Tx<'_>, messages: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    missed(tx, &taken_back(tx, messages, now).await?, now).await
}
