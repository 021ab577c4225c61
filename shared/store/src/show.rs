//! Where is this message: every trace of it, without content.

pub mod told;

use crate::step::{column, step};
use crate::{Session, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// One message and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Ledger id.
    pub id: Uuid,
    /// `in` or `out`.
    pub direction: String,
    /// When it was taken off the queue, or written.
    pub at: Timestamp,
    /// The clinic's HER-id.
    pub clinic: Option<i64>,
    /// Sender's HER-id.
    pub from_her_id: Option<i64>,
    /// Receiver's HER-id.
    pub to_her_id: Option<i64>,
    /// The queue it came from or goes to.
    pub queue: String,
    /// Message function.
    pub function: Option<String>,
    /// AMQP message id.
    pub transport_id: Option<String>,
    /// `MsgId`.
    pub msg_id: Option<String>,
    /// What was decided; `waiting`, when nothing was yet.
    pub outcome: String,
    /// Our code, when it was not accepted.
    pub code: Option<String>,
    /// State in the ledger.
    pub state: String,
    /// Until when the receiver must have receipted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_due_at: Option<Timestamp>,
    /// Bytes of the body; `None`: it was kept long enough.
    pub bytes: Option<i32>,
    /// The message this one answers or repeats.
    pub answers: Option<Uuid>,
    /// Its steps, in order of time.
    pub steps: Vec<TraceStep>,
}

/// One step of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceStep {
    /// When.
    pub at: Timestamp,
    /// What: `claimed`, `inbox`, `journal`, `receipt`, `answer`, `waiting`, `next try`, `dead-letter`.
    pub what: String,
    /// By or to whom: a worker, an employee, a queue, a code.
    pub detail: String,
}

/// Messages that an id names: a ledger id, a `MsgId` or an AMQP message id.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: &str) -> Result<Vec<Trace>, StoreError> {
    let uuid = Uuid::try_parse(id.trim()).ok();
    let find = step!(
        "show.find",
        "select m.id, m.direction, m.at, m.clinic, m.from_her_id, m.to_her_id, m.queue, m.function, m.transport_id, m.msg_id, m.outcome,
            m.code, length(m.raw) as bytes, m.answers,
            case when m.direction = 'in' then (select state from dialogpost.message_state s where s.id = m.id)
                else (select state from dialogpost.sent_state s where s.id = m.id) end as state,
            m.receipt_due_at
         from dialogpost.message m where m.id in (
            select $2::uuid
            -- A copy of it was decided first, under its own id.
            union all select m.id from dialogpost.waiting w join dialogpost.message m on m.transport_id = w.transport_id
                and m.direction = 'in' and m.from_her_id is not distinct from w.from_her_id where w.message = $2
            union all select id from dialogpost.message where direction = 'in' and transport_id = $1
            union all select id from dialogpost.message where msg_id = lower($1) and outcome in ('accepted', 'rejected')
                and from_her_id in (select her_id from dialogpost.communication_party)
            union all select id from dialogpost.message where msg_id = lower($1) and outcome = 'noted'
                and from_her_id in (select her_id from dialogpost.communication_party)
            union all select id from dialogpost.message where msg_id = lower($1) and outcome = 'booking'
                and from_her_id in (select her_id from dialogpost.communication_party)
         )
         union all select message, 'in', at, clinic, from_her_id, to_her_id, queue, function, transport_id, null, 'waiting', code, bytes,
            null, state, null
         from dialogpost.put_off where message = $2 or transport_id = $1
         order by id limit 50"
    );
    let mut traces = Vec::new();
    for row in session.query(find, &[&id, &uuid]).await? {
        let id: Uuid = column(&row, "id")?;
        traces.push(Trace {
            id,
            direction: column(&row, "direction")?,
            at: column(&row, "at")?,
            clinic: column(&row, "clinic")?,
            from_her_id: column(&row, "from_her_id")?,
            to_her_id: column(&row, "to_her_id")?,
            queue: column(&row, "queue")?,
            function: column(&row, "function")?,
            transport_id: column(&row, "transport_id")?,
            msg_id: column(&row, "msg_id")?,
            outcome: column(&row, "outcome")?,
            code: column(&row, "code")?,
            state: column(&row, "state")?,
            receipt_due_at: column(&row, "receipt_due_at")?,
            bytes: column(&row, "bytes")?,
            answers: column(&row, "answers")?,
            steps: steps(session, id).await?,
        });
    }
    Ok(traces)
}

async fn steps(session: &Session, id: Uuid) -> Result<Vec<TraceStep>, StoreError> {
    let steps = step!(
        "show.steps",
        "select * from (
            select at, 'claimed' as what, worker as detail from dialogpost.processed
                where worker in ('recipient-routing', 'ekonsultasjon-journaling', 'appointment-booking', 'helsenorge-outbound') and message_id = $1::uuid::text
            union all select delivered_at, 'inbox', employee || ' via ' || array_to_string(via, ', ') from dialogpost.inbox_item where entry = $1
            union all select journaled_at, 'journal', patient::text from dialogpost.journal_entry where entry = $1
            union all select at, 'booking', coalesce(code, 'as asked') || coalesce(', appointment ' || appointment, '') || ', answer ' || answer
                from dialogpost.booking_decision where request = $1
            union all select at, 'dead-letter', worker || ' ' || code || ' ' || id from dialogpost.dead_letter where message = $1
            union all select replayed_at, 'replayed', 'dead letter ' || id || ', replay ' || replay from dialogpost.dead_letter
                where message = $1 and replayed_at is not null
            union all select discarded_at, 'discarded', 'dead letter ' || id from dialogpost.dead_letter
                where message = $1 and discarded_at is not null
            union all select due_at, case when code is null then 'waiting' else 'next try' end,
                    routing_key || coalesce(', waits for ' || code || ', tries so far ' || tries, '')
                from (select due_at, routing_key, properties -> 'application' ->> 'dialogpost-waits-for' as code,
                    properties -> 'application' ->> 'dialogpost-attempt' as tries from dialogpost.outbox where cause = $1) o
            union all select at, 'answer', coalesce(function, '?') || ' to ' || queue || case when exists (select from dialogpost.outbox o where o.id = m.id)
                    then ', waiting, ' else ', sent, ' end || id from dialogpost.message m
                where answers = $1 and direction = 'out'
            union all select m.at, 'receipt', r.kind || ' ' || coalesce(r.status, '') || ' ' || array_to_string(r.codes, ' ')
                from dialogpost.receipt r join dialogpost.message m on m.id = r.message where r.about = $1 or r.message = $1
         ) t order by at, what <> 'claimed', what"
    );
    let rows = session.query(steps, &[&id]).await?;
    rows.iter().map(|r| Ok(TraceStep { at: column(r, "at")?, what: column(r, "what")?, detail: column(r, "detail")? })).collect()
}
