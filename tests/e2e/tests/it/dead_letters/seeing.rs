//! What is shown of dead letters, to whom, and what is not.

use super::*;
use e2e::epj::COMMANDS;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn o3_they_are_found_by_worker_cause_clinic_kind_and_age() {
    let mut clinic = forgotten().await;
    died(&mut clinic, vec![Message::ekontakt(), Message::reseptfornyelse()]).await;
    let found = async |options: &[&str]| {
        let list = letters(&clinic.fleet, &[&["list", "--json"], options].concat()).await.code(0).json();
        list["dead_letters"].as_array().unwrap().len()
    };
    let table: [(&[&str], usize); 10] = [
        (&[], 2),
        (&["--worker", "helsenorge-inbound"], 2),
        (&["--worker", "recipient-routing"], 0),
        (&["--cause", "sender-unknown"], 2),
        (&["--clinic", "8141333"], 2),
        (&["--clinic", "8141444"], 0),
        (&["--kind", "DIALOG_INNBYGGER_RESEPTFORNYELSE"], 1),
        (&["--older", "1h"], 0),
        (&["--newer", "1h"], 2),
        (&["--state", "discarded"], 0),
    ];
    for (options, want) in table {
        assert_eq!(found(options).await, want, "{options:?}");
    }
    letters(&clinic.fleet, &["list", "--older", "soon"]).await.code(2);
    clinic.close().await;
}

/// Whoever breaks the glass says why, for a time, and every look is in the audit.
#[tokio::test(flavor = "multi_thread")]
async fn o3_a_body_is_shown_for_a_reason_and_a_time() {
    let mut clinic = forgotten().await;
    let sent = died(&mut clinic, vec![Message::ekontakt()]).await;
    let id = open_letters(&clinic.fleet).await.remove(0).to_string();
    let body = |more: &'static [&'static str]| {
        let (fleet, id) = (&clinic.fleet, id.clone());
        async move { letters(fleet, &[&["show", &id, "--body"], more].concat()).await }
    };
    let patient = String::from_utf8(sent[0].body.to_vec()).unwrap();
    assert!(patient.contains(helsenorge::example::LINE.nin));
    let refused = body(&[]).await.code(1);
    assert!(!refused.out.contains(helsenorge::example::LINE.nin) && refused.out.contains("--reason"), "{refused:?}");
    assert_eq!(body(&["--reason", "HelseNorge asks"]).await.code(0).out.trim(), patient.trim());
    body(&[]).await.code(0);
    body(&["--actor", "ole"]).await.code(1);
    clinic.fleet.rows.query("update dialogpost.dead_letter_grant set until = now()", &[]).await;
    body(&[]).await.code(1);
    let audited: Vec<String> = clinic
        .fleet
        .rows
        .column("select actor || ': ' || reason from dialogpost.audit where action = 'dead-letter-body-shown' order by sequence")
        .await;
    assert_eq!(audited, ["kari: HelseNorge asks", "kari: HelseNorge asks"]);
    clinic.close().await;
}

/// A command whose caller was told that nothing was done may have been given anew: it is not replayed.
#[tokio::test(flavor = "multi_thread")]
async fn o3_what_its_caller_was_told_of_is_not_replayed() {
    let clinic = Clinic::open().await;
    let epj = clinic.epj().await;
    // Whatever is written now fails.
    clinic.fleet.rows.query("alter table dialogpost.dialog add constraint nothing check (false) not valid", &[]).await;
    let arguments = json!({ "kind": "EKONTAKT", "patient": crate::commands::LINE, "subject": "Hei", "text": "Hei" });
    assert_eq!(epj.refused(&crate::commands::of("kari", "StartDialog", arguments)).await.0, "internal-error", "{COMMANDS}");
    let (plan, said) = planned(&clinic.fleet, &[]).await;
    assert_eq!((plan.as_str(), &said["letters"][0]["blocked"]["code"]), ("", &json!("caller-told")));
    assert_eq!(said["letters"][0]["kind"], "StartDialog");
    clinic.close().await;
}
