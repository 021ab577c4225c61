//! Sealed messages: any bytes are opened or refused, as they are and as what was encrypted for us; what opens holds what was signed.
//!
//! The keys beside this file were made for it and protect nothing. The key that signed the seeds was thrown away, so that nothing
//! but their content can ever verify.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use trust::{Certificate, DecryptionKey, Legacy, Policy, Zeroizing, encrypt, open};

/// What every seed holds.
const CONTENT: &[u8] = b"<MsgHead/>";

struct Clinic {
    own: DecryptionKey,
    expected: Certificate,
    /// Takes whatever may be taken.
    policy: Policy,
}

static CLINIC: LazyLock<Clinic> = LazyLock::new(|| {
    let key = Zeroizing::new(include_bytes!("../keys/clinic.key").to_vec());
    Clinic {
        own: DecryptionKey::from_pem(include_bytes!("../keys/clinic.pem"), &key, None).expect("a key"),
        expected: Certificate::from_pem(include_bytes!("../keys/helsenorge.pem")).expect("a certificate"),
        policy: Policy { triple_des: Legacy::Warn, sha1: Legacy::Warn, ..Policy::default() },
    }
});

fn check(message: &[u8]) {
    let Clinic { own, expected, policy } = &*CLINIC;
    if let Ok(opened) = open(message, std::slice::from_ref(own), std::slice::from_ref(expected), policy) {
        assert_eq!(opened.content, CONTENT);
        assert_eq!(opened.signer, *expected);
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // Past the envelope, where mutation alone would hardly come.
    check(&encrypt(bytes, CLINIC.own.certificate()).expect("it can be encrypted"));
});
