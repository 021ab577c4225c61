//! The whole flow and its books: whatever HelseNorge sends, received = the sum of end states + in flight (O1).

use e2e::{Clinic, PATIENCE};
use helsenorge::{ErrorMessage, Message};
use store::ledger;

/// Accepted, repeated, rejected, refused, dead: five AppRecs and one error message.
pub(crate) fn of_every_end() -> [Message; 7] {
    let again = "5f7f7b5e-54a7-4c0e-8d8e-777777777777";
    [
        Message::ekontakt(),
        Message::ekonsultasjon().msg_id(again),
        Message::ekonsultasjon().msg_id(again),
        Message::reseptfornyelse(),
        Message::ekontakt().without_patient(),
        Message::ekontakt().raw_body("hei"),
        Message::ekontakt().without_property("fromHerId"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn o1_the_ledger_balances_and_would_show_it_if_it_did_not() {
    let mut clinic = Clinic::open().await;
    clinic.send(&of_every_end()).await;
    clinic.helsenorge.receipts(5, PATIENCE).await.unwrap();
    let error = clinic.error().await;
    clinic.helsenorge.send_error_message(&ErrorMessage::about(&error.properties)).await.unwrap();
    clinic.fleet.settle(8).await;

    let session = clinic.fleet.store().session().await.unwrap();
    let lines = ledger::lines(&session, 1).await.unwrap();
    let sum = |column: fn(&ledger::Line) -> i64| lines.iter().map(column).sum::<i64>();
    assert!(lines.iter().all(ledger::Line::balances));
    assert_eq!(sum(|l| l.received), 8);
    let states = [sum(|l| l.delivered), sum(|l| l.journaled_and_delivered), sum(|l| l.rejected), sum(|l| l.repeated)];
    assert_eq!(states, [2, 1, 2, 1]);
    assert_eq!([sum(|l| l.filed), sum(|l| l.dead), sum(|l| l.in_flight), sum(|l| l.unexplained)], [1, 1, 0, 0]);

    // A message of which nothing but its dead letter is left does not go unnoticed.
    clinic.fleet.rows.query("delete from dialogpost.message where outcome = 'dead'", &[]).await;
    assert!(!ledger::lines(&session, 1).await.unwrap().iter().all(ledger::Line::balances));
    clinic.close().await;
}

/// Until HelseNorge's broker has the answer, the sender has not been told, and the message is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn o1_a_message_is_in_flight_until_its_answer_is_on_the_wire() {
    let clinic = Clinic::open().await;
    clinic.helsenorge.send(&Message::ekontakt()).await.unwrap();
    clinic.fleet.settle(1).await;
    let waiting = "insert into dialogpost.outbox (id, wire, exchange, routing_key, properties, body, cause, due_at)
         select gen_random_uuid(), 'nhn', 'x', 'y', '{}', '', id, 'infinity' from dialogpost.message where direction = 'in'";
    clinic.fleet.rows.query(waiting, &[]).await;
    assert_eq!(clinic.fleet.rows.flight().await, (1, 1));
    clinic.fleet.rows.query("delete from dialogpost.outbox", &[]).await;
    assert_eq!(clinic.fleet.rows.flight().await, (1, 0));
    clinic.receipt().await;
    clinic.close().await;
}
