//! `DialogReceived` → the inboxes of those whom the clinic's rule names (features R2–R4).

use domain::clinic::Clinic;
use domain::routing::recipients;
use jiff::Timestamp;
use messages::event::{Event, Fact};
use messages::transport::{Delivery, Outgoing, Wire};
use messages::{Fault, HerId};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use store::inbox_item::{self, Delivered, ToRoute};
use store::{StoreError, Tx, clinic};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: RecipientRouting::WORKER,
    about: "puts received messages into the inboxes that the clinic's rules name",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    worker::run(context, RecipientRouting, vec![Source::Own], &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct RecipientRouting;

/// What the rules ask.
pub struct Facts {
    entries: HashMap<Uuid, ToRoute>,
    clinics: HashMap<HerId, Arc<Clinic>>,
}

impl Handler for RecipientRouting {
    const WORKER: &'static str = "recipient-routing";
    type Message = Uuid;
    type Facts = Facts;
    type Effect = Delivered;

    fn parse(&self, delivery: &Delivery) -> Result<Uuid, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        match event.fact {
            Fact::DialogReceived(received) => Ok(received.message),
            _ => Err(Fault::broken("event-misrouted", "this worker routes DialogReceived only")),
        }
    }

    fn key(&self, entry: &Uuid) -> String {
        entry.to_string()
    }

    fn ledger_id(&self, entry: &Uuid) -> Option<Uuid> {
        Some(*entry)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Uuid]) -> Result<Facts, StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|id| **id).collect();
        let entries = inbox_item::to_route(tx, &ids).await?;
        let her_ids: BTreeSet<HerId> = entries.values().map(|e| e.clinic).collect();
        let clinics = clinic::load(tx, &her_ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(Facts { entries, clinics })
    }

    fn decide(&self, entry: &Uuid, facts: &Facts, now: Timestamp) -> Verdict<Delivered> {
        let Some(known) = facts.entries.get(entry) else {
            return Verdict::Retry(Fault::transient("entry-missing", "the entry is not in the database (yet)"), None);
        };
        let routed = facts.clinics.get(&known.clinic).and_then(|c| recipients(c, known.kind, known.fastlege.as_deref()));
        match routed {
            Some(routed) => Verdict::Done(Delivered { entry: *entry, clinic: known.clinic, routed, at: now }),
            None => Verdict::Broken(Fault::broken("nobody-at-clinic", "the clinic employs nobody: apply its employees")),
        }
    }

    async fn write(&self, tx: &Tx<'_>, delivered: Vec<Delivered>, _now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        inbox_item::insert(tx, &delivered).await?;
        Ok(Vec::new())
    }
}
