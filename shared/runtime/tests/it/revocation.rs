//! Revocation lists: when they are fetched, and which are believed.

use crate::server::Answer;
use crate::support::{Scene, certificate, eventually, list, now};
use jiff::SignedDuration;
use pki::{Authority, Period, Usage};
use runtime::protection::ToSeal;
use std::time::Duration;
use trust::CertificateErrors as E;

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_says_nothing_of_the_certificate_is_not_kept() {
    let scene = Scene::new().await;
    let impostor = Authority::root("Test Issuing CA", pki::key("attacker", 2048), Period::days(now(), -1, 7));
    scene.server.put("/issuing.crl", Answer::List(list(&impostor, -1, 7)));
    let (process, signer) = (scene.process("required"), scene.signer());
    assert_eq!(scene.errors(&process, &signer, now()).await, E::REVOKED_OFFLINE);
    eventually(async || scene.stored("/root.crl", now()).await == 1 && scene.server.requests("/issuing.crl") == 1).await;
    assert_eq!(scene.errors(&process, &signer, now()).await, E::REVOKED_OFFLINE);
    // After the pause it is asked again, and this time says what it should.
    scene.server.put("/issuing.crl", Answer::List(scene.pki.crl()));
    assert_eq!(scene.stored("/issuing.crl", now()).await, 0);
    scene.until(&process, &signer, now(), E::NONE).await;
    assert_eq!((scene.server.requests("/issuing.crl"), scene.server.requests("/root.crl")), (2, 1));
    eventually(async || scene.stored("/issuing.crl", now()).await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_server_and_it_is_asked_once() {
    let scene = Scene::new().await;
    scene.server.put("/issuing.crl", Answer::Held(scene.pki.crl()));
    let (process, signer) = (scene.process("required"), scene.signer());
    // The server does not answer as long as these run.
    let asked = (0..8).map(|_| scene.errors(&process, &signer, now()));
    assert_eq!(futures_util::future::join_all(asked).await, [E::REVOKED_OFFLINE; 8]);
    eventually(async || scene.server.requests("/issuing.crl") == 1).await;
    assert_eq!(scene.errors(&process, &signer, now()).await, E::REVOKED_OFFLINE);
    scene.server.release();
    scene.until(&process, &signer, now(), E::NONE).await;
    assert_eq!((scene.server.requests("/issuing.crl"), scene.server.requests("/root.crl")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_renewed_before_it_ends() {
    let scene = Scene::new().await;
    let (process, signer) = (scene.process("required"), scene.signer());
    scene.until(&process, &signer, now(), E::NONE).await;
    // Good for eight days, of which seven are left.
    assert_eq!(scene.errors(&process, &signer, now() + DAY * 4).await, E::NONE);
    assert_eq!(scene.server.requests("/issuing.crl"), 1);
    scene.server.put("/issuing.crl", Answer::List(list(&scene.pki.intermediate, 5, 13)));
    let last_quarter = now() + DAY * 6;
    // Whoever fetched the first may still be putting it into the database: until then nobody fetches another.
    eventually(async || {
        assert_eq!(scene.errors(&process, &signer, last_quarter).await, E::NONE, "with the one at hand");
        scene.server.requests("/issuing.crl") == 2
    })
    .await;
    assert_eq!(scene.errors(&process, &signer, last_quarter).await, E::NONE, "with the one at hand");
    let after_its_end = now() + DAY * 8;
    eventually(async || scene.errors(&process, &signer, after_its_end).await == E::NONE).await;
    assert_eq!((scene.server.requests("/issuing.crl"), scene.server.requests("/root.crl")), (2, 1));

    // Another process has it from the database.
    eventually(async || scene.stored("/issuing.crl", after_its_end).await == 1).await;
    let another = scene.process("required");
    eventually(async || scene.errors(&another, &signer, after_its_end).await == E::NONE).await;
    assert_eq!((scene.server.requests("/issuing.crl"), scene.server.requests("/root.crl")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_newer_list_is_not_asked_again_and_again() {
    let scene = Scene::new().await;
    let (process, signer) = (scene.process("required"), scene.signer());
    scene.until(&process, &signer, now(), E::NONE).await;
    let last_quarter = now() + DAY * 6;
    // Whoever fetched the first list may still be putting it into the database: until then nobody fetches another.
    eventually(async || {
        assert_eq!(scene.errors(&process, &signer, last_quarter).await, E::NONE);
        scene.server.requests("/issuing.crl") == 2
    })
    .await;
    for hours in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(scene.errors(&process, &signer, last_quarter + SignedDuration::from_hours(hours)).await, E::NONE);
    }
    assert_eq!(scene.server.requests("/issuing.crl"), 2);
    // A day was left: in a quarter of it.
    assert_eq!(scene.errors(&process, &signer, last_quarter + SignedDuration::from_hours(7)).await, E::NONE);
    eventually(async || scene.server.requests("/issuing.crl") == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_redirects_and_only_http() {
    let scene = Scene::new().await;
    let to = |path: &str| Answer::Redirect(format!("{}{path}", scene.server.base));
    for (from, onwards) in [("/issuing.crl", "/1"), ("/1", "/2"), ("/3", "/issuing.crl")] {
        scene.server.put(from, to(onwards));
    }
    scene.server.put("/2", Answer::List(scene.pki.crl()));
    scene.server.put("/secure", Answer::Redirect(scene.server.base.replace("http:", "https:")));
    let process = scene.process("required");
    scene.until(&process, &scene.signer(), now(), E::NONE).await;
    assert_eq!(scene.server.requests("/2"), 1);
    for (serial, path) in [(0x72, "/3"), (0x73, "/secure")] {
        let signer = scene.issued(Usage::NonRepudiation, serial, path);
        assert_eq!(scene.errors(&process, &signer, now()).await, E::REVOKED_OFFLINE);
        eventually(async || scene.server.requests(path) == 1).await;
    }
    eventually(async || scene.server.requests("/1") == 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(scene.server.requests("/2"), 1, "a third redirect is not followed");
    assert_eq!(scene.stored("/3", now()).await + scene.stored("/secure", now()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_insist_on_lists_asks_once() {
    let scene = Scene::new().await;
    scene.server.put("/issuing.crl", Answer::Failure);
    let (process, signer) = (scene.process("soft-fail"), scene.signer());
    assert_eq!(scene.errors(&process, &signer, now()).await, E::REVOKED_OFFLINE, "it may be here soon");
    scene.until(&process, &signer, now(), E::NONE).await;
    assert_eq!(scene.server.requests("/issuing.crl"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_not_passed_over_while_its_list_is_missing() {
    let scene = Scene::new().await;
    scene.server.put("/silent.crl", Answer::Held(scene.pki.crl()));
    let process = scene.process("required");
    scene.until(&process, &scene.signer(), now(), E::NONE).await;
    let first = scene.issued(Usage::KeyEncipherment, 0x74, "/silent.crl");
    let second = scene.issued(Usage::KeyEncipherment, 0x75, "/issuing.crl");
    let refused = scene.issued(Usage::NonRepudiation, 0x76, "/issuing.crl");
    let seal = async |recipients: &[&pki::Identity]| {
        let recipients = recipients.iter().map(|one| certificate(one).der().to_vec()).collect();
        let message = ToSeal { content: "x".into(), signer: String::new(), recipients };
        process.seal(vec![message], now()).await.remove(0).unwrap_err().code
    };
    assert_eq!(seal(&[&first, &second]).await, "revocation-offline");
    // With a receiver, but without a key of ours.
    assert_eq!(seal(&[&refused, &second]).await, "own-key-unavailable");
    assert_eq!(seal(&[&second, &first]).await, "own-key-unavailable");
}
