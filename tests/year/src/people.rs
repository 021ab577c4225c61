//! Who takes part: clinics, their doctors, each doctor's patients. Loaded set-based.

use crate::Options;
use crate::clock;
use domain::setup::{Setup, check};
use e2e::{Fleet, NHN_EXCHANGE};
use helsenorge::example::HELSENORGE;
use messages::HerId;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Range;
use store::setup::ChosenRules;
use uuid::Uuid;

/// The enterprise of every clinic.
pub(crate) const PARENT: i64 = 115_900;
/// Clinics of one enterprise share queues: queues are often inherited.
const SHARING: usize = 10;

/// A clinic.
pub(crate) struct Clinic {
    pub(crate) her_id: i64,
    /// Whose queues it reads.
    pub(crate) host: i64,
    pub(crate) doctors: Range<usize>,
}

/// A doctor, with one timebok.
pub(crate) struct Doctor {
    pub(crate) clinic: usize,
    pub(crate) her_id: i64,
    pub(crate) id: String,
    pub(crate) timebok: String,
    pub(crate) patients: Range<usize>,
}

/// A patient.
pub(crate) struct Patient {
    pub(crate) id: Uuid,
    pub(crate) nin: String,
    pub(crate) given: String,
    pub(crate) family: String,
    pub(crate) doctor: usize,
    /// Uses HelseNorge when the year begins.
    pub(crate) is_user: bool,
}

/// Everybody.
pub(crate) struct People {
    pub(crate) clinics: Vec<Clinic>,
    pub(crate) doctors: Vec<Doctor>,
    pub(crate) patients: Vec<Patient>,
    pub(crate) by_nin: HashMap<String, usize>,
}

impl People {
    /// As many as are asked for, the same for the same seed.
    pub(crate) fn of(options: &Options, random: &mut StdRng) -> Self {
        let (clinics, doctors, patients) =
            (options.clinics as usize, options.doctors.max(options.clinics) as usize, options.patients as usize);
        let part = |all: usize, n: usize, of: usize| (n * all / of)..((n + 1) * all / of);
        let her_id = |n: usize| 9_000_000 + 1000 * i64::try_from(n).expect("few");
        let clinic =
            |n: usize| Clinic { her_id: her_id(n), host: her_id(n / SHARING * SHARING), doctors: part(doctors, n, clinics) };
        let clinics: Vec<Clinic> = (0..clinics).map(clinic).collect();
        let mut all = Vec::new();
        for (n, clinic) in clinics.iter().enumerate() {
            for (place, doctor) in clinic.doctors.clone().enumerate() {
                all.push(Doctor {
                    clinic: n,
                    her_id: clinic.her_id + 1 + i64::try_from(place).expect("few"),
                    id: format!("lege{place}"),
                    timebok: format!("bok{place}"),
                    patients: part(patients, doctor, doctors),
                });
            }
        }
        let synthetic = helsenorge::synthetic_patients(patients);
        let mut owners = all.iter().enumerate().flat_map(|(n, doctor)| doctor.patients.clone().map(move |_| n));
        let patients: Vec<Patient> = synthetic
            .into_iter()
            .map(|one| Patient {
                id: Uuid::now_v7(),
                nin: one.nin,
                given: one.given,
                family: one.family,
                doctor: owners.next().expect("every patient has a doctor"),
                is_user: random.random_bool(options.users),
            })
            .collect();
        let by_nin = patients.iter().enumerate().map(|(n, patient)| (patient.nin.clone(), n)).collect();
        Self { clinics, doctors: all, patients, by_nin }
    }

    /// The clinic of a patient.
    pub(crate) fn clinic_of(&self, patient: usize) -> &Clinic {
        &self.clinics[self.doctors[self.patients[patient].doctor].clinic]
    }

    /// Puts everybody into the database and makes the clinics' queues.
    pub(crate) async fn move_in(&self, fleet: &Fleet, random: &mut StdRng) {
        let clinics: Vec<Value> = self.clinics.iter().enumerate().map(|(n, clinic)| self.setup(n, clinic)).collect();
        let mut setup: Setup = serde_json::from_value(json!({ "clinics": clinics })).expect("a set-up file");
        assert_eq!(check(&mut setup, &fleet.config().test_series), []);
        let store = fleet.store();
        let mut session = store.session().await.expect("a session");
        let tx = session.begin().await.expect("a transaction");
        store::setup::apply(&tx, &setup, ChosenRules::Keep, "year", clock::now()).await.expect("it can be applied");
        tx.commit().await.expect("a commit");
        let hosts: Vec<HerId> =
            self.clinics.iter().step_by(SHARING).map(|clinic| clinic.host.try_into().expect("a HER-id")).collect();
        let url = fleet.world.amqp_url.parse().expect("the testbed's URL is valid");
        broker::topology::apply_nhn_standin(&url, NHN_EXCHANGE, &hosts).await.expect("the stand-in's queues");
        for part in self.patients.chunks(20_000) {
            self.insert(fleet, part, random).await;
        }
        fleet.rows.query("analyze", &[]).await;
    }

    fn setup(&self, n: usize, clinic: &Clinic) -> Value {
        let doctors = || self.doctors[clinic.doctors.clone()].iter();
        let employee = |doctor: &Doctor| {
            json!({ "id": doctor.id, "name": format!("Lege {}", doctor.her_id), "her_id": doctor.her_id, "hpr": "9144900",
                "services": ["EKONTAKT", "TIMEONSKE", "TIMERESERVASJON"] })
        };
        let of_type = |id: &str, contact: &str, hidden: bool, notify: bool| json!({ "id": id, "name": format!("Time {id}"), "minutes": 20, "contact": contact, "hidden": hidden, "notify": notify });
        let hours = [0, 2, 24][n % 3];
        let channels = [&["sms"][..], &["email", "sms"], &["push", "sms"]][n % 3];
        let timebok =
            |(place, doctor): (usize, &Doctor)| json!({ "id": doctor.timebok, "owner": doctor.id, "notify": place % 20 != 19 });
        json!({
            "name": format!("Legesenter {}", n + 1), "her_id": clinic.her_id, "parent_her_id": PARENT, "helsenorge": HELSENORGE,
            "nhn_member": true, "digital_dialog_ordered": true, "video_module": n % 4 != 3, "cancellation_hours": hours,
            "queues": { "async": format!("{}_async", clinic.host), "sync": format!("{}_sync", clinic.host),
                "error": format!("{}_error", clinic.host) },
            "syncreply_queue": format!("{}_syncreply", clinic.host),
            "notifications": { "enabled": n % 10 != 9, "channels": channels },
            "employees": doctors().map(employee).collect::<Vec<_>>(),
            "appointment_types": [of_type("vanlig", "oppmote", false, true), of_type("video", "video", false, true),
                of_type("stille", "telefon", false, false), of_type("skjult", "oppmote", true, false)],
            "timeboker": doctors().enumerate().map(timebok).collect::<Vec<_>>(),
        })
    }

    async fn insert(&self, fleet: &Fleet, part: &[Patient], random: &mut StdRng) {
        let of = |patient: &Patient| &self.doctors[patient.doctor];
        let ids: Vec<Uuid> = part.iter().map(|patient| patient.id).collect();
        let clinics: Vec<i64> = part.iter().map(|patient| self.clinics[of(patient).clinic].her_id).collect();
        let nins: Vec<&str> = part.iter().map(|patient| patient.nin.as_str()).collect();
        let families: Vec<&str> = part.iter().map(|patient| patient.family.as_str()).collect();
        let givens: Vec<&str> = part.iter().map(|patient| patient.given.as_str()).collect();
        let doctors: Vec<&str> = part.iter().map(|patient| of(patient).id.as_str()).collect();
        let mut some = |share: f64, text: &dyn Fn(&Patient) -> String| -> Vec<Option<String>> {
            part.iter().map(|patient| random.random_bool(share).then(|| text(patient))).collect()
        };
        // No number of anybody's: the last digits of a synthetic one.
        let phones = some(0.95, &|patient| format!("+4799{}", &patient.nin[5..]));
        let emails = some(0.5, &|patient| format!("{}@example.test", patient.id));
        let push = some(0.3, &|patient| patient.id.to_string());
        let users: Vec<bool> = part.iter().map(|patient| patient.is_user).collect();
        let sql = "insert into dialogpost.patient (id, clinic, nin, family_name, given_name, fastlege, phone, email, push)
            select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])";
        fleet.rows.query(sql, &[&ids, &clinics, &nins, &families, &givens, &doctors, &phones, &emails, &push]).await;
        let sql = "insert into dialogpost.contact_status (clinic, nin, active, consented, as_of)
            select clinic, nin, is_user, is_user, $4 from unnest($1::bigint[], $2::text[], $3::bool[]) p(clinic, nin, is_user)";
        fleet.rows.query(sql, &[&clinics, &nins, &users, &clock::now()]).await;
    }
}
