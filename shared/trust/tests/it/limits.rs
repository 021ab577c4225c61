//! Damage, excess and noise: always a fault, never a panic, never other content than was signed.

use crate::support::{CONTENT, certificate, decryption_key, encrypted, open, open_by, signing_key, world};
use openssl::cms::CMSOptions;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use trust::{Certificate, Crl, DecryptionKey, Limits, OpenFault, Opened, Policy, seal, sign};

static MESSAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let w = world();
    seal(CONTENT.to_vec(), &signing_key(&w.helsenorge.signing), &certificate(&w.clinic.encryption)).unwrap()
});

/// Loading a key costs more than using it.
static OWN: LazyLock<[DecryptionKey; 1]> = LazyLock::new(|| [decryption_key(&world().clinic.encryption)]);
static EXPECTED: LazyLock<[Certificate; 1]> = LazyLock::new(|| [certificate(&world().helsenorge.signing)]);

fn opened_from(message: &[u8]) -> Result<Opened, OpenFault> {
    trust::open(message, &*OWN, &*EXPECTED, &Policy::default())
}

fn content_of(message: &[u8]) -> Result<Vec<u8>, OpenFault> {
    opened_from(message).map(|opened| opened.content)
}

#[test]
fn a_bit_flipped_anywhere_in_the_message() {
    let mut random = StdRng::seed_from_u64(5652);
    let signed = sign(CONTENT.to_vec(), &signing_key(&world().helsenorge.signing)).unwrap();
    let ciphertext = MESSAGE.len() - (signed.len() / 16 + 1) * 16;
    let mut opened = 0;
    for at in 0..MESSAGE.len() {
        let mut damaged = MESSAGE.clone();
        damaged[at] ^= 1 << random.random_range(0..8);
        match opened_from(&damaged) {
            Ok(message) => {
                // The version of an envelope, the parameters of its algorithms; or a certificate that came along.
                assert_eq!(message.content, CONTENT, "byte {at}");
                opened += usize::from(at < ciphertext);
            }
            Err(fault) => assert!(at < ciphertext || matches!(fault, OpenFault::Unverified(_)), "byte {at}: {fault}"),
        }
    }
    assert!(opened < 24, "{opened} bytes of the envelope's head do not matter");
}

#[test]
fn a_bit_flipped_anywhere_in_the_signed_data() {
    let mut random = StdRng::seed_from_u64(5652);
    for options in [CMSOptions::NOATTR, CMSOptions::NOSMIMECAP] {
        let signed = crate::support::signed_by(&world().helsenorge.signing, &[], options);
        let end_certificate = world().helsenorge.signing.der();
        let begin = signed.windows(end_certificate.len()).position(|w| w == end_certificate).unwrap();
        let embedded = begin..begin + end_certificate.len();
        let mut opened = 0;
        for at in 0..signed.len() {
            let mut damaged = signed.clone();
            damaged[at] ^= 1 << random.random_range(0..8);
            if let Ok(message) = opened_from(&encrypted(&damaged)) {
                assert_eq!(message.content, CONTENT, "byte {at}");
                opened += usize::from(!embedded.contains(&at));
            }
        }
        // Versions, the list of digests ahead of the content, parameters that say nothing.
        assert!(opened < 32, "{opened} bytes beside the embedded certificate do not matter");
    }
}

#[test]
fn a_message_cut_off_anywhere() {
    for length in 0..MESSAGE.len() {
        assert_eq!(content_of(&MESSAGE[..length]), Err(OpenFault::Malformed), "{length} bytes");
    }
}

#[test]
fn the_size_is_bounded() {
    let limits = Limits { max_bytes: MESSAGE.len(), ..Limits::default() };
    assert_eq!(open_by(&MESSAGE, &Policy { limits, ..Policy::default() }).unwrap().content, CONTENT);
    let limits = Limits { max_bytes: MESSAGE.len() - 1, ..limits };
    let fault = open_by(&MESSAGE, &Policy { limits, ..Policy::default() }).unwrap_err();
    assert_eq!((fault.code(), fault.condition()), ("cms-too-large", "transport:unsupported-message"));
}

#[test]
fn embedded_certificates_are_bounded() {
    let limits = Limits { max_certificates: 1, ..Limits::default() };
    let fault = open_by(&MESSAGE, &Policy { limits, ..Policy::default() }).unwrap_err();
    assert_eq!(fault.code(), "signed-data-malformed");
}

#[test]
fn nesting_and_crowding_are_refused_at_once() {
    let head = [0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0, 0x80];
    let deep = [&head[..], &[0x30, 0x80].repeat(8 << 20)].concat();
    let closed = [&deep[..], &[0, 0].repeat((8 << 20) + 2)].concat();
    let crowded = [&head[..], &[0x30, 0x80, 0x31, 0x80], &[0x05, 0x00].repeat(8 << 20), &[0; 8]].concat();
    for message in [&deep, &closed, &crowded] {
        let started = Instant::now();
        assert_eq!(open(message).unwrap_err(), OpenFault::Malformed);
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        let inside = encrypted(message);
        assert_eq!(open(&inside).unwrap_err().code(), "signed-data-malformed");
    }
}

#[test]
fn a_large_message_comes_through() {
    let content: Vec<u8> = (0..12 << 20).map(|n: usize| (n % 251) as u8).collect();
    let w = world();
    let message = seal(content.clone(), &signing_key(&w.helsenorge.signing), &certificate(&w.clinic.encryption)).unwrap();
    assert!(content_of(&message).unwrap() == content);
}

fn look_at(certificate: &Certificate) {
    let _ = (certificate.subject(), certificate.issuer(), certificate.serial(), certificate.usages(), certificate.crl_urls());
    let _ = (certificate.public_key_bits(), certificate.subject_key_id(), certificate.is_self_issued(), certificate.thumbprint());
    assert_eq!(Certificate::from_der(certificate.der()).as_ref(), Ok(certificate));
}

fn damaged(original: &[u8], damage: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (at, value) in damage {
        bytes[at.index(original.len())] = *value;
    }
    bytes
}

/// A few places, and what stands there afterwards.
fn damages() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_opens(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(content_of(&noise).is_err());
        prop_assert!(content_of(&encrypted(&noise)).is_err());
        let _ = (Certificate::from_der(&noise), Crl::from_der(&noise));
    }

    #[test]
    fn damage_never_passes_for_content(damage in damages()) {
        if let Ok(content) = content_of(&damaged(&MESSAGE, &damage)) {
            prop_assert_eq!(content, CONTENT);
        }
        let signed = sign(CONTENT.to_vec(), &signing_key(&world().helsenorge.signing)).unwrap();
        if let Ok(content) = content_of(&encrypted(&damaged(&signed, &damage))) {
            prop_assert_eq!(content, CONTENT);
        }
    }

    #[test]
    fn odd_certificates_and_lists_never_panic(damage in damages()) {
        let w = world();
        if let Ok(certificate) = Certificate::from_der(&damaged(&w.helsenorge.signing.der(), &damage)) {
            look_at(&certificate);
        }
        let _ = Crl::from_der(&damaged(&w.pki.crl(), &damage));
    }
}
