//! R5, P1, P2, R6: what a clinic answers.

use super::{dialog, head, of, open, shown};
use helsenorge::Message;
use messages::event::DialogKind;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn r5_r6_an_answer_goes_back_in_the_same_conversation() {
    let (mut clinic, epj) = open().await;
    let question = Message::ekonsultasjon().to_doctor(8_141_333, 8_141_335).guardian("05840399895", "Mor", "Danser");
    let sent = clinic.send(&[question]).await.remove(0);
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let seen = shown(&epj, dialog).await;
    assert_eq!(seen["entries"][0]["guardian"]["name"], "Mor Danser");
    assert!(seen["title"].as_str().unwrap().contains("helsenorge.no"), "R1");
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Ta to om dagen" }))).await;
    let head = head(&clinic.sent().await);
    let conversation = head.conversation_ref.unwrap();
    assert_eq!(conversation.ref_to_parent, Some(sent.msg_id.clone()), "as it was written");
    assert_eq!(conversation.ref_to_conversation, Some(sent.msg_id.clone()));
    assert_eq!(head.sender.unwrap().level_2_her_id(), Some("8141335"), "from whom the patient wrote to");
    let journal = "select direction || '/' || author from dialogpost.journal_entry order by entry";
    assert_eq!(clinic.fleet.rows.column::<String>(journal).await, ["in/Mor Danser", "out/Kari Lunde"], "K1");
    let again = Message::svar().of_kind(messages::event::DialogKind::EKonsultasjon).in_conversation(&sent.msg_id, &sent.msg_id);
    clinic.send(&[again]).await;
    clinic.receipt().await;
    let seen = shown(&epj, dialog).await;
    assert_eq!((&seen["messages"], &seen["entries"][1]["state"]["state"]), (&json!(3), &json!("answered")), "S5");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p2_a_prescription_request_gets_exactly_one_answer() {
    let (mut clinic, epj) = open().await;
    clinic
        .send(&[Message::reseptfornyelse().prescription("Paralgin forte", "N02AJ06", "A").prescription("Zyrtec", "R06AE07", "C")])
        .await;
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let seen = shown(&epj, dialog).await;
    let wanted: Vec<_> =
        seen["entries"][0]["prescriptions"].as_array().unwrap().iter().map(|p| (p["name"].clone(), p["atc"].clone())).collect();
    assert_eq!(wanted, [(json!("Paralgin forte"), json!("N02AJ06")), (json!("Zyrtec"), json!("R06AE07"))]);
    let mut attempts = JoinSet::new();
    for choice in ["renewed", "cannot_be_renewed", "rejected", "partly_renewed"].into_iter().cycle().take(24) {
        let epj = clinic.epj().await;
        let answer = json!({ "dialog": dialog, "choice": choice, "text": "Hentes på apoteket" });
        attempts.spawn(async move { (choice, epj.ask(&of("kari", "AnswerPrescriptionRequest", answer)).await) });
    }
    let answers = attempts.join_all().await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, answer)| answer["outcome"] == "done");
    assert_eq!((done.len(), refused.len()), (1, 23));
    assert!(refused.iter().all(|(_, answer)| answer["refusal"]["code"] == "already-answered"));
    let head = head(&clinic.sent().await);
    let entry = domain::entry::from_head(&head).unwrap();
    let code = match done[0].0 {
        "renewed" => "14",
        "cannot_be_renewed" => "15",
        "rejected" => "26",
        _ => "32",
    };
    assert_eq!((entry.code.as_deref(), entry.prescriptions.len()), (Some(code), 2), "with what it is about");
    assert_eq!(shown(&epj, dialog).await["entries"][1]["choice"], done[0].0);
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 0, "K2");
    let reply = of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" }));
    assert_eq!(epj.refused(&reply).await.0, "kind-unfit");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_each_choice_reaches_helsenorge_under_its_code() {
    let (mut clinic, epj) = open().await;
    for (choice, code) in [("renewed", "14"), ("cannot_be_renewed", "15"), ("rejected", "26"), ("partly_renewed", "32")] {
        let request = Message::reseptfornyelse().prescription("Zyrtec", "R06AE07", "C");
        let request = clinic.send(&[request]).await.remove(0);
        clinic.receipt().await;
        let sql = format!("select id from dialogpost.dialog where conversation = '{}'", request.msg_id);
        let dialog: Uuid = clinic.fleet.rows.one(&sql).await;
        let arguments = json!({ "dialog": dialog, "choice": choice, "text": "Svar" });
        epj.done(&of("kari", "AnswerPrescriptionRequest", arguments)).await;
        let head = head(&clinic.sent().await);
        assert_eq!(domain::entry::from_head(&head).unwrap().code.as_deref(), Some(code), "{choice}");
        assert_eq!(head.msg_type.unwrap().v.as_deref(), Some("DIALOG_INNBYGGER_RESEPTFORNYELSE"));
        assert_eq!(head.conversation_ref.unwrap().ref_to_parent, Some(request.msg_id), "{choice}");
        assert_eq!(shown(&epj, dialog).await["entries"][1]["choice"], choice);
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_request_is_shown_with_all_that_is_asked_for() {
    let (mut clinic, epj) = open().await;
    let whole = Message::reseptfornyelse().prescription("Paralgin forte tab 400 mg/30 mg", "N02AJ06", "A");
    let free = Message::reseptfornyelse().text("Den vanlige medisinen min");
    let mut entries = Vec::new();
    for message in [whole, free] {
        let sent = clinic.send(&[message]).await.remove(0);
        clinic.receipt().await;
        let sql = format!("select id from dialogpost.dialog where conversation = '{}'", sent.msg_id);
        entries.push(shown(&epj, clinic.fleet.rows.one(&sql).await).await["entries"][0].clone());
    }
    let prescription = json!({
        "name": "Paralgin forte tab 400 mg/30 mg",
        "atc": "N02AJ06",
        "dosage": "1 tablett morgen og kveld",
        "group": "A",
        "prescribed": "2025-02-10",
        "expires": "2026-02-10",
    });
    assert_eq!(entries[0]["prescriptions"], json!([prescription]));
    assert_eq!(entries[1]["text"], "Den vanlige medisinen min");
    assert_eq!(entries[1].get("prescriptions"), None, "a request in free text names none: {}", entries[1]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_that_is_closed_takes_no_more_until_the_patient_writes() {
    let (mut clinic, epj) = open().await;
    let sent = clinic.send(&[Message::ekontakt()]).await.remove(0);
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    epj.done(&of("kari", "CloseDialog", json!({ "dialog": dialog }))).await;
    let head = head(&clinic.sent().await);
    assert_eq!(domain::entry::from_head(&head).unwrap().code.as_deref(), Some("13"));
    for (name, arguments) in [
        ("ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" })),
        ("CloseDialog", json!({ "dialog": dialog })),
        ("ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" })),
    ] {
        assert_eq!(
            epj.refused(&of("kari", name, arguments)).await,
            ("dialog-closed".into(), "arguments.dialog".into()),
            "{name}"
        );
    }
    clinic.send(&[Message::svar().in_conversation(&sent.msg_id, &sent.msg_id)]).await;
    clinic.receipt().await;
    let seen = shown(&epj, dialog).await;
    assert_eq!((&seen["closed"], &seen["flagged"], &seen["messages"]), (&json!(false), &json!(true), &json!(3)));
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei igjen" }))).await;
    clinic.sent().await;
    clinic.close().await;
}

/// An answer without a reference to its conversation joins the newest open one (message-formats 2.4).
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_reference_joins_what_the_clinic_began() {
    let (mut clinic, epj) = open().await;
    let result = epj.done(&super::start()).await;
    clinic.sent().await;
    clinic.send(&[Message::svar().text("Takk")]).await;
    clinic.receipt().await;
    let dialog: Uuid = result["dialog"].as_str().unwrap().parse().unwrap();
    let seen = shown(&epj, dialog).await;
    assert_eq!((&seen["messages"], &seen["entries"][1]["from"]), (&json!(2), &json!("patient")));
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    clinic.close().await;
}

/// Of those that are open the newest; when none is, the answer is a conversation of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_reference_joins_no_closed_dialog_and_the_newest_of_several() {
    let (mut clinic, epj) = open().await;
    let mut begun = Vec::<Uuid>::new();
    for _ in 0..3 {
        begun.push(epj.done(&super::start()).await["dialog"].as_str().unwrap().parse().unwrap());
        clinic.sent().await;
    }
    // The newest is closed, so that the one before it is the newest; and so on until there is none.
    for n in (0..3).rev() {
        clinic.send(&[Message::svar().text("Takk")]).await;
        clinic.receipt().await;
        let of_each: Vec<i32> = clinic.fleet.rows.column("select entries from dialogpost.dialog order by opened_at").await;
        let want: Vec<i32> = (0..3).map(|place| 1 + i32::from(place == n) + 2 * i32::from(place > n)).collect();
        assert_eq!(of_each, want);
        epj.done(&of("kari", "CloseDialog", json!({ "dialog": begun[n] }))).await;
        clinic.sent().await;
    }
    clinic.send(&[Message::svar().text("Takk igjen")]).await;
    clinic.receipt().await;
    let apart = "select flagged from dialogpost.dialog where not id = any($1) and entries = 1 and closed_at is null";
    assert_eq!(clinic.fleet.rows.query(apart, &[&begun]).await.len(), 1, "a conversation of its own");
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog where closed_at is not null").await, 3, "none is opened again");
    clinic.close().await;
}

/// HelseNorge writes in the conversation of a request too: that asks for nothing, and no answer is one to it.
#[tokio::test(flavor = "multi_thread")]
async fn p2_a_note_is_no_request() {
    let (mut clinic, epj) = open().await;
    // A mixture comes without a code.
    let request = Message::reseptfornyelse().prescription("Hudkrem", "D02AC", "C").replacing("V=\"D02AC\" ", "");
    let request = clinic.send(&[request]).await.remove(0);
    clinic.receipt().await;
    let note =
        || Message::svar().of_kind(DialogKind::Reseptfornyelse).in_conversation(&request.msg_id, &request.msg_id).text("Haster");
    clinic.send(&[note()]).await;
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let answer = || of("kari", "AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": "renewed", "text": "Fornyet" }));
    epj.done(&answer()).await;
    let head = head(&clinic.sent().await);
    let prescriptions = domain::entry::from_head(&head).unwrap().prescriptions;
    assert_eq!((prescriptions.len(), prescriptions[0].atc.is_none()), (1, true));
    assert_eq!(head.conversation_ref.unwrap().ref_to_parent, Some(request.msg_id.clone()), "the request is answered");
    clinic.send(&[note()]).await;
    clinic.receipt().await;
    assert_eq!(epj.refused(&answer()).await.0, "already-answered");
    clinic.close().await;
}
