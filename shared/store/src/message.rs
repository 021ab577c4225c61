//! The ledger's rows: every message that crossed NHN's broker, with its raw bytes and what was answered.

mod sent;

pub use sent::{Sent, await_receipts, insert_sent, insert_streamed, written};

use crate::agreement::Pair;
use crate::step::{column, step};
use crate::{Session, StoreError, Tx, clinic::her_id};
use ::messages::HerId;
use ::messages::transport::Properties;
use bytes::Bytes;
use domain::receipts::{Answer, ReceiptHead};
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A message that arrived, as it is stored.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its id.
    pub id: Uuid,
    /// When it was taken off the queue.
    pub at: Timestamp,
    /// The clinic, when known.
    pub clinic: Option<HerId>,
    /// `fromHerId`.
    pub from: Option<HerId>,
    /// `toHerId`.
    pub to: Option<HerId>,
    /// The queue it came from.
    pub queue: String,
    /// Message function.
    pub function: Option<String>,
    /// `MsgId`, lower case.
    pub msg_id: Option<String>,
    /// What was decided.
    pub outcome: Outcome,
    /// Our code for a message that was not accepted.
    pub code: Option<String>,
    /// What the sender is told.
    pub answer: Option<Answer>,
    /// What a receipt repeats.
    pub head: Option<ReceiptHead>,
    /// Of a repeated message the first.
    pub repeats: Option<Uuid>,
    /// Its properties.
    pub properties: Properties,
    /// Its bytes as received.
    pub raw: Bytes,
}

/// What was decided about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Became an entry of a dialog.
    Accepted,
    /// Negative AppRec.
    Rejected,
    /// Error message.
    Refused,
    /// Same business message again.
    Repeated,
    /// A receipt or error message about something we sent.
    Filed,
    /// A request whose sender waits got its reply.
    Replied,
    /// A request whose sender waited no longer.
    Expired,
    /// Taken in, and no entry of a dialog.
    Noted,
    /// A reservation or cancellation.
    Booking,
    /// Dead letter.
    Dead,
}

impl Outcome {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
            Self::Filed => "filed",
            Self::Replied => "replied",
            Self::Expired => "expired",
            Self::Noted => "noted",
            Self::Booking => "booking",
            Self::Dead => "dead",
        }
    }
}

pub(crate) fn number(id: Option<HerId>) -> Option<i64> {
    id.map(HerId::get)
}

/// Stores messages as received. Text that Postgres cannot hold (NUL) fails the batch as content.
///
/// # Errors
/// As any step.
pub async fn insert_received(tx: &Tx<'_>, received: &[Received]) -> Result<(), StoreError> {
    if received.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = received.iter().map(|m| m.id).collect();
    let at: Vec<Timestamp> = received.iter().map(|m| m.at).collect();
    let clinics: Vec<_> = received.iter().map(|m| number(m.clinic)).collect();
    let from: Vec<_> = received.iter().map(|m| number(m.from)).collect();
    let to: Vec<_> = received.iter().map(|m| number(m.to)).collect();
    let queues: Vec<&str> = received.iter().map(|m| m.queue.as_str()).collect();
    let functions: Vec<_> = received.iter().map(|m| m.function.as_deref()).collect();
    let transport_ids: Vec<_> = received.iter().map(|m| m.properties.message_id.as_deref()).collect();
    let msg_ids: Vec<_> = received.iter().map(|m| m.msg_id.as_deref()).collect();
    let outcomes: Vec<&str> = received.iter().map(|m| m.outcome.as_str()).collect();
    let codes: Vec<_> = received.iter().map(|m| m.code.as_deref()).collect();
    let answers: Vec<_> = received.iter().map(|m| m.answer.as_ref().map(Json)).collect();
    let heads: Vec<_> = received.iter().map(|m| m.head.as_ref().map(Json)).collect();
    let repeats: Vec<Option<Uuid>> = received.iter().map(|m| m.repeats).collect();
    let properties: Vec<_> = received.iter().map(|m| Json(&m.properties)).collect();
    let raw: Vec<&[u8]> = received.iter().map(|m| m.raw.as_ref()).collect();
    let insert = step!(
        "message.insert_received",
        "insert into dialogpost.message (direction, left_open, id, at, clinic, from_her_id, to_her_id, queue, function, transport_id,
            msg_id, outcome, code, answer, head, answers, properties, raw)
         -- One that has waited may be behind where retention looks.
         select 'in', nullif(m.at < now() - interval '12 hours', false), m.* from unnest($1::uuid[], $2::timestamptz[], $3::bigint[],
            $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[],
            $13::jsonb[], $14::uuid[], $15::jsonb[], $16::bytea[]) m(id, at)
         -- A dead letter that was replayed is what became of it.
         on conflict (id) do update set clinic = excluded.clinic, from_her_id = excluded.from_her_id, to_her_id = excluded.to_her_id,
            function = excluded.function, msg_id = excluded.msg_id, outcome = excluded.outcome, code = excluded.code,
            answer = excluded.answer, head = excluded.head, answers = excluded.answers, properties = excluded.properties
            where message.outcome = 'dead'"
    );
    tx.query(
        insert,
        &[
            &ids,
            &at,
            &clinics,
            &from,
            &to,
            &queues,
            &functions,
            &transport_ids,
            &msg_ids,
            &outcomes,
            &codes,
            &answers,
            &heads,
            &repeats,
            &properties,
            &raw,
        ],
    )
    .await
    .map(drop)
}

/// What `helsenorge-outbound` must know to answer a message.
#[derive(Clone, Debug)]
pub struct Unanswered {
    /// What to tell the sender; of a repeated message what the first was told. `None` = nothing.
    pub answer: Option<Answer>,
    /// What a receipt repeats.
    pub head: Option<ReceiptHead>,
    /// Properties of the message.
    pub properties: Properties,
    /// The clinic that answers.
    pub clinic: Option<HerId>,
    /// Who is told, and where.
    pub sender: Option<Counterpart>,
    /// Whom it was for, when known; otherwise the clinic whose queue it was on.
    pub receiver: Option<HerId>,
    /// Queue that answers to us come back on.
    pub reply_queue: Option<String>,
}

impl Unanswered {
    /// Who answers whom.
    pub fn pair(&self) -> Option<Pair> {
        Some(Pair { own: self.receiver?, other: self.sender.as_ref()?.her_id, cpa_id: None })
    }

    /// Message function of what is answered.
    pub fn function(&self) -> Option<String> {
        let of_head = || self.head.as_ref().and_then(|head| head.msg_type.v.clone());
        self.properties.subject.clone().or_else(of_head)
    }
}

/// A party's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterpart {
    /// HER-id.
    pub her_id: HerId,
    /// Its queue for dialogs and receipts.
    pub async_queue: String,
    /// Its queue for error messages.
    pub error_queue: String,
}

/// Loads what is to be answered, by ledger id; unknown ids are left out.
///
/// # Errors
/// As any step.
pub async fn unanswered(session: &Session, ids: &[Uuid]) -> Result<HashMap<Uuid, Unanswered>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "message.unanswered",
        "select m.id, m.properties, m.clinic, coalesce(m.to_her_id, q.her_id) as receiver, q.async_queue as reply_queue,
            case when m.outcome = 'repeated' then (select answer from dialogpost.message f where f.id = m.answers) else m.answer end as answer,
            case when m.outcome = 'repeated' then (select head from dialogpost.message f where f.id = m.answers) else m.head end as head,
            p.her_id, p.async_queue, p.error_queue
         from dialogpost.message m
         left join dialogpost.communication_party p on p.her_id = m.from_her_id
         left join lateral (
            select her_id, async_queue from dialogpost.clinic where her_id = m.clinic
            union all select her_id, async_queue from dialogpost.clinic where m.queue in (async_queue, sync_queue) limit 1
         ) q on true
         where m.id = any($1)"
    );
    session.query(load, &[&ids]).await?.iter().map(|r| Ok((column(r, "id")?, unanswered_of(r)?))).collect()
}

fn unanswered_of(row: &Row) -> Result<Unanswered, StoreError> {
    let Json(properties) = column(row, "properties")?;
    let party: Option<i64> = column(row, "her_id")?;
    let sender = match party {
        Some(_) => Some(Counterpart {
            her_id: her_id(row, "her_id")?,
            async_queue: column(row, "async_queue")?,
            error_queue: column(row, "error_queue")?,
        }),
        None => None,
    };
    let optional = |name| Ok::<_, StoreError>(column::<Option<i64>>(row, name)?.and_then(|n| n.try_into().ok()));
    Ok(Unanswered {
        answer: column::<Option<Json<Answer>>>(row, "answer")?.map(|Json(a)| a),
        head: column::<Option<Json<ReceiptHead>>>(row, "head")?.map(|Json(h)| h),
        properties,
        clinic: optional("clinic")?,
        sender,
        receiver: optional("receiver")?,
        reply_queue: column(row, "reply_queue")?,
    })
}
