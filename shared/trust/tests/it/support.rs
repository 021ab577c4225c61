//! A small exchange: HelseNorge, our clinic, and somebody who is neither.

use jiff::Timestamp;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use pki::{Identity, Party, Pki, Request, Subject, Usage};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use trust::{Certificate, DecryptionKey, OpenFault, Opened, Policy, SigningKey, Zeroizing};

/// Line ends of every kind, a byte order mark, a declaration and letters of ours: nothing of it may change.
pub const CONTENT: &[u8] = "\u{feff}<?xml version=\"1.0\"?>\r\n<MsgHead>\n\tBlåbærgrøt\r</MsgHead>\0\n".as_bytes();

pub struct World {
    pub pki: Pki,
    pub helsenorge: Party,
    pub clinic: Party,
    /// Same authority, same kind of certificates, but not whom we expect.
    pub stranger: Party,
}

pub fn now() -> Timestamp {
    "2026-07-02T12:00:00Z".parse().unwrap()
}

pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let pki = Pki::new(now(), "http://crl.test", 2048);
        let helsenorge = pki.party("Helsenorge Testforvaltning", "994598759", 0x1001);
        let clinic = pki.party("Sentrum Legekontor AS", "912345600", 0x2001);
        let stranger = pki.party("Fremmed AS", "912345601", 0x3001);
        World { pki, helsenorge, clinic, stranger }
    });
    &WORLD
}

pub fn certificate(identity: &Identity) -> Certificate {
    Certificate::from_der(&identity.der()).unwrap()
}

pub fn key_pem(identity: &Identity) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(identity.key_pem())
}

pub fn signing_key(identity: &Identity) -> SigningKey {
    SigningKey::from_pem(&identity.chain_pem(), &key_pem(identity), None).unwrap()
}

pub fn decryption_key(identity: &Identity) -> DecryptionKey {
    DecryptionKey::from_pem(&identity.pem(), &key_pem(identity), None).unwrap()
}

/// Opens as the clinic does, expecting HelseNorge.
pub fn open(message: &[u8]) -> Result<Opened, OpenFault> {
    open_by(message, &Policy::default())
}

pub fn open_by(message: &[u8], policy: &Policy) -> Result<Opened, OpenFault> {
    let w = world();
    trust::open(message, &[decryption_key(&w.clinic.encryption)], &[certificate(&w.helsenorge.signing)], policy)
}

/// Asserts that the clinic reads [`CONTENT`] from HelseNorge, with nothing to warn of.
pub fn assert_opens(message: &[u8]) {
    let opened = open(message).unwrap();
    assert_eq!(opened.content, CONTENT);
    assert_eq!(opened.signer, certificate(&world().helsenorge.signing));
    assert_eq!(opened.recipient, certificate(&world().clinic.encryption));
    assert_eq!(opened.warnings, []);
}

/// Encrypts whatever it is for the clinic.
pub fn encrypted(inner: &[u8]) -> Vec<u8> {
    encrypted_with(inner, Cipher::aes_256_cbc())
}

pub fn encrypted_with(inner: &[u8], cipher: Cipher) -> Vec<u8> {
    let mut recipients = Stack::new().unwrap();
    recipients.push(world().clinic.encryption.x509().clone()).unwrap();
    CmsContentInfo::encrypt(&recipients, inner, cipher, CMSOptions::BINARY).unwrap().to_der().unwrap()
}

/// Signs [`CONTENT`] with any key under any certificate it fits, embedding what is given.
pub fn signed_by(identity: &Identity, embedded: &[&X509], options: CMSOptions) -> Vec<u8> {
    let mut stack = Stack::new().unwrap();
    for certificate in embedded {
        stack.push((*certificate).clone()).unwrap();
    }
    let options = options | CMSOptions::BINARY;
    let (x509, key) = (identity.x509(), identity.private_key());
    CmsContentInfo::sign(Some(x509), Some(key), Some(&stack), Some(CONTENT), options).unwrap().to_der().unwrap()
}

/// A certificate that HelseNorge's authority never issued, for the attacker's key.
pub fn forged(change: impl FnOnce(&mut Request)) -> Request {
    let mut request = world().pki.request(Subject::of("Angriper AS", "912345602"), "attacker", &[Usage::NonRepudiation], 0x6666);
    change(&mut request);
    request
}

/// A directory of its own, and `openssl` in it.
pub struct Bench(PathBuf);

impl Bench {
    /// Holds `content` and, as `NAME.pem` and `NAME.key`, everybody's certificates and keys.
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dialogpost-trust-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let bench = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&bench.0).unwrap();
        let w = world();
        bench.write("content", CONTENT);
        bench.write("root.pem", &w.pki.root.identity().pem());
        bench.write("intermediate.pem", &w.pki.intermediate.identity().pem());
        for (name, identity) in [
            ("signer", &w.helsenorge.signing),
            ("stranger", &w.stranger.encryption),
            ("recipient", &w.clinic.encryption),
            ("clinic", &w.clinic.signing),
            ("helsenorge", &w.helsenorge.encryption),
        ] {
            bench.write(&format!("{name}.pem"), &identity.pem());
            bench.write(&format!("{name}.key"), &identity.key_pem());
        }
        bench
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs `openssl` with arguments between blanks; returns what it printed.
    pub fn openssl(&self, arguments: &str) -> String {
        let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// HelseNorge signs `content`, then encrypts it for the clinic, with these further options; returns the message.
    pub fn message(&self, sign: &str, encrypt: &str) -> Vec<u8> {
        self.openssl(&format!(
            "cms -sign -binary -nodetach -outform DER -signer signer.pem -inkey signer.key -in content -out signed {sign}"
        ));
        self.openssl(&format!("cms -encrypt -binary -outform DER -in signed -out message {encrypt}"));
        self.read("message")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
