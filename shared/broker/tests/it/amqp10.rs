//! Against an independent AMQP 1.0 client: Apache Qpid Proton for Python, from Debian's package.

use crate::support::{Admin, Reader, id_range, message, publish, shared, url};
use broker::topology;
use lapin::uri::AMQPUri;
use messages::transport::{Properties, Wire};
use std::collections::BTreeSet;
use std::process::Command;

/// Debian's interpreter, which has Debian's package.
const PYTHON: &str = "/usr/bin/python3";

fn run(script: &str, url: &str) -> String {
    let AMQPUri { authority, vhost, .. } = url.parse().unwrap();
    let address = format!("{}:{}", authority.host, authority.port);
    let login = authority.userinfo;
    let script = format!("{}/tests/amqp10/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(PYTHON).args([&script, &address, &vhost, &login.username, &login.password]).output().unwrap();
    assert!(output.status.success(), "is python3-qpid-proton installed? {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An id of type uuid breaks our parser, one of type ulong the broker itself; both go alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a3_a4_what_an_amqp_1_0_sender_sends_is_read_and_poison_goes_alone() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    topology::apply_nhn_standin(&url(&vhost), "NHNTESTServiceBus", &["93238".parse().unwrap()]).await.unwrap();
    run("send.py", &vhost);

    let mut reader = Reader::new(&vhost, &["93238_async"], 50, 20);
    // A set: what was on its way when a connection broke comes again.
    let mut seen = BTreeSet::new();
    while seen.len() < 91 {
        let batch = reader.next().await;
        for delivery in &batch.deliveries {
            let p = &delivery.properties;
            assert_eq!(&delivery.body[..], b"<a/>");
            assert_eq!(p.subject.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
            assert_eq!((p.to.as_deref(), p.reply_to.as_deref()), (Some("93238_async"), Some("/queue/93252_async")));
            assert_eq!(p.application("count"), Some("7"));
            assert_eq!(p.application("norsk"), Some("blåbær"));
            assert!(delivery.deviations.is_empty(), "{:?}", delivery.deviations);
            seen.extend(p.message_id.clone());
        }
        batch.ack().await;
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), id_range(0, 91));
    Admin::new(&vhost).await.ready_becomes("93238_dl", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a6_what_we_send_is_whole_to_an_amqp_1_0_receiver() {
    let rabbit = shared().await;
    let vhost = rabbit.new_vhost().await;
    topology::apply_nhn_standin(&url(&vhost), "NHNTESTServiceBus", &["93252".parse().unwrap()]).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    let mut sent = message("NHNTESTServiceBus", "93252_async", "m1");
    sent.wire = Wire::Nhn;
    sent.body = b"<b/>".to_vec().into();
    sent.properties = Properties {
        message_id: some("m1"),
        correlation_id: some("c1"),
        subject: some("APPREC"),
        to: some("93252_async"),
        reply_to: some("93238_async"),
        content_type: some("text/plain"),
        ttl_ms: Some(60_000),
        application: [("fromHerId".to_owned(), "93238".to_owned())].into(),
    };
    publish(&vhost, &[sent]).await;
    let want = "m1|APPREC|93252_async|93238_async|c1|text/plain|True|60.0|{'fromHerId': '93238'}|b'<b/>'";
    assert_eq!(run("receive.py", &vhost).trim(), want);
}
