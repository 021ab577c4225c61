//! The protected exchange: authorities, keys and certificates made for a demo, and HelseNorge's use of them.

use crate::{Outcome, setup};
use helsenorge::exchange::file;
use helsenorge::{Message, Received, Sent};
use jiff::Timestamp;
use pki::{Identity, Period, Pki, Subject, Usage, key};
use std::path::Path;
use trust::{SigningKey, Zeroizing};

/// Size of every key.
const BITS: u32 = 2048;
/// Serial number of HelseNorge's signing certificate, which the forger uses too.
const SERIAL: u64 = 100;

/// Makes everything: `keys` and `trust` for the fleet, `helsenorge` for HelseNorge, and the set-up files `clinic.json` and
/// `clinics.json` with certificates and names of keys.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write(dir: &Path, now: Timestamp) -> Outcome<()> {
    // Nobody listens there: the lists are in TRUST_DIR.
    let pki = Pki::new(now, "http://127.0.0.1:9/crl", BITS);
    let (helsenorge, clinic) = pki.helsenorge_and_clinic();
    pki.write_exchange(dir, &helsenorge, &clinic)?;
    let own = dir.join("helsenorge");
    let forger = forger(&pki);
    std::fs::write(own.join("forger.pem"), [forger.pem(), helsenorge.signing.pem()].concat())?;
    std::fs::write(own.join("forger.key"), forger.key_pem())?;
    setup::write(dir, true)
}

/// Somebody whose certificate bears the issuer's name and the serial number of HelseNorge's, under an authority of their own making.
fn forger(pki: &Pki) -> Identity {
    let authority_key = key("forger's authority", BITS);
    let authority =
        pki.other_root.intermediate("Test Issuing CA", authority_key, Period::days(pki.now, -365, 365), &pki.root_crl_url);
    let subject = Subject::of("Norsk Helsenett SF", "994598759");
    authority.issue(pki.request(subject, "forger", &[Usage::NonRepudiation], SERIAL))
}

/// What HelseNorge has, and a forger's key.
pub(crate) struct Exchange {
    helsenorge: helsenorge::Exchange,
    forger: SigningKey,
}

impl Exchange {
    /// Reads what [`write()`] wrote.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read(dir: &Path) -> Outcome<Self> {
        let (certificate, key) = (file(dir, "forger.pem")?, Zeroizing::new(file(dir, "forger.key")?));
        Ok(Self { helsenorge: helsenorge::Exchange::read(dir)?, forger: SigningKey::from_pem(&certificate, &key, None)? })
    }

    /// The message as HelseNorge sends it.
    pub(crate) fn sealed(&self, message: &Message) -> Sent {
        self.helsenorge.sealed(message.build())
    }

    /// Signed by the forger, in HelseNorge's name and with HelseNorge's genuine certificate along.
    pub(crate) fn forged(&self, message: &Message) -> Sent {
        self.helsenorge.sealed_by(&self.forger, message.build())
    }

    /// What was received, as HelseNorge reads it; `None` when it is not signed by the clinic and encrypted for HelseNorge.
    pub(crate) fn opened(&self, received: &Received) -> Option<Received> {
        self.helsenorge.opened(received)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use trust::{DecryptionKey, OpenFault, Policy, Unverified, open};

    /// Fresh keys.
    pub(crate) fn exchange() -> Exchange {
        let dir = std::env::temp_dir().join(format!("dialogpost-demo-{}-{}", std::process::id(), uuid::Uuid::new_v4()));
        write(&dir, "2026-11-02T12:00:00Z".parse().unwrap()).unwrap();
        let exchange = Exchange::read(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        exchange
    }

    #[test]
    fn what_the_forger_signs_bears_helsenorges_name_and_certificate_and_does_not_verify() {
        let dir = std::env::temp_dir().join(format!("dialogpost-demo-forger-{}", std::process::id()));
        write(&dir, "2026-11-02T12:00:00Z".parse().unwrap()).unwrap();
        let exchange = Exchange::read(&dir).unwrap();
        let key = std::fs::read(dir.join("keys/encryption.pem")).unwrap();
        let clinic = DecryptionKey::from_pem(&key, &Zeroizing::new(key.clone()), None).unwrap();
        let expected = std::slice::from_ref(exchange.helsenorge.signing_certificate());
        let opened = |sent: Sent| open(&sent.body, std::slice::from_ref(&clinic), expected, &Policy::default());
        assert!(opened(exchange.sealed(&Message::ekontakt())).is_ok());
        let forged = opened(exchange.forged(&Message::ekontakt()));
        assert_eq!(forged.unwrap_err(), OpenFault::Unverified(Unverified::Signature));
        assert!(exchange.forger.intermediates().contains(exchange.helsenorge.signing_certificate()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
