//! The protected exchange: authorities, keys and certificates made for a demo, and HelseNorge's use of them.

use crate::{Outcome, setup};
use helsenorge::{Message, Received, SEALED, Sent};
use jiff::Timestamp;
use pki::{Identity, Period, Pki, Subject, Usage, key};
use std::path::Path;
use trust::{Certificate, DecryptionKey, SigningKey, Zeroizing};

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
    let helsenorge = pki.party("Norsk Helsenett SF", "994598759", SERIAL);
    let clinic = pki.party("Solbakken legesenter AS", "999999999", 200);
    let (keys, own) = (dir.join("keys"), dir.join("helsenorge"));
    pki.write(&dir.join("trust"), &[])?;
    for dir in [&keys, &own] {
        std::fs::create_dir_all(dir)?;
    }
    for (name, identity) in [("signing.pem", &clinic.signing), ("encryption.pem", &clinic.encryption)] {
        std::fs::write(keys.join(name), [identity.chain_pem(), identity.key_pem()].concat())?;
        // What HelseNorge finds in the register.
        std::fs::write(own.join(format!("clinic-{name}")), identity.pem())?;
    }
    for (name, identity) in [("signing", &helsenorge.signing), ("encryption", &helsenorge.encryption)] {
        std::fs::write(own.join(format!("{name}.pem")), identity.pem())?;
        std::fs::write(own.join(format!("{name}.key")), identity.key_pem())?;
    }
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

/// What HelseNorge has: its own keys, the clinics' certificates, and a forger's key.
pub(crate) struct Exchange {
    signing: SigningKey,
    decryption: DecryptionKey,
    clinic_signing: Certificate,
    clinic_encryption: Certificate,
    forger: SigningKey,
}

impl Exchange {
    /// Reads what [`write()`] wrote.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read(dir: &Path) -> Outcome<Self> {
        let dir = dir.join("helsenorge");
        let file = |name: &str| std::fs::read(dir.join(name)).map_err(|error| format!("{name} of --exchange: {error}"));
        Ok(Self {
            signing: SigningKey::from_pem(&file("signing.pem")?, &Zeroizing::new(file("signing.key")?), None)?,
            decryption: DecryptionKey::from_pem(&file("encryption.pem")?, &Zeroizing::new(file("encryption.key")?), None)?,
            clinic_signing: Certificate::from_pem(&file("clinic-signing.pem")?)?,
            clinic_encryption: Certificate::from_pem(&file("clinic-encryption.pem")?)?,
            forger: SigningKey::from_pem(&file("forger.pem")?, &Zeroizing::new(file("forger.key")?), None)?,
        })
    }

    /// The message as HelseNorge sends it.
    pub(crate) fn sealed(&self, message: &Message) -> Sent {
        message.build().sealed(&self.signing, &self.clinic_encryption)
    }

    /// Signed by the forger, in HelseNorge's name and with HelseNorge's genuine certificate along.
    pub(crate) fn forged(&self, message: &Message) -> Sent {
        message.build().sealed(&self.forger, &self.clinic_encryption)
    }

    /// What was received, as HelseNorge reads it; `None` when it is not signed by the clinic and encrypted for HelseNorge.
    pub(crate) fn opened(&self, received: &Received) -> Option<Received> {
        let sealed = received.properties.content_type.as_deref() == Some(SEALED);
        sealed.then(|| received.opened(&self.decryption, &self.clinic_signing).ok()).flatten()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use trust::{OpenFault, Policy, Unverified, open};

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
        let expected = std::slice::from_ref(exchange.signing.certificate());
        let opened = |sent: Sent| open(&sent.body, std::slice::from_ref(&clinic), expected, &Policy::default());
        assert!(opened(exchange.sealed(&Message::ekontakt())).is_ok());
        let forged = opened(exchange.forged(&Message::ekontakt()));
        assert_eq!(forged.unwrap_err(), OpenFault::Unverified(Unverified::Signature));
        assert!(exchange.forger.intermediates().contains(exchange.signing.certificate()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
