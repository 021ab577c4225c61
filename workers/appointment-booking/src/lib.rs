//! A patient's reservation or cancellation on HelseNorge → an appointment, or a clear no, and the answer either way (T3–T5). Questions for
//! free slots are answered where they come in: their senders wait.
//!
//! - [`facts`]: what the rules ask, for a whole batch, with the timebøker locked
//! - [`effect`]: decisions → appointments, answers and events

pub mod effect;
pub mod facts;

use domain::appointment::request::decide;
use effect::Effect;
use facts::Facts;
use jiff::Timestamp;
use messages::Fault;
use messages::event::{Event, Fact};
use messages::person_id::TestSeries;
use messages::transport::{Delivery, Outgoing, Wire};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use store::{StoreError, Tx};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: AppointmentBooking::WORKER,
    about: "books and cancels appointments for patients on HelseNorge, and answers them",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    let handler = AppointmentBooking { series: context.config.test_series };
    worker::run(context, handler, vec![Source::Own], &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct AppointmentBooking {
    series: TestSeries,
}

/// A request, by its ledger row.
pub struct Requested(Uuid);

impl Handler for AppointmentBooking {
    const WORKER: &'static str = "appointment-booking";
    type Message = Requested;
    type Facts = Facts;
    type Effect = Effect;

    fn parse(&self, delivery: &Delivery) -> Result<Requested, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        match event.fact {
            Fact::BookingRequested(about) => Ok(Requested(about.message)),
            _ => Err(Fault::broken("event-misrouted", "this worker decides on BookingRequested only")),
        }
    }

    fn key(&self, requested: &Requested) -> Option<String> {
        Some(requested.0.to_string())
    }

    fn ledger_id(&self, requested: &Requested) -> Option<Uuid> {
        Some(requested.0)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Requested]) -> Result<Facts, StoreError> {
        facts::load(tx, &batch.iter().map(|requested| requested.0).collect::<Vec<_>>()).await
    }

    fn decide(&self, requested: &Requested, facts: &mut Facts, now: Timestamp) -> Verdict<Effect> {
        let Some(waiting) = facts.waiting.remove(&requested.0) else {
            return Verdict::Retry(Fault::transient("request-missing", "the request is not in the database (yet)"), None);
        };
        let Some(clinic) = facts.clinics.get(&waiting.clinic).cloned() else {
            return Verdict::Broken(Fault::broken("clinic-missing", "the clinic is not set up any more: apply it"));
        };
        let decision = decide(&waiting.request, &facts.of(&waiting, &clinic), now);
        let label = decision.answer.code.unwrap_or("as-asked");
        metrics::counter!("dialogpost_bookings_total", "wanted" => waiting.request.wanted.as_str(), "code" => label).increment(1);
        if let Some(version) = &decision.version {
            facts.note(version);
        }
        Verdict::Done(Effect { waiting, clinic, decision, answer: Uuid::now_v7() })
    }

    async fn write(&self, tx: &Tx<'_>, effects: Vec<Effect>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        effect::write(tx, effects, &self.series, now).await
    }
}
