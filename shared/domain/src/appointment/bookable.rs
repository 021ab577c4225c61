//! May a patient book, and in which timebok? Only in that of the own fastlege, who offers it and has exactly one (T1).

use crate::clinic::{Clinic, Employee};
use messages::HerId;
use messages::command::refusal::Why;

/// The service in the address registry.
pub const TIMERESERVASJON: &str = "TIMERESERVASJON";

/// Why a patient cannot book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbookable {
    /// He is nobody's here, or another doctor's than the one he turns to.
    NotOnList,
    /// The fastlege does not offer it (J2).
    NotOffered,
    /// The fastlege has no timebok.
    NoTimebok,
    /// The fastlege has several.
    SeveralTimeboker,
}

impl Unbookable {
    /// Stable, kebab-case: ledger, `check`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOnList => "patient-not-on-list",
            Self::NotOffered => "booking-not-offered",
            Self::NoTimebok => "timebok-missing",
            Self::SeveralTimeboker => "timebok-one-of-several",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NotOnList => "make the doctor the patient's fastlege",
            Self::NotOffered => "register TIMERESERVASJON for the doctor, then list it under services",
            Self::NoTimebok => "give the doctor a timebok of his own; until then no patient can book",
            Self::SeveralTimeboker => "leave the doctor one timebok; until then no patient can book",
        }
    }

    /// `TemaKodet` (7602): no access, or not offered.
    pub const fn tema(self) -> (&'static str, &'static str) {
        match self {
            Self::NotOnList => ("30", "Ikke tilgang"),
            Self::NotOffered | Self::NoTimebok | Self::SeveralTimeboker => ("33", "Tjenesten tilbys ikke"),
        }
    }
}

/// The timebok that a patient may book in.
///
/// # Errors
/// Why there is none.
pub fn bookable<'a>(clinic: &'a Clinic, fastlege: Option<&str>, addressed: HerId) -> Result<&'a str, Unbookable> {
    let fastlege = fastlege.filter(|id| clinic.employees.contains_key(*id)).ok_or(Unbookable::NotOnList)?;
    let turns_to = clinic.employee_by_her_id(addressed).map(|(id, _)| id.as_str());
    if turns_to.is_some_and(|id| id != fastlege) {
        return Err(Unbookable::NotOnList);
    }
    of_doctor(clinic, fastlege)
}

/// The timebok that a doctor's patients may book in.
///
/// # Errors
/// Why there is none.
pub fn of_doctor<'a>(clinic: &'a Clinic, doctor: &str) -> Result<&'a str, Unbookable> {
    if !clinic.employees.get(doctor).is_some_and(offers_booking) {
        return Err(Unbookable::NotOffered);
    }
    let mut owned = clinic.booking.timeboker.iter().filter(|(_, timebok)| timebok.owner == doctor).map(|(id, _)| id.as_str());
    match (owned.next(), owned.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Unbookable::NoTimebok),
        (Some(_), Some(_)) => Err(Unbookable::SeveralTimeboker),
    }
}

/// Doctors for whom booking is registered, and whose patients cannot book all the same.
pub fn unbookable(clinic: &Clinic) -> Vec<(&str, Unbookable)> {
    let doctors = clinic.employees.iter().filter(|(_, employee)| offers_booking(employee));
    doctors.filter_map(|(id, _)| Some((id.as_str(), of_doctor(clinic, id).err()?))).collect()
}

/// Whether booking is registered for an employee (J2).
pub fn offers_booking(employee: &Employee) -> bool {
    employee.services.iter().any(|service| service == TIMERESERVASJON)
}

/// Why patients cannot book in a timebok, for the clinic to see; none when those of its owner can.
pub fn why_not(clinic: &Clinic, timebok: &str) -> Option<Why> {
    let owner = clinic.booking.timeboker.get(timebok).map(|timebok| timebok.owner.as_str())?;
    if !clinic.employees.contains_key(owner) {
        return Some(Why::TimebokWithoutOwner);
    }
    match of_doctor(clinic, owner) {
        Ok(_) => None,
        Err(Unbookable::NotOffered) => Some(Why::BookingNotOffered),
        Err(Unbookable::SeveralTimeboker) => Some(Why::TimebokOneOfSeveral),
        Err(Unbookable::NoTimebok | Unbookable::NotOnList) => Some(Why::TimebokWithoutOwner),
    }
}
