//! Appointments and E-dialogs → patients are told, over exactly one channel (features N1–N5, S4).
//!
//! - [`facts`]: what the rules ask, for a whole batch; [`deciding`]: which rule a notice goes by; [`effect`]: decisions → rows
//! - [`reminding`]: what is looked at when its time comes
//! - [`delivering`]: e-mail, text messages and push, with all that can go wrong there
//! - [`receipts`]: what their providers say became of them
//! - [`telling`]: what HelseNorge is told; [`mending`]: what it should have been told

pub mod deciding;
pub mod delivering;
pub mod effect;
pub mod facts;
pub mod mending;
pub mod receipts;
pub mod reminding;
pub mod telling;
mod watch;

use deciding::Ruling;
use domain::notice::Kind;
use effect::Effect;
use facts::Facts;
use jiff::Timestamp;
use messages::Fault;
use messages::event::{AppointmentChanged, Event, Fact};
use messages::transport::{Delivery, Outgoing, Wire};
use runtime::config::ContactService;
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use store::notice::Key;
use store::{StoreError, Tx};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: AppointmentNotifications::WORKER,
    about: "tells patients of their appointments and of E-dialogs, and reminds them",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    // They end with it, also when it is dropped.
    let mut beside = JoinSet::new();
    beside.spawn(reminding::run(context.clone()));
    beside.spawn(receipts::run(context.clone()));
    delivering::start(&context, &mut beside);
    let config = &context.config;
    let ruling = Ruling {
        asks: config.contact_service != ContactService::Off,
        age_limit: config.contact_caution.age_limit,
        series: config.test_series,
        without_agreement: config.without_agreement.clone(),
    };
    beside.spawn(mending::run(context.clone(), ruling.clone()));
    let mut handling =
        Box::pin(worker::run(context, AppointmentNotifications { ruling }, vec![Source::Own], &[Wire::Dialogpost]));
    let ended = loop {
        tokio::select! {
            ended = &mut handling => break ended,
            Some(task) = beside.join_next() => if task.is_err() { return Ended::Crashed },
        }
    };
    while ended == Ended::Stopped && beside.join_next().await.is_some() {}
    ended
}

/// See the crate.
pub struct AppointmentNotifications {
    ruling: Ruling,
}

/// An event, as this worker reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The event's id.
    pub event: Uuid,
    /// What is to be told.
    pub about: About,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// An appointment, by its version and the kind of notice.
    Appointment(Key),
    /// A version of another type. The notice is given if it comes to be seen by that; else HelseNorge alone is told.
    TypeChanged(Key),
    /// A change of an appointment, of which HelseNorge alone is told.
    Unnoticed(Uuid),
    /// An entry of an E-dialog, to a patient.
    Message {
        /// The entry.
        entry: Uuid,
        /// The patient.
        patient: Uuid,
    },
    /// An E-dialog between colleagues, who have inboxes.
    Colleagues,
}

impl Asked {
    fn read(event: Event) -> Result<Self, Fault> {
        let key = |about: &AppointmentChanged, kind| About::Appointment((about.appointment, about.version, kind));
        let about = match &event.fact {
            Fact::AppointmentBooked(about) => key(about, Kind::Booked),
            Fact::AppointmentMoved(about) => key(about, Kind::Moved),
            Fact::AppointmentCancelled(about) => key(about, Kind::Cancelled),
            Fact::ReminderDue(about) => key(about, Kind::Reminder),
            Fact::AppointmentTypeChanged(about) => About::TypeChanged((about.appointment, about.version, Kind::Booked)),
            Fact::AppointmentMissed(about) => About::Unnoticed(about.appointment),
            Fact::EDialogWritten(about) => match about.patient {
                Some(patient) => About::Message { entry: about.entry, patient },
                None => About::Colleagues,
            },
            _ => return Err(Fault::broken("event-misrouted", "this worker gives notices of appointments and E-dialogs only")),
        };
        Ok(Self { event: event.id, about })
    }
}

impl Handler for AppointmentNotifications {
    const WORKER: &'static str = "appointment-notifications";
    type Message = Asked;
    type Facts = Facts;
    /// Nothing where nothing is to be told.
    type Effect = Option<Effect>;

    fn parse(&self, delivery: &Delivery) -> Result<Asked, Fault> {
        let event = Event::from_json(&delivery.body).map_err(|e| Fault::broken("event-unreadable", e.to_string()))?;
        Asked::read(event)
    }

    /// The event's: one that waits comes again under another, and whether it was decided on tells its row.
    fn key(&self, asked: &Asked) -> Option<String> {
        Some(asked.event.to_string())
    }

    fn ledger_id(&self, _asked: &Asked) -> Option<Uuid> {
        None
    }

    fn known_as(&self, asked: &Asked) -> Option<Uuid> {
        Some(asked.event)
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Asked]) -> Result<Facts, StoreError> {
        facts::load(tx, batch).await
    }

    fn decide(&self, asked: &Asked, facts: &mut Facts, now: Timestamp) -> Verdict<Option<Effect>> {
        self.ruling.decide(asked, facts, now)
    }

    async fn write(&self, tx: &Tx<'_>, effects: Vec<Option<Effect>>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        effect::write(tx, effects.into_iter().flatten().collect(), &self.ruling, now).await
    }
}
