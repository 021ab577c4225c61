//! Every effect happens once: delivered twice, out of order, and with a crash after each step of each worker, the outcome equals that of
//! one clean run.

use broker::{Consumer, IntakeConfig, Publisher, Settled, topology};
use e2e::{Fleet, PATIENCE, Snapshot, WORKERS};
use helsenorge::{AVTALEAVBESTILLING, Message, Received, Sent, example};
use messages::transport::{Delivery, Outgoing, Wire};
use messages::wire::icalendar::Vevent;
use runtime::clock;
use runtime::probe::{Probe, Step};
use runtime::worker::Worker;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const CONVERSATION: &str = "5f7f7b5e-54a7-4c0e-8d8e-000000000001";

/// What HelseNorge knows a free slot and two appointments of Line's by.
const SLOT: &str = "5f7f7b5e-54a7-4c0e-8d8e-0000000000a1";
const BOOKED: &str = "5f7f7b5e-54a7-4c0e-8d8e-0000000000a2";
const HIDDEN: &str = "5f7f7b5e-54a7-4c0e-8d8e-0000000000a3";
/// Of [`messages`], those that have an answer beside their receipt.
const BOOKINGS: usize = 6;

/// A fleet with these in Kari's timebok.
pub(crate) async fn furnished() -> Fleet {
    let fleet = Fleet::new().await;
    let slot = format!(
        "insert into dialogpost.slot select 8141333, 'kari-bok', at, at + interval '20 minutes', 'vanlig', true, '{SLOT}'
         from (select date_trunc('hour', now()) + interval '7 days') t(at)"
    );
    fleet.rows.query(&slot, &[]).await;
    // Of whom that is known nobody is asked.
    fleet.rows.query("update dialogpost.contact_status set active = true, consented = true", &[]).await;
    for (hours, of_type, uid) in [(1, "vanlig", BOOKED), (2, "skjult", HIDDEN)] {
        let appointment = format!(
            "with made as (insert into dialogpost.appointment
                select gen_random_uuid(), 8141333, 'kari-bok', p.id, at, at + interval '20 minutes', '{of_type}', 'booked', '{uid}', 1, null,
                    now(), now()
                from dialogpost.patient p, (select date_trunc('hour', now()) + interval '7 days {hours} hours') t(at)
                where p.family_name = 'Danser' returning *)
             insert into dialogpost.appointment_change select id, 1, 'booked', now(), 'kari', null, starts_at, ends_at, type from made"
        );
        fleet.rows.query(&appointment, &[]).await;
    }
    fleet
}

/// Every path: both journaled and not, a conversation, a rejection, a refusal; booked, cancelled, and neither.
fn messages() -> Vec<Sent> {
    let id = |n: u32| format!("5f7f7b5e-54a7-4c0e-8d8e-{n:012}");
    let first = || Message::ekonsultasjon().msg_id(CONVERSATION).text("en");
    let all = [
        first(),
        Message::ekonsultasjon().msg_id(id(2)).in_conversation(CONVERSATION, CONVERSATION).text("to"),
        Message::ekontakt().msg_id(id(3)).text("tre"),
        Message::reseptfornyelse().msg_id(id(4)).text("fire"),
        Message::ekontakt().msg_id(id(5)).patient("29820099840", "Ukjent", "Person"),
        Message::ekontakt().msg_id(id(6)).raw_body("hei"),
        Message::ekontakt().msg_id(id(7)).patient(example::TROND.nin, "Trond", "Harboe").text("sju"),
        Message::reserver_avtale(&event(SLOT)).msg_id(id(8)),
        Message::reserver_avtale(&event(SLOT)).msg_id(id(9)).without_text().patient(example::TROND.nin, "Trond", "Harboe"),
        Message::reserver_avtale(&event(CONVERSATION)).msg_id(id(10)),
        Message::avbestill_avtale(&event(BOOKED)).msg_id(id(11)),
        Message::avbestill_avtale(&event(BOOKED)).msg_id(id(12)).of_process(AVTALEAVBESTILLING),
        Message::avbestill_avtale(&event(HIDDEN)).msg_id(id(13)),
        Message::reserver_avtale(&event(SLOT)).msg_id(id(14)).of_process(AVTALEAVBESTILLING),
    ];
    all.iter().map(Message::build).collect()
}

/// How much HelseNorge is told of them.
fn answers(sent: &[Sent]) -> usize {
    sent.len() + BOOKINGS
}

fn event(uid: &str) -> Vevent {
    Vevent { uid: Some(uid.to_owned()), ..Vevent::default() }
}

/// Original id → AppRec status, or the code of an answer about appointments, each distinct receipt once: a resend has the same message id.
async fn told(fleet: &Fleet, answers: usize) -> BTreeMap<String, String> {
    let helsenorge = fleet.helsenorge().await;
    let (mut ids, started) = (BTreeMap::new(), Instant::now());
    while ids.len() < answers {
        assert!(started.elapsed() < PATIENCE, "{} of {answers}: {ids:?}", ids.len());
        let mut received = helsenorge.receive("8093244_async", answers, std::time::Duration::from_millis(300)).await.unwrap();
        received.extend(helsenorge.receive("8093244_error", answers, std::time::Duration::from_millis(300)).await.unwrap());
        for r in received {
            ids.insert(r.properties.message_id.clone().unwrap(), about(&r));
        }
    }
    let mut told = BTreeMap::new();
    for (about, status) in ids.into_values() {
        assert!(told.insert(about, status).is_none(), "one answer each");
    }
    told
}

fn about(received: &Received) -> (String, String) {
    if let Some(apprec) = &received.apprec {
        return (apprec.original_id.clone().unwrap(), apprec.status.clone().unwrap().v.unwrap());
    }
    if let Some(said) = received.about_appointments() {
        let version = said.events.first().and_then(|event| event.sequence);
        return (format!("answer to {}", said.answers.unwrap()), format!("{} {version:?}", said.answer.unwrap()));
    }
    (received.application("originalMessageId").unwrap().to_owned(), "error".to_owned())
}

/// Everything has an end, and what we answer is sent.
async fn settle(fleet: &Fleet, sent: &[Sent]) {
    fleet.settle(sent.len() as i64).await;
    fleet.until("select count(*) from dialogpost.sent_state where state = 'queued'", 0).await;
}

async fn clean_run(sent: &[Sent]) -> Snapshot {
    let fleet = furnished().await;
    fleet.helsenorge().await.publish(sent).await.unwrap();
    let running = fleet.start();
    settle(&fleet, sent).await;
    running.stop().await;
    assert_eq!(told(&fleet, answers(sent)).await.len(), answers(sent));
    fleet.rows.snapshot().await
}

/// Dies once, at `step` of `worker`; then a new fleet finishes the work.
async fn crashing_run(sent: &[Sent], worker: Worker, step: Step) -> Snapshot {
    let fleet = furnished().await;
    fleet.helsenorge().await.publish(sent).await.unwrap();
    let died = Arc::new(AtomicBool::new(false));
    let once = Arc::clone(&died);
    let probe = Probe::new(move |w, s| w == worker.name && s == step && !once.swap(true, Ordering::SeqCst));
    let running = fleet.start_with(&WORKERS, probe);
    running.crashed_or(&died).await;
    let running = fleet.start();
    settle(&fleet, sent).await;
    running.stop().await;
    assert!(died.load(Ordering::SeqCst), "{} never reached {step:?}", worker.name);
    assert_eq!(told(&fleet, answers(sent)).await.len(), answers(sent), "{} {step:?}", worker.name);
    fleet.rows.snapshot().await
}

async fn crash_after_each_step(worker: Worker) {
    let sent = messages();
    let clean = clean_run(&sent).await;
    for step in Step::ALL {
        // Routing and journaling publish nothing.
        if step == Step::Published && !["helsenorge-inbound", "helsenorge-outbound", "appointment-booking"].contains(&worker.name)
        {
            continue;
        }
        assert_eq!(crashing_run(&sent, worker, step).await, clean, "{} {step:?}", worker.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_helsenorge_inbound() {
    crash_after_each_step(helsenorge_inbound::WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_recipient_routing() {
    crash_after_each_step(recipient_routing::WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_ekonsultasjon_journaling() {
    crash_after_each_step(ekonsultasjon_journaling::WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_appointment_booking() {
    crash_after_each_step(appointment_booking::WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_helsenorge_outbound() {
    crash_after_each_step(helsenorge_outbound::WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_each_step_of_dead_letter_keeper() {
    for step in Step::ALL.into_iter().filter(|s| *s != Step::Published) {
        let fleet = Fleet::new().await;
        let id = Uuid::now_v7();
        put(&fleet, &topology::queue_of("dead-letter-keeper"), &[raw(id, b"dead")]).await;
        fleet.start_with(&[dead_letter_keeper::WORKER], Probe::new(move |_, s| s == step)).crashed().await;
        let running = fleet.start();
        fleet.until("select count(*) from dialogpost.dead_letter", 1).await;
        running.stop().await;
        assert_eq!(fleet.rows.count("dialogpost.processed").await, 1, "{step:?}");
    }
}

fn raw(id: Uuid, body: &'static [u8]) -> Outgoing {
    let properties = messages::transport::Properties { message_id: Some(id.to_string()), ..Default::default() };
    Outgoing {
        id,
        wire: Wire::Dialogpost,
        exchange: String::new(),
        routing_key: String::new(),
        properties,
        body: body.into(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    }
}

async fn put(fleet: &Fleet, queue: &str, outgoing: &[Outgoing]) {
    let publisher = Publisher::new(fleet.world.amqp_url.parse().unwrap(), "test");
    let to = |o: &Outgoing| Outgoing { id: Uuid::now_v7(), exchange: String::new(), routing_key: queue.to_owned(), ..o.clone() };
    let outgoing: Vec<_> = outgoing.iter().map(to).collect();
    assert!(publisher.publish(&outgoing).await.iter().all(|s| *s == Settled::Confirmed));
}

/// Takes everything off a queue.
async fn drain(fleet: &Fleet, queue: &str, count: usize) -> Vec<Delivery> {
    let cancel = CancellationToken::new();
    let url = fleet.world.amqp_url.parse().unwrap();
    let config = IntakeConfig { name: "drain".into(), prefetch: 100, batch: 100, now: clock::system };
    let mut consumer = Consumer::new(url, config, watch::channel(vec![queue.to_owned()]).1, cancel.clone());
    let mut all = Vec::new();
    while all.len() < count {
        let batch = tokio::time::timeout(PATIENCE, consumer.next()).await.expect("it comes").unwrap();
        all.extend(batch.deliveries.iter().cloned());
        batch.ack().await;
    }
    all
}

fn event_of(delivery: &Delivery) -> Outgoing {
    let body = delivery.body.clone();
    Outgoing { body, properties: delivery.properties.clone(), ..raw(Uuid::now_v7(), b"") }
}

/// Events in reverse order, each three times, under the same and under new AMQP ids.
#[tokio::test(flavor = "multi_thread")]
async fn twice_and_in_reverse() {
    let sent = messages();
    let clean = clean_run(&sent).await;
    let fleet = furnished().await;
    let helsenorge = fleet.helsenorge().await;
    helsenorge.publish(&sent).await.unwrap();
    helsenorge.publish(&sent).await.unwrap();
    let inbound = fleet.start_with(&[helsenorge_inbound::WORKER], Probe::default());
    let queues = [
        ("recipient-routing", 5),
        ("ekonsultasjon-journaling", 2),
        ("appointment-booking", BOOKINGS),
        ("helsenorge-outbound", sent.len()),
    ];
    for (worker, events) in queues {
        let queue = topology::queue_of(worker);
        let mut deliveries = drain(&fleet, &queue, events).await;
        deliveries.reverse();
        for _ in 0..3 {
            let mut again: Vec<_> = deliveries.iter().map(event_of).collect();
            put(&fleet, &queue, &again).await;
            for event in &mut again {
                event.properties.message_id = Some(Uuid::now_v7().to_string());
            }
            put(&fleet, &queue, &again).await;
        }
    }
    inbound.stop().await;
    let running = fleet.start();
    settle(&fleet, &sent).await;
    for (worker, _) in queues {
        while helsenorge.waiting_on(&topology::queue_of(worker)).await.unwrap() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    running.stop().await;
    assert_eq!(told(&fleet, answers(&sent)).await.len(), answers(&sent));
    assert_eq!(fleet.rows.snapshot().await, clean);
}

/// The messages themselves in other orders: the same dialogs, whatever overtakes what.
#[tokio::test(flavor = "multi_thread")]
async fn messages_in_any_order_make_the_same_dialogs() {
    let mut sent = messages();
    // Places in a dialog tell the order of arrival; everything else must not depend on it.
    let unordered = |s: Snapshot| s.into_iter().filter(|l| !l.starts_with("dialog:")).collect::<Vec<_>>();
    let clean = unordered(clean_run(&sent).await);
    for _ in 0..3 {
        sent.rotate_left(2);
        sent.swap(0, 3);
        assert_eq!(unordered(clean_run(&sent).await), clean);
    }
}
