//! Cases 46 to 49: requests whose sender waits.

use conformance::refused;
use domain::sync::Asked;
use e2e::{Clinic, Exchange, PATIENCE, WORKERS, certificate, signing_key};
use helsenorge::{Message, Received, SEALED, Sent};
use jiff::{SignedDuration, Timestamp};
use messages::wire::hodemelding::Content;
use messages::wire::{Incoming, Limits, read};
use runtime::clock;
use runtime::probe::{Probe, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn case_46_a_communication_test_is_answered_in_time() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    // Even to one who asks for it there is no AppRec.
    for message in [Message::kommunikasjonstest(), Message::kommunikasjonstest().ack("J")] {
        let asked = exchange.sealed(&message.property("correlation-id", "asked-1"));
        let started = Instant::now();
        clinic.helsenorge.publish(std::slice::from_ref(&asked)).await.unwrap();
        let life = Duration::from_secs(15);
        let reply = clinic.helsenorge.expect("8093244_syncreply", 1, life).await.unwrap().remove(0);
        assert!(started.elapsed() < life);
        assert_eq!(reply.shape_faults(), Vec::<String>::new());
        let p = &reply.properties;
        assert_eq!((p.correlation_id.as_deref(), p.ttl_ms, p.reply_to.as_deref()), (Some("asked-1"), Some(15_000), None));
        assert_eq!((p.subject.as_deref(), p.content_type.as_deref()), (Some("DIALOG_INNBYGGER_TEST"), Some(SEALED)));
        assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141333"), Some("8093244")));
        assert!(p.message_id.is_some() && p.message_id != asked.properties.message_id, "an id of its own");
        let Incoming::MsgHead(head) = read(&exchange.opened(&reply).body, &Limits::default()).unwrap().incoming else {
            panic!("a dialog message")
        };
        assert_eq!(head.conversation_ref.unwrap().ref_to_parent.as_deref(), Some(asked.msg_id.as_str()));
        let Content::Dialogmelding(dialog) = &head.documents[0].content else { panic!("a dialogmelding") };
        assert!(dialog.foresporsel[0].type_foresp.as_ref().unwrap().is("RKT"));
    }
    clinic.fleet.settle(2).await;
    clinic.helsenorge.nothing_on("8093244_async", Duration::from_millis(300)).await.unwrap();
    clinic.close().await;
}

/// The clinic's own communication test, as an operator starts it.
async fn ask(clinic: &Clinic, now: Timestamp) -> Asked {
    let mut session = clinic.fleet.store().session().await.unwrap();
    let (from, party) = (8_141_333.try_into().unwrap(), 8_093_244.try_into().unwrap());
    operator::communication_test::send(&mut session, from, party, now).await.unwrap().unwrap()
}

async fn request(clinic: &Clinic) -> Received {
    clinic.helsenorge.expect("8093244_sync", 1, PATIENCE).await.unwrap().remove(0)
}

/// What became of the replies that came in, oldest first: delivered to whoever waits, or the code of why not.
async fn heard(clinic: &Clinic, replies: i64) -> Vec<String> {
    clinic.fleet.settle(replies).await;
    let sql = "select coalesce(code, case when exists (select from dialogpost.sync_reply r where r.message = m.id) then 'delivered' end, '?')
        from dialogpost.message m where direction = 'in' order by id";
    clinic.fleet.rows.column(sql).await
}

async fn send(clinic: &Clinic, reply: Sent) {
    clinic.helsenorge.publish(&[reply]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn case_47_our_own_request_is_answered_in_time_or_not_at_all() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    let reply_to = |request: &Received| exchange.sealed(&Message::communication_reply(request));
    let asked = ask(&clinic, clock::system()).await;
    let asking = request(&clinic).await;
    assert_eq!(asking.shape_faults(), Vec::<String>::new());
    let p = &asking.properties;
    assert_eq!(p.message_id, Some(asked.request.to_string()));
    assert_eq!((&p.correlation_id, p.ttl_ms), (&p.message_id, Some(15_000)));
    assert_eq!((p.reply_to.as_deref(), p.content_type.as_deref()), (Some("8141333_syncreply"), Some(SEALED)));
    send(&clinic, reply_to(&asking)).await;
    assert_eq!(heard(&clinic, 1).await, ["delivered"]);
    // Nobody waits any more when this one is answered.
    let late = ask(&clinic, clock::system()).await;
    let asking = request(&clinic).await;
    clinic.fleet.rows.query("update dialogpost.sync_request set due_at = now() where message = $1", &[&late.request]).await;
    send(&clinic, reply_to(&asking)).await;
    assert_eq!(heard(&clinic, 2).await[1..], ["reply-late"]);
    let session = clinic.fleet.store().session().await.unwrap();
    let standing = store::sending::standing(&session, late.request).await.unwrap().unwrap();
    assert_eq!((standing.replied_at, standing.state.as_str()), (None, "sent"), "the asker was told: no answer");
    // What could not be sent while somebody waited is not sent.
    let missed = ask(&clinic, clock::system() - SignedDuration::from_secs(20)).await;
    clinic.fleet.until("select count(*) from dialogpost.dead_letter where code = 'request-expired'", 1).await;
    assert_eq!(clinic.fleet.sent_state(missed.request).await, "dead");
    clinic.helsenorge.nothing_on("8093244_sync", Duration::from_millis(300)).await.unwrap();
    clinic.close().await;
}

/// The request is registered before it is sent: its reply counts though the broker's confirm was never heard.
#[tokio::test(flavor = "multi_thread")]
async fn case_47_a_reply_may_come_before_the_confirm() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet().await;
    let helsenorge = fleet.helsenorge().await;
    let died = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&died);
    let deaf = Probe::new(move |worker, step| {
        let dies = worker == "helsenorge-outbound" && step == Step::Published;
        seen.fetch_or(dies, Ordering::SeqCst);
        dies
    });
    let running = fleet.start_with(&WORKERS, deaf);
    let mut session = fleet.store().session().await.unwrap();
    let (from, party) = (8_141_333.try_into().unwrap(), 8_093_244.try_into().unwrap());
    let asked = operator::communication_test::send(&mut session, from, party, clock::system()).await.unwrap().unwrap();
    let request = helsenorge.expect("8093244_sync", 1, PATIENCE).await.unwrap().remove(0);
    running.crashed_or(&died).await;
    let inbound = WORKERS.into_iter().filter(|w| w.name == "helsenorge-inbound").collect::<Vec<_>>();
    let running = fleet.start_with(&inbound, Probe::default());
    helsenorge.publish(&[exchange.sealed(&Message::communication_reply(&request))]).await.unwrap();
    fleet.until("select count(*) from dialogpost.sync_reply", 1).await;
    assert_eq!(fleet.sent_state(asked.request).await, "queued", "for us it is not sent yet");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_nobody_else_answers_for_the_one_that_was_asked() {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    ask(&clinic, clock::system()).await;
    let asking = request(&clinic).await;
    let reply = || Message::communication_reply(&asking);
    send(&clinic, exchange.sealed(&reply().from(8_093_299, 115_851).on_queue("8141333_syncreply"))).await;
    assert_eq!(heard(&clinic, 1).await, ["reply-from-another"]);
    let forger = exchange.pki.party("Forfalsker AS", "999999998", 900);
    let forged = reply().build().sealed(&signing_key(&forger.signing), &certificate(&exchange.clinic.encryption));
    send(&clinic, forged).await;
    assert_eq!(heard(&clinic, 2).await[1..], ["signer-unexpected"]);
    send(&clinic, exchange.sealed(&reply().replacing(">8093244<", ">8093245<"))).await;
    send(&clinic, exchange.sealed(&reply().property("correlation-id", "5f7f7b5e-54a7-4c0e-8d8e-777777777777"))).await;
    send(&clinic, reply().build()).await;
    assert_eq!(heard(&clinic, 5).await[2..], ["sender-her-id-mismatch", "reply-unexpected", "content-unprotected"]);
    assert_eq!(clinic.fleet.rows.count("dialogpost.sync_reply").await, 0, "whoever waits has heard nothing");
    clinic.helsenorge.nothing_on("8093244_error", Duration::from_millis(300)).await.unwrap();
    // The genuine one still counts, once.
    send(&clinic, exchange.sealed(&reply())).await;
    send(&clinic, exchange.sealed(&reply().transport_id("again"))).await;
    assert_eq!(heard(&clinic, 7).await[5..], ["delivered", "?"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_49_a_request_that_cannot_be_replied_to() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    for reply_to in ["", "/queues/%ff", "host/ns/"] {
        let sent = exchange.sealed(&Message::kommunikasjonstest().reply_to(reply_to));
        let error = refused(&mut clinic, &sent, "transport:invalid-field-value").await;
        assert_eq!(error.application("errorDescription"), Some("Invalid value in field: 'ReplyTo'"));
    }
    clinic.helsenorge.nothing_on("8093244_syncreply", Duration::from_millis(300)).await.unwrap();
    clinic.close().await;
}
