use super::*;
use crate::traces::span::{Handed, Handled, Transaction};
use bytes::Bytes;
use jiff::Timestamp;
use messages::transport::{Delivery, Outgoing, Wire};
use opentelemetry::trace::{SpanKind, Status};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn carrying(traceparent: &str) -> Properties {
    let mut properties = Properties::default();
    properties.application.insert(TRACEPARENT.to_owned(), traceparent.to_owned());
    properties
}

fn to_nobody(share: Share) -> Traces {
    let collector = Url::parse("http://127.0.0.1:9").unwrap();
    Traces(Some(Arc::new(Exporter::start(&collector, share, "test", &Default::default()).unwrap())))
}

fn led(span: &Span) -> String {
    let mut properties = Properties::default();
    span.lead_to(&mut properties);
    properties.application(TRACEPARENT).unwrap().to_owned()
}

fn outgoing(wire: Wire, exchange: &str, routing_key: &str) -> Outgoing {
    Outgoing {
        id: Uuid::from_u128(1),
        wire,
        exchange: exchange.to_owned(),
        routing_key: routing_key.to_owned(),
        properties: carrying(PARENT),
        body: Bytes::from_static(b"12345678"),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: true,
    }
}

#[tokio::test]
async fn a_trace_has_the_ledgers_id_of_its_message() {
    let traces = to_nobody(Share::default());
    let id = Uuid::now_v7();
    let span = traces.span(&Properties::default(), Some(id)).unwrap();
    assert!(span.is_recorded());
    assert_eq!(led(&span).get(3..35), Some(id.simple().to_string().as_str()));
    assert!(led(&span).ends_with("-01"));
}

#[tokio::test]
async fn what_carries_a_context_goes_on_in_it() {
    let traces = to_nobody(Share::from_config("0").unwrap());
    let span = traces.span(&carrying(PARENT), Some(Uuid::now_v7())).unwrap();
    assert!(span.is_recorded(), "what others have decided to keep is kept");
    let led = led(&span);
    assert_eq!((&led[..36], &led[52..]), (&PARENT[..36], "-01"));
    assert_ne!(led[36..52], PARENT[36..52]);
    let dropped = traces.span(&carrying(&PARENT.replace("-01", "-00")), None).unwrap();
    assert!(!dropped.is_recorded());
    assert!(self::led(&dropped).ends_with("-00"));
}

#[tokio::test]
async fn a_share_of_nothing_is_passed_on_too() {
    let span = to_nobody(Share::from_config("0").unwrap()).span(&Properties::default(), Some(Uuid::now_v7())).unwrap();
    assert!(!span.is_recorded());
    assert!(led(&span).ends_with("-00"));
}

#[tokio::test]
async fn what_cannot_be_read_is_no_context() {
    let traces = to_nobody(Share::default());
    let id = Uuid::now_v7();
    for text in [
        "",
        "00",
        "00-0-0-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "12057012345",
    ] {
        let span = traces.span(&carrying(text), Some(id)).unwrap();
        assert_eq!(led(&span).get(3..35), Some(id.simple().to_string().as_str()), "{text}");
    }
}

#[test]
fn who_sends_no_spans_passes_contexts_on_and_makes_none() {
    let traces = Traces::default();
    assert!(traces.span(&Properties::default(), Some(Uuid::now_v7())).is_none());
    let span = traces.span(&carrying(PARENT), None).unwrap();
    assert!(!span.is_recorded());
    assert_eq!(led(&span), PARENT);
}

#[tokio::test]
async fn a_span_tells_of_its_message_no_more_than_ids_queues_codes_and_times() {
    let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
    let mut properties = carrying(PARENT);
    properties.subject = Some("DIALOG_INNBYGGER_EKONTAKT".into());
    properties.message_id = Some("12057012345".into());
    let delivery = Delivery {
        queue: "8141333_async".into(),
        redelivered: false,
        properties,
        deviations: vec![],
        body: Bytes::from_static(b"12057012345"),
        received_at: at(0),
        user: Some("epj".into()),
    };
    let span = to_nobody(Share::default()).span(&delivery.properties, None).unwrap();
    let (ledger_id, code) = (Some(Uuid::from_u128(7)), Some("xml-invalid"));
    let handled = Handled { delivery: &delivery, ledger_id, verdict: "broken", code };
    let (prepared_at, begun_at, committed_at) = (at(2), at(3), at(9));
    let within = Transaction { worker: "helsenorge-inbound", together: 3, prepared_at, begun_at, committed_at };
    let data = handled.span(&span, &within);
    assert_eq!((data.name.as_ref(), data.span_kind.clone()), ("process 8141333_async", SpanKind::Consumer));
    assert_eq!(data.status, Status::error("xml-invalid"));
    assert_eq!(data.end_time.duration_since(data.start_time).unwrap(), Duration::from_millis(9));
    assert_eq!(data.parent_span_id.to_string(), PARENT[36..52]);
    let said = format!("{data:?}");
    assert!(said.contains("00000000-0000-0000-0000-000000000007") && !said.contains("12057012345"), "{said}");
}

#[test]
fn a_callers_queue_is_not_named() {
    let times = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let handed = Handed { worker: "clinic-commands", times };
    for (wire, exchange, key, name) in [
        (Wire::Dialogpost, "", "dialogpost.helsenorge-inbound", "publish dialogpost.helsenorge-inbound"),
        (Wire::Dialogpost, "dialogpost", "appointment.booked", "publish dialogpost"),
        (Wire::Dialogpost, "", "svar-12057012345", "publish (temporary)"),
        (Wire::Nhn, "", "8093244_async", "publish 8093244_async"),
        (Wire::Nhn, "", "12057012345_async", "publish (temporary)"),
        (Wire::Nhn, "NHNTESTServiceBus", "8093244_async", "publish NHNTESTServiceBus"),
    ] {
        let span = handed.span(&outgoing(wire, exchange, key), 1, Some("unroutable")).unwrap();
        assert_eq!((span.name.as_ref(), span.span_kind.clone()), (name, SpanKind::Producer), "{key}");
        assert_eq!(span.status, Status::error("unroutable"));
        assert!(!format!("{span:?}").contains("12057012345"), "{key}");
    }
    let untraced = Outgoing { properties: Properties::default(), ..outgoing(Wire::Nhn, "", "1_async") };
    assert!(handed.span(&untraced, 0, None).is_none());
}
