//! What no worker could handle, stored whole. What has happened of it is told by [`happened`]; replaying is [`replay`]'s, editing [`editing`]'s.

pub mod editing;
pub mod happened;
pub mod replay;

use crate::clinic::her_id;
use crate::message::number;
use crate::step::{Params, column, step};
use crate::{Session, StoreError, Tx};
use ::messages::HerId;
use ::messages::transport::{Properties, Wire};
use domain::dead_letter::{About, State};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A dead letter.
#[derive(Clone, Debug, Default)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// When it died.
    pub at: Timestamp,
    /// When it was first received, where that is known: the order of a dialog goes by it.
    pub received_at: Option<Timestamp>,
    /// The worker that gave it up.
    pub worker: String,
    /// Fault class.
    pub fault: String,
    /// Stable code.
    pub code: String,
    /// For people, without personal data.
    pub text: String,
    /// Attempts spent.
    pub attempts: u32,
    /// The ledger row it belongs to, when known.
    pub message: Option<Uuid>,
    /// The queue it came from, or was to go to.
    pub queue: String,
    /// What makes its effect happen once; none: it may happen any number of times.
    pub claim: Option<Claim>,
    /// What it was.
    pub about: About,
    /// Of what could not be sent: where it was to go.
    pub unsent: Option<Unsent>,
    /// The letter that was replayed, and is this one now.
    pub replay_of: Option<Uuid>,
    /// Its properties.
    pub properties: Properties,
    /// Its body.
    pub body: Vec<u8>,
}

/// A row of `processed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who claimed.
    pub worker: String,
    /// Which message.
    pub key: String,
}

/// Where something was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its row in the outbox.
    pub outbox: Uuid,
    /// Through which broker.
    pub wire: Wire,
    /// To which exchange; its routing key is [`DeadLetter::queue`].
    pub exchange: String,
}

/// Stores dead letters; an id that is stored already changes nothing. The clinic follows from the ledger or the queue where the letter itself
/// does not tell, the dialog from the ledger.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, letters: &[DeadLetter]) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = letters.iter().map(|l| l.id).collect();
    let at: Vec<Timestamp> = letters.iter().map(|l| l.at).collect();
    let workers: Vec<&str> = letters.iter().map(|l| l.worker.as_str()).collect();
    let faults: Vec<&str> = letters.iter().map(|l| l.fault.as_str()).collect();
    let codes: Vec<&str> = letters.iter().map(|l| l.code.as_str()).collect();
    let texts: Vec<&str> = letters.iter().map(|l| l.text.as_str()).collect();
    let attempts: Vec<i32> = letters.iter().map(|l| i32::try_from(l.attempts).unwrap_or(i32::MAX)).collect();
    let messages: Vec<Option<Uuid>> = letters.iter().map(|l| l.message).collect();
    let queues: Vec<&str> = letters.iter().map(|l| l.queue.as_str()).collect();
    let properties: Vec<Json<&Properties>> = letters.iter().map(|l| Json(&l.properties)).collect();
    let bodies: Vec<&[u8]> = letters.iter().map(|l| l.body.as_slice()).collect();
    let claims_of: Vec<Option<&str>> = letters.iter().map(|l| l.claim.as_ref().map(|c| c.worker.as_str())).collect();
    let claims: Vec<Option<&str>> = letters.iter().map(|l| l.claim.as_ref().map(|c| c.key.as_str())).collect();
    let kinds: Vec<Option<&str>> = letters.iter().map(|l| l.about.kind.as_deref()).collect();
    let clinics: Vec<Option<i64>> = letters.iter().map(|l| number(l.about.clinic)).collect();
    let threads: Vec<Option<&str>> = letters.iter().map(|l| l.about.thread.as_deref()).collect();
    let outbox: Vec<Option<Uuid>> = letters.iter().map(|l| l.unsent.as_ref().map(|u| u.outbox)).collect();
    let wires: Vec<Option<&str>> = letters.iter().map(|l| l.unsent.as_ref().map(|u| u.wire.as_str())).collect();
    let exchanges: Vec<Option<&str>> = letters.iter().map(|l| l.unsent.as_ref().map(|u| u.exchange.as_str())).collect();
    let replays: Vec<Option<Uuid>> = letters.iter().map(|l| l.replay_of).collect();
    let received: Vec<Option<Timestamp>> = letters.iter().map(|l| l.received_at).collect();
    let insert = step!(
        "dead_letter.insert",
        "insert into dialogpost.dead_letter (id, at, worker, fault, code, text, attempts, message, queue, properties, body, claim_of, claim,
            kind, clinic, thread, outbox, wire, exchange, replay_of, origin, since)
         select l.id, l.at, l.worker, l.fault, l.code, l.text, l.attempts, l.message, l.queue, l.properties, l.body, l.claim_of, l.claim, l.kind,
            coalesce(l.clinic, m.clinic, q.her_id), coalesce(l.thread, e.dialog::text), l.outbox, l.wire, l.exchange, coalesce(r.id, u.id),
            coalesce(r.origin, u.origin, l.id), coalesce(r.since, u.since, l.received_at, l.at)
         from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::uuid[],
             $9::text[], $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[], $17::uuid[],
             $18::text[], $19::text[], $20::uuid[], $21::timestamptz[]) l(id, at, worker, fault, code, text, attempts, message, queue, properties, body, claim_of,
             claim, kind, clinic, thread, outbox, wire, exchange, replay_of, received_at)
         left join dialogpost.message m on m.id = l.message
         left join dialogpost.dialog_entry e on e.id = l.message
         left join dialogpost.dead_letter r on r.id = l.replay_of
         -- What could not be sent again is what became of its replay.
         left join lateral (
            select id, origin, since from dialogpost.dead_letter where outbox = l.outbox and replayed_at is not null order by at desc limit 1
         ) u on true
         left join lateral (
            select her_id from dialogpost.clinic where l.queue in (async_queue, sync_queue, syncreply_queue, error_queue) order by her_id limit 1
         ) q on true
         on conflict do nothing"
    );
    let params: Params<'_> = &[
        &ids,
        &at,
        &workers,
        &faults,
        &codes,
        &texts,
        &attempts,
        &messages,
        &queues,
        &properties,
        &bodies,
        &claims_of,
        &claims,
        &kinds,
        &clinics,
        &threads,
        &outbox,
        &wires,
        &exchanges,
        &replays,
        &received,
    ];
    tx.query(insert, params).await.map(drop)
}

/// Notes that the effects of what was replayed have happened.
///
/// # Errors
/// As any step.
pub async fn settled(tx: &Tx<'_>, letters: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let settle = step!(
        "dead_letter.settled",
        "update dialogpost.dead_letter set settled_at = $2 where id = any($1) and replayed_at is not null and settled_at is null"
    );
    tx.query(settle, &[&letters, &now]).await.map(drop)
}

/// Which letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These alone; none: all.
    pub ids: Vec<Uuid>,
    /// Given up by this worker.
    pub worker: Option<String>,
    /// Of this cause, or with this code.
    pub cause: Option<String>,
    /// Of this clinic.
    pub clinic: Option<HerId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Dead since then at the latest.
    pub before: Option<Timestamp>,
    /// Dead since then at the earliest.
    pub after: Option<Timestamp>,
    /// In one of these states.
    pub states: Vec<State>,
    /// The oldest first, and no others when there are too many.
    pub is_oldest_first: bool,
}

/// A letter in a list: without its body, with where it stands.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The letter; its body is empty.
    pub letter: DeadLetter,
    /// Where it stands.
    pub state: State,
    /// Of its cause.
    pub cause: String,
    /// Bytes of its body.
    pub bytes: u64,
    /// The last edit, when one lives.
    pub edit: Option<u32>,
    /// The replay that it was released by.
    pub replay: Option<Uuid>,
}

/// Dead letters, newest first unless asked for otherwise; one that died again is as old as the first.
///
/// # Errors
/// As any step.
pub async fn list(session: &Session, filter: &Filter, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let list = step!(
        "dead_letter.list",
        "select l.id, l.at, l.worker, l.fault, l.code, l.text, l.attempts, l.message, l.queue, l.properties, ''::bytea as body, l.claim_of,
            l.claim, l.kind, l.clinic, l.thread, l.outbox, l.wire, l.exchange, l.replay_of, l.cause, l.replay, s.state,
            length(l.body) as bytes, e.number as edit
         from dialogpost.dead_letter l join dialogpost.dead_letter_state s on s.id = l.id
         left join lateral (
            select number from dialogpost.dead_letter_edit e where e.letter = l.id and e.properties is not null
                and e.number = (select max(number) from dialogpost.dead_letter_edit where letter = l.id)
         ) e on true
         where (cardinality($1::uuid[]) = 0 or l.id = any($1)) and ($2::text is null or l.worker = $2)
            and ($3::text is null or l.cause = $3 or l.code = $3) and ($4::bigint is null or l.clinic = $4)
            and ($5::text is null or l.kind = $5) and ($6::timestamptz is null or l.at <= $6) and ($7::timestamptz is null or l.at >= $7)
            and s.state = any($8::text[])
         order by case when $10 then l.since end, case when $10 then l.origin end, l.since desc, l.origin desc, l.at desc limit $9"
    );
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let clinic = number(filter.clinic);
    let params: Params<'_> = &[
        &filter.ids,
        &filter.worker,
        &filter.cause,
        &clinic,
        &filter.kind,
        &filter.before,
        &filter.after,
        &states,
        &limit,
        &filter.is_oldest_first,
    ];
    session.query(list, params).await?.iter().map(listed).collect()
}

pub(crate) fn listed(row: &Row) -> Result<Listed, StoreError> {
    let (bytes, edit): (i32, Option<i32>) = (column(row, "bytes")?, column(row, "edit")?);
    Ok(Listed {
        letter: letter(row)?,
        state: State::parse(column(row, "state")?).ok_or_else(|| StoreError::row("state"))?,
        cause: column(row, "cause")?,
        bytes: u64::try_from(bytes).map_err(|_| StoreError::row("bytes"))?,
        edit: edit.and_then(|number| number.try_into().ok()),
        replay: column(row, "replay")?,
    })
}

/// Open letters of one cause.
#[derive(Clone, Debug)]
pub struct Group {
    /// The cause, by which `list` and `plan` find them.
    pub cause: String,
    /// The worker that gave them up.
    pub worker: String,
    /// Stable code.
    pub code: String,
    /// The text of the newest.
    pub text: String,
    /// How many.
    pub letters: i64,
    /// Of how many clinics.
    pub clinics: i64,
    /// When the oldest died.
    pub oldest: Timestamp,
    /// When the newest died.
    pub newest: Timestamp,
}

/// Open letters by their cause, the most first.
///
/// # Errors
/// As any step.
pub async fn groups(session: &Session) -> Result<Vec<Group>, StoreError> {
    let group = step!(
        "dead_letter.groups",
        "select cause, min(worker) as worker, min(code) as code, (array_agg(text order by at desc))[1] as text, count(*) as letters,
            count(distinct clinic) as clinics, min(at) as oldest, max(at) as newest
         from dialogpost.dead_letter where replayed_at is null and discarded_at is null group by cause order by count(*) desc, max(at) desc"
    );
    let of = |row: &Row| {
        Ok(Group {
            cause: column(row, "cause")?,
            worker: column(row, "worker")?,
            code: column(row, "code")?,
            text: column(row, "text")?,
            letters: column(row, "letters")?,
            clinics: column(row, "clinics")?,
            oldest: column(row, "oldest")?,
            newest: column(row, "newest")?,
        })
    };
    session.query(group, &[]).await?.iter().map(of).collect()
}

/// One dead letter with its body.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: Uuid) -> Result<Option<Listed>, StoreError> {
    let filter = Filter { ids: vec![id], states: State::ALL.to_vec(), ..Filter::default() };
    let Some(mut found) = list(session, &filter, 1).await?.pop() else { return Ok(None) };
    let body = step!("dead_letter.body", "select body from dialogpost.dead_letter where id = $1");
    let rows = session.query(body, &[&id]).await?;
    found.letter.body = column(rows.first().ok_or_else(|| StoreError::row("body"))?, "body")?;
    Ok(Some(found))
}

pub(crate) fn letter(row: &Row) -> Result<DeadLetter, StoreError> {
    let Json(properties) = column(row, "properties")?;
    let attempts: i32 = column(row, "attempts")?;
    let claim = match (column(row, "claim_of")?, column(row, "claim")?) {
        (Some(worker), Some(key)) => Some(Claim { worker, key }),
        _ => None,
    };
    let unsent = match (column(row, "outbox")?, column::<Option<&str>>(row, "wire")?, column(row, "exchange")?) {
        (Some(outbox), Some(wire), Some(exchange)) => {
            Some(Unsent { outbox, wire: if wire == Wire::Nhn.as_str() { Wire::Nhn } else { Wire::Dialogpost }, exchange })
        }
        _ => None,
    };
    let clinic = column::<Option<i64>>(row, "clinic")?.map(|_| her_id(row, "clinic")).transpose()?;
    Ok(DeadLetter {
        id: column(row, "id")?,
        at: column(row, "at")?,
        worker: column(row, "worker")?,
        fault: column(row, "fault")?,
        code: column(row, "code")?,
        text: column(row, "text")?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        message: column(row, "message")?,
        queue: column(row, "queue")?,
        claim,
        about: About { kind: column(row, "kind")?, clinic, thread: column(row, "thread")? },
        unsent,
        replay_of: column(row, "replay_of")?,
        received_at: None,
        properties,
        body: column(row, "body")?,
    })
}
