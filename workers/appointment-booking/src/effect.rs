//! Decisions → appointments, answers to HelseNorge and events, for a whole batch.

use domain::agreement::part::Delivery;
use domain::appointment::letter::{Doctor, Ends, Shown, answer};
use domain::appointment::request::Decision;
use domain::appointment::telling::Told;
use domain::appointment::{NewVersion, event_of};
use domain::clinic::Clinic;
use domain::command::compose::Patient;
use jiff::Timestamp;
use messages::event::{Answered, Event, Fact};
use messages::person_id::TestSeries;
use messages::transport::Outgoing;
use messages::{HerId, PersonId};
use runtime::topology::event_to;
use std::collections::HashMap;
use std::sync::Arc;
use store::booking::{self, Decided, Waiting};
use store::letter::{self, Addresses};
use store::message::{self, Sent};
use store::{StoreError, Tx, appointment, telling};
use uuid::Uuid;

/// What is written for one request.
#[derive(Debug)]
pub struct Effect {
    /// The request.
    pub waiting: Waiting,
    /// The clinic.
    pub clinic: Arc<Clinic>,
    /// What becomes of it.
    pub decision: Decision,
    /// Ledger row of the answer.
    pub answer: Uuid,
}

type Doctors = HashMap<(HerId, String), Doctor>;

/// Writes a batch and returns what is to be sent.
///
/// # Errors
/// As any step of the store; a bug when what stands around an answer is missing or no XML can be made of it.
pub async fn write(tx: &Tx<'_>, effects: Vec<Effect>, series: &TestSeries, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let versions: Vec<NewVersion> = effects.iter().filter_map(|effect| effect.decision.version.clone()).collect();
    appointment::write(tx, &versions, now).await?;
    let ends = |e: &Effect| [e.waiting.request.addressed, e.clinic.her_id].map(|own| (own, e.waiting.asker));
    let pairs: Vec<_> = effects.iter().flat_map(ends).collect();
    let addresses = letter::addresses(tx, &pairs).await?;
    let doctors = letter::doctors(tx, &effects.iter().filter_map(Effect::owner).collect::<Vec<_>>()).await?;
    let sent: Vec<Sent> =
        effects.iter().map(|effect| effect.compose(&addresses, &doctors, series, now)).collect::<Result<_, _>>()?;
    message::insert_sent(tx, &sent).await?;
    // Also what was as it was asked for before: HelseNorge may have been told otherwise since.
    let answered = effects.iter().filter_map(Effect::told);
    telling::told(tx, &answered.collect::<Vec<_>>(), now).await?;
    booking::decided(tx, &effects.iter().map(Effect::decided).collect::<Vec<_>>(), now).await?;
    Ok(effects.iter().flat_map(|effect| effect.events(now)).collect())
}

impl Effect {
    /// That the answer is to be sent, and what became of the appointment.
    fn events(&self, now: Timestamp) -> impl Iterator<Item = Outgoing> {
        let led_by = Some(self.waiting.request.message);
        let written = Fact::MessageWritten(Answered { message: self.answer });
        let facts = std::iter::once(written).chain(self.decision.version.as_ref().map(event_of));
        facts.map(move |fact| Outgoing { led_by, ..event_to(&Event { id: Uuid::now_v7(), time: now, fact }) })
    }

    /// What HelseNorge knows by the answer.
    fn told(&self) -> Option<(Uuid, Told, Uuid)> {
        let appointment = self.decision.answer.appointment.as_ref()?;
        Some((appointment.id, Told::by_answer(appointment), self.answer))
    }

    fn decided(&self) -> Decided {
        let told = &self.decision.answer;
        Decided {
            request: self.waiting.request.message,
            answer: self.answer,
            code: told.code,
            appointment: told.appointment.as_ref().map(|appointment| appointment.id),
        }
    }

    /// Whose timebok the appointment is in.
    fn owner(&self) -> Option<(HerId, String)> {
        let appointment = self.decision.answer.appointment.as_ref()?;
        let timebok = self.clinic.booking.timeboker.get(&appointment.timebok)?;
        Some((self.clinic.her_id, timebok.owner.clone()))
    }

    fn compose(
        &self,
        addresses: &HashMap<(HerId, HerId), Addresses>,
        doctors: &Doctors,
        series: &TestSeries,
        now: Timestamp,
    ) -> Result<Sent, StoreError> {
        let Waiting { request, asker, function, conversation, patient, fastlege, .. } = &self.waiting;
        // Whom the patient turned to may have left since: then the clinic answers.
        let addresses = addresses.get(&(request.addressed, *asker)).or_else(|| addresses.get(&(self.clinic.her_id, *asker)));
        let addresses = addresses.ok_or_else(|| StoreError::missing("addresses"))?;
        let (family_name, given_name, nin) = patient.clone();
        let id = PersonId::parse(nin.expose(), series).map_err(|_| StoreError::missing("patient"))?;
        let from = addresses.from.clone().calling_fastlege(addresses.doctor.is_some() && addresses.doctor == *fastlege);
        let ends = Ends { from, to: addresses.to.clone(), patient: Patient { family_name, given_name, id } };
        let told = &self.decision.answer;
        let doctor = self.owner().and_then(|key| doctors.get(&key));
        let shown = told.appointment.as_ref().map(|appointment| {
            let of_type = self.clinic.booking.types.get(&appointment.appointment_type);
            (Shown { appointment, of_type, doctor: doctor.map(|doctor| doctor.her_id) }, doctor)
        });
        let message = answer(ends, function, conversation.clone(), told, shown, self.answer, now);
        let xml = message.to_xml().map_err(|_| StoreError::missing("xml"))?;
        let function = function.v.as_deref().unwrap_or_default();
        Ok(Sent::written(&addresses.ends, function, Delivery::Async, self.answer, now, xml.into()))
    }
}
