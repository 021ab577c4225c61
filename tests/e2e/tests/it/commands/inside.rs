//! S1, S4: E-dialogs, which never leave the house.

use super::{LINE, TROND, of, open, shown};
use serde_json::{Value, json};
use uuid::Uuid;

fn start(arguments: Value) -> Value {
    let mut whole = json!({ "kind": "EDIALOG", "subject": "Møte", "text": "Kl. 12" });
    whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    of("kari", "StartDialog", whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_an_e_dialog_to_a_patient_lies_in_the_portal() {
    let (clinic, epj) = open().await;
    // Trond is no active user of HelseNorge: that does not matter here.
    let result = epj.done(&start(json!({ "patient": TROND }))).await;
    let dialog: Uuid = result["dialog"].as_str().unwrap().parse().unwrap();
    epj.done(&of("siri", "ReplyToDialog", json!({ "dialog": dialog, "text": "Kl. 13 likevel" }))).await;
    let portal = "select e.text from dialogpost.portal_item i join dialogpost.dialog_entry e on e.id = i.entry
        join dialogpost.patient p on p.id = i.patient where p.nin = '47819030045' order by e.sequence";
    assert_eq!(clinic.fleet.rows.column::<String>(portal).await, ["Kl. 12", "Kl. 13 likevel"]);
    let seen = shown(&epj, dialog).await;
    assert_eq!((&seen["title"], &seen["kind"]), (&json!("E-dialog: Møte"), &json!("EDIALOG")));
    assert_eq!(seen["entries"][1]["state"]["state"], "internal");
    epj.done(&of("kari", "CloseDialog", json!({ "dialog": dialog }))).await;
    assert_eq!(epj.refused(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" }))).await.0, "dialog-closed");
    assert_eq!(clinic.fleet.rows.count("dialogpost.message").await, 0, "HelseNorge never sees it");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_an_e_dialog_between_colleagues_is_theirs_alone() {
    let (clinic, epj) = open().await;
    let result = epj.done(&start(json!({ "colleagues": ["ole", "ole", "kari"] }))).await;
    let dialog: Uuid = result["dialog"].as_str().unwrap().parse().unwrap();
    let inbox = "select employee || '/' || array_to_string(via, ',') from dialogpost.inbox_item order by 1";
    assert_eq!(clinic.fleet.rows.column::<String>(inbox).await, ["ole/colleague"]);
    epj.done(&of("ole", "ReplyToDialog", json!({ "dialog": dialog, "text": "Ja" }))).await;
    assert_eq!(clinic.fleet.rows.column::<String>(inbox).await, ["kari/colleague", "ole/colleague"]);
    for (name, arguments) in [
        ("ShowDialog", json!({ "dialog": dialog })),
        ("ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" })),
        ("CloseDialog", json!({ "dialog": dialog })),
        ("ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" })),
    ] {
        assert_eq!(epj.refused(&of("siri", name, arguments)).await.0, "dialog-unknown", "{name}");
    }
    let in_vain = "select count(*) from dialogpost.audit where actor = 'siri' and detail ->> 'refused' = 'dialog-unknown'";
    assert_eq!(clinic.fleet.rows.one::<i64>(in_vain).await, 4, "who looks where he may not is kept");
    let listed = |actor| of(actor, "ListDialogs", json!({}));
    assert_eq!(epj.done(&listed("siri")).await["dialogs"], json!([]));
    assert_eq!(epj.done(&listed("ole")).await["dialogs"][0]["dialog"], json!(dialog));
    assert_eq!(epj.done(&listed("kari")).await["dialogs"][0]["title"], "E-dialog: Møte");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_an_e_dialog_can_be_to() {
    let (clinic, epj) = open().await;
    for (arguments, code, field) in [
        (json!({}), "recipient-missing", "arguments.colleagues"),
        (json!({ "colleagues": ["kari"] }), "recipient-missing", "arguments.colleagues"),
        (json!({ "colleagues": ["ole", "per"] }), "recipient-unknown", "arguments.colleagues[1]"),
        (json!({ "colleagues": ["ole"], "patient": LINE }), "patient-unwanted", "arguments.patient"),
    ] {
        assert_eq!(epj.refused(&start(arguments.clone())).await, (code.to_owned(), field.to_owned()), "{arguments}");
    }
    clinic.close().await;
}

/// HelseNorge notices whom it carries messages to; for an E-dialog the notice is ours to give.
#[tokio::test(flavor = "multi_thread")]
async fn s4_notices_are_ours_for_e_dialogs_alone() {
    let (clinic, epj) = open().await;
    let heard = epj.listen("#").await;
    epj.done(&super::start()).await;
    clinic.sent().await;
    let dialog = epj.done(&start(json!({ "patient": TROND }))).await["dialog"].clone();
    let mut kinds = Vec::new();
    loop {
        let event = heard.next().await;
        kinds.push(event["kind"].as_str().unwrap().to_owned());
        if event["kind"] == "EDialogWritten" {
            assert_eq!(event["dialog"], dialog);
            assert!(event["patient"].is_string() && !event.to_string().contains(TROND), "by our own id: {event}");
            break;
        }
    }
    kinds.sort();
    assert_eq!(kinds, ["DialogSent", "EDialogWritten", "MessageWritten"]);
    clinic.close().await;
}
