//! Notices on their way to those who deliver them, and what became of them there.

use super::{kind, language};
use crate::clinic::her_id;
use crate::step::{column, step};
use crate::{Session, StoreError};
use ::messages::{HerId, Sensitive};
use domain::notice::{Channel, Kind, Language};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// A notice taken for sending.
#[derive(Clone, Debug)]
pub struct Due {
    /// What it is known by, the same each time.
    pub id: Uuid,
    /// Which clinic's.
    pub clinic: HerId,
    /// What the clinic is called.
    pub clinic_name: String,
    /// Its kind.
    pub kind: Kind,
    /// How it goes.
    pub channel: Channel,
    /// Where to.
    pub address: Sensitive<String>,
    /// In which language.
    pub language: Language,
    /// When its appointment starts; none when it is about none.
    pub starts_at: Option<Timestamp>,
    /// Its date.
    pub created_at: Timestamp,
    /// Afterwards it is too late.
    pub expires_at: Timestamp,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

fn channel(row: &Row) -> Result<Channel, StoreError> {
    Channel::parse(column(row, "channel")?).ok_or_else(|| StoreError::row("channel"))
}

fn names(channels: &[Channel]) -> Vec<&'static str> {
    channels.iter().map(|channel| channel.as_str()).collect()
}

/// Takes notices for these channels whose time has come, the first due first, and leases them until `lease_end`: whoever took them before
/// and did not say what became of them by then has died. Rows that another process takes are skipped.
///
/// # Errors
/// As any step.
pub async fn take(
    session: &Session,
    channels: &[Channel],
    now: Timestamp,
    lease_end: Timestamp,
    most: i64,
) -> Result<Vec<Due>, StoreError> {
    let take = step!(
        "delivery.take",
        "with due as (
            select id from dialogpost.notification where state in ('due', 'sending') and channel is distinct from 'helsenorge'
                and channel = any($1) and due_at <= $2 and expires_at > $2 order by due_at limit $4 for update skip locked
         )
         update dialogpost.notification n set state = 'sending', due_at = $3, attempts = n.attempts + 1, changed_at = $2
         from due d, dialogpost.clinic c where n.id = d.id and c.her_id = n.clinic
         returning n.id, n.clinic, c.name, n.kind, n.channel, n.address, n.language, n.starts_at, n.created_at, n.expires_at, n.attempts"
    );
    session.query(take, &[&names(channels), &now, &lease_end, &most]).await?.iter().map(due).collect()
}

fn due(row: &Row) -> Result<Due, StoreError> {
    let attempts: i32 = column(row, "attempts")?;
    Ok(Due {
        id: column(row, "id")?,
        clinic: her_id(row, "clinic")?,
        clinic_name: column(row, "name")?,
        kind: kind(row)?,
        channel: channel(row)?,
        address: Sensitive::new(column(row, "address")?),
        language: language(row)?,
        starts_at: column(row, "starts_at")?,
        created_at: column(row, "created_at")?,
        expires_at: column(row, "expires_at")?,
        attempts: u32::try_from(attempts).unwrap_or(0),
    })
}

/// What came of sending a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Whoever delivers it has it, and may call it by a name of his own.
    Sent(Option<String>),
    /// Again then.
    Again(Timestamp, String),
    /// Never.
    Failed(String),
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The notice.
    pub id: Uuid,
    /// Which attempt: [`Due::attempts`].
    pub attempt: u32,
    /// What came of it.
    pub end: End,
}

/// Stores what came of sending notices. What a receipt said meanwhile stands, and what a later attempt is still to say.
///
/// # Errors
/// As any step.
pub async fn settle(session: &Session, ends: &[Ended], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = ends.iter().map(|ended| ended.id).collect();
    let attempts: Vec<i32> = ends.iter().map(|ended| i32::try_from(ended.attempt).unwrap_or(i32::MAX)).collect();
    let all = || ends.iter().map(|ended| &ended.end);
    let states: Vec<&str> = all().map(state).collect();
    let due: Vec<Option<Timestamp>> = all().map(|end| if let End::Again(at, _) = end { Some(*at) } else { None }).collect();
    let code = |end: &End| if let End::Again(_, code) | End::Failed(code) = end { Some(code.clone()) } else { None };
    let codes: Vec<Option<String>> = all().map(code).collect();
    let name = |end: &End| if let End::Sent(name) = end { name.clone() } else { None };
    let names: Vec<Option<String>> = all().map(name).collect();
    let settle = step!(
        "delivery.settle",
        "update dialogpost.notification n set state = e.state, due_at = e.due_at,
            code = case when e.state = 'due' and n.code = 'superseded' then n.code else e.code end,
            provider_id = coalesce(e.name, n.provider_id), changed_at = $6
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $7::int[]) e(id, state, due_at, code, name, attempt)
         where n.id = e.id and n.state = 'sending' and n.attempts = e.attempt"
    );
    session.query(settle, &[&ids, &states, &due, &codes, &names, &now, &attempts]).await.map(drop)
}

const fn state(end: &End) -> &'static str {
    match end {
        End::Sent(_) => "sent",
        End::Again(..) => "due",
        End::Failed(_) => "failed",
    }
}

/// Gives up what nobody has sent in time, keeping why: which notices, of which kind, over which channel. What was called off while it was under
/// way is not told of: nobody misses it.
///
/// # Errors
/// As any step.
pub async fn expire(session: &Session, now: Timestamp, most: i64) -> Result<Vec<(Uuid, Kind, Channel)>, StoreError> {
    let expire = step!(
        "delivery.expire",
        "with late as (
            select id from dialogpost.notification where state in ('due', 'sending') and channel is distinct from 'helsenorge'
                and expires_at <= $1 and (state = 'due' or due_at <= $1) order by expires_at limit $2 for update skip locked
         )
         , called_off as (
            update dialogpost.notification n set state = 'none', reason = 'superseded', channel = null, address = null, due_at = null,
                expires_at = null, code = null, changed_at = $1
            from late l where n.id = l.id and n.code = 'superseded'
         )
         update dialogpost.notification n set state = 'failed', due_at = null, code = coalesce(n.code, 'expired'), changed_at = $1
         from late l where n.id = l.id and n.code is distinct from 'superseded' returning n.id, n.kind, n.channel"
    );
    let of = |row: &Row| Ok((column(row, "id")?, kind(row)?, channel(row)?));
    session.query(expire, &[&now, &most]).await?.iter().map(of).collect()
}

/// Which of these channels notices wait for.
///
/// # Errors
/// As any step.
pub async fn wanted(session: &Session, channels: &[Channel], now: Timestamp) -> Result<Vec<Channel>, StoreError> {
    let wanted = step!(
        "delivery.wanted",
        "select k.channel from unnest($1::text[]) k(channel) where exists (
            select from dialogpost.notification n where n.state in ('due', 'sending') and n.channel is distinct from 'helsenorge'
                and n.channel = k.channel and n.due_at <= $2)"
    );
    session.query(wanted, &[&names(channels), &now]).await?.iter().map(channel).collect()
}

/// Stores what its provider says of a notice that it was given: it came, or it did not, and why. That it came is the last word. Tells
/// whether that was news; none of a notice that is not known.
///
/// # Errors
/// As any step.
pub async fn receipt(
    session: &Session,
    id: Uuid,
    came: bool,
    code: Option<&str>,
    now: Timestamp,
) -> Result<Option<bool>, StoreError> {
    let (state, code) = if came { ("delivered", None) } else { ("failed", code) };
    let tell = step!(
        "delivery.receipt",
        "with known as (
            select id, state from dialogpost.notification where id = $1 and channel <> 'helsenorge' and attempts > 0 for update
         ), told as (
            update dialogpost.notification n set state = $2, code = $3, due_at = null, changed_at = $4
            from known k where n.id = k.id and k.state <> 'delivered' and k.state <> $2 returning n.id
         )
         select exists (select from told) as news from known"
    );
    session.query(tell, &[&id, &state, &code, &now]).await?.first().map(|row| column(row, "news")).transpose()
}
