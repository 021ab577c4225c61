//! Processes that die with notices in hand, and several that share them.

use super::*;
use domain::notice::Channel::{Email, Sms};
use receivers::Mood;
use std::collections::BTreeSet;

/// The provider has it, and the process dies before it can say so: the next one sends it again under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_call_and_its_record_leaves_one_notice() {
    let scene = Scene::open(&[Sms]).await;
    scene.sms.moods(&[Mood::Silent, Mood::Well]);
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    until("the provider has it", || scene.sms.calls().len() == 1).await;
    scene.fleet.settle(0).await;
    running.kill().await;
    assert_eq!(scene.notices().await, ["message sms sending 1"], "nobody knows what became of it");

    let running = scene.start();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(scene.sms.calls().len(), 1, "it is another's as long as that may live");
    scene.hurry().await;
    scene.until(&["message sms sent 2"]).await;
    running.stop().await;
    let calls = scene.sms.calls();
    assert_eq!((calls.len(), &calls[0].key), (2, &calls[1].key));
    assert_eq!(scene.sms.notices().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_an_e_mail_leaves_one_e_mail() {
    let scene = Scene::open(&[Email]).await;
    scene.mail.moods(&[Mood::Silent, Mood::Well]);
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    until("the server has it", || scene.mail.calls().len() == 1).await;
    scene.fleet.settle(0).await;
    running.kill().await;
    let running = scene.start();
    scene.hurry().await;
    scene.until(&["message email sent 2"]).await;
    running.stop().await;
    let calls = scene.mail.calls();
    assert_eq!((calls.len(), &calls[0]), (2, &calls[1]));
    assert_eq!(scene.mail.mails().len(), 1);
}

/// A provider that says nothing holds nobody up for ever, and a process that is to stop waits for what is under way, not longer.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_stop_lets_go() {
    let scene = Scene::open(&[Sms]).await;
    scene.sms.moods(&[Mood::Silent]);
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    until("the provider has it", || scene.sms.calls().len() == 1).await;
    let started = Instant::now();
    running.stop().await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(scene.notices().await, ["message sms sending 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_share_what_is_due() {
    let scene = Scene::open(&[Sms]).await;
    let others = scene.fleet.start_with(&[clinic_commands::WORKER], Probe::default());
    let epj = scene.epj().await;
    let number = 40;
    for _ in 0..number {
        write_to_trond(&epj).await;
    }
    let running = [scene.start(), scene.start(), scene.start()];
    scene.fleet.until("select count(*) from dialogpost.notification where state = 'sent' and attempts = 1", number).await;
    for process in running {
        process.stop().await;
    }
    others.stop().await;
    let calls = scene.sms.calls();
    assert_eq!(calls.len() as i64, number, "each was sent once");
    assert_eq!(keys(&calls).into_iter().collect::<BTreeSet<_>>().len() as i64, number);
}
