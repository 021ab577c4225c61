//! `helsenorge-inbound`: what is stored of a good message, and what a second one does.

use e2e::Clinic;
use helsenorge::{Message, example};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nsynthetic";

#[tokio::test(flavor = "multi_thread")]
async fn r1_every_kind_is_stored_whole_receipted_and_titled() {
    let mut clinic = Clinic::open().await;
    let kinds = [Message::ekontakt(), Message::ekonsultasjon(), Message::reseptfornyelse()];
    let messages: Vec<_> =
        kinds.into_iter().map(|m| m.subject("Emne").text("Linje 1\nLinje 2").attachment("bilde.png", "image/png", PNG)).collect();
    let sent = clinic.send(&messages).await;
    let sql = "select m.raw, e.text, e.subject, d.title, d.kind, a.bytes, a.media_type, a.file_name
         from dialogpost.message m join dialogpost.dialog_entry e on e.id = m.id join dialogpost.dialog d on d.id = e.dialog
         join dialogpost.attachment a on a.entry = e.id where m.transport_id = $1";
    for (sent, kind) in sent.iter().zip(["EKONTAKT", "EKONSULTASJON", "RESEPTFORNYELSE"]) {
        let rows = clinic.fleet.rows.query(sql, &[&sent.transport_id]).await;
        let row = &rows[0];
        assert_eq!(row.get::<_, Vec<u8>>("raw"), sent.body);
        assert_eq!(row.get::<_, String>("text"), "Linje 1\nLinje 2");
        assert_eq!(row.get::<_, String>("subject"), "Emne");
        assert!(row.get::<_, String>("title").contains("helsenorge.no"));
        assert_eq!(row.get::<_, String>("kind"), kind);
        assert_eq!(row.get::<_, Vec<u8>>("bytes"), PNG);
        assert_eq!(row.get::<_, String>("media_type"), "image/png");
        assert_eq!(row.get::<_, String>("file_name"), "bilde.png");
    }
    let receipts = clinic.helsenorge.receipts(3, e2e::PATIENCE).await.unwrap();
    assert!(receipts.iter().all(|r| r.apprec.as_ref().unwrap().status.as_ref().unwrap().is("1")));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_who_acts_for_a_child_is_kept_and_the_patient_stays_the_child() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::ekonsultasjon().guardian("05840399895", "Petra", "Danser")]).await;
    clinic.receipt().await;
    let sql = "select e.representative ->> 'name', e.representative ->> 'relation', p.nin, j.author
         from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog join dialogpost.patient p on p.id = d.patient
         join dialogpost.journal_entry j on j.entry = e.id";
    let row = &clinic.fleet.rows.query(sql, &[]).await[0];
    let column = |n: usize| row.get::<_, String>(n);
    assert_eq!([column(0), column(1), column(2), column(3)], ["Petra Danser", "FO", example::LINE.nin, "Petra Danser"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_requested_prescriptions_are_listed() {
    let mut clinic = Clinic::open().await;
    let message = Message::reseptfornyelse().prescription("Eksempel A 10 mg", "C10AA05", "C").prescription(
        "Eksempel B 5 mg",
        "N05BA01",
        "B",
    );
    clinic.send(&[message]).await;
    clinic.receipt().await;
    let list: serde_json::Value = clinic.fleet.rows.one("select prescriptions from dialogpost.dialog_entry").await;
    let name = |n: usize| list[n]["name"].as_str().unwrap().to_owned();
    assert_eq!([name(0), name(1)], ["Eksempel A 10 mg", "Eksempel B 5 mg"]);
    assert_eq!(list[1]["reseptgruppe"], "B");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_one_dialog_even_when_its_answer_comes_first() {
    let mut clinic = Clinic::open().await;
    let first = "5f7f7b5e-54a7-4c0e-8d8e-111111111111";
    let question = Message::ekontakt().msg_id(first);
    let more = Message::ekontakt().msg_id("5f7f7b5e-54a7-4c0e-8d8e-222222222222").in_conversation(first, &first.to_uppercase());
    clinic.send(&[more]).await;
    assert!(clinic.fleet.rows.one::<bool>("select flagged from dialogpost.dialog").await, "it answers something unseen");
    clinic.send(&[question]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 1);
    assert_eq!(clinic.fleet.rows.column::<i32>("select sequence from dialogpost.dialog_entry order by 1").await, [1, 2]);
    // Another patient who names the same conversation does not get into it.
    let stranger = Message::ekontakt().patient(example::TROND.nin, "Trond", "Harboe").in_conversation(first, first);
    clinic.send(&[stranger]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 2);
    clinic.helsenorge.receipts(3, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_business_message_again_gets_the_same_answer_and_no_second_entry() {
    let mut clinic = Clinic::open().await;
    let id = "5f7f7b5e-54a7-4c0e-8d8e-333333333333";
    let bad = "5f7f7b5e-54a7-4c0e-8d8e-444444444444";
    let good = || Message::ekontakt().msg_id(id);
    let rejected = || Message::ekontakt().msg_id(bad).patient("29820099840", "Ukjent", "Person");
    // In one batch and one after the other.
    clinic.send(&[good(), good(), rejected()]).await;
    clinic.send(&[good(), rejected()]).await;
    let receipts = clinic.helsenorge.receipts(5, e2e::PATIENCE).await.unwrap();
    let status = |about: &str| -> Vec<String> {
        let of = receipts.iter().filter_map(|r| r.apprec.as_ref()).filter(|a| a.original_id.as_deref() == Some(about));
        of.map(|a| a.status.as_ref().unwrap().v.clone().unwrap()).collect()
    };
    assert_eq!(status(id), ["1", "1", "1"]);
    assert_eq!(status(bad), ["2", "2"]);
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 1);
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'repeated'").await, 3);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_rejection_is_answered_again_whatever_it_was_rejected_for() {
    let mut clinic = Clinic::open().await;
    let two_patients =
        || Message::ekontakt().msg_id("5f7f7b5e-54a7-4c0e-8d8e-555555555555").replacing("</MsgInfo>", "<Patient/></MsgInfo>");
    clinic.send(&[two_patients()]).await;
    clinic.send(&[two_patients()]).await;
    for receipt in clinic.helsenorge.receipts(2, e2e::PATIENCE).await.unwrap() {
        assert_eq!(receipt.apprec.unwrap().errors[0].v.as_deref(), Some("T02"));
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
    clinic.close().await;
}

/// Kind decides recipients and journal, so a conversation that changes it must not carry one kind's rules over to the other (K1, K2).
#[tokio::test(flavor = "multi_thread")]
async fn k1_k2_a_conversation_that_changes_its_kind_is_two_dialogs() {
    let mut clinic = Clinic::open().await;
    let first = "5f7f7b5e-54a7-4c0e-8d8e-666666666666";
    clinic.send(&[Message::ekontakt().msg_id(first).text("administrativt")]).await;
    clinic.send(&[Message::ekonsultasjon().in_conversation(first, first).text("medisinsk")]).await;
    clinic.send(&[Message::ekontakt().in_conversation(first, first).text("igjen administrativt")]).await;
    assert_eq!(clinic.fleet.rows.column::<String>("select text from dialogpost.journal_entry").await, ["medisinsk"]);
    let kinds = "select kind || ' ' || entries || ' ' || flagged from dialogpost.dialog order by kind";
    assert_eq!(clinic.fleet.rows.column::<String>(kinds).await, ["EKONSULTASJON 1 true", "EKONTAKT 2 false"]);
    let medical = "select i.employee from dialogpost.inbox_item i join dialogpost.dialog_entry e on e.id = i.entry where e.text = 'medisinsk'";
    assert_eq!(clinic.fleet.rows.column::<String>(medical).await, ["kari"], "not the whole clinic");
    clinic.helsenorge.receipts(3, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_and_our_own_steering_properties_from_outside_do_no_harm() {
    let mut clinic = Clinic::open().await;
    let odd = Message::ekontakt()
        .property("X-Ukjent", "a\0b")
        .transport_id("nul\0id")
        .property("dialogpost-origin-queue", "8141333_error")
        .property("dialogpost-attempt", "4294967295");
    clinic.send(&[odd, Message::ekontakt()]).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message_state where state = 'delivered'").await, 2);
    assert_eq!(clinic.fleet.rows.count("dialogpost.message where queue = '8141333_async'").await, 2);
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
    clinic.helsenorge.receipts(2, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}
