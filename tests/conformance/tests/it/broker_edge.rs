//! Cases 8 to 11: what we send, and whom to.

use broker::amqp10::{PropertiesSection, decode_application_properties, decode_properties, encode_properties};
use broker::{Publisher, Settled};
use conformance::{Proxy, Wire, accepted, headers, section, text};
use domain::transport::reply_queue;
use e2e::{Clinic, Exchange, PATIENCE};
use helsenorge::Message;
use lapin::types::AMQPValue;
use messages::transport::{Outgoing, Properties};
use std::collections::BTreeMap;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn case_08_what_we_publish_is_there_twice_and_says_the_same() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    clinic.helsenorge.publish(&[exchange.sealed(&Message::ekontakt())]).await.unwrap();
    clinic.fleet.settle(1).await;
    let raw = Wire::take(&clinic.fleet.world, "8093244_async").await.0.expect("a receipt").delivery;
    assert_eq!(*raw.properties.delivery_mode(), Some(2));
    assert_eq!(*raw.properties.kind(), None, "type is unset");
    let table = raw.properties.headers().clone().unwrap();
    let header = |key: &str| match table.inner().get(key) {
        Some(AMQPValue::LongString(value)) => value.as_bytes().to_vec(),
        other => panic!("{key}: {other:?}"),
    };
    let wide = decode_properties(&header("x-amqp-1.0-properties")).unwrap();
    let application = decode_application_properties(&header("x-amqp-1.0-app-properties")).unwrap();
    // The last one is the broker's.
    let apart = ["x-amqp-1.0-properties", "x-amqp-1.0-app-properties", "x-delivery-count"];
    let mut native: BTreeMap<String, String> = table
        .inner()
        .keys()
        .filter(|key| !apart.contains(&key.as_str()))
        .map(|key| (key.to_string(), String::from_utf8(header(key.as_str())).unwrap()))
        .collect();
    assert!(native.keys().all(|key| !key.starts_with("x-")), "no other x- headers: {native:?}");
    let basic = |field: &Option<lapin::types::ShortString>| field.as_ref().map(ToString::to_string);
    let narrow = PropertiesSection {
        message_id: basic(raw.properties.message_id()),
        to: native.remove("to"),
        subject: native.remove("subject"),
        reply_to: basic(raw.properties.reply_to()),
        correlation_id: basic(raw.properties.correlation_id()),
        content_type: basic(raw.properties.content_type()),
    };
    assert_eq!((&wide, &application), (&narrow, &native));
    assert_eq!((wide.to.as_deref(), wide.subject.as_deref()), (Some("8093244_async"), Some("APPREC")));
    assert_eq!(raw.data[0], 0x30, "the body is raw CMS");
    clinic.close().await;
    mandatory_and_confirmed().await;
}

/// What no queue takes comes back; what is not confirmed does not count as sent.
async fn mandatory_and_confirmed() {
    let wire = Wire::new().await;
    let to = |queue: &str| Outgoing {
        id: Uuid::now_v7(),
        wire: messages::transport::Wire::Nhn,
        exchange: String::new(),
        routing_key: queue.to_owned(),
        properties: Properties { message_id: Some(Uuid::now_v7().to_string()), ..Properties::default() },
        body: "x".into(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    };
    let proxy = Proxy::start(wire.world.rabbit().port(), 1).await;
    let publisher = Publisher::new(proxy.url(&wire.world.amqp_url).parse().unwrap(), "case 8");
    assert!(matches!(publisher.publish(&[to("q")]).await[..], [Settled::Failed(_)]), "its confirm was lost");
    assert_eq!(publisher.publish(&[to("q")]).await, [Settled::Confirmed]);
    assert!(matches!(publisher.publish(&[to("gone")]).await[..], [Settled::Returned { code: 312, .. }]));
    publisher.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_09_what_comes_back_is_not_sent() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    clinic.fleet.rows.query("update dialogpost.communication_party set async_queue = 'borte_async'", &[]).await;
    clinic.publish(&[exchange.sealed(&Message::ekontakt())]).await;
    let letters = "select code || ' ' || fault || ' ' || queue from dialogpost.dead_letter";
    assert_eq!(clinic.fleet.rows.column::<String>(letters).await, ["nhn-unroutable broken borte_async"]);
    assert_eq!(clinic.fleet.rows.column::<String>("select state from dialogpost.message_state").await, ["dead"]);
    assert_eq!(clinic.fleet.rows.column::<String>("select state from dialogpost.sent_state").await, ["dead"], "not sent");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_every_form_of_reply_to() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    for queue in ["a/b", "a%2Fb"] {
        Wire::make(&clinic.fleet.world, queue).await;
    }
    for (reply_to, queue) in [
        ("8093244_syncreply", "8093244_syncreply"),
        ("sb.test.nhn.no/NHNTESTServiceBus/8093244_syncreply", "8093244_syncreply"),
        ("/queue/8093244_syncreply", "8093244_syncreply"),
        ("/queues/8093244_syncreply", "8093244_syncreply"),
        ("/queues/8093244%5Fsyncreply", "8093244_syncreply"),
        ("/amq/queue/8093244_syncreply", "8093244_syncreply"),
        ("/exchange/NHNTESTServiceBus/8093244_syncreply", "8093244_syncreply"),
        ("/exchanges/NHNTESTServiceBus/8093244_syncreply", "8093244_syncreply"),
        // Only version 2 of these addresses is percent-encoded.
        ("/queues/a%2Fb", "a/b"),
        ("/exchanges/NHNTESTServiceBus/a%2Fb", "a/b"),
        ("a%2Fb", "a%2Fb"),
        ("sb.test.nhn.no/NHNTESTServiceBus/a%2Fb", "a%2Fb"),
        ("/queue/a%2Fb", "a%2Fb"),
        ("/amq/queue/a%2Fb", "a%2Fb"),
        ("/exchange/NHNTESTServiceBus/a%2Fb", "a%2Fb"),
    ] {
        assert_eq!(reply_queue(reply_to).as_deref(), Ok(queue), "{reply_to}");
        clinic.publish(&[exchange.sealed(&Message::kommunikasjonstest().reply_to(reply_to))]).await;
        let reply = clinic.helsenorge.expect(queue, 1, PATIENCE).await.unwrap().remove(0);
        assert_eq!(reply.properties.to.as_deref(), Some(queue), "{reply_to}");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_11_ids_that_amqp_0_9_1_cannot_carry() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let long = "i".repeat(300);
    let sealed = exchange.sealed(&Message::ekontakt());
    let binary = [&[0x00, 0x53, 0x73, 0xc0, 0x06, 0x01, 0xa0, 0x03][..], &[0xff, 0xfe, 0x00]].concat();
    let ids = PropertiesSection { message_id: Some(long.clone()), correlation_id: Some(long), ..PropertiesSection::default() };
    // Of 3.x: in the section, too long and no text; of 4.x: in a header of its own.
    for id in [
        ("x-amqp-1.0-properties", section(encode_properties(&ids).unwrap())),
        ("x-amqp-1.0-properties", section(binary)),
        ("x-message-id", section(vec![0xff; 300])),
    ] {
        let mut all = vec![id];
        let values = sealed.properties.application.iter().filter(|(key, _)| *key != "toHerId");
        all.extend(values.map(|(key, value)| (key.as_str(), text(value))));
        Wire::put_to(&clinic.fleet.world, "8141333_async", headers(&all), b"x").await;
        let error = clinic.error().await;
        assert_eq!(error.application("errorCondition"), Some("transport:invalid-field-value"));
        assert!(error.properties.correlation_id.is_none(), "one that could not be sent back is left out");
    }
    clinic.fleet.settle(3).await;
    let too_long = Outgoing {
        id: Uuid::now_v7(),
        wire: messages::transport::Wire::Nhn,
        exchange: String::new(),
        routing_key: "8093244_async".to_owned(),
        properties: Properties { message_id: Some("i".repeat(256)), ..Properties::default() },
        body: "x".into(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    };
    let publisher = Publisher::new(clinic.fleet.world.amqp_url.parse().unwrap(), "case 11");
    let settled = publisher.publish(&[too_long.clone(), Outgoing { routing_key: "k".repeat(256), ..too_long }]).await;
    assert!(
        settled.iter().all(|one| matches!(one, Settled::Failed(fault) if fault.code == "amqp-property-too-long")),
        "{settled:?}"
    );
    publisher.close().await;
    accepted(&mut clinic, &exchange, &sealed).await;
    clinic.close().await;
}
