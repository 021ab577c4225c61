//! Replays: what is planned, and the release of letters one by one, each once.

use super::{Claim, DeadLetter, Listed, Unsent, letter};
use crate::step::{Params, column, step};
use crate::{Session, StoreError, Tx, outbox};
use ::messages::HerId;
use ::messages::transport::{ATTEMPT, LEDGER_ID, ORIGIN_QUEUE, Outgoing, Properties, RECEIVED_AT, REPLAY_OF, WAITS_FOR, Wire};
use domain::dead_letter::State;
use domain::dead_letter::pace::{Item, Standing};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// Keeps a plan: these letters, in this order, each as it is edited now.
///
/// # Errors
/// As any step.
pub async fn plan(tx: &Tx<'_>, id: Uuid, actor: &str, letters: &[Listed], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = letters.iter().map(|l| l.letter.id).collect();
    let edits: Vec<i32> = letters.iter().map(|l| l.edit.and_then(|n| i32::try_from(n).ok()).unwrap_or(0)).collect();
    let plan = step!(
        "replay.plan",
        "with plan as (insert into dialogpost.replay (id, planned_at, planned_by) values ($1, $2, $3) returning id)
         insert into dialogpost.replay_item (replay, number, letter, edit)
         select plan.id, n::int, l, e from plan, unnest($4::uuid[], $5::int[]) with ordinality i(l, e, n)"
    );
    tx.query(plan, &[&id, &now, &actor, &ids, &edits]).await.map(drop)
}

/// A plan as it stands.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Its id.
    pub id: Uuid,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Who planned it.
    pub planned_by: String,
    /// Why, once it was begun.
    pub reason: Option<String>,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// Who began it, or went on with it last.
    pub started_by: Option<String>,
    /// Until when whoever replays it has it.
    pub lease_end: Option<Timestamp>,
    /// Who asked it to stop.
    pub stop_asked_by: Option<String>,
    /// Why it does not go on: `done`, `brake`, `stopped`.
    pub ended: Option<String>,
}

fn replay(row: &Row) -> Result<Replay, StoreError> {
    Ok(Replay {
        id: column(row, "id")?,
        planned_at: column(row, "planned_at")?,
        planned_by: column(row, "planned_by")?,
        reason: column(row, "reason")?,
        started_at: column(row, "started_at")?,
        started_by: column(row, "started_by")?,
        lease_end: column(row, "lease_end")?,
        stop_asked_by: column(row, "stop_asked_by")?,
        ended: column(row, "ended")?,
    })
}

/// A plan.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: Uuid) -> Result<Option<Replay>, StoreError> {
    let find = step!("replay.find", "select * from dialogpost.replay where id = $1");
    session.query(find, &[&id]).await?.first().map(replay).transpose()
}

/// Plans, newest first.
///
/// # Errors
/// As any step.
pub async fn list(session: &Session, limit: i64) -> Result<Vec<Replay>, StoreError> {
    let list = step!("replay.list", "select * from dialogpost.replay order by planned_at desc limit $1");
    session.query(list, &[&limit]).await?.iter().map(replay).collect()
}

/// Who wants to replay, and since when.
#[derive(Clone, Debug)]
pub struct Runner {
    /// This run of it.
    pub id: Uuid,
    /// Who.
    pub actor: String,
    /// Why; needed by who begins it.
    pub reason: Option<String>,
}

/// Takes a plan, or goes on having it, until `lease_end`; the plan as it was before, when it is to be had. None: another run has it, or there
/// is no such plan. What ended goes on when it is taken by a new run.
///
/// # Errors
/// As any step.
pub async fn take(
    tx: &Tx<'_>,
    id: Uuid,
    runner: &Runner,
    now: Timestamp,
    lease_end: Timestamp,
) -> Result<Option<Replay>, StoreError> {
    let take = step!(
        "replay.take",
        "with before as (select * from dialogpost.replay where id = $1 for update),
         taken as (
            update dialogpost.replay r set runner = $2, lease_end = $3, started_at = coalesce(r.started_at, $4), started_by = $5,
                reason = coalesce(r.reason, $6), ended = case when r.runner = $2 then r.ended end,
                ended_at = case when r.runner = $2 then r.ended_at end, stop_asked_by = case when r.runner = $2 then r.stop_asked_by end
            from before b where r.id = b.id and (b.runner is null or b.runner = $2 or b.lease_end <= $4 or b.ended is not null)
            returning r.id
         )
         select b.id, b.planned_at, b.planned_by, b.reason, b.started_at, b.started_by, b.lease_end,
            case when b.runner = $2 then b.stop_asked_by end as stop_asked_by, b.ended
         from before b join taken t on t.id = b.id"
    );
    let params: Params<'_> = &[&id, &runner.id, &lease_end, &now, &runner.actor, &runner.reason];
    tx.query(take, params).await?.first().map(replay).transpose()
}

/// Asks whoever replays a plan to stop. `false`: nobody does.
///
/// # Errors
/// As any step.
pub async fn ask_to_stop(tx: &Tx<'_>, id: Uuid, actor: &str, now: Timestamp) -> Result<bool, StoreError> {
    let ask = step!(
        "replay.ask_to_stop",
        "update dialogpost.replay set stop_asked_by = $2 where id = $1 and ended is null and lease_end > $3 returning id"
    );
    Ok(!tx.query(ask, &[&id, &actor, &now]).await?.is_empty())
}

/// Notes why a plan does not go on.
///
/// # Errors
/// As any step.
pub async fn end(tx: &Tx<'_>, id: Uuid, runner: Uuid, why: &str, now: Timestamp) -> Result<(), StoreError> {
    let end = step!(
        "replay.end",
        "update dialogpost.replay set ended = $3, ended_at = $4, lease_end = $4 where id = $1 and runner = $2"
    );
    tx.query(end, &[&id, &runner, &why, &now]).await.map(drop)
}

/// A letter of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the pace goes by.
    pub item: Item,
    /// The letter.
    pub letter: Uuid,
    /// Why it was passed over.
    pub passed_over: Option<String>,
}

/// The letters of a plan, in its order, with where each stands.
///
/// # Errors
/// As any step.
pub async fn items(session: &Session, id: Uuid) -> Result<Vec<Planned>, StoreError> {
    let load = step!(
        "replay_item.list",
        "select i.number, i.letter, i.released_at is not null as released, i.passed_over, l.clinic, l.thread, s.state
         from dialogpost.replay_item i join dialogpost.dead_letter l on l.id = i.letter
         join dialogpost.dead_letter_state s on s.id = i.letter where i.replay = $1 order by i.number"
    );
    let of = |row: &Row| {
        let passed_over: Option<String> = column(row, "passed_over")?;
        let state = State::parse(column(row, "state")?).ok_or_else(|| StoreError::row("state"))?;
        let standing = match (column(row, "released")?, state) {
            _ if passed_over.is_some() => Standing::PassedOver,
            (false, _) => Standing::ToCome,
            (true, State::Done) => Standing::Done,
            (true, State::DiedAgain) => Standing::Died,
            (true, _) => Standing::UnderWay,
        };
        let item =
            Item { number: column(row, "number")?, clinic: column(row, "clinic")?, thread: column(row, "thread")?, standing };
        Ok(Planned { item, letter: column(row, "letter")?, passed_over })
    };
    session.query(load, &[&id]).await?.iter().map(of).collect()
}

/// Passes letters of a plan over.
///
/// # Errors
/// As any step.
pub async fn pass_over(tx: &Tx<'_>, id: Uuid, numbers: &[i32], why: &str) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let pass = step!(
        "replay_item.pass_over",
        "update dialogpost.replay_item set passed_over = $3 where replay = $1 and number = any($2) and released_at is null and passed_over is null"
    );
    tx.query(pass, &[&id, &numbers, &why]).await.map(drop)
}

/// Releases letters of a plan that the transaction has taken: claims are given back, and the outbox has them, due at once. What somebody else
/// has replayed, discarded or edited since it was planned is passed over. `queue_of` names a worker's queue. Tells which were released.
///
/// # Errors
/// As any step.
pub async fn release(
    tx: &Tx<'_>,
    id: Uuid,
    numbers: &[i32],
    queue_of: fn(&str) -> String,
    now: Timestamp,
) -> Result<Vec<Released>, StoreError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let open = open(tx, id, numbers).await?;
    let released: Vec<i32> = open.iter().map(|(number, _)| *number).collect();
    let letters: Vec<&DeadLetter> = open.iter().map(|(_, letter)| letter).collect();
    give_back(tx, &letters).await?;
    let outgoing: Vec<Outgoing> = letters.iter().map(|letter| outgoing(letter, queue_of)).collect();
    outbox::insert(tx, &outgoing, now).await?;
    let note = step!(
        "replay_item.release",
        "with released as (
            update dialogpost.replay_item set released_at = $3 where replay = $1 and number = any($2) returning letter
         )
         update dialogpost.dead_letter l set replay = $1, replayed_at = $3 from released r where l.id = r.letter"
    );
    tx.query(note, &[&id, &released, &now]).await?;
    let others: Vec<i32> = numbers.iter().copied().filter(|number| !released.contains(number)).collect();
    pass_over(tx, id, &others, CHANGED).await?;
    Ok(letters.iter().map(|letter| Released { letter: letter.id, clinic: letter.about.clinic }).collect())
}

/// A letter that was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Which.
    pub letter: Uuid,
    /// Whose it is, when that is known.
    pub clinic: Option<HerId>,
}

/// Why a letter is passed over that is not as it was planned.
pub const CHANGED: &str = "changed-since-planned";

/// Those of a plan's letters that are as they were planned, and before which none of their dialog is open or under way, locked, each as it is to
/// be replayed. What NHN's broker had no queue for goes to where its receiver is reached now.
async fn open(tx: &Tx<'_>, id: Uuid, numbers: &[i32]) -> Result<Vec<(i32, DeadLetter)>, StoreError> {
    // By itself: whoever edits holds this lock, and what he did is seen only by a statement that begins later.
    let lock = step!(
        "replay_item.lock",
        "select from dialogpost.dead_letter l join dialogpost.replay_item i on i.letter = l.id
         where i.replay = $1 and i.number = any($2) order by l.since, l.origin, l.at for update of l"
    );
    tx.query(lock, &[&id, &numbers]).await?;
    let load = step!(
        "replay_item.open",
        "select i.number, l.id, l.at, l.worker, l.fault, l.code, l.text, l.attempts, l.message, l.queue, l.claim_of, l.claim, l.kind, l.clinic,
            l.thread, l.outbox, l.wire, l.exchange, l.replay_of, p.async_queue, p.error_queue, coalesce(e.properties, l.properties) as properties, coalesce(e.body, l.body) as body
         from dialogpost.replay_item i join dialogpost.dead_letter l on l.id = i.letter
         left join dialogpost.dead_letter_edit e on e.letter = i.letter and e.number = i.edit
         left join dialogpost.communication_party p on l.code = 'nhn-unroutable'
            and p.her_id::text = l.properties->'application'->>'toHerId'
         where i.replay = $1 and i.number = any($2) and i.released_at is null and i.passed_over is null
            and l.replayed_at is null and l.discarded_at is null
            and i.edit = coalesce((select case when x.properties is null then 0 else x.number end from dialogpost.dead_letter_edit x
                where x.letter = i.letter order by x.number desc limit 1), 0)
            and not exists (select from dialogpost.dead_letter f join dialogpost.dead_letter_state s on s.id = f.id
                where f.thread = l.thread and f.worker = l.worker and (f.since, f.origin) < (l.since, l.origin) and s.state in ('open', 'under_way'))
         order by i.number"
    );
    let rows = tx.query(load, &[&id, &numbers]).await?;
    let of = |row: &Row| {
        let queues = (column(row, "async_queue")?, column(row, "error_queue")?);
        Ok((column(row, "number")?, readdressed(letter(row)?, queues)))
    };
    rows.iter().map(of).collect()
}

/// To the queue that its receiver has now; an answer to a request goes where whoever asked wanted it.
fn readdressed(mut letter: DeadLetter, (async_queue, error_queue): (Option<String>, Option<String>)) -> DeadLetter {
    let is_error = letter.properties.application("errorCondition").is_some();
    let queue = if is_error { error_queue } else { async_queue };
    if let (Some(queue), None) = (queue, letter.properties.ttl_ms) {
        letter.properties.to = Some(queue.clone());
        letter.queue = queue;
    }
    letter
}

async fn give_back(tx: &Tx<'_>, letters: &[&DeadLetter]) -> Result<(), StoreError> {
    let claims: Vec<&Claim> = letters.iter().filter_map(|letter| letter.claim.as_ref()).collect();
    let workers: Vec<&str> = claims.iter().map(|claim| claim.worker.as_str()).collect();
    let keys: Vec<&str> = claims.iter().map(|claim| claim.key.as_str()).collect();
    let give_back = step!(
        "processed.give_back",
        "delete from dialogpost.processed p using unnest($1::text[], $2::text[]) c(worker, key) where p.worker = c.worker and p.message_id = c.key"
    );
    tx.query(give_back, &[&workers, &keys]).await.map(drop)
}

/// The letter as a message: to the worker's own queue alone, or to where it was to go. It counts its attempts anew.
fn outgoing(letter: &DeadLetter, queue_of: fn(&str) -> String) -> Outgoing {
    let mut properties = letter.properties.clone();
    properties.message_id.get_or_insert_with(|| letter.id.to_string());
    match &letter.unsent {
        Some(Unsent { outbox, wire, exchange }) => Outgoing {
            id: *outbox,
            wire: *wire,
            exchange: exchange.clone(),
            routing_key: letter.queue.clone(),
            properties,
            body: letter.body.clone().into(),
            cause: letter.message,
            led_by: None,
            not_before: None,
            is_awaited: true,
        },
        None => Outgoing {
            id: Uuid::now_v7(),
            wire: Wire::Dialogpost,
            exchange: String::new(),
            routing_key: queue_of(&letter.worker),
            properties: steered(properties, letter),
            body: letter.body.clone().into(),
            cause: letter.message,
            led_by: None,
            not_before: None,
            is_awaited: true,
        },
    }
}

fn steered(mut properties: Properties, letter: &DeadLetter) -> Properties {
    for spent in [ATTEMPT, WAITS_FOR] {
        properties.application.remove(spent);
    }
    properties.application.retain(|name, _| !name.starts_with("x-first-death-") && name != "x-death");
    properties.ttl_ms = None;
    let received_at = properties.application(RECEIVED_AT).map_or_else(|| letter.at.to_string(), str::to_owned);
    let ledger_id = letter.message.map(|id| (LEDGER_ID.to_owned(), id.to_string()));
    let steering = [
        (REPLAY_OF.to_owned(), letter.id.to_string()),
        (ORIGIN_QUEUE.to_owned(), letter.queue.clone()),
        (RECEIVED_AT.to_owned(), received_at),
    ];
    properties.application.extend(steering.into_iter().chain(ledger_id));
    properties
}
