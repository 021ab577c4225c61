//! What the rules ask about a batch of events: a fixed number of statements, however many events there are.

use crate::telling::connected;
use crate::{About, Asked};
use domain::notice::Kind;
use domain::notice::channel::{Addressee, Appointment, Before, Outcome};
use messages::HerId;
use std::collections::{BTreeSet, HashMap};
use store::notice::{self, Key};
use store::telling::{self, Standing};
use store::{StoreError, Tx};
use uuid::Uuid;

/// Facts of a batch. Decisions are noted in them, so that the next event of the batch finds things as they will be.
#[derive(Debug, Default)]
pub struct Facts {
    /// Appointments as they stand now, by the notice that is asked for.
    pub appointments: HashMap<Key, Appointment>,
    /// To whom entries of E-dialogs are.
    pub addressees: HashMap<Uuid, Addressee>,
    /// The patients of appointments of which HelseNorge alone is told.
    pub standings: HashMap<Uuid, Standing>,
    /// Clinics that HelseNorge hears from.
    pub connected: BTreeSet<HerId>,
}

impl Facts {
    /// Notes what becomes of an appointment's notice.
    pub fn note(&mut self, (id, version, kind): Key, outcome: &Outcome) {
        let Some(about) = self.appointments.get_mut(&(id, version, kind)) else { return };
        about.before = Before::Decided;
        let starts_at = about.starts_at;
        if matches!(outcome, Outcome::None(_)) {
            return;
        }
        let same = self.appointments.iter_mut().filter(|((other, ..), about)| *other == id && about.starts_at == starts_at);
        same.for_each(|((_, other, _), about)| match kind {
            Kind::Reminder => about.is_reminded |= !matches!(outcome, Outcome::Wait(_)),
            Kind::Booked | Kind::Moved => about.is_announced |= *other != version,
            Kind::Cancelled | Kind::Message => {}
        });
    }
}

/// Loads them.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, batch: &[&Asked]) -> Result<Facts, StoreError> {
    let key = |asked: &&Asked| if let About::Appointment(key) = asked.about { Some(key) } else { None };
    let keys: Vec<Key> = batch.iter().filter_map(key).collect::<BTreeSet<_>>().into_iter().collect();
    let message =
        |asked: &&Asked| if let About::Message { entry, patient } = asked.about { Some((entry, patient)) } else { None };
    let messages: Vec<(Uuid, Uuid)> = batch.iter().filter_map(message).collect();
    let changed = |asked: &&Asked| if let About::TypeChanged(key) = asked.about { Some(key) } else { None };
    let changed: Vec<Key> = batch.iter().filter_map(changed).collect();
    let unnoticed = |asked: &&Asked| match asked.about {
        About::TypeChanged((appointment, ..)) | About::Unnoticed(appointment) => Some(appointment),
        _ => None,
    };
    let unnoticed: Vec<Uuid> = batch.iter().filter_map(unnoticed).collect();
    // All at once, in one order: whoever decides about several waits for nobody who waits for him.
    let all: BTreeSet<Uuid> = keys.iter().map(|(id, ..)| *id).chain(unnoticed.iter().copied()).collect();
    telling::lock(tx, &all.into_iter().collect::<Vec<_>>()).await?;
    let seen = notice::come_to_be_seen(tx, &changed).await?;
    let appointments = notice::appointments(tx, &[keys, seen].concat()).await?;
    let standings = telling::standings(tx, &unnoticed).await?;
    let addressees = notice::addressees(tx, &messages).await?;
    let of_appointments = appointments.values().map(|about| about.to.clinic);
    let clinics: BTreeSet<HerId> = of_appointments.chain(standings.values().map(|of| of.clinic)).collect();
    let connected = connected(tx, &clinics.into_iter().collect::<Vec<_>>()).await?.into_keys().collect();
    Ok(Facts { appointments, addressees, standings, connected })
}
