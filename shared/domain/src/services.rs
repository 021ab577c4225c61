//! Who offers what (J2): the one rule that messages from patients, commands and `dialogpost check` go by.
//!
//! A service is registered for an employee. Nobody is let in by a service that is not offered, nor is he written to first:
//!
//! - a patient's message: [`is_offered`]
//! - a dialog that the clinic begins, or turns into another kind: [`may_begin`]
//! - answering needs nothing of this: a patient who was let in gets his answer, in his dialog and to his prescription request, even when the
//!   service was withdrawn since.

use crate::clinic::{Clinic, Employee};
use messages::HerId;
use messages::event::DialogKind;

/// Whose service counts for a patient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patient<'a> {
    /// The HER-id he writes to: a doctor's own, or any other.
    pub writes_to: Option<HerId>,
    /// Employee id of his fastlege.
    pub fastlege: Option<&'a str>,
}

/// Whether an employee takes part in what the clinic offers: he then needs a HER-id (J1), and begins nothing but what is his.
pub const fn takes_part(employee: &Employee) -> bool {
    !employee.services.is_empty()
}

/// Whether the clinic offers a kind to a patient: the doctor whom he writes to does; else his fastlege; without either who works there,
/// anybody.
pub fn is_offered(clinic: &Clinic, patient: Patient<'_>, kind: DialogKind) -> bool {
    let addressed = patient.writes_to.and_then(|id| clinic.employee_by_her_id(id)).map(|(_, employee)| employee);
    let doctor: Option<&Employee> = addressed.or_else(|| patient.fastlege.and_then(|id| clinic.employees.get(id)));
    doctor.map_or_else(|| offering(clinic, kind).next().is_some(), |doctor| doctor.offers(kind))
}

/// As whom an employee may begin a dialog of a kind: as himself, when he offers it; who offers no service at all, a secretary, as the clinic,
/// when that offers it to the patient.
pub fn may_begin(clinic: &Clinic, actor: &str, fastlege: Option<&str>, kind: DialogKind) -> Option<HerId> {
    let employee = clinic.employees.get(actor)?;
    let patient = Patient { writes_to: None, fastlege };
    match () {
        () if employee.offers(kind) => Some(employee.her_id.unwrap_or(clinic.her_id)),
        () if !takes_part(employee) && is_offered(clinic, patient, kind) => Some(clinic.her_id),
        () => None,
    }
}

/// Ids of those who offer a kind.
pub fn offering(clinic: &Clinic, kind: DialogKind) -> impl Iterator<Item = &str> {
    clinic.employees.iter().filter(move |(_, employee)| employee.offers(kind)).map(|(id, _)| id.as_str())
}

/// Kinds that the clinic has a rule for and nobody offers: what patients write of that kind is turned down all the same.
pub fn unoffered(clinic: &Clinic) -> Vec<DialogKind> {
    clinic.routing.keys().copied().filter(|kind| offering(clinic, *kind).next().is_none()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clinic::RoutingRule;
    use DialogKind::{EKonsultasjon, EKontakt, Reseptfornyelse, Timeonske};

    fn id(n: i64) -> HerId {
        n.try_into().unwrap()
    }

    fn clinic() -> Clinic {
        let employee = |name: &str, her_id: i64, services: &[&str]| {
            let services = services.iter().map(|s| (*s).to_owned()).collect();
            (name.to_owned(), Employee { her_id: Some(id(her_id)), services })
        };
        Clinic {
            her_id: id(1),
            nhn_member: true,
            digital_dialog_ordered: true,
            employees: [
                employee("kari", 2, &["EKONTAKT", "EKONSULTASJON"]),
                employee("ole", 3, &["EKONTAKT", "TIMERESERVASJON"]),
                employee("siri", 4, &[]),
            ]
            .into(),
            sets: [].into(),
            command_users: [].into(),
            booking: Default::default(),
            routing: [EKontakt, Reseptfornyelse].map(|kind| (kind, RoutingRule::Behandler)).into(),
        }
    }

    #[test]
    fn j2_what_is_offered_to_whom() {
        let table = [
            // Written to, fastlege, kind, offered.
            (None, Some("kari"), EKonsultasjon, true),
            (None, Some("ole"), EKonsultasjon, false),
            (None, Some("ole"), EKontakt, true),
            (None, None, EKonsultasjon, true),
            (None, Some("gone"), EKonsultasjon, true),
            (None, None, Reseptfornyelse, false),
            (Some(1), Some("ole"), EKonsultasjon, false),
            (Some(2), Some("ole"), EKonsultasjon, true),
            (Some(3), Some("kari"), EKonsultasjon, false),
            (Some(4), Some("kari"), EKontakt, false),
            (Some(9), Some("kari"), EKonsultasjon, true),
            // Wishes belong to booking.
            (None, Some("ole"), Timeonske, true),
            (Some(2), None, Timeonske, false),
        ];
        for (writes_to, fastlege, kind, want) in table {
            let patient = Patient { writes_to: writes_to.map(id), fastlege };
            assert_eq!(is_offered(&clinic(), patient, kind), want, "{patient:?} {kind:?}");
        }
    }

    #[test]
    fn j2_as_whom_a_dialog_is_begun() {
        let table = [
            ("kari", Some("ole"), EKonsultasjon, Some(2)),
            ("ole", Some("kari"), EKontakt, Some(3)),
            ("ole", Some("kari"), EKonsultasjon, None),
            ("siri", Some("kari"), EKonsultasjon, Some(1)),
            ("siri", Some("ole"), EKonsultasjon, None),
            ("siri", None, EKonsultasjon, Some(1)),
            ("siri", None, Reseptfornyelse, None),
            ("per", None, EKontakt, None),
        ];
        for (actor, fastlege, kind, want) in table {
            assert_eq!(may_begin(&clinic(), actor, fastlege, kind), want.map(id), "{actor} {fastlege:?} {kind:?}");
        }
    }

    #[test]
    fn j2_rules_for_what_nobody_offers() {
        assert_eq!(unoffered(&clinic()), [Reseptfornyelse]);
        assert_eq!(offering(&clinic(), EKontakt).collect::<Vec<_>>(), ["kari", "ole"]);
    }
}
