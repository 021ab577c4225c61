//! What providers say became of notices.

use super::*;
use domain::notice::Channel::Sms;
use receivers::webhook::{signature, signed_post};
use runtime::clock;
use store::notice::delivery::{self, End, Ended};

/// A notice that its provider has, and where it says what became of it.
async fn scene() -> (Scene, Running, String, String) {
    let mut scene = Scene::open(&[Sms]).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    scene.fleet.settings.insert("RECEIPTS_LISTEN", format!("127.0.0.1:{port}"));
    let running = scene.fleet.start();
    write_to_trond(&scene.epj().await).await;
    scene.until(&["message sms sent 1"]).await;
    until("receipts are taken", || running.health.report()["receipts of notices"].is_none()).await;
    let id = scene.sms.calls()[0].key.clone();
    (scene, running, format!("http://127.0.0.1:{port}/receipts"), id)
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_came_is_the_last_word() {
    let (scene, running, url, id) = scene().await;
    let say =
        async |status: &str, code: Value| scene.sms.receipt(&url, &json!({ "id": id, "status": status, "code": code })).await;
    assert_eq!(say("failed", json!("absent")).await, 200);
    assert_eq!(scene.notices().await, ["message sms failed 1 absent"]);
    assert_eq!(say("failed", json!("absent")).await, 200);
    assert_eq!(say("delivered", Value::Null).await, 200);
    assert_eq!(scene.notices().await, ["message sms delivered 1"]);
    assert_eq!(say("delivered", Value::Null).await, 200);
    assert_eq!(say("failed", json!("absent")).await, 200);
    assert_eq!(scene.notices().await, ["message sms delivered 1"]);
    running.stop().await;
    assert_eq!(scene.calls(), (1, 0, 0));
}

/// A provider may say that it came before it says that it has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_said_meanwhile_stands() {
    let (scene, running, url, id) = scene().await;
    scene.fleet.rows.query("update dialogpost.notification set state = 'sending'", &[]).await;
    assert_eq!(scene.sms.receipt(&url, &json!({ "id": id, "status": "delivered" })).await, 200);
    let session = scene.fleet.store().session().await.unwrap();
    for end in [End::Sent(None), End::Again(clock::system(), "provider-slow".into()), End::Failed("webhook-400".into())] {
        let ended = Ended { id: id.parse().unwrap(), attempt: 1, end };
        delivery::settle(&session, &[ended], clock::system()).await.unwrap();
        assert_eq!(scene.notices().await, ["message sms delivered 1"]);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_known_and_signed_counts() {
    let (scene, running, url, id) = scene().await;
    let unknown = json!({ "id": Uuid::now_v7(), "status": "delivered" });
    assert_eq!(scene.sms.receipt(&url, &unknown).await, 404);
    for unreadable in [json!({}), json!({ "id": id, "status": "lost" }), json!({ "id": "1", "status": "delivered" }), json!([])] {
        assert_eq!(scene.sms.receipt(&url, &unreadable).await, 400, "{unreadable}");
    }
    let body = json!({ "id": id, "status": "delivered" }).to_string();
    let now = clock::system().as_second();
    let sign = |at| signature(SECRET, at, body.as_bytes());
    for (at, signature) in [
        (now, signature("et annet-et annet-et", now, body.as_bytes())),
        (now, String::new()),
        (now - 400, sign(now - 400)),
        (now + 400, sign(now + 400)),
        (now - 1, sign(now)),
    ] {
        assert_eq!(signed_post(&url, at, &signature, body.clone()).await, 401, "{at} {signature}");
    }
    let other = json!({ "id": id, "status": "failed" }).to_string();
    assert_eq!(signed_post(&url, now, &sign(now), other).await, 401, "another body");
    let large = format!("{{\"id\":\"{id}\",\"status\":\"delivered\",\"code\":\"{}\"}}", "x".repeat(20_000));
    let signed = signature(SECRET, now, large.as_bytes());
    assert_eq!(signed_post(&url, now, &signed, large).await, 413);
    assert_eq!(scene.notices().await, ["message sms sent 1"], "nothing has changed");
    assert_eq!(signed_post(&url, now, &sign(now), body.clone()).await, 200);
    assert_eq!(scene.notices().await, ["message sms delivered 1"]);
    running.stop().await;
}
