//! DIALOG_INNBYGGER_DIGITALBRUKER.

use super::*;
use helsenorge::{ACTIVE, synthetic_patients};
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::{Incoming, Limits, read};

fn head(question: &Received) -> MsgHead {
    let read = read(&question.body, &Limits::default()).unwrap();
    assert_eq!(read.deviations, Vec::<&str>::new(), "valid by its schemas");
    match read.incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("{other:?}"),
    }
}

/// About whom a question is, sorted.
fn about(question: &Received) -> Vec<String> {
    let Content::Personer(people) = head(question).documents.swap_remove(1).content else { panic!("no people") };
    let mut nins: Vec<_> = people.iter().map(|person| person.national_id().unwrap().expose().clone()).collect();
    nins.sort();
    nins
}

fn id_of(question: &Received) -> String {
    question.properties.message_id.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn helsenorge_is_asked_and_its_answer_is_kept() {
    let mut asking = Asking::open().await;
    asking.users.set(LINE, ACTIVE);
    want(&asking.fleet, &[TROND, LINE]).await;
    let question = asking.next().await;
    assert_eq!(question.shape_faults(), Vec::<String>::new());
    let p = &question.properties;
    assert_eq!((p.subject.as_deref(), p.reply_to.as_deref()), (Some("DIALOG_INNBYGGER_DIGITALBRUKER"), Some("8141333_async")));
    assert_eq!((p.application("fromHerId"), p.application("toHerId")), (Some("8141333"), Some("8093244")));
    assert_eq!((head(&question).msg_id.unwrap(), about(&question)), (id_of(&question), vec![LINE.to_owned(), TROND.to_owned()]));
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} wanted"), format!("{TROND} wanted")]);
    assert_eq!(asking.send(&asking.users.answer(&question).unwrap()).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented"), format!("{TROND} inactive")]);
    assert_eq!(asking.codes().await, ["-"]);
    let answer: String = asking.fleet.rows.one("select msg_id from dialogpost.message where outcome = 'noted'").await;
    let found = store::show::find(&asking.fleet.store().session().await.unwrap(), &answer).await.unwrap();
    assert_eq!(found.iter().map(|trace| trace.outcome.as_str()).collect::<Vec<_>>(), ["noted"]);
    // The first answer counts.
    assert_eq!(asking.send(&Message::digital_users(&id_of(&question), &[TROND.into()])).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented"), format!("{TROND} inactive")]);
    asking.nothing_more().await;
    asking.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_be_active_and_helsenorge_may_not_know() {
    let mut asking = Asking::open().await;
    want(&asking.fleet, &[LINE]).await;
    let question = id_of(&asking.next().await);
    for code in ["30", "31"] {
        assert_eq!(asking.send(&Message::digital_users_code(&question, code)).await, ok());
    }
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} wanted")]);
    assert_eq!(asking.codes().await, ["question-no-access", "question-general-error"]);
    asking.nothing_more().await;
    later(&asking.fleet, 61.0).await;
    let again = id_of(&asking.next().await);
    assert_ne!(again, question);
    assert_eq!(asking.send(&Message::digital_users(&again, &[])).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} inactive")]);
    asking.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_asked_about_is_told_nothing_of() {
    let mut asking = Asking::open().await;
    let other = r#"{"parties": [{"her_id": 8093299, "name": "En annen", "queues":
        {"async": "8093299_async", "sync": "8093299_sync", "error": "8093299_error"}}],
        "clinics": [{"name": "Fjellbakken", "her_id": 8141444, "nhn_member": true, "digital_dialog_ordered": true,
        "employees": [{"id": "eva", "name": "Eva", "her_id": 8141445, "services": ["EKONTAKT"]}]}]}"#;
    want(&asking.fleet, &[LINE]).await;
    let question = asking.next().await;
    asking.fleet.apply(other).await;
    let active = [LINE.to_owned(), TROND.to_owned()];
    let unknown = Message::digital_users("5f7f7b5e-54a7-4c0e-8d8e-000000000009", &active);
    assert_eq!(asking.send(&unknown).await, ok());
    let of_another = Message::digital_users(&id_of(&question), &active).from(8_093_299, 115_851);
    asking.helsenorge.send(&of_another).await.unwrap();
    asking.helsenorge.expect("8093299_async", 1, PATIENCE).await.unwrap();
    let to_another = Message::digital_users(&id_of(&question), &active).to_clinic(8_141_444, 115_900);
    asking.sent += 1;
    assert_eq!(asking.send(&to_another).await, ok());
    assert_eq!(asking.codes().await, ["question-unknown"; 3]);
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} wanted")]);
    assert_eq!(asking.send(&Message::digital_users(&id_of(&question), &active)).await, ok());
    assert_eq!(statuses(&asking.fleet).await, [format!("{LINE} active consented")], "and nothing of Trond");
    let turned_down = Message::digital_users_code(&id_of(&question), "28");
    assert_eq!(asking.send(&turned_down).await, ("2".into(), vec!["T02".into()]));
    asking.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_without_a_way_to_helsenorge_is_seen() {
    let asking = Asking::open().await;
    let other = r#"{"parties": [{"her_id": 8093299, "name": "En annen", "queues":
        {"async": "8093299_async", "sync": "8093299_sync", "error": "8093299_error"}}]}"#;
    asking.fleet.apply(other).await;
    want(&asking.fleet, &[LINE]).await;
    asking.fleet.until("select count(*) from dialogpost.contact_status where asked_at is not null", 1).await;
    asking.nothing_more().await;
    let problem = || asking.running.health.report()["asking HelseNorge whom it reaches"].clone();
    assert!(problem().is_some_and(|problem| problem.contains("8141333")));
    asking.fleet.rows.query("update dialogpost.clinic set helsenorge = 8093244", &[]).await;
    later(&asking.fleet, 61.0).await;
    asking.next().await;
    asking.fleet.settle(0).await;
    assert_eq!(problem(), None);
    asking.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_are_asked_about_at_once_and_bad_numbers_not_at_all() {
    let mut asking = Asking::open().await;
    let people: Vec<String> = synthetic_patients(1001).into_iter().map(|p| p.nin).collect();
    people.iter().step_by(2).for_each(|nin| asking.users.set(nin, ACTIVE));
    let mut all: Vec<&str> = people.iter().map(String::as_str).collect();
    all.extend(["15868549961", "Line Danser"]);
    want(&asking.fleet, &all).await;
    let questions = asking.helsenorge.expect(QUEUE, 2, PATIENCE).await.unwrap();
    let mut asked: Vec<String> = questions.iter().flat_map(about).collect();
    asked.sort();
    let mut wanted = people.clone();
    wanted.sort();
    assert_eq!(asked, wanted);
    assert!(questions.iter().all(|q| about(q).len() <= 1000));
    for question in &questions {
        assert_eq!(asking.send(&asking.users.answer(question).unwrap()).await, ok());
    }
    let active = "dialogpost.contact_status where active and consented and wanted_at is null";
    assert_eq!(asking.fleet.rows.count(active).await, 501);
    assert_eq!(asking.fleet.rows.count("dialogpost.contact_status where active is null and wanted_at is null").await, 2);
    asking.nothing_more().await;
    asking.close().await;
}
