//! Who did what, on whose data, why: a row of every command, in a chain that operators verify and tell a patient from.

use super::{LINE, TROND, of, open};
use crate::appointments::{date, day};
use e2e::{Clinic, Epj, Fleet};
use helsenorge::{Message, Wish};
use messages::command::order::Order;
use messages::event::DialogKind;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

const REASON: &str = "hun ringte";

/// Actor, action, subject, patients, reason, detail.
type Row = (String, String, String, Vec<String>, Option<String>, Option<Value>);

async fn audit(fleet: &Fleet) -> Vec<Row> {
    let sql = "select actor, action, subject, patients, reason, detail::text from dialogpost.audit
        where clinic = 8141333 and action = any($1) order by sequence";
    let row = |r: &tokio_postgres::Row| {
        let detail = r.get::<_, Option<String>>(5).map(|text| serde_json::from_str(&text).unwrap());
        (r.get(0), r.get(1), r.get(2), r.get(3), r.get(4), detail)
    };
    fleet.rows.query(sql, &[&Order::NAMES]).await.iter().map(row).collect()
}

/// What a command says of itself, and what else its row must say.
fn row(command: &Value, subject: impl ToString, patients: &[&str], detail: Option<Value>) -> Row {
    let text = |key: &str| command[key].as_str().unwrap().to_owned();
    let patients = patients.iter().map(|nin| (*nin).to_owned()).collect();
    (text("actor"), text("command"), subject.to_string(), patients, command["reason"].as_str().map(str::to_owned), detail)
}

fn because(mut command: Value) -> Value {
    command["reason"] = json!(REASON);
    command
}

fn writing(result: &Value, to: &str) -> Option<Value> {
    Some(json!({ "entry": result["entry"], "to": to, "converts": null, "appointment": null }))
}

/// The patient's dialogs and the message with a file.
async fn received(clinic: &mut Clinic) -> (Uuid, Uuid, Uuid) {
    let file = Message::ekontakt().attachment("a.pdf", "application/pdf", b"%PDF-1.7");
    clinic.send(&[file, Message::reseptfornyelse()]).await;
    clinic.helsenorge.receipts(2, e2e::PATIENCE).await.unwrap();
    let of_kind = |kind: DialogKind| format!("select id from dialogpost.dialog where kind = '{}'", kind.as_str());
    let rows = &clinic.fleet.rows;
    let contact: Uuid = rows.one(&of_kind(DialogKind::EKontakt)).await;
    let request = rows.one(&of_kind(DialogKind::Reseptfornyelse)).await;
    let entry = rows.one(&format!("select id from dialogpost.dialog_entry where dialog = '{contact}'")).await;
    (contact, request, entry)
}

/// Does every command that writes once, and gives the rows it must leave.
async fn written(epj: &Epj, contact: Uuid, request: Uuid) -> Vec<Row> {
    let mut rows = Vec::new();
    let on = |dialog: Uuid| json!({ "dialog": dialog, "text": "Hei" });
    let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei" });
    let colleagues = json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei" });
    let answer = json!({ "dialog": request, "choice": "renewed", "text": "Hei" });
    for (command, patients, to) in [
        (because(of("kari", "StartDialog", start)), vec![LINE], "helsenorge"),
        (of("kari", "StartDialog", colleagues), vec![], "colleagues"),
        (because(of("ole", "ReplyToDialog", on(contact))), vec![LINE], "helsenorge"),
        (because(of("kari", "AnswerPrescriptionRequest", answer)), vec![LINE], "helsenorge"),
    ] {
        let result = epj.done(&command).await;
        rows.push(row(&command, result["dialog"].as_str().unwrap(), &patients, writing(&result, to)));
    }
    let convert = of("kari", "ConvertDialog", json!({ "dialog": contact, "to": "EKONSULTASJON" }));
    epj.done(&convert).await;
    let converts =
        json!({ "entry": null, "to": null, "converts": { "from": "EKONTAKT", "to": "EKONSULTASJON" }, "appointment": null });
    rows.push(row(&convert, contact, &[LINE], Some(converts)));
    let close = of("siri", "CloseDialog", on(contact));
    let result = epj.done(&close).await;
    rows.push(row(&close, contact, &[LINE], writing(&result, "helsenorge")));
    let set = because(of("siri", "SetRecipients", json!({ "kind": "EKONTAKT", "mode": "behandler" })));
    epj.done(&set).await;
    rows.push(row(
        &set,
        "EKONTAKT",
        &[],
        Some(json!({ "before": { "mode": "fast", "recipients": [{ "clinic": true }] }, "rule": { "mode": "behandler" } })),
    ));
    // What is uploaded says nothing yet.
    epj.upload(8_141_333, "kari", b"%PDF-1.7").await;
    rows
}

/// Does every command that writes in a timebok once, and gives the rows it must leave.
async fn booked(fleet: &Fleet, epj: &Epj, wish: Uuid) -> Vec<Row> {
    let slot = json!({ "start": day(7, 8, 0), "appointment_type": "vanlig" });
    let release = because(of("siri", "ReleaseSlots", json!({ "timebok": "kari-bok", "slots": [slot] })));
    epj.done(&release).await;
    let mut rows = vec![row(&release, "kari-bok", &[], Some(json!({ "slots": 1, "online": true })))];
    let book = json!({ "timebok": "kari-bok", "patient": TROND, "start": day(7, 9, 0), "appointment_type": "vanlig" });
    let book = because(of("siri", "BookAppointment", book));
    let id = epj.done(&book).await["appointment"].as_str().unwrap().to_owned();
    let version = |change: &str, version: u32| Some(json!({ "change": change, "version": version }));
    rows.push(row(&book, &id, &[TROND], version("booked", 1)));
    for (n, name, more, change) in [
        (2, "MoveAppointment", json!({ "start": day(7, 10, 0) }), "moved"),
        (3, "ChangeAppointmentType", json!({ "appointment_type": "video" }), "type_changed"),
        (4, "MarkNoShow", json!({}), "no_show"),
        (5, "CancelAppointment", json!({}), "cancelled"),
    ] {
        if name == "MarkNoShow" {
            let past = "update dialogpost.appointment set starts_at = now() - interval '1 hour', ends_at = now()";
            fleet.rows.query(past, &[]).await;
        }
        let mut arguments = json!({ "appointment": id });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let command = of("siri", name, arguments);
        epj.done(&command).await;
        rows.push(row(&command, &id, &[TROND], version(change, n)));
    }
    let becomes = json!({ "type": "booked", "timebok": "kari-bok", "start": day(8, 9, 0), "appointment_type": "vanlig" });
    let answer = of("kari", "AnswerTimeonske", json!({ "dialog": wish, "becomes": becomes }));
    let result = epj.done(&answer).await;
    let appointment: Uuid = fleet.rows.one("select id from dialogpost.appointment where status = 'booked'").await;
    let mut detail = writing(&result, "helsenorge").unwrap();
    detail["appointment"] = json!(appointment);
    rows.push(row(&answer, wish, &[LINE], Some(detail)));
    rows
}

/// Asks every question once.
async fn asked(epj: &Epj, contact: Uuid, entry: Uuid) -> Vec<Row> {
    let mut rows = Vec::new();
    let fetch = json!({ "entry": entry, "number": 1, "part": 1 });
    for (command, subject, patients, detail) in [
        (of("kari", "ShowDialog", json!({ "dialog": contact })), contact.to_string(), vec![LINE], None),
        (because(of("kari", "ListDialogs", json!({ "patient": TROND }))), String::new(), vec![TROND], None),
        (of("siri", "ListDialogs", json!({})), String::new(), vec![LINE], None),
        (of("kari", "FetchAttachment", fetch), entry.to_string(), vec![LINE], Some(json!({ "number": 1, "part": 1 }))),
        (of("ole", "ShowRecipients", json!({})), String::new(), vec![], None),
        (
            of("ole", "ShowTimebok", json!({ "timebok": "kari-bok", "from": date(day(8, 0, 0)) })),
            "kari-bok".to_owned(),
            vec![LINE],
            Some(json!({ "from": date(day(8, 0, 0)), "days": 1 })),
        ),
        (of("ole", "ListAppointments", json!({ "patient": TROND })), String::new(), vec![TROND], None),
        (of("ole", "CheckContactability", json!({ "patients": [TROND, LINE] })), String::new(), vec![LINE, TROND], None),
    ] {
        epj.done(&command).await;
        rows.push(row(&command, subject, &patients, detail));
    }
    rows
}

/// Who lacks the right to what he asks is kept; who asks it badly is not.
async fn refused(epj: &Epj, contact: Uuid) -> Vec<Row> {
    let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei" });
    let set = json!({ "kind": "EKONTAKT", "mode": "behandler" });
    let mut rows = Vec::new();
    for (command, code, subject, patients) in [
        (because(of("per", "StartDialog", start)), "actor-unknown", "", vec![LINE]),
        (of("per", "ShowDialog", json!({ "dialog": contact })), "actor-unknown", &contact.to_string(), vec![LINE]),
        (because(of("kari", "SetRecipients", set)), "role-missing", "EKONTAKT", vec![]),
    ] {
        assert_eq!(epj.refused(&command).await.0, code);
        rows.push(row(&command, subject, &patients, Some(json!({ "refused": code }))));
    }
    let badly = of("kari", "ReplyToDialog", json!({ "dialog": contact, "text": " " }));
    epj.refused(&badly).await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_kept_with_who_what_whom_and_why() {
    let (mut clinic, epj) = open().await;
    let (contact, request, entry) = received(&mut clinic).await;
    let mut want = written(&epj, contact, request).await;
    clinic.send(&[Message::timeonske(Wish::New)]).await;
    let wish: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog where kind = 'TIMEONSKE'").await;
    want.extend(booked(&clinic.fleet, &epj, wish).await);
    want.extend(asked(&epj, contact, entry).await);
    want.extend(refused(&epj, contact).await);
    let kept = audit(&clinic.fleet).await;
    for (n, want) in want.iter().enumerate() {
        assert_eq!(kept.get(n), Some(want));
    }
    assert_eq!(kept.len(), want.len());
    let tried: BTreeSet<&str> = kept.iter().map(|row| row.1.as_str()).chain(["UploadAttachment"]).collect();
    assert_eq!(tried, Order::NAMES.iter().copied().collect(), "every command was tried");
    told_by_the_operator(&clinic.fleet, &kept).await;
    clinic.helsenorge.receipts(6, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}

/// The operator's own command verifies the chain, and tells a patient what concerns him.
async fn told_by_the_operator(fleet: &Fleet, kept: &[Row]) {
    let verified = dialogpost(fleet, &["audit", "verify", "--json"], "").await;
    assert_eq!(verified["intact"], true, "{verified}");
    for nin in [LINE, TROND] {
        let export = ["audit", "export", "8141333", "--patient", "--reason", "the patient asked", "--json"];
        let told = dialogpost(fleet, &export, nin).await;
        let rows =
            told["rows"].as_array().unwrap().iter().map(|r| [r["action"].clone(), r["actor"].clone(), r["reason"].clone()]);
        let rows: Vec<_> = rows.filter(|row| Order::NAMES.contains(&row[0].as_str().unwrap())).collect();
        let of_patient = kept.iter().filter(|row| row.3.iter().any(|of| of == nin));
        assert_eq!(rows, of_patient.map(|row| [json!(row.1), json!(row.0), json!(row.4)]).collect::<Vec<_>>());
    }
}

async fn dialogpost(fleet: &Fleet, arguments: &[&str], stdin: &str) -> Value {
    let mut command = fleet.command("dialogpost").await;
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{stdin}\n").as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
