//! `DialogReceived` of an eKonsultasjon → the patient's journal, complete, once, append-only (features K1, K2).

use domain::journaling::is_journaled;
use jiff::Timestamp;
use messages::Fault;
use messages::event::{DialogKind, Event, Fact};
use messages::transport::{Delivery, Outgoing, Wire};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use std::collections::HashMap;
use store::{StoreError, Tx, journal_entry};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: EKonsultasjonJournaling::WORKER,
    about: "writes every eKonsultasjon to the patient's journal",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    worker::run(context, EKonsultasjonJournaling, vec![Source::Own], &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct EKonsultasjonJournaling;

impl Handler for EKonsultasjonJournaling {
    const WORKER: &'static str = "ekonsultasjon-journaling";
    type Message = Uuid;
    type Facts = HashMap<Uuid, DialogKind>;
    /// The entry to journal, or nothing.
    type Effect = Option<Uuid>;

    fn parse(&self, delivery: &Delivery) -> Result<Uuid, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        match event.fact {
            Fact::DialogReceived(received) => Ok(received.message),
            _ => Err(Fault::broken("event-misrouted", "this worker journals DialogReceived only")),
        }
    }

    fn key(&self, entry: &Uuid) -> Option<String> {
        Some(entry.to_string())
    }

    fn ledger_id(&self, entry: &Uuid) -> Option<Uuid> {
        Some(*entry)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Uuid]) -> Result<Self::Facts, StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|id| **id).collect();
        journal_entry::kinds(tx, &ids).await
    }

    fn decide(&self, entry: &Uuid, kinds: &mut Self::Facts, _now: Timestamp) -> Verdict<Option<Uuid>> {
        match kinds.get(entry) {
            // The stored kind decides, not the event: K2 holds even for a misrouted event.
            Some(kind) => Verdict::Done(is_journaled(*kind).then_some(*entry)),
            None => Verdict::Retry(Fault::transient("entry-missing", "the entry is not in the database (yet)"), None),
        }
    }

    async fn write(&self, tx: &Tx<'_>, entries: Vec<Option<Uuid>>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let entries: Vec<Uuid> = entries.into_iter().flatten().collect();
        journal_entry::append(tx, &entries, now).await?;
        Ok(Vec::new())
    }
}
