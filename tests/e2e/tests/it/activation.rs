//! J1–J3: when a clinic takes part, who of it offers what, and that nothing waits for anybody to fetch it.

use crate::commands::{LINE, head, of, open, shown};
use e2e::{Clinic, Epj};
use helsenorge::{Message, Receipt};
use messages::event::DialogKind;
use serde_json::{Value, json};
use uuid::Uuid;

/// What `dialogpost check` says, and its exit code.
async fn checked(clinic: &Clinic) -> (Option<i32>, Value) {
    let mut command = clinic.fleet.command("dialogpost").await;
    let output = command.args(["check", "8141333", "--json"]).output().await.unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code(), said.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// HelseNorge's message, and the error of the receipt that it gets.
async fn answered(clinic: &mut Clinic, message: Message) -> Option<String> {
    clinic.send(&[message]).await;
    let receipt = clinic.receipt().await.apprec.unwrap();
    receipt.errors.first().and_then(|error| error.v.clone())
}

fn begin(actor: &str) -> Value {
    of(actor, "StartDialog", json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei" }))
}

async fn all_say_yes(clinic: &mut Clinic, epj: &Epj) {
    assert_eq!(answered(clinic, Message::ekontakt()).await, None);
    epj.done(&begin("kari")).await;
    clinic.sent().await;
    let (code, said) = checked(clinic).await;
    assert_eq!((code, &said["missing"]), (Some(0), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn j1_messages_commands_and_check_all_go_by_the_same_rule() {
    let (mut clinic, epj) = open().await;
    all_say_yes(&mut clinic, &epj).await;
    let setup = include_str!("../../../fixtures/clinic.json");
    for (lacking, code) in [
        ("update dialogpost.clinic set nhn_member = false", "nhn-membership"),
        ("update dialogpost.clinic set digital_dialog_ordered = false", "digital-dialog-order"),
        ("update dialogpost.employee set services = '{}'", "service"),
        ("update dialogpost.employee set her_id = null where id = 'ole'", "employee-her-id"),
    ] {
        clinic.fleet.rows.query(lacking, &[]).await;
        assert_eq!(answered(&mut clinic, Message::ekontakt()).await.as_deref(), Some("E21"), "{code}");
        assert_eq!(epj.refused(&begin("kari")).await, ("clinic-not-ready".into(), "clinic".into()), "{code}");
        let (exit, said) = checked(&clinic).await;
        assert_eq!((exit, &said["missing"][0]["code"]), (Some(1), &json!(code)));
        clinic.fleet.apply(setup).await;
    }
    all_say_yes(&mut clinic, &epj).await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_messages_commands_and_check_all_go_by_the_same_rule() {
    let (mut clinic, epj) = open().await;
    let requested = || Message::reseptfornyelse().prescription("Zyrtec", "R06AE07", "C");
    assert_eq!(answered(&mut clinic, requested()).await, None);
    let request: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog").await;
    let withdraw = "update dialogpost.employee set services = array_remove(services, $1)";
    clinic.fleet.rows.query(withdraw, &[&"RESEPTFORNYELSE"]).await;
    assert_eq!(answered(&mut clinic, requested()).await.as_deref(), Some("X99"), "nobody offers it any more");
    let (code, said) = checked(&clinic).await;
    assert_eq!((code, &said["rules_for_what_nobody_offers"][0]["rule"]), (Some(0), &json!("RESEPTFORNYELSE")));
    let answer = json!({ "dialog": request, "choice": "renewed", "text": "Fornyet" });
    epj.done(&of("kari", "AnswerPrescriptionRequest", answer)).await;
    clinic.sent().await;

    let sent = clinic.send(&[Message::ekontakt()]).await.remove(0);
    clinic.receipt().await;
    let contact: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog where kind = 'EKONTAKT'").await;
    clinic.fleet.rows.query("update dialogpost.employee set services = '{EKONTAKT}' where id = 'ole'", &[]).await;
    let convert = |actor: &str| of(actor, "ConvertDialog", json!({ "dialog": contact, "to": "EKONSULTASJON" }));
    let at_to = ("service-not-offered".to_owned(), "arguments.to".to_owned());
    assert_eq!(epj.refused(&convert("ole")).await, at_to, "he does not offer it");
    let refused = "select actor || '/' || (detail ->> 'refused') from dialogpost.audit where action = 'ConvertDialog'";
    assert_eq!(clinic.fleet.rows.column::<String>(refused).await, ["ole/service-not-offered"]);
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 0);
    epj.done(&convert("siri")).await;
    clinic.fleet.rows.query(withdraw, &[&"EKONSULTASJON"]).await;
    let again = Message::svar().of_kind(DialogKind::EKonsultasjon).in_conversation(&sent.msg_id, &sent.msg_id);
    assert_eq!(answered(&mut clinic, again).await.as_deref(), Some("X99"));
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": contact, "text": "Svar" }))).await;
    clinic.sent().await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_keeps_every_command_from_helsenorge() {
    let (clinic, epj) = open().await;
    let other = r#"{"parties": [{"her_id": 8093299, "name": "En annen", "queues":
        {"async": "8093299_async", "sync": "8093299_sync", "error": "8093299_error"}}]}"#;
    clinic.fleet.apply(other).await;
    assert_eq!(epj.refused(&begin("kari")).await, ("helsenorge-unknown".into(), "clinic".into()));
    let lack = |said: &Value| said["missing"][0].clone();
    let (code, said) = checked(&clinic).await;
    assert_eq!((code, &lack(&said)["code"]), (Some(1), &json!("helsenorge-unnamed")));
    assert!(lack(&said)["remedy"].as_str().unwrap().contains("name HelseNorge's HER-id as helsenorge"), "{said}");
    clinic.fleet.rows.query("update dialogpost.clinic set helsenorge = 8093244", &[]).await;
    assert_eq!(checked(&clinic).await.0, Some(0));
    epj.done(&begin("kari")).await;
    clinic.sent().await;
    clinic.close().await;
}

/// A patient's message appears, and what the clinic writes or decides takes effect, without anybody fetching, sending or restarting anything.
#[tokio::test(flavor = "multi_thread")]
async fn j3_nobody_has_to_do_anything_for_messages_and_changes_to_cross() {
    let (mut clinic, epj) = open().await;
    let heard = epj.listen("dialog-received.*.8141333").await;
    clinic.helsenorge.send(&Message::ekontakt()).await.unwrap();
    let appeared = heard.next().await["dialog"].clone();
    clinic.receipt().await;
    clinic.fleet.until("select count(*) from dialogpost.inbox_item where employee = 'ole'", 1).await;
    let inbox = epj.done(&of("ole", "ListDialogs", json!({}))).await;
    assert_eq!((&inbox["dialogs"][0]["dialog"], &inbox["dialogs"][0]["inbox"]["items"]), (&appeared, &json!(1)));

    let begun: Uuid = epj.done(&begin("siri")).await["dialog"].as_str().unwrap().parse().unwrap();
    let got = head(&clinic.sent().await);
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'awaiting_receipt'", 1).await;
    assert_eq!(shown(&epj, begun).await["entries"][0]["state"]["state"], "sent");
    clinic.helsenorge.send(&Receipt::for_message(&got.msg_id.unwrap()).to_message()).await.unwrap();
    clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'receipted'", 1).await;
    assert_eq!(shown(&epj, begun).await["entries"][0]["state"]["state"], "receipted", "and its receipt is taken in");

    let to_lab = json!({ "kind": "EKONTAKT", "mode": "fast", "recipients": [{ "position": "lab" }] });
    epj.done(&of("siri", "SetRecipients", to_lab)).await;
    clinic.send(&[Message::ekontakt().text("Etter endringen")]).await;
    clinic.receipt().await;
    let whose = "select employee from dialogpost.inbox_item i join dialogpost.dialog_entry e on e.id = i.entry
        where e.text = 'Etter endringen'";
    assert_eq!(clinic.fleet.rows.column::<String>(whose).await, ["siri"]);
    clinic.close().await;
}
