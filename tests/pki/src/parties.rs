//! The certificates of a small message exchange, good and bad.

use crate::authority::{Authority, CrlRequest};
use crate::identity::Identity;
use crate::keys::key;
use crate::request::{Period, Request, Subject, Usage};
use jiff::Timestamp;
use std::io;
use std::path::Path;

/// Serial number of the certificate that [`Pki::crl`] lists.
const REVOKED: u64 = 0x0BAD;

/// A party with the two certificates it publishes.
#[derive(Clone)]
pub struct Party {
    /// Its certificate with nonRepudiation.
    pub signing: Identity,
    /// Its certificate with keyEncipherment.
    pub encryption: Identity,
}

/// An authority with an intermediate, and one that nobody trusts.
#[derive(Clone)]
pub struct Pki {
    /// The time around which everything is valid.
    pub now: Timestamp,
    /// The anchor.
    pub root: Authority,
    /// Who issues, below the root.
    pub intermediate: Authority,
    /// Another anchor, by the same name as the root: nobody's.
    pub other_root: Authority,
    /// Where the intermediate's revocation list is said to be.
    pub crl_url: String,
    /// Where the root's revocation list is said to be.
    pub root_crl_url: String,
    bits: u32,
}

impl Pki {
    /// Authorities valid around `now`, whose lists are at `{crl_base}/issuing.crl` and `{crl_base}/root.crl`; parties' keys
    /// have `bits` bits.
    pub fn new(now: Timestamp, crl_base: &str, bits: u32) -> Self {
        let (crl_url, root_crl_url) = (format!("{crl_base}/issuing.crl"), format!("{crl_base}/root.crl"));
        let root = Authority::root("Test Root CA", key("root", 2048), Period::days(now, -3650, 3650));
        let intermediate =
            root.intermediate("Test Issuing CA", key("intermediate", 2048), Period::days(now, -1825, 1825), &root_crl_url);
        let other_root = Authority::root("Test Root CA", key("other root", 2048), Period::days(now, -3650, 3650));
        Self { now, root, intermediate, other_root, crl_url, root_crl_url, bits }
    }

    /// A request that deserves a certificate; change it to make one that is not so good. Keys are shared by name.
    pub fn request(&self, subject: Subject, key_name: &str, usages: &[Usage], serial: u64) -> Request {
        Request {
            subject,
            key: key(key_name, self.bits),
            usages: usages.to_vec(),
            period: Period::days(self.now, -365, 365),
            serial,
            crl_urls: vec![self.crl_url.clone()],
            hosts: Vec::new(),
        }
    }

    /// A party with certificates of serial number `serial` and `serial + 1`.
    pub fn party(&self, organisation: &str, organisation_number: &str, serial: u64) -> Party {
        let issue = |usages: &[Usage], purpose: &str, serial| {
            let key_name = format!("{organisation_number} {purpose}");
            let subject = Subject::of(organisation, organisation_number);
            self.intermediate.issue(self.request(subject, &key_name, usages, serial))
        };
        Party {
            signing: issue(&[Usage::NonRepudiation], "signing", serial),
            encryption: issue(&[Usage::KeyEncipherment], "encryption", serial + 1),
        }
    }

    /// For a server of this name, issued by the root.
    pub fn server(&self, host: &str, serial: u64) -> Identity {
        let request = self.request(Subject::of(host, "999888776"), host, &[Usage::DigitalSignature], serial);
        self.root.issue(Request { hosts: vec![host.to_owned()], crl_urls: Vec::new(), ..request })
    }

    /// One certificate for both.
    pub fn dual_use(&self, serial: u64) -> Identity {
        self.intermediate.issue(self.bad(&[Usage::NonRepudiation, Usage::KeyEncipherment], serial))
    }

    /// Ended yesterday.
    pub fn expired(&self, serial: u64) -> Identity {
        let period = Period::days(self.now, -365, -1);
        self.intermediate.issue(Request { period, ..self.bad(&[Usage::NonRepudiation], serial) })
    }

    /// Begins tomorrow.
    pub fn not_yet_valid(&self, serial: u64) -> Identity {
        let period = Period::days(self.now, 1, 365);
        self.intermediate.issue(Request { period, ..self.bad(&[Usage::NonRepudiation], serial) })
    }

    /// Listed by [`Pki::crl`].
    pub fn revoked(&self) -> Identity {
        self.intermediate.issue(self.bad(&[Usage::NonRepudiation], REVOKED))
    }

    /// For logging in only.
    pub fn wrong_usage(&self, serial: u64) -> Identity {
        self.intermediate.issue(self.bad(&[Usage::DigitalSignature], serial))
    }

    /// Vouches for itself.
    pub fn self_signed(&self, serial: u64) -> Identity {
        Authority::self_signed(self.bad(&[Usage::NonRepudiation], serial))
    }

    /// Issued by the authority that nobody trusts.
    pub fn of_other_root(&self, serial: u64) -> Identity {
        self.other_root.issue(self.bad(&[Usage::NonRepudiation], serial))
    }

    /// The intermediate's list: made yesterday, good for a week, with [`Pki::revoked`] on it since yesterday.
    pub fn crl(&self) -> Vec<u8> {
        let period = Period::days(self.now, -1, 7);
        self.intermediate.crl(&list(period, vec![(REVOKED, period.from)]))
    }

    /// The same list, but it should have been renewed yesterday.
    pub fn expired_crl(&self) -> Vec<u8> {
        let period = Period::days(self.now, -8, -1);
        self.intermediate.crl(&list(period, vec![(REVOKED, period.from)]))
    }

    /// The root's list: empty.
    pub fn root_crl(&self) -> Vec<u8> {
        self.root.crl(&list(Period::days(self.now, -1, 90), Vec::new()))
    }

    /// Writes `root.pem`, `intermediate.pem`, `issuing.crl`, `root.crl` and for each named party `NAME-signing.pem`,
    /// `NAME-signing.key`, `NAME-encryption.pem`, `NAME-encryption.key`: certificates with their intermediates.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path, parties: &[(&str, &Party)]) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("root.pem"), self.root.identity().pem())?;
        std::fs::write(dir.join("intermediate.pem"), self.intermediate.identity().pem())?;
        std::fs::write(dir.join("issuing.crl"), self.crl())?;
        std::fs::write(dir.join("root.crl"), self.root_crl())?;
        for (name, party) in parties {
            for (purpose, identity) in [("signing", &party.signing), ("encryption", &party.encryption)] {
                std::fs::write(dir.join(format!("{name}-{purpose}.pem")), identity.chain_pem())?;
                std::fs::write(dir.join(format!("{name}-{purpose}.key")), identity.key_pem())?;
            }
        }
        Ok(())
    }

    /// HelseNorge, and the clinic of the example; HelseNorge's signing certificate has the serial number 100.
    pub fn helsenorge_and_clinic(&self) -> (Party, Party) {
        (self.party("Norsk Helsenett SF", "994598759", 100), self.party("Solbakken legesenter AS", "999999999", 200))
    }

    /// Writes a protected exchange between HelseNorge and a clinic: `trust` and `keys` for a fleet (`signing.pem` and `encryption.pem`, each a
    /// certificate with its key), `helsenorge` for whoever plays HelseNorge: its own, and what it finds in the register.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_exchange(&self, dir: &Path, helsenorge: &Party, clinic: &Party) -> io::Result<()> {
        let (keys, own) = (dir.join("keys"), dir.join("helsenorge"));
        self.write(&dir.join("trust"), &[])?;
        for dir in [&keys, &own] {
            std::fs::create_dir_all(dir)?;
        }
        for (name, identity) in [("signing.pem", &clinic.signing), ("encryption.pem", &clinic.encryption)] {
            std::fs::write(keys.join(name), [identity.chain_pem(), identity.key_pem()].concat())?;
            std::fs::write(own.join(format!("clinic-{name}")), identity.pem())?;
        }
        for (name, identity) in [("signing", &helsenorge.signing), ("encryption", &helsenorge.encryption)] {
            std::fs::write(own.join(format!("{name}.pem")), identity.pem())?;
            std::fs::write(own.join(format!("{name}.key")), identity.key_pem())?;
        }
        Ok(())
    }

    fn bad(&self, usages: &[Usage], serial: u64) -> Request {
        self.request(Subject::of("Ymse Legesenter AS", "912345678"), "somebody", usages, serial)
    }
}

fn list(period: Period, revoked: Vec<(u64, Timestamp)>) -> CrlRequest {
    CrlRequest { this_update: period.from, next_update: period.until, revoked, extensions: Vec::new() }
}
