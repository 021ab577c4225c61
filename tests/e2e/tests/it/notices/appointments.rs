//! N1–N4: of appointments the patient is told over exactly one channel, once for each version and kind, and reminded once.

use super::*;
use domain::notice::Channel::Sms;
use jiff::{SignedDuration, Timestamp};
use messages::event::AppointmentChanged;

/// An appointment that somebody else's worker made.
pub(super) struct Made {
    pub(super) id: Uuid,
    pub(super) starts_at: Timestamp,
}

pub(super) fn in_hours(hours: i64) -> Timestamp {
    clock::system() + SignedDuration::from_hours(hours)
}

impl Scene {
    /// Books an appointment with Kari in so many hours, told to nobody.
    pub(super) async fn booked(&self, nin: &str, hours: i64, of_type: &str) -> Made {
        let (id, starts_at) = (Uuid::now_v7(), in_hours(hours));
        let sql = "insert into dialogpost.appointment (id, clinic, timebok, patient, starts_at, ends_at, type, status, uid, version,
                comment, booked_at, changed_at)
             select $1::uuid, clinic, 'kari-bok', id, $2::timestamptz, $2::timestamptz + interval '20 minutes', $3::text, 'booked',
                $1::uuid, 1, $5::text, now(), now() from dialogpost.patient where clinic = 8141333 and nin = $4";
        self.fleet.rows.query(sql, &[&id, &starts_at, &of_type, &nin, &SUBJECT]).await;
        self.changed(id, "booked").await;
        Made { id, starts_at }
    }

    /// Keeps the version that the appointment has now.
    async fn changed(&self, id: Uuid, change: &str) {
        let sql = "insert into dialogpost.appointment_change (appointment, version, change, at, starts_at, ends_at, type)
             select id, version, $2, now(), starts_at, ends_at, type from dialogpost.appointment where id = $1";
        self.fleet.rows.query(sql, &[&id, &change]).await;
    }

    /// Changes an appointment, told to nobody: its next version.
    async fn change(&self, id: Uuid, change: &str, set: &str) {
        let sql = format!("update dialogpost.appointment set version = version + 1, {set} where id = $1");
        self.fleet.rows.query(&sql, &[&id]).await;
        self.changed(id, change).await;
    }

    /// Puts a reminder on the agenda, due now.
    async fn remind(&self, id: Uuid, version: i32) {
        let sql = "insert into dialogpost.reminder (appointment, version, due_at, expires_at)
             values ($1, $2, now() - interval '1 second', now() + interval '12 hours')";
        self.fleet.rows.query(sql, &[&id, &version]).await;
    }
}

pub(super) fn about(made: &Made, version: u32) -> AppointmentChanged {
    AppointmentChanged { appointment: made.id, clinic: CLINIC.try_into().unwrap(), version }
}

#[tokio::test(flavor = "multi_thread")]
async fn n2_n3_helsenorge_for_whom_it_reaches_else_our_own_channel() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.start();
    let (line, trond) = (scene.booked(LINE, 36, "vanlig").await, scene.booked(TROND, 37, "vanlig").await);
    tell(&scene.fleet, Fact::AppointmentBooked(about(&line, 1))).await;
    scene.until(&["booked helsenorge sent"]).await;
    tell(&scene.fleet, Fact::AppointmentBooked(about(&trond, 1))).await;
    scene.until(&["booked helsenorge sent", "booked sms sent 1"]).await;
    running.stop().await;
    let calls = scene.sms.calls();
    assert_eq!((calls.len(), &calls[0].body["to"]), (1, &json!(PHONE)));
    let text = calls[0].body["text"].as_str().unwrap();
    let start = trond.starts_at.in_tz("Europe/Oslo").unwrap();
    assert!(
        text.starts_with("Solbakken legesenter: Du har fått time ") && text.contains(&start.strftime("kl. %H.%M").to_string())
    );
    holds_nothing_sensitive(&calls[0].body.to_string());
    assert!(!text.contains("Vanlig"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_only_where_timebok_and_type_are_on_and_t6_never_of_a_hidden_type() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.start();
    let mut want = Vec::new();
    for (hours, of_type, set, outcome) in [
        (30, "skjult", "update dialogpost.timebok set notify = true", "booked hidden none"),
        (31, "vanlig", "update dialogpost.timebok set notify = false", "booked timebok-off none"),
        (32, "vanlig", "update dialogpost.appointment_type set notify = false", "booked timebok-off none"),
        (33, "vanlig", "update dialogpost.timebok set notify = true", "booked type-off none"),
        (-1, "vanlig", "update dialogpost.appointment_type set notify = true", "booked past none"),
    ] {
        scene.fleet.rows.query(set, &[]).await;
        let made = scene.booked(TROND, hours, of_type).await;
        tell(&scene.fleet, Fact::AppointmentBooked(about(&made, 1))).await;
        want.push(outcome);
        scene.until(&want).await;
    }
    running.stop().await;
    assert_eq!(scene.calls(), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_one_notice_for_each_version_and_kind_however_often_it_is_told() {
    let scene = Scene::open(&[Sms]).await;
    let running = [scene.start(), scene.start()];
    let made = scene.booked(TROND, 36, "vanlig").await;
    for _ in 0..10 {
        tell(&scene.fleet, Fact::AppointmentBooked(about(&made, 1))).await;
    }
    scene.handled(10).await;
    scene.until(&["booked sms sent 1"]).await;
    scene.change(made.id, "moved", "starts_at = starts_at + interval '1 day', ends_at = ends_at + interval '1 day'").await;
    scene.change(made.id, "cancelled", "status = 'cancelled'").await;
    for _ in 0..3 {
        tell(&scene.fleet, Fact::AppointmentMoved(about(&made, 2))).await;
        tell(&scene.fleet, Fact::AppointmentCancelled(about(&made, 3))).await;
    }
    // Of no change of type and of nobody who did not come is anybody told by us.
    tell(&scene.fleet, Fact::AppointmentTypeChanged(about(&made, 3))).await;
    tell(&scene.fleet, Fact::AppointmentMissed(about(&made, 3))).await;
    scene.handled(18).await;
    let told = "select count(*) from dialogpost.notification where (kind, version, state) in (('booked', 1, 'sent'),
        ('moved', 2, 'none'), ('cancelled', 3, 'sent'))";
    scene.fleet.until(told, 3).await;
    for process in running {
        process.stop().await;
    }
    assert_eq!(scene.fleet.rows.count("dialogpost.notification").await, 3);
    let texts: Vec<String> = scene.sms.calls().iter().map(|call| call.body["text"].as_str().unwrap().to_owned()).collect();
    assert!(texts.len() == 2 && texts[0].contains("Du har fått time") && texts[1].contains("er avlyst"), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_reminded_once_by_several_processes() {
    let scene = Scene::open(&[Sms]).await;
    let running = [scene.start(), scene.start(), scene.start()];
    for n in 0..20 {
        let made = scene.booked(TROND, 25 + n, "vanlig").await;
        scene.remind(made.id, 1).await;
    }
    let sent = "select count(*) from dialogpost.notification where kind = 'reminder' and channel = 'sms' and state = 'sent' and attempts = 1";
    scene.fleet.until(sent, 20).await;
    for process in running {
        process.stop().await;
    }
    assert_eq!(scene.sms.calls().len(), 20);
    assert_eq!(scene.fleet.rows.count("dialogpost.reminder").await, 0);
    assert!(scene.sms.calls().iter().all(|call| call.body["text"].as_str().unwrap().contains("Vi minner om timen din")));
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_the_reminder_of_what_was_moved_or_cancelled_never_fires() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.start();
    let moved = scene.booked(TROND, 30, "vanlig").await;
    scene.change(moved.id, "moved", "starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'").await;
    scene.remind(moved.id, 1).await;
    scene.until(&["reminder superseded none"]).await;
    // Its own fires, and again nothing does, though its type is changed and it is put on the agenda once more.
    scene.remind(moved.id, 2).await;
    scene.until(&["reminder superseded none", "reminder sms sent 1"]).await;
    scene.change(moved.id, "type_changed", "type = 'video'").await;
    scene.remind(moved.id, 3).await;
    scene.until(&["reminder superseded none", "reminder sms sent 1", "reminder reminded-before none"]).await;
    let cancelled = scene.booked(TROND, 40, "vanlig").await;
    scene.change(cancelled.id, "cancelled", "status = 'cancelled'").await;
    scene.remind(cancelled.id, 1).await;
    scene.handled(4).await;
    running.stop().await;
    assert_eq!(scene.notices().await.last().map(String::as_str), Some("reminder superseded none"));
    assert_eq!(scene.calls(), (1, 0, 0));
}

/// Two versions of one time, whose reminders two processes decide on at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn n4_two_reminders_of_one_time_are_one() {
    let scene = Scene::open(&[Sms]).await;
    let mut made = Vec::new();
    for n in 0..10 {
        let one = scene.booked(TROND, 25 + n, "vanlig").await;
        scene.change(one.id, "type_changed", "type = 'video'").await;
        made.push(one);
    }
    for version in [1, 2] {
        for one in &made {
            tell(&scene.fleet, Fact::ReminderDue(about(one, version))).await;
        }
    }
    let running = [scene.start(), scene.start()];
    scene.handled(20).await;
    let count = |what: &str| format!("select count(*) from dialogpost.notification where kind = 'reminder' and {what}");
    scene.fleet.until(&count("channel = 'sms' and state = 'sent'"), 10).await;
    scene.fleet.until(&count("reason = 'reminded-before'"), 10).await;
    for process in running {
        process.stop().await;
    }
    assert_eq!(scene.sms.calls().len(), 10);
    assert_eq!(scene.fleet.rows.count("dialogpost.dead_letter").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_nobody_is_reminded_when_it_is_too_late() {
    let scene = Scene::open(&[Sms]).await;
    let made = scene.booked(TROND, 23, "vanlig").await;
    scene.remind(made.id, 1).await;
    let running = scene.start();
    scene.until(&["reminder reminder-late none"]).await;
    running.stop().await;
    assert_eq!(scene.calls(), (0, 0, 0));
}
