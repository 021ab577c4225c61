//! Our own keys.
//!
//! OpenSSL overwrites the numbers of an RSA key when the last holder lets go of it (`EVP_PKEY_free`, `BN_clear_free`); files
//! and passwords arrive in [`Zeroizing`], which does the same.

use crate::certificate::Certificate;
use crate::fault::KeyFault;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, PKeyRef, Private};
use std::fmt;
use zeroize::Zeroizing;

/// NIST SP 800-131A: nothing shorter is to be used.
const MIN_BITS: u32 = 2048;

#[derive(Clone)]
struct Pair {
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    key: PKey<Private>,
}

impl Pair {
    fn from_pem(chain: &[u8], key: &Zeroizing<Vec<u8>>, passphrase: Option<&Zeroizing<String>>) -> Result<Self, KeyFault> {
        let chain = Certificate::all_from_pem(chain).map_err(KeyFault::Certificate)?;
        // Without an answer of ours OpenSSL would ask the terminal.
        let answer = |buffer: &mut [u8]| Ok(passphrase.map_or(0, |given| fill(buffer, given.as_bytes())));
        let key = PKey::private_key_from_pem_callback(key, answer).map_err(|_| KeyFault::Unreadable)?;
        Self::new(chain, key)
    }

    fn from_pkcs12(file: &[u8], password: &Zeroizing<String>) -> Result<Self, KeyFault> {
        if password.contains('\0') {
            return Err(KeyFault::Pkcs12);
        }
        let parsed = Pkcs12::from_der(file).and_then(|p| p.parse2(password)).map_err(|_| KeyFault::Pkcs12)?;
        let key = parsed.pkey.ok_or(KeyFault::Pkcs12)?;
        let above = parsed.ca.into_iter().flatten();
        let chain: Result<Vec<_>, _> = parsed.cert.into_iter().chain(above).map(Certificate::from_x509).collect();
        Self::new(chain.map_err(KeyFault::Certificate)?, key)
    }

    /// `chain` is the key's certificate and, in any order, those above it.
    fn new(chain: Vec<Certificate>, key: PKey<Private>) -> Result<Self, KeyFault> {
        if key.id() != Id::RSA || key.bits() < MIN_BITS {
            return Err(KeyFault::Unsuitable);
        }
        let mut chain = chain.into_iter();
        let certificate = chain.next().ok_or(KeyFault::CertificateMissing)?;
        if !certificate.x509().public_key().is_ok_and(|public| public.public_eq(&key)) {
            return Err(KeyFault::Mismatch);
        }
        // The receiver has the root, or has no reason to believe it.
        let intermediates = chain.filter(|above| !above.is_self_issued()).collect();
        Ok(Self { certificate, intermediates, key })
    }
}

fn fill(buffer: &mut [u8], passphrase: &[u8]) -> usize {
    match buffer.get_mut(..passphrase.len()) {
        Some(room) => {
            room.copy_from_slice(passphrase);
            passphrase.len()
        }
        None => 0,
    }
}

/// A certificate of ours with its private key, to sign with.
#[derive(Clone)]
pub struct SigningKey(Pair);

/// A certificate of ours with its private key, to decrypt with.
#[derive(Clone)]
pub struct DecryptionKey(Pair);

macro_rules! loading {
    ($name:ident) => {
        impl $name {
            /// From PEM: the certificate, then any above it; and the private key (PKCS#8 or PKCS#1, encrypted or not).
            ///
            /// # Errors
            /// See [`KeyFault`]; a key that is not that of the first certificate is a `Mismatch`.
            pub fn from_pem(
                chain: &[u8],
                key: &Zeroizing<Vec<u8>>,
                passphrase: Option<&Zeroizing<String>>,
            ) -> Result<Self, KeyFault> {
                Pair::from_pem(chain, key, passphrase).map(Self)
            }

            /// From PKCS#12: key, certificate and any above it.
            ///
            /// # Errors
            /// See [`KeyFault`].
            pub fn from_pkcs12(file: &[u8], password: &Zeroizing<String>) -> Result<Self, KeyFault> {
                Pair::from_pkcs12(file, password).map(Self)
            }

            /// The certificate.
            pub fn certificate(&self) -> &Certificate {
                &self.0.certificate
            }

            pub(crate) fn private_key(&self) -> &PKeyRef<Private> {
                &self.0.key
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.certificate).finish()
            }
        }
    };
}

loading!(SigningKey);
loading!(DecryptionKey);

impl SigningKey {
    /// The certificates between ours and the root, which go with every signature.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.0.intermediates
    }
}

/// What one party has.
#[derive(Clone, Debug)]
pub struct KeyRing {
    /// Signs what we send.
    pub signing: SigningKey,
    /// Decrypts what we receive: the current certificate's key and those of earlier and coming ones, which counterparts may
    /// still or already use.
    pub decryption: Vec<DecryptionKey>,
}
