//! What HelseNorge is told by itself (T5 to T7, N2): everything that is to be seen, once, and nothing that is hidden.

use super::{asked, day, free, open, question, release, valid};
use crate::commands::{LINE, TROND, of};
use e2e::Clinic;
use e2e::epj::Epj;
use helsenorge::{AboutAppointments, Message, NoticeKind, Picture, Receipt, TIMERESERVASJON};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};

/// As [`open`], with one worker away.
pub(super) async fn open_without(worker: &str) -> (Clinic, Epj) {
    crate::commands::by_the_schemas();
    let others: Vec<_> = e2e::WORKERS.into_iter().filter(|one| one.name != worker).collect();
    let clinic = Clinic::with(e2e::Fleet::new().await, &others).await;
    let epj = clinic.epj().await;
    (clinic, epj)
}

pub(super) async fn told(clinic: &Clinic, picture: &mut Picture) -> AboutAppointments {
    let sent = clinic.sent().await;
    valid(&sent);
    picture.hear(&sent);
    assert_eq!(picture.faults(), Vec::<String>::new());
    sent.about_appointments().unwrap()
}

pub(super) async fn book(epj: &Epj, patient: &str, of_type: &str) -> Value {
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
    clinic.fleet.until("select count(*) from dialogpost.notification where state = 'none'", 2).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "vanlig" }))).await;
    assert_eq!(told(&clinic, &mut picture).await.events[0].sequence, Some(3), "seen for the first time");
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "skjult" }))).await;
    let withdrawn = told(&clinic, &mut picture).await.events.remove(0);
    assert_eq!(picture.shown(LINE).len(), 0, "withdrawn");
    let Vevent { start, end, contact, summary, location, .. } = withdrawn;
    assert_eq!(
        (start, end, contact, summary.is_none(), location),
        (None, None, None, true, None),
        "when it is hidden nobody is told"
    );
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    clinic.fleet.until("select count(*) from dialogpost.notification where kind = 'cancelled' and reason = 'hidden'", 1).await;
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
    let (mut clinic, epj) = open().await;
    book(&epj, TROND, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel is distinct from 'helsenorge'", 1).await;
    changes(&mut clinic, TROND, true).await;
    // What changed a while ago is on its way by itself no more.
    clinic.fleet.rows.query("update dialogpost.appointment_owed set since = since - interval '2 minutes'", &[]).await;
    let mut picture = Picture::default();
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(TROND).len(), 1);
    assert_eq!(clinic.fleet.rows.count("dialogpost.notification").await, 1, "one notice of one version");
    clinic.close().await;
}

/// HelseNorge says that a patient of theirs has begun to use it, or has ended: it is asked, and answers.
async fn changes(clinic: &mut Clinic, patient: &str, is_user: bool) {
    clinic.send(&[Message::digital_user_changed(patient)]).await;
    let both = clinic.helsenorge.expect("8093244_async", 2, e2e::PATIENCE).await.unwrap();
    let question = both.iter().find(|received| received.apprec.is_none()).unwrap();
    let question = crate::commands::head(question).msg_id.unwrap();
    let active = Message::digital_users(&question, &[patient.to_owned()]);
    clinic.send(&[if is_user { active } else { Message::digital_users_code(&question, "29") }]).await;
    clinic.receipt().await;
}

/// T5: what HelseNorge shows since before a patient left it is put right when he comes back, also of an appointment that is over by then.
#[tokio::test(flavor = "multi_thread")]
async fn t5_who_comes_back_is_not_shown_what_was() {
    let (mut clinic, epj) = open().await;
    book(&epj, LINE, "vanlig").await;
    let mut picture = Picture::default();
    told(&clinic, &mut picture).await;
    changes(&mut clinic, LINE, false).await;
    clinic.fleet.until("select count(*) from dialogpost.appointment_told where version = 0 and shown", 1).await;
    let rows = &clinic.fleet.rows;
    let over = "update dialogpost.appointment set version = 2, starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour'";
    rows.query(over, &[]).await;
    let version = "insert into dialogpost.appointment_change (appointment, version, change, at, starts_at, ends_at, type)
        select id, version, 'moved', now(), starts_at, ends_at, type from dialogpost.appointment";
    rows.query(version, &[]).await;
    changes(&mut clinic, LINE, true).await;
    let said = told(&clinic, &mut picture).await;
    assert_eq!(said.events.first().and_then(|event| event.sequence), Some(2));
    assert!(picture.shown_after(runtime::clock::system()).is_empty());
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

/// J1: of a clinic that takes no part HelseNorge is told nothing; its patients are noticed by us.
#[tokio::test(flavor = "multi_thread")]
async fn j1_a_clinic_that_takes_no_part_tells_helsenorge_nothing() {
    let (clinic, epj) = open().await;
    clinic.fleet.rows.query("update dialogpost.clinic set nhn_member = false", &[]).await;
    let id = book(&epj, LINE, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.notification where channel = 'sms' and kind = 'booked'", 1).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" }))).await;
    clinic.fleet.until("select count(*) from dialogpost.processed where worker = 'appointment-notifications'", 2).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message").await, 0);
    clinic.close().await;
}

/// Changed and called off before anybody is told: one message, of the last; a reminder tells first what it reminds of.
#[tokio::test(flavor = "multi_thread")]
async fn t5_several_changes_before_sending_are_one_message() {
    let notices = appointment_notifications::WORKER;
    let (clinic, epj) = open_without(notices.name).await;
    let id = book(&epj, LINE, "vanlig").await;
    epj.done(&of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(7, 10, 0) }))).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" }))).await;
    let other = book(&epj, LINE, "vanlig").await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": other, "appointment_type": "video" }))).await;
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": other }))).await;
    let running = clinic.fleet.start_with(&[notices], runtime::probe::Probe::default());
    let mut picture = Picture::default();
    let (first, second) = (told(&clinic, &mut picture).await, told(&clinic, &mut picture).await);
    let mut sequences = [first, second].map(|told| told.events[0].sequence.unwrap());
    sequences.sort_unstable();
    assert_eq!(sequences, [3, 3], "each in its last version");
    assert_eq!(picture.shown(LINE).len(), 1);
    running.stop().await;
    clinic.close().await;
}

/// What HelseNorge is asked of a patient, and answers: that it does not reach him.
async fn says_unreached(clinic: &mut Clinic) {
    let question = crate::commands::head(&clinic.sent().await).msg_id.unwrap();
    clinic.send(&[Message::digital_users_code(&question, "29")]).await;
    clinic.receipt().await;
}

async fn turned_down(clinic: &mut Clinic, sent: &helsenorge::Received) {
    let id = sent.properties.message_id.clone().unwrap();
    let receipt = Receipt::for_message(&id).of_process(TIMERESERVASJON).rejected("E35", "Pasienten finnes ikke");
    clinic.send(&[receipt.to_message()]).await;
}

/// N1, N4: a reminder that HelseNorge turns down is given by us, once.
#[tokio::test(flavor = "multi_thread")]
async fn n4_a_reminder_that_is_turned_down_is_given_by_us() {
    let (mut clinic, epj) = open().await;
    let arguments = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(2, 6, 0), "appointment_type": "vanlig" });
    epj.done(&of("siri", "BookAppointment", arguments)).await;
    clinic.sent().await;
    clinic.fleet.rows.query("update dialogpost.reminder set due_at = now()", &[]).await;
    let reminder = clinic.sent().await;
    assert!(reminder.about_appointments().unwrap().is_reminder());
    turned_down(&mut clinic, &reminder).await;
    says_unreached(&mut clinic).await;
    let own = "select count(*) from dialogpost.notification where channel = 'sms' and kind = 'reminder'";
    clinic.fleet.until(own, 1).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.notification where kind = 'reminder'").await, 1);
    // Whoever looked just before the answer came may have asked once more.
    for more in clinic.helsenorge.receive("8093244_async", 5, std::time::Duration::from_millis(300)).await.unwrap() {
        assert_eq!(more.properties.subject.as_deref(), Some(domain::command::question::DIGITALBRUKER));
    }
    clinic.close().await;
}

/// T6, N1: who was told nothing of a hidden appointment is told when it comes to be seen, of its time then; what he was told already he is not
/// told again.
#[tokio::test(flavor = "multi_thread")]
async fn n1_what_comes_to_be_seen_is_noticed() {
    let (clinic, epj) = open().await;
    let until = async |count| {
        let own = "select count(*) from dialogpost.notification where channel = 'sms' and kind in ('booked', 'moved')";
        clinic.fleet.until(own, count).await;
        clinic.fleet.rows.query("update dialogpost.notification set state = 'sent' where channel = 'sms'", &[]).await;
    };
    let becomes = async |id: &Value, of_type: &str| {
        epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": of_type }))).await;
    };
    let id = book(&epj, TROND, "skjult").await;
    becomes(&id, "vanlig").await;
    until(1).await;
    becomes(&id, "skjult").await;
    epj.done(&of("siri", "MoveAppointment", json!({ "appointment": id, "start": day(7, 11, 0) }))).await;
    clinic.fleet.until("select count(*) from dialogpost.processed where worker = 'appointment-notifications'", 4).await;
    becomes(&id, "video").await;
    until(2).await;
    becomes(&id, "skjult").await;
    becomes(&id, "vanlig").await;
    clinic.fleet.until("select count(*) from dialogpost.processed where worker = 'appointment-notifications'", 7).await;
    until(2).await;
    let last = "select version || ' ' || kind from dialogpost.notification where channel = 'sms' order by version desc limit 1";
    assert_eq!(clinic.fleet.rows.one::<String>(last).await, "5 booked");
    clinic.close().await;
}

/// T6: what is hidden is withdrawn although nobody knows whether HelseNorge reaches the patient; and a type that the set-up file hides is, too.
#[tokio::test(flavor = "multi_thread")]
async fn t6_what_becomes_hidden_is_withdrawn_whatever_is_known() {
    let (clinic, epj) = open().await;
    let mut picture = Picture::default();
    let id = book(&epj, LINE, "vanlig").await;
    told(&clinic, &mut picture).await;
    clinic.fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "skjult" }))).await;
    for _ in 0..2 {
        picture.hear(&clinic.sent().await);
    }
    assert_eq!(picture.shown(LINE).len(), 0, "beside it HelseNorge is asked");
    clinic.fleet.apply(include_str!("../../../../fixtures/clinic.json")).await;
    let other = json!({ "timebok": "kari-bok", "patient": LINE, "start": day(8, 9, 0), "appointment_type": "vanlig" });
    epj.done(&of("siri", "BookAppointment", other)).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 1);
    let hides = include_str!("../../../../fixtures/clinic.json")
        .replace(r#""contact": "oppmote", "hidden": false"#, r#""contact": "oppmote", "hidden": true"#);
    clinic.fleet.apply(&hides).await;
    clinic.fleet.rows.query("update dialogpost.appointment_owed set since = now() - interval '2 minutes'", &[]).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 0);
    assert_eq!(clinic.fleet.rows.count("dialogpost.reminder").await, 0);
    clinic.close().await;
}

/// T5: HelseNorge knows a doctor by his HER-id: when the set-up file gives him another, his appointments are told anew.
#[tokio::test(flavor = "multi_thread")]
async fn t5_a_doctors_new_her_id_is_told() {
    let (clinic, epj) = open().await;
    let mut picture = Picture::default();
    book(&epj, LINE, "vanlig").await;
    told(&clinic, &mut picture).await;
    clinic.fleet.apply(&include_str!("../../../../fixtures/clinic.json").replace("8141334", "8141339")).await;
    clinic.fleet.rows.query("update dialogpost.appointment_owed set since = now() - interval '2 minutes'", &[]).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).first().map(|shown| shown.doctor), Some(8_141_339));
    clinic.close().await;
}

/// T5: what HelseNorge shows is put right although nobody knows whether it reaches the patient.
#[tokio::test(flavor = "multi_thread")]
async fn t5_what_is_shown_is_put_right_whatever_is_known() {
    let (clinic, epj) = open().await;
    let mut picture = Picture::default();
    let id = book(&epj, LINE, "vanlig").await;
    told(&clinic, &mut picture).await;
    clinic.fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    epj.done(&of("siri", "ChangeAppointmentType", json!({ "appointment": id, "appointment_type": "video" }))).await;
    for _ in 0..2 {
        picture.hear(&clinic.sent().await);
    }
    assert!(picture.shown(LINE).first().unwrap().is_video, "beside it HelseNorge is asked");
    clinic.close().await;
}

/// T5: where nobody can be asked what may have become of a patient, what HelseNorge may still show is put right.
#[tokio::test(flavor = "multi_thread")]
async fn t5_what_may_be_shown_is_put_right_though_nobody_can_be_asked() {
    crate::commands::by_the_schemas();
    let mut fleet = e2e::Fleet::new().await;
    fleet.settings.insert("CONTACT_SERVICE", "off".to_owned());
    let mut clinic = Clinic::with(fleet, &e2e::WORKERS).await;
    let epj = clinic.epj().await;
    let mut picture = Picture::default();
    let id = book(&epj, LINE, "vanlig").await;
    told(&clinic, &mut picture).await;
    clinic.send(&[Message::digital_user_changed(LINE)]).await;
    assert!(clinic.receipt().await.apprec.is_some());
    clinic.fleet.until("select count(*) from dialogpost.contact_status where doubted_at is not null", 1).await;
    epj.done(&of("siri", "CancelAppointment", json!({ "appointment": id }))).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 0);
    clinic.close().await;
}

/// T5: what HelseNorge turns down, for whatever reason, it does not know: it is told again, and the operator hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn t5_what_is_turned_down_is_told_again() {
    let (mut clinic, epj) = open().await;
    let mut picture = Picture::default();
    book(&epj, LINE, "vanlig").await;
    let sent = clinic.sent().await;
    let id = sent.properties.message_id.clone().unwrap();
    let receipt = Receipt::for_message(&id).of_process(TIMERESERVASJON).rejected("X99", "Annen feil");
    clinic.send(&[receipt.to_message(), receipt.to_message()]).await;
    let told_as = "select count(*) from dialogpost.appointment_told where version = 0 and shown and refusals = 1";
    clinic.fleet.until(told_as, 1).await;
    clinic.fleet.until("select count(*) from dialogpost.notification where state = 'failed' and code = 'turned-down'", 1).await;
    clinic.fleet.rows.query("update dialogpost.appointment_owed set since = since - interval '32 minutes'", &[]).await;
    told(&clinic, &mut picture).await;
    assert_eq!(picture.shown(LINE).len(), 1);
    clinic.close().await;
}

/// T5: an answer that HelseNorge turns down is not what it knows: it is told once it reaches the patient again.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_turned_down_is_told_later() {
    let (mut clinic, epj) = open().await;
    let at = day(7, 9, 0);
    release(&epj, &[(at, "vanlig")]).await;
    let slot = free(&mut clinic, question(at, at)).await.events.remove(0);
    clinic.send(&[Message::reserver_avtale(&slot)]).await;
    let both = clinic.helsenorge.expect("8093244_async", 2, e2e::PATIENCE).await.unwrap();
    let answer = both.into_iter().find(|received| received.apprec.is_none()).unwrap();
    turned_down(&mut clinic, &answer).await;
    let question = crate::commands::head(&clinic.sent().await).msg_id.unwrap();
    let refusals = "select refusals from dialogpost.appointment_told";
    assert_eq!(clinic.fleet.rows.one::<i32>(refusals).await, 1);
    clinic.send(&[Message::digital_users(&question, &[LINE.to_owned()])]).await;
    let mut picture = Picture::default();
    for received in clinic.helsenorge.expect("8093244_async", 2, e2e::PATIENCE).await.unwrap() {
        picture.hear(&received);
    }
    assert_eq!(picture.shown(LINE).len(), 1);
    clinic.close().await;
}
