//! What may pass, and what passes with a word said.

use der::asn1::ObjectIdentifier;

/// What becomes of an algorithm that was good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legacy {
    /// The message is refused.
    Refuse,
    /// The message passes, with a [`Warning`].
    Warn,
}

/// How much it matters whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Nothing passes before a current list says that it is not revoked.
    Required,
    /// It passes unless a current list says that it is revoked.
    SoftFail,
    /// Nobody looks.
    Off,
}

/// Bounds on one message, and on the signed data inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as received. OpenSSL copies them a few times.
    pub max_bytes: usize,
    /// ASN.1 values inside each other; OpenSSL itself stops at 30.
    pub max_depth: usize,
    /// Certificates embedded in the signed data.
    pub max_certificates: usize,
}

impl Default for Limits {
    /// 64 MiB, 30 levels, 32 certificates.
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024, max_depth: 30, max_certificates: 32 }
    }
}

/// Which messages and certificates pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Bounds on one message.
    pub limits: Limits,
    /// 3DES-CBC as content cipher.
    pub triple_des: Legacy,
    /// SHA-1 under a signature.
    pub sha1: Legacy,
    /// Revocation of certificates.
    pub revocation: Revocation,
}

impl Default for Policy {
    /// No legacy algorithms; revocation is required.
    fn default() -> Self {
        Self { limits: Limits::default(), triple_des: Legacy::Refuse, sha1: Legacy::Refuse, revocation: Revocation::Required }
    }
}

/// Something a metric should count, by its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// The content cipher is one that was good once.
    LegacyCipher {
        /// Its OID.
        oid: ObjectIdentifier,
    },
    /// So is the digest under the signature.
    LegacyDigest {
        /// Its OID.
        oid: ObjectIdentifier,
    },
}
