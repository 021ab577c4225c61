//! A thousand patients want ten slots at once, in two processes of two lanes each: ten have them, and every other is told so.

use super::{day, release, valid};
use e2e::{Clinic, Fleet, WORKERS};
use helsenorge::{Message, Received, Sent, SyntheticPatient, synthetic_patients};
use messages::wire::icalendar::Vevent;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use runtime::probe::Probe;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use store::ledger;

const PATIENTS: usize = 1000;
const SLOTS: usize = 10;
/// So many requests come once more as other deliveries: the same business message under another transport id.
const REPEATED: usize = 40;

/// The example clinic with a thousand patients more on Kari's list.
fn setup(patients: &[SyntheticPatient]) -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    let all = setup["clinics"][0]["patients"].as_array_mut().unwrap();
    all.extend(patients.iter().map(|patient| {
        let mut patient = patient.to_setup(Some("kari"));
        // HelseNorge need not be asked whether it reaches them.
        patient["helsenorge"] = json!({ "active": true, "digital_contact_consent": true });
        patient
    }));
    setup.to_string()
}

/// What they want, in any order: each slot a hundred patients, a third of the messages twice, some under a second transport id.
fn requests(patients: &[SyntheticPatient], uids: &[String]) -> (Vec<Sent>, Vec<Sent>) {
    let want = |(n, patient): (usize, &SyntheticPatient)| {
        let slot = Vevent { uid: Some(uids[n % uids.len()].clone()), ..Vevent::default() };
        let request = Message::reserver_avtale(&slot).patient(&patient.nin, &patient.given, &patient.family);
        (request.build(), request.transport_id(uuid::Uuid::new_v4().to_string()).build())
    };
    let (mut once, others): (Vec<Sent>, Vec<Sent>) = patients.iter().enumerate().map(want).unzip();
    let mut rng = StdRng::seed_from_u64(1);
    once.shuffle(&mut rng);
    let mut all: Vec<Sent> = once.iter().chain(&once[..PATIENTS / 3]).cloned().collect();
    all.extend(others.into_iter().take(REPEATED));
    all.shuffle(&mut rng);
    (once, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_thousand_patients_and_ten_slots() {
    let patients = synthetic_patients(PATIENTS);
    let mut fleet = Fleet::new().await;
    fleet.lanes = 2;
    fleet.apply(&setup(&patients)).await;
    let clinic = Clinic::of(fleet).await;
    let epj = clinic.epj().await;
    let slots: Vec<_> = (0..SLOTS as i64).map(|n| (day(7 + n / 5, 9, (n % 5) as i8 * 10 + 5), "kort")).collect();
    let short = "insert into dialogpost.appointment_type values (8141333, 'kort', 'Kort time', 10, 'oppmote', false, true)";
    clinic.fleet.rows.query(short, &[]).await;
    release(&epj, &slots).await;
    let released = "select uid::text from dialogpost.slot where type = 'kort' order by starts_at";
    let (once, all) = requests(&patients, &clinic.fleet.rows.column::<String>(released).await);
    let second = clinic.fleet.start_with(&WORKERS, Probe::default());
    clinic.helsenorge.publish(&all).await.unwrap();
    clinic.fleet.settle_within((PATIENTS + REPEATED) as i64, Duration::from_secs(60)).await;
    let told = clinic.helsenorge.receipts(2 * PATIENTS + REPEATED, Duration::from_secs(30)).await.unwrap();
    each_is_receipted_and_answered_once(&once, &told);
    ten_appointments_stand(&clinic.fleet).await;
    the_ledger_balances(&clinic.fleet).await;
    second.stop().await;
    clinic.close().await;
}

/// Ten times yes, else no; one answer for each request, under one id, and a receipt for each delivery.
fn each_is_receipted_and_answered_once(sent: &[Sent], told: &[Received]) {
    let (receipts, answers): (Vec<&Received>, Vec<&Received>) = told.iter().partition(|received| received.apprec.is_some());
    let mut receipted = HashMap::<&str, usize>::new();
    for apprec in receipts.iter().filter_map(|receipt| receipt.apprec.as_ref()) {
        assert!(apprec.errors.is_empty(), "{apprec:?}");
        *receipted.entry(apprec.original_id.as_deref().unwrap()).or_default() += 1;
    }
    let ids: BTreeSet<&str> = sent.iter().map(|sent| sent.msg_id.as_str()).collect();
    assert_eq!(receipted.keys().copied().collect::<BTreeSet<_>>(), ids);
    assert_eq!(receipted.values().filter(|times| **times == 2).count(), REPEATED);
    let mut outcomes = BTreeMap::<String, usize>::new();
    let mut answered = BTreeSet::new();
    for about in answers.iter().map(|answer| answer.about_appointments().unwrap()) {
        let code = about.answer.unwrap();
        assert_eq!(about.events.len(), usize::from(code == "05"), "whoever has it is shown it");
        assert!(answered.insert(about.answers.unwrap()), "one answer for each request");
        *outcomes.entry(code).or_default() += 1;
    }
    assert_eq!(outcomes, BTreeMap::from([("05".to_owned(), SLOTS), ("06".to_owned(), PATIENTS - SLOTS)]));
    assert_eq!(answered, ids.iter().map(|id| (*id).to_owned()).collect());
    answers.iter().step_by(50).for_each(|answer| valid(answer));
}

async fn ten_appointments_stand(fleet: &Fleet) {
    let overlaps = "dialogpost.appointment a join dialogpost.appointment b on a.id < b.id and a.timebok = b.timebok
        and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)";
    for (what, want) in [
        ("dialogpost.appointment where status = 'booked' and version = 1", SLOTS),
        ("dialogpost.appointment", SLOTS),
        ("dialogpost.appointment_change", SLOTS),
        ("dialogpost.appointment_told where shown and version = 1", SLOTS),
        (overlaps, 0),
        ("dialogpost.booking_request", PATIENTS),
        ("dialogpost.booking_decision where code is null and appointment is not null", SLOTS),
        ("dialogpost.booking_decision where code in ('slot-taken', 'slot-not-available')", PATIENTS - SLOTS),
        ("dialogpost.dead_letter", 0),
        ("dialogpost.outbox", 0),
    ] {
        assert_eq!(fleet.rows.count(what).await, want as i64, "{what}");
    }
}

async fn the_ledger_balances(fleet: &Fleet) {
    let session = fleet.store().session().await.unwrap();
    // Two days, for the night may come between.
    let lines = ledger::lines(&session, 2).await.unwrap();
    assert!(lines.iter().all(|line| line.balances() && line.in_flight == 0 && line.dead == 0), "{lines:?}");
    assert_eq!(lines.iter().map(|line| line.received).sum::<i64>(), (PATIENTS + REPEATED) as i64);
    let lines = ledger::sent(&session, 2).await.unwrap();
    let sum = |of: fn(&ledger::SentLine) -> i64| lines.iter().map(of).sum::<i64>();
    assert_eq!(sum(|line| line.sent), (PATIENTS + REPEATED) as i64, "no receipt is due for our own receipts");
    assert_eq!(sum(|line| line.awaiting_receipt), PATIENTS as i64, "HelseNorge has yet to receipt the answers");
}
