//! Traces (O6): what happens to a patient's message is one trace, whoever handles it, however often.

use crate::commands::of;
use crate::dead_letters::{died, mended, planned, replay};
use e2e::{Clinic, Fleet, PATIENCE};
use helsenorge::Message;
use helsenorge::example::LINE;
use receivers::{Authority, Collector, Mood, Seen};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A fleet whose spans are sent to this collector.
async fn traced(collector: &Collector, authority: Option<&Authority>) -> Fleet {
    let mut fleet = Fleet::new().await;
    fleet.settings.insert("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    fleet.settings.extend(authority.map(|authority| ("EXTRA_ROOTS", authority.root())));
    fleet
}

async fn ledger_ids(clinic: &Clinic) -> Vec<Uuid> {
    clinic.fleet.rows.column("select id from dialogpost.message where direction = 'in' order by id").await
}

/// Handling and sending by one trace, each within another span of it but for the first; by worker, what it did.
fn whole(spans: &[Seen], trace: Uuid) -> BTreeMap<String, BTreeSet<String>> {
    let mine: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
    let ids: HashSet<&str> = mine.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), mine.len(), "each span has an id of its own");
    let firsts = mine.iter().filter(|span| span.parent.is_none()).count();
    assert_eq!(firsts, 1, "{mine:#?}");
    assert!(mine.iter().all(|span| span.parent.as_deref().is_none_or(|parent| ids.contains(parent))), "{mine:#?}");
    assert!(mine.iter().all(|span| span.times.0 <= span.times.1), "{mine:#?}");
    let mut did = BTreeMap::<String, BTreeSet<String>>::new();
    for span in mine {
        did.entry(span.worker.clone()).or_default().insert(span.name.clone());
    }
    did
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patients_message_is_one_trace_over_every_worker_that_it_meets() {
    let authority = Authority::new();
    let collector = Collector::start(Some(&authority)).await;
    let mut clinic = Clinic::of(traced(&collector, Some(&authority)).await).await;
    clinic.send(&[Message::ekonsultasjon(), Message::ekontakt()]).await;
    let receipts = clinic.helsenorge.expect("8093244_async", 2, PATIENCE).await.unwrap();
    assert!(receipts.iter().all(|receipt| !format!("{:?} {:?}", receipt.properties, receipt.plain).contains("traceparent")));
    let ids = ledger_ids(&clinic).await;
    clinic.close().await;
    let spans = collector.spans();
    let traces: BTreeSet<Uuid> = spans.iter().map(|span| span.trace).collect();
    assert_eq!(traces, ids.iter().copied().collect(), "a trace for each message, by its id in the ledger");
    let journaled = |id: &&Uuid| spans.iter().any(|span| span.trace == **id && span.worker == "ekonsultasjon-journaling");
    assert_eq!(ids.iter().filter(journaled).count(), 1);
    for id in &ids {
        let mut did = whole(&spans, *id);
        if let Some(journaling) = did.remove("ekonsultasjon-journaling") {
            assert_eq!(journaling, names(&["process dialogpost.ekonsultasjon-journaling"]));
        }
        let want = [
            ("helsenorge-inbound", names(&["process 8141333_async", "publish dialogpost"])),
            ("helsenorge-outbound", names(&["process dialogpost.helsenorge-outbound", "publish NHNTESTServiceBus"])),
            ("recipient-routing", names(&["process dialogpost.recipient-routing"])),
        ];
        assert_eq!(did, want.map(|(worker, did)| (worker.to_owned(), did)).into());
    }
    let first = spans.iter().find(|span| span.parent.is_none()).unwrap();
    assert_eq!(first.service, "dialogpost");
    assert_eq!((first.attributes["dialogpost.verdict"].as_str(), first.failure.as_ref()), ("done", None));
    assert_eq!(first.attributes["dialogpost.message"], first.trace.to_string());
    assert!(!collector.raw().contains(LINE.nin) && !collector.raw().contains(LINE.family));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_and_its_replay_are_of_one_trace() {
    let collector = Collector::start(None).await;
    let fleet = traced(&collector, None).await;
    let mut clinic = Clinic::of(fleet).await;
    clinic.fleet.rows.query("delete from dialogpost.communication_party", &[]).await;
    died(&mut clinic, vec![Message::ekontakt()]).await;
    mended(&clinic).await;
    let (plan, _) = planned(&clinic.fleet, &[]).await;
    replay(&clinic.fleet, &plan).await.code(0);
    clinic.receipt().await;
    let id = ledger_ids(&clinic).await[0];
    clinic.close().await;
    let spans = collector.spans();
    let mut inbound: Vec<&Seen> =
        spans.iter().filter(|span| span.worker == "helsenorge-inbound" && span.name.starts_with("process")).collect();
    inbound.sort_by_key(|span| span.times);
    let told = |span: &&Seen| (span.trace, span.attributes["dialogpost.verdict"].clone(), span.failure.clone());
    let want = [(id, "broken".to_owned(), Some("sender-unknown".to_owned())), (id, "done".to_owned(), None)];
    assert_eq!(inbound.iter().map(told).collect::<Vec<_>>(), want);
    assert!(spans.iter().any(|span| span.trace == id && span.name == "publish NHNTESTServiceBus"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_on_in_its_callers_trace() {
    let collector = Collector::start(None).await;
    let mut clinic = Clinic::of(traced(&collector, None).await).await;
    let epj = clinic.epj().await;
    clinic.send(&[Message::ekontakt()]).await;
    clinic.receipt().await;
    let dialog: Uuid = clinic.fleet.rows.one("select id from dialogpost.dialog").await;
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    epj.tell_within(caller, &of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Velkommen." }))).await;
    let answer = epj.next().await;
    assert_eq!(answer.body["outcome"], "done", "{}", answer.body);
    clinic.sent().await;
    clinic.fleet.settle(1).await;
    clinic.close().await;
    let spans = collector.spans();
    let trace = Uuid::parse_str(&caller[3..35]).unwrap();
    let mine: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
    let handled = mine.iter().find(|span| span.name == "process dialogpost.clinic-commands").expect("the command");
    assert_eq!(handled.parent.as_deref(), Some(&caller[36..52]));
    let did: BTreeSet<String> = mine.iter().map(|span| span.name.clone()).collect();
    let want = [
        "process dialogpost.clinic-commands",
        "publish (temporary)",
        "publish dialogpost",
        "process dialogpost.helsenorge-outbound",
        "publish NHNTESTServiceBus",
    ];
    assert!(names(&want).is_subset(&did), "{did:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_costs_no_message() {
    let collector = Collector::start(None).await;
    collector.moods(&[Mood::Status(503)]);
    let fleet = Fleet::new().await;
    let helsenorge = fleet.helsenorge().await;
    let to = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
    let environment: Vec<(&str, &str)> = to.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let program = fleet.spawn("dialogpost", &["run", "--all"], &environment).await;
    helsenorge.send(&Message::ekontakt()).await.unwrap();
    helsenorge.receipts(1, PATIENCE).await.unwrap();
    let started = Instant::now();
    while !program.page("/metrics").await.contains("dialogpost_spans_total{outcome=\"failed\"}") {
        assert!(started.elapsed() < Duration::from_secs(30), "it is counted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(program.log().contains("spans cannot be sent"), "{}", program.log());
    let (status, took) = program.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < runtime::process::GRACE, "{took:?}");
    assert_eq!(collector.spans().len(), 0);
}
