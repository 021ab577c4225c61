//! Cases 50 to 54: what breaks loses nothing and doubles nothing. How it does under load is for `tests/chaos` to show.

use broker::{Consumer, IntakeConfig};
use conformance::{Proxy, accepted, texts};
use domain::retry::MAX_WAITS;
use e2e::{Clinic, Exchange, NHN_EXCHANGE, PATIENCE, WORKERS};
use helsenorge::{Message, Proton, ProtonOptions};
use runtime::probe::{Probe, Step};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// basic.reject and basic.nack.
const REJECT: (u16, u16) = (60, 90);
const NACK: (u16, u16) = (60, 120);

/// On each broker the first confirm is lost together with its connection: that of the event that a message came, and that of its receipt.
#[tokio::test(flavor = "multi_thread")]
async fn case_50_the_broker_is_lost_between_publish_and_confirm() {
    let exchange = Exchange::new(2048);
    let mut fleet = exchange.fleet().await;
    let port = fleet.world.rabbit().port();
    let (ours, theirs) = (Proxy::start(port, 1).await, Proxy::start(port, 1).await);
    fleet.settings.insert("AMQP_URL", ours.url(&fleet.world.amqp_url));
    fleet.settings.insert("NHN_AMQP_URL", theirs.url(&fleet.world.amqp_url));
    let clinic = Clinic::of(fleet).await;
    clinic.helsenorge.publish(&[exchange.sealed(&Message::ekonsultasjon())]).await.unwrap();
    clinic.fleet.settle(1).await;
    assert_eq!((ours.confirms_to_lose(), theirs.confirms_to_lose()), (0, 0), "both were lost");
    let receipts = clinic.helsenorge.receipts(2, PATIENCE).await.unwrap();
    assert!(receipts[0].properties.message_id.is_some());
    assert_eq!(receipts[0].properties.message_id, receipts[1].properties.message_id, "the same message again");
    assert_eq!(receipts[0].body, receipts[1].body);
    // The event came twice too.
    for table in ["message where direction = 'out'", "inbox_item", "journal_entry", "dialog_entry"] {
        assert_eq!(clinic.fleet.rows.count(&format!("dialogpost.{table}")).await, 1, "{table}");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_51_killed_between_commit_and_acknowledgement() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet().await;
    let helsenorge = fleet.helsenorge().await;
    let inbound = helsenorge_inbound::WORKER.name;
    let dying = fleet.start_with(&WORKERS, Probe::new(move |worker, step| worker == inbound && step == Step::Committed));
    let sent = exchange.sealed(&Message::ekonsultasjon());
    helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    dying.crashed().await;
    assert_eq!(fleet.rows.count("dialogpost.dialog_entry").await, 1, "committed");
    let mut clinic = Clinic::of(fleet).await;
    clinic.fleet.settle(1).await;
    let receipt = exchange.opened(&clinic.receipt().await);
    assert_eq!(receipt.apprec.unwrap().original_id.as_deref(), Some(sent.msg_id.as_str()));
    // The next message is behind the redelivered one.
    accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt())).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message where direction = 'in'").await, 2);
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 1);
    clinic.close().await;
}

/// What fails is not given back to the broker, whose counting differs from version to version: it is acknowledged once it is stored for a
/// later attempt, and after the last one it is a dead letter of ours. So nothing is ever rejected; a shutdown gives back what it has not
/// begun, by nack.
#[tokio::test(flavor = "multi_thread")]
async fn case_52_bounded_attempts_and_a_shutdown_that_counts_as_none() {
    let exchange = Exchange::new(2048);
    let mut fleet = exchange.fleet().await;
    let mut setup = exchange.setup();
    setup.clinics[0].own_certificates.encryption = Some("missing.pem".into());
    fleet.apply_setup(setup).await;
    let proxy = Proxy::start(fleet.world.rabbit().port(), 0).await;
    fleet.settings.insert("NHN_AMQP_URL", proxy.url(&fleet.world.amqp_url));
    let clinic = Clinic::of(fleet).await;
    let sent = exchange.sealed(&Message::ekontakt());
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    let rows = &clinic.fleet.rows;
    for attempt in 1..=3 {
        let waits = format!(
            "select count(*) from dialogpost.outbox where properties -> 'application' ->> 'dialogpost-attempt' = '{attempt}'"
        );
        clinic.fleet.until(&waits, 1).await;
        // Four days of waiting in no time: the third attempt was the last but one.
        let next = if attempt == 3 { MAX_WAITS - 1 } else { attempt };
        let sql = "update dialogpost.outbox set due_at = now(),
            properties = jsonb_set(properties, '{application,dialogpost-attempt}', to_jsonb($1::text))";
        rows.query(sql, &[&next.to_string()]).await;
    }
    let dead =
        format!("select count(*) from dialogpost.dead_letter where code = 'own-key-unavailable' and attempts = {MAX_WAITS}");
    clinic.fleet.until(&dead, 1).await;
    clinic.fleet.settle(1).await;
    assert_eq!(rows.one::<Vec<u8>>("select body from dialogpost.dead_letter").await, sent.body, "whole");
    assert_eq!(rows.column::<String>("select state from dialogpost.message_state").await, ["dead"]);
    clinic.close().await;
    assert!(!proxy.sent().contains(&REJECT) && !proxy.sent().contains(&NACK), "acknowledged");
    given_back().await;
}

/// A reader that is asked to stop while it holds messages.
async fn given_back() {
    let wire = conformance::Wire::new().await;
    let proxy = Proxy::start(wire.world.rabbit().port(), 0).await;
    wire.put(lapin::BasicProperties::default(), b"x").await;
    let cancel = CancellationToken::new();
    let url = proxy.url(&wire.world.amqp_url).parse().unwrap();
    let config = IntakeConfig { name: "case 52".into(), prefetch: 1, batch: 1, now: || jiff::Timestamp::UNIX_EPOCH };
    let mut consumer = Consumer::new(url, config, watch::channel(vec!["q".to_owned()]).1, cancel.clone());
    let batch = consumer.next().await.unwrap();
    cancel.cancel();
    batch.give_back().await;
    assert!(consumer.next().await.is_none());
    assert!(proxy.sent().contains(&NACK) && !proxy.sent().contains(&REJECT), "{:?}", proxy.sent());
    let started = Instant::now();
    while conformance::Wire::take(&wire.world, "q").await.0.is_none() {
        assert!(started.elapsed() < PATIENCE, "it is back on its queue");
    }
}

/// An id that no AMQP 0.9.1 client can read breaks the connection on which it comes, until the queue's delivery limit puts it aside.
#[tokio::test(flavor = "multi_thread")]
async fn case_53_a_poison_message_among_good_ones() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet().await;
    let helsenorge = fleet.helsenorge().await;
    let good: Vec<_> = (0..6).map(|n| exchange.sealed(&Message::ekontakt().text(&n.to_string()))).collect();
    // All are there before anybody reads.
    helsenorge.publish(&good[..3]).await.unwrap();
    let proton = Proton::find(&fleet.world.amqp_url, NHN_EXCHANGE).await.unwrap();
    let poison = exchange.sealed(&Message::ekontakt().text("gift"));
    proton.send_with(&poison, ProtonOptions { uuid_ids: true, durable: true }).await.unwrap();
    helsenorge.publish(&good[3..]).await.unwrap();
    let mut clinic = Clinic::of(fleet).await;
    clinic.fleet.settle_within(6, Duration::from_secs(60)).await;
    assert_eq!(texts(&clinic).await, ["0", "1", "2", "3", "4", "5"]);
    clinic.helsenorge.receipts(6, PATIENCE).await.unwrap();
    let started = Instant::now();
    while clinic.helsenorge.waiting_on("8141333_dl").await.unwrap() == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the poison is still in the queue");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt().text("6"))).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 7);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_54_nobody_can_be_told() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let rows =
        "select d.code, m.raw = $1 as whole, s.state from dialogpost.dead_letter d join dialogpost.message m on m.id = d.message
         join dialogpost.message_state s on s.id = m.id where m.transport_id = $2";
    let stranger = exchange.sealed(&Message::ekontakt().from(8_099_999, 115_851));
    let unreachable = exchange.sealed(&Message::ekontakt().raw_body("hei"));
    clinic.publish(std::slice::from_ref(&stranger)).await;
    clinic.fleet.rows.query("update dialogpost.communication_party set error_queue = 'borte_error'", &[]).await;
    clinic.publish(std::slice::from_ref(&unreachable)).await;
    for (sent, code) in [(&stranger, "sender-unknown"), (&unreachable, "nhn-unroutable")] {
        let found = clinic.fleet.rows.query(rows, &[&&sent.body[..], &sent.transport_id]).await;
        assert_eq!(found.len(), 1, "{code}");
        let row = &found[0];
        assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1), row.get::<_, &str>(2)), (code, true, "dead"), "kept whole");
    }
    // What could not be told is kept with it.
    let told =
        "select properties -> 'application' ->> 'errorCondition' from dialogpost.dead_letter where code = 'nhn-unroutable'";
    assert_eq!(clinic.fleet.rows.one::<String>(told).await, "transport:not-well-formed-xml");
    clinic.close().await;
}
