//! What is hidden in a clinic's commands, done and refused, with an answer's queue and without.

use super::booking;
use super::planting::Planter;
use e2e::Fleet;
use e2e::epj::{COMMANDS, Epj, QUESTIONS, command};
use helsenorge::SyntheticPatient;
use helsenorge::example::SOLBAKKEN;
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) fn of(name: &str, arguments: Value) -> Value {
    command(name, SOLBAKKEN, "kari", arguments)
}

/// Gives each command at least once, with a value wherever people write something.
pub(super) async fn give(fleet: &Fleet, planter: &mut Planter, patient: &SyntheticPatient) {
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let mut given = BTreeSet::new();
    for command in good(fleet, &epj, planter, patient).await {
        given.insert(command["command"].as_str().unwrap().to_owned());
        epj.done(&command).await;
    }
    let about_timeboker = booking::give(fleet, &epj, planter, patient).await;
    given.extend(about_timeboker.iter().map(|command| command["command"].as_str().unwrap().to_owned()));
    given.extend(["UploadAttachment".to_owned(), "SetRecipients".to_owned()]);
    assert_eq!(given, Order::NAMES.iter().map(|name| (*name).to_owned()).collect(), "each was given");
    for command in bad(planter, patient).into_iter().chain(booking::bad(planter, patient)) {
        assert_eq!(epj.ask_anyhow(COMMANDS, &command).await.body["outcome"], "refused", "{}", command["command"]);
        // Told to whoever listens, or a dead letter when not even the clinic can be read.
        epj.tell(&command).await;
    }
    let text = planter.say("a command that is no JSON");
    epj.send_raw(QUESTIONS, text.as_bytes(), "1").await;
    assert_eq!(epj.next().await.body["refusal"]["code"], "not-json");
    fleet.until("select count(*) from dialogpost.outbox", 0).await;
}

async fn good(fleet: &Fleet, epj: &Epj, planter: &mut Planter, patient: &SyntheticPatient) -> Vec<Value> {
    let file = format!("%PDF-1.7 {}", planter.say("command: file"));
    let upload = epj.upload(SOLBAKKEN, "kari", file.as_bytes()).await;
    let name = format!("{}.pdf", planter.canaries.word("command: file name"));
    let start = json!({ "kind": "EDIALOG", "patient": patient.nin, "subject": planter.say("command: subject"),
        "text": planter.say("command: text"), "attachments": [{ "file_name": name, "upload": upload }] });
    let written = epj.done(&of("StartDialog", start.clone())).await;
    let (dialog, entry) = (written["dialog"].clone(), written["entry"].clone());
    let of_kind = |kind: &str| format!("select id from dialogpost.dialog where kind = '{kind}' order by opened_at limit 1");
    let contact: Uuid = fleet.rows.one(&of_kind("EKONTAKT")).await;
    let request: Uuid = fleet.rows.one(&of_kind("RESEPTFORNYELSE")).await;
    let other = json!({ "kind": "EDIALOG", "patient": patient.nin, "subject": planter.say("another subject"), "text": "Hei" });
    vec![
        of("StartDialog", other),
        of("ReplyToDialog", json!({ "dialog": dialog, "text": planter.say("command: reply") })),
        of("ReplyToDialog", json!({ "dialog": contact, "text": planter.say("command: reply on HelseNorge") })),
        of(
            "AnswerPrescriptionRequest",
            json!({ "dialog": request, "choice": "rejected", "text": planter.say("command: answer to a request") }),
        ),
        of("ConvertDialog", json!({ "dialog": contact, "to": "EKONSULTASJON" })),
        of("ShowDialog", json!({ "dialog": dialog })),
        of("ShowRecipients", json!({})),
        of("ListDialogs", json!({ "patient": patient.nin })),
        of("FetchAttachment", json!({ "entry": entry, "number": 1 })),
        of("CheckContactability", json!({ "patients": [patient.nin, planter.person("command: somebody").nin] })),
        of("CloseDialog", json!({ "dialog": dialog, "text": planter.say("command: last word") })),
    ]
}

fn bad(planter: &mut Planter, patient: &SyntheticPatient) -> Vec<Value> {
    let start = json!({ "kind": "EKONTAKT", "patient": patient.nin, "subject": "Hei", "text": "Hei" });
    let with = |place: &str, value: Value| {
        let mut whole = of("StartDialog", start.clone());
        *whole.pointer_mut(place).unwrap() = value;
        whole
    };
    let markup = format!("<b>{}</b>", planter.say("refused: markup"));
    let too_long = planter.say("refused: too long").repeat(1000);
    let subject = format!("{}\n", planter.say("refused: subject"));
    let mut unknown_field = of("StartDialog", start.clone());
    unknown_field["arguments"][planter.canaries.word("refused: name of a field")] = json!(planter.say("refused: unknown field"));
    let nobody =
        json!({ "kind": "EDIALOG", "colleagues": [planter.canaries.word("refused: colleague")], "subject": "a", "text": "b" });
    vec![
        with("/arguments/text", json!(markup)),
        with("/arguments/text", json!(too_long)),
        with("/arguments/text", json!({ "text": planter.say("refused: wrong type") })),
        with("/arguments/subject", json!(subject)),
        with("/arguments/kind", json!(planter.say("refused: kind"))),
        with("/arguments/patient", json!(planter.person("refused: unknown patient").nin)),
        with("/arguments/patient", json!(planter.say("refused: no number"))),
        with("/clinic", json!(planter.say("refused: clinic"))),
        with("/id", json!(planter.say("refused: id"))),
        with("/command", json!(planter.say("refused: name of a command"))),
        with("/arguments/text", json!("HelseNorge is not asked, so nobody knows")),
        unknown_field,
        of("StartDialog", nobody),
        of(
            "SetRecipients",
            json!({ "kind": "EKONTAKT", "mode": "fast", "recipients": [{ "group": planter.say("refused: group") }] }),
        ),
        of("ShowDialog", json!({ "dialog": planter.say("refused: dialog") })),
    ]
}
