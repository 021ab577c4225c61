//! A message off NHN's queues → read, checked, stored, and either an entry of a dialog or a clear answer to its sender.
//!
//! - [`opening`]: sealed bytes → bytes, or what the sender is told
//! - [`arrival`]: bytes → [`domain::arrival::Arrival`]
//! - [`contact`]: what is told of whom HelseNorge can reach
//! - [`effect`]: a decision → rows and events

pub mod arrival;
pub mod contact;
pub mod effect;
pub mod opening;

use arrival::{Arrived, Reading};
use domain::acceptance::{Decision, Facts, decide};
use domain::transport::is_code;
use effect::Effect;
use jiff::Timestamp;
use messages::transport::{Delivery, Outgoing, Wire};
use messages::wire::Limits;
use messages::{Fault, FaultClass};
use runtime::pipeline::Ended;
use runtime::protection::Protection;
use runtime::worker::{self, Context, Hurry, NhnQueues, Source, Worker};
use runtime::{Handler, Verdict};
use std::collections::HashMap;
use store::{Store, StoreError, Tx, facts};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: HelsenorgeInbound::WORKER,
    about: "receives, checks, stores and answers messages from HelseNorge",
    opens_or_seals: true,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    let queues = NhnQueues::start(&context);
    if !queues.ready(&context.cancel).await {
        return Ended::Stopped;
    }
    let reading = Reading { limits: Limits::default(), series: context.config.test_series, plain: context.config.plain_content };
    let handler = HelsenorgeInbound { queues: queues.clone(), reading, protection: context.protection.clone() };
    // Its own queue brings back what it put off, and replays.
    let sources = vec![Source::Nhn(queues.clone(), Hurry::No), Source::Nhn(queues, Hurry::Yes), Source::Own];
    worker::run(context, handler, sources, &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct HelsenorgeInbound {
    queues: NhnQueues,
    reading: Reading,
    protection: Protection,
}

impl Handler for HelsenorgeInbound {
    const WORKER: &'static str = "helsenorge-inbound";
    type Message = Arrived;
    type Facts = HashMap<Uuid, Facts>;
    type Effect = Effect;

    /// Never fails: what cannot be read is stored and answered too.
    fn parse(&self, delivery: &Delivery) -> Result<Arrived, Fault> {
        let lane = self.queues.lane(delivery.origin_queue());
        Ok(Arrived::read(delivery, lane, &self.reading))
    }

    async fn prepare(&self, store: &Store, batch: Vec<&mut Arrived>, now: Timestamp) -> Result<(), StoreError> {
        opening::open(&self.protection, store, batch, now, &self.reading).await
    }

    fn key(&self, arrived: &Arrived) -> Option<String> {
        Some(arrived.key.clone())
    }

    fn ledger_id(&self, arrived: &Arrived) -> Option<Uuid> {
        Some(arrived.id)
    }

    fn thread(&self, arrived: &Arrived) -> Option<String> {
        arrived.keys.conversation.clone().filter(|conversation| is_code(conversation))
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Arrived]) -> Result<HashMap<Uuid, Facts>, StoreError> {
        let keys: Vec<_> = batch.iter().map(|a| a.keys.clone()).collect();
        let facts = facts::arrivals(tx, &keys).await?;
        Ok(batch.iter().map(|a| a.id).zip(facts).collect())
    }

    fn decide(&self, arrived: &Arrived, facts: &mut HashMap<Uuid, Facts>, now: Timestamp) -> Verdict<Effect> {
        let unknown = Facts::default();
        let facts = facts.get(&arrived.id).unwrap_or(&unknown);
        let decision = decide(&arrived.arrival, facts, &self.reading.series, now);
        let rejected = |code| Fault::rejected(code, "answered");
        match &decision {
            Decision::Dead(fault) => Verdict::Broken(fault.clone()),
            Decision::Later(fault) if fault.class == FaultClass::Transient => {
                Verdict::Retry(fault.clone(), Some(Effect::put_off(arrived, facts, fault)))
            }
            Decision::Later(fault) => Verdict::Broken(fault.clone()),
            Decision::Reject(reject) => Verdict::Rejected(rejected(reject.1.code), Effect::new(arrived, facts, decision)),
            Decision::Refuse(code, _) => Verdict::Rejected(rejected(code), Effect::new(arrived, facts, decision)),
            Decision::Accept(_)
            | Decision::Book(_)
            | Decision::Note(_)
            | Decision::Repeat(_)
            | Decision::Reply(_)
            | Decision::Expired
            | Decision::FileReply(_)
            | Decision::FileReceipt(_)
            | Decision::FileError => Verdict::Done(Effect::new(arrived, facts, decision)),
        }
    }

    /// The ledger counts a dead message too.
    fn dead(&self, arrived: &Arrived, fault: &Fault, _now: Timestamp) -> Option<Effect> {
        Some(Effect::new(arrived, &Facts::default(), Decision::Dead(fault.clone())))
    }

    async fn write(&self, tx: &Tx<'_>, effects: Vec<Effect>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        effect::write(tx, effects, now).await
    }
}
