//! What we seal: our own reader, the structure, and `openssl cms` as a stranger.

use crate::support::{Bench, CONTENT, certificate, decryption_key, open, signing_key, world};
use cms::content_info::ContentInfo;
use cms::enveloped_data::{EnvelopedData, RecipientIdentifier, RecipientInfo};
use cms::signed_data::{SignedData, SignerIdentifier};
use der::{Decode, Encode};
use trust::{Policy, SealFault, encrypt, seal, sign};

fn sealed_by_helsenorge(content: &[u8]) -> Vec<u8> {
    let w = world();
    seal(content.to_vec(), &signing_key(&w.helsenorge.signing), &certificate(&w.clinic.encryption)).unwrap()
}

#[test]
fn what_is_sealed_opens() {
    let w = world();
    let opened = open(&sealed_by_helsenorge(CONTENT)).unwrap();
    assert_eq!(opened.content, CONTENT);
    assert_eq!(opened.signer, certificate(&w.helsenorge.signing));
    assert_eq!(opened.recipient, certificate(&w.clinic.encryption));
    assert_eq!(opened.warnings, []);
    let intermediate = certificate(w.pki.intermediate.identity());
    let embedded = opened.embedded.certificates();
    assert!(embedded.len() == 2 && embedded.contains(&opened.signer) && embedded.contains(&intermediate));
}

#[test]
fn any_size_comes_through() {
    for size in [0, 1, 15, 16, 17, 4096, 1_000_003] {
        let content: Vec<u8> = (0..size).map(|n: usize| (n % 251) as u8).collect();
        assert_eq!(open(&sealed_by_helsenorge(&content)).unwrap().content, content, "{size} bytes");
    }
}

#[test]
fn larger_keys_serve_as_well() {
    for bits in [3072, 4096] {
        let pki = pki::Pki::new(crate::support::now(), "http://crl.test", bits);
        let party = pki.party("Stor AS", "912345699", 1);
        let message = seal(CONTENT.to_vec(), &signing_key(&party.signing), &certificate(&party.encryption)).unwrap();
        let (own, expected) = ([decryption_key(&party.encryption)], [certificate(&party.signing)]);
        assert_eq!(trust::open(&message, &own, &expected, &Policy::default()).unwrap().content, CONTENT);
        assert_eq!(certificate(&party.signing).public_key_bits(), bits);
    }
}

#[test]
fn zeros_after_the_message_are_nothing_and_anything_else_is_a_fault() {
    let mut message = sealed_by_helsenorge(CONTENT);
    message.extend([0; 7]);
    assert_eq!(open(&message).unwrap().content, CONTENT);
    message.push(1);
    assert_eq!(open(&message).unwrap_err().code(), "cms-malformed");
}

#[test]
fn case_34_the_envelope_is_as_agreed() {
    let w = world();
    let message = sealed_by_helsenorge(CONTENT);
    let info = ContentInfo::from_der(&message).unwrap();
    assert_eq!(info.to_der().unwrap(), message, "DER");
    assert_eq!(info.content_type.to_string(), "1.2.840.113549.1.7.3");

    let enveloped: EnvelopedData = info.content.decode_as().unwrap();
    let [RecipientInfo::Ktri(recipient)] = enveloped.recip_infos.0.as_slice() else { panic!("one recipient by key transport") };
    let RecipientIdentifier::IssuerAndSerialNumber(id) = &recipient.rid else { panic!("by issuer and serial number") };
    assert_eq!(id.issuer.to_der().unwrap(), w.clinic.encryption.x509().issuer_name().to_der().unwrap());
    assert_eq!(id.serial_number.as_bytes(), [0x20, 0x02]);
    assert_eq!(recipient.key_enc_alg.oid.to_string(), "1.2.840.113549.1.1.1");
    let content = enveloped.encrypted_content;
    assert_eq!(content.content_type.to_string(), "1.2.840.113549.1.7.1");
    assert_eq!(content.content_enc_alg.oid.to_string(), "2.16.840.1.101.3.4.1.42");
    assert!(enveloped.originator_info.is_none() && enveloped.unprotected_attrs.is_none());
}

#[test]
fn case_34_the_signature_is_as_agreed() {
    let w = world();
    let signed = sign(CONTENT.to_vec(), &signing_key(&w.helsenorge.signing)).unwrap();
    let info = ContentInfo::from_der(&signed).unwrap();
    assert_eq!(info.to_der().unwrap(), signed, "DER");
    assert_eq!(info.content_type.to_string(), "1.2.840.113549.1.7.2");

    let data: SignedData = info.content.decode_as().unwrap();
    assert_eq!(data.version, cms::content_info::CmsVersion::V1);
    assert_eq!(data.encap_content_info.econtent_type.to_string(), "1.2.840.113549.1.7.1");
    assert_eq!(data.encap_content_info.econtent.unwrap().value(), CONTENT);
    assert_eq!(data.certificates.unwrap().0.len(), 2, "the end certificate and the intermediate, not the root");
    let [signer] = data.signer_infos.0.as_slice() else { panic!("one signer") };
    let SignerIdentifier::IssuerAndSerialNumber(id) = &signer.sid else { panic!("by issuer and serial number") };
    assert_eq!(id.serial_number.as_bytes(), [0x10, 0x01]);
    assert_eq!(signer.digest_alg.oid.to_string(), "2.16.840.1.101.3.4.2.1");
    assert_eq!(signer.signature_algorithm.oid.to_string(), "1.2.840.113549.1.1.1");
    assert!(signer.signed_attrs.is_none(), "nothing of a clock");
}

#[test]
fn case_34_openssl_reads_what_we_write() {
    let w = world();
    let bench = Bench::new();
    let message = seal(CONTENT.to_vec(), &signing_key(&w.clinic.signing), &certificate(&w.helsenorge.encryption)).unwrap();
    bench.write("ours", &message);
    bench.openssl("cms -decrypt -binary -inform DER -in ours -recip helsenorge.pem -inkey helsenorge.key -out signed");
    let at = crate::support::now().as_second();
    // The intermediate comes from the message: the command line knows the root alone.
    bench.openssl(&format!(
        "cms -verify -binary -inform DER -in signed -CAfile root.pem -purpose any -attime {at} -signer by.pem -out read"
    ));
    assert_eq!(bench.read("read"), CONTENT);
    assert_eq!(bench.read("by.pem"), w.clinic.signing.pem());
}

#[test]
fn the_same_content_is_never_encrypted_alike() {
    assert_ne!(sealed_by_helsenorge(CONTENT), sealed_by_helsenorge(CONTENT));
}

#[test]
fn a_recipient_without_an_rsa_key_is_refused() {
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let key = openssl::pkey::PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    let request = crate::support::forged(|r| r.key = key);
    let elliptic = certificate(&world().pki.intermediate.issue(request));
    assert_eq!(encrypt(CONTENT.to_vec(), &elliptic), Err(SealFault::Recipient));
    assert_eq!(SealFault::Recipient.code(), "recipient-key-unsuitable");
}
