use broker::{Publisher, Settled};
use e2e::Fleet;
use messages::transport::{Outgoing, Properties, Wire};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let fleet = Fleet::new().await;
    let running = fleet.start();
    let publisher = Publisher::new(fleet.world.amqp_url.parse().unwrap(), "test");
    let body = std::fs::read("../fixtures/wire/ekonsultasjon-vedlegg-foresatt.xml").unwrap();
    let id = Uuid::now_v7();
    let mut p = Properties { message_id: Some(id.to_string()), content_type: Some("text/plain".into()), subject: Some("DIALOG_INNBYGGER_EKONSULTASJON".into()), ..Properties::default() };
    for (k, v) in [("fromHerId", "8093244"), ("toHerId", "8141333"), ("applicationTimeStamp", "2026-07-02T12:31:17Z")] { p.application.insert(k.into(), v.into()); }
    let o = Outgoing { id, wire: Wire::Nhn, exchange: "NHNTESTServiceBus".into(), routing_key: "8141333_async".into(), properties: p, body: body.into(), cause: None, not_before: None };
    assert_eq!(publisher.publish(&[o]).await, [Settled::Confirmed]);
    fleet.settle(1).await;
    for r in fleet.rows.query("select state, code from dialogpost.message_state", &[]).await { println!("{:?} {:?}", r.get::<_, String>(0), r.get::<_, Option<String>>(1)); }
    println!("{}", fleet.rows.count("dialogpost.inbox_item").await);
    running.stop().await;
}
