//! `recipient-routing`: the clinic's rules, on real rows (R2–R4). The rules' own table is in `domain::routing`.

use e2e::{Clinic, Fleet};
use helsenorge::{Message, example};
use std::collections::BTreeMap;

/// Employee → through which recipients, of the newest entry.
async fn inbox(fleet: &Fleet) -> (BTreeMap<String, Vec<String>>, bool) {
    let sql = "select employee, via, flagged from dialogpost.inbox_item
         where entry = (select max(id::text)::uuid from dialogpost.dialog_entry)";
    let rows = fleet.rows.query(sql, &[]).await;
    let flagged = rows.iter().any(|r| r.get(2));
    (rows.iter().map(|r| (r.get(0), r.get(1))).collect(), flagged)
}

fn people(inbox: &BTreeMap<String, Vec<String>>) -> Vec<&str> {
    inbox.keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_r4_the_example_clinics_three_modes() {
    let mut clinic = Clinic::open().await;
    clinic.send(&[Message::ekonsultasjon()]).await;
    let (inbox_of, flagged) = inbox(&clinic.fleet).await;
    assert_eq!((people(&inbox_of), flagged), (vec!["kari"], false), "behandler");
    clinic.send(&[Message::ekonsultasjon().patient(example::TROND.nin, "Trond", "Harboe")]).await;
    assert_eq!(people(&inbox(&clinic.fleet).await.0), ["ole"], "behandler");
    clinic.send(&[Message::ekontakt()]).await;
    assert_eq!(people(&inbox(&clinic.fleet).await.0), ["kari", "ole", "siri"], "fast");
    clinic.send(&[Message::reseptfornyelse()]).await;
    let (inbox_of, _) = inbox(&clinic.fleet).await;
    assert_eq!(people(&inbox_of), ["kari", "ole", "siri"], "fast og behandler: one copy each");
    assert_eq!(inbox_of["kari"], ["behandler", "group:legene"]);
    assert_eq!(inbox_of["siri"], ["role:helsesekretaer", "position:lab"]);
    clinic.helsenorge.receipts(4, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_a_fastlege_who_left_falls_back_to_the_whole_clinic_and_is_flagged() {
    let mut clinic = Clinic::open().await;
    clinic.fleet.rows.query("update dialogpost.patient set fastlege = 'borte' where nin = $1", &[&example::LINE.nin]).await;
    clinic.send(&[Message::ekonsultasjon().to_doctor(example::SOLBAKKEN, example::KARI)]).await;
    let (inbox_of, flagged) = inbox(&clinic.fleet).await;
    assert_eq!((people(&inbox_of), flagged), (vec!["kari", "ole", "siri"], true));
    clinic.receipt().await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_without_rules_the_defaults_hold() {
    let mut clinic = Clinic::open().await;
    clinic.fleet.rows.query("delete from dialogpost.routing_rule", &[]).await;
    clinic.send(&[Message::ekonsultasjon()]).await;
    assert_eq!(people(&inbox(&clinic.fleet).await.0), ["kari"]);
    for message in [Message::ekontakt(), Message::reseptfornyelse()] {
        clinic.send(&[message]).await;
        assert_eq!(people(&inbox(&clinic.fleet).await.0), ["kari", "ole", "siri"]);
    }
    clinic.helsenorge.receipts(3, e2e::PATIENCE).await.unwrap();
    clinic.close().await;
}
