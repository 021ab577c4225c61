//! A message exchange under protection: authorities, keys and certificates made for one test.

use crate::Fleet;
use domain::agreement::KnownCertificate;
use domain::setup::{OwnCertificates, Setup};
use helsenorge::{Message, Received, Sent};
use jiff::Timestamp;
use pki::{Identity, Party, Pki};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trust::{Certificate, DecryptionKey, SigningKey, Zeroizing};

/// HelseNorge and the clinic, each with certificates, and who issued them.
pub struct Exchange {
    /// The authorities.
    pub pki: Pki,
    /// HelseNorge's certificates and keys.
    pub helsenorge: Party,
    /// The clinic's.
    pub clinic: Party,
    dir: PathBuf,
}

impl Exchange {
    /// With RSA keys of so many bits.
    #[allow(clippy::disallowed_methods)]
    pub fn new(bits: u32) -> Self {
        Self::at(Timestamp::now(), bits)
    }

    /// As [`Exchange::new`], around another time than now.
    pub fn at(now: Timestamp, bits: u32) -> Self {
        let exchange = Self::below(now, "http://127.0.0.1:9/crl", bits);
        std::fs::write(exchange.trust().join("issuing.crl"), exchange.pki.crl()).expect("a file");
        std::fs::write(exchange.trust().join("root.crl"), exchange.pki.root_crl()).expect("a file");
        exchange
    }

    /// As [`Exchange::new`], but revocation lists are at `{crl_base}/issuing.crl` and `{crl_base}/root.crl`, and nowhere else.
    #[allow(clippy::disallowed_methods)]
    pub fn with_lists_at(crl_base: &str, bits: u32) -> Self {
        Self::below(Timestamp::now(), crl_base, bits)
    }

    fn below(now: Timestamp, crl_base: &str, bits: u32) -> Self {
        let pki = Pki::new(now, crl_base, bits);
        let (helsenorge, clinic) = pki.helsenorge_and_clinic();
        let dir = std::env::temp_dir().join(format!("dialogpost-exchange-{}-{:x}", std::process::id(), rand::random::<u64>()));
        let exchange = Self { pki, helsenorge, clinic, dir };
        exchange.write();
        exchange
    }

    fn write(&self) {
        for dir in [self.keys(), self.trust()] {
            std::fs::create_dir_all(dir).expect("a directory");
        }
        for (name, authority) in [("root.pem", &self.pki.root), ("intermediate.pem", &self.pki.intermediate)] {
            std::fs::write(self.trust().join(name), authority.identity().pem()).expect("a file");
        }
        self.put_key("signing.pem", &self.clinic.signing);
        self.put_key("encryption.pem", &self.clinic.encryption);
    }

    /// Puts a key of the clinic's where the fleet looks for it.
    pub fn put_key(&self, name: &str, identity: &Identity) {
        std::fs::write(self.keys().join(name), [identity.chain_pem(), identity.key_pem()].concat()).expect("a file");
    }

    /// `KEYS_DIR`.
    pub fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// `TRUST_DIR`.
    pub fn trust(&self) -> PathBuf {
        self.dir.join("trust")
    }

    /// A fleet that takes nothing unprotected, with the example clinic.
    pub async fn fleet(&self) -> Fleet {
        self.fleet_of(Fleet::new().await).await
    }

    /// As [`Exchange::fleet`], of a fleet that has the example clinic already.
    pub async fn fleet_of(&self, mut fleet: Fleet) -> Fleet {
        fleet.settings = self.settings();
        fleet.apply_setup(self.setup()).await;
        fleet
    }

    /// The environment of a fleet that takes nothing unprotected.
    pub fn settings(&self) -> BTreeMap<&'static str, String> {
        [("KEYS_DIR", path(&self.keys())), ("TRUST_DIR", path(&self.trust())), ("PLAIN_CONTENT", "refuse".to_owned())].into()
    }

    /// The example clinic with these certificates.
    pub fn setup(&self) -> Setup {
        self.protect(serde_json::from_str(include_str!("../../fixtures/clinic.json")).expect("a set-up file"))
    }

    /// A set-up with these certificates: those of its first party and of its first clinic.
    pub fn protect(&self, mut setup: Setup) -> Setup {
        setup.parties[0].certificates = vec![known(&self.helsenorge.signing), known(&self.helsenorge.encryption)];
        setup.clinics[0].own_certificates = OwnCertificates {
            signing: Some("signing.pem".into()),
            encryption: Some("encryption.pem".into()),
            legacy_encryption: vec![],
        };
        setup
    }

    /// The message as HelseNorge sends it.
    pub fn sealed(&self, message: &Message) -> Sent {
        message.build().sealed(&self.signer(), &certificate(&self.clinic.encryption))
    }

    /// HelseNorge's signing key.
    pub fn signer(&self) -> SigningKey {
        signing_key(&self.helsenorge.signing)
    }

    /// What HelseNorge reads of what it got.
    pub fn opened(&self, received: &Received) -> Received {
        let key = decryption_key(&self.helsenorge.encryption);
        received.opened(&key, &certificate(&self.clinic.signing)).expect("HelseNorge can open it")
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path of plain characters").to_owned()
}

/// The certificate of an identity.
pub fn certificate(identity: &Identity) -> Certificate {
    Certificate::from_der(&identity.der()).expect("a certificate")
}

/// Its key, to sign with.
pub fn signing_key(identity: &Identity) -> SigningKey {
    SigningKey::from_pem(&identity.chain_pem(), &Zeroizing::new(identity.key_pem()), None).expect("a key")
}

/// Its key, to decrypt with.
pub fn decryption_key(identity: &Identity) -> DecryptionKey {
    DecryptionKey::from_pem(&identity.chain_pem(), &Zeroizing::new(identity.key_pem()), None).expect("a key")
}

/// What a registry says of a certificate.
pub fn known(identity: &Identity) -> KnownCertificate {
    operator::certificate::known(&identity.der()).expect("a certificate")
}
