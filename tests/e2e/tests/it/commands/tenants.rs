//! No command of one clinic reads or changes anything of another, and none tells that the other's things exist.

use super::{LINE, TABLES, TROND, dialog, of, open};
use crate::appointments::{date, day};
use e2e::epj::{COMMANDS, command};
use e2e::{Clinic, Epj};
use helsenorge::example::SOLBAKKEN_PARENT;
use helsenorge::{Message, Wish};
use messages::command::order::Order;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The neighbour, who employs people of the same names, and has Line as a patient too.
const NEIGHBOUR: i64 = 8_142_000;

fn setup() -> String {
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    let mut clinic = setup["clinics"][0].take();
    clinic["her_id"] = json!(NEIGHBOUR);
    clinic["name"] = json!("Nabolegene");
    clinic["patients"].as_array_mut().unwrap().truncate(1);
    for (n, employee) in clinic["employees"].as_array_mut().unwrap().iter_mut().enumerate() {
        employee["her_id"] = json!(NEIGHBOUR + 1 + n as i64);
    }
    json!({ "clinics": [clinic] }).to_string()
}

/// A refusal as its caller gets it, but for the id of the command and the time.
async fn refusal(epj: &Epj, command: &Value) -> Value {
    let mut answer = epj.ask_anyhow(COMMANDS, command).await.body;
    assert_eq!(answer["outcome"], "refused", "{answer}");
    let whole = answer.as_object_mut().unwrap();
    assert!(whole.remove("command").is_some() && whole.remove("at").is_some());
    answer
}

/// What a clinic has that another could name.
struct Things {
    dialog: Uuid,
    entry: Uuid,
    upload: Uuid,
    patient: &'static str,
    wish: Uuid,
    appointment: Uuid,
    timebok: &'static str,
    appointment_type: &'static str,
}

/// What the neighbour has itself.
struct Own {
    dialog: Uuid,
    wish: Uuid,
    appointment: Uuid,
}

/// Each command that names something, once for each thing it can name.
fn naming(things: &Things, own: &Own) -> Vec<(&'static str, Value)> {
    let Things { dialog, entry, upload, patient, .. } = things;
    let files = json!([{ "file_name": "a.pdf", "upload": upload }]);
    vec![
        ("StartDialog", json!({ "kind": "EKONTAKT", "patient": patient, "subject": "Hei", "text": "Hei" })),
        ("StartDialog", json!({ "kind": "EDIALOG", "patient": patient, "subject": "Hei", "text": "Hei" })),
        (
            "StartDialog",
            json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei", "attachments": files }),
        ),
        ("StartDialog", json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei", "attachments": files })),
        ("ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" })),
        ("ReplyToDialog", json!({ "dialog": own.dialog, "text": "Hei", "attachments": files })),
        ("CloseDialog", json!({ "dialog": dialog })),
        ("AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": "renewed", "text": "Hei" })),
        ("ConvertDialog", json!({ "dialog": dialog, "to": "EKONTAKT", "text": "Hei" })),
        ("ShowDialog", json!({ "dialog": dialog })),
        ("ListDialogs", json!({ "patient": patient })),
        ("ListDialogs", json!({ "after": dialog })),
        ("FetchAttachment", json!({ "entry": entry, "number": 1 })),
    ]
}

/// The same of timebøker.
fn naming_appointments(things: &Things, own: &Own) -> Vec<(&'static str, Value)> {
    let Things { patient, wish, appointment, timebok, appointment_type, .. } = things;
    let at = day(20, 9, 0);
    let book = |timebok: &str, patient: &str, of_type: &str| json!({ "timebok": timebok, "patient": patient, "start": at, "appointment_type": of_type });
    let slots =
        |timebok: &str, of_type: &str| json!({ "timebok": timebok, "slots": [{ "start": at, "appointment_type": of_type }] });
    let becomes = |wish: &Uuid, becomes: Value| json!({ "dialog": wish, "becomes": becomes, "text": "Hei" });
    let booked = json!({ "type": "booked", "timebok": timebok, "start": at, "appointment_type": "vanlig" });
    let moved = json!({ "type": "moved", "appointment": appointment, "start": at });
    vec![
        ("ReleaseSlots", slots(timebok, "vanlig")),
        ("ReleaseSlots", slots("kari-bok", appointment_type)),
        ("ShowTimebok", json!({ "timebok": timebok, "from": date(at) })),
        ("ListAppointments", json!({ "patient": patient })),
        ("BookAppointment", book(timebok, LINE, "vanlig")),
        ("BookAppointment", book("kari-bok", patient, "vanlig")),
        ("BookAppointment", book("kari-bok", LINE, appointment_type)),
        ("MoveAppointment", json!({ "appointment": appointment, "start": at })),
        ("MoveAppointment", json!({ "appointment": own.appointment, "start": at, "timebok": timebok })),
        ("CancelAppointment", json!({ "appointment": appointment })),
        ("CancelAppointment", json!({ "appointment": appointment, "version": 7 })),
        ("ChangeAppointmentType", json!({ "appointment": appointment, "appointment_type": "video" })),
        ("ChangeAppointmentType", json!({ "appointment": own.appointment, "appointment_type": appointment_type })),
        ("MarkNoShow", json!({ "appointment": appointment })),
        ("AnswerTimeonske", becomes(wish, moved.clone())),
        ("AnswerTimeonske", becomes(&own.wish, moved)),
        ("AnswerTimeonske", becomes(&own.wish, json!({ "type": "cancelled", "appointment": appointment }))),
        ("AnswerTimeonske", becomes(&own.wish, booked)),
    ]
}

/// All that Solbakken can have: dialogs of each kind, files, somebody at the portal, appointments.
async fn furnish(clinic: &mut Clinic, epj: &Epj) -> Things {
    clinic.send(&[Message::reseptfornyelse().attachment("a.pdf", "application/pdf", b"%PDF-1.7")]).await;
    clinic.receipt().await;
    let dialog = dialog(clinic).await;
    let entry: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog_entry").await;
    let start = |more: Value| {
        let mut whole = json!({ "subject": "Hei", "text": "Hei" });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of("kari", "StartDialog", whole)
    };
    epj.done(&start(json!({ "kind": "EDIALOG", "colleagues": ["ole"] }))).await;
    epj.done(&start(json!({ "kind": "EDIALOG", "patient": TROND }))).await;
    epj.done(&start(json!({ "kind": "EKONSULTASJON", "patient": LINE }))).await;
    clinic.sent().await;
    clinic.fleet.settle(0).await;
    let upload = epj.upload(8_141_333, "kari", b"%PDF-1.7").await;
    let (wish, appointment) = book(clinic, epj).await;
    let (timebok, appointment_type) = ("ole-bok", "lang");
    Things { dialog, entry, upload, patient: TROND, wish, appointment, timebok, appointment_type }
}

/// A wish that is answered, one that waits, and an appointment, beside a timebok and a type that the neighbour does not have.
async fn book(clinic: &mut Clinic, epj: &Epj) -> (Uuid, Uuid) {
    let rows = &clinic.fleet.rows;
    rows.query("insert into dialogpost.timebok values (8141333, 'ole-bok', 'ole', true)", &[]).await;
    let long = "insert into dialogpost.appointment_type values (8141333, 'lang', 'Lang time', 40, 'oppmote', false, true)";
    rows.query(long, &[]).await;
    let mut wishes = Vec::new();
    for _ in 0..2 {
        clinic.send(&[Message::timeonske(Wish::Change)]).await;
        clinic.receipt().await;
        wishes.push(newest_dialog(clinic).await);
    }
    let book = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(7, 9, 0), "appointment_type": "vanlig" });
    let appointment = epj.done(&of("siri", "BookAppointment", book)).await["appointment"].as_str().unwrap().parse().unwrap();
    clinic.sent().await;
    let moved = json!({ "type": "moved", "appointment": appointment, "start": day(7, 10, 0) });
    epj.done(&of("kari", "AnswerTimeonske", json!({ "dialog": wishes[0], "becomes": moved }))).await;
    clinic.sent().await;
    clinic.fleet.settle(0).await;
    (wishes[1], appointment)
}

async fn newest_dialog(clinic: &Clinic) -> Uuid {
    clinic.fleet.rows.one("select id from dialogpost.dialog order by opened_at desc limit 1").await
}

/// What the neighbour has of its own: a dialog, a wish that waits, an appointment.
async fn own(clinic: &mut Clinic, epj: &Epj) -> Own {
    let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei" });
    let dialog = epj.done(&command("StartDialog", NEIGHBOUR, "kari", start)).await["dialog"].clone();
    clinic.sent().await;
    clinic.send(&[Message::timeonske(Wish::Change).to_clinic(NEIGHBOUR, SOLBAKKEN_PARENT)]).await;
    clinic.receipt().await;
    let wish = newest_dialog(clinic).await;
    let book = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(7, 10, 0), "appointment_type": "vanlig" });
    let booked = epj.done(&command("BookAppointment", NEIGHBOUR, "kari", book)).await;
    clinic.sent().await;
    let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
    Own { dialog: id(&dialog), wish, appointment: id(&booked["appointment"]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_reaches_into_another_clinic() {
    let (mut clinic, epj) = open().await;
    clinic.fleet.apply(&setup()).await;
    let theirs = furnish(&mut clinic, &epj).await;
    let neighbour = |name: &str, arguments: Value| command(name, NEIGHBOUR, "kari", arguments);
    // They have a patient in common: what one clinic does with her says nothing of the other.
    let line = json!({ "patient": LINE });
    assert_eq!(epj.done(&neighbour("ListDialogs", line.clone())).await["dialogs"], json!([]));
    assert_eq!(epj.done(&neighbour("ListAppointments", line.clone())).await["appointments"], json!([]));
    let look = json!({ "timebok": "kari-bok", "from": date(day(7, 0, 0)) });
    assert_eq!(epj.done(&neighbour("ShowTimebok", look)).await["timebok"]["appointments"], json!([]));
    let before = everything(&clinic).await;
    // At the time at which the other clinic has an appointment.
    let own = own(&mut clinic, &epj).await;
    let listed = epj.done(&neighbour("ListDialogs", line.clone())).await["dialogs"].clone();
    let of_line: BTreeSet<&str> = listed.as_array().unwrap().iter().map(|dialog| dialog["dialog"].as_str().unwrap()).collect();
    assert_eq!(of_line, BTreeSet::from([own.dialog.to_string().as_str(), &own.wish.to_string()]));
    let listed = epj.done(&neighbour("ListAppointments", line)).await["appointments"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["appointment"]), (1, &json!(own.appointment)));
    // Each command twice: once with what is the other clinic's, once with what does not exist at all.
    let id = Uuid::new_v4;
    let nobodys = Things {
        dialog: id(),
        entry: id(),
        upload: id(),
        patient: "29820099840",
        wish: id(),
        appointment: id(),
        timebok: "per-bok",
        appointment_type: "kort",
    };
    let mut tried = BTreeSet::new();
    let all = |things| naming(things, &own).into_iter().chain(naming_appointments(things, &own));
    for ((name, theirs), (_, nobodys)) in all(&theirs).zip(all(&nobodys)) {
        tried.insert(name);
        let (theirs, nobodys) = (neighbour(name, theirs), neighbour(name, nobodys));
        assert_eq!(refusal(&epj, &theirs).await, refusal(&epj, &nobodys).await, "{name}: they look the same");
    }
    at_home(&epj, &theirs).await;
    tried.extend(["UploadAttachment", "SetRecipients", "ShowRecipients", "CheckContactability"]);
    assert_eq!(tried, Order::NAMES.iter().copied().collect(), "every command was tried");
    assert_eq!(everything(&clinic).await, before);
    // And what was tried in vain works at home.
    let mine = json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "Hei", "text": "Hei",
        "attachments": [{ "file_name": "a.pdf", "upload": theirs.upload }] });
    epj.done(&of("kari", "StartDialog", mine)).await;
    clinic.fleet.until("select count(*) from dialogpost.contact_status where clinic = 8142000 and asked_at is not null", 1).await;
    clinic.sent().await;
    clinic.close().await;
}

/// These name nothing of another clinic: what they do stays at home.
async fn at_home(epj: &Epj, theirs: &Things) {
    let part = json!({ "upload": theirs.upload, "part": 1, "parts": 2, "bytes": "eHh4eA==" });
    assert_eq!(epj.done(&command("UploadAttachment", NEIGHBOUR, "kari", part)).await["missing"], 1, "an upload of its own");
    let rule = json!({ "kind": "EKONTAKT", "mode": "behandler" });
    epj.done(&command("SetRecipients", NEIGHBOUR, "siri", rule)).await;
    let told = epj.done(&command("CheckContactability", NEIGHBOUR, "kari", json!({ "patients": [TROND] }))).await;
    assert_eq!(told["patients"][0]["contactable"], "unknown", "what another clinic was told is not told on");
}

/// All that Solbakken has.
async fn everything(clinic: &Clinic) -> Vec<String> {
    let mut all = Vec::new();
    let of_entry = |table: &str| {
        format!(
            "{table} t join dialogpost.dialog_entry e on e.id = t.entry join dialogpost.dialog d on d.id = e.dialog where d.clinic"
        )
    };
    let of_dialog = |table: &str| format!("{table} t join dialogpost.dialog d on d.id = t.dialog where d.clinic");
    let of_appointment = |table: &str| format!("{table} t join dialogpost.appointment a on a.id = t.appointment where a.clinic");
    let place = |table: &str| match table {
        "attachment" => of_entry(table),
        "dialog_entry" | "dialog_participant" => of_dialog(table),
        "appointment_change" | "appointment_told" => of_appointment(table),
        _ => format!("{table} t where t.clinic"),
    };
    // Nothing is asked of HelseNorge here.
    let tables = TABLES.into_iter().chain(["audit", "command"]).filter(|table| *table != "contact_question");
    for place in tables.map(place) {
        let sql = format!("select t::text from dialogpost.{place} = 8141333 order by 1");
        let rows = clinic.fleet.rows.column::<String>(&sql).await;
        assert!(!rows.is_empty(), "there is something that could change: {place}");
        all.extend(rows);
    }
    all
}
