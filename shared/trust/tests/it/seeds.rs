//! What fuzzing begins with opens: mutation starts from good messages, not from refused ones.

use std::path::Path;
use trust::{Certificate, DecryptionKey, Legacy, Policy, Zeroizing, encrypt, open};

#[test]
fn every_seed_opens() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let read = |name: &str| std::fs::read(fuzz.join("keys").join(name)).unwrap();
    let own = DecryptionKey::from_pem(&read("clinic.pem"), &Zeroizing::new(read("clinic.key")), None).unwrap();
    let expected = [Certificate::from_pem(&read("helsenorge.pem")).unwrap()];
    let policy = Policy { triple_des: Legacy::Warn, sha1: Legacy::Warn, ..Policy::default() };
    let mut opened = 0;
    for entry in std::fs::read_dir(fuzz.join("seeds/cms")).unwrap() {
        let path = entry.unwrap().path();
        let seed = std::fs::read(&path).unwrap();
        let signed_only = path.file_name().unwrap().to_str().unwrap().starts_with("signed");
        let message = if signed_only { encrypt(seed, own.certificate()).unwrap() } else { seed };
        let content = open(&message, std::slice::from_ref(&own), &expected, &policy).map(|opened| opened.content);
        assert_eq!(content.as_deref(), Ok(b"<MsgHead/>".as_slice()), "{}", path.display());
        opened += 1;
    }
    assert_eq!(opened, 15);
}
