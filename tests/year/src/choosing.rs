//! Who does what on a day: patients, and appointments that they see.

use crate::days::Scene;
use crate::night::Standing;
use crate::people::PARENT;
use helsenorge::Message;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

impl Scene {
    pub(crate) fn doctor(&self, patient: usize) -> i64 {
        self.people.doctors[self.people.patients[patient].doctor].her_id
    }

    /// A message of this patient to his clinic.
    pub(crate) fn of(&self, patient: usize, message: Message, queue: &str) -> Message {
        let (who, clinic) = (&self.people.patients[patient], self.people.clinic_of(patient));
        let message = message.to_clinic(clinic.her_id, PARENT).to_doctor(clinic.her_id, self.doctor(patient));
        message.patient(&who.nin, &who.given, &who.family).on_queue(&format!("{}_{queue}", clinic.host))
    }

    /// Somebody who uses HelseNorge.
    pub(crate) fn some_user(&mut self) -> Option<usize> {
        let of = |random: &mut StdRng| random.random_range(0..self.people.patients.len());
        let some: Vec<usize> = (0..20).map(|_| of(&mut self.random)).collect();
        let state = self.national.state();
        some.into_iter().find(|patient| state.reaches(&self.people.patients[*patient].nin))
    }

    /// Some of last night's appointments that their patients see on HelseNorge.
    pub(crate) fn visible_to_users(&mut self, most: usize) -> Vec<Standing> {
        let mut found = Vec::new();
        for _ in 0..most * 5 {
            let Some(one) = self.upcoming.choose(&mut self.random) else { break };
            let is_seen = !one.is_hidden && self.national.state().reaches(&self.people.patients[one.patient].nin);
            if is_seen && found.len() < most {
                found.push(one.clone());
            }
        }
        found
    }
}
