//! Certificates good and bad: every flag, alone and together.

use crate::support::{certificate, forged, now, world};
use jiff::{SignedDuration, Timestamp};
use pki::{Authority, CrlRequest, Identity, Period};
use trust::{
    Certificate, CertificateErrors as E, Crl, Crls, Fetched, Policy, Revocation, Role, TrustAnchors, Validation, validate,
};

const URL: &str = "http://crl.test/issuing.crl";
const ROOT_URL: &str = "http://crl.test/root.crl";

fn anchors() -> TrustAnchors {
    let pki = &world().pki;
    TrustAnchors { roots: vec![certificate(pki.root.identity())], intermediates: vec![certificate(pki.intermediate.identity())] }
}

fn list(der: &[u8]) -> Fetched {
    Fetched::List(Crl::from_der(der).unwrap())
}

/// Both lists, current.
fn crls() -> Crls {
    let mut crls = Crls::default();
    crls.insert(URL, list(&world().pki.crl()));
    crls.insert(ROOT_URL, list(&world().pki.root_crl()));
    crls
}

fn validated(identity: &Identity, crls: &Crls, revocation: Revocation) -> Validation {
    let policy = Policy { revocation, ..Policy::default() };
    validate(&certificate(identity), Role::Signing, now(), &anchors(), &[], crls, &policy)
}

fn urls(found: &Validation) -> Vec<&str> {
    found.fetch.iter().map(|wanted| wanted.url.as_str()).collect()
}

fn errors(identity: &Identity) -> E {
    validated(identity, &crls(), Revocation::Required).errors
}

#[test]
fn a_good_certificate() {
    let w = world();
    let found = validated(&w.helsenorge.signing, &crls(), Revocation::Required);
    assert_eq!((found.errors, found.fetch), (E::NONE, Vec::new()));
    let chain = [&w.helsenorge.signing, w.pki.intermediate.identity(), w.pki.root.identity()].map(certificate);
    assert_eq!(found.chain, chain);
}

#[test]
fn case_30_each_fault_alone() {
    let pki = &world().pki;
    assert_eq!(errors(&pki.expired(0x51)), E::END_DATE);
    assert_eq!(errors(&pki.not_yet_valid(0x52)), E::START_DATE);
    assert_eq!(errors(&pki.wrong_usage(0x53)), E::USAGE);
    assert_eq!(errors(&pki.revoked()), E::REVOKED);
    assert_eq!(errors(&pki.dual_use(0x54)), E::NONE);
}

#[test]
fn case_32_only_configured_roots() {
    let w = world();
    assert_eq!(errors(&w.pki.of_other_root(0x55)), E::UNTRUSTED);
    assert_eq!(errors(&w.pki.self_signed(0x56)), E::UNTRUSTED);
    let nobody = validate(
        &certificate(&w.helsenorge.signing),
        Role::Signing,
        now(),
        &TrustAnchors::default(),
        &[certificate(w.pki.root.identity()), certificate(w.pki.intermediate.identity())],
        &crls(),
        &Policy::default(),
    );
    assert_eq!(nobody.errors, E::UNTRUSTED, "what is embedded does not vouch for itself");
    assert_eq!((nobody.chain, nobody.fetch), (Vec::new(), Vec::new()));
}

#[test]
fn a_forged_intermediate_by_the_right_name() {
    let w = world();
    let forger =
        w.pki.other_root.intermediate("Test Issuing CA", pki::key("attacker", 2048), Period::days(now(), -9, 9), ROOT_URL);
    let forged = forger.issue(forged(|_| {}));
    let embedded = [certificate(forger.identity()), certificate(w.pki.other_root.identity())];
    let found = validate(&certificate(&forged), Role::Signing, now(), &anchors(), &embedded, &crls(), &Policy::default());
    assert_eq!(found.errors, E::UNTRUSTED);
}

#[test]
fn an_enterprise_certificate_is_nobodys_authority() {
    let w = world();
    let period = Period::days(now(), -9, 9);
    let request = forged(|r| r.period = period);
    let under = Authority::root("Helsenorge Testforvaltning", w.helsenorge.signing.private_key().clone(), period).issue(request);
    let found = validate(
        &certificate(&under),
        Role::Signing,
        now(),
        &anchors(),
        &[certificate(&w.helsenorge.signing)],
        &crls(),
        &Policy::default(),
    );
    assert_eq!(found.errors, E::UNTRUSTED);
}

#[test]
fn weak_keys_are_not_trusted() {
    let weak = world().pki.intermediate.issue(forged(|r| r.key = pki::key("weak", 1024)));
    assert_eq!(errors(&weak), E::UNTRUSTED);
}

#[test]
fn intermediates_come_configured_or_embedded() {
    let w = world();
    let signer = certificate(&w.helsenorge.signing);
    let roots_only = TrustAnchors { intermediates: Vec::new(), ..anchors() };
    let check = |embedded: &[Certificate]| {
        validate(&signer, Role::Signing, now(), &roots_only, embedded, &crls(), &Policy::default()).errors
    };
    assert_eq!(check(&[]), E::UNTRUSTED);
    let (root, between) = (certificate(w.pki.root.identity()), certificate(w.pki.intermediate.identity()));
    for embedded in
        [vec![between.clone()], vec![root.clone(), between.clone(), signer.clone()], vec![signer.clone(), between, root]]
    {
        assert_eq!(check(&embedded), E::NONE);
    }
}

#[test]
fn each_role_has_its_usage() {
    let w = world();
    let check = |identity: &Identity, role| {
        validate(&certificate(identity), role, now(), &anchors(), &[], &crls(), &Policy::default()).errors
    };
    assert_eq!(check(&w.helsenorge.signing, Role::Signing), E::NONE);
    assert_eq!(check(&w.helsenorge.signing, Role::Encryption), E::USAGE);
    assert_eq!(check(&w.helsenorge.encryption, Role::Encryption), E::NONE);
    assert_eq!(check(&w.helsenorge.encryption, Role::Signing), E::USAGE);
    assert_eq!(check(&w.pki.dual_use(0x57), Role::Signing), E::NONE);
    assert_eq!(check(&w.pki.dual_use(0x57), Role::Encryption), E::NONE);
}

#[test]
fn everything_that_is_wrong_is_listed() {
    let w = world();
    let bad =
        |usages, serial, period| w.pki.intermediate.issue(forged(|r| (r.usages, r.serial, r.period) = (usages, serial, period)));
    let revoked = u64::from_str_radix(&certificate(&w.pki.revoked()).serial(), 16).unwrap();
    let expired = Period::days(now(), -9, -1);
    let coming = Period::days(now(), 1, 9);
    assert_eq!(errors(&bad(Vec::new(), revoked, expired)), E::END_DATE | E::USAGE | E::REVOKED);
    assert_eq!(errors(&bad(Vec::new(), 0x58, coming)), E::START_DATE | E::USAGE);
    let untrusted = w.pki.other_root.issue(forged(|r| (r.usages, r.period) = (Vec::new(), expired)));
    assert_eq!(errors(&untrusted), E::END_DATE | E::USAGE | E::UNTRUSTED);
    let found = validated(&bad(Vec::new(), 0x58, coming), &Crls::default(), Revocation::Required);
    assert_eq!((found.errors, found.fetch), (E::START_DATE | E::USAGE, Vec::new()), "lists would not change it");
    let found = validated(&w.pki.expired(0x5a), &Crls::default(), Revocation::Required);
    assert_eq!((found.errors, found.fetch), (E::END_DATE, Vec::new()));
    let mut issuing = Crls::default();
    issuing.insert(URL, list(&w.pki.crl()));
    let found = validated(&w.pki.revoked(), &issuing, Revocation::Required);
    assert_eq!((found.errors, found.fetch), (E::REVOKED, Vec::new()), "whatever the root's list says");
}

#[test]
fn the_whole_chain_is_asked_for() {
    let w = world();
    let period = Period::days(now(), -1, 7);
    let serial = u64::from_str_radix(&certificate(w.pki.intermediate.identity()).serial(), 16).unwrap();
    let request = CrlRequest {
        this_update: period.from,
        next_update: period.until,
        revoked: vec![(serial, period.from)],
        extensions: Vec::new(),
    };
    let mut revoking = crls();
    revoking.insert(ROOT_URL, list(&w.pki.root.crl(&request)));
    assert_eq!(validated(&w.helsenorge.signing, &revoking, Revocation::Required).errors, E::REVOKED);

    let mut without = crls();
    without.insert(ROOT_URL, Fetched::Offline);
    let found = validated(&w.helsenorge.signing, &without, Revocation::Required);
    assert_eq!((found.errors, urls(&found)), (E::REVOKED_OFFLINE, vec![ROOT_URL]));
}

#[test]
fn case_31_lists_that_are_missing_or_stale() {
    let w = world();
    let both = vec![URL, ROOT_URL];
    let mut stale = crls();
    stale.insert(URL, list(&w.pki.expired_crl()));
    for (crls, fetch) in [(Crls::default(), both), (stale, vec![URL])] {
        for (policy, errors) in [(Revocation::Required, E::REVOKED_OFFLINE), (Revocation::SoftFail, E::NONE)] {
            let found = validated(&w.helsenorge.signing, &crls, policy);
            assert_eq!((found.errors, urls(&found)), (errors, fetch.clone()), "{policy:?}");
        }
        let found = validated(&w.helsenorge.signing, &crls, Revocation::Off);
        assert_eq!((found.errors, found.fetch), (E::NONE, Vec::new()));
    }
    let found = validated(&w.pki.revoked(), &crls(), Revocation::SoftFail);
    assert_eq!(found.errors, E::REVOKED, "a list at hand is believed");
    assert_eq!(validated(&w.pki.revoked(), &crls(), Revocation::Off).errors, E::NONE);
}

#[test]
fn lists_of_others_are_not_believed() {
    let w = world();
    let period = Period::days(now(), -1, 7);
    let empty = CrlRequest { this_update: period.from, next_update: period.until, revoked: Vec::new(), extensions: Vec::new() };
    let impostor = Authority::root("Test Issuing CA", pki::key("attacker", 2048), period);
    for false_list in [impostor.crl(&empty), w.pki.root_crl(), w.pki.other_root.crl(&empty)] {
        let mut crls = crls();
        crls.insert(URL, list(&false_list));
        let found = validated(&w.pki.revoked(), &crls, Revocation::Required);
        assert_eq!((found.errors, urls(&found)), (E::REVOKED_OFFLINE, vec![URL]));
    }
}

#[test]
fn whose_list_is_wanted() {
    let w = world();
    let found = validated(&w.helsenorge.signing, &Crls::default(), Revocation::Required);
    let [of_signer, of_issuer] = found.fetch.as_slice() else { panic!("two links") };
    assert_eq!([&of_signer.certificate, &of_issuer.certificate], [&found.chain[0], &found.chain[1]]);
    let [issuing, root, ended] = [w.pki.crl(), w.pki.root_crl(), w.pki.expired_crl()].map(|der| Crl::from_der(&der).unwrap());
    let met = |wanted: &trust::Wanted| [&issuing, &root, &ended].map(|list| wanted.is_met_by(list, now()));
    assert_eq!(met(of_signer), [true, false, false]);
    assert_eq!(met(of_issuer), [false, true, false]);
    assert!(!of_signer.is_met_by(&issuing, now() + SignedDuration::from_hours(24 * 8)));
}

#[test]
fn without_a_list_to_ask_the_status_is_unknown() {
    let w = world();
    let silent = w.pki.intermediate.issue(forged(|r| r.crl_urls.clear()));
    assert_eq!(errors(&silent), E::REVOKED_UNKNOWN);
    assert_eq!(validated(&silent, &crls(), Revocation::SoftFail).errors, E::NONE);
    // A list of its issuer's will do, wherever it came from.
    let mut crls = crls();
    crls.add(Crl::from_der(&w.pki.crl()).unwrap());
    assert_eq!(validated(&silent, &crls, Revocation::Required).errors, E::NONE);
}

fn with_extension(oid: &str, critical: bool, value: &[u8]) -> E {
    let period = Period::days(now(), -1, 7);
    let extensions = vec![(oid.to_owned(), critical, value.to_vec())];
    let request = CrlRequest { this_update: period.from, next_update: period.until, revoked: Vec::new(), extensions };
    let mut crls = crls();
    crls.insert(URL, list(&world().pki.intermediate.crl(&request)));
    validated(&world().helsenorge.signing, &crls, Revocation::Required).errors
}

#[test]
fn a_list_counts_for_what_it_covers() {
    // Issuing distribution points: for users, for authorities, for attributes, some reasons only, indirect.
    assert_eq!(with_extension("2.5.29.28", true, &[0x30, 0x03, 0x81, 0x01, 0xff]), E::NONE);
    for other in [[0x82, 0x01, 0xff], [0x85, 0x01, 0xff], [0x84, 0x01, 0xff]] {
        assert_eq!(with_extension("2.5.29.28", true, &[&[0x30, 0x03], &other[..]].concat()), E::REVOKED_OFFLINE);
    }
    assert_eq!(with_extension("2.5.29.28", true, &[0x30, 0x04, 0x83, 0x02, 0x06, 0x40]), E::REVOKED_OFFLINE);
    let at = |url: &str| {
        let length = u8::try_from(url.len()).unwrap();
        let head = [0x30, length + 6, 0xa0, length + 4, 0xa0, length + 2, 0x86, length];
        with_extension("2.5.29.28", true, &[&head, url.as_bytes()].concat())
    };
    assert_eq!(at(URL), E::NONE);
    assert_eq!(at("http://crl.test/another.crl"), E::REVOKED_OFFLINE);
    // A delta list, and an extension nobody knows.
    assert_eq!(with_extension("2.5.29.27", true, &[0x02, 0x01, 0x01]), E::REVOKED_OFFLINE);
    assert_eq!(with_extension("1.2.3.4", true, &[0x05, 0x00]), E::REVOKED_OFFLINE);
    assert_eq!(with_extension("1.2.3.4", false, &[0x05, 0x00]), E::NONE);
}

fn errors_at(identity: &Identity, at: Timestamp) -> E {
    validate(&certificate(identity), Role::Signing, at, &anchors(), &[], &crls(), &Policy::default()).errors
}

#[test]
fn c7_a_replay_comes_to_the_verdict_of_the_day_it_arrived() {
    let w = world();
    let day = SignedDuration::from_hours(24);
    let expired = w.pki.expired(0x59);
    assert_eq!(errors_at(&expired, now()), E::END_DATE);
    assert_eq!(errors_at(&expired, now() - day * 2), E::NONE);
    // Revoked since yesterday.
    assert_eq!(errors_at(&w.pki.revoked(), now()), E::REVOKED);
    assert_eq!(errors_at(&w.pki.revoked(), now() - day), E::REVOKED);
    assert_eq!(errors_at(&w.pki.revoked(), now() - day * 2), E::NONE);
}

#[test]
fn validity_begins_and_ends_to_the_second() {
    let signer = &world().helsenorge.signing;
    let (first, last) = (certificate(signer).not_before(), certificate(signer).not_after());
    let second = SignedDuration::from_secs(1);
    let found = |at| validate(&certificate(signer), Role::Signing, at, &anchors(), &[], &crls(), &off()).errors;
    assert_eq!(found(first - second), E::START_DATE);
    assert_eq!(found(first), E::NONE);
    assert_eq!(found(last), E::NONE);
    assert_eq!(found(last + second), E::END_DATE);
}

fn off() -> Policy {
    Policy { revocation: Revocation::Off, ..Policy::default() }
}

#[test]
fn an_authority_that_has_expired_is_not_trusted() {
    let w = world();
    let ended = w.pki.root.intermediate("Test Old CA", pki::key("old", 2048), Period::days(now(), -900, -1), ROOT_URL);
    let under = ended.issue(forged(|_| {}));
    let embedded = [certificate(ended.identity())];
    let found = |at| validate(&certificate(&under), Role::Signing, at, &anchors(), &embedded, &crls(), &off()).errors;
    assert_eq!(found(now()), E::UNTRUSTED);
    assert_eq!(found(now() - SignedDuration::from_hours(48)), E::NONE);
}
