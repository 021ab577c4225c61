//! What bad input gets: a code, the field, a sentence in two languages; nothing half stored. And what a repeated command gets.

use super::{LINE, TABLES, dialog, of, open, start};
use e2e::Fleet;
use e2e::epj::{COMMANDS, Epj};
use helsenorge::Message;
use serde_json::{Value, json};

async fn stored(clinic: &e2e::Clinic) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(clinic.fleet.rows.count(&format!("dialogpost.{table}")).await);
    }
    counts
}

fn with(mut command: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    command.pointer_mut(parent).unwrap()[key] = value;
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_code_and_field_and_leaves_nothing() {
    let (mut clinic, epj) = open().await;
    clinic.send(&[Message::ekontakt()]).await;
    clinic.receipt().await;
    let dialog = dialog(&clinic).await;
    let before = stored(&clinic).await;
    let reply = |text: &str| of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": text }));
    let long = "å".repeat(30_001);
    let table = [
        (with(start(), "/version", json!(2)), "version-unknown", "version"),
        (with(start(), "/command", json!("StopDialog")), "command-unknown", "command"),
        (with(start(), "/colour", json!("red")), "field-unknown", "colour"),
        (with(start(), "/arguments/colour", json!("red")), "field-unknown", "arguments.colour"),
        (with(start(), "/arguments/kind", json!("RESEPTFORNYELSE")), "field-malformed", "arguments.kind"),
        (with(start(), "/clinic", json!(8_141_999)), "clinic-unknown", "clinic"),
        (with(start(), "/actor", json!("per")), "actor-unknown", "actor"),
        (with(start(), "/arguments/text", json!("")), "text-empty", "arguments.text"),
        (with(start(), "/arguments/text", json!("<b>Hei</b>")), "text-markup", "arguments.text"),
        (with(start(), "/arguments/text", json!(long)), "text-too-long", "arguments.text"),
        (with(start(), "/arguments/subject", json!("to\nlinjer")), "text-control", "arguments.subject"),
        (with(start(), "/arguments/colleagues", json!(["ole"])), "recipient-unwanted", "arguments.colleagues"),
        (with(start(), "/arguments/patient", Value::Null), "patient-missing", "arguments.patient"),
        (reply("\u{0}"), "text-control", "arguments.text"),
        // What the database cannot hold is refused before it is asked.
        (with(start(), "/actor", json!("kari\u{0}")), "field-malformed", "actor"),
        (with(start(), "/actor", json!("")), "field-malformed", "actor"),
        (with(start(), "/actor", json!("k".repeat(65))), "field-malformed", "actor"),
        (with(start(), "/reason", json!("\u{0}")), "field-malformed", "reason"),
        (with(start(), "/reason", json!("x".repeat(401))), "field-malformed", "reason"),
        (with(start(), "/arguments/patient", json!("1586854996\u{0}")), "patient-number", "arguments.patient"),
        (of("kari", "ListDialogs", json!({ "patient": "\u{0}" })), "patient-unknown", "arguments.patient"),
        (
            of("kari", "ReplyToDialog", json!({ "dialog": uuid::Uuid::new_v4(), "text": "Hei" })),
            "dialog-unknown",
            "arguments.dialog",
        ),
        (of("kari", "CloseDialog", json!({ "dialog": dialog, "text": " " })), "text-empty", "arguments.text"),
        (
            of("kari", "AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": "renewed", "text": "Hei" })),
            "kind-unfit",
            "arguments.dialog",
        ),
        (of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONTAKT" })), "kind-unfit", "arguments.dialog"),
        (of("kari", "CheckContactability", json!({ "patients": [] })), "too-few", "arguments.patients"),
        (of("kari", "CheckContactability", json!({ "patients": vec![LINE; 1001] })), "too-many", "arguments.patients"),
        (of("kari", "ListDialogs", json!({ "patient": "29820099840" })), "patient-unknown", "arguments.patient"),
        (of("kari", "ListDialogs", json!({ "limit": 201 })), "too-many", "arguments.limit"),
    ];
    for (command, code, field) in table {
        assert_eq!(epj.refused(&command).await, (code.to_owned(), field.to_owned()), "{}", command["command"]);
    }
    assert_eq!(stored(&clinic).await, before);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_answered_or_a_dead_letter() {
    let (clinic, epj) = open().await;
    epj.send_raw(COMMANDS, b"\xff no JSON", "a").await;
    let reply = epj.next().await;
    assert_eq!((reply.correlation.as_str(), reply.body["refusal"]["code"].as_str()), ("a", Some("not-json")));
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, 0, "its sender knows");
    epj.tell(&json!("nothing to go by")).await;
    clinic.fleet.until("select count(*) from dialogpost.dead_letter where code = 'command-unreadable'", 1).await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_again_has_one_effect_and_the_same_answer() {
    let (clinic, epj) = open().await;
    let command = start();
    let first = epj.ask_anyhow(COMMANDS, &command).await;
    clinic.sent().await;
    for _ in 0..3 {
        let again = epj.ask_anyhow(COMMANDS, &command).await;
        assert_eq!((&again.body, &again.message_id), (&first.body, &first.message_id));
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    let other = with(command.clone(), "/arguments/text", json!("Noe annet"));
    assert_eq!(epj.refused(&other).await, ("id-reused".into(), "id".into()));
    let by_another = with(command, "/actor", json!("ole"));
    assert_eq!(epj.refused(&by_another).await.0, "id-reused");
    clinic.close().await;
}

/// Nobody waits for an answer: whoever listens is told that it is done, and nothing of what it says.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_reply_to_the_outcome_is_an_event() {
    let (clinic, epj) = open().await;
    let heard = epj.listen("command-answered.8141333").await;
    epj.tell(&start()).await;
    let event = heard.next().await;
    assert_eq!(
        (&event["kind"], &event["outcome"], &event["clinic"]),
        (&json!("CommandAnswered"), &json!("done"), &json!(8_141_333))
    );
    assert!(event["dialog"].is_string() && !event.to_string().contains("Prøvesvar"));
    clinic.sent().await;
    epj.tell(&of("kari", "ListDialogs", json!({}))).await;
    assert_eq!(heard.next().await["refusal"]["code"], "reply-to-missing");
    clinic.close().await;
}

/// What fails through our fault is answered too, each time alike; the operators have it as a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_is_answered() {
    super::by_the_schemas();
    let fleet = Fleet::new().await;
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let running = fleet.start();
    let ill = "alter table dialogpost.dialog_entry add constraint ill check (text <> 'x')";
    fleet.rows.query(ill, &[]).await;
    let command = with(start(), "/arguments/text", json!("x"));
    let before = epj.ask_anyhow(COMMANDS, &command).await;
    assert_eq!(before.body["refusal"]["code"], "internal-error", "{}", before.body);
    fleet.rows.query("alter table dialogpost.dialog_entry drop constraint ill", &[]).await;
    let again = epj.ask_anyhow(COMMANDS, &command).await;
    assert_eq!((&again.message_id, &again.body), (&before.message_id, &before.body));
    let letters = "select worker || ' ' || code from dialogpost.dead_letter";
    assert_eq!(fleet.rows.column::<String>(letters).await, ["clinic-commands database-refused-content"]);
    assert_eq!(fleet.rows.count("dialogpost.dialog").await, 0);
    epj.done(&start()).await;
    // Not even the refusal could be kept with it.
    fleet.rows.query("delete from dialogpost.command where answer ->> 'outcome' = 'refused'", &[]).await;
    assert_eq!(epj.refused(&command).await.0, "internal-error");
    running.stop().await;
}
