//! Cases 1 to 7: what a broker shows of an AMQP 1.0 message.

use broker::amqp10::{
    PropertiesSection, decode_application_properties, decode_body, decode_properties, encode_application_properties,
    encode_properties,
};
use conformance::{Wire, headers, refused, section, short, text};
use e2e::{Clinic, Exchange};
use helsenorge::{Message, Shape};
use lapin::types::{AMQPValue, ByteArray};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::collections::BTreeMap;

const SMIME: &str = "application/pkcs7-mime; smime-type=signed-and-enveloped-data";
const PROPERTIES: &[u8] = include_bytes!("../../../fuzz/seeds/amqp10/properties-list32");
const APPLICATION: &[u8] = include_bytes!("../../../fuzz/seeds/amqp10/application-map32");
const SOAP: &[u8] = include_bytes!("../../../fuzz/seeds/amqp10/properties-list8");

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ekontakt() -> PropertiesSection {
    PropertiesSection {
        message_id: some("m1"),
        to: some("93238_async"),
        subject: some("DIALOG_INNBYGGER_EKONTAKT"),
        reply_to: some("93252_async"),
        correlation_id: some("m1"),
        content_type: some(SMIME),
    }
}

fn addresses() -> BTreeMap<String, String> {
    [("fromHerId", "93252"), ("toHerId", "93238"), ("applicationTimeStamp", "2026-07-02T12:31:17Z")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn case_01_vectors() {
    assert_eq!(decode_properties(PROPERTIES), Ok(ekontakt()));
    assert_eq!(encode_properties(&ekontakt()).unwrap(), PROPERTIES, "to the letter");
    assert_eq!(decode_application_properties(APPLICATION), Ok(addresses()));
    assert_eq!(decode_application_properties(&encode_application_properties(&addresses()).unwrap()), Ok(addresses()));
    let soap = PropertiesSection {
        subject: some("AMQP_SOAP_FAULT"),
        content_type: some("application/soap+xml"),
        ..PropertiesSection::default()
    };
    assert_eq!(decode_properties(SOAP), Ok(soap.clone()));
    assert_eq!(decode_properties(&encode_properties(&soap).unwrap()), Ok(soap));
    for (body, want) in [("005377a1043c612f3e", "<a/>"), ("005377a0043c612f3e", "<a/>"), ("005375a003616263", "abc")] {
        assert_eq!(decode_body(&bytes(body)), Ok(want.as_bytes().to_vec()), "{body}");
    }
}

/// Small list or map, and large one, of this many fields.
fn compounds(count: u8, fields: &[u8], small: u8, large: u8) -> [Vec<u8>; 2] {
    let length = u8::try_from(fields.len() + 1).unwrap();
    let long = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [[&[small, length, count], fields].concat(), [&[large][..], &long, &u32::from(count).to_be_bytes(), fields].concat()]
}

#[test]
fn case_02_every_form_of_descriptor_list_and_length() {
    let descriptors = |code: u8, symbol: &str| {
        let length = u8::try_from(symbol.len()).unwrap();
        [
            vec![0x00, 0x53, code],
            [&[0x00, 0x80][..], &u64::from(code).to_be_bytes()].concat(),
            [&[0x00, 0xa3, length], symbol.as_bytes()].concat(),
            [&[0x00, 0xb3][..], &u32::from(length).to_be_bytes(), symbol.as_bytes()].concat(),
        ]
    };
    // message-id and, after three nulls, reply-to; then nulls to the end of the section, and a field beyond it.
    let fields = bytes("a1026d31404040a10172");
    let long = [fields.clone(), vec![0x40; 8], bytes("a10178")].concat();
    let want = PropertiesSection { message_id: some("m1"), reply_to: some("r"), ..PropertiesSection::default() };
    for descriptor in descriptors(0x73, "amqp:properties:list") {
        let empty = [descriptor.clone(), vec![0x45]].concat();
        assert_eq!(decode_properties(&empty), Ok(PropertiesSection::default()), "list0 {descriptor:02x?}");
        for list in compounds(5, &fields, 0xc0, 0xd0).into_iter().chain(compounds(14, &long, 0xc0, 0xd0)) {
            let section = [descriptor.clone(), list].concat();
            assert_eq!(decode_properties(&section), Ok(want.clone()), "{section:02x?}");
            truncated_or_too_long(&section, |section| decode_properties(section).is_err());
        }
    }
    let entry = bytes("a1016ba10176");
    for descriptor in descriptors(0x74, "amqp:application-properties:map") {
        for map in compounds(2, &entry, 0xc1, 0xd1) {
            let section = [descriptor.clone(), map].concat();
            assert_eq!(decode_application_properties(&section), Ok(BTreeMap::from([("k".into(), "v".into())])));
            truncated_or_too_long(&section, |section| decode_application_properties(section).is_err());
        }
    }
}

/// However it is cut, and whatever stands where a length stood, it is an error or is read: it never panics.
fn truncated_or_too_long(section: &[u8], is_error: impl Fn(&[u8]) -> bool) {
    for end in 0..section.len() {
        assert!(is_error(&section[..end]), "cut after {end} of {section:02x?}");
    }
    for at in 0..section.len() {
        let mut changed = section.to_vec();
        changed[at] = 0xff;
        let _ = is_error(&changed);
    }
    let start = section.iter().rposition(|byte| matches!(byte, 0xc0 | 0xc1 | 0xd0 | 0xd1)).unwrap();
    let mut longer = section.to_vec();
    longer[start + 1] = 0xff;
    assert!(is_error(&longer), "a list longer than its section: {section:02x?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_03_section_headers_as_text_and_as_bytes() {
    let mut wire = Wire::new().await;
    for field in [section, |bytes| AMQPValue::ByteArray(ByteArray::from(bytes))] {
        let sections =
            [("x-amqp-1.0-properties", field(PROPERTIES.to_vec())), ("x-amqp-1.0-app-properties", field(APPLICATION.to_vec()))];
        wire.put(headers(&sections).with_type(short("binary")), b"x").await;
        let read = wire.read().await;
        let p = read.properties;
        let section = PropertiesSection {
            message_id: p.message_id,
            to: p.to,
            subject: p.subject,
            reply_to: p.reply_to,
            correlation_id: p.correlation_id,
            content_type: p.content_type,
        };
        assert_eq!((section, p.application), (ekontakt(), addresses()));
        assert!(read.deviations.is_empty(), "{:?}", read.deviations);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_04_bodies_of_every_type() {
    let mut wire = Wire::new().await;
    let two = [bytes("005375a0023c61"), bytes("005375b0000000022f3e")].concat();
    for (kind, body) in [
        (Some("binary"), b"<a/>".to_vec()),
        (None, b"<a/>".to_vec()),
        (Some("amqp-1.0"), bytes("005375a0043c612f3e")),
        (Some("amqp-1.0"), two),
        (Some("amqp-1.0"), bytes("005377a0043c612f3e")),
        (Some("amqp-1.0"), bytes("005377a1043c612f3e")),
        // The type is not believed blindly.
        (Some("amqp-1.0"), b"<a/>".to_vec()),
        (None, bytes("005375a0043c612f3e")),
    ] {
        let properties = kind.map_or_else(Default::default, |kind| lapin::BasicProperties::default().with_type(short(kind)));
        wire.put(properties, &body).await;
        assert_eq!(&wire.read().await.body[..], b"<a/>", "{kind:?} {body:02x?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_05_values_that_are_no_text() {
    let mut wire = Wire::new().await;
    // fromHerId int, toHerId long, applicationTimeStamp timestamp, cpaId symbol, flag bool.
    let map = "a10966726f6d4865724964 710000016c a107746f4865724964 81000000000001b1ee a1146170706c69636174696f6e54696d655374616d70 830000019f22d4b488 a1056370614964 a3036b6579 a104666c6167 41";
    let map = bytes(&map.replace(' ', ""));
    let length = u8::try_from(map.len() + 1).unwrap();
    let application = [&bytes("005374c1")[..], &[length, 10], &map].concat();
    wire.put(headers(&[("x-amqp-1.0-app-properties", section(application))]), b"x").await;
    let p = wire.read().await.properties;
    let moment: jiff::Timestamp = p.application("applicationTimeStamp").unwrap().parse().unwrap();
    assert_eq!(moment.as_millisecond(), 0x019f_22d4_b488);
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("364"), Some("111086")));
    assert_eq!((p.application("cpaId"), p.application("flag")), (Some("key"), Some("true")));
    let native = [
        ("fromHerId", AMQPValue::LongInt(93252)),
        ("toHerId", AMQPValue::LongLongInt(8_093_244)),
        ("applicationTimeStamp", AMQPValue::Timestamp(1_783_000_000)),
        ("flag", AMQPValue::Boolean(true)),
    ];
    wire.put(headers(&native), b"x").await;
    let p = wire.read().await.properties;
    let moment: jiff::Timestamp = p.application("applicationTimeStamp").unwrap().parse().unwrap();
    assert_eq!(moment.as_second(), 1_783_000_000);
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("93252"), Some("8093244")));
    assert_eq!(p.application("flag"), Some("true"));
}

/// Behind RabbitMQ 4.x, which drops the subject.
#[tokio::test(flavor = "multi_thread")]
async fn case_06_the_function_without_a_subject() {
    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    clinic.helsenorge = clinic.fleet.helsenorge().await.behind(Shape::Containers);
    let function = "select coalesce(function, '') from dialogpost.message where direction = 'in' order by id desc limit 1";

    conformance::accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt())).await;
    assert_eq!(clinic.fleet.rows.one::<String>(function).await, "DIALOG_INNBYGGER_EKONTAKT");
    // What no payload can tell, the header does.
    let closed = Message::ekontakt().build().with_sealed_body(b"no CMS".to_vec());
    refused(&mut clinic, &closed, "transport:invalid-certificate").await;
    assert_eq!(clinic.fleet.rows.one::<String>(function).await, "DIALOG_INNBYGGER_EKONTAKT");

    conformance::accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt().without_metadata())).await;
    assert_eq!(clinic.fleet.rows.one::<String>(function).await, "DIALOG_INNBYGGER_EKONTAKT");
    // The payload decides: the header is what anybody may have written.
    let says_other = Message::ekontakt().property("X-MessageInfo-Type", "DIALOG_INNBYGGER_TEST");
    conformance::accepted(&mut clinic, &exchange, &exchange.sealed(&says_other)).await;
    assert_eq!(clinic.fleet.rows.one::<String>(function).await, "DIALOG_INNBYGGER_EKONTAKT");

    let neither = Message::ekontakt().without_metadata().replacing("V=\"DIALOG_INNBYGGER_EKONTAKT\"", "V=\"\"");
    let error = refused(&mut clinic, &exchange.sealed(&neither), "transport:invalid-field-value").await;
    assert_eq!(error.application("errorConditionData"), Some("Label;"));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_07_the_subject_goes_before_what_was_copied_from_the_payload() {
    let mut wire = Wire::new().await;
    let sections =
        [("x-amqp-1.0-properties", section(PROPERTIES.to_vec())), ("X-MessageInfo-Type", text("DIALOG_INNBYGGER_TEST"))];
    wire.put(headers(&sections), b"x").await;
    // A recorder of metrics is one thread's.
    let reading = tokio::task::spawn_blocking(move || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = metrics::with_local_recorder(&recorder, || runtime.block_on(wire.read()));
        (read, recorder.handle().render())
    });
    let (read, metrics) = reading.await.unwrap();
    assert_eq!(read.properties.subject.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(read.deviations, ["payload-type-differs"]);
    assert!(metrics.contains("dialogpost_deviations_total{deviation=\"payload-type-differs\"} 1"), "warned of: {metrics}");

    let exchange = Exchange::new(2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let says_other = Message::ekontakt().property("X-MessageInfo-Type", "DIALOG_INNBYGGER_TEST");
    conformance::accepted(&mut clinic, &exchange, &exchange.sealed(&says_other)).await;
    let function: String = clinic.fleet.rows.one("select function from dialogpost.message where direction = 'in'").await;
    assert_eq!(function, "DIALOG_INNBYGGER_EKONTAKT");
    clinic.close().await;
}
