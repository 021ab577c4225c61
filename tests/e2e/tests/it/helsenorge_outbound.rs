//! `helsenorge-outbound`: receipts and error messages with every property in place (nhn-messaging 2.1–2.5).

use e2e::Clinic;
use helsenorge::Message;
use messages::transport::Properties;

fn time(p: &Properties, key: &str, format: &str) {
    let text = p.application(key).unwrap_or_else(|| panic!("no {key}"));
    jiff::fmt::strtime::parse(format, text).unwrap_or_else(|e| panic!("{key} {text}: {e}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_has_every_property_in_both_shapes() {
    let mut clinic = Clinic::open().await;
    let sent = clinic.send(&[Message::ekonsultasjon()]).await.remove(0);
    let receipt = clinic.receipt().await;
    assert_eq!(receipt.shape_faults(), Vec::<String>::new());
    let p = &receipt.properties;
    assert_eq!(p.subject.as_deref(), Some("APPREC"));
    assert_eq!(p.to.as_deref(), Some("8093244_async"));
    assert_eq!(p.reply_to.as_deref(), Some("8141333_async"));
    assert_eq!(p.correlation_id, p.message_id);
    assert_eq!(p.content_type.as_deref(), Some("text/plain"));
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141333"), Some("8093244")));
    time(p, "applicationTimeStamp", "%Y-%m-%dT%H:%M:%SZ");
    time(p, "enqueuedTimeUtc", "%Y-%m-%dT%H:%M:%S");
    let apprec = receipt.apprec.unwrap();
    assert!(apprec.is_1_1);
    assert_eq!(apprec.original_id.as_deref(), Some(sent.msg_id.as_str()));
    assert_eq!(apprec.sender_her_id.as_deref(), Some("8141333"));
    assert_eq!(apprec.receiver_her_id.as_deref(), Some("8093244"));
    assert_eq!(apprec.id, p.message_id, "the receipt's own id");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_from_a_doctor_names_the_doctor_and_repeats_the_date_verbatim() {
    let mut clinic = Clinic::open().await;
    let date = "2026-03-02T08:15:00.1234567+01:00";
    clinic.send(&[Message::ekonsultasjon().to_doctor(8_141_333, 8_141_334).gen_date(date)]).await;
    let receipt = clinic.receipt().await;
    assert_eq!(receipt.application("fromHerId"), Some("8141334"));
    assert_eq!(receipt.apprec.as_ref().unwrap().sender_her_id.as_deref(), Some("8141334"));
    let xml = String::from_utf8(receipt.body.to_vec()).unwrap();
    assert!(xml.contains(&format!("<IssueDate>{date}</IssueDate>")));
    assert!(xml.contains("HCPerson"));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ack_decides_whether_a_good_message_is_receipted_and_a_bad_one_always_is() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::ekontakt().ack("N"), Message::ekontakt().ack("F")]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'delivered'").await, 2);
    clinic.helsenorge.nothing_on("8093244_async", std::time::Duration::from_millis(500)).await.unwrap();
    clinic.send(&[Message::ekontakt().without_ack()]).await;
    assert!(clinic.receipt().await.apprec.unwrap().errors.is_empty());
    clinic.send(&[Message::ekontakt().ack("N").without_patient()]).await;
    assert_eq!(clinic.receipt().await.apprec.unwrap().errors.len(), 1, "a rejection is never silent");
    clinic.close().await;
}
