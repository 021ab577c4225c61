//! `apply`, `check` and `topology apply`.

use crate::{FIXTURE, apply, dialogpost, fixture_with, run, session};
use messages::event::DialogKind;
use serde_json::{Value, json};
use testbed::world;

/// Everything in the fixture that no output may hold.
const PERSONAL: [&str; 6] = ["15868549960", "47819030045", "Danser", "Harboe", "+4799900001", "line@example.test"];

#[tokio::test]
async fn apply_is_idempotent_and_says_what_is_ready() {
    let world = world().await;
    let first = dialogpost(&world, &["apply", FIXTURE]).await.code(0).never_says(&PERSONAL);
    first.says(&["Solbakken legesenter (8141333): ready", "changed rules ┆      3", "patients      ┆      2"]);
    let second = dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    second.says(&["changed rules ┆      0"]);
    apply(&world, &fixture_with(&[("/clinics/0/routing/EKONTAKT", json!({ "mode": "behandler" }))]))
        .await
        .code(0)
        .says(&["changed rules ┆      1"]);
}

/// What an administrator chose by command outlives the file, until the operator says otherwise.
#[tokio::test]
async fn r2_rules_chosen_by_command_stay() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let (mut session, clinic) = (session(&world).await, 8_141_333.try_into().unwrap());
    let tx = session.begin().await.unwrap();
    let rule = domain::clinic::RoutingRule::Behandler;
    store::setup::put_rule(&tx, clinic, DialogKind::EKontakt, Some(&rule), Some("siri")).await.unwrap();
    tx.commit().await.unwrap();
    let kept = "rule EKONTAKT stays as siri chose it by command";
    for _ in 0..2 {
        dialogpost(&world, &["apply", FIXTURE]).await.code(0).says(&["changed rules ┆      0", kept]);
    }
    dialogpost(&world, &["apply", "--replace-chosen-rules", FIXTURE]).await.code(0).says(&["changed rules ┆      1"]);
    dialogpost(&world, &["apply", FIXTURE]).await.code(0).says(&["changed rules ┆      0"]).never_says(&[kept]);
}

/// Likewise the default of a kind, when that is what he chose.
#[tokio::test]
async fn r3_a_default_chosen_by_command_stays() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let (mut session, clinic) = (session(&world).await, 8_141_333.try_into().unwrap());
    let tx = session.begin().await.unwrap();
    store::setup::put_rule(&tx, clinic, DialogKind::Reseptfornyelse, None, Some("siri")).await.unwrap();
    tx.commit().await.unwrap();
    let kept = "rule RESEPTFORNYELSE stays as siri chose it by command";
    for _ in 0..2 {
        dialogpost(&world, &["apply", FIXTURE]).await.code(0).says(&["changed rules ┆      0", kept]);
    }
    let loaded = store::clinic::load_now(&session, &[clinic]).await.unwrap();
    assert!(!loaded[&clinic].routing.contains_key(&DialogKind::Reseptfornyelse), "none of its own");
    dialogpost(&world, &["apply", "--replace-chosen-rules", FIXTURE]).await.code(0).says(&["changed rules ┆      1"]);
    let loaded = store::clinic::load_now(&session, &[clinic]).await.unwrap();
    assert!(loaded[&clinic].routing.contains_key(&DialogKind::Reseptfornyelse));
}

/// Without a party that is HelseNorge for it, a clinic receives and cannot write: that is a lack like any other.
#[tokio::test]
async fn check_knows_the_way_to_helsenorge() {
    let world = world().await;
    let mut file: Value = serde_json::from_str(&fixture_with(&[])).unwrap();
    file["parties"] = json!([]);
    apply(&world, &file.to_string()).await.code(0).says(&["not ready", "helsenorge-party: list HelseNorge under parties"]);
    let lacking = |code: &'static str| {
        let world = &world;
        async move {
            let found = dialogpost(world, &["check", "8141333", "--json"]).await.code(1).json();
            let codes: Vec<_> = found["missing"].as_array().unwrap().iter().map(|lack| lack["code"].clone()).collect();
            assert_eq!((codes, &found["ready"]), (vec![json!(code)], &json!(false)));
        }
    };
    lacking("helsenorge-party").await;
    apply(&world, &fixture_with(&[])).await.code(0);
    dialogpost(&world, &["check", "8141333"]).await.code(0);
    let other = fixture_with(&[("/parties/0/her_id", json!(8_093_299)), ("/clinics", json!([]))]);
    apply(&world, &other).await.code(0);
    lacking("helsenorge-unnamed").await;
    dialogpost(&world, &["check", "8141333"]).await.code(1).says(&["name HelseNorge's HER-id as helsenorge of the clinic"]);
    apply(&world, &fixture_with(&[("/clinics/0/helsenorge", json!(8_093_244))])).await.code(0);
    dialogpost(&world, &["check", "8141333"]).await.code(0);
}

#[tokio::test]
async fn j2_rules_for_what_nobody_offers_are_pointed_out() {
    let world = world().await;
    let services = json!(["EKONTAKT", "EKONSULTASJON"]);
    let applied = apply(&world, &fixture_with(&[("/clinics/0/employees/0/services", services)])).await.code(0);
    applied.says(&["(8141333): ready", "rule RESEPTFORNYELSE: nobody offers it: what patients write is turned down"]);
    let checked = dialogpost(&world, &["check", "8141333"]).await.code(0);
    checked.says(&["Clinic 8141333: ready", "EKONTAKT EKONSULTASJON", "│ RESEPTFORNYELSE ┆ nobody offers it"]);
    dialogpost(&world, &["apply", FIXTURE]).await.code(0).never_says(&["nobody offers it"]);
}

/// T1: the clinic can see why a doctor's patients cannot book.
#[tokio::test]
async fn t1_doctors_whose_patients_cannot_book_are_pointed_out() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    dialogpost(&world, &["check", "8141333"]).await.code(0).never_says(&["cannot book"]);
    let second = json!([
        { "id": "kari-bok", "owner": "kari", "slots": [] }, { "id": "kari-kveld", "owner": "kari", "slots": [] }
    ]);
    apply(&world, &fixture_with(&[("/clinics/0/timeboker", second)])).await.code(0);
    let checked = dialogpost(&world, &["check", "8141333"]).await.code(0);
    checked.says(&["Clinic 8141333: ready", "kari   ┆ timebok-one-of-several ┆ leave the doctor one timebok"]);
    apply(&world, &fixture_with(&[("/clinics/0/timeboker", json!([]))])).await.code(0);
    let found = dialogpost(&world, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(found["doctors_whose_patients_cannot_book"][0]["code"], "timebok-missing");
}

/// Every fault of timebøker by its place.
#[tokio::test]
async fn faults_of_timeboker_name_their_fields() {
    let world = world().await;
    let slots = json!([
        { "start": "2027-01-11T08:00:00+01:00", "type": "vanlig" },
        { "start": "2027-01-11T08:10:00+01:00", "type": "vanlig" },
        { "start": "2027-01-11T09:00:00+01:00", "type": "borte" },
    ]);
    let file = fixture_with(&[
        ("/clinics/0/cancellation_hours", json!(337)),
        ("/clinics/0/appointment_types/0/minutes", json!(0)),
        ("/clinics/0/timeboker/0/owner", json!("per")),
        ("/clinics/0/timeboker/0/slots", slots),
    ]);
    apply(&world, &file).await.code(2).says(&[
        "clinics[0].cancellation_hours",
        "clinics[0].appointment_types[0].minutes",
        "clinics[0].timeboker[0].owner",
        "clinics[0].timeboker[0].slots[2].type",
    ]);
    let overlapping = json!([
        { "start": "2027-01-11T08:00:00+01:00", "type": "vanlig" },
        { "start": "2027-01-11T08:10:00+01:00", "type": "vanlig" },
    ]);
    let file = fixture_with(&[("/clinics/0/timeboker/0/slots", overlapping)]);
    apply(&world, &file).await.code(2).says(&["clinics[0].timeboker[0].slots[1].start: another slot takes some of this time"]);
}

#[tokio::test]
async fn j1_check_lists_what_is_missing_of_each_employee() {
    let world = world().await;
    dialogpost(&world, &["check", "8141333"]).await.code(2).says(&["No clinic has the HER-id 8141333", "dialogpost apply"]);
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    dialogpost(&world, &["check", "8141333"]).await.code(0).says(&["Clinic 8141333: ready", "kari"]);
    dialogpost(&world, &["check", "8141334"]).await.code(2).says(&["dialogpost check 8141333"]);
    let lacking = [
        ("/clinics/0/digital_dialog_ordered", json!(false)),
        ("/clinics/0/employees/1/her_id", Value::Null),
        ("/clinics/0/employees/2/her_id", Value::Null),
    ];
    let applied = apply(&world, &fixture_with(&lacking)).await.code(0);
    applied
        .says(&["(8141333): not ready", "digital-dialog-order: order", "employee-her-id (ole): register"])
        .never_says(&PERSONAL);
    dialogpost(&world, &["check", "8141333"]).await.code(1).says(&[
        "not ready",
        "not yet: has no HER-id",
        "order Digital Dialog",
    ]);
    let found = dialogpost(&world, &["check", "8141333", "--json"]).await.code(1).json();
    assert_eq!((&found["ready"], &found["missing"][1]["employee"]), (&json!(false), &json!("ole")));
    assert_eq!(found["missing"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn rules_that_point_to_nobody_are_pointed_out() {
    let world = world().await;
    let nobody = fixture_with(&[("/clinics/0/groups/0/members", json!([]))]);
    let applied = apply(&world, &nobody).await.code(0);
    applied.says(&[
        "(8141333): ready",
        "rule RESEPTFORNYELSE points to nobody: group:legene: messages for it alone go to the whole",
    ]);
    let checked = dialogpost(&world, &["check", "8141333"]).await.code(0);
    checked.says(&["Clinic 8141333: ready", "│ RESEPTFORNYELSE ┆ group:legene ┆ messages for it alone go to the whole clinic"]);
    let json = dialogpost(&world, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(json["rules_pointing_to_nobody"][0]["recipient"], "group:legene");
    dialogpost(&world, &["apply", FIXTURE]).await.code(0).never_says(&["points to nobody"]);
    let json = dialogpost(&world, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(json["rules_pointing_to_nobody"], json!([]));
}

/// A change of the fixture, and the places that the faults must name.
type Case = (&'static str, Value, &'static [&'static str]);

fn faulty() -> Vec<Case> {
    let nin = || json!("15868549960");
    vec![
        ("/parties/0/her_id", nin(), &["parties[0].her_id: expected a whole number"]),
        ("/parties/0/her_id", json!(-5), &["parties[0].her_id: a HER-id is a positive number"]),
        ("/parties/0/name", json!(15_868_549_960_i64), &["parties[0].name: expected a string"]),
        ("/parties/0/queues", nin(), &["parties[0].queues: expected"]),
        ("/parties/0/queues/async", json!("host/"), &["parties[0].queues.async: a queue's name"]),
        ("/parties/0/queues/extra", nin(), &["parties[0].queues.extra: no such key; expected one of `async`"]),
        ("/parties/0/15868549960", nin(), &["parties[0].?: no such key"]),
        ("/parties/0/her_id", json!(8_141_333), &["clinics[0].her_id: this HER-id is used twice"]),
        ("/clinics", nin(), &["clinics: expected a list"]),
        ("/clinics/0", nin(), &["clinics[0]: expected an object"]),
        ("/clinics/0/nhn_member", nin(), &["clinics[0].nhn_member: expected true or false"]),
        ("/clinics/0/name", json!("a\0b"), &["clinics[0].name: the character NUL"]),
        ("/clinics/0/employees/1/id", json!("kari"), &["clinics[0].employees[1].id: an id is not empty and unique"]),
        ("/clinics/0/employees/1/her_id", json!(8_141_334), &["clinics[0].employees[1].her_id: this HER-id is used twice"]),
        ("/clinics/0/employees/1", json!({ "id": "ole" }), &["clinics[0].employees[1]: name is missing"]),
        (
            "/clinics/0/groups/0/members",
            json!(["kari", "15868549960"]),
            &["clinics[0].groups[0].members[1]: this is no employee"],
        ),
        (
            "/clinics/0/groups/0/id",
            json!(""),
            &["clinics[0].groups[0].id", "RESEPTFORNYELSE.recipients[1]: this position, group"],
        ),
        ("/clinics/0/routing/15868549960", json!({ "mode": "behandler" }), &["clinics[0].routing.?: a kind is EKONTAKT"]),
        ("/clinics/0/routing/EKONTAKT/mode", nin(), &["clinics[0].routing.EKONTAKT.mode: mode is behandler, fast"]),
        (
            "/clinics/0/routing/EKONTAKT/mode",
            json!("behandler"),
            &["EKONTAKT.mode: with mode behandler no recipient can be chosen"],
        ),
        ("/clinics/0/routing/EKONTAKT/recipients", json!([]), &["EKONTAKT.mode: this mode needs at least one recipient"]),
        ("/clinics/0/routing/EKONTAKT/recipients/0", json!({ "15868549960": true }), &["EKONTAKT.recipients: no such choice"]),
        (
            "/clinics/0/routing/EKONTAKT/recipients/0",
            json!({ "role": "15868549960" }),
            &["EKONTAKT.recipients[0]: this position"],
        ),
        (
            "/clinics/0/routing/EKONTAKT/recipients/0",
            json!({ "clinic": false }),
            &["EKONTAKT.recipients[0]: the whole clinic is"],
        ),
        ("/clinics/0/patients/0/nin", json!("15868549961"), &["clinics[0].patients[0].nin: no fødselsnummer or D-nummer"]),
        ("/clinics/0/patients/0/nin", json!(15_868_549_960_i64), &["clinics[0].patients[0].nin: expected a string"]),
        ("/clinics/0/patients/1/nin", nin(), &["clinics[0].patients[1].nin: this patient is listed twice"]),
        ("/clinics/0/patients/1/fastlege", nin(), &["clinics[0].patients[1].fastlege: the fastlege is no employee"]),
        ("/clinics/0/patients/1/helsenorge", nin(), &["clinics[0].patients[1].helsenorge: expected an object"]),
        (
            "/clinics/0/patients/1/helsenorge",
            json!({ "active": "15868549960", "digital_contact_consent": true }),
            &["clinics[0].patients[1].helsenorge.active: expected true or false"],
        ),
        (
            "/clinics/0/patients/1/helsenorge",
            json!({ "active": true }),
            &["clinics[0].patients[1].helsenorge: digital_contact_consent is missing"],
        ),
        ("/clinics/0/patients/1/helsenorge/15868549960", json!(true), &["clinics[0].patients[1].helsenorge.?: no such key"]),
        ("/clinics/0/helsenorge", json!("8093244"), &["clinics[0].helsenorge: expected a whole number"]),
        ("/clinics/0/helsenorge", json!(8_093_299), &["clinics[0].helsenorge: no party with the HER-id 8093299 is set up"]),
        ("/clinics/0/patients/1", nin(), &["clinics[0].patients[1]: expected an object"]),
    ]
}

#[tokio::test]
async fn every_fault_names_its_field_and_writes_nothing() {
    let world = world().await;
    for (pointer, value, places) in faulty() {
        let ran = apply(&world, &fixture_with(&[(pointer, value)])).await.code(2).says(places);
        assert!(ran.out.is_empty() && ran.err.contains("nothing was written"), "{pointer}: {ran:#?}");
        ran.never_says(&PERSONAL).never_says(&["15868549961"]);
    }
    let many = [
        ("/clinics/0/patients/0/nin", json!("15868549961")),
        ("/clinics/0/routing/EKONTAKT/mode", json!("x")),
        ("/parties/0/queues/sync", json!("")),
    ];
    let ran = apply(&world, &fixture_with(&many)).await.code(2);
    ran.says(&["3 faults", "patients[0].nin", "routing.EKONTAKT.mode", "parties[0].queues.sync"]);
    assert_eq!(store::clinic::all_her_ids(&session(&world).await).await.unwrap(), []);
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_apart() {
    let world = world().await;
    apply(&world, "{\n \"clinics\": [{,}]\n}").await.code(2).says(&["line 2, column 15: this is no JSON"]);
    apply(&world, &" ".repeat(10 * 1024 * 1024 + 1)).await.code(2).says(&["larger than 10 MiB"]);
    dialogpost(&world, &["apply", "no-such-file.json"]).await.code(2).says(&["no-such-file.json cannot be read"]);
    let production = [("DATABASE_URL", world.database_url.as_str())];
    let refused = run(&production, &["apply", FIXTURE]).await.code(2).never_says(&PERSONAL);
    refused.says(&["patients[0].nin", "patients[1].nin", "TEST_NUMBER_SERIES"]);
}

#[tokio::test]
async fn a_her_id_of_another_clinics_employee_is_refused_by_name() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let other = json!({ "clinics": [{ "name": "Fjellbakken", "her_id": 8_141_444, "employees": [{ "id": "kari", "name": "K", "her_id": 8_141_334 }] }] });
    let refused = apply(&world, &other.to_string()).await.code(2);
    refused
        .says(&["clinics[0].employees[0].her_id: the HER-id 8141334 belongs to clinic 8141333 already", "nothing was written"]);
    dialogpost(&world, &["check", "8141444"]).await.code(2);
    // The remedy it names: the clinic that gives her up stands first.
    let mut both: Value = serde_json::from_str(&fixture_with(&[("/clinics/0/employees/0/her_id", Value::Null)])).unwrap();
    both["clinics"].as_array_mut().unwrap().push(other["clinics"][0].clone());
    apply(&world, &both.to_string()).await.code(0).says(&["Fjellbakken (8141444)"]);
}

#[tokio::test]
async fn topology_is_applied_as_often_as_you_like() {
    let world = world().await;
    let nobody = dialogpost(&world, &["topology", "apply", "--nhn-standin"]).await.code(0);
    nobody.says(&["dialogpost.helsenorge-inbound", "NHNTESTServiceBus", "run dialogpost apply FILE"]);
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let first = dialogpost(&world, &["topology", "apply", "--nhn-standin", "--json"]).await.code(0).json();
    let again = dialogpost(&world, &["topology", "apply", "--nhn-standin", "--json"]).await.code(0).json();
    assert_eq!(first, again);
    let names: Vec<_> = first["applied"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    for name in ["dialogpost", "dialogpost.dead", "dialogpost.dead-letter-keeper", "8141333_async", "8093244_dl"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let vhost = format!("/api/queues/{}/8141333_async", world.vhost);
    assert_eq!(world.rabbit().management("GET", &vhost, "").await.0, 200);
}

/// Read as anything but dialogs, a patient's message would be filed away.
#[tokio::test]
async fn the_queue_for_replies_is_no_other_queue_of_the_clinic() {
    let world = world().await;
    for (name, want) in [("8141333_async", "clinics[0].queues.syncreply"), ("", "clinics[0].syncreply_queue")] {
        let file = fixture_with(&[("/clinics/0/syncreply_queue", json!(name))]);
        apply(&world, &file).await.code(2).says(&[want]);
    }
    assert_eq!(world.number("select count(*) from dialogpost.clinic").await, 0, "nothing was written");
    let address = json!("tb.test.nhn.no/NHNTESTServiceBus/8141333_svar");
    apply(&world, &fixture_with(&[("/clinics/0/syncreply_queue", address)])).await.code(0);
    let bare = "select count(*) from dialogpost.clinic where syncreply_queue = '8141333_svar'";
    assert_eq!(world.number(bare).await, 1);
}

/// The party through which a clinic reaches HelseNorge may be set up by another file; what a file says of a patient counts from then.
#[tokio::test]
async fn whom_helsenorge_reaches_is_set_up() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let statuses = "select count(*) from dialogpost.contact_status where as_of > now() - interval '1 min' and doubted_at is null and \
        (nin = '15868549960' and active and consented or nin = '47819030045' and not active and not consented)";
    assert_eq!(world.number(statuses).await, 2);
    let alone = json!({ "clinics": [{ "name": "Fjellbakken", "her_id": 8_141_444, "helsenorge": 8_093_244 }] });
    apply(&world, &alone.to_string()).await.code(0).never_says(&["patients[].helsenorge"]);
    let named = "select count(*) from dialogpost.clinic where helsenorge = 8093244";
    assert_eq!(world.number(named).await, 1);
    apply(&world, &fixture_with(&[("/clinics/0/patients/0/helsenorge", Value::Null)])).await.code(0);
    assert_eq!(world.number("select count(*) from dialogpost.contact_status").await, 2, "what was said stays");
}
