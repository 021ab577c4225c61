//! S4: of an E-dialog the patient is told by us, of one that HelseNorge carries by HelseNorge alone.

use super::*;
use domain::notice::Channel::{Email, Push, Sms};

const ORDERS: [(&[Channel], Channel); 4] =
    [(&[Sms, Email, Push], Sms), (&[Email, Sms], Email), (&[Push, Sms, Email], Push), (&[Email], Email)];

#[tokio::test(flavor = "multi_thread")]
async fn s4_exactly_one_notice_over_the_clinics_first_channel() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.fleet.start();
    let epj = scene.epj().await;
    let mut want = Vec::new();
    for (channels, first) in ORDERS {
        scene.apply(json!({ "enabled": true, "channels": channels }), json!({})).await;
        write_to_trond(&epj).await;
        want.push(format!("message {} sent 1", first.as_str()));
        scene.until(&want.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    assert_eq!(scene.calls(), (1, 1, 2));
    running.stop().await;
    for (server, to) in [(&scene.sms, PHONE), (&scene.push, TOKEN)] {
        let call = server.calls().remove(0);
        let said = "Solbakken legesenter: Du har en ny melding. Logg inn i klinikkens egen app eller portal for å lese den.";
        assert_eq!((&call.body["to"], &call.body["text"], &call.body["clinic"]), (&json!(to), &json!(said), &json!(CLINIC)));
        assert_eq!((&call.body["version"], &call.body["id"]), (&json!(1), &json!(call.key)));
        holds_nothing_sensitive(&call.body.to_string());
        let provider = "select provider_id from dialogpost.notification where id = $1";
        let id: Uuid = call.key.parse().unwrap();
        let kept: Option<String> = scene.fleet.rows.query(provider, &[&id]).await[0].get(0);
        assert_eq!(kept, Some(format!("p-{}", call.key)));
    }
    let mail = scene.mail.calls().remove(0);
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("post@solbakken.example", EMAIL));
    assert_eq!(mail.header("Subject").as_deref(), Some("Beskjed fra Solbakken legesenter"));
    assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    let ids =
        "select '<' || id || '@solbakken.example>' from dialogpost.notification where channel = 'email' order by created_at";
    assert_eq!(mail.header("Message-ID"), scene.fleet.rows.column::<String>(ids).await.first().cloned());
    holds_nothing_sensitive(&mail.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_in_the_patients_language_else_the_clinics() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.fleet.start();
    let epj = scene.epj().await;
    let notifications = |language| json!({ "enabled": true, "channels": ["sms"], "language": language });
    for (clinic, trond, want) in [
        ("nn", Value::Null, "Du har ei ny melding"),
        ("nn", json!("en"), "You have a new message"),
        ("en", json!("nb"), "Du har en ny melding"),
    ] {
        let before = scene.sms.calls().len();
        scene.apply(notifications(clinic), json!({ "language": trond })).await;
        write_to_trond(&epj).await;
        until("a text message comes", || scene.sms.calls().len() == before + 1).await;
        let text = scene.sms.calls()[before].body["text"].as_str().unwrap().to_owned();
        assert!(text.contains(want), "{clinic}, {trond}: {text}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_nobody_is_noticed_where_it_is_off_or_not_ours() {
    let scene = Scene::open(&[Sms]).await;
    let running = scene.fleet.start();
    let epj = scene.epj().await;
    let none = json!({ "phone": null, "email": null, "push": null });
    scene.apply(json!({ "enabled": false, "channels": ["sms"] }), json!({})).await;
    write_to_trond(&epj).await;
    scene.until(&["message clinic-off none"]).await;
    scene.apply(json!({ "enabled": true, "channels": ["sms", "push"] }), none).await;
    write_to_trond(&epj).await;
    scene.until(&["message clinic-off none", "message no-address none"]).await;
    scene.apply(Value::Null, json!({})).await;
    write_to_trond(&epj).await;
    scene.until(&["message clinic-off none", "message no-address none", "message clinic-off none"]).await;
    scene.apply(json!({ "enabled": true, "channels": ["sms"] }), json!({})).await;
    // Between colleagues, and what HelseNorge carries.
    let colleagues = json!({ "kind": "EDIALOG", "subject": SUBJECT, "text": TEXT, "colleagues": ["ole"] });
    epj.done(&command("StartDialog", CLINIC, "kari", colleagues)).await;
    let contact = json!({ "kind": "EKONTAKT", "subject": SUBJECT, "text": TEXT, "patient": LINE });
    epj.done(&command("StartDialog", CLINIC, "kari", contact)).await;
    scene.handled(4).await;
    scene.fleet.settle(0).await;
    running.stop().await;
    assert_eq!(scene.fleet.rows.count("dialogpost.notification").await, 3);
    assert_eq!(scene.calls(), (0, 0, 0));
}
