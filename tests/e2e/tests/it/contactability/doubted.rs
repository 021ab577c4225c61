//! What was said holds no longer.

use super::*;
use helsenorge::{ACTIVE, Receipt};
use messages::wire::hodemelding::{Code, Content};
use uuid::Uuid;

/// What the set-up file says of the two is known.
async fn known() -> Asking {
    let asking = Asking::of(Fleet::new().await).await;
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented"), format!("{TROND} inactive")]);
    asking
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_asked_about() {
    let mut asking = known().await;
    asking.helsenorge.send(&Message::digital_user_changed(LINE)).await.unwrap();
    asking.helsenorge.send(&Message::digital_user_changed("20437045020")).await.unwrap();
    asking.sent += 2;
    asking.fleet.settle(2).await;
    let told = asking.helsenorge.expect(QUEUE, 3, PATIENCE).await.unwrap();
    let (receipts, questions): (Vec<_>, Vec<_>) = told.into_iter().partition(|r| r.apprec.is_some());
    assert_eq!((receipts.len(), questions.len()), (2, 1), "of whom nothing is known nothing is asked");
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented doubted wanted"), format!("{TROND} inactive")]);
    assert_eq!(asking.send(&asking.users.answer(&questions[0]).unwrap()).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} inactive"), format!("{TROND} inactive")]);
    asking.close().await;
}

/// An answer to a question that was asked before the change does not take the doubt away.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_answer_leaves_the_doubt() {
    let mut asking = Asking::open().await;
    asking.users.set(LINE, ACTIVE);
    want(&asking.fleet, &[LINE]).await;
    let question = asking.next().await;
    asking.helsenorge.send(&Message::digital_user_changed(LINE)).await.unwrap();
    asking.sent += 1;
    let told = asking.helsenorge.expect(QUEUE, 2, PATIENCE).await.unwrap();
    let again = told.into_iter().find(|r| r.apprec.is_none()).expect("asked again");
    assert_eq!(asking.send(&asking.users.answer(&question).unwrap()).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented doubted wanted")]);
    assert_eq!(asking.send(&asking.users.answer(&again).unwrap()).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented")]);
    asking.close().await;
}

/// A message of ours in a dialog with Line.
async fn written(asking: &Asking) -> Uuid {
    let id = asking.fleet.write(example::SOLBAKKEN, example::HELSENORGE, &Message::svar()).await;
    assert!(asking.next().await.apprec.is_none());
    let rows = &asking.fleet.rows;
    let dialog = "insert into dialogpost.dialog (id, clinic, patient, kind, conversation, title, flagged, entries, opened_at, newest_at)
        select $1::uuid, clinic, id, 'EKONTAKT', $1::uuid::text, 'Time', false, 1, now(), now() from dialogpost.patient where nin = '15868549960'";
    rows.query(dialog, &[&id]).await;
    let entry = "insert into dialogpost.dialog_entry (id, dialog, sequence, direction, form, text, received_at)
        values ($1, $1, 1, 'out', 'foresporsel', 'Hei', now())";
    rows.query(entry, &[&id]).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_whom_helsenorge_does_not_find_is_doubted() {
    let mut asking = known().await;
    for (error, doubted) in [("X99", false), ("E35", true), ("E54", true)] {
        let receipt = Receipt::for_message(&written(&asking).await.to_string()).rejected(error, "Innbygger").to_message();
        asking.tell(&receipt).await;
        let want = if doubted { format!("{LINE} active consented doubted wanted") } else { format!("{LINE} active consented") };
        assert_eq!(statuses(&asking.fleet).await[0], want, "{error}");
        if doubted {
            let question = asking.next().await;
            asking.users.set(LINE, ACTIVE);
            assert_eq!(asking.send(&asking.users.answer(&question).unwrap()).await, ok());
        }
    }
    asking.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_so_makes_its_patient_doubted() {
    let mut asking = known().await;
    let answer = |v: &'static str| {
        Message::svar().edit(move |head| {
            let Content::Dialogmelding(dialog) = &mut head.documents[0].content else { panic!("no dialog") };
            dialog.notat[0].tema_kodet = Some(Code::in_system(v, "Svar", "2.16.578.1.12.4.1.1.7602"));
        })
    };
    assert_eq!(asking.send(&answer("22")).await, ok());
    assert_eq!(statuses(&asking.fleet).await[0], format!("{LINE} active consented"));
    asking.helsenorge.send(&answer("23")).await.unwrap();
    asking.sent += 1;
    asking.fleet.settle(asking.sent).await;
    assert_eq!(statuses(&asking.fleet).await[0], format!("{LINE} active consented doubted wanted"));
    let told = asking.helsenorge.expect(QUEUE, 2, PATIENCE).await.unwrap();
    assert_eq!(told.iter().filter(|r| r.apprec.is_some()).count(), 1, "a receipt and a question");
    asking.close().await;
}
