//! What can go wrong where notices are delivered, and what becomes of them.

use super::*;
use domain::notice::Channel::{Email, Push, Sms};
use receivers::Mood;

/// A notice over one channel, with its receiver in these moods.
async fn scene(channel: Channel, moods: &[Mood]) -> (Scene, Running) {
    let scene = Scene::open(&[channel]).await;
    match channel {
        Sms => scene.sms.moods(moods),
        Push => scene.push.moods(moods),
        Email => scene.mail.moods(moods),
    }
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    (scene, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_passes_is_tried_again_under_the_same_key() {
    let moods = [Mood::Status(503), Mood::Cut, Mood::Status(408), Mood::Well];
    for channel in [Sms, Push] {
        let (scene, running) = scene(channel, &moods).await;
        for (attempts, code) in [(1, "webhook-503"), (2, "webhook-unreachable"), (3, "webhook-408")] {
            scene.until(&[&format!("message {} due {attempts} {code}", channel.as_str())]).await;
            scene.hurry().await;
        }
        scene.until(&[&format!("message {} sent 4", channel.as_str())]).await;
        let server = if channel == Sms { &scene.sms } else { &scene.push };
        let calls = server.calls();
        assert_eq!(calls.iter().map(|call| call.mood).collect::<Vec<_>>(), moods);
        assert!(keys(&calls).iter().all(|key| *key == calls[0].key), "one key");
        assert_eq!(server.notices().len(), 1, "its provider gave one notice");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e_mail_is_tried_again_with_the_same_message_id() {
    let (scene, running) = scene(Email, &[Mood::Status(451), Mood::Status(554), Mood::Cut, Mood::Well]).await;
    scene.until(&["message email due 1 smtp-451"]).await;
    scene.hurry().await;
    // It takes nobody's: no fault of this one.
    scene.until(&["message email due 2 smtp-554"]).await;
    scene.hurry().await;
    scene.until(&["message email due 3 smtp-unreachable"]).await;
    scene.hurry().await;
    scene.given(Email, "sent").await;
    let calls = scene.mail.calls();
    assert_eq!(calls.len(), 2, "what was refused before was not read");
    assert_eq!(calls[0], calls[1], "the same to the last byte");
    assert_eq!(scene.mail.mails().len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_has_failed() {
    for (channel, status, code) in [(Sms, 400, "webhook-400"), (Push, 410, "webhook-410"), (Email, 550, "smtp-550")] {
        let (scene, running) = scene(channel, &[Mood::Status(status)]).await;
        scene.until(&[&format!("message {} failed 1 {code}", channel.as_str())]).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let (sms, push, _) = scene.calls();
        assert!(sms + push <= 1 && scene.mail.mails().is_empty(), "once");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_says_how_long_it_wants_to_be_left_alone() {
    let (scene, running) = scene(Sms, &[Mood::Busy(429, 600), Mood::Well]).await;
    scene.until(&["message sms due 1 webhook-429"]).await;
    let wait: i64 = scene.fleet.rows.one("select extract(epoch from due_at - now())::bigint from dialogpost.notification").await;
    assert!((590..=750).contains(&wait), "{wait} s");
    running.stop().await;
}

/// A wrong password or secret is no notice's fault: they wait, and somebody is told.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_taken_are_a_trouble_of_ours() {
    let mut scene = Scene::open(&[Email]).await;
    scene.fleet.settings.insert("SMTP_URL", scene.mail.url_of_a_stranger());
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    scene.until(&["message email due 1 smtp-535"]).await;
    let report = running.health.report();
    assert!(report["notices by email"].as_ref().is_some_and(|text| text.contains("smtp-535")), "{report:?}");
    running.stop().await;

    scene.fleet.settings.insert("SMTP_URL", scene.mail.url());
    let running = scene.fleet.start();
    scene.hurry().await;
    scene.given(Email, "sent").await;
    until("all is well", || running.health.report()["notices by email"].is_none()).await;
    running.stop().await;
}

/// Over a server that is spoken to in the clear at first nothing is said before TLS, and nothing at all where there is none.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_in_the_clear() {
    let mut scene = Scene::open(&[Email]).await;
    scene.mail = MailServer::start(&scene.authority, Speech::Clear).await;
    scene.fleet.settings.insert("SMTP_URL", scene.mail.url());
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    scene.fleet.until("select count(*) from dialogpost.notification where state = 'due' and attempts = 1", 1).await;
    running.stop().await;
    let clear = std::mem::replace(&mut scene.mail, MailServer::start(&scene.authority, Speech::StartTls).await);
    scene.fleet.settings.insert("SMTP_URL", scene.mail.url());
    let running = scene.fleet.start();
    scene.hurry().await;
    scene.given(Email, "sent").await;
    running.stop().await;
    assert_eq!(scene.mail.mails().len(), 1);
    for server in [&clear, &scene.mail] {
        let overheard = server.overheard();
        assert!(
            !overheard.is_empty()
                && overheard.iter().all(|line| ["EHLO", "STARTTLS", "QUIT"].iter().any(|verb| line.starts_with(verb))),
            "{overheard:?}"
        );
    }
}

/// Who is not vouched for by anybody we trust gets nothing.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_nothing() {
    let mut scene = Scene::open(&[Sms, Email]).await;
    scene.fleet.settings.remove("EXTRA_ROOTS");
    let running = scene.fleet.start();
    let epj = scene.epj().await;
    write_to_trond(&epj).await;
    scene.until(&["message sms due 1 webhook-unreachable"]).await;
    scene.apply(json!({ "enabled": true, "channels": ["email"] }), json!({})).await;
    write_to_trond(&epj).await;
    scene
        .fleet
        .until("select count(*) from dialogpost.notification where channel = 'email' and state = 'due' and attempts > 0", 1)
        .await;
    running.stop().await;
    assert_eq!(scene.calls(), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_not_set_up_makes_notices_wait_and_is_shown() {
    let mut scene = Scene::open(&[Sms]).await;
    let url = scene.fleet.settings.remove("SMS_URL").unwrap();
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    scene.until(&["message sms due"]).await;
    until("it is shown", || running.health.report()["notices"].as_ref().is_some_and(|text| text.contains("SMS_URL"))).await;
    running.stop().await;
    scene.fleet.settings.insert("SMS_URL", url);
    let running = scene.fleet.start();
    scene.until(&["message sms sent 1"]).await;
    assert_eq!(running.health.report()["notices"], None);
    running.stop().await;
    assert_eq!(scene.calls(), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_late_is_given_up() {
    let (scene, running) = scene(Sms, &[Mood::Status(503)]).await;
    scene.until(&["message sms due 1 webhook-503"]).await;
    let sql = "update dialogpost.notification set expires_at = now(), due_at = now() + interval '1 hour'";
    scene.fleet.rows.query(sql, &[]).await;
    scene.until(&["message sms failed 1 webhook-503"]).await;
    running.stop().await;
    assert_eq!(scene.calls(), (1, 0, 0));
}
