//! `ekonsultasjon-journaling`: K1, K2, and a journal that nobody changes.

use e2e::Clinic;
use helsenorge::{Message, example};

#[tokio::test(flavor = "multi_thread")]
async fn k1_an_ekonsultasjon_is_journaled_complete_and_once() {
    let mut clinic = Clinic::open().await;
    let message =
        Message::ekonsultasjon().subject("Utslett").text("Det klør.").attachment("a.pdf", "application/pdf", b"%PDF-1.7 x");
    let sent = clinic.send(&[message]).await.remove(0);
    clinic.helsenorge.publish(&[sent]).await.unwrap();
    clinic.receipt().await;
    let sql = "select j.subject, j.text, j.author, j.attachments, j.sent_at is not null, p.nin
         from dialogpost.journal_entry j join dialogpost.patient p on p.id = j.patient";
    let rows = clinic.fleet.rows.query(sql, &[]).await;
    assert_eq!(rows.len(), 1);
    let text = |n: usize| rows[0].get::<_, String>(n);
    assert_eq!([text(0), text(1), text(2), text(5)], ["Utslett", "Det klør.", "Line Danser", example::LINE.nin]);
    assert_eq!((rows[0].get::<_, i32>(3), rows[0].get::<_, bool>(4)), (1, true));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_nothing_else_is_journaled() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::ekontakt(), Message::reseptfornyelse()]).await;
    clinic.helsenorge.receipts(2, e2e::PATIENCE).await.unwrap();
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 0);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_the_journal_is_append_only() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::ekonsultasjon().attachment("a.pdf", "application/pdf", b"%PDF-1.7 x")]).await;
    clinic.receipt().await;
    for sql in [
        "update dialogpost.journal_entry set text = ''",
        "delete from dialogpost.journal_entry",
        "truncate dialogpost.journal_entry",
        "update dialogpost.dialog_entry set text = ''",
        "delete from dialogpost.attachment",
        "update dialogpost.audit set actor = ''",
        "truncate dialogpost.audit",
    ] {
        let refused = clinic.fleet.rows.refused(sql).await;
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.journal_entry").await, 1);
    clinic.close().await;
}
