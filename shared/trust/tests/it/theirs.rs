//! What others may send: made by `openssl cms`, read by us.

use crate::support::{Bench, CONTENT, assert_opens, certificate, decryption_key, open, open_by, world};
use trust::{Legacy, Policy, Warning};

const AES_256: &str = "-aes256 -recip recipient.pem";

#[test]
fn case_24_without_signed_attributes() {
    assert_opens(&Bench::new().message("-md sha256 -noattr", AES_256));
}

#[test]
fn case_25_every_content_cipher() {
    for cipher in ["-aes128", "-aes192", "-aes256"] {
        assert_opens(&Bench::new().message("-md sha256", &format!("{cipher} -recip recipient.pem")));
    }
}

#[test]
fn case_25_every_digest_and_padding() {
    let bench = Bench::new();
    for digest in ["sha256", "sha384", "sha512"] {
        for attributes in ["", "-noattr"] {
            for padding in ["", "-keyopt rsa_padding_mode:pss"] {
                assert_opens(&bench.message(&format!("-md {digest} {attributes} {padding}"), AES_256));
            }
        }
    }
}

#[test]
fn case_25_every_key_transport() {
    let bench = Bench::new();
    for transport in [
        "-keyopt rsa_padding_mode:oaep",
        "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
        "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_mgf1_md:sha256",
    ] {
        assert_opens(&bench.message("", &format!("{AES_256} {transport}")));
    }
    let md5 = bench.message("", &format!("{AES_256} -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:md5"));
    assert_eq!(open(&md5).unwrap_err().code(), "key-transport-unsupported");
}

#[test]
fn case_25_key_identifiers_name_recipient_and_signer() {
    assert_opens(&Bench::new().message("-keyid", "-keyid -aes256 -recip recipient.pem"));
}

#[test]
fn case_25_two_recipients_with_ours_second() {
    let bench = Bench::new();
    assert_opens(&bench.message("", "-aes256 -recip stranger.pem -recip recipient.pem"));
    assert_opens(&bench.message("", "-aes256 -recip recipient.pem -recip stranger.pem"));
}

#[test]
fn case_25_indefinite_lengths() {
    let bench = Bench::new();
    let long = CONTENT.repeat(3000);
    bench.write("content", &long);
    for (sign, encrypt) in [("-stream", ""), ("", "-stream"), ("-stream -noattr", "-stream")] {
        let message = bench.message(sign, &format!("{AES_256} {encrypt}"));
        assert_eq!(message[1] == 0x80, encrypt == "-stream", "the envelope's length");
        assert_eq!(bench.read("signed")[1] == 0x80, sign.contains("-stream"), "the signed data's length");
        assert_eq!(open(&message).unwrap().content, long);
    }
}

#[test]
fn case_25_embedded_certificates_in_any_order() {
    let w = world();
    let (root, between, end) = (w.pki.root.identity().pem(), w.pki.intermediate.identity().pem(), w.helsenorge.signing.pem());
    let bench = Bench::new();
    for bundle in [[&root, &between, &end], [&between, &root, &end], [&end, &between, &root]] {
        bench.write("bundle.pem", &bundle.map(Vec::as_slice).concat());
        assert_opens(&bench.message("-nocerts -certfile bundle.pem", AES_256));
    }
    assert_opens(&bench.message("-nocerts", AES_256));
}

#[test]
fn case_26_every_own_certificate_is_tried() {
    let w = world();
    let message = Bench::new().message("", AES_256);
    let earlier = decryption_key(&w.stranger.encryption);
    let expected = [certificate(&w.helsenorge.signing)];
    let own = [earlier.clone(), decryption_key(&w.clinic.encryption)];
    let opened = trust::open(&message, &own, &expected, &Policy::default()).unwrap();
    assert_eq!((opened.content.as_slice(), opened.recipient), (CONTENT, certificate(&w.clinic.encryption)));

    let fault = trust::open(&message, &[earlier], &expected, &Policy::default()).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("recipient-unknown", "transport:invalid-certificate"));
    let text = fault.to_string();
    assert!(text.contains("serial number 2002") && text.contains("CN=Test Issuing CA"), "{text}");
    assert_eq!(trust::open(&message, &[], &expected, &Policy::default()).unwrap_err().code(), "recipient-unknown");
}

#[test]
fn case_33_triple_des_as_the_policy_has_it() {
    let message = Bench::new().message("", "-des3 -recip recipient.pem");
    let fault = open(&message).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("cipher-unsupported", "transport:unsupported-message"));
    assert!(fault.to_string().contains("1.2.840.113549.3.7"), "{fault}");

    let opened = open_by(&message, &Policy { triple_des: Legacy::Warn, ..Policy::default() }).unwrap();
    assert_eq!(opened.content, CONTENT);
    assert!(matches!(opened.warnings[..], [Warning::LegacyCipher { oid }] if oid.to_string() == "1.2.840.113549.3.7"));
}

#[test]
fn case_33_other_ciphers_never() {
    let bench = Bench::new();
    let lenient = Policy { triple_des: Legacy::Warn, sha1: Legacy::Warn, ..Policy::default() };
    for (cipher, oid) in [
        ("-des-cbc -provider legacy -provider default", "1.3.14.3.2.7"),
        ("-rc2-128 -provider legacy -provider default", "1.2.840.113549.3.2"),
        ("-camellia256", "1.2.392.200011.61.1.1.1.4"),
    ] {
        let fault = open_by(&bench.message("", &format!("{cipher} -recip recipient.pem")), &lenient).unwrap_err();
        assert_eq!((fault.code(), fault.condition()), ("cipher-unsupported", "transport:unsupported-message"));
        assert!(fault.to_string().contains(oid), "{fault}");
    }
    let fault = open_by(&bench.message("", "-aes-256-gcm -recip recipient.pem"), &lenient).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("content-type-unsupported", "transport:unsupported-message"));
}

#[test]
fn sha1_as_the_policy_has_it() {
    let bench = Bench::new();
    let lenient = Policy { sha1: Legacy::Warn, ..Policy::default() };
    for sign in ["-md sha1", "-md sha1 -noattr", "-md sha1 -keyopt rsa_padding_mode:pss"] {
        let message = bench.message(sign, AES_256);
        assert_eq!(open(&message).unwrap_err().code(), "digest-unsupported");
        let opened = open_by(&message, &lenient).unwrap();
        assert_eq!(opened.content, CONTENT);
        assert!(matches!(opened.warnings[..], [Warning::LegacyDigest { oid }] if oid.to_string() == "1.3.14.3.2.26"));
    }
}

#[test]
fn other_digests_never() {
    let bench = Bench::new();
    let lenient = Policy { sha1: Legacy::Warn, ..Policy::default() };
    for digest in ["md5", "sha224", "sha3-256"] {
        let fault = open_by(&bench.message(&format!("-md {digest}"), AES_256), &lenient).unwrap_err();
        assert_eq!(fault.code(), "digest-unsupported", "{digest}");
    }
}

#[test]
fn what_is_not_signed_is_refused() {
    let bench = Bench::new();
    bench.openssl("cms -encrypt -binary -outform DER -in content -out message -aes256 -recip recipient.pem");
    assert_eq!(open(&bench.read("message")).unwrap_err().code(), "signed-data-malformed");

    bench.openssl("cms -data_create -binary -outform DER -in content -out inner");
    bench.openssl("cms -encrypt -binary -outform DER -in inner -out message -aes256 -recip recipient.pem");
    assert_eq!(open(&bench.read("message")).unwrap_err().code(), "signed-data-malformed");

    // Signed, but not encrypted.
    bench.message("", AES_256);
    let fault = open(&bench.read("signed")).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("content-type-unsupported", "transport:unsupported-message"));
}

#[test]
fn a_signature_over_content_that_is_elsewhere_is_refused() {
    let bench = Bench::new();
    bench.openssl("cms -sign -binary -outform DER -signer signer.pem -inkey signer.key -in content -out signed");
    bench.openssl("cms -encrypt -binary -outform DER -in signed -out message -aes256 -recip recipient.pem");
    assert_eq!(open(&bench.read("message")).unwrap_err().code(), "signature-invalid");
}
