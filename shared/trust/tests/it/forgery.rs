//! Whoever is not the expected signer stays outside, however it is dressed up; and nobody learns why.

use crate::support::{certificate, decryption_key, encrypted, forged, open, signed_by, world};
use cms::content_info::ContentInfo;
use cms::enveloped_data::{EnvelopedData, KeyTransRecipientInfo, RecipientInfo};
use cms::signed_data::{SignedData, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use openssl::cms::CMSOptions;
use openssl::rsa::Padding;
use pki::{Authority, Identity, Subject};
use trust::{OpenFault, Policy, Unverified};

fn code(signed: &[u8]) -> &'static str {
    open(&encrypted(signed)).unwrap_err().code()
}

/// HelseNorge's certificate, but the attacker's key: the structure is what the attacker makes of it.
fn in_the_name_of_helsenorge() -> Identity {
    let forger =
        Authority::root("Test Issuing CA", pki::key("attacker's authority", 2048), pki::Period::days(world().pki.now, -9, 9));
    let name = Subject::of("Helsenorge Testforvaltning", "994598759");
    forger.issue(forged(|r| {
        r.serial = 0x1001;
        r.subject = name;
    }))
}

#[test]
fn case_27_the_genuine_certificate_beside_the_signers_own() {
    let w = world();
    let attacker = w.pki.intermediate.issue(forged(|_| {}));
    let genuine = w.helsenorge.signing.x509();
    for options in [CMSOptions::empty(), CMSOptions::NOATTR, CMSOptions::USE_KEYID] {
        assert_eq!(code(&signed_by(&attacker, &[genuine], options)), "signer-unexpected");
    }
    assert_eq!(code(&signed_by(&w.stranger.signing, &[genuine], CMSOptions::NOATTR)), "signer-unexpected");
}

#[test]
fn case_27_a_certificate_with_the_same_serial_number() {
    let attacker = world().pki.other_root.issue(forged(|r| r.serial = 0x1001));
    let genuine = world().helsenorge.signing.x509();
    assert_eq!(code(&signed_by(&attacker, &[genuine], CMSOptions::NOATTR)), "signer-unexpected");
}

#[test]
fn case_27_a_certificate_with_the_same_issuer_and_serial_number() {
    let attacker = in_the_name_of_helsenorge();
    let genuine = world().helsenorge.signing.x509();
    assert_eq!(attacker.x509().issuer_name().to_der().unwrap(), genuine.issuer_name().to_der().unwrap());
    for embedded in [&[][..], &[genuine]] {
        for options in [CMSOptions::empty(), CMSOptions::NOATTR] {
            assert_eq!(code(&signed_by(&attacker, embedded, options)), "signature-invalid");
        }
    }
}

#[test]
fn only_one_signer() {
    let w = world();
    // OpenSSL makes no structure without a signer, nor one that a stranger signs too: these are put together here.
    let genuine = signed_by(&w.helsenorge.signing, &[], CMSOptions::NOATTR);
    let others = signers(&signed_by(&w.stranger.signing, &[], CMSOptions::NOATTR));
    assert_eq!(code(&with_signers(&genuine, Vec::new())), "signer-count");
    assert_eq!(code(&with_signers(&genuine, others.clone())), "signer-unexpected");
    assert_eq!(code(&with_signers(&genuine, [signers(&genuine), others].concat())), "signer-count");
}

fn signers(signed: &[u8]) -> Vec<SignerInfo> {
    let info = ContentInfo::from_der(signed).unwrap();
    info.content.decode_as::<SignedData>().unwrap().signer_infos.0.into_vec()
}

fn with_signers(signed: &[u8], signers: Vec<SignerInfo>) -> Vec<u8> {
    let mut info = ContentInfo::from_der(signed).unwrap();
    let mut data: SignedData = info.content.decode_as().unwrap();
    data.signer_infos.0 = signers.try_into().unwrap();
    info.content = Any::encode_from(&data).unwrap();
    info.to_der().unwrap()
}

#[test]
fn case_28_altered_content() {
    let mut signed = signed_by(&world().helsenorge.signing, &[], CMSOptions::NOATTR);
    let at = signed.windows(7).position(|w| w == b"MsgHead").unwrap();
    signed[at] = b'm';
    let fault = open(&encrypted(&signed)).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("signature-invalid", "transport:invalid-certificate"));
}

#[test]
fn case_29_nobody_is_expected() {
    let w = world();
    let message = encrypted(&signed_by(&w.helsenorge.signing, &[], CMSOptions::NOATTR));
    let fault = trust::open(&message, &[decryption_key(&w.clinic.encryption)], &[], &Policy::default()).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("signer-unknown", "transport:missing-certificate"));
}

#[test]
fn any_of_several_expected_certificates_may_have_signed() {
    let w = world();
    let expected =
        [certificate(&w.stranger.signing), certificate(&in_the_name_of_helsenorge()), certificate(&w.helsenorge.signing)];
    for signer in [&w.helsenorge.signing, &w.stranger.signing] {
        for options in [CMSOptions::NOATTR, CMSOptions::USE_KEYID] {
            let message = encrypted(&signed_by(signer, &[], options));
            let own = [decryption_key(&w.clinic.encryption)];
            let opened = trust::open(&message, &own, &expected, &Policy::default()).unwrap();
            assert_eq!(opened.signer, certificate(signer));
        }
    }
}

#[test]
fn c5_a_wrong_content_key_is_answered_like_a_wrong_signature() {
    let w = world();
    let signed = signed_by(&w.helsenorge.signing, &[], CMSOptions::NOATTR);
    let public = w.clinic.encryption.x509().public_key().unwrap().rsa().unwrap();
    let transported = |key: &[u8], padding| {
        let mut out = vec![0; public.size() as usize];
        public.public_encrypt(key, &mut out, padding).unwrap();
        out
    };
    let unpadded = [&[0, 1][..], &[7; 254]].concat();
    for content_key in [
        transported(&[7; 32], Padding::PKCS1),
        transported(&[7; 16], Padding::PKCS1),
        transported(&[], Padding::PKCS1),
        transported(&unpadded, Padding::NONE),
        vec![7; 256],
        vec![0; 256],
        vec![7; 3],
    ] {
        let fault = open(&with_content_key(&encrypted(&signed), &content_key)).unwrap_err();
        assert!(matches!(fault, OpenFault::Unverified(_)), "{fault:?}");
    }
}

fn with_content_key(message: &[u8], content_key: &[u8]) -> Vec<u8> {
    let mut info = ContentInfo::from_der(message).unwrap();
    let mut data: EnvelopedData = info.content.decode_as().unwrap();
    let [RecipientInfo::Ktri(recipient)] = data.recip_infos.0.as_slice() else { panic!("one recipient") };
    let enc_key = OctetString::new(content_key).unwrap();
    data.recip_infos.0 = vec![RecipientInfo::Ktri(KeyTransRecipientInfo { enc_key, ..recipient.clone() })].try_into().unwrap();
    info.content = Any::encode_from(&data).unwrap();
    info.to_der().unwrap()
}

#[test]
fn c5_the_sender_learns_nothing_of_the_inside() {
    let oid = ObjectIdentifier::new_unwrap("1.2.3");
    let inside = [
        Unverified::Decryption,
        Unverified::NotSignedData,
        Unverified::SignerCount,
        Unverified::DigestUnsupported { oid },
        Unverified::SignatureUnsupported { oid },
        Unverified::SignerUnexpected,
        Unverified::Signature,
    ]
    .map(OpenFault::Unverified);
    let codes: std::collections::BTreeSet<_> = inside.iter().map(OpenFault::code).collect();
    assert_eq!(codes.len(), inside.len(), "our ledger knows");
    for fault in &inside {
        assert_eq!(fault.to_string(), inside[0].to_string());
        assert_eq!(fault.condition(), "transport:invalid-certificate");
    }
}
