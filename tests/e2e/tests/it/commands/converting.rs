//! K3, P3: dialogs that go on under another kind.

use super::{dialog, head, of, open, shown};
use helsenorge::Message;
use messages::event::DialogKind;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn k3_a_thread_that_is_converted_is_journaled_whole_and_from_then_on() {
    let (mut clinic, epj) = open().await;
    let sent = clinic.send(&[Message::ekontakt().text("Første")]).await.remove(0);
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Andre" }))).await;
    clinic.sent().await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 0);
    let convert = of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }));
    assert_eq!(epj.done(&convert).await, json!({ "type": "converted", "dialog": dialog, "journaled": 2 }));
    assert_eq!(
        epj.refused(&of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }))).await.0,
        "already-converted"
    );
    assert_eq!(epj.done(&convert).await["journaled"], 2, "the same command gets the same answer");
    // HelseNorge may go on under the old kind, or the new one: it is one thread.
    let svar = |text: &str| Message::svar().in_conversation(&sent.msg_id, &sent.msg_id).text(text);
    clinic.send(&[svar("Tredje")]).await;
    clinic.receipt().await;
    clinic.send(&[svar("Fjerde").of_kind(DialogKind::EKonsultasjon)]).await;
    clinic.receipt().await;
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Femte" }))).await;
    let head = head(&clinic.sent().await);
    assert_eq!(head.msg_type.unwrap().v.as_deref(), Some("DIALOG_INNBYGGER_EKONSULTASJON"));
    let journal =
        "select j.text from dialogpost.journal_entry j join dialogpost.dialog_entry e on e.id = j.entry order by e.sequence";
    assert_eq!(clinic.fleet.rows.column::<String>(journal).await, ["Første", "Andre", "Tredje", "Fjerde", "Femte"]);
    let seen = shown(&epj, dialog).await;
    assert!(seen["title"].as_str().unwrap().starts_with("eKonsultasjon – helsenorge.no"), "{seen}");
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_the_answer_to_a_prescription_request_becomes_another_dialog() {
    for (to, function, journaled) in
        [("EKONTAKT", "DIALOG_INNBYGGER_EKONTAKT", 0), ("EKONSULTASJON", "DIALOG_INNBYGGER_EKONSULTASJON", 2)]
    {
        let (mut clinic, epj) = open().await;
        clinic.send(&[Message::reseptfornyelse().prescription("Paralgin forte", "N02AJ06", "A")]).await;
        clinic.receipt().await;
        let dialog = dialog(&clinic).await;
        let arguments = json!({ "dialog": dialog, "to": to, "text": "Dette må vi snakke om" });
        let result = epj.done(&of("kari", "ConvertDialog", arguments.clone())).await;
        assert_eq!(result["journaled"], journaled);
        let head = head(&clinic.sent().await);
        assert_eq!(head.msg_type.unwrap().v.as_deref(), Some(function));
        assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, journaled);
        let answer = json!({ "dialog": dialog, "choice": "renewed", "text": "Hei" });
        assert_eq!(epj.refused(&of("kari", "AnswerPrescriptionRequest", answer)).await.0, "kind-unfit", "it has its answer");
        clinic.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k3_a_conversation_keeps_one_dialog_of_a_kind() {
    let (mut clinic, epj) = open().await;
    let sent = clinic.send(&[Message::ekontakt()]).await.remove(0);
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let beside = Message::ekonsultasjon().in_conversation(&sent.msg_id, &sent.msg_id);
    clinic.send(&[beside]).await;
    clinic.receipt().await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 2);
    let convert = of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }));
    assert_eq!(epj.refused(&convert).await, ("kind-taken".into(), "arguments.to".into()));
    clinic.close().await;
}

/// HelseNorge goes on under the kind that it was last told of, which need be neither the first nor the present one.
#[tokio::test(flavor = "multi_thread")]
async fn k3_p3_what_comes_under_any_former_kind_is_of_the_thread() {
    let (mut clinic, epj) = open().await;
    let sent = clinic.send(&[Message::reseptfornyelse().prescription("Paralgin forte", "N02AJ06", "A")]).await.remove(0);
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let convert = |to, text: Option<&str>| {
        let mut arguments = json!({ "dialog": dialog, "to": to });
        text.into_iter().for_each(|text| arguments["text"] = json!(text));
        of("kari", "ConvertDialog", arguments)
    };
    epj.done(&convert("EKONTAKT", Some("Dette må vi snakke om"))).await;
    clinic.sent().await;
    epj.done(&convert("EKONSULTASJON", None)).await;
    for kind in [DialogKind::EKontakt, DialogKind::Reseptfornyelse, DialogKind::EKonsultasjon] {
        let svar = Message::svar().in_conversation(&sent.msg_id, &sent.msg_id);
        clinic.send(&[svar.of_kind(kind).text(kind.as_str())]).await;
        clinic.receipt().await;
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 5);
    // Without a reference it is the newest open one of any of its kinds.
    clinic.send(&[Message::svar().of_kind(DialogKind::EKontakt)]).await;
    clinic.receipt().await;
    assert_eq!(
        (clinic.fleet.rows.count("dialogpost.dialog").await, shown(&epj, dialog).await["entries"].as_array().unwrap().len()),
        (1, 6)
    );
    clinic.close().await;
}
