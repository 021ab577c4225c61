//! Cases 30 to 32: whose certificates may be relied on.

use base64::Engine as _;
use conformance::{ListServer, accepted, refused};
use domain::agreement::{Agreement, Use, reading};
use e2e::{Clinic, Exchange, certificate, known, signing_key};
use helsenorge::{Message, Sent};
use messages::wire::cppa;
use pki::{Identity, Pki, Subject, Usage};

const INVALID: &str = "transport:invalid-certificate";

/// A fleet to which these are the certificates of HelseNorge's signatures.
async fn clinic(exchange: &Exchange, signers: &[&Identity]) -> Clinic {
    let fleet = exchange.fleet().await;
    let mut setup = exchange.setup();
    setup.parties[0].certificates = signers.iter().map(|identity| known(identity)).collect();
    setup.parties[0].certificates.push(known(&exchange.helsenorge.encryption));
    fleet.apply_setup(setup).await;
    Clinic::of(fleet).await
}

fn sealed_by(exchange: &Exchange, signer: &Identity) -> Sent {
    Message::ekontakt().build().sealed(&signing_key(signer), &certificate(&exchange.clinic.encryption))
}

#[tokio::test(flavor = "multi_thread")]
async fn case_30_certificates_at_fault() {
    let exchange = Exchange::new(2048);
    let pki = &exchange.pki;
    let request = |serial, usages: &[Usage]| pki.request(Subject::of("Ymse AS", "912345678"), "somebody", usages, serial);
    let mut two_faults = request(0x57, &[Usage::DigitalSignature]);
    two_faults.period = pki::Period::days(pki.now, -9, -1);
    let cases = [
        (pki.expired(0x51), "transport:expired-certificate", "Invalid end date"),
        (pki.not_yet_valid(0x52), "transport:expired-certificate", "Invalid start date"),
        (pki.wrong_usage(0x53), INVALID, "Invalid usage"),
        (pki.revoked(), "transport:revoked-certificate", "Certificate has been revoked"),
        (pki.intermediate.issue(two_faults), INVALID, "More than one error with certificate"),
    ];
    let mut clinic = clinic(&exchange, &cases.iter().map(|(identity, ..)| identity).collect::<Vec<_>>()).await;
    for (signer, condition, description) in &cases {
        let error = refused(&mut clinic, &sealed_by(&exchange, signer), condition).await;
        assert_eq!(error.application("errorDescription"), Some(*description));
        let certificate = certificate(signer);
        let data = format!("Subject: {};Thumbprint: {};", certificate.subject(), certificate.thumbprint());
        assert_eq!(error.application("errorConditionData"), Some(data.as_str()), "{description}");
    }
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_no_revocation_list_for_a_while() {
    let server = ListServer::start().await;
    let exchange = Exchange::with_lists_at(&server.base, 2048);
    let mut clinic = Clinic::of(exchange.fleet().await).await;
    let sent = exchange.sealed(&Message::ekontakt());
    clinic.helsenorge.publish(std::slice::from_ref(&sent)).await.unwrap();
    let waits = "select count(*) from dialogpost.outbox where due_at > now()
         and properties -> 'application' ->> 'dialogpost-origin-queue' = '8141333_async'";
    clinic.fleet.until(waits, 1).await;
    // A server that failed is left alone for 20 s.
    let longer = std::time::Duration::from_secs(21);
    clinic.helsenorge.nothing_on("8093244_error", longer).await.unwrap();
    assert_eq!(clinic.helsenorge.waiting_on("8141333_async").await.unwrap(), 0, "off the queue, and kept");
    clinic.fleet.until("select count(*) from dialogpost.outbox", 1).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.message").await, 0, "nothing is decided");

    server.have(&exchange.pki);
    // Nobody waits while the lists are fetched, and a server that failed later than the other is left alone longer: it is tried again.
    let tried = async {
        while clinic.fleet.rows.count("dialogpost.dialog_entry").await == 0 {
            clinic.fleet.rows.query("update dialogpost.outbox set due_at = now() where wire = 'dialogpost'", &[]).await;
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(2 * longer, tried).await.expect("the lists are fetched");
    clinic.fleet.settle(1).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.crl").await, 2, "for others too");
    let receipt = exchange.opened(&clinic.receipt().await);
    assert_eq!(receipt.apprec.unwrap().original_id.as_deref(), Some(sent.msg_id.as_str()));
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 1, "once");
    // Now it is known.
    accepted(&mut clinic, &exchange, &exchange.sealed(&Message::ekontakt())).await;
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog_entry").await, 2);
    clinic.close().await;
}

/// HelseNorge's profile as a file, with this certificate and no other.
fn profile_with(identity: &Identity) -> Agreement {
    let mut file = include_str!("../../../fixtures/cpa/cpp-v1.xml");
    let encoded = base64::engine::general_purpose::STANDARD.encode(identity.der());
    let (open, close) = ("<ds:X509Certificate>", "</ds:X509Certificate>");
    let mut xml = String::new();
    while let Some((before, rest)) = file.split_once(open) {
        file = rest.split_once(close).unwrap().1;
        xml.extend([before, open, &encoded, close]);
    }
    xml.push_str(file);
    let document = cppa::read(xml.as_bytes(), &cppa::LIMITS).unwrap();
    let mut profile = reading::agreement(&document, &operator::certificate::known).unwrap();
    profile.parties[0].certificates.dedup();
    profile
}

#[tokio::test(flavor = "multi_thread")]
async fn case_32_untrusted_roots_and_certificates_for_both() {
    let exchange = Exchange::new(2048);
    let pki: &Pki = &exchange.pki;
    let strangers = [pki.of_other_root(0x61), pki.self_signed(0x62)];
    let mut refusing = clinic(&exchange, &strangers.iter().collect::<Vec<_>>()).await;
    for signer in &strangers {
        refused(&mut refusing, &sealed_by(&exchange, signer), INVALID).await;
    }
    assert_eq!(refusing.fleet.rows.count("dialogpost.dialog_entry").await, 0);
    refusing.close().await;

    let both = pki.dual_use(0x63);
    let fleet = exchange.fleet().await;
    let mut setup = exchange.setup();
    setup.parties[0].certificates = Vec::new();
    fleet.apply_setup(setup).await;
    let profile = profile_with(&both);
    let [known] = profile.parties[0].certificates.as_slice() else { panic!("one certificate") };
    assert!(known.is_for(Use::Signing) && known.is_for(Use::Encryption), "both slots are filled");
    crate::profiles::import(&fleet, &profile).await;
    let mut clinic = Clinic::of(fleet).await;
    clinic.publish(&[sealed_by(&exchange, &both)]).await;
    let receipt = clinic.receipt().await;
    let read = receipt.opened(&e2e::decryption_key(&both), &certificate(&exchange.clinic.signing)).unwrap();
    assert!(read.apprec.unwrap().status.unwrap().is("1"));
    clinic.close().await;
}
