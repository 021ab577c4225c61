//! Which agreement holds, whose certificates to expect, and what makes a file unfit (conformance 32, 39, 41).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use domain::agreement::{
    Agreement, Delivery, Direction, Kind, Known, KnownCertificate, Provenance, Question, Source, Unusable, Use, Wanted, look_up,
    reading,
};
use jiff::Timestamp;
use messages::HerId;
use messages::wire::apprec::AppRecVersion;
use messages::wire::cppa;
use uuid::{Uuid, uuid};

const NEWER: Uuid = uuid!("7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10");
const OLDER: Uuid = uuid!("c0a8e1d2-6b7f-4e3a-8c5d-1f2e3d4c5b6a");
const PROFILE: Uuid = uuid!("2b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e");

fn clinic() -> HerId {
    8_141_333.try_into().unwrap()
}

fn helsenorge() -> HerId {
    8_093_244.try_into().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What this suite tells from a certificate: its bytes. Real ones are told apart by `workers/operator`.
fn certificate(der: &[u8], (signing, encryption): (bool, bool)) -> KnownCertificate {
    let (not_before, not_after) = (at("2020-01-01T00:00:00Z"), at("2049-12-31T00:00:00Z"));
    let name = format!("{}", der.len());
    KnownCertificate { der: der.to_vec(), signing, encryption, not_before, not_after, subject: name.clone(), thumbprint: name }
}

fn text(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/cpa").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn read(xml: &str) -> Result<Agreement, Vec<String>> {
    let document = cppa::read(xml.as_bytes(), &cppa::LIMITS).unwrap();
    let faults = reading::agreement(&document, &|der| Ok(certificate(der, (true, true))));
    faults.map_err(|faults| faults.into_iter().map(|f| format!("{}: {}", f.place, f.text)).collect())
}

fn agreement(name: &str) -> Agreement {
    read(&text(name)).unwrap()
}

/// One of its own for each source.
fn with_certificate(mut agreement: Agreement, name: &str) -> Agreement {
    agreement.parties.iter_mut().for_each(|p| p.certificates = vec![certificate(name.as_bytes(), (true, false))]);
    agreement
}

fn known() -> Known {
    let (newer, older) = (with_certificate(agreement("cpa-v2.xml"), "newer"), with_certificate(agreement("cpa-v1.xml"), "older"));
    Known {
        by_id: Some(older.clone()),
        of_pair: vec![older, newer],
        profile: Some(with_certificate(agreement("cpp-v1.xml"), "profile")),
        party: vec![certificate(b"party", (true, true))],
    }
}

fn question() -> Question<'static> {
    Question {
        own: clinic(),
        other: helsenorge(),
        cpa_id: Some(OLDER),
        function: "DIALOG_INNBYGGER_EKONTAKT",
        excluded: &[],
        now: at("2026-06-01T00:00:00Z"),
    }
}

/// Where the sources come from, in order, and what was passed over.
fn found(known: &Known, question: &Question<'_>) -> (Vec<Provenance>, Vec<(Uuid, Unusable)>) {
    let found = look_up(known, question);
    let warnings = found.warnings.iter().map(|w| (w.agreement, w.why)).collect();
    (found.sources.iter().map(|s| s.provenance).collect(), warnings)
}

#[test]
fn conformance_39_the_order_of_sources() {
    use Provenance::{AgreementById, AgreementOfPair, Party, Profile};
    let party = Party(helsenorge());
    let all = [AgreementById(OLDER), AgreementOfPair(NEWER), Profile(PROFILE), party];
    assert_eq!(found(&known(), &question()), (all.to_vec(), vec![]));
    for cpa_id in [None, Some(Uuid::nil())] {
        let known = Known { by_id: None, ..known() };
        let all = vec![AgreementOfPair(NEWER), AgreementOfPair(OLDER), Profile(PROFILE), party];
        assert_eq!(found(&known, &Question { cpa_id, ..question() }), (all, vec![]), "the one that began last comes first");
    }
    let unknown = Known { by_id: None, of_pair: vec![], ..known() };
    assert_eq!(found(&unknown, &question()), (vec![Profile(PROFILE), party], vec![(OLDER, Unusable::Unknown)]));
    let only = Known { party: unknown.party, ..Known::default() };
    assert_eq!(found(&only, &Question { cpa_id: None, ..question() }), (vec![party], vec![]));
    assert_eq!(found(&Known::default(), &Question { cpa_id: None, ..question() }), (vec![], vec![]));
}

#[test]
fn an_excluded_function_goes_by_the_partys_own_certificates() {
    let excluded = ["dialog_innbygger_ekontakt".to_owned()];
    let question = Question { excluded: &excluded, ..question() };
    assert_eq!(found(&known(), &question), (vec![Provenance::Party(helsenorge())], vec![]));
    let other = Question { function: "DIALOG_INNBYGGER_TEST", ..question };
    assert_eq!(found(&known(), &other).0.len(), 4);
}

#[test]
fn what_may_not_be_gone_by_is_passed_over_and_flagged() {
    let of_pair = |agreement: Agreement| Known { of_pair: vec![agreement], ..Known::default() };
    let changed = |change: fn(&mut Agreement)| {
        let mut agreement = agreement("cpa-v2.xml");
        change(&mut agreement);
        of_pair(agreement)
    };
    let question = Question { cpa_id: None, ..question() };
    for (known, now, why) in [
        (changed(|a| a.status = Some("proposed".into())), "2026-06-01T00:00:00Z", Unusable::NotAgreed),
        (changed(|a| a.status = None), "2026-06-01T00:00:00Z", Unusable::NotAgreed),
        (changed(|_| ()), "2024-01-14T22:59:59Z", Unusable::NotYet),
        (changed(|_| ()), "2049-12-31T23:00:00Z", Unusable::Over),
        (changed(|a| a.parties[1].her_id = 7.try_into().unwrap()), "2026-06-01T00:00:00Z", Unusable::OtherParties),
        (changed(|a| a.parties[0].her_id = 7.try_into().unwrap()), "2026-06-01T00:00:00Z", Unusable::OtherParties),
    ] {
        assert_eq!(found(&known, &Question { now: at(now), ..question }), (vec![], vec![(NEWER, why)]), "{now}");
    }
    let limits = changed(|a| a.status = Some("Agreed".into()));
    for now in ["2024-01-14T23:00:00Z", "2049-12-31T22:59:59Z"] {
        assert_eq!(found(&limits, &Question { now: at(now), ..question }).0.len(), 1, "{now}");
    }
    let warning = look_up(&changed(|a| a.status = None), &question).warnings[0].to_string();
    assert_eq!(warning, format!("agreement {NEWER} was passed over: its status is not agreed"));
}

#[test]
fn a_named_agreement_of_others_gives_no_certificates() {
    let mut foreign = agreement("cpa-v1.xml");
    foreign.parties[1].her_id = 7.try_into().unwrap();
    let known = Known { by_id: Some(foreign), ..Known::default() };
    let found = look_up(&known, &question());
    assert!(found.candidates(Use::Signing, question().now).is_empty());
    assert_eq!(found.warnings[0].why, Unusable::OtherParties);
}

#[test]
fn every_candidate_comes_once_with_its_best_source() {
    let mut known = known();
    known.party.push(certificate(b"newer", (true, false)));
    let found = look_up(&known, &question());
    let candidates = found.candidates(Use::Signing, question().now);
    let names: Vec<_> = candidates.iter().map(|c| String::from_utf8(c.certificate.der.clone()).unwrap()).collect();
    assert_eq!(names, ["older", "newer", "profile", "party"]);
    assert_eq!(candidates[1].provenance, Provenance::AgreementOfPair(NEWER));
    assert_eq!(candidates[1].provenance.to_string(), format!("agreement {NEWER} of the pair"));
    let encryption = found.candidates(Use::Encryption, question().now);
    assert_eq!((encryption.len(), encryption[0].provenance), (1, Provenance::Party(helsenorge())));
}

#[test]
fn conformance_41_the_fixtures_of_both_generations() {
    for (name, id, kind) in
        [("cpa-v2.xml", NEWER, Kind::Cpa), ("cpa-v1.xml", OLDER, Kind::Cpa), ("cpp-v1.xml", PROFILE, Kind::Cpp)]
    {
        let agreement = agreement(name);
        assert_eq!((agreement.id, agreement.kind), (id, kind));
        let wanted = Wanted { function: "DIALOG_INNBYGGER_EKONTAKT", action: Some("Svar"), namespaces: &[] };
        let chosen = agreement.part_for(helsenorge(), Direction::Receives, &wanted).unwrap();
        assert_eq!((chosen.delivery, chosen.receipt), (Delivery::Async, Some(AppRecVersion::V1_1)), "{name}");
        let endpoint = chosen.part.unwrap().endpoint.as_deref().unwrap();
        assert_eq!(domain::transport::queue_of(endpoint).unwrap(), "8093244_async");
    }
    assert_eq!(agreement("cpa-v2.xml").functions(), agreement("cpa-v1.xml").functions());
    let timer = agreement("cpa-v2.xml");
    let timer = timer.receipt_for(helsenorge(), Direction::Receives, "DIALOG_INNBYGGER_TIMER").unwrap();
    assert_eq!(timer.receipt, Some(AppRecVersion::V1_0));
}

#[test]
fn where_nothing_was_agreed_the_usual_is_assumed() {
    let known = Known { party: vec![certificate(b"party", (true, true))], ..Known::default() };
    let found = look_up(&known, &Question { cpa_id: None, ..question() });
    let part = |function, action| {
        let source: &Source<'_> = &found.sources[0];
        let chosen = source.part_for(Direction::Receives, &Wanted { function, action, namespaces: &[] }).unwrap();
        (chosen.delivery, chosen.receipt)
    };
    for (function, action, want) in [
        ("DIALOG_INNBYGGER_EKONTAKT", None, (Delivery::Async, Some(AppRecVersion::V1_1))),
        ("DIALOG_INNBYGGER_TIMER", None, (Delivery::Async, Some(AppRecVersion::V1_0))),
        ("dialog_innbygger_koordinator", None, (Delivery::Async, Some(AppRecVersion::V1_0))),
        ("DIALOG_INNBYGGER_TEST", None, (Delivery::Sync, None)),
        ("DIALOG_INNBYGGER_TIMERESERVASJON", Some("SvarLedigeTimer"), (Delivery::Sync, None)),
        ("DIALOG_INNBYGGER_TIMERESERVASJON", Some("SvarAvtaleReservasjon"), (Delivery::Async, Some(AppRecVersion::V1_1))),
        ("DIALOG_INNBYGGER_BEHANDLEROVERSIKT", Some("Hent"), (Delivery::Sync, None)),
    ] {
        assert_eq!(part(function, action), want, "{function} {action:?}");
    }
    let receipt = found.sources[0].receipt_for(Direction::Receives, "DIALOG_INNBYGGER_TIMER").unwrap();
    assert_eq!(receipt.receipt, Some(AppRecVersion::V1_0));
}

#[test]
fn every_fault_of_a_file_has_its_place() {
    let text = text("cpa-v2.xml");
    let document = |change: &dyn Fn(&str) -> String| read(&change(&text)).err().unwrap_or_default();
    for (from, to, want) in [
        ("tns:cpaid=\"7f9c", "tns:cpaid=\"xyz", "@cpaid: expected a GUID that is not zero"),
        (
            "7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10",
            "00000000-0000-0000-0000-000000000000",
            "@cpaid: expected a GUID that is not zero",
        ),
        ("<tns:Start>2024", "<tns:Start>x", "Start: expected a date with a time, such as 2024-01-15T00:00:00+01:00"),
        ("<tns:Start>2024", "<tns:Start>2050", "End: the period ends before it begins"),
        (">8093244</tns:PartyId>", "></tns:PartyId>", "PartyInfo[1]/PartyId: expected a HER-id"),
        (">8093244</tns:PartyId>", ">8141333</tns:PartyId>", "PartyInfo[2]/PartyId: both parties have this HER-id"),
        ("<ds:X509Certificate>MII", "<ds:X509Certificate>!", "PartyInfo[1]/Certificate[1]: expected base64"),
    ] {
        assert_eq!(document(&|text| text.replacen(from, to, 1)), [want], "{to}");
    }
    let several = document(&|text| text.replace("tns:cpaid", "tns:id").replace("tns:type=\"HER\"", "tns:type=\"ENH\""));
    assert_eq!(several.len(), 3, "{several:?}");
    let one = document(&|text| text.replace("CollaborationProtocolAgreement", "CollaborationProtocolProfile"));
    assert_eq!(one, ["@cppid: expected a GUID that is not zero", "PartyInfo: expected 1 of them, found 2"]);
}

#[test]
fn a_time_without_a_zone_is_norwegian_and_a_party_id_without_a_type_may_be_a_her_id() {
    let text = text("cpa-v2.xml").replace("2024-01-15T00:00:00+01:00", "2024-01-15T00:00:00").replace(" tns:type=\"HER\"", "");
    let agreement = read(&text).unwrap();
    assert_eq!(agreement.start, Some(at("2024-01-14T23:00:00Z")));
    assert_eq!(agreement.parties[0].her_id, helsenorge());
}

#[test]
fn the_stored_form_holds_everything_but_certificates() {
    let agreement = agreement("cpa-v2.xml");
    let json = serde_json::to_value(&agreement).unwrap();
    let mut back: Agreement = serde_json::from_value(json).unwrap();
    for (party, whole) in back.parties.iter_mut().zip(&agreement.parties) {
        assert!(party.certificates.is_empty());
        party.certificates.clone_from(&whole.certificates);
    }
    assert_eq!(back, agreement);
}
