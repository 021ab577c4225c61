//! Cases 39 to 45: agreements, and which queue is whose.

use conformance::{Wire, accepted, refused, texts};
use domain::agreement::{Agreement, Delivery, Direction, Kind, Known, Question, Wanted, look_up, reading};
use domain::setup::{Setup, check};
use e2e::{Clinic, Exchange, Fleet, certificate, decryption_key, known, signing_key};
use helsenorge::{Message, Received};
use messages::HerId;
use messages::person_id::TestSeries;
use messages::wire::apprec::AppRecVersion;
use messages::wire::cppa;
use messages::wire::namespaces::{DIALOG_1_0, DIALOG_1_1, ICALENDAR, MSGHEAD};
use pki::{Identity, Party};
use uuid::Uuid;

const NEWER: &str = include_str!("../../../fixtures/cpa/cpa-v2.xml");
const OLDER: &str = include_str!("../../../fixtures/cpa/cpa-v1.xml");
const PROFILE: &str = include_str!("../../../fixtures/cpa/cpp-v1.xml");

fn her_id(number: i64) -> HerId {
    number.try_into().unwrap()
}

/// An agreement of the fixtures in which HelseNorge has these certificates.
fn agreement(xml: &str, of_helsenorge: &[&Identity]) -> Agreement {
    let document = cppa::read(xml.as_bytes(), &cppa::LIMITS).unwrap();
    // Those of the file are made for another test; what is read of them is not asked here.
    let mut agreement = reading::agreement(&document, &|_| Ok(known(of_helsenorge[0]))).unwrap();
    for party in &mut agreement.parties {
        let theirs = party.her_id == her_id(8_093_244);
        party.certificates = if theirs { of_helsenorge.iter().map(|identity| known(identity)).collect() } else { Vec::new() };
    }
    agreement
}

pub(crate) async fn import(fleet: &Fleet, agreement: &Agreement) {
    let mut session = fleet.store().session().await.unwrap();
    let tx = session.begin().await.unwrap();
    store::agreement::import(&tx, agreement, "test", runtime::clock::system()).await.unwrap();
    tx.commit().await.unwrap();
}

fn named(agreement: &Agreement, message: Message) -> Message {
    message.property("cpaId", &agreement.id.to_string())
}

/// Sends what `signer` signed, and asserts that the receipt is encrypted for `reader` under this agreement.
async fn goes_through(clinic: &mut Clinic, exchange: &Exchange, message: &Message, signer: &Party, reader: &Party) -> Received {
    let sent = message.build().sealed(&signing_key(&signer.signing), &certificate(&exchange.clinic.encryption));
    clinic.publish(&[sent]).await;
    let receipt = clinic.receipt().await;
    let opened = receipt.opened(&decryption_key(&reader.encryption), &certificate(&exchange.clinic.signing)).unwrap();
    assert!(opened.apprec.clone().unwrap().status.unwrap().is("1"));
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_by_id_then_by_pair_then_the_profile_then_the_party() {
    let exchange = Exchange::new(2048);
    let party = |serial: u64| exchange.pki.party("Norsk Helsenett SF", &format!("9945987{serial}"), serial * 10);
    let [by_id, of_pair, of_profile] = [61, 62, 63].map(party);
    let [named_one, paired, profiled] = [(OLDER, &by_id), (NEWER, &of_pair), (PROFILE, &of_profile)]
        .map(|(xml, party)| agreement(xml, &[&party.signing, &party.encryption]));
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let unknown = || Message::ekontakt().property("cpaId", &Uuid::from_u128(7).to_string());
    let told = |signer: &Party, message: &Message| {
        message.build().sealed(&signing_key(&signer.signing), &certificate(&exchange.clinic.encryption))
    };
    let none = None::<String>;

    // Nothing but what the party published for itself.
    let receipt = goes_through(&mut clinic, &exchange, &unknown(), &exchange.helsenorge, &exchange.helsenorge).await;
    assert_eq!(receipt.application("cpaId").map(str::to_owned), none);
    refused(&mut clinic, &told(&of_profile, &unknown()), "transport:invalid-certificate").await;
    // Its profile goes before that.
    import(&clinic.fleet, &profiled).await;
    let receipt = goes_through(&mut clinic, &exchange, &unknown(), &of_profile, &of_profile).await;
    assert_eq!(receipt.application("cpaId").map(str::to_owned), none, "a profile is no agreement");
    refused(&mut clinic, &told(&of_pair, &unknown()), "transport:invalid-certificate").await;
    // An agreement of the two goes before the profile, also when the one that the message names is not known.
    import(&clinic.fleet, &paired).await;
    let receipt = goes_through(&mut clinic, &exchange, &unknown(), &of_pair, &of_pair).await;
    assert_eq!(receipt.application("cpaId").map(str::to_owned), Some(paired.id.to_string()));
    refused(&mut clinic, &told(&by_id, &named(&named_one, Message::ekontakt())), "transport:invalid-certificate").await;
    // The agreement that a message names tells whose signature it has.
    import(&clinic.fleet, &named_one).await;
    goes_through(&mut clinic, &exchange, &named(&named_one, Message::ekontakt()), &by_id, &of_pair).await;
    let known = Known { by_id: Some(named_one.clone()), of_pair: vec![paired], profile: Some(profiled), party: Vec::new() };
    let question = Question {
        own: her_id(8_141_333),
        other: her_id(8_093_244),
        cpa_id: Some(named_one.id),
        function: "DIALOG_INNBYGGER_EKONTAKT",
        excluded: &[],
        now: exchange.pki.now,
    };
    let best = look_up(&known, &question).candidates(domain::agreement::Use::Signing, question.now)[0].certificate.der.clone();
    assert_eq!(best, by_id.signing.der());
    clinic.close().await;
}

/// There is no registry to ask over the network: agreements are in the database. While that is away nothing is known of a sender, and
/// nothing may be decided.
#[tokio::test(flavor = "multi_thread")]
async fn case_40_agreements_that_cannot_be_asked_for() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet_of(Fleet::in_world(testbed::private_world(false).await).await).await;
    import(&fleet, &agreement(NEWER, &[&exchange.helsenorge.signing, &exchange.helsenorge.encryption])).await;
    let mut clinic = Clinic::of(fleet).await;
    accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt().text("before"))).await;
    clinic.fleet.world.postgres().stop().await;
    let sent = exchange.sealed(&Message::ekontakt().text("meanwhile"));
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    clinic.helsenorge.nothing_on("8093244_error", std::time::Duration::from_secs(2)).await.unwrap();
    clinic.fleet.world.postgres().start().await;
    clinic.fleet.rows = e2e::Rows::connect(&clinic.fleet.world.database_url).await;
    clinic.fleet.settle(2).await;
    let receipt = clinic.receipt().await;
    assert_eq!(exchange.opened(&receipt).apprec.unwrap().original_id.as_deref(), Some(sent.msg_id.as_str()));
    assert!(receipt.application("cpaId").is_some(), "by the agreement, not by less");
    assert_eq!(texts(&clinic).await, ["before", "meanwhile"]);
    assert_eq!(clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
    clinic.close().await;
}

/// A function, an action, the namespaces of its content; the queue it goes to and the AppRec that is due.
type Part = (&'static str, &'static str, &'static [&'static str], Delivery, Option<AppRecVersion>);

const PARTS: [Part; 8] = [
    ("EKONTAKT", "Foresporsel", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
    ("EKONTAKT", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
    ("EKONSULTASJON", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
    ("RESEPTFORNYELSE", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
    ("TIMERESERVASJON", "SvarLedigeTimer", &[MSGHEAD, DIALOG_1_1], Delivery::Sync, None),
    ("TIMERESERVASJON", "SvarAvtaleReservasjon", &[MSGHEAD, DIALOG_1_1], Delivery::Async, Some(AppRecVersion::V1_1)),
    ("TIMER", "SvarEndring", &[MSGHEAD, DIALOG_1_0, ICALENDAR], Delivery::Async, Some(AppRecVersion::V1_0)),
    ("TEST", "Svar", &[MSGHEAD, DIALOG_1_1], Delivery::Sync, None),
];

fn with_certificate(xml: &str) -> Agreement {
    agreement(xml, &[&Exchange::new(2048).helsenorge.signing])
}

/// The catalogue of processes, whole, is `shared/domain/tests/agreement_parts.rs`; here are the files as a registry gives them.
#[test]
fn case_41_the_right_part_of_both_generations() {
    for (xml, roles) in [(NEWER, ["Innbygger", "Helsepersonell"]), (OLDER, ["receiver", "sender"])] {
        let agreement = with_certificate(xml);
        assert_eq!(agreement.kind, Kind::Cpa);
        for (function, action, namespaces, delivery, receipt) in PARTS {
            let function = format!("DIALOG_INNBYGGER_{function}");
            // The older generation does not describe attachments.
            let namespaces = if xml == OLDER { &namespaces[..2] } else { namespaces };
            let wanted = Wanted { function: &function, action: Some(action), namespaces };
            let chosen = agreement.part_for(her_id(8_093_244), Direction::Receives, &wanted).unwrap();
            assert_eq!((chosen.delivery, chosen.receipt), (delivery, receipt), "{function} {action}");
            let name = chosen.role.and_then(|role| role.name.clone()).unwrap();
            assert!(roles.iter().any(|role| name.ends_with(role)), "{name}");
            let part = chosen.part.unwrap();
            let action = if xml == OLDER { function.as_str() } else { action };
            assert!(part.action.eq_ignore_ascii_case(action), "{} is not {action}", part.action);
        }
        let timer = |dialog| Wanted { function: "DIALOG_INNBYGGER_TIMER", action: Some("SvarEndring"), namespaces: dialog };
        let find = |wanted: &Wanted<'_>| agreement.part_for(her_id(8_093_244), Direction::Receives, wanted).is_ok();
        assert!(find(&timer(&[MSGHEAD, DIALOG_1_0])) && !find(&timer(&[MSGHEAD, DIALOG_1_1])), "dialogmelding 1.0 alone");
    }
}

#[test]
fn case_42_names_in_any_case_and_functions_that_were_not_agreed() {
    let agreement = with_certificate(NEWER);
    for function in ["DIALOG_INNBYGGER_EKONTAKT", "Dialog_Innbygger_Ekontakt", "dialog_innbygger_ekontakt"] {
        let wanted = Wanted { function, action: Some("SVAR"), namespaces: &[MSGHEAD, DIALOG_1_1] };
        assert!(agreement.part_for(her_id(8_093_244), Direction::Receives, &wanted).is_ok(), "{function}");
    }
    let absent = Wanted { function: "DIALOG_INNBYGGER_KOORDINATOR", action: None, namespaces: &[] };
    let fault = agreement.part_for(her_id(8_093_244), Direction::Receives, &absent).unwrap_err();
    assert_eq!(fault.to_string(), "HER-id 8093244 has not agreed to DIALOG_INNBYGGER_KOORDINATOR");
    assert_eq!(fault.fault().code, "function-not-agreed", "a dead letter, and nothing sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_queues_of_others_full_addresses_and_bare_names() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet().await;
    let mut setup = exchange.setup();
    setup.parties[0].queues.async_queue = "tb.test.nhn.no/NHNTESTServiceBus/8141703_async".into();
    let unchanged = setup.parties[0].queues.error_queue.clone();
    fleet.apply_setup(setup).await;
    Wire::make(&fleet.world, "8141703_async").await;
    let clinic = Clinic::of(fleet).await;
    clinic.helsenorge.publish(&[exchange.sealed(&Message::ekontakt())]).await.unwrap();
    clinic.fleet.settle(1).await;
    let receipt = clinic.helsenorge.expect("8141703_async", 1, e2e::PATIENCE).await.unwrap().remove(0);
    assert_eq!(receipt.properties.to.as_deref(), Some("8141703_async"), "inherited, by a full address");
    let sent = exchange.sealed(&Message::ekontakt().raw_body("hei"));
    clinic.helsenorge.publish(&[sent]).await.unwrap();
    assert_eq!(clinic.error().await.queue, unchanged, "by a bare name");
    clinic.fleet.settle(2).await;
    clinic.close().await;

    for (address, place) in [("", "parties[0].queues.sync"), ("host/ns/", "parties[0].queues.sync")] {
        let mut setup: Setup = serde_json::from_str(include_str!("../../../fixtures/clinic.json")).unwrap();
        setup.parties[0].queues.sync_queue = address.into();
        let faults = check(&mut setup, &TestSeries::from_config("80,40").unwrap());
        assert_eq!(faults.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), [place], "party and kind of queue");
    }
}

/// A clinic that shares the example clinic's queues.
const NEIGHBOUR: &str = r#"{"clinics":[{"name":"Nabo legekontor","her_id":8141400,"parent_her_id":115900,
    "nhn_member":true,"digital_dialog_ordered":true,
    "queues":{"async":"8141333_async","sync":"8141333_sync","error":"8141333_error"},
    "own_certificates":{"signing":"signing.pem","encryption":"encryption.pem"},
    "employees":[{"id":"nina","name":"Nina Strand","her_id":8141401,"services":["EKONTAKT"]}],
    "patients":[{"nin":"15868549960","family_name":"Danser","given_name":"Line","fastlege":"nina"}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn case_44_two_clinics_on_one_queue() {
    let exchange = Exchange::new(2048);
    let fleet = exchange.fleet().await;
    fleet.apply(NEIGHBOUR).await;
    let mut clinic = Clinic::of(fleet).await;
    let to_neighbour = |text: &str| Message::ekontakt().to_clinic(8_141_400, 115_900).on_queue("8141333_async").text(text);
    let messages = [Message::ekontakt().text("til Solbakken"), to_neighbour("til naboen"), Message::ekontakt().text("igjen")];
    for message in &messages {
        accepted(&mut clinic, &exchange, &exchange.sealed(message)).await;
    }
    let rows =
        "select e.text || ': ' || d.clinic from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog order by 1";
    let want = ["igjen: 8141333", "til Solbakken: 8141333", "til naboen: 8141400"];
    assert_eq!(clinic.fleet.rows.column::<String>(rows).await, want);
    let (left, consumers) = Wire::take(&clinic.fleet.world, "8141333_async").await;
    assert_eq!((left, consumers), (None, 1), "one consumer of the one queue");
    clinic.close().await;
}

/// There are no events of a registry, and nothing that they would have to evict: agreements are read from the database for each batch.
#[tokio::test(flavor = "multi_thread")]
async fn case_45_an_agreement_holds_from_the_next_message_on() {
    let exchange = Exchange::new(2048);
    let next = exchange.pki.party("Norsk Helsenett SF", "994598764", 640);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let sealed = || Message::ekontakt().build().sealed(&signing_key(&next.signing), &certificate(&exchange.clinic.encryption));
    accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt())).await;
    refused(&mut clinic, &sealed(), "transport:invalid-certificate").await;
    import(&clinic.fleet, &agreement(NEWER, &[&next.signing, &next.encryption])).await;
    goes_through(&mut clinic, &exchange, &Message::ekontakt(), &next, &next).await;
    // And the same of what a party publishes for itself.
    clinic.fleet.rows.query("delete from dialogpost.agreement", &[]).await;
    refused(&mut clinic, &sealed(), "transport:invalid-certificate").await;
    clinic.close().await;
}
