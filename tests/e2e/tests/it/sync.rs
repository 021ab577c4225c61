//! Requests whose sender waits: answered in time or not at all, apart from everything else.

use domain::sync::Asked;
use e2e::{Clinic, PATIENCE};
use helsenorge::example::{sync_queue, syncreply_queue};
use helsenorge::{Message, Received};
use jiff::{SignedDuration, Timestamp};
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::{Incoming, Limits, read};
use runtime::clock;

async fn reply(clinic: &Clinic) -> Received {
    let replies = clinic.helsenorge.expect(&syncreply_queue(8_093_244), 1, PATIENCE).await.unwrap();
    replies.into_iter().next().unwrap()
}

fn head(received: &Received) -> MsgHead {
    match read(&received.body, &Limits::default()).unwrap().incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_46_a_communication_test_is_answered() {
    let mut clinic = Clinic::open().await;
    let asked = clinic.send(&[Message::kommunikasjonstest()]).await.remove(0);
    let reply = reply(&clinic).await;
    assert_eq!(reply.shape_faults(), Vec::<String>::new());
    let p = &reply.properties;
    assert_eq!(p.correlation_id, asked.properties.correlation_id);
    assert_ne!(p.message_id, asked.properties.message_id);
    assert_eq!((p.subject.as_deref(), p.reply_to.as_deref()), (Some("DIALOG_INNBYGGER_TEST"), None));
    assert_eq!(p.ttl_ms, Some(15_000));
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141333"), Some("8093244")));
    let head = head(&reply);
    assert!(head.msg_type.unwrap().is("DIALOG_INNBYGGER_TEST"));
    assert_eq!(head.conversation_ref.unwrap().ref_to_parent.as_deref(), Some(asked.msg_id.as_str()));
    assert_eq!(head.receiver.unwrap().level_2_her_id(), Some("8093244"));
    let Content::Dialogmelding(dialog) = &head.documents[0].content else { panic!("no dialogmelding") };
    assert!(dialog.foresporsel[0].type_foresp.as_ref().unwrap().is("RKT"));
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'replied'").await, 1);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_10_every_form_of_reply_to_is_understood() {
    let mut clinic = Clinic::open().await;
    for address in [
        "sb.test.nhn.no/NHNTESTServiceBus/8093244_syncreply",
        "/queue/8093244_syncreply",
        "/queues/8093244%5Fsyncreply",
        "/amq/queue/8093244_syncreply",
        "/exchange/NHNTESTServiceBus/8093244_syncreply",
        "/exchanges/NHNTESTServiceBus/8093244%5Fsyncreply",
    ] {
        clinic.send(&[Message::kommunikasjonstest().reply_to(address)]).await;
        assert_eq!(reply(&clinic).await.properties.to.as_deref(), Some("8093244_syncreply"), "{address}");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_49_what_cannot_be_replied_to_is_told_on_the_error_queue() {
    let mut clinic = Clinic::open().await;
    let test = Message::kommunikasjonstest;
    let another = || Message::ekontakt().on_queue("8141333_sync").reply_to("8093244_syncreply");
    for (request, condition, description) in [
        (test().reply_to(""), "transport:invalid-field-value", "Invalid value in field: 'ReplyTo'"),
        (test().reply_to("/queues/%ff"), "transport:invalid-field-value", "Invalid value in field: 'ReplyTo'"),
        (another(), "transport:unsupported-message", "No answer can be waited for to this message"),
        (test().raw_body("<x"), "transport:not-well-formed-xml", "Could not deserialize payload"),
    ] {
        clinic.send(&[request]).await;
        let error = clinic.error().await;
        assert_eq!(error.application("errorCondition"), Some(condition));
        assert!(error.application("errorDescription").unwrap().starts_with(description), "{error:?}");
    }
    assert_eq!(clinic.helsenorge.waiting_on(&syncreply_queue(8_093_244)).await.unwrap(), 0);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_nobody_waits_for_any_more_is_not_answered() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::kommunikasjonstest().seconds_old(25)]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'expired'").await, 1);
    assert_eq!(clinic.helsenorge.waiting_on(&syncreply_queue(8_093_244)).await.unwrap(), 0);
    clinic.close().await;
}

/// While nothing with content can be stored, whoever waits is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_does_not_delay_a_reply() {
    let clinic = Clinic::open().await;
    let rows = &clinic.fleet.rows;
    rows.query("begin", &[]).await;
    rows.query("lock table dialogpost.dialog in share row exclusive mode", &[]).await;
    clinic.helsenorge.send_all(&[Message::ekontakt(), Message::ekonsultasjon()]).await.unwrap();
    clinic.helsenorge.send(&Message::kommunikasjonstest()).await.unwrap();
    reply(&clinic).await;
    assert_eq!(rows.count("dialogpost.message where outcome = 'accepted'").await, 0, "the others still wait");
    rows.query("commit", &[]).await;
    clinic.fleet.settle(3).await;
    clinic.helsenorge.receipts(2, PATIENCE).await.unwrap();
    clinic.close().await;
}

/// The clinic's own communication test, as an operator starts it.
async fn ask(clinic: &Clinic, now: Timestamp) -> Asked {
    let mut session = clinic.fleet.store().session().await.unwrap();
    let (from, party) = (8_141_333.try_into().unwrap(), 8_093_244.try_into().unwrap());
    operator::communication_test::send(&mut session, from, party, now).await.unwrap().unwrap()
}

async fn request(clinic: &Clinic) -> Received {
    let requests = clinic.helsenorge.expect(&sync_queue(8_093_244), 1, PATIENCE).await.unwrap();
    requests.into_iter().next().unwrap()
}

/// What became of the replies that came in, oldest first: delivered to whoever waits, or the code of why not.
async fn heard(clinic: &Clinic, replies: i64) -> Vec<String> {
    clinic.fleet.settle(replies).await;
    let sql = "select coalesce(code, case when exists (select from dialogpost.sync_reply r where r.message = m.id) then 'delivered' end, '?')
        from dialogpost.message m where direction = 'in' order by id";
    clinic.fleet.rows.column(sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_request_is_answered() {
    let clinic = Clinic::open().await;
    let asked = ask(&clinic, clock::system()).await;
    let request = request(&clinic).await;
    assert_eq!(request.shape_faults(), Vec::<String>::new());
    let p = &request.properties;
    assert_eq!(p.message_id, Some(asked.request.to_string()));
    assert_eq!((p.correlation_id.clone(), p.ttl_ms), (p.message_id.clone(), Some(15_000)));
    assert_eq!(p.reply_to.as_deref(), Some("8141333_syncreply"));
    let head = head(&request);
    assert!(head.msg_type.unwrap().is("DIALOG_INNBYGGER_TEST") && head.ack.unwrap().is("N"));
    clinic.helsenorge.send(&Message::communication_reply(&request)).await.unwrap();
    assert_eq!(heard(&clinic, 1).await, ["delivered"]);
    let session = clinic.fleet.store().session().await.unwrap();
    let standing = store::sending::standing(&session, asked.request).await.unwrap().unwrap();
    assert!(standing.replied_at.is_some());
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_one_that_was_asked_is_heard_and_only_in_time() {
    let mut clinic = Clinic::open().await;
    ask(&clinic, clock::system()).await;
    let on_time = request(&clinic).await;
    let reply = |to: &Received| Message::communication_reply(to);
    let foreign = reply(&on_time).from(8_093_299, 115_851).on_queue("8141333_syncreply");
    let unknown = reply(&on_time).property("correlation-id", "5f7f7b5e-54a7-4c0e-8d8e-777777777777");
    let lying = reply(&on_time).replacing(">8093244<", ">8093245<");
    let broken = reply(&on_time).raw_body("<x");
    clinic.send(&[foreign, unknown, lying, broken]).await;
    // Asked twenty seconds ago.
    ask(&clinic, clock::system() - SignedDuration::from_secs(20)).await;
    let late = request(&clinic).await;
    clinic.send(&[reply(&late)]).await;
    let want = ["reply-from-another", "reply-unexpected", "sender-her-id-mismatch", "reply-unreadable", "reply-late"];
    assert_eq!(heard(&clinic, 5).await, want);
    assert_eq!(clinic.fleet.rows.count("dialogpost.sync_reply").await, 0);
    clinic.send(&[reply(&on_time), reply(&on_time)]).await;
    assert_eq!(heard(&clinic, 7).await[5..], ["delivered", "?"], "the first one counts");
    clinic.close().await;
}
