//! What HelseNorge has in a protected exchange: its own keys, and the clinics' certificates.

use crate::message::Sent;
use crate::received::Received;
use crate::sealing::SEALED;
use std::error::Error;
use std::path::Path;
use std::thread::{available_parallelism, scope};
use trust::{Certificate, DecryptionKey, SigningKey, Zeroizing};

/// See the module.
pub struct Exchange {
    signing: SigningKey,
    decryption: DecryptionKey,
    clinic_signing: Certificate,
    clinic_encryption: Certificate,
}

impl Exchange {
    /// Reads what `pki::Pki::write_exchange` wrote.
    ///
    /// # Errors
    /// A file cannot be read; it is named.
    pub fn read(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let (certificate, key) = (|name: &str| file(dir, &format!("{name}.pem")), |name: &str| file(dir, &format!("{name}.key")));
        Ok(Self {
            signing: SigningKey::from_pem(&certificate("signing")?, &Zeroizing::new(key("signing")?), None)?,
            decryption: DecryptionKey::from_pem(&certificate("encryption")?, &Zeroizing::new(key("encryption")?), None)?,
            clinic_signing: Certificate::from_pem(&certificate("clinic-signing")?)?,
            clinic_encryption: Certificate::from_pem(&certificate("clinic-encryption")?)?,
        })
    }

    /// Signed by HelseNorge, and encrypted for the clinics.
    #[must_use]
    pub fn sealed(&self, sent: Sent) -> Sent {
        self.sealed_by(&self.signing, sent)
    }

    /// Signed by somebody else.
    #[must_use]
    pub fn sealed_by(&self, signer: &SigningKey, sent: Sent) -> Sent {
        sent.sealed(signer, &self.clinic_encryption)
    }

    /// Many, on all cores; the order stays.
    #[must_use]
    pub fn sealed_all(&self, sent: Vec<Sent>) -> Vec<Sent> {
        on_all_cores(sent, |sent| self.sealed(sent))
    }

    /// What was received, as HelseNorge reads it; `None` when it is not signed by the clinic and encrypted for HelseNorge.
    pub fn opened(&self, received: &Received) -> Option<Received> {
        let sealed = received.properties.content_type.as_deref() == Some(SEALED);
        sealed.then(|| received.opened(&self.decryption, &self.clinic_signing).ok()).flatten()
    }

    /// Many, on all cores; the order stays.
    pub fn opened_all(&self, received: Vec<Received>) -> Vec<Option<Received>> {
        on_all_cores(received, |received| self.opened(&received))
    }

    /// The certificate that HelseNorge signs with.
    pub fn signing_certificate(&self) -> &Certificate {
        self.signing.certificate()
    }
}

/// A file of HelseNorge's own.
///
/// # Errors
/// It cannot be read; it is named.
pub fn file(dir: &Path, name: &str) -> Result<Vec<u8>, String> {
    let path = dir.join("helsenorge").join(name);
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Does something to each, on all cores; the order stays.
pub fn on_all_cores<T: Send, U: Send>(all: Vec<T>, make: impl Fn(T) -> U + Sync) -> Vec<U> {
    let length = all.len().div_ceil(available_parallelism().map_or(1, usize::from)).max(1);
    let mut all = all.into_iter();
    let parts = std::iter::from_fn(|| Some(all.by_ref().take(length).collect::<Vec<T>>()).filter(|part| !part.is_empty()));
    let parts: Vec<Vec<T>> = parts.collect();
    let make = &make;
    scope(|scope| {
        let threads: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || part.into_iter().map(make).collect::<Vec<U>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        for n in [0, 1, 2, 7, 1000] {
            let all: Vec<usize> = (0..n).collect();
            assert_eq!(on_all_cores(all.clone(), |n| n), all);
        }
    }
}
