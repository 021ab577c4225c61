//! What we write ourselves: the two ends of a message, the requests whose reply somebody waits for, and their replies.

use crate::clinic::her_id;
use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use ::messages::HerId;
use domain::sending::Ends;
use domain::sync::Asked;
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// The two ends of a message between a HER-id of ours and a party, with their names; `None` = one of them is not set up.
///
/// # Errors
/// As any step.
pub async fn ends(session: &Session, own: HerId, other: HerId) -> Result<Option<(Ends, String, String)>, StoreError> {
    let ends = step!(
        "sending.ends",
        "select c.her_id as clinic, $1::bigint as own, c.name as own_name, c.async_queue as own_async,
            c.syncreply_queue as own_syncreply, p.her_id as other, p.name as other_name, p.async_queue, p.sync_queue
         from (select her_id from dialogpost.clinic where her_id = $1
            union all select clinic from dialogpost.employee where her_id = $1 limit 1) o
         join dialogpost.clinic c on c.her_id = o.her_id
         cross join dialogpost.communication_party p where p.her_id = $2"
    );
    let rows = session.query(ends, &[&own.get(), &other.get()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((ends_of(row)?, column(row, "own_name")?, column(row, "other_name")?)))
}

/// The two ends that a row names, whichever statement it is of.
pub(crate) fn ends_of(row: &Row) -> Result<Ends, StoreError> {
    Ok(Ends {
        clinic: her_id(row, "clinic")?,
        own: her_id(row, "own")?,
        own_async_queue: column(row, "own_async")?,
        own_syncreply_queue: column(row, "own_syncreply")?,
        other: her_id(row, "other")?,
        async_queue: column(row, "async_queue")?,
        sync_queue: column(row, "sync_queue")?,
    })
}

/// Registers a request before it is sent, so that no reply can come too early.
///
/// # Errors
/// As any step.
pub async fn ask(tx: &Tx<'_>, asked: &Asked) -> Result<(), StoreError> {
    let ask = step!("sending.ask", "insert into dialogpost.sync_request (message, asked, due_at) values ($1, $2, $3)");
    tx.query(ask, &[&asked.request, &asked.of.get(), &asked.due_at]).await.map(drop)
}

/// The requests of these ids.
///
/// # Errors
/// As any step.
pub async fn asked(tx: &Tx<'_>, requests: &[Uuid]) -> Result<HashMap<Uuid, Asked>, StoreError> {
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let asked = step!("sending.asked", "select r.message, m.from_her_id, r.asked, r.due_at from dialogpost.sync_request r join dialogpost.message m on m.id = r.message
            where r.message = any($1)");
    let of = |r: &Row| {
        let request = column(r, "message")?;
        Ok((request, Asked { request, by: her_id(r, "from_her_id")?, of: her_id(r, "asked")?, due_at: column(r, "due_at")? }))
    };
    tx.query(asked, &[&requests]).await?.iter().map(of).collect()
}

/// Notes replies: (request, ledger row of the reply). The first of a request counts.
///
/// # Errors
/// As any step.
pub async fn heard(tx: &Tx<'_>, replies: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    if replies.is_empty() {
        return Ok(());
    }
    let (requests, messages): (Vec<Uuid>, Vec<Uuid>) = replies.iter().copied().unzip();
    let heard = step!(
        "sending.heard",
        "insert into dialogpost.sync_reply (request, message) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing"
    );
    tx.query(heard, &[&requests, &messages]).await.map(drop)
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When its reply was taken off the queue.
    pub replied_at: Option<Timestamp>,
    /// State in the ledger.
    pub state: String,
    /// Why it became a dead letter.
    pub fault: Option<String>,
    /// The code of what it waits for before it can be sent.
    pub waits_for: Option<String>,
}

/// How a request stands now; `None` = there is none of this id.
///
/// # Errors
/// As any step.
pub async fn standing(session: &Session, request: Uuid) -> Result<Option<Standing>, StoreError> {
    let standing = step!(
        "sending.standing",
        "select s.state, (select m.at from dialogpost.sync_reply y join dialogpost.message m on m.id = y.message where y.request = $1)
            as replied_at, (select code || ': ' || text from dialogpost.dead_letter where message = $1 and replayed_at is null order by at limit 1) as fault,
            (select properties -> 'application' ->> 'dialogpost-waits-for' from dialogpost.outbox where cause = $1 limit 1) as waits_for
         from dialogpost.sent_state s where s.id = $1"
    );
    let rows = session.query(standing, &[&request]).await?;
    let of = |r: &Row| {
        Ok(Standing {
            replied_at: column(r, "replied_at")?,
            state: column(r, "state")?,
            fault: column(r, "fault")?,
            waits_for: column(r, "waits_for")?,
        })
    };
    rows.first().map(of).transpose()
}
