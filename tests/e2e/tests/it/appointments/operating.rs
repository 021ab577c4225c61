//! What an operator sees of appointments, without who the patient is.

use super::{day, open};
use crate::commands::{TROND, of};
use e2e::Clinic;
use serde_json::{Value, json};

/// What `dialogpost` prints, and its exit code.
async fn dialogpost(clinic: &Clinic, arguments: &[&str]) -> (String, Option<i32>) {
    let output = clinic.fleet.command("dialogpost").await.args(arguments).output().await.unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Every version and notice of an appointment, by its ids and its notices'; and those that are left over in a timebok that is no more.
#[tokio::test(flavor = "multi_thread")]
async fn o1_what_patients_were_told_is_shown() {
    let (clinic, epj) = open().await;
    let arguments = json!({ "timebok": "kari-bok", "patient": TROND, "start": day(7, 9, 0), "appointment_type": "vanlig" });
    let id = epj.done(&of("siri", "BookAppointment", arguments)).await["appointment"].as_str().unwrap().to_owned();
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'sms'", 1).await;
    let rows = &clinic.fleet.rows;
    let ids = "select id::text from dialogpost.notification union all select uid::text from dialogpost.appointment";
    let others: Vec<String> = rows.column(ids).await;
    for id in others.iter().chain([&id]) {
        let (text, code) = dialogpost(&clinic, &["show", id]).await;
        assert_eq!(code, Some(0), "{text}");
        for said in ["of clinic 8141333", "version 1, vanlig, by siri", "booked of version 1, sms, due", "reminder due"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        for person in [TROND, "Harboe", "+4799900002"] {
            assert!(!text.contains(person), "{text}");
        }
    }
    let (text, _) = dialogpost(&clinic, &["show", &id, "--json"]).await;
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&shown["found"], &shown["told"][0]["what"], &shown["told"][0]["id"]),
        (&json!([]), &json!("appointment"), &json!(id))
    );

    let (text, _) = dialogpost(&clinic, &["check", "8141333"]).await;
    assert!(!text.contains("no longer names"), "{text}");
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    setup["clinics"][0]["timeboker"] = json!([]);
    clinic.fleet.apply(&setup.to_string()).await;
    let (text, _) = dialogpost(&clinic, &["check", "8141333"]).await;
    assert!(text.contains("no longer names") && text.contains("│ kari-bok ┆ 1 "), "{text}");
    clinic.close().await;
}
