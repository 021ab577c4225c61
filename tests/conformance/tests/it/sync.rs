//! Cases 46 and 49: requests whose sender waits.

use conformance::refused;
use e2e::{Clinic, Exchange};
use helsenorge::{Message, SEALED};
use messages::wire::hodemelding::Content;
use messages::wire::{Incoming, Limits, read};
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
