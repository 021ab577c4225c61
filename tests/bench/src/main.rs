//! quick probe
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use broker::{Publisher, Settled};
use e2e::Fleet;
use messages::transport::{Outgoing, Properties, Wire};
use std::time::Instant;
use uuid::Uuid;

#[tokio::main]
async fn main() {
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(20000);
    runtime::telemetry::logs(runtime::config::LogFormat::Human, "warn");
    let metrics = runtime::telemetry::metrics();
    let mut fleet = Fleet::in_world(testbed::private_world(true).await).await;
    fleet.batch = std::env::var("B").ok().and_then(|a| a.parse().ok()).unwrap_or(64);
    fleet.lanes = std::env::var("L").ok().and_then(|a| a.parse().ok()).unwrap_or(1);
    let publisher = Publisher::new(fleet.world.amqp_url.parse().unwrap(), "test");
    let text = std::fs::read_to_string("tests/fixtures/wire/ekontakt.xml")
        .unwrap()
        .replace("EKONTAKT", "EKONSULTASJON")
        .replace("E-kontakt", "E-kons");
    let start = text.find("<MsgId>").or(text.find(":MsgId>")).unwrap();
    let old = &text[start..].split(['<', '>']).filter(|s| s.len() == 36).next().unwrap().to_owned();
    println!("{} bytes", text.len());
    let t = Instant::now();
    let all: Vec<Outgoing> = (0..n)
        .map(|_| {
            let id = Uuid::now_v7();
            let mut p = Properties {
                message_id: Some(id.to_string()),
                content_type: Some("text/plain".into()),
                subject: Some("DIALOG_INNBYGGER_EKONSULTASJON".into()),
                ..Properties::default()
            };
            for (k, v) in [("fromHerId", "8093244"), ("toHerId", "8141333"), ("applicationTimeStamp", "2026-07-02T12:31:17Z")] {
                p.application.insert(k.into(), v.into());
            }
            Outgoing {
                id,
                wire: Wire::Nhn,
                exchange: "NHNTESTServiceBus".into(),
                routing_key: "8141333_async".into(),
                properties: p,
                body: text.replace(old, &Uuid::new_v4().to_string()).into_bytes().into(),
                cause: None,
                not_before: None,
            }
        })
        .collect();
    for c in all.chunks(500) {
        assert!(publisher.publish(c).await.iter().all(|s| *s == Settled::Confirmed));
    }
    println!("published in {:?}", t.elapsed());
    let t = Instant::now();
    let running = fleet.start();
    let mut last = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let received = fleet.rows.count("dialogpost.message where direction = 'in'").await;
        let out = fleet.rows.count("dialogpost.message where direction = 'out'").await;
        let inbox = fleet.rows.count("dialogpost.inbox_item").await;
        let journal = fleet.rows.count("dialogpost.journal_entry").await;
        let outbox = fleet.rows.count("dialogpost.outbox").await;
        println!(
            "{:?} in {received} inbox {inbox} journal {journal} out {out} outbox {outbox}  {}/s",
            t.elapsed(),
            (out - last) * 2
        );
        last = out;
        if [out, inbox, journal].iter().all(|c| *c as usize >= n) && outbox == 0 {
            break;
        }
    }
    println!("{} msg/s", n as f64 / t.elapsed().as_secs_f64());
    running.stop().await;
    for line in metrics.render().lines().filter(|l| {
        l.contains("step_seconds_sum") || l.contains("batch_seconds_sum") || l.contains("size_sum") || l.contains("size_count")
    }) {
        println!("{line}");
    }
    for r in fleet
        .rows
        .query(
            "select relname::text, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables where n_tup_ins > 100 order by 1",
            &[],
        )
        .await
    {
        println!("{} {} {} {}", r.get::<_, String>(0), r.get::<_, i64>(1), r.get::<_, i64>(2), r.get::<_, i64>(3));
    }
}
