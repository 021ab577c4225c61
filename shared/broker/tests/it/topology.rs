use crate::support::{Admin, Reader, message, messages, publish, shared, url};
use broker::topology::{self, QUEUES};
use broker::{Publisher, Settled};
use messages::FaultClass;

#[tokio::test]
async fn applying_is_idempotent_and_routes_events() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let rows = topology::apply(&url(&vhost)).await.unwrap();
    assert_eq!(topology::apply(&url(&vhost)).await.unwrap(), rows);
    assert_eq!(rows.iter().filter(|row| row.kind == "queue").count(), QUEUES.len());

    let keys = [
        "dialog-received.ekontakt.8141333",
        "dialog-received.ekonsultasjon.8141333",
        // As the release before writes it.
        "dialog-received.ekonsultasjon",
        "message-rejected",
        "message-refused",
        "message-repeated",
        "message-noted",
        "request-received",
        "booking-requested.8141333",
        "appointment-moved.8141333",
        "e-dialog-written.8141333",
    ];
    let batch: Vec<_> = keys.iter().map(|key| message(topology::EXCHANGE, key, key)).collect();
    publish(&vhost, &batch).await;
    let admin = Admin::new(&vhost).await;
    for (worker, want) in [
        ("helsenorge-inbound", 0),
        ("recipient-routing", 3),
        ("ekonsultasjon-journaling", 2),
        ("appointment-booking", 1),
        ("appointment-notifications", 2),
        ("helsenorge-outbound", 8),
    ] {
        admin.ready_becomes(&topology::queue_of(worker), want).await;
    }
    admin.ready_becomes(&topology::sync_queue_of("helsenorge-outbound"), 1).await;
    let lost = Publisher::new(url(&vhost), "test").publish(&[message(topology::EXCHANGE, "nobody.wants.this", "1")]).await;
    assert!(matches!(lost.as_slice(), [Settled::Returned { code: 312, .. }]), "an event without a reader comes back: {lost:?}");
}

#[tokio::test]
async fn a_conflict_names_the_queue_and_what_to_do() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    Admin::new(&vhost).await.declare("dialogpost.recipient-routing", &[]).await;
    let fault = topology::apply(&url(&vhost)).await.unwrap_err();
    assert_eq!((fault.class, fault.code), (FaultClass::Broken, "amqp-topology-conflict"));
    assert!(fault.text.contains("dialogpost.recipient-routing") && fault.text.contains("delete it"), "{fault}");
}

#[tokio::test]
async fn what_a_queue_gives_up_on_reaches_the_keeper() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    topology::apply(&url(&vhost)).await.unwrap();
    let queue = "dialogpost.helsenorge-inbound";
    publish(&vhost, &messages(queue, 0, 1)).await;
    let mut reader = Reader::new(&vhost, &[queue], 10, 10);
    let mut attempts = 0;
    let admin = Admin::new(&vhost).await;
    let keeper = topology::queue_of("dead-letter-keeper");
    while admin.ready(&keeper).await == 0 {
        tokio::select! {
            batch = reader.consumer.next() => {
                batch.unwrap().give_back().await;
                attempts += 1;
            }
            () = tokio::time::sleep(std::time::Duration::from_millis(300)) => {}
        }
    }
    assert_eq!(attempts, topology::DELIVERY_LIMIT + 1);
    let mut keeper = Reader::new(&vhost, &[&keeper], 10, 10);
    let batch = keeper.next().await;
    let properties = &batch.deliveries[0].properties;
    assert_eq!(properties.application("x-first-death-queue"), Some(queue));
    assert_eq!(properties.application("x-first-death-reason"), Some("delivery_limit"));
    batch.ack().await;
}

#[tokio::test]
async fn the_stand_in_for_nhn_routes_by_queue_name() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    let her_ids = ["8141333", "93252"].map(|id| id.parse().unwrap());
    let rows = topology::apply_nhn_standin(&url(&vhost), "NHNTESTServiceBus", &her_ids).await.unwrap();
    assert_eq!(rows.len(), 1 + 2 * 9);
    let queues = ["8141333_async", "8141333_sync", "8141333_syncreply", "93252_error"];
    publish(&vhost, &queues.map(|queue| message("NHNTESTServiceBus", queue, queue))).await;
    let admin = Admin::new(&vhost).await;
    for queue in queues {
        admin.ready_becomes(queue, 1).await;
    }
}
