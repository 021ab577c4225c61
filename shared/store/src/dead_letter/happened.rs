//! What has happened of a dead letter already, and what stands in the way of its replay.

use crate::step::{column, step};
use crate::{Session, StoreError};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// What has happened of a letter's message already, and what stands in its way.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// Its end in the ledger, when it stands there.
    pub ledger: Option<String>,
    /// Copies in inboxes.
    pub inboxes: i64,
    /// It stands in the journal.
    pub is_journaled: bool,
    /// It was answered, or is being answered.
    pub is_answered: bool,
    /// A booking was decided on.
    pub is_decided: bool,
    /// Notices of its appointment, given or to come.
    pub notices: i64,
    /// It is a command that was decided on: its caller was told.
    pub is_caller_told: bool,
    /// What makes its effect happen once is not known.
    pub is_claim_unknown: bool,
    /// It could not be sent, rather than handled.
    pub is_unsent: bool,
    /// It is a reminder that could not be sent.
    pub is_reminder: bool,
    /// It is a command to a clinic that takes them of certain users of the broker only.
    pub is_user_lost: bool,
    /// An earlier letter of the same dialog or appointment that is open, or replayed and under way.
    pub earlier: Option<Uuid>,
}

/// What has happened, by letter.
///
/// # Errors
/// As any step.
pub async fn look(session: &Session, letters: &[Uuid]) -> Result<HashMap<Uuid, Happened>, StoreError> {
    let look = step!(
        "dead_letter.happened",
        "select l.id, m.outcome as ledger, (select count(*) from dialogpost.inbox_item where entry = l.message) as inboxes,
            exists (select from dialogpost.journal_entry where entry = l.message) as journaled,
            exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = l.message::text)
                and l.worker <> 'helsenorge-outbound' as answered,
            exists (select from dialogpost.booking_decision where request = l.message) as decided,
            (select count(*) from dialogpost.notification n
                where n.appointment = case when l.thread ~ '^[0-9a-f-]{36}$' then l.thread::uuid end) as notices,
            l.worker = 'clinic-commands' and exists (select from dialogpost.command c where c.clinic = l.clinic
                and c.id = case when split_part(l.claim, '/', 2) ~ '^[0-9a-f-]{36}$' then split_part(l.claim, '/', 2)::uuid end) as told,
            l.worker = 'clinic-commands' and exists (select from dialogpost.clinic c where c.her_id = l.clinic and c.command_users <> '{}') as user_lost,
            exists (select from dialogpost.notification where message = l.outbox and kind = 'reminder') as reminder,
            -- Those of an earlier release that had a claim have it; a question never had one.
            l.claim is null and l.claim_of is not null as claim_unknown, l.outbox is not null as unsent,
            (select e.id from dialogpost.dead_letter e join dialogpost.dead_letter_state s on s.id = e.id
                where e.thread = l.thread and e.worker = l.worker and (e.since, e.origin) < (l.since, l.origin)
                and s.state in ('open', 'under_way') order by e.since desc, e.origin desc limit 1) as earlier
         from dialogpost.dead_letter l left join dialogpost.message m on m.id = l.message where l.id = any($1)"
    );
    let of = |row: &Row| {
        let happened = Happened {
            ledger: column(row, "ledger")?,
            inboxes: column(row, "inboxes")?,
            is_journaled: column(row, "journaled")?,
            is_answered: column(row, "answered")?,
            is_decided: column(row, "decided")?,
            notices: column(row, "notices")?,
            is_caller_told: column(row, "told")?,
            is_claim_unknown: column(row, "claim_unknown")?,
            is_unsent: column(row, "unsent")?,
            is_reminder: column(row, "reminder")?,
            is_user_lost: column(row, "user_lost")?,
            earlier: column(row, "earlier")?,
        };
        Ok((column(row, "id")?, happened))
    };
    session.query(look, &[&letters]).await?.iter().map(of).collect()
}
