//! Real AMQP 1.0 on both ends. Without the client library these tests fail and name its Debian package.

use crate::witness::{as_the_fleet_reads, publish_as_the_fleet, receipt_for};
use crate::{EXCHANGE, PATIENCE, connected};
use helsenorge::example::{HELSENORGE, SOLBAKKEN, async_queue};
use helsenorge::{Message, Proton, ProtonOptions, Trouble};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_reads_what_an_amqp_1_0_client_sends() {
    let (world, helsenorge) = connected().await;
    let proton = Proton::find(&world.amqp_url, EXCHANGE).await.unwrap();
    let sent = Message::ekonsultasjon().text("Blåbær på øya").attachment("å.png", "image/png", &[0, 255]).build();
    proton.send(&sent).await.unwrap();
    let delivery = as_the_fleet_reads(&world.amqp_url, &async_queue(SOLBAKKEN)).await;
    assert_eq!(delivery.properties, sent.properties);
    assert_eq!(delivery.body, sent.body);
    assert_eq!(delivery.deviations, Vec::<&str>::new());
    // And the stand-in over AMQP 0.9.1 looks just like it.
    proton.send(&sent).await.unwrap();
    helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    let both = helsenorge.expect(&async_queue(SOLBAKKEN), 2, PATIENCE).await.unwrap();
    assert_eq!(both[0].properties, both[1].properties);
    assert_eq!(both[0].plain, both[1].plain);
    assert_eq!((both[0].kind.as_deref(), both[0].has_sections), (Some("binary"), true));
    assert_eq!(both[0].kind, both[1].kind);
    // proton always sends a header section and so says that the message is not durable; HelseNorge says nothing.
    assert_eq!((both[0].delivery_mode, both[1].delivery_mode), (Some(1), None));
    assert_eq!(both[0].body, both[1].body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amqp_1_0_client_reads_what_the_fleet_sends() {
    let (world, _helsenorge) = connected().await;
    let proton = Proton::find(&world.amqp_url, EXCHANGE).await.unwrap();
    let sent = receipt_for(&Message::ekontakt().build());
    publish_as_the_fleet(&world.amqp_url, &sent).await;
    let received = proton.receive(&async_queue(HELSENORGE), 1, PATIENCE).await.unwrap();
    let [received] = received.try_into().unwrap();
    let p = &received.properties;
    assert_eq!(p.subject.as_deref(), Some("APPREC"));
    assert_eq!(p.to.as_deref(), Some("8093244_async"));
    assert_eq!(p.reply_to.as_deref(), Some("8141333_async"), "the bare name");
    assert_eq!(p.message_id.as_ref(), Some(&sent.transport_id));
    assert_eq!(p.correlation_id, p.message_id);
    assert_eq!(p.content_type.as_deref(), Some("text/plain"));
    assert_eq!(p.application("fromHerId"), Some("8141333"));
    assert_eq!(*p, sent.properties, "nothing else, nothing less");
    assert_eq!((received.message_id_type.as_str(), received.correlation_id_type.as_str()), ("str", "str"));
    assert_eq!(received.application_types, ["str"]);
    assert!(received.durable && received.body_is_data);
    assert_eq!(received.body, sent.body);
}

#[tokio::test]
async fn a_broker_that_is_away_is_told() {
    let proton = Proton::find("amqp://u:hemmelig@127.0.0.1:1/v", EXCHANGE).await.unwrap();
    let error = proton.send(&Message::ekontakt().build()).await.unwrap_err();
    assert!(matches!(error, Trouble::Proton(_)), "{error}");
    assert!(!error.to_string().contains("hemmelig"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_of_an_amqp_1_0_sender() {
    let (world, helsenorge) = connected().await;
    let proton = Proton::find(&world.amqp_url, EXCHANGE).await.unwrap();
    let durable = ProtonOptions { durable: true, ..ProtonOptions::default() };
    proton.send_with(&Message::ekontakt().build(), durable).await.unwrap();
    assert_eq!(helsenorge.expect(&async_queue(SOLBAKKEN), 1, PATIENCE).await.unwrap()[0].delivery_mode, Some(2));
    let sent = Message::ekontakt().build();
    proton.send_with(&sent, ProtonOptions { uuid_ids: true, ..ProtonOptions::default() }).await.unwrap();
    let [received] = proton.receive(&async_queue(SOLBAKKEN), 1, PATIENCE).await.unwrap().try_into().unwrap();
    assert_eq!((received.message_id_type.as_str(), received.correlation_id_type.as_str()), ("UUID", "UUID"));
    assert_eq!(received.properties, sent.properties);
}
