//! S1, S2, S4: what a clinic begins.

use super::{LINE, TROND, head, of, open, shown, start};
use domain::entry;
use e2e::epj::QUESTIONS;
use e2e::{Clinic, Fleet, WORKERS};
use helsenorge::{ACTIVE, DigitalUsers, Receipt, synthetic_patients};
use serde_json::json;
use uuid::Uuid;

const US: (i64, i64) = (8_141_334, 115_900);
const HELSENORGE: (i64, i64) = (8_093_244, 115_851);

#[tokio::test(flavor = "multi_thread")]
async fn s1_an_ekontakt_is_begun_sent_and_receipted() {
    let (clinic, epj) = open().await;
    let result = epj.done(&start()).await;
    let received = clinic.sent().await;
    let head = head(&received);
    let entry = entry::from_head(&head).unwrap();
    assert_eq!(head.msg_type.as_ref().unwrap().v.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(head.msg_id.as_deref(), result["entry"].as_str());
    assert_eq!((head.conversation_ref.is_none(), entry.code.as_deref()), (true, Some("HE")), "it begins a conversation");
    assert_eq!(
        (entry.text.expose().as_str(), entry.subject.unwrap().expose().as_str()),
        ("Alt er fint.\n\nHilsen Kari", "Prøvesvar")
    );
    assert_eq!(head.sender.unwrap().level_2_her_id(), Some("8141334"), "from the doctor who offers it");
    assert_eq!(head.patient.unwrap().national_id().unwrap().expose(), LINE);
    let dialog: Uuid = result["dialog"].as_str().unwrap().parse().unwrap();
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'awaiting_receipt' or state = 'sent'", 1).await;
    let seen = shown(&epj, dialog).await;
    assert_eq!((&seen["title"], &seen["kind"]), (&json!("eKontakt – helsenorge.no: Prøvesvar"), &json!("EKONTAKT")));
    assert_eq!((&seen["entries"][0]["state"]["state"], &seen["entries"][0]["author"]), (&json!("sent"), &json!("kari")));
    let receipt =
        Receipt::for_message(head.msg_id.as_deref().unwrap()).between(HELSENORGE, US).to_message().on_queue("8141333_async");
    clinic.helsenorge.send(&receipt).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'receipted'", 1).await;
    assert_eq!(shown(&epj, dialog).await["entries"][0]["state"]["state"], "receipted");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_k1_an_ekonsultasjon_is_begun_and_journaled() {
    let (clinic, epj) = open().await;
    let arguments = json!({ "kind": "EKONSULTASJON", "patient": LINE, "subject": "Blodprøve", "text": "Ta den på nytt" });
    epj.done(&of("kari", "StartDialog", arguments)).await;
    let head = head(&clinic.sent().await);
    assert_eq!(head.msg_type.unwrap().v.as_deref(), Some("DIALOG_INNBYGGER_EKONSULTASJON"));
    let journal = "select direction || '/' || author || '/' || subject || '/' || text from dialogpost.journal_entry";
    assert_eq!(clinic.fleet.rows.column::<String>(journal).await, ["out/Kari Lunde/Blodprøve/Ta den på nytt"]);
    clinic.close().await;
}

/// Who offers no service writes for the clinic; who offers some does not offer what is not registered (J2).
#[tokio::test(flavor = "multi_thread")]
async fn j2_who_may_begin_what() {
    let (clinic, epj) = open().await;
    let by = |actor: &str, kind: &str| {
        of(actor, "StartDialog", json!({ "kind": kind, "patient": LINE, "subject": "Hei", "text": "Hei" }))
    };
    epj.done(&by("siri", "EKONTAKT")).await;
    assert_eq!(head(&clinic.sent().await).sender.unwrap().level_2_her_id(), Some("8141333"), "for the clinic");
    let only_contact = r#"update dialogpost.employee set services = '{EKONTAKT}' where id = 'ole'"#;
    clinic.fleet.rows.query(only_contact, &[]).await;
    assert_eq!(epj.refused(&by("ole", "EKONSULTASJON")).await, ("service-not-offered".into(), "arguments.kind".into()));
    clinic.fleet.rows.query("update dialogpost.clinic set digital_dialog_ordered = false", &[]).await;
    assert_eq!(epj.refused(&by("kari", "EKONTAKT")).await, ("clinic-not-ready".into(), "clinic".into()), "J1");
    let whom = of("kari", "CheckContactability", json!({ "patients": [LINE] }));
    assert_eq!(epj.refused(&whom).await.0, "clinic-not-ready", "HelseNorge is asked of nobody");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_only_whom_helsenorge_reaches() {
    let (clinic, epj) = open().await;
    let to =
        |nin: &str| of("kari", "StartDialog", json!({ "kind": "EKONTAKT", "patient": nin, "subject": "Hei", "text": "Hei" }));
    let at = |code: &str| (code.to_owned(), "arguments.patient".to_owned());
    assert_eq!(epj.refused(&to(TROND)).await, at("patient-not-active"));
    assert_eq!(epj.refused(&to("15868549961")).await, at("patient-number"));
    assert_eq!(epj.refused(&to("29820099840")).await, at("patient-unknown"));
    let status = "update dialogpost.contact_status set active = $1, consented = $2, as_of = as_of - $3::int * interval '1 hour'";
    for (active, consented, hours, code) in
        [(true, false, 0, "patient-not-consented"), (true, true, 25, "contactability-unknown")]
    {
        clinic.fleet.rows.query(status, &[&active, &consented, &hours]).await;
        assert_eq!(epj.refused(&to(LINE)).await, at(code));
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 0, "nothing is stored as sent");
    clinic.fleet.until("select count(*) from dialogpost.contact_status where asked_at is not null", 1).await;
    let received = clinic.sent().await;
    assert_eq!(head(&received).msg_type.unwrap().v.as_deref(), Some("DIALOG_INNBYGGER_DIGITALBRUKER"), "it is asked meanwhile");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_an_epj_asks_before_it_opens_the_editor() {
    let (clinic, epj) = open().await;
    let patients = [LINE, TROND, "15868549961"];
    let result =
        epj.ask_on(QUESTIONS, &of("siri", "CheckContactability", json!({ "patients": patients }))).await["result"].clone();
    let told: Vec<_> = result["patients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            (p["patient"].as_str().unwrap(), p["contactable"].as_str().unwrap(), p["reason"]["code"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(told, [(LINE, "yes", ""), (TROND, "no", "patient-not-active"), ("15868549961", "no", "patient-number")]);
    clinic.close().await;
}

/// A clinic may choose to write to those of whom nobody knows. While HelseNorge says nothing, nothing is known.
#[tokio::test(flavor = "multi_thread")]
async fn s2_whoever_may_be_reached_is_written_to_where_the_clinic_has_chosen_so() {
    super::by_the_schemas();
    let mut fleet = Fleet::new().await;
    fleet.settings.insert("CONTACT_UNKNOWN", "allow".to_owned());
    fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    let clinic = Clinic::of(fleet).await;
    let epj = clinic.epj().await;
    let whom = || of("kari", "CheckContactability", json!({ "patients": [LINE] }));
    for _ in 0..2 {
        let told = epj.ask_on(QUESTIONS, &whom()).await["result"]["patients"][0].clone();
        assert_eq!((&told["contactable"], &told["reason"]["code"]), (&json!("unknown"), &json!("contactability-unknown")));
        assert_eq!(told.get("as_of"), None);
        let asked = "select count(*) from dialogpost.contact_status where asked_at is not null";
        clinic.fleet.until(asked, 1).await;
    }
    let function = |received| head(&received).msg_type.unwrap().v.unwrap();
    assert_eq!(function(clinic.sent().await), "DIALOG_INNBYGGER_DIGITALBRUKER", "it is asked once, and does not answer");
    epj.done(&start()).await;
    assert_eq!(function(clinic.sent().await), "DIALOG_INNBYGGER_EKONTAKT");
    // What is known is not unknown.
    let known = "update dialogpost.contact_status set active = false, consented = false, as_of = now()";
    clinic.fleet.rows.query(known, &[]).await;
    assert_eq!(epj.refused(&start()).await.0, "patient-not-active");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_thousand_patients_are_asked_about_at_once() {
    let (mut clinic, epj) = open().await;
    let patients: Vec<String> = synthetic_patients(1000).into_iter().map(|patient| patient.nin).collect();
    let users = DigitalUsers::default();
    patients.iter().step_by(2).for_each(|nin| users.set(nin, ACTIVE));
    let whom = of("siri", "CheckContactability", json!({ "patients": patients }));
    let told = |result: serde_json::Value| -> Vec<(String, String)> {
        let text = |of: &serde_json::Value, key: &str| of[key].as_str().unwrap().to_owned();
        result["patients"].as_array().unwrap().iter().map(|p| (text(p, "patient"), text(p, "contactable"))).collect()
    };
    let all = |of: &dyn Fn(usize) -> &'static str| -> Vec<(String, String)> {
        patients.iter().enumerate().map(|(n, nin)| (nin.clone(), of(n).to_owned())).collect()
    };
    assert_eq!(told(epj.done(&whom).await), all(&|_| "unknown"));
    let question = clinic.sent().await;
    clinic.send(&[users.answer(&question).unwrap()]).await;
    clinic.receipt().await;
    assert_eq!(told(epj.done(&whom).await), all(&|n| ["yes", "no"][n % 2]));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_what_is_not_yet_sent_is_shown_as_queued() {
    super::by_the_schemas();
    let all_but_outbound: Vec<_> = WORKERS.into_iter().filter(|worker| worker.name != "helsenorge-outbound").collect();
    let clinic = Clinic::with(Fleet::new().await, &all_but_outbound).await;
    let epj = clinic.epj().await;
    let dialog: Uuid = epj.done(&start()).await["dialog"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown(&epj, dialog).await["entries"][0]["state"], json!({ "state": "queued" }));
    let outbound = clinic.fleet.start_with(&[helsenorge_outbound::WORKER], runtime::probe::Probe::default());
    clinic.sent().await;
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'queued'", 0).await;
    assert_eq!(shown(&epj, dialog).await["entries"][0]["state"], json!({ "state": "sent" }));
    outbound.stop().await;
    clinic.close().await;
}
