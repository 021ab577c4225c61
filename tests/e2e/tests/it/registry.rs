//! Agreements in the store, and what the rules make of them: conformance 39, 41, 42, 43.

use domain::agreement::{
    Agreement, Delivery, Direction, Found, Known, Provenance, Question, Unusable, Use, Wanted, look_up, reading,
};
use domain::transport::queue_of;
use e2e::{Clinic, Fleet, PATIENCE};
use helsenorge::Message;
use messages::HerId;
use messages::wire::apprec::AppRecVersion;
use messages::wire::cppa;
use messages::wire::hodemelding::Code;
use messages::wire::namespaces::{DIALOG_1_0, DIALOG_1_1, HELSEPERSONELL, ICALENDAR, M1_2013, MSGHEAD};
use std::collections::HashMap;
use store::agreement::{Imported, Pair, for_pairs, import};
use uuid::{Uuid, uuid};

const NEWER: Uuid = uuid!("7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10");
const OLDER: Uuid = uuid!("c0a8e1d2-6b7f-4e3a-8c5d-1f2e3d4c5b6a");
const PROFILE: Uuid = uuid!("2b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e");

const CPA_2: &str = include_str!("../../../fixtures/cpa/cpa-v2.xml");
const CPA_1: &str = include_str!("../../../fixtures/cpa/cpa-v1.xml");
const CPP: &str = include_str!("../../../fixtures/cpa/cpp-v1.xml");

fn her_id(n: i64) -> HerId {
    n.try_into().unwrap()
}

fn agreement(xml: &str) -> Agreement {
    let document = cppa::read(xml.as_bytes(), &cppa::LIMITS).unwrap();
    reading::agreement(&document, &operator::certificate::known).unwrap()
}

async fn imported(fleet: &Fleet, xml: &str) -> Imported {
    let mut session = fleet.store().session().await.unwrap();
    let tx = session.begin().await.unwrap();
    let outcome = import(&tx, &agreement(xml), "test", runtime::clock::system()).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

fn pair(cpa_id: Option<Uuid>) -> Pair {
    Pair { own: her_id(8_141_333), other: her_id(8_093_244), cpa_id }
}

async fn known(fleet: &Fleet, pairs: &[Pair]) -> HashMap<Pair, Known> {
    for_pairs(&fleet.store().session().await.unwrap(), pairs).await.unwrap()
}

fn asked(pair: Pair) -> Question<'static> {
    let (Pair { own, other, cpa_id }, now) = (pair, "2026-06-01T00:00:00Z".parse().unwrap());
    Question { own, other, cpa_id, function: "DIALOG_INNBYGGER_EKONTAKT", excluded: &[], now }
}

/// Where each certificate for signatures comes from, and its common name.
fn signers(found: &Found<'_>, question: &Question<'_>) -> Vec<(Provenance, String)> {
    let candidates = found.candidates(Use::Signing, question.now);
    candidates.iter().map(|c| (c.provenance, c.certificate.subject.split(',').next().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_new_unchanged_or_replaced() {
    let fleet = Fleet::new().await;
    for xml in [CPA_1, CPA_2, CPP] {
        assert_eq!(imported(&fleet, xml).await, Imported::New);
        assert_eq!(imported(&fleet, xml).await, Imported::Unchanged);
    }
    assert_eq!(imported(&fleet, &CPA_2.replacen("agreed", "proposed", 1)).await, Imported::Replaced);
    assert_eq!(imported(&fleet, &CPP.replacen("2b1d4c6e", "3b1d4c6e", 1)).await, Imported::Replaced);
    assert_eq!(fleet.rows.count("dialogpost.agreement").await, 3);
    assert_eq!(fleet.rows.count("dialogpost.audit where action = 'registry-import'").await, 8);
    let subjects = fleet.rows.column::<String>("select subject from dialogpost.audit where action = 'registry-import'").await;
    assert!(subjects.contains(&NEWER.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_39_by_id_then_by_pair_then_the_profile_then_the_party() {
    let fleet = Fleet::new().await;
    let file = include_str!("../../../fixtures/clinic.json");
    let signed =
        file.replacen("\"signing_certificate\": null", "\"signing_certificate\": {\"file\": \"helsenorge-signing.pem\"}", 1);
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cpa"));
    let setup = operator::setup_file::parse(signed.as_bytes(), &fleet.config().test_series, folder).unwrap();
    let mut session = fleet.store().session().await.unwrap();
    let tx = session.begin().await.unwrap();
    assert_eq!(
        store::setup::apply(&tx, &setup, store::setup::ChosenRules::Keep, "test", runtime::clock::system())
            .await
            .unwrap()
            .certificates,
        1
    );
    tx.commit().await.unwrap();

    let sources = |known: &HashMap<Pair, Known>, pair: Pair| -> Vec<Provenance> {
        look_up(&known[&pair], &asked(pair)).sources.iter().map(|s| s.provenance).collect()
    };
    let party = Provenance::Party(her_id(8_093_244));
    assert_eq!(sources(&known(&fleet, &[pair(None)]).await, pair(None)), [party]);
    imported(&fleet, CPP).await;
    assert_eq!(sources(&known(&fleet, &[pair(None)]).await, pair(None)), [Provenance::Profile(PROFILE), party]);
    imported(&fleet, CPA_1).await;
    imported(&fleet, CPA_2).await;
    let of_pair = [NEWER, OLDER].map(Provenance::AgreementOfPair);
    let all = [Provenance::AgreementById(OLDER), of_pair[0], Provenance::Profile(PROFILE), party];
    let unknown = pair(Some(Uuid::from_u128(7)));
    let stranger = Pair { own: her_id(8_141_334), other: her_id(8_093_244), cpa_id: Some(OLDER) };
    let pairs = [pair(None), pair(Some(OLDER)), unknown, stranger, pair(None)];
    let known = known(&fleet, &pairs).await;
    assert_eq!(known.len(), 4, "each once");
    assert_eq!(sources(&known, pair(Some(OLDER))), all);
    assert_eq!(sources(&known, unknown), [of_pair[0], of_pair[1], Provenance::Profile(PROFILE), party]);
    assert_eq!(look_up(&known[&unknown], &asked(unknown)).warnings[0].why, Unusable::Unknown);
    assert_eq!(sources(&known, stranger), [Provenance::Profile(PROFILE), party], "an agreement of others is none");
    assert_eq!(look_up(&known[&stranger], &asked(stranger)).warnings[0].why, Unusable::OtherParties);
    let found = look_up(&known[&pair(Some(OLDER))], &asked(pair(Some(OLDER))));
    assert_eq!(
        signers(&found, &asked(pair(None))),
        [
            (Provenance::AgreementById(OLDER), "CN=Helsenorge test dobbel".to_owned()),
            (Provenance::AgreementOfPair(NEWER), "CN=Helsenorge test signering".to_owned()),
        ],
        "every candidate once, with its best source"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_of_both_sides_come_back_as_they_were() {
    let fleet = Fleet::new().await;
    imported(&fleet, CPA_2).await;
    let session = fleet.store().session().await.unwrap();
    let known = for_pairs(&session, &[pair(Some(NEWER))]).await.unwrap().remove(&pair(Some(NEWER))).unwrap();
    let sorted = |mut agreement: Agreement| {
        agreement.parties.iter_mut().for_each(|p| p.certificates.sort_by(|a, b| a.der.cmp(&b.der)));
        agreement
    };
    assert_eq!(known.by_id.map(sorted), Some(sorted(agreement(CPA_2))));
    assert_eq!((known.of_pair.len(), known.profile, known.party.len()), (1, None, 0));
    assert_eq!(for_pairs(&session, &[]).await.unwrap().len(), 0);
}

/// A message to HelseNorge: its function, action and namespaces, and the queue and AppRec that go with it.
type Case = (&'static str, &'static str, &'static [&'static str], Delivery, Option<AppRecVersion>);

#[tokio::test(flavor = "multi_thread")]
async fn conformance_41_42_43_the_right_part_of_both_generations_and_a_named_fault() {
    let fleet = Fleet::new().await;
    imported(&fleet, CPA_1).await;
    imported(&fleet, CPA_2).await;
    let cases: [Case; 7] = [
        ("EKONTAKT", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
        ("EKONSULTASJON", "Foresporsel", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
        ("RESEPTFORNYELSE", "Svar", &[MSGHEAD, DIALOG_1_1, M1_2013], Delivery::Async, Some(AppRecVersion::V1_1)),
        ("TIMERESERVASJON", "SvarLedigeTimer", &[MSGHEAD, DIALOG_1_1, ICALENDAR, HELSEPERSONELL], Delivery::Sync, None),
        ("TIMERESERVASJON", "SvarAvtaleReservasjon", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
        ("TIMER", "SvarEndring", &[MSGHEAD, DIALOG_1_0, ICALENDAR], Delivery::Async, Some(AppRecVersion::V1_0)),
        ("TEST", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Sync, None),
    ];
    for id in [NEWER, OLDER] {
        let pair = pair(Some(id));
        let known = known(&fleet, &[pair]).await;
        let found = look_up(&known[&pair], &asked(pair));
        let source = found.sources[0];
        assert_eq!(source.provenance, Provenance::AgreementById(id));
        for (function, action, namespaces, delivery, receipt) in cases {
            let function = format!("DIALOG_INNBYGGER_{function}");
            // The older generation knows neither the attachments of prescriptions nor those of appointments.
            let namespaces = if id == OLDER { &namespaces[..2] } else { namespaces };
            let wanted = Wanted { function: &function, action: Some(action), namespaces };
            let chosen = source.part_for(Direction::Receives, &wanted).unwrap();
            assert_eq!((chosen.delivery, chosen.receipt), (delivery, receipt), "{function} {action}");
            let queue = queue_of(chosen.part.unwrap().endpoint.as_deref().unwrap()).unwrap();
            assert!(["8093244_async", "8093244_sync"].contains(&queue.as_str()), "{queue}");
        }
        let absent = Wanted { function: "DIALOG_INNBYGGER_KOORDINATOR", action: None, namespaces: &[] };
        let fault = source.part_for(Direction::Receives, &absent).unwrap_err();
        assert_eq!(fault.to_string(), "HER-id 8093244 has not agreed to DIALOG_INNBYGGER_KOORDINATOR");
    }
}

fn of_function(message: Message, function: &str) -> Message {
    let code = Code::new(function, "Dialog med innbygger");
    message.edit(|head| head.msg_type = Some(code))
}

/// The processes on Dialogmelding 1.0 use AppRec 1.0, whatever the message is made of (nhn-messaging 4.4).
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_has_the_version_that_was_agreed_for_what_it_receipts() {
    let mut clinic = Clinic::open().await;
    imported(&clinic.fleet, CPA_1).await;
    imported(&clinic.fleet, CPA_2).await;
    for (function, namespace) in
        [("DIALOG_INNBYGGER_TIMER", "apprec/2004-11-21"), ("DIALOG_INNBYGGER_EKONTAKT", "apprec/2012-02-15")]
    {
        // Whichever is named, it goes by the newest of the two.
        let named = Message::ekontakt().property("cpaId", &OLDER.to_string());
        for message in [Message::ekontakt(), named] {
            clinic.send(&[of_function(message, function)]).await;
            let receipt = clinic.receipt().await;
            assert!(String::from_utf8_lossy(&receipt.body).contains(namespace), "{function}");
            assert_eq!(receipt.application("cpaId"), Some(NEWER.to_string().as_str()));
        }
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_42_what_was_not_agreed_is_not_sent() {
    let clinic = Clinic::open().await;
    imported(&clinic.fleet, CPA_2).await;
    let agreed = clinic.fleet.write(8_141_333, 8_093_244, &Message::svar()).await;
    let sent = clinic.helsenorge.expect("8093244_async", 1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(
        (sent.properties.message_id, sent.properties.application.get("cpaId")),
        (Some(agreed.to_string()), Some(&NEWER.to_string()))
    );
    let not_agreed = of_function(Message::svar(), "DIALOG_INNBYGGER_DIGITALBRUKER");
    let id = clinic.fleet.write(8_141_333, 8_093_244, &not_agreed).await;
    clinic.fleet.until("select count(*) from dialogpost.dead_letter", 1).await;
    assert_eq!(clinic.fleet.sent_state(id).await, "dead");
    let text = clinic.fleet.rows.one::<String>("select code || ': ' || text from dialogpost.dead_letter").await;
    assert!(text.starts_with("function-not-agreed: ") && text.contains("8093244") && text.contains("DIGITALBRUKER"), "{text}");
    clinic.close().await;
}
