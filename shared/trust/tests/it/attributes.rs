//! Signed attributes: their order, and what they must say. And signed data put together by hand.

use crate::support::{CONTENT, assert_opens, encrypted, open, open_by, world};
use openssl::hash::{MessageDigest, hash};
use openssl::sign::Signer;
use trust::{Legacy, Policy};

const SHA256: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const CONTENT_TYPE: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_TIME: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..=127 => out.push(length[1]),
        128..=255 => out.extend([0x81, length[1]]),
        _ => out.extend([0x82, length[0], length[1]]),
    }
    out.extend(content);
    out
}

fn attribute(oid: &[u8], values: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &[oid, &tlv(0x31, values)])
}

fn content_type(oid: &[u8]) -> Vec<u8> {
    attribute(CONTENT_TYPE, &[oid])
}

fn message_digest(content: &[u8]) -> Vec<u8> {
    attribute(MESSAGE_DIGEST, &[&tlv(0x04, &[&hash(MessageDigest::sha256(), content).unwrap()])])
}

fn signing_time() -> Vec<u8> {
    attribute(SIGNING_TIME, &[&tlv(0x17, &[b"260702120000Z"])])
}

/// HelseNorge's signed data around [`CONTENT`], in all but what is changed as it should be.
struct Handmade {
    /// In the order they are sent in.
    attributes: Vec<Vec<u8>>,
    /// What is signed: this order, or DER's.
    sorted: bool,
    e_content_type: Vec<u8>,
    signature_algorithm: Vec<u8>,
}

impl Handmade {
    fn new(attributes: Vec<Vec<u8>>) -> Self {
        Self { attributes, sorted: true, e_content_type: DATA.to_vec(), signature_algorithm: RSA.to_vec() }
    }

    fn build(&self) -> Vec<u8> {
        let identity = &world().helsenorge.signing;
        let mut to_sign = self.attributes.clone();
        if self.sorted {
            to_sign.sort();
        }
        let to_sign = if to_sign.is_empty() { CONTENT.to_vec() } else { tlv(0x31, &[&to_sign.concat()]) };
        let mut signer = Signer::new(MessageDigest::sha256(), identity.private_key()).unwrap();
        let signature = signer.sign_oneshot_to_vec(&to_sign).unwrap();

        let issuer = identity.x509().issuer_name().to_der().unwrap();
        let sid = tlv(0x30, &[&issuer, &[0x02, 0x02, 0x10, 0x01]]);
        let digest = tlv(0x30, &[SHA256]);
        let attributes = if self.attributes.is_empty() { Vec::new() } else { tlv(0xa0, &[&self.attributes.concat()]) };
        let algorithm = tlv(0x30, &[&self.signature_algorithm, &[0x05, 0x00]]);
        let signer = tlv(0x30, &[&[0x02, 1, 1], &sid, &digest, &attributes, &algorithm, &tlv(0x04, &[&signature])]);
        let content = tlv(0x30, &[&self.e_content_type, &tlv(0xa0, &[&tlv(0x04, &[CONTENT])])]);
        let signed = tlv(0x30, &[&[0x02, 1, 1], &tlv(0x31, &[&digest]), &content, &tlv(0x31, &[&signer])]);
        tlv(0x30, &[SIGNED_DATA, &tlv(0xa0, &[&signed])])
    }

    fn code(&self) -> &'static str {
        open(&encrypted(&self.build())).unwrap_err().code()
    }
}

fn usual() -> [Vec<u8>; 3] {
    [content_type(DATA), signing_time(), message_digest(CONTENT)]
}

#[test]
fn none_or_the_usual_ones() {
    assert_opens(&encrypted(&Handmade::new(Vec::new()).build()));
    assert!(usual().is_sorted());
    assert_opens(&encrypted(&Handmade::new(usual().to_vec()).build()));
}

#[test]
fn case_25_sent_in_another_order_than_signed() {
    let [first, second, third] = usual();
    for order in [[&third, &second, &first], [&second, &first, &third], [&third, &first, &second]] {
        assert_opens(&encrypted(&Handmade::new(order.map(Clone::clone).to_vec()).build()));
    }
}

#[test]
fn case_25_signed_in_the_order_sent() {
    let [first, second, third] = usual();
    for order in [[&third, &second, &first], [&second, &first, &third], [&third, &first, &second]] {
        let as_sent = Handmade { sorted: false, ..Handmade::new(order.map(Clone::clone).to_vec()) };
        assert_opens(&encrypted(&as_sent.build()));
    }
}

#[test]
fn the_content_type_is_plain_data_once() {
    let digest = || message_digest(CONTENT);
    let data = || content_type(DATA);
    assert_eq!(Handmade::new(vec![content_type(SIGNED_DATA), digest()]).code(), "signed-data-malformed");
    assert_eq!(Handmade::new(vec![digest()]).code(), "signed-data-malformed");
    assert_eq!(Handmade::new(vec![attribute(CONTENT_TYPE, &[]), digest()]).code(), "signed-data-malformed");
    assert_eq!(Handmade::new(vec![data(), content_type(SIGNED_DATA), digest()]).code(), "signed-data-malformed");
    assert_eq!(Handmade::new(vec![attribute(CONTENT_TYPE, &[DATA, SIGNED_DATA]), digest()]).code(), "signed-data-malformed");
    let other = Handmade { e_content_type: SIGNED_DATA.to_vec(), ..Handmade::new(usual().to_vec()) };
    assert_eq!(other.code(), "signed-data-malformed");
}

#[test]
fn the_message_digest_fits_once() {
    assert_eq!(Handmade::new(vec![content_type(DATA), message_digest(b"other")]).code(), "signature-invalid");
    assert_eq!(Handmade::new(vec![content_type(DATA)]).code(), "signature-invalid");
    let both = vec![content_type(DATA), message_digest(CONTENT), message_digest(b"other")];
    assert_eq!(Handmade::new(both).code(), "signature-invalid");
}

#[test]
fn the_signature_algorithm_fits_the_digest() {
    let with = |last: u8| Handmade {
        signature_algorithm: vec![0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last],
        ..Handmade::new(usual().to_vec())
    };
    assert_opens(&encrypted(&with(11).build()));
    let lenient = Policy { sha1: Legacy::Warn, ..Policy::default() };
    // MD2, MD5, SHA-1, SHA-384, SHA-512 and SHA-224 with RSA, and PSS without parameters.
    for other in [2, 4, 5, 12, 13, 14, 10] {
        let fault = open_by(&encrypted(&with(other).build()), &lenient).unwrap_err();
        assert_eq!(fault.code(), "signature-unsupported", "{other}");
    }
}
