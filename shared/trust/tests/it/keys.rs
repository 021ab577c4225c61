//! Our own keys: every form they come in, and what is refused.

use crate::support::{Bench, CONTENT, certificate, key_pem, now, open, world};
use trust::{DecryptionKey, KeyFault, KeyRing, Policy, SigningKey, Zeroizing, seal};

fn password(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

#[test]
fn pkcs12_with_its_password_only() {
    let w = world();
    let file = w.helsenorge.signing.pkcs12("hemmelig");
    let key = SigningKey::from_pkcs12(&file, &password("hemmelig")).unwrap();
    assert_eq!(key.certificate(), &certificate(&w.helsenorge.signing));
    assert_eq!(key.intermediates(), [certificate(w.pki.intermediate.identity())], "the root stays at home");
    let message = seal(CONTENT.to_vec(), &key, &certificate(&w.clinic.encryption)).unwrap();
    assert_eq!(open(&message).unwrap().content, CONTENT);

    for wrong in ["Hemmelig", "", "hemmelig\0"] {
        assert_eq!(SigningKey::from_pkcs12(&file, &password(wrong)).unwrap_err(), KeyFault::Pkcs12);
    }
    assert_eq!(DecryptionKey::from_pkcs12(b"x", &password("x")).unwrap_err(), KeyFault::Pkcs12);
}

#[test]
fn pkcs12_without_a_key() {
    let bench = Bench::new();
    bench.openssl("pkcs12 -export -nokeys -in signer.pem -out only.p12 -passout pass:x");
    assert_eq!(SigningKey::from_pkcs12(&bench.read("only.p12"), &password("x")).unwrap_err(), KeyFault::Pkcs12);
}

#[test]
fn pem_in_every_form() {
    let bench = Bench::new();
    let chain = world().helsenorge.signing.chain_pem();
    bench.openssl("rsa -in signer.key -traditional -out pkcs1.key");
    bench.openssl("pkcs8 -topk8 -in signer.key -v2 aes256 -passout pass:hemmelig -out encrypted.key");
    bench.openssl("rsa -in signer.key -traditional -aes128 -passout pass:hemmelig -out old.key");
    let load = |name: &str, passphrase: Option<&str>| {
        let passphrase = passphrase.map(password);
        SigningKey::from_pem(&chain, &Zeroizing::new(bench.read(name)), passphrase.as_ref()).map(|key| key.certificate().clone())
    };
    let own = Ok(certificate(&world().helsenorge.signing));
    assert_eq!(load("signer.key", None), own);
    assert_eq!(load("pkcs1.key", None), own);
    for encrypted in ["encrypted.key", "old.key"] {
        assert_eq!(load(encrypted, Some("hemmelig")), own);
        // Without a passphrase nobody is asked for one.
        for wrong in [None, Some("galt"), Some(""), Some("x".repeat(5000).as_str())] {
            assert_eq!(load(encrypted, wrong), Err(KeyFault::Unreadable));
        }
    }
    assert_eq!(load("signer.pem", None), Err(KeyFault::Unreadable));
    assert_eq!(load("content", None), Err(KeyFault::Unreadable));
}

#[test]
fn key_and_certificate_belong_together() {
    let w = world();
    let fault = DecryptionKey::from_pem(&w.clinic.encryption.pem(), &key_pem(&w.clinic.signing), None).unwrap_err();
    assert_eq!(fault, KeyFault::Mismatch);
    let fault = DecryptionKey::from_pem(b"", &key_pem(&w.clinic.signing), None).unwrap_err();
    assert_eq!(fault, KeyFault::CertificateMissing);
    let garbled = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let fault = DecryptionKey::from_pem(garbled, &key_pem(&w.clinic.signing), None).unwrap_err();
    assert!(matches!(fault, KeyFault::Certificate(_)), "{fault}");
}

#[test]
fn weak_and_other_keys_are_refused() {
    let weak = world().pki.intermediate.issue(crate::support::forged(|r| r.key = pki::key("weak", 1024)));
    assert_eq!(SigningKey::from_pem(&weak.pem(), &key_pem(&weak), None).unwrap_err(), KeyFault::Unsuitable);
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let elliptic = openssl::pkey::PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    let elliptic = world().pki.intermediate.issue(crate::support::forged(|r| r.key = elliptic));
    assert_eq!(SigningKey::from_pem(&elliptic.pem(), &key_pem(&elliptic), None).unwrap_err(), KeyFault::Unsuitable);
}

#[test]
fn case_26_a_ring_reads_what_earlier_certificates_were_used_for() {
    let w = world();
    let earlier = w.pki.party("Sentrum Legekontor AS", "912345600 before", 0x2101);
    let ring = KeyRing {
        signing: crate::support::signing_key(&w.clinic.signing),
        decryption: [&w.clinic.encryption, &earlier.encryption].map(crate::support::decryption_key).to_vec(),
    };
    let sender = crate::support::signing_key(&w.helsenorge.signing);
    for recipient in [&w.clinic.encryption, &earlier.encryption] {
        let message = seal(CONTENT.to_vec(), &sender, &certificate(recipient)).unwrap();
        let expected = [sender.certificate().clone()];
        let opened = trust::open(&message, &ring.decryption, &expected, &Policy::default()).unwrap();
        assert_eq!((opened.content.as_slice(), opened.recipient), (CONTENT, certificate(recipient)));
    }
    assert!(now() < ring.signing.certificate().not_after());
}

#[test]
fn nothing_prints_a_key_or_a_message() {
    let w = world();
    let key = crate::support::signing_key(&w.helsenorge.signing);
    let thumbprint = certificate(&w.helsenorge.signing).thumbprint();
    assert_eq!(format!("{key:?}"), format!("SigningKey(Certificate({thumbprint}))"));
    let opened = open(&seal(CONTENT.to_vec(), &key, &certificate(&w.clinic.encryption)).unwrap()).unwrap();
    let printed = format!("{opened:?}");
    assert!(printed.contains(&thumbprint) && !printed.contains("MsgHead") && !printed.contains("60, 77"), "{printed}");
}
