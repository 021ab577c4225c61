//! What stands and should not for long, and who is silent: figures for whoever watches the fleet.

use crate::step::{column, step};
use crate::{Session, StoreError};
use jiff::Timestamp;
use tokio_postgres::Row;

/// Figures of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Open dead letters: worker, code, how many.
    pub dead_letters: Vec<(String, String, i64)>,
    /// When the oldest of them died.
    pub oldest_dead_letter: Option<Timestamp>,
    /// By broker, since when the longest due row of the outbox has been due.
    pub outbox: Vec<(String, Timestamp)>,
    /// By what is missing, since when the first message has waited.
    pub waiting: Vec<(String, Timestamp)>,
    /// By clinic, when it last received anything, if it has.
    pub received: Vec<(i64, Timestamp)>,
    /// By what is not kept for ever, when the last walk through it began.
    pub pruning: Vec<(String, Timestamp)>,
}

/// Takes them; who has received anything after `since`. Rows of the outbox count from when they were due, or, once a broker has not taken them, from
/// when they were made (their ids tell: UUID, version 7); those that wait for their time do not count.
///
/// # Errors
/// As any step.
pub async fn take(session: &Session, since: Timestamp, now: Timestamp) -> Result<Standing, StoreError> {
    let dead = step!(
        "standing.dead_letters",
        "select worker, code, count(*) as n, min(at) as oldest from dialogpost.dead_letter
         where replayed_at is null and discarded_at is null group by worker, code"
    );
    let outbox =
        step!("standing.outbox", "select wire, min(case when attempts > 0
            then to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) else due_at end) as since
         from dialogpost.outbox where due_at <= $1 or attempts > 0 group by wire");
    let waiting = step!(
        "standing.waiting",
        "select code, min(at) as since from dialogpost.put_off where state = 'in_flight' group by code"
    );
    let received = step!(
        "standing.received",
        "select clinic, max(at) as since from dialogpost.message where at > $1 and direction = 'in' and clinic is not null group by clinic"
    );
    let pruning = step!(
        "standing.pruning",
        "select what, started_at as since from dialogpost.pruning where days is not null and started_at is not null"
    );
    let dead = session.query(dead, &[]).await?;
    let oldest = dead.iter().map(|row| column(row, "oldest")).collect::<Result<Vec<Timestamp>, _>>()?;
    fn named<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, name: &'static str) -> Result<(T, Timestamp), StoreError> {
        Ok((column(row, name)?, column(row, "since")?))
    }
    Ok(Standing {
        dead_letters: dead
            .iter()
            .map(|r| Ok((column(r, "worker")?, column(r, "code")?, column(r, "n")?)))
            .collect::<Result<_, StoreError>>()?,
        oldest_dead_letter: oldest.into_iter().min(),
        outbox: session.query(outbox, &[&now]).await?.iter().map(|r| named(r, "wire")).collect::<Result<_, _>>()?,
        waiting: session.query(waiting, &[]).await?.iter().map(|r| named(r, "code")).collect::<Result<_, _>>()?,
        received: session.query(received, &[&since]).await?.iter().map(|r| named(r, "clinic")).collect::<Result<_, _>>()?,
        pruning: session.query(pruning, &[]).await?.iter().map(|r| named(r, "what")).collect::<Result<_, _>>()?,
    })
}
