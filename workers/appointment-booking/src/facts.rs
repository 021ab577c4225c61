//! What the rules ask about a batch of requests: a fixed number of statements, with every timebok that is concerned locked first, so that
//! nobody else decides on it meanwhile.

use domain::appointment::request::{self, Request};
use domain::appointment::{Appointment, NewVersion, Status};
use domain::clinic::Clinic;
use messages::HerId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use store::appointment::{self, Taken};
use store::booking::{self, Waiting};
use store::timebok::Part;
use store::{StoreError, Tx, clinic};
use uuid::Uuid;

/// Facts of a batch. Decisions are noted in them, so that the next request of the batch finds things as they will be.
#[derive(Default)]
pub struct Facts {
    pub(crate) waiting: HashMap<Uuid, Waiting>,
    pub(crate) clinics: HashMap<HerId, Arc<Clinic>>,
    appointments: HashMap<(HerId, Uuid), Appointment>,
    taken: Taken,
}

/// Loads them.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, ids: &[Uuid]) -> Result<Facts, StoreError> {
    booking::lock(tx, ids).await?;
    let waiting = booking::waiting(tx, ids).await?;
    let uid = |w: &Waiting| w.request.uid.map(|uid| (w.clinic, uid));
    let uids: Vec<(HerId, Uuid)> = waiting.values().filter_map(uid).collect::<BTreeSet<_>>().into_iter().collect();
    let appointments = appointment::by_uid(tx, &uids).await?;
    let part = |w: &Waiting| w.slot.as_ref().map(|slot| Part { key: (w.clinic, slot.timebok.clone()), span: slot.span });
    let taken = appointment::taken(tx, &waiting.values().filter_map(part).collect::<Vec<_>>()).await?;
    let her_ids: BTreeSet<HerId> = waiting.values().map(|w| w.clinic).collect();
    let clinics = match her_ids.is_empty() {
        true => HashMap::new(),
        false => clinic::load(tx, &her_ids.into_iter().collect::<Vec<_>>()).await?,
    };
    Ok(Facts { waiting, clinics, appointments, taken })
}

impl Facts {
    pub(crate) fn of<'a>(&'a self, waiting: &'a Waiting, clinic: &'a Clinic) -> request::Facts<'a> {
        let Request { uid, .. } = &waiting.request;
        let slot = waiting.slot.as_ref();
        let is_taken = slot.is_some_and(|slot| {
            let taken = self.taken.get(&(waiting.clinic, slot.timebok.clone()));
            taken.is_some_and(|taken| taken.iter().any(|(span, _)| span.meets(slot.span)))
        });
        request::Facts {
            clinic,
            fastlege: waiting.fastlege.as_deref(),
            slot,
            is_taken,
            appointment: uid.and_then(|uid| self.appointments.get(&(waiting.clinic, uid))),
            new: Uuid::now_v7(),
        }
    }

    pub(crate) fn note(&mut self, version: &NewVersion) {
        let NewVersion { clinic, appointment, .. } = version;
        let taken = self.taken.entry((*clinic, appointment.timebok.clone())).or_default();
        taken.retain(|(_, by)| *by != appointment.id);
        if appointment.status != Status::Cancelled {
            taken.push((appointment.span, appointment.id));
        }
        self.appointments.insert((*clinic, appointment.uid), appointment.clone());
    }
}
