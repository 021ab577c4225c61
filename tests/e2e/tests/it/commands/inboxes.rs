//! S5, R4: what lies in whose inbox, as a journal system sees it that asks for lists and dialogs alone.

use super::following::{HELSENORGE, US, ours};
use super::{LINE, head, of, open, start};
use e2e::{Clinic, Epj};
use helsenorge::{ErrorMessage, Message, Receipt};
use serde_json::{Value, json};

const NONE: [Value; 0] = [];

async fn list(epj: &Epj, actor: &str, arguments: Value) -> Vec<Value> {
    epj.done(&of(actor, "ListDialogs", arguments)).await["dialogs"].as_array().unwrap().clone()
}

fn turned_down() -> Value {
    json!({ "only": "turned_down" })
}

/// Kari begins a dialog, and HelseNorge gets it.
async fn begun(clinic: &Clinic, epj: &Epj) -> (Value, String) {
    let done = epj.done(&start()).await;
    (done, head(&clinic.sent().await).msg_id.unwrap())
}

/// With a code that says nothing of the patient: HelseNorge is not asked about him anew.
async fn reject(clinic: &mut Clinic, id: &str) {
    let rejection = Receipt::for_message(id).between(HELSENORGE, US).rejected("E21", "Mottaker finnes ikke");
    clinic.publish(&[ours(rejection.to_message().build())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_who_wrote_it_finds_a_rejection_by_lists_alone_and_nobody_else_does() {
    let (mut clinic, epj) = open().await;
    let told = epj.listen("dialog-turned-down.8141333").await;
    let (first, id) = begun(&clinic, &epj).await;
    let (second, _) = begun(&clinic, &epj).await;
    let order = |dialogs: &[Value]| dialogs.iter().map(|d| d["dialog"].clone()).collect::<Vec<_>>();
    assert_eq!(order(&list(&epj, "kari", json!({})).await), [&second, &first].map(|d| d["dialog"].clone()));
    assert_eq!(list(&epj, "kari", turned_down()).await, NONE);
    reject(&mut clinic, &id).await;
    let told = told.next().await;
    assert_eq!(
        [&told["entry"], &told["dialog"]],
        [&first["entry"], &first["dialog"]],
        "whoever listens is told which message it is"
    );
    clinic.fleet.settle(1).await;
    let all = list(&epj, "kari", json!({})).await;
    assert_eq!(order(&all), [&first, &second].map(|d| d["dialog"].clone()), "it moves up");
    let inbox = &all[0]["inbox"];
    assert_eq!([&inbox["items"], &inbox["turned_down"], &inbox["guessed"]], [&json!(1), &json!(1), &json!(false)]);
    assert_eq!(inbox["newest_at"], all[0]["newest_at"]);
    assert!(all[1].get("inbox").is_none(), "what is sent lies in nobody's inbox");
    assert_eq!(order(&list(&epj, "kari", turned_down()).await), [first["dialog"].clone()]);
    let after = json!({ "after": first["dialog"], "limit": 1 });
    assert_eq!(order(&list(&epj, "kari", after).await), [second["dialog"].clone()], "and is not listed twice");
    // A colleague did not write it: it is not in his inbox, though he may look at the patient's dialogs.
    for colleague in ["ole", "siri"] {
        assert_eq!(list(&epj, colleague, json!({})).await, NONE);
        assert_eq!(list(&epj, colleague, turned_down()).await, NONE);
        let of_patient = list(&epj, colleague, json!({ "patient": LINE })).await;
        assert_eq!(order(&of_patient), order(&all));
        assert!(of_patient.iter().all(|dialog| dialog.get("inbox").is_none()));
    }
    let entry = |seen: &Value| seen["dialog"]["entries"][0].clone();
    let look = |actor: &str| of(actor, "ShowDialog", json!({ "dialog": first["dialog"] }));
    let seen = entry(&epj.done(&look("kari")).await);
    assert_eq!((&seen["inbox"]["via"], &seen["inbox"]["turned_down"]), (&json!(["turned-down"]), &json!(true)));
    let why = &seen["state"]["reasons"][0];
    assert_eq!((&why["code"], &why["norwegian"]), (&json!("E21"), &json!("Mottakeren finnes ikke.")));
    let others = entry(&epj.done(&look("ole")).await);
    assert_eq!((&others["state"], others.get("inbox")), (&seen["state"], None));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_an_error_message_is_found_too_and_told_in_words() {
    let (mut clinic, epj) = open().await;
    let done = epj.done(&start()).await;
    let received = clinic.sent().await;
    let error = ErrorMessage::about(&received.properties).condition("transport:expired-certificate", "Utløpt");
    clinic.publish(&[ours(error.build())]).await;
    clinic.fleet.until("select count(*) from dialogpost.inbox_item where 'turned-down' = any(via)", 1).await;
    let listed = list(&epj, "kari", turned_down()).await;
    assert_eq!(listed[0]["dialog"], done["dialog"]);
    let seen = super::shown(&epj, done["dialog"].as_str().unwrap().parse().unwrap()).await;
    let state = &seen["entries"][0]["state"];
    assert_eq!((&state["state"], &state["code"]), (&json!("failed"), &json!("transport:expired-certificate")));
    assert_eq!(state["reasons"][0]["norwegian"], "Et sertifikat er utløpt.");
    clinic.close().await;
}

/// Two who look at the same dialog at once each see their own inbox.
#[tokio::test(flavor = "multi_thread")]
async fn r4_what_came_by_a_guess_says_so() {
    let (mut clinic, epj) = open().await;
    clinic.fleet.rows.query("update dialogpost.patient set fastlege = 'borte'", &[]).await;
    clinic.send(&[Message::ekonsultasjon()]).await;
    clinic.receipt().await;
    clinic.send(&[Message::ekontakt()]).await;
    clinic.receipt().await;
    let listed = list(&epj, "siri", json!({})).await;
    let guessed: Vec<_> = listed.iter().map(|d| (d["kind"].as_str().unwrap(), d["inbox"]["guessed"].clone())).collect();
    assert_eq!(guessed, [("EKONTAKT", json!(false)), ("EKONSULTASJON", json!(true))]);
    let (dialog, other) = (listed[1]["dialog"].clone(), clinic.epj().await);
    clinic.fleet.rows.query("delete from dialogpost.inbox_item where employee = 'ole'", &[]).await;
    let look = |actor: &str| of(actor, "ShowDialog", json!({ "dialog": dialog }));
    let (siris, oles) = (look("siri"), look("ole"));
    let (siris, oles) = tokio::join!(epj.done(&siris), other.done(&oles));
    assert_eq!(siris["dialog"]["entries"][0]["inbox"]["via"], json!(["fallback:clinic"]));
    assert!(oles["dialog"]["entries"][0].get("inbox").is_none() && oles["dialog"].get("inbox").is_none());
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_requests_that_wait_for_an_answer_are_listed_until_they_have_it() {
    let (mut clinic, epj) = open().await;
    clinic.send(&[Message::ekontakt()]).await;
    clinic.receipt().await;
    clinic.send(&[Message::reseptfornyelse().prescription("Zyrtec", "R06AE07", "C")]).await;
    clinic.receipt().await;
    let waiting = json!({ "only": "unanswered_request" });
    let listed = list(&epj, "siri", waiting.clone()).await;
    assert_eq!((listed.len(), &listed[0]["kind"], &listed[0]["unanswered"]), (1, &json!("RESEPTFORNYELSE"), &json!(true)));
    let answer = json!({ "dialog": listed[0]["dialog"], "choice": "renewed", "text": "Fornyet" });
    epj.done(&of("kari", "AnswerPrescriptionRequest", answer)).await;
    clinic.sent().await;
    assert_eq!(list(&epj, "siri", waiting).await, NONE);
    let all = list(&epj, "siri", json!({})).await;
    assert!(all.len() == 2 && all.iter().all(|dialog| dialog["unanswered"] == false));
    let unknown = of("siri", "ListDialogs", json!({ "only": "everything" }));
    assert_eq!(epj.refused(&unknown).await, ("field-malformed".into(), "arguments.only".into()));
    clinic.close().await;
}
