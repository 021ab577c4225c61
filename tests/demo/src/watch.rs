//! What became of the messages: the database for what the clinic sees, HelseNorge's queues for what the sender is told.

use crate::exchange::Exchange;
use crate::story::{End, Row};
use futures_util::Stream;
use helsenorge::example::{HELSENORGE, async_queue, error_queue, syncreply_queue};
use helsenorge::{HelseNorge, Received, Trouble};
use std::collections::HashMap;
use std::time::Instant;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// One message received, as the database tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// Ledger id.
    pub id: Uuid,
    /// State in the ledger.
    pub state: String,
    /// Our code, when it was not accepted.
    pub code: Option<String>,
    /// Employee ids, sorted.
    pub recipients: Vec<String>,
    /// Whether it is in the journal.
    pub journaled: bool,
}

/// What HelseNorge was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A positive AppRec.
    Ok,
    /// A negative AppRec with this error.
    Rejected(String),
    /// An error message with this condition.
    Error(String),
    /// Something with content that is not signed by the clinic and encrypted for HelseNorge.
    Unprotected,
}

/// How far a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not there yet.
    Waiting,
    /// It ended as it must.
    AsExpected,
    /// It ended otherwise.
    Wrong(String),
}

/// Everything seen of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// When it was sent.
    pub sent: Option<Instant>,
    /// What the ledger holds under its transport id.
    pub traces: Vec<Trace>,
    /// When it was seen in an inbox.
    pub in_inbox: Option<Instant>,
    /// What the sender was told, and when.
    pub told: Vec<(Told, Instant)>,
}

impl Seen {
    /// Judges a row. `overtaken`: the next row on the same queue has ended.
    pub(crate) fn verdict(&self, row: &Row, overtaken: bool) -> Verdict {
        let (Some(_), Some(trace)) = (self.sent, self.traces.first()) else { return Verdict::Waiting };
        let want = wanted(row.end);
        if trace.state == "in_flight" || self.told.is_empty() && want.1.is_some() || row.end == End::Known && !overtaken {
            return Verdict::Waiting;
        }
        let told: Vec<_> = self.told.iter().map(|(told, _)| told.clone()).collect();
        let faults = [
            (self.traces.len() != 1).then(|| format!("{} ledger rows", self.traces.len())),
            (trace.state != want.0).then(|| format!("state {} ({})", trace.state, trace.code.as_deref().unwrap_or("no code"))),
            (told != Vec::from_iter(want.1)).then(|| format!("HelseNorge was told {told:?}")),
            delivery_fault(row.end, trace),
        ];
        match faults.into_iter().flatten().collect::<Vec<_>>().join(", ") {
            faults if faults.is_empty() => Verdict::AsExpected,
            faults => Verdict::Wrong(faults),
        }
    }
}

/// Ledger state and answer that go with an end.
fn wanted(end: End) -> (&'static str, Option<Told>) {
    match end {
        End::Delivered { journaled: true, .. } => ("journaled_and_delivered", Some(Told::Ok)),
        End::Delivered { journaled: false, .. } => ("delivered", Some(Told::Ok)),
        End::Rejected(code) => ("rejected", Some(Told::Rejected(code.to_owned()))),
        End::Refused(condition) => ("rejected", Some(Told::Error(condition.to_owned()))),
        End::Repeated => ("repeated", Some(Told::Ok)),
        // The row of the ledger that bears this transport id is the first delivery's.
        End::Known => ("delivered", None),
        End::Dead(_) => ("dead", None),
    }
}

fn delivery_fault(end: End, trace: &Trace) -> Option<String> {
    let (recipients, journaled): (&[&str], bool) = match end {
        End::Delivered { recipients, journaled } => (recipients, journaled),
        End::Dead(code) if trace.code.as_deref() != Some(code) => return Some(format!("dead of {:?}", trace.code)),
        End::Known => return None,
        _ => (&[], false),
    };
    let is = (trace.recipients.join(" "), trace.journaled);
    (is != (recipients.join(" "), journaled)).then(|| format!("recipients and journal: {is:?}"))
}

/// What became of a notice to a patient.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub state: String,
    /// How it goes out.
    pub channel: Option<String>,
    /// Why nobody gets it.
    pub reason: Option<String>,
}

impl Given {
    /// Whether nothing more becomes of it.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state.as_str(), "due" | "sending")
    }
}

/// The database.
pub(crate) struct Ledger(Client);

impl Ledger {
    /// Connects.
    ///
    /// # Errors
    /// The database is away.
    pub(crate) async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// Messages received, by transport id.
    ///
    /// # Errors
    /// The database is away.
    pub(crate) async fn traces(&self, transport_ids: &[&str]) -> Result<HashMap<String, Vec<Trace>>, tokio_postgres::Error> {
        let sql = "select m.transport_id, m.id, s.state, s.code,
                array(select employee from dialogpost.inbox_item where entry = m.id order by employee) as recipients,
                exists (select from dialogpost.journal_entry where entry = m.id) as journaled
             from dialogpost.message m join dialogpost.message_state s on s.id = m.id
             where m.direction = 'in' and m.transport_id = any($1) order by m.id";
        let mut traces = HashMap::<String, Vec<Trace>>::new();
        for row in self.0.query(sql, &[&transport_ids]).await? {
            traces.entry(row.try_get("transport_id")?).or_default().push(Trace {
                id: row.try_get("id")?,
                state: row.try_get("state")?,
                code: row.try_get("code")?,
                recipients: row.try_get("recipients")?,
                journaled: row.try_get("journaled")?,
            });
        }
        Ok(traces)
    }

    /// The notice of an appointment, of this kind.
    ///
    /// # Errors
    /// The database is away.
    pub(crate) async fn given(&self, appointment: Uuid, kind: &str) -> Result<Option<Given>, tokio_postgres::Error> {
        let sql = "select id, state, channel, reason from dialogpost.notification where appointment = $1 and kind = $2";
        let Some(row) = self.0.query_opt(sql, &[&appointment, &kind]).await? else { return Ok(None) };
        let (id, state) = (row.try_get("id")?, row.try_get("state")?);
        Ok(Some(Given { id, state, channel: row.try_get("channel")?, reason: row.try_get("reason")? }))
    }

    /// The message that an answer answers.
    ///
    /// # Errors
    /// The database is away.
    pub(crate) async fn answered(&self, answer: Uuid) -> Result<Option<Uuid>, tokio_postgres::Error> {
        let sql = "select answers from dialogpost.message where id = $1 and direction = 'out'";
        self.0.query_opt(sql, &[&answer]).await?.map_or(Ok(None), |row| row.try_get("answers"))
    }
}

/// The queue on which HelseNorge waits for replies.
///
/// # Errors
/// The broker is away, or there is no such queue.
pub(crate) async fn replies(helsenorge: &HelseNorge) -> Result<impl Stream<Item = Received> + Unpin + use<>, Trouble> {
    helsenorge.listen(&syncreply_queue(HELSENORGE)).await
}

/// HelseNorge's two queues as one.
///
/// # Errors
/// The broker is away, or there are no such queues.
pub(crate) async fn answers(helsenorge: &HelseNorge) -> Result<impl Stream<Item = Received> + Unpin + use<>, Trouble> {
    let receipts = helsenorge.listen(&async_queue(HELSENORGE)).await?;
    let errors = helsenorge.listen(&error_queue(HELSENORGE)).await?;
    Ok(futures_util::stream::select(receipts, errors))
}

/// What an answer tells. In an exchange content must be protected; error messages have none.
pub(crate) fn told(received: &Received, exchange: Option<&Exchange>) -> Told {
    let opened = match exchange.filter(|_| !received.body.is_empty()).map(|exchange| exchange.opened(received)) {
        Some(None) => return Told::Unprotected,
        Some(Some(opened)) => Some(opened),
        None => None,
    };
    match &opened.as_ref().unwrap_or(received).apprec {
        Some(apprec) if apprec.status.as_ref().and_then(|s| s.v.as_deref()) == Some("1") => Told::Ok,
        Some(apprec) => Told::Rejected(apprec.errors.iter().filter_map(|e| e.v.as_deref()).collect::<Vec<_>>().join(" ")),
        None => Told::Error(received.application("errorCondition").unwrap_or("?").to_owned()),
    }
}
