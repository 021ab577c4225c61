//! N2 where nobody knows whether HelseNorge reaches the patient: it is asked, and waited for, not for ever.

use super::appointments::about;
use super::*;
use domain::notice::Channel::Sms;

/// A notice to Trond, of whom HelseNorge has said nothing.
async fn unknown() -> (Scene, Running) {
    let mut scene = Scene::open(&[Sms]).await;
    // Asked by message, which nobody here answers.
    scene.fleet.settings.insert("CONTACT_SERVICE", "amqp".to_owned());
    scene.fleet.rows.query("delete from dialogpost.contact_status", &[]).await;
    let running = scene.start();
    let made = scene.booked(TROND, 36, "vanlig").await;
    tell(&scene.fleet, Fact::AppointmentBooked(about(&made, 1))).await;
    scene.until(&["booked due"]).await;
    scene.fleet.until("select count(*) from dialogpost.contact_status where wanted_at is not null", 1).await;
    (scene, running)
}

async fn said(scene: &Scene, active: bool) {
    let sql = "update dialogpost.contact_status set active = $1, consented = $1, as_of = now(), wanted_at = null";
    scene.fleet.rows.query(sql, &[&active]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_where_helsenorge_says() {
    for (active, want) in [(true, "booked helsenorge sent"), (false, "booked sms sent 1")] {
        let (scene, running) = unknown().await;
        // Looked at again, it still waits.
        scene.hurry().await;
        scene.handled(2).await;
        assert_eq!(scene.notices().await, ["booked due"]);
        said(&scene, active).await;
        scene.hurry().await;
        scene.until(&[want]).await;
        running.stop().await;
        assert_eq!(scene.calls().0, usize::from(!active));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_quarter_of_an_hour_it_waits_no_longer() {
    let (scene, running) = unknown().await;
    scene.fleet.rows.query("update dialogpost.notification set created_at = created_at - interval '15 minutes'", &[]).await;
    scene.hurry().await;
    scene.until(&["booked sms sent 1"]).await;
    running.stop().await;
    assert_eq!(scene.calls(), (1, 0, 0));
}

/// A notice that waits is no second event to those who listen.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_listen_to_is_told_once() {
    let (scene, running) = unknown().await;
    let heard = scene.epj().await.listen("appointment-booked.#").await;
    scene.hurry().await;
    scene.handled(2).await;
    scene.hurry().await;
    scene.handled(3).await;
    let made = scene.booked(TROND, 40, "vanlig").await;
    tell(&scene.fleet, Fact::AppointmentBooked(about(&made, 1))).await;
    assert_eq!(heard.next().await["appointment"], json!(made.id), "what waits is looked at by ourselves alone");
    running.stop().await;
}
