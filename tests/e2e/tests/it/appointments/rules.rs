//! The rules alone, in any order of whatever clinic and patients do: no two appointments of a timebok share any time, versions follow each
//! other without a gap, and what HelseNorge is told, in whatever order it comes, shows each patient what he may see.

use domain::appointment::change::{self, Asked};
use domain::appointment::letter::{self, AVTALEUTSENDING, Ends, Shown, TIMERESERVASJON};
use domain::appointment::request::{self, Request, Wanted};
use domain::appointment::telling::{Told, is_visible, owed};
use domain::appointment::{Appointment, AppointmentType, Booking, Contact, NewVersion, Slot, Span, Status, Timebok};
use domain::clinic::{Clinic, Employee};
use domain::command::compose::{Address, Patient, Unit};
use helsenorge::example::{self, ExamplePatient, HELSENORGE, HELSENORGE_PARENT, KARI, SOLBAKKEN, SOLBAKKEN_PARENT};
use helsenorge::{AboutAppointments, Picture};
use jiff::{SignedDuration, Timestamp};
use messages::command::order::{BookAppointment, CancelAppointment, ChangeAppointmentType, MarkNoShow, MoveAppointment};
use messages::person_id::{PersonId, TestSeries};
use messages::wire::hodemelding::{Code, MsgHead};
use messages::{HerId, Sensitive};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const BOK: &str = "kari-bok";
const TYPES: [&str; 3] = ["vanlig", "video", "skjult"];
const PATIENTS: [ExamplePatient; 2] = [example::LINE, example::TROND];
const SLOTS: i64 = 8;

/// What may happen. Appointments are meant by their places among those made so far, patients by theirs in [`PATIENTS`].
#[derive(Clone, Copy, Debug)]
enum Event {
    Book {
        patient: usize,
        quarter: i64,
        of_type: usize,
    },
    Move {
        which: usize,
        quarter: i64,
    },
    Cancel {
        which: usize,
    },
    Type {
        which: usize,
        of_type: usize,
    },
    NoShow {
        which: usize,
    },
    /// A patient reserves a slot.
    Reserve {
        patient: usize,
        slot: usize,
    },
    /// He does so once more, or another does, by the name that the appointment has now.
    ReserveAgain {
        patient: usize,
        which: usize,
    },
    PatientCancels {
        patient: usize,
        which: usize,
    },
    /// HelseNorge is told what it is owed of an appointment.
    Tell {
        which: usize,
    },
    /// An hour passes.
    Later,
}

fn any_event() -> impl Strategy<Value = Event> {
    use Event::{Book, Cancel, Later, Move, NoShow, PatientCancels, Reserve, ReserveAgain, Tell, Type};
    let (patient, which, quarter) = (0..PATIENTS.len(), 0..12_usize, 1..4 * SLOTS);
    prop_oneof![
        (patient.clone(), quarter.clone(), 0..TYPES.len()).prop_map(|(patient, quarter, of_type)| Book {
            patient,
            quarter,
            of_type
        }),
        (which.clone(), quarter).prop_map(|(which, quarter)| Move { which, quarter }),
        which.clone().prop_map(|which| Cancel { which }),
        (which.clone(), 0..TYPES.len()).prop_map(|(which, of_type)| Type { which, of_type }),
        which.clone().prop_map(|which| NoShow { which }),
        (patient.clone(), 0..SLOTS as usize).prop_map(|(patient, slot)| Reserve { patient, slot }),
        (patient.clone(), which.clone()).prop_map(|(patient, which)| ReserveAgain { patient, which }),
        (patient, which.clone()).prop_map(|(patient, which)| PatientCancels { patient, which }),
        which.prop_map(|which| Tell { which }),
        Just(Later),
    ]
}

/// A timebok, as the store would keep it, and what HelseNorge was sent.
struct Model {
    clinic: Clinic,
    now: Timestamp,
    slots: Vec<Slot>,
    /// In the order in which they were made.
    appointments: Vec<Appointment>,
    told: BTreeMap<Uuid, Told>,
    sent: Vec<AboutAppointments>,
}

fn her_id(id: i64) -> HerId {
    id.try_into().unwrap()
}

fn quarter(n: i64) -> Timestamp {
    let first: Timestamp = "2027-03-01T08:00:00Z".parse().unwrap();
    first + SignedDuration::from_mins(15 * n)
}

fn patient_id(patient: usize) -> Uuid {
    Uuid::from_u128(1 + patient as u128)
}

fn clinic() -> Clinic {
    let of = |contact, hidden| AppointmentType { name: String::new(), minutes: 20, contact, hidden, notify: true, closed: false };
    let types = [of(Contact::Oppmote, false), of(Contact::Video, false), of(Contact::Oppmote, true)];
    let kari = Employee { her_id: Some(her_id(KARI)), services: vec!["TIMERESERVASJON".to_owned()] };
    Clinic {
        her_id: her_id(SOLBAKKEN),
        nhn_member: true,
        digital_dialog_ordered: true,
        employees: [("kari".to_owned(), kari)].into(),
        sets: BTreeMap::new(),
        command_users: BTreeSet::new(),
        routing: BTreeMap::new(),
        booking: Booking {
            video_module: true,
            cancellation_hours: 0,
            types: TYPES.map(str::to_owned).into_iter().zip(types).collect(),
            timeboker: [(BOK.to_owned(), Timebok { owner: "kari".to_owned(), notify: true })].into(),
        },
    }
}

fn ends(patient: usize) -> Ends {
    let ExamplePatient { nin, given, family } = PATIENTS[patient];
    let unit = |name: &str, id| Unit::Service(name.to_owned(), her_id(id));
    let address = |parent, unit| Address { enterprise: String::new(), enterprise_her_id: her_id(parent), unit };
    let id = PersonId::parse(nin, &TestSeries { plus_80: true, plus_40: true }).unwrap();
    Ends {
        from: address(SOLBAKKEN_PARENT, unit("Solbakken legesenter", SOLBAKKEN)),
        to: address(HELSENORGE_PARENT, unit("Helsenorge.no", HELSENORGE)),
        patient: Patient { family_name: family.to_owned().into(), given_name: given.to_owned().into(), id },
    }
}

impl Model {
    fn new() -> Self {
        let slot = |n: i64| Slot {
            timebok: BOK.to_owned(),
            span: Span { start: quarter(4 * n + 1), end: quarter(4 * n + 1) + SignedDuration::from_mins(20) },
            appointment_type: TYPES[n as usize % 2].to_owned(),
            online: n != 0,
            uid: Uuid::new_v4(),
        };
        let slots = (0..SLOTS).map(slot).collect();
        Self { clinic: clinic(), now: quarter(0), slots, appointments: vec![], told: BTreeMap::new(), sent: vec![] }
    }

    fn happens(&mut self, event: Event) {
        use Event::{Book, Cancel, Later, Move, NoShow, PatientCancels, Reserve, ReserveAgain, Tell, Type};
        let nobody = Uuid::nil();
        let id = |which: usize| self.appointments.get(which).map_or(nobody, |appointment| appointment.id);
        let uid = |which: usize| self.appointments.get(which).map_or(nobody, |appointment| appointment.uid);
        match event {
            Book { patient, quarter: at, of_type } => {
                let (start, appointment_type) = (quarter(at), TYPES[of_type].to_owned());
                let patient_nin = Sensitive::new(PATIENTS[patient].nin.to_owned());
                let order =
                    BookAppointment { timebok: BOK.to_owned(), patient: patient_nin, start, appointment_type, comment: None };
                self.change(Asked::Book(&order), nobody, Some(patient));
            }
            Move { which, quarter: at } => {
                let order = MoveAppointment { appointment: id(which), start: quarter(at), timebok: None, version: None };
                self.change(Asked::Move(&order), order.appointment, None);
            }
            Cancel { which } => {
                let order = CancelAppointment { appointment: id(which), version: None };
                self.change(Asked::Cancel(&order), order.appointment, None);
            }
            Type { which, of_type } => {
                let appointment_type = TYPES[of_type].to_owned();
                let order = ChangeAppointmentType { appointment: id(which), appointment_type, version: None };
                self.change(Asked::Type(&order), order.appointment, None);
            }
            NoShow { which } => {
                let order = MarkNoShow { appointment: id(which), version: None };
                self.change(Asked::NoShow(&order), order.appointment, None);
            }
            Reserve { patient, slot } => self.request(Wanted::Reserve, patient, self.slots[slot].uid),
            ReserveAgain { patient, which } => self.request(Wanted::Reserve, patient, uid(which)),
            PatientCancels { patient, which } => self.request(Wanted::Cancel, patient, uid(which)),
            Tell { which } => self.tell(which),
            Later => self.now += SignedDuration::from_hours(1),
        }
    }

    fn change(&mut self, asked: Asked<'_>, appointment: Uuid, patient: Option<usize>) {
        let standing = self.appointments.iter().filter(|a| a.status != Status::Cancelled);
        let taken: Vec<(String, Span, Uuid)> = standing.map(|a| (a.timebok.clone(), a.span, a.id)).collect();
        let facts = change::Facts {
            clinic: self.clinic.her_id,
            booking: &self.clinic.booking,
            patient: patient.map(patient_id),
            appointment: self.appointments.iter().find(|a| a.id == appointment),
            taken: &taken,
            actor: "kari",
            new: (Uuid::new_v4(), Uuid::new_v4()),
        };
        if let Ok((_, Some(version))) = change::decide(asked, &facts, self.now) {
            self.keep(version);
        }
    }

    fn request(&mut self, wanted: Wanted, patient: usize, uid: Uuid) {
        let slot = self.slots.iter().find(|slot| slot.uid == uid);
        let is_taken = |slot: &Slot| self.appointments.iter().any(|a| a.status != Status::Cancelled && a.span.meets(slot.span));
        let facts = request::Facts {
            clinic: &self.clinic,
            fastlege: Some("kari"),
            slot,
            is_taken: slot.is_some_and(is_taken),
            appointment: self.appointments.iter().find(|a| a.uid == uid),
            new: Uuid::new_v4(),
        };
        let comment = Some(Sensitive::new("Kneet".to_owned()));
        let request = Request {
            message: Uuid::new_v4(),
            patient: patient_id(patient),
            addressed: her_id(KARI),
            wanted,
            uid: Some(uid),
            comment,
            representative: None,
            conversation: None,
        };
        let decision = request::decide(&request, &facts, self.now);
        if let Some(version) = decision.version {
            self.keep(version);
        }
        if let Some(appointment) = &decision.answer.appointment {
            let shown = appointment.status != Status::Cancelled;
            self.told.insert(appointment.id, Told { version: appointment.version, shown });
        }
        let shown = decision.answer.appointment.as_ref().map(|appointment| (self.shown(appointment), None));
        let function = Code::new(TIMERESERVASJON, "");
        let conversation = (request.message.to_string(), request.message.to_string());
        let answer = letter::answer(ends(patient), &function, conversation, &decision.answer, shown, Uuid::new_v4(), self.now);
        self.send(&answer);
    }

    fn shown<'a>(&'a self, appointment: &'a Appointment) -> Shown<'a> {
        let of_type = self.clinic.booking.types.get(&appointment.appointment_type);
        Shown { appointment, of_type, doctor: Some(her_id(KARI)) }
    }

    /// Writes a version, as the store does.
    fn keep(&mut self, version: NewVersion) {
        let NewVersion { appointment, takes_slot, .. } = version;
        if takes_slot {
            self.slots.iter_mut().filter(|slot| slot.uid == appointment.uid).for_each(|slot| slot.uid = Uuid::new_v4());
        }
        match self.appointments.iter_mut().find(|a| a.id == appointment.id) {
            Some(before) => {
                assert_eq!(appointment.version, before.version + 1, "no version is left out");
                *before = appointment;
            }
            None => {
                assert_eq!(appointment.version, 1);
                self.appointments.push(appointment);
            }
        }
        for (n, a) in self.appointments.iter().enumerate() {
            let others =
                self.appointments[n + 1..].iter().filter(|b| b.status != Status::Cancelled && a.status != Status::Cancelled);
            others.for_each(|b| assert!(!a.span.meets(b.span), "{a:?} and {b:?} share time"));
        }
    }

    fn tell(&mut self, which: usize) {
        let Some(appointment) = self.appointments.get(which) else { return };
        let shown = self.shown(appointment);
        let Some(telling) = owed(appointment, shown.of_type, self.told.get(&appointment.id).copied()) else { return };
        let message = letter::told(ends(self.whose(appointment)), AVTALEUTSENDING, telling, shown, Uuid::new_v4(), self.now);
        self.told.insert(appointment.id, Told { version: appointment.version, shown: telling.shows() });
        self.send(&message);
    }

    fn whose(&self, appointment: &Appointment) -> usize {
        (0..PATIENTS.len()).find(|n| patient_id(*n) == appointment.patient).unwrap()
    }

    fn send(&mut self, message: &MsgHead) {
        self.sent.push(AboutAppointments::of(message).unwrap());
    }

    /// What a patient is to be shown, once all is told: what is to take place and may be seen, and what he missed if he was shown it before.
    fn visible(&self, patient: usize) -> BTreeSet<(String, Timestamp, bool)> {
        let may_be_seen = |a: &&Appointment| match a.status {
            Status::Booked => is_visible(self.shown(a).of_type),
            Status::NoShow => is_visible(self.shown(a).of_type) && self.told.contains_key(&a.id) && self.told[&a.id].shown,
            Status::Cancelled => false,
        };
        let his = self.appointments.iter().filter(|a| a.patient == patient_id(patient)).filter(may_be_seen);
        his.map(|a| (a.uid.to_string(), a.span.start, a.appointment_type == "video")).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn t4_t5_t6_whatever_happens_in_whatever_order(
        events in proptest::collection::vec(any_event(), 1..60),
        order in proptest::collection::vec(any::<u32>(), 1..60),
    ) {
        let mut model = Model::new();
        events.into_iter().for_each(|event| model.happens(event));
        (0..model.appointments.len()).for_each(|which| model.tell(which));
        (0..model.appointments.len()).for_each(|which| model.tell(which));
        let mut said: Vec<(u32, &AboutAppointments)> = order.iter().copied().cycle().zip(&model.sent).collect();
        said.sort_by_key(|(place, _)| *place);
        let mut picture = Picture::default();
        said.iter().chain(&said[..said.len() / 2]).for_each(|(_, said)| picture.take(said));
        prop_assert_eq!(picture.faults(), Vec::<String>::new());
        for (n, patient) in PATIENTS.iter().enumerate() {
            let shown = picture.shown(patient.nin).into_iter().map(|shown| (shown.uid, shown.start, shown.is_video)).collect();
            prop_assert_eq!(model.visible(n), shown, "{}", patient.given);
        }
    }
}
