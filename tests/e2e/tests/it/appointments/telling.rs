//! What HelseNorge is told by itself (T5 to T7, N2): everything that is to be seen, once, and nothing that is hidden.

use super::{asked, day, free, open, question, release, valid};
use crate::commands::{LINE, TROND, of};
use e2e::Clinic;
use e2e::epj::Epj;
use helsenorge::{AboutAppointments, Message, NoticeKind, Picture, Receipt, TIMERESERVASJON};
use serde_json::{Value, json};

async fn told(clinic: &Clinic, picture: &mut Picture) -> AboutAppointments {
    let sent = clinic.sent().await;
    valid(&sent);
    picture.hear(&sent);
    assert_eq!(picture.faults(), Vec::<String>::new());
    sent.about_appointments().unwrap()
}

async fn book(epj: &Epj, patient: &str, of_type: &str) -> Value {
    let arguments = json!({ "timebok": "kari-bok", "patient": patient, "start": day(7, 9, 0), "appointment_type": of_type });
    epj.done(&of("siri", "BookAppointment", arguments)).await["appointment"].clone()
}

/// Booked, moved, of another type, cancelled: one message each, with the version; a move is one change.
#[tokio::test(flavor = "multi_thread")]
async fn t5_every_change_goes_out_by_itself() {
    let (clinic, epj) = open().await;
    let mut picture = Picture::default();
    let id = book(&epj, LINE, "vanlig").await;
    let pushed = told(&clinic, &mut picture).await;
    assert_eq!((pushed.request.as_deref(), pushed.patient.as_deref()), (Some("MOA"), Some(LINE)));
    assert_eq!(picture.shown(LINE).first().unwrap().start, day(7, 9, 0));
    epj.done(&of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(7, 10, 0) }))).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).first().unwrap().start, day(7, 10, 0));
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" }))).await;
    told(&clinic, &mut picture).await;
    assert!(picture.shown(LINE).first().unwrap().is_video, "T7");
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 0);
    let kinds: Vec<_> = picture.notices().into_iter().map(|notice| (notice.sequence, notice.kind)).collect();
    use NoticeKind::{Booked, Cancelled, Moved, TypeChanged};
    assert_eq!(kinds, [(1, Booked), (2, Moved), (3, TypeChanged), (4, Cancelled)]);
    let rows = &clinic.fleet.rows;
    let noticed = "select kind || ' ' || channel || ' ' || state from dialogpost.notification order by version";
    let noticed: Vec<String> = rows.column(noticed).await;
    assert_eq!(noticed, ["booked helsenorge sent", "moved helsenorge sent", "cancelled helsenorge sent"], "N2: and nobody else");
    clinic.close().await;
}

/// T6: hidden is never told; what becomes hidden is withdrawn, and told anew when it is seen again.
#[tokio::test(flavor = "multi_thread")]
async fn t6_a_hidden_appointment_stays_hidden() {
    let (clinic, epj) = open().await;
    let mut picture = Picture::default();
    let id = book(&epj, LINE, "skjult").await;
    epj.done(&of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(7, 11, 0) }))).await;
    clinic.fleet.until("select count(*) from dialogpost.notification where reason = 'hidden'", 2).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "vanlig" }))).await;
    assert_eq!(told(&clinic, &mut picture).await.events[0].sequence, Some(3), "seen for the first time");
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "skjult" }))).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 0, "withdrawn");
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    clinic.fleet.until("select count(*) from dialogpost.notification where reason = 'hidden'", 3).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.reminder").await, 0);
    clinic.close().await;
}

/// What the patient did himself HelseNorge knows by the answer; then the clinic moves it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_not_told_again() {
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = free(&mut clinic, question(at, at)).await.events.remove(0);
    let booked = asked(&mut clinic, Message::reserver_avtale(&slot)).await;
    assert_eq!(booked.answer.as_deref(), Some("05"));
    let noticed =
        "select count(*) from dialogpost.notification where kind = 'booked' and channel = 'helsenorge' and state = 'sent'";
    clinic.fleet.until(noticed, 1).await;
    let of_line = epj.done(&of("kari", "ListAppointments", json!({ "patient": LINE }))).await;
    let id = of_line["appointments"][0]["appointment"].clone();
    epj.done(&of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(8, 9, 0) }))).await;
    let mut picture = Picture::default();
    let moved = told(&clinic, &mut picture).await;
    assert_eq!((moved.events[0].uid.as_deref(), moved.events[0].sequence), (slot.uid.as_deref(), Some(2)));
    clinic.close().await;
}

/// Whom HelseNorge does not reach it is not told of; when it does, it is told what there is.
#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_active_sees_his_appointments() {
    let (clinic, epj) = open().await;
    book(&epj, TROND, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel is distinct from 'helsenorge'", 1).await;
    clinic.fleet.rows.query("update dialogpost.appointment set changed_at = changed_at - interval '2 minutes'", &[]).await;
    let active = "update dialogpost.contact_status set active = true, consented = true, as_of = now() where nin = '47819030045'";
    clinic.fleet.rows.query(active, &[]).await;
    let mut picture = Picture::default();
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(TROND).len(), 1);
    assert_eq!(clinic.fleet.rows.count("dialogpost.notification").await, 1, "one notice of one version");
    clinic.close().await;
}

/// HelseNorge turns a message down since the patient has left it: then we notice him, once.
#[tokio::test(flavor = "multi_thread")]
async fn n4_what_helsenorge_turns_down_is_noticed_by_us() {
    let (mut clinic, epj) = open().await;
    book(&epj, LINE, "vanlig").await;
    let sent = clinic.sent().await;
    let id = sent.properties.message_id.clone().unwrap();
    let receipt = Receipt::for_message(&id).of_process(TIMERESERVASJON).rejected("E35", "Pasienten finnes ikke");
    clinic.send(&[receipt.to_message()]).await;
    let question = crate::commands::head(&clinic.sent().await).msg_id.unwrap();
    clinic.send(&[Message::digital_users_code(&question, "29")]).await;
    clinic.receipt().await;
    let own = "select count(*) from dialogpost.notification where channel = 'sms' and kind = 'booked' and version = 1";
    clinic.fleet.until(own, 1).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.notification").await, 1, "never both");
    clinic.close().await;
}
