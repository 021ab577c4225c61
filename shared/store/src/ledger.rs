//! Does the ledger balance? Received = sum of end states + in flight, for each clinic and day.

use crate::step::{column, step};
use crate::{Session, StoreError};
use serde::Serialize;

/// One line: a clinic's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Norwegian date.
    pub day: String,
    /// The clinic's HER-id; `None` = the message named no clinic of ours.
    pub clinic: Option<i64>,
    /// Everything that was taken off NHN's queues.
    pub received: i64,
    /// In inboxes, receipted.
    pub delivered: i64,
    /// In inboxes and the journal, receipted.
    pub journaled_and_delivered: i64,
    /// Turned down; the sender knows.
    pub rejected: i64,
    /// The same business message again; answered again.
    pub repeated: i64,
    /// Receipts and error messages about what we sent.
    pub filed: i64,
    /// Requests whose sender waited and got the reply.
    pub replied: i64,
    /// Requests whose sender waited no longer.
    pub expired: i64,
    /// What HelseNorge told that belongs to no dialog; receipted.
    pub noted: i64,
    /// Dead letters.
    pub dead: i64,
    /// On the way.
    pub in_flight: i64,
    /// Messages in no state that this build knows: always 0, or the ledger does not balance.
    pub unexplained: i64,
}

impl Line {
    /// Whether received = sum of end states + in flight.
    pub const fn balances(&self) -> bool {
        let ended = self.delivered + self.journaled_and_delivered + self.rejected + self.repeated + self.filed;
        let ended = ended + self.replied + self.expired + self.noted + self.dead;
        self.unexplained == 0 && self.received == ended + self.in_flight
    }
}

/// One line of what was sent: a clinic's day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SentLine {
    /// Norwegian date.
    pub day: String,
    /// The clinic's HER-id.
    pub clinic: Option<i64>,
    /// Written, not yet with NHN's broker.
    pub queued: i64,
    /// With NHN's broker; no receipt is due.
    pub sent: i64,
    /// A receipt is due later.
    pub awaiting_receipt: i64,
    /// A receipt was due and has not come.
    pub overdue: i64,
    /// Receipted as accepted.
    pub receipted: i64,
    /// Receipted as rejected.
    pub rejected: i64,
    /// The receiver sent an error message.
    pub failed: i64,
    /// Not sent: what it reminds of changed before it left.
    pub called_off: i64,
    /// Dead letters.
    pub dead: i64,
}

/// What was sent in the last `days` days (today included), newest first.
///
/// # Errors
/// As any step.
pub async fn sent(session: &Session, days: i32) -> Result<Vec<SentLine>, StoreError> {
    let sent = step!(
        "ledger.sent",
        "select to_char(at at time zone 'Europe/Oslo', 'YYYY-MM-DD') as day, clinic,
            count(*) filter (where state = 'queued') as queued,
            count(*) filter (where state = 'sent') as sent,
            count(*) filter (where state = 'awaiting_receipt') as awaiting_receipt,
            count(*) filter (where state = 'overdue') as overdue,
            count(*) filter (where state = 'receipted') as receipted,
            count(*) filter (where state = 'rejected') as rejected,
            count(*) filter (where state = 'failed') as failed,
            count(*) filter (where state = 'called_off') as called_off,
            count(*) filter (where state = 'dead') as dead
         from dialogpost.sent_state
         where at >= (date_trunc('day', now() at time zone 'Europe/Oslo') - make_interval(days => $1 - 1)) at time zone 'Europe/Oslo'
         group by 1, 2 order by 1 desc, 2 nulls last"
    );
    session.for_reports().await?;
    let rows = session.query(sent, &[&days]).await?;
    rows.iter()
        .map(|r| {
            Ok(SentLine {
                day: column(r, "day")?,
                clinic: column(r, "clinic")?,
                queued: column(r, "queued")?,
                sent: column(r, "sent")?,
                awaiting_receipt: column(r, "awaiting_receipt")?,
                overdue: column(r, "overdue")?,
                receipted: column(r, "receipted")?,
                rejected: column(r, "rejected")?,
                failed: column(r, "failed")?,
                called_off: column(r, "called_off")?,
                dead: column(r, "dead")?,
            })
        })
        .collect()
}

/// How many receipts were due before now and have not come.
///
/// # Errors
/// As any step.
pub async fn overdue(session: &Session) -> Result<i64, StoreError> {
    let overdue = step!(
        "ledger.overdue",
        "select count(*) as n from dialogpost.sent_state where receipt_due_at < now() and state = 'overdue'"
    );
    session.query(overdue, &[]).await?.first().map_or(Ok(0), |r| column(r, "n"))
}

/// The ledger of the last `days` days (today included), newest first.
///
/// # Errors
/// As any step.
pub async fn lines(session: &Session, days: i32) -> Result<Vec<Line>, StoreError> {
    let lines = step!(
        "ledger.lines",
        "with received as (
            select day, clinic, sum(n)::bigint as n from (select to_char(at at time zone 'Europe/Oslo', 'YYYY-MM-DD') as day, clinic, count(*) as n from dialogpost.message
            where direction = 'in' and at >= (date_trunc('day', now() at time zone 'Europe/Oslo') - make_interval(days => $1 - 1)) at time zone 'Europe/Oslo'
            group by 1, 2
            union all select to_char(at at time zone 'Europe/Oslo', 'YYYY-MM-DD'), clinic, count(*) from dialogpost.put_off
            where at >= (date_trunc('day', now() at time zone 'Europe/Oslo') - make_interval(days => $1 - 1)) at time zone 'Europe/Oslo'
            group by 1, 2
            -- What was taken off a queue and has no row in the ledger, only a dead letter: then the ledger does not balance.
            union all select to_char(at at time zone 'Europe/Oslo', 'YYYY-MM-DD'), null, count(*) from dialogpost.dead_letter d
            where d.worker = 'helsenorge-inbound' and d.replayed_at is null and not exists (select from dialogpost.message m where m.id = d.message)
                and not exists (select from dialogpost.put_off w where w.message = d.message)
                and at >= (date_trunc('day', now() at time zone 'Europe/Oslo') - make_interval(days => $1 - 1)) at time zone 'Europe/Oslo'
            group by 1
            ) taken group by 1, 2
         ), states as (
            select to_char(at at time zone 'Europe/Oslo', 'YYYY-MM-DD') as day, clinic,
                count(*) filter (where state = 'delivered') as delivered,
                count(*) filter (where state = 'journaled_and_delivered') as journaled_and_delivered,
                count(*) filter (where state = 'rejected') as rejected,
                count(*) filter (where state = 'repeated') as repeated,
                count(*) filter (where state = 'filed') as filed,
                count(*) filter (where state = 'replied') as replied,
                count(*) filter (where state = 'expired') as expired,
                count(*) filter (where state = 'noted') as noted,
                count(*) filter (where state = 'dead') as dead,
                count(*) filter (where state = 'in_flight') as in_flight,
                count(*) filter (where state not in ('delivered', 'journaled_and_delivered', 'rejected', 'repeated', 'filed', 'replied',
                    'expired', 'noted', 'dead', 'in_flight') or state is null) as unexplained
            from dialogpost.message_state
            where at >= (date_trunc('day', now() at time zone 'Europe/Oslo') - make_interval(days => $1 - 1)) at time zone 'Europe/Oslo'
            group by 1, 2
         )
         select r.day, r.clinic, r.n as received, coalesce(delivered, 0) as delivered,
            coalesce(journaled_and_delivered, 0) as journaled_and_delivered, coalesce(rejected, 0) as rejected,
            coalesce(repeated, 0) as repeated, coalesce(filed, 0) as filed,
            coalesce(replied, 0) as replied, coalesce(expired, 0) as expired,
            coalesce(noted, 0) as noted, coalesce(dead, 0) as dead,
            coalesce(in_flight, 0) as in_flight, coalesce(unexplained, 0) as unexplained
         from received r left join states s on s.day = r.day and s.clinic is not distinct from r.clinic
         order by r.day desc, r.clinic nulls last"
    );
    session.for_reports().await?;
    let rows = session.query(lines, &[&days]).await?;
    rows.iter()
        .map(|r| {
            Ok(Line {
                day: column(r, "day")?,
                clinic: column(r, "clinic")?,
                received: column(r, "received")?,
                delivered: column(r, "delivered")?,
                journaled_and_delivered: column(r, "journaled_and_delivered")?,
                rejected: column(r, "rejected")?,
                repeated: column(r, "repeated")?,
                filed: column(r, "filed")?,
                replied: column(r, "replied")?,
                expired: column(r, "expired")?,
                noted: column(r, "noted")?,
                dead: column(r, "dead")?,
                in_flight: column(r, "in_flight")?,
                unexplained: column(r, "unexplained")?,
            })
        })
        .collect()
}
