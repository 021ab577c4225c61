//! Cases 12 to 18: the properties around a message.

use conformance::{accepted, refused, texts};
use e2e::{Clinic, Exchange};
use helsenorge::{Message, Sent};

const INVALID_FIELD: &str = "transport:invalid-field-value";

async fn open() -> (Exchange, Clinic) {
    let exchange = Exchange::new(2048);
    let clinic = Clinic::of(exchange.fleet().await).await;
    (exchange, clinic)
}

/// One error message that names these fields, and the original is off its queue.
async fn is_told(messages: &[(Message, &str)]) {
    let (exchange, mut clinic) = open().await;
    for (message, data) in messages {
        let error = refused(&mut clinic, &exchange.sealed(message), INVALID_FIELD).await;
        assert_eq!(error.application("errorDescription"), Some("One or more fields are missing"));
        assert_eq!(error.application("errorConditionData"), Some(*data));
    }
    clinic.close().await;
}

/// Without a function anywhere: its own type would do.
fn without_function(message: Message) -> Message {
    message.without_metadata().without_property("subject").replacing("V=\"DIALOG_INNBYGGER_EKONTAKT\"", "V=\"\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_receiver_and_function_are_missing() {
    is_told(&[(without_function(Message::ekontakt()).without_property("toHerId"), "toHerId;Label;")]).await;
}

/// Nobody to answer: what cannot be answered is kept whole where an operator sees it, once.
async fn is_kept(message: Message, code: &str) {
    let (exchange, mut clinic) = open().await;
    let sent = exchange.sealed(&message);
    clinic.publish(std::slice::from_ref(&sent)).await;
    let sql = "select code, body = $1 as whole, attempts from dialogpost.dead_letter";
    let rows = clinic.fleet.rows.query(sql, &[&&sent.body[..]]).await;
    assert_eq!(rows.len(), 1, "once");
    assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, bool>(1), rows[0].get::<_, i32>(2)), (code, true, 1));
    assert_eq!(clinic.fleet.rows.column::<String>("select state from dialogpost.message_state").await, ["dead"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_no_sender_no_error_message() {
    is_kept(Message::ekontakt().without_property("fromHerId"), "from-her-id-missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_14_a_time_that_is_none() {
    let at = |text| Message::ekontakt().property("applicationTimeStamp", text);
    is_told(&[
        (at("i går"), "applicationTimeStamp;"),
        (at("2026-13-02T12:31:17Z"), "applicationTimeStamp;"),
        (at(""), "applicationTimeStamp;"),
        (Message::ekontakt().without_property("applicationTimeStamp"), "applicationTimeStamp;"),
    ])
    .await;
}

fn without_content_type(exchange: &Exchange, message: &Message) -> Sent {
    let mut sent = exchange.sealed(message);
    sent.properties.content_type = None;
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn case_15_no_content_type() {
    let (exchange, mut clinic) = open().await;
    let sent = without_content_type(&exchange, &Message::ekontakt());
    let error = refused(&mut clinic, &sent, INVALID_FIELD).await;
    assert_eq!(error.application("errorConditionData"), Some("ContentType;"));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_everything_but_the_sender_is_missing() {
    let (exchange, mut clinic) = open().await;
    let message = without_function(Message::ekontakt()).without_property("toHerId").without_property("applicationTimeStamp");
    let error = refused(&mut clinic, &without_content_type(&exchange, &message), INVALID_FIELD).await;
    assert_eq!(error.application("errorConditionData"), Some("toHerId;Label;applicationTimeStamp;ContentType;"));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_a_sender_who_is_no_number() {
    is_kept(Message::ekontakt().property("fromHerId", "abc"), "from-her-id-not-numeric").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_18_content_types_that_mean_the_same() {
    let (exchange, mut clinic) = open().await;
    let written = [
        "application/pkcs7-mime; smime-type=signed-and-enveloped-data",
        "APPLICATION/PKCS7-MIME; SMIME-TYPE=SIGNED-AND-ENVELOPED-DATA",
        "Application/pkcs7-mime;smime-type=signed-and-enveloped-data",
        "  application/pkcs7-mime ;  smime-type = \"signed-and-enveloped-data\" ",
        "application/pkcs7-mime; smimetype=signed-and-enveloped-data",
        "application/pkcs7-mime; smime-type=enveloped-data",
        "application/pkcs7-mime",
    ];
    for (n, content_type) in written.into_iter().enumerate() {
        let mut sent = exchange.sealed(&Message::ekontakt().text(&n.to_string()));
        sent.properties.content_type = Some(content_type.to_owned());
        accepted(&mut clinic, &exchange, &sent).await;
    }
    assert_eq!(texts(&clinic).await, ["0", "1", "2", "3", "4", "5", "6"]);
    clinic.close().await;
}
