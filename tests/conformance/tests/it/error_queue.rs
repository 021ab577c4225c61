//! Cases 19 to 23: notices that something could not be processed.

use conformance::refused;
use e2e::{Clinic, Exchange, Fleet, PATIENCE, Running};
use helsenorge::{ErrorMessage, Generation, Message, Proton, Received, SEALED, Sent};
use messages::wire::{Incoming, Limits, read};
use std::time::Duration;

async fn open() -> (Exchange, Clinic) {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    (exchange, clinic)
}

/// So many receipts that the clinic sent.
async fn receipts(exchange: &Exchange, clinic: &mut Clinic, count: usize) -> Vec<Received> {
    let sent: Vec<_> = (0..count).map(|_| exchange.sealed(&Message::ekontakt())).collect();
    clinic.publish(&sent).await;
    clinic.helsenorge.receipts(count, PATIENCE).await.unwrap()
}

fn transport_id(received: &Received) -> String {
    received.properties.message_id.clone().unwrap()
}

/// Takes properties away from a notice.
fn without(mut sent: Sent, names: &[&str]) -> Sent {
    for name in names {
        match *name {
            "content-type" => sent.properties.content_type = None,
            "subject" => sent.properties.subject = None,
            "correlation-id" => sent.properties.correlation_id = None,
            other => drop(sent.properties.application.remove(other)),
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_an_incomplete_error_message_is_stored_and_never_answered() {
    let (exchange, mut clinic) = open().await;
    let receipt = receipts(&exchange, &mut clinic, 1).await.remove(0);
    let notice = || ErrorMessage::about(&receipt.properties).build();
    // None has a body.
    let notices = [
        without(notice(), &["content-type"]),
        without(notice(), &["subject"]),
        without(notice(), &["applicationTimeStamp"]),
        without(notice(), &["content-type", "subject", "applicationTimeStamp", "correlation-id", "toHerId"]),
        without(notice(), &["errorCondition", "errorDescription", "originalMessageId"]),
        ErrorMessage::about(&receipt.properties).generation(Generation::WithoutContentType).build(),
        ErrorMessage::about(&receipt.properties).generation(Generation::Clone).build(),
    ];
    clinic.publish(&notices).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'filed'").await, 7);
    assert_eq!(clinic.fleet.rows.count("dialogpost.receipt where kind = 'error'").await, 7);
    assert_eq!(clinic.fleet.rows.count("dialogpost.message where direction = 'out'").await, 1, "the receipt, and nothing else");
    for queue in ["8093244_async", "8093244_error", "8093244_sync"] {
        clinic.helsenorge.nothing_on(queue, Duration::from_millis(300)).await.unwrap();
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_an_error_message_is_matched_by_the_best_id_it_has() {
    let (exchange, mut clinic) = open().await;
    let sent = receipts(&exchange, &mut clinic, 3).await;
    let ids: Vec<_> = sent.iter().map(transport_id).collect();
    let clone = |of: &Received| ErrorMessage::about(&of.properties).generation(Generation::Clone).build();
    // With everything: the id of the original goes first. The clone says "protected" and has a body that is nothing.
    let mut by_original = clone(&sent[0]);
    by_original.properties.correlation_id = Some(ids[1].clone());
    by_original.properties.message_id = Some(ids[2].clone());
    by_original.properties.application.insert("errorCondition".into(), "transport:internal-error".into());
    let mut by_correlation = without(clone(&sent[1]), &["originalMessageId"]);
    by_correlation.properties.message_id = Some(ids[2].clone());
    by_correlation.properties.application.insert("errorCondition".into(), "transport:invalid-certificate".into());
    let mut by_message_id = without(clone(&sent[2]), &["originalMessageId", "correlation-id"]);
    by_message_id.properties.application.insert("errorCondition".into(), "transport:expired-certificate".into());
    for notice in [&by_original, &by_correlation, &by_message_id] {
        assert_eq!(notice.properties.content_type.as_deref(), Some(SEALED));
    }
    // A clone does not even swap who it is from; what matches is what we sent to who says so.
    let swapped = |mut notice: Sent| {
        notice.properties.application.insert("fromHerId".into(), "8093244".into());
        notice.properties.application.insert("toHerId".into(), "8141333".into());
        notice
    };
    for (n, notice) in [by_original, by_correlation, by_message_id].into_iter().map(swapped).enumerate() {
        clinic.publish(&[notice]).await;
        let about: String =
            clinic.fleet.rows.one("select coalesce(about::text, '') from dialogpost.receipt order by message desc limit 1").await;
        assert_eq!(about, ids[n], "notice {n}");
        let state = format!("select state from dialogpost.sent_state where id = '{}'", ids[n]);
        assert_eq!(clinic.fleet.rows.one::<String>(&state).await, "failed");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_21_a_soap_fault() {
    let (exchange, mut clinic) = open().await;
    let about = transport_id(&receipts(&exchange, &mut clinic, 1).await[0]);
    let fault = include_str!("../../../fixtures/wire/soap-fault.xml").replace("2c7a6052-3f91-45f1-824b-d615b738880d", &about);
    let Incoming::SoapFault(read) = read(fault.as_bytes(), &Limits::default()).unwrap().incoming else { panic!("a SOAP fault") };
    assert_eq!((read.code.as_deref(), read.message_id.as_deref()), (Some("Receiver"), Some(about.as_str())));
    assert_eq!(read.reason.unwrap().expose(), "Meldingen kunne ikke dekrypteres");
    let message = Message::ekontakt().on_queue("8141333_error").content_type("application/soap+xml").raw_body(fault.clone());
    clinic.send(&[message.property("subject", "AMQP_SOAP_FAULT").without_metadata()]).await;
    let sql =
        "select r.about::text, r.codes, r.kind, m.raw from dialogpost.receipt r join dialogpost.message m on m.id = r.message";
    let row = &clinic.fleet.rows.query(sql, &[]).await[0];
    assert_eq!(
        (row.get::<_, &str>(0), row.get::<_, Vec<String>>(1), row.get::<_, &str>(2)),
        (&*about, vec!["Receiver".into()], "error")
    );
    assert_eq!(row.get::<_, &[u8]>(3), fault.as_bytes(), "its reason is kept with it");
    clinic.close().await;
}

/// A second fleet with a database of its own, on the first one's broker at NHN: it works for HelseNorge, and the clinic is outside.
async fn counterpart(first: &Fleet) -> (Fleet, Running) {
    let mut fleet = Fleet::new().await;
    let queues = |of: &str| format!(r#""queues":{{"async":"{of}_async","sync":"{of}_sync","error":"{of}_error"}}"#);
    let (clinic, helsenorge) = (queues("8141333"), queues("8093244"));
    fleet.rows.query("delete from dialogpost.communication_party", &[]).await;
    fleet.apply(&format!(r#"{{"clinics":[{{"name":"Helsenorge","her_id":8093244,{helsenorge}}}]}}"#)).await;
    fleet.apply(&format!(r#"{{"clinics":[{{"name":"Ute","her_id":8141333,{}}}]}}"#, queues("ubrukt"))).await;
    fleet.apply(&format!(r#"{{"parties":[{{"her_id":8141333,"name":"Solbakken",{clinic}}}]}}"#)).await;
    fleet.settings.insert("NHN_AMQP_URL", first.world.amqp_url.clone());
    let running = fleet.start();
    (fleet, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_two_parties_like_us_exchange_one_error_message() {
    let mut clinic = Clinic::open().await;
    let (other, running) = counterpart(&clinic.fleet).await;
    clinic.send(&[Message::ekontakt().raw_body("hei")]).await;
    other.until("select count(*) from dialogpost.message where outcome = 'filed' and queue = '8093244_error'", 1).await;
    // Time for an answer to an answer, if there were one.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let count = |direction: &str| format!("select count(*) from dialogpost.message where direction = '{direction}'");
    assert_eq!(clinic.fleet.rows.one::<i64>(&count("out")).await, 1, "the one error message");
    assert_eq!(clinic.fleet.rows.one::<i64>(&count("in")).await, 1, "the message it is about");
    assert_eq!(other.rows.one::<i64>(&count("out")).await, 0);
    assert_eq!(other.rows.one::<i64>(&count("in")).await, 1);
    running.stop().await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_the_error_message_that_we_send() {
    let (exchange, mut clinic) = open().await;
    let sent = exchange.sealed(&Message::ekontakt().raw_body("hei"));
    let error = refused(&mut clinic, &sent, "transport:not-well-formed-xml").await;
    assert_eq!(error.shape_faults(), Vec::<String>::new());
    let p = &error.properties;
    assert_eq!(p.content_type.as_deref(), Some("application/pkcs7-mime; smime-type=signed-and-enveloped-data"));
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141333"), Some("8093244")), "swapped");
    assert_eq!((p.to.as_deref(), p.reply_to.as_deref()), (Some("8093244_error"), None));
    assert_eq!(p.subject.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(p.correlation_id, sent.properties.correlation_id);
    assert_ne!(p.message_id, sent.properties.message_id);
    for (key, format) in [("receiverTimeStamp", "%m/%d/%Y %H:%M:%S"), ("applicationTimeStamp", "%Y-%m-%dT%H:%M:%SZ")] {
        let text = p.application(key).unwrap();
        let time = jiff::civil::DateTime::strptime(format, text).unwrap();
        assert_eq!(time.strftime(format).to_string(), text, "{key} to the letter");
        let age = error.at.duration_since(time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp());
        assert!((-1..=60).contains(&age.as_secs()), "{key} is UTC: {text}");
    }
    // A reader of AMQP 1.0 sees one data section without bytes.
    let proton = Proton::find(&clinic.fleet.world.amqp_url, e2e::NHN_EXCHANGE).await.unwrap();
    clinic.publish(&[exchange.sealed(&Message::ekontakt().raw_body("hei"))]).await;
    let seen = proton.receive("8093244_error", 1, PATIENCE).await.unwrap().remove(0);
    assert!(seen.body_is_data && seen.body.is_empty());
    clinic.close().await;
}
