//! Nothing lost, nothing doubled: the exact count when all is over and the fleet has stopped.

use crate::Scene;
use e2e::Rows;
use helsenorge::Sent;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is allowed and still worth telling.
#[derive(Debug)]
pub struct Count {
    /// AppRecs that came again under the same AMQP message id.
    pub repeated_apprecs: usize,
}

/// Queues that are empty when everything is done.
pub const EMPTY: [&str; 12] = [
    "8141333_async",
    "8141333_error",
    "8093244_error",
    "dialogpost.helsenorge-inbound",
    "dialogpost.recipient-routing",
    "dialogpost.ekonsultasjon-journaling",
    "dialogpost.appointment-booking",
    "dialogpost.appointment-notifications",
    "dialogpost.helsenorge-outbound",
    "dialogpost.clinic-commands",
    "dialogpost.dead-letter-keeper",
    "dialogpost.unreadable",
];

/// What became of each message, by the rows that exist.
pub const EFFECTS: &str = "select m.transport_id, m.msg_id, s.state,
    (select count(*) from dialogpost.dialog_entry where id = m.id),
    (select count(*) from dialogpost.journal_entry where entry = m.id),
    coalesce((select string_agg(employee, ',' order by employee) from dialogpost.inbox_item where entry = m.id), ''),
    coalesce(o.n, 0), m.outcome
  from dialogpost.message m left join dialogpost.message_state s on s.id = m.id
  left join (select answers, count(*) as n from dialogpost.message group by answers) o on o.answers = m.id where m.direction = 'in'";

impl Scene {
    /// Every message of the sender's list happened exactly once, no other did, and no attempt was spent on waiting.
    pub async fn exactly_once(&self, sent: &[Sent]) -> Count {
        self.exactly_once_but(sent, 0).await
    }

    /// As [`Scene::exactly_once`], with so many messages that the broker itself put aside.
    pub async fn exactly_once_but(&self, sent: &[Sent], put_aside: u32) -> Count {
        let rows = self.rows().await;
        the_ledger_explains_each(&rows, sent).await;
        nothing_else_happened(&rows, sent.len()).await;
        let repeated_apprecs = self.one_apprec_each(sent).await;
        for queue in EMPTY {
            assert_eq!(self.helsenorge.waiting_on(queue).await.expect("the queue is there"), 0, "left on {queue}");
        }
        assert_eq!(
            self.helsenorge.waiting_on("8141333_dl").await.expect("the queue is there"),
            put_aside,
            "given up by the broker"
        );
        Count { repeated_apprecs }
    }

    async fn one_apprec_each(&self, sent: &[Sent]) -> usize {
        let (mut about, mut came) = (BTreeMap::new(), 0);
        loop {
            let waiting = self.helsenorge.waiting_on("8093244_async").await.expect("the queue is there");
            if waiting == 0 {
                break;
            }
            for received in self.helsenorge.receive("8093244_async", waiting as usize, Duration::from_secs(30)).await.unwrap() {
                came += 1;
                let apprec = received.apprec.expect("only AppRecs are sent");
                assert_eq!(apprec.status.and_then(|status| status.v).as_deref(), Some("1"), "every message is good");
                about.insert(received.properties.message_id.expect("an AMQP message id"), apprec.original_id.unwrap_or_default());
            }
        }
        let mut answered: BTreeMap<&str, usize> = BTreeMap::new();
        about.values().for_each(|id| *answered.entry(id).or_default() += 1);
        let lacking = sent.iter().filter(|one| !answered.contains_key(one.msg_id.as_str())).count();
        let doubled = answered.values().filter(|times| **times > 1).count();
        assert_eq!((about.len(), lacking, doubled), (sent.len(), 0, 0), "distinct AppRecs, messages without one, with several");
        came - about.len()
    }
}

async fn the_ledger_explains_each(rows: &Rows, sent: &[Sent]) {
    let found = rows.query(EFFECTS, &[]).await;
    let mut expected: BTreeSet<_> = sent.iter().map(|one| (one.transport_id.clone(), one.msg_id.clone())).collect();
    assert_eq!(expected.len(), sent.len(), "the sender's ids differ");
    for row in &found {
        let ids: (String, String) = (row.get(0), row.get(1));
        let transport = &ids.0;
        assert!(expected.remove(&ids), "{transport} is in the ledger twice, or was never sent");
        let state: Option<String> = row.get(2);
        let became =
            (state.as_deref(), row.get::<_, i64>(3), row.get::<_, i64>(4), row.get::<_, String>(5), row.get::<_, i64>(6));
        let want = (Some("journaled_and_delivered"), 1, 1, "kari".to_owned(), 1);
        assert_eq!(became, want, "{transport}: state, entries, journal entries, inboxes, answers");
    }
    assert!(expected.is_empty(), "{} of {} are not in the ledger, such as {:?}", expected.len(), sent.len(), expected.first());
}

async fn nothing_else_happened(rows: &Rows, sent: usize) {
    let sent = i64::try_from(sent).expect("a small number");
    for (table, want) in [
        ("message_state", sent),
        ("message", 2 * sent),
        ("dialog_entry", sent),
        ("inbox_item", sent),
        ("journal_entry", sent),
        ("dead_letter", 0),
        ("outbox", 0),
    ] {
        assert_eq!(rows.count(&format!("dialogpost.{table}")).await, want, "rows of {table}");
    }
    assert_eq!(rows.count("public.attempt_spent").await, 0, "attempts were spent");
}
