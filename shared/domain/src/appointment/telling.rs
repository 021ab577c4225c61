//! What HelseNorge is owed of an appointment: it shows a patient whom it reaches all appointments with the clinic, but hidden ones (T5, T6).

use super::{Appointment, AppointmentType, Status};
use jiff::Timestamp;

/// What HelseNorge was last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of this version.
    pub version: u32,
    /// That it is to be shown.
    pub shown: bool,
}

impl Told {
    /// What an answer tells of an appointment as it stands.
    pub fn by_answer(appointment: &Appointment) -> Self {
        Self { version: appointment.version, shown: appointment.status != Status::Cancelled }
    }
}

/// What HelseNorge is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Telling {
    /// As it stands.
    Show,
    /// That it is no more, or not to be seen.
    Withdraw,
    /// That the patient did not come.
    NoShow,
}

impl Telling {
    /// Whether the patient is shown it from then on.
    pub const fn shows(self) -> bool {
        !matches!(self, Self::Withdraw)
    }
}

/// Whether an appointment may be seen on HelseNorge at all. One whose type is gone may not.
pub fn is_visible(of_type: Option<&AppointmentType>) -> bool {
    of_type.is_some_and(|of_type| !of_type.hidden)
}

/// What HelseNorge is to be told of an appointment as it stands, to a patient whom it reaches; nothing when it knows, or need never know.
pub fn owed(appointment: &Appointment, of_type: Option<&AppointmentType>, told: Option<Told>) -> Option<Telling> {
    let knows = told.is_some_and(|told| told.shown);
    if told.is_some_and(|told| told.version >= appointment.version && (told.shown || !is_shown(appointment, of_type))) {
        return None;
    }
    match (is_visible(of_type), appointment.status) {
        (true, Status::Booked) => Some(Telling::Show),
        (true, Status::NoShow) if knows => Some(Telling::NoShow),
        (_, Status::Cancelled) | (false, _) if knows => Some(Telling::Withdraw),
        _ => None,
    }
}

/// Whether nothing that HelseNorge shows of it, or would be told, is to come. `shown_until` is the latest end of any version that it was told of:
/// which one it shows is not known once it has stopped to reach the patient.
pub fn is_over(appointment: &Appointment, told: Option<Told>, shown_until: Option<Timestamp>, now: Timestamp) -> bool {
    let shown_until = shown_until.filter(|_| told.is_some_and(|told| told.shown));
    shown_until.is_none_or(|end| end <= now) && appointment.span.end <= now
}

fn is_shown(appointment: &Appointment, of_type: Option<&AppointmentType>) -> bool {
    is_visible(of_type) && appointment.status == Status::Booked
}

#[cfg(test)]
mod tests {
    use super::super::{Contact, Span};
    use super::*;
    use uuid::Uuid;

    fn appointment(status: Status, version: u32, end: Timestamp) -> Appointment {
        Appointment {
            id: Uuid::nil(),
            timebok: String::new(),
            patient: Uuid::nil(),
            span: Span { start: Timestamp::UNIX_EPOCH, end },
            appointment_type: String::new(),
            status,
            uid: Uuid::nil(),
            version,
            comment: None,
        }
    }

    #[test]
    fn t5_what_is_over_is_told_only_while_an_earlier_version_is_to_come() {
        let (before, now, after) = (Timestamp::UNIX_EPOCH, Timestamp::new(100, 0).unwrap(), Timestamp::MAX);
        let shown = |shown| Some(Told { version: 0, shown });
        let table = [
            // End, until when it was shown, told, over.
            (after, None, None, false),
            (before, None, None, true),
            (after, Some(before), shown(true), false),
            (before, Some(before), shown(true), true),
            (before, Some(after), shown(false), true),
            (before, Some(after), shown(true), false),
        ];
        for (end, shown_until, told, want) in table {
            let appointment = appointment(Status::Booked, 2, end);
            assert_eq!(is_over(&appointment, told, shown_until, now), want, "{end} {shown_until:?} {told:?}");
        }
    }

    #[test]
    fn t5_t6_what_is_owed() {
        use Status::{Booked, Cancelled, NoShow};
        use Telling::{Show, Withdraw};
        let of = |hidden| AppointmentType {
            name: String::new(),
            minutes: 20,
            contact: Contact::Oppmote,
            hidden,
            notify: true,
            closed: false,
        };
        let told = |version, shown| Some(Told { version, shown });
        let table = [
            // Status, version, hidden, told, owed.
            (Booked, 1, false, None, Some(Show)),
            (Booked, 1, false, told(1, true), None),
            (Booked, 1, false, told(1, false), Some(Show)),
            (Booked, 3, false, told(1, true), Some(Show)),
            (Booked, 1, true, None, None),
            (Booked, 2, true, told(1, true), Some(Withdraw)),
            (Booked, 2, true, told(2, false), None),
            (Booked, 3, false, told(2, false), Some(Show)),
            (Cancelled, 2, false, None, None),
            (Cancelled, 2, false, told(1, true), Some(Withdraw)),
            (Cancelled, 2, false, told(2, false), None),
            (Cancelled, 3, true, told(2, false), None),
            (NoShow, 2, false, told(1, true), Some(Telling::NoShow)),
            (NoShow, 2, false, told(2, true), None),
            (NoShow, 2, false, None, None),
            (NoShow, 2, true, told(1, true), Some(Withdraw)),
        ];
        for (status, version, hidden, told, want) in table {
            let appointment = appointment(status, version, Timestamp::MAX);
            assert_eq!(owed(&appointment, Some(&of(hidden)), told), want, "{status:?} v{version} hidden {hidden} told {told:?}");
        }
    }
}
