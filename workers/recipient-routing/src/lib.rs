//! `DialogReceived` → the inboxes of those whom the clinic's rule names (features R2–R4); `MessageTurnedDown` → that of who wrote it (S5).

use domain::clinic::Clinic;
use domain::routing::{Routed, is_turned_down, recipients, turned_down};
use jiff::Timestamp;
use messages::event::{Event, Fact};
use messages::transport::{Delivery, Outgoing, Wire};
use messages::{Fault, HerId};
use runtime::pipeline::Ended;
use runtime::topology::event_to;
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

/// An entry of a dialog, and why it is to be in inboxes.
pub struct ToDeliver {
    entry: Uuid,
    why: Why,
}

enum Why {
    Received,
    TurnedDown,
}

/// What the rules ask.
pub struct Facts {
    entries: HashMap<Uuid, ToRoute>,
    clinics: HashMap<HerId, Arc<Clinic>>,
}

impl Facts {
    /// Whose inboxes; `None` = the clinic employs nobody.
    fn route(&self, known: &ToRoute, why: &Why) -> Option<Routed> {
        let clinic = self.clinics.get(&known.clinic)?;
        match why {
            Why::Received => recipients(clinic, known.kind, known.fastlege.as_deref()),
            Why::TurnedDown => turned_down(clinic, known.author.as_deref()),
        }
    }
}

impl Handler for RecipientRouting {
    const WORKER: &'static str = "recipient-routing";
    type Message = ToDeliver;
    type Facts = Facts;
    type Effect = Delivered;

    fn parse(&self, delivery: &Delivery) -> Result<ToDeliver, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        match event.fact {
            Fact::DialogReceived(received) => Ok(ToDeliver { entry: received.message, why: Why::Received }),
            Fact::MessageTurnedDown(about) => Ok(ToDeliver { entry: about.message, why: Why::TurnedDown }),
            _ => Err(Fault::broken("event-misrouted", "this worker routes DialogReceived and MessageTurnedDown only")),
        }
    }

    fn key(&self, message: &ToDeliver) -> Option<String> {
        Some(match message.why {
            Why::Received => message.entry.to_string(),
            Why::TurnedDown => format!("turned-down/{}", message.entry),
        })
    }

    fn ledger_id(&self, message: &ToDeliver) -> Option<Uuid> {
        Some(message.entry)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&ToDeliver]) -> Result<Facts, StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|message| message.entry).collect();
        let entries = inbox_item::to_route(tx, &ids).await?;
        let her_ids: BTreeSet<HerId> = entries.values().map(|e| e.clinic).collect();
        let clinics = clinic::load(tx, &her_ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(Facts { entries, clinics })
    }

    fn decide(&self, message: &ToDeliver, facts: &mut Facts, now: Timestamp) -> Verdict<Delivered> {
        let entry = message.entry;
        let Some(known) = facts.entries.get(&entry) else {
            return Verdict::Retry(Fault::transient("entry-missing", "the entry is not in the database (yet)"), None);
        };
        match facts.route(known, &message.why) {
            Some(routed) => Verdict::Done(Delivered { entry, clinic: known.clinic, routed, at: now }),
            None => Verdict::Broken(Fault::broken("nobody-at-clinic", "the clinic employs nobody: apply its employees")),
        }
    }

    async fn write(&self, tx: &Tx<'_>, delivered: Vec<Delivered>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        inbox_item::insert(tx, &delivered).await?;
        let turned_down = |d: &&Delivered| d.routed.recipients.values().any(|via| is_turned_down(via));
        let turned_down: Vec<Uuid> = delivered.iter().filter(turned_down).map(|d| d.entry).collect();
        let turned_down = inbox_item::move_up(tx, &turned_down, now).await?.into_iter();
        let event = |about| event_to(&Event { id: Uuid::now_v7(), time: now, fact: Fact::DialogTurnedDown(about) });
        Ok(turned_down.map(event).collect())
    }
}
