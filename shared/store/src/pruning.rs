//! What is kept no longer goes, in small steps, each a transaction of its own: whoever is interrupted goes on where he was.
//!
//! Tables are walked by their blocks, so that no message pays for an index on time; the ledger by its ids, which grow with time.

use crate::step::{Step, column, step};
use crate::{Session, StoreError, Tx};
use domain::retention::{ENDS, Kept, is_due};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

/// Something that is walked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// A table, but the ledger.
    Table(Kept),
    /// Messages that were not looked at before.
    Messages,
    /// Messages that were not at their end when they were.
    LeftOpen,
}

impl Walk {
    /// All of them. Messages are closed before their claims go: those that are open need theirs.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::LeftOpen,
        Self::Table(Kept::Processed),
        Self::Table(Kept::Command),
        Self::Table(Kept::ContactQuestion),
        Self::Table(Kept::DeadLetter),
        Self::Table(Kept::Notification),
    ];

    /// What is kept for how long.
    pub const fn kept(self) -> Kept {
        match self {
            Self::Table(kept) => kept,
            Self::Messages | Self::LeftOpen => Kept::Message,
        }
    }

    /// The table's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table(kept) => kept.as_str(),
            Self::Messages => "message",
            Self::LeftOpen => "message, left open",
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// So many rows; more is to be looked at.
    More(i64),
    /// So many rows, and the pass has ended.
    Through(i64),
    /// Nothing was to be done, or another process does it.
    Idle,
}

/// Blocks of a table in one step: 2 MB.
const BLOCKS: i64 = 256;
/// Messages in one step.
const MESSAGES: i64 = 2000;

/// Takes one step. `days`, and `before` which follows from it; none: nothing goes, and so it is written down.
///
/// # Errors
/// As any step.
pub async fn take(
    session: &mut Session,
    walk: Walk,
    days: Option<u16>,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Stepped, StoreError> {
    let tx = session.begin().await?;
    let put = step!("pruning.put", "insert into dialogpost.pruning (what, days) values ($1, $2) on conflict (what) do nothing");
    let days = days.map(i32::from);
    tx.query(put, &[&walk.as_str(), &days]).await?;
    let lock = step!(
        "pruning.lock",
        "select days, position, started_at, ended_at from dialogpost.pruning where what = $1 for update skip locked"
    );
    let rows = tx.query(lock, &[&walk.as_str()]).await?;
    let Some(row) = rows.first() else { return Ok(Stepped::Idle) };
    if column::<Option<i32>>(row, "days")? != days {
        let say = step!("pruning.days", "update dialogpost.pruning set days = $2 where what = $1");
        tx.query(say, &[&walk.as_str(), &days]).await?;
    }
    let stepped = match before {
        Some(before) => go_on(&tx, walk, row, before, now).await?,
        None => Stepped::Idle,
    };
    tx.commit().await?;
    Ok(stepped)
}

async fn go_on(tx: &Tx<'_>, walk: Walk, row: &Row, before: Timestamp, now: Timestamp) -> Result<Stepped, StoreError> {
    let (started, ended): (Option<Timestamp>, Option<Timestamp>) = (column(row, "started_at")?, column(row, "ended_at")?);
    if !is_due(started, ended, now) {
        return Ok(Stepped::Idle);
    }
    let begins = started.is_none() || ended.is_some();
    let position: Option<String> = column(row, "position")?;
    let Piece { pruned, next, is_last } = match walk {
        Walk::Table(kept) => blocks(tx, kept, position, before).await?,
        Walk::Messages => messages(tx, UNSEEN, position, before).await?,
        Walk::LeftOpen => messages(tx, LEFT_OPEN, position.filter(|_| !begins), before).await?,
    };
    let put = step!(
        "pruning.done",
        "update dialogpost.pruning set position = $2, ended_at = case when $3 then $4::timestamptz end,
            started_at = case when $5 then $4 else started_at end, pruned = case when $5 then 0 else pruned end + $6 where what = $1"
    );
    tx.query(put, &[&walk.as_str(), &next, &is_last, &now, &begins, &pruned]).await?;
    Ok(if is_last { Stepped::Through(pruned) } else { Stepped::More(pruned) })
}

/// A part of a walk.
struct Piece {
    pruned: i64,
    next: Option<String>,
    is_last: bool,
}

async fn blocks(tx: &Tx<'_>, kept: Kept, position: Option<String>, before: Timestamp) -> Result<Piece, StoreError> {
    let from = position.and_then(|block| block.parse().ok()).unwrap_or(0_i64);
    let size = step!(
        "pruning.size",
        "select pg_relation_size(('dialogpost.' || $1::text)::regclass) / current_setting('block_size')::bigint as blocks"
    );
    let blocks: i64 = tx.query(size, &[&kept.as_str()]).await?.first().map_or(Ok(0), |row| column(row, "blocks"))?;
    let to = from.saturating_add(BLOCKS);
    let tid = |block: i64| format!("({block},0)");
    let pruned = match of_table(kept) {
        Some(statement) => {
            tx.query(statement, &[&tid(from), &tid(to), &before]).await?.first().map_or(Ok(0), |row| column(row, "n"))?
        }
        None => 0,
    };
    let is_last = to >= blocks;
    Ok(Piece { pruned, next: (!is_last).then(|| to.to_string()), is_last })
}

/// What goes of the rows between two places of a table.
const fn of_table(kept: Kept) -> Option<Step> {
    match kept {
        // Still needed: by letters that may be replayed, by messages that are open (`decided_state`, `sent_state`), by commands whose
        // answers are kept, and by what waits.
        Kept::Processed => Some(step!(
            "pruning.processed",
            "with gone as (
                delete from dialogpost.processed p where p.ctid >= $1::text::tid and p.ctid < $2::text::tid and p.at < $3
                and (p.worker, p.message_id) not in (select claim_of, claim from dialogpost.dead_letter
                    where replayed_at is null and discarded_at is null and claim_of is not null and claim is not null)
                and (p.worker <> 'helsenorge-outbound' or not exists (select from dialogpost.message m where m.end_state is null
                    and m.id = case when p.message_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p.message_id::uuid end))
                and (p.worker <> 'clinic-commands' or not exists (select from dialogpost.command c
                    where c.clinic = case when p.message_id ~ '^[0-9]{1,18}/' then split_part(p.message_id, '/', 1)::bigint end
                    and c.id = case when p.message_id ~ '/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then split_part(p.message_id, '/', 2)::uuid end))
                and (p.worker <> 'helsenorge-inbound' or not exists (select from dialogpost.waiting w where w.key = p.message_id))
                returning 1
             ) select count(*) as n from gone"
        )),
        Kept::Command => Some(step!(
            "pruning.command",
            "with gone as (
                delete from dialogpost.command c where c.ctid >= $1::text::tid and c.ctid < $2::text::tid and c.at < $3 returning c.clinic, c.id
             ), claims as (
                -- Whose answer is gone is done again, not refused.
                delete from dialogpost.processed p using gone g
                where p.worker = 'clinic-commands' and p.message_id = g.clinic || '/' || g.id
             ) select count(*) as n from gone"
        )),
        Kept::ContactQuestion => Some(step!(
            "pruning.contact_question",
            "with gone as (
                delete from dialogpost.contact_question q using dialogpost.message m
                where q.ctid >= $1::text::tid and q.ctid < $2::text::tid and m.id = q.message and coalesce(q.answered_at, m.at) < $3
                returning 1
             ) select count(*) as n from gone"
        )),
        Kept::DeadLetter => Some(step!(
            "pruning.dead_letter",
            "with emptied as (
                update dialogpost.dead_letter l set body = '', properties = '{}' from dialogpost.dead_letter_state s
                where l.ctid >= $1::text::tid and l.ctid < $2::text::tid and s.id = l.id and s.state in ('discarded', 'done', 'died_again')
                and coalesce(l.discarded_at, l.settled_at, l.replayed_at) < $3 and (l.body <> '' or l.properties <> '{}')
                returning l.id
             ), edits as (
                update dialogpost.dead_letter_edit e set body = '', properties = '{}' from emptied
                where e.letter = emptied.id and e.properties is not null
             ) select count(*) as n from emptied"
        )),
        Kept::Notification => Some(step!(
            "pruning.notification",
            "with emptied as (
                update dialogpost.notification n set address = '' where n.ctid >= $1::text::tid and n.ctid < $2::text::tid
                and n.changed_at < $3 and n.address <> '' and n.state in ('sent', 'delivered', 'failed') returning 1
             ) select count(*) as n from emptied"
        )),
        Kept::Message => None,
    }
}

/// A statement that closes what is taken, if it is at its end, and has others looked at again.
macro_rules! closing {
    ($name:literal, $taken:literal) => {
        Step {
            name: $name,
            sql: concat!(
                "/* ", $name, " */ with taken as materialized (", $taken, "), state as (
                    select t.id, s.state from taken t cross join lateral (
                        -- Each by its id: a view of several parts is looked through whole otherwise.
                        select state from dialogpost.message_state where id = t.id limit 1) s where t.direction = 'in' and t.at < $3
                    union all
                    select t.id, s.state from taken t cross join lateral (
                        select state from dialogpost.sent_state where id = t.id limit 1) s where t.direction = 'out' and t.at < $3
                ), ended as materialized (
                    select s.id, s.state from state s where s.state = any($4)
                    -- Discarded: nobody will replay it.
                    or (s.state = 'dead' and not exists (select from dialogpost.dead_letter d where (d.message = s.id or d.outbox = s.id)
                        and d.replayed_at is null and d.discarded_at is null))
                ), closed as (
                    update dialogpost.message m set raw = null, end_state = e.state, left_open = null from ended e where m.id = e.id
                ), left_open as (
                    update dialogpost.message m set left_open = true from taken t
                    where m.id = t.id and m.left_open is null and t.id not in (select id from ended)
                )
                select (select count(*) from ended) as n, (select count(*) from taken) as taken,
                    (select id::text from taken order by id desc limit 1) as last"
            ),
        }
    };
}

const UNSEEN: Step = closing!(
    "pruning.message",
    "select id, direction, at from dialogpost.message where id > $1 and id < $2 and left_open is null and end_state is null order by id limit $5"
);
const LEFT_OPEN: Step = closing!(
    "pruning.left_open",
    "select id, direction, at from dialogpost.message where left_open and id > $1 and id < $2 order by id limit $5"
);

async fn messages(tx: &Tx<'_>, closing: Step, position: Option<String>, before: Timestamp) -> Result<Piece, StoreError> {
    let from = position.as_deref().and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
    let rows = tx.query(closing, &[&from, &first_id(before), &before, &&ENDS[..], &MESSAGES]).await?;
    let Some(row) = rows.first() else { return Ok(Piece { pruned: 0, next: position, is_last: true }) };
    let (taken, last): (i64, Option<String>) = (column(row, "taken")?, column(row, "last")?);
    Ok(Piece { pruned: column(row, "n")?, next: last.or(position), is_last: taken < MESSAGES })
}

/// No id that was given before this time is greater (RFC 9562, 5.7).
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

/// How something that is not kept for ever stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub what: String,
    /// For how many days it is kept; `None`: for ever.
    pub days: Option<i32>,
    /// When the last pass began.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None`: it is under way.
    pub ended_at: Option<Timestamp>,
    /// Rows that went in it, or whose content did.
    pub pruned: i64,
}

/// Messages that are older than they are kept and were not at their end when they were last looked at: they are kept whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOpen {
    /// How many.
    pub messages: i64,
    /// The oldest of them.
    pub oldest: Vec<Uuid>,
}

/// Those that are left open, and the five oldest, by how everything stands.
///
/// # Errors
/// As any step.
pub async fn left_open(session: &Session, standing: &[Standing], now: Timestamp) -> Result<LeftOpen, StoreError> {
    let walk = standing.iter().find(|one| one.what == Walk::LeftOpen.as_str());
    let Some(days) = walk.and_then(|walk| walk.days) else { return Ok(LeftOpen::default()) };
    let before = now.checked_sub(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MIN);
    let load = step!(
        "pruning.open",
        // What has waited is marked as it comes, and may be young.
        "with open as (select id from dialogpost.message where left_open and id < $1)
         select (select count(*) from open) as n, array(select id from open order by id limit 5) as oldest"
    );
    let rows = session.query(load, &[&first_id(before)]).await?;
    let Some(row) = rows.first() else { return Ok(LeftOpen::default()) };
    Ok(LeftOpen { messages: column(row, "n")?, oldest: column(row, "oldest")? })
}

/// How everything stands that was ever looked at.
///
/// # Errors
/// As any step.
pub async fn standing(session: &Session) -> Result<Vec<Standing>, StoreError> {
    let load = step!("pruning.standing", "select what, days, started_at, ended_at, pruned from dialogpost.pruning order by what");
    let rows = session.query(load, &[]).await?;
    rows.iter()
        .map(|r| {
            Ok(Standing {
                what: column(r, "what")?,
                days: column(r, "days")?,
                started_at: column(r, "started_at")?,
                ended_at: column(r, "ended_at")?,
                pruned: column(r, "pruned")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_by_the_time_they_were_given() {
        let id = Uuid::now_v7();
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let given = Timestamp::new(seconds.cast_signed(), nanos.cast_signed()).unwrap();
        assert!(first_id(given) <= id);
        assert!(first_id(given.checked_add(SignedDuration::from_millis(1)).unwrap()) > id);
        assert_eq!(first_id(Timestamp::MIN), Uuid::nil());
    }
}
