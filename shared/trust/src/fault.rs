//! Everything that can be wrong, with a stable code for us and a text for the sender.

use der::asn1::ObjectIdentifier;

/// Why a message was not opened.
///
/// `Display` is what the sender may read. Whatever goes wrong after the content cipher was put to work has the same text, or
/// error messages would tell an attacker about the plaintext, one guess at a time (CBC has no integrity of its own).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// More bytes than [`crate::Limits::max_bytes`].
    #[error("the message is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Not the CMS structure it should be.
    #[error("the message is not well-formed CMS")]
    Malformed,
    /// CMS, but not enveloped data; authenticated-enveloped data (AES-GCM) is one such.
    #[error("the CMS content type {oid} is not supported, only enveloped data")]
    ContentTypeUnsupported {
        /// What it is instead.
        oid: ObjectIdentifier,
    },
    /// A content cipher that must not be used.
    #[error("the content cipher {oid} is not supported")]
    CipherUnsupported {
        /// The cipher.
        oid: ObjectIdentifier,
    },
    /// The content key came to us in a way we do not know.
    #[error("the key transport {oid} is not supported")]
    KeyTransportUnsupported {
        /// The algorithm.
        oid: ObjectIdentifier,
    },
    /// Encrypted for certificates that are not ours.
    #[error("the message is encrypted for a certificate that the receiver does not have: {recipients}")]
    RecipientUnknown {
        /// The first of them: serial number and issuer, or key identifier.
        recipients: String,
    },
    /// No certificate is known that the signature could be checked with.
    #[error("the sender's signing certificate is not known")]
    SignerUnknown,
    /// Decryption or verification failed.
    #[error("the message could not be decrypted, or its signature is not valid")]
    Unverified(Unverified),
}

/// What exactly was not verified: for our own ledger, never for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// The content key or the padding is wrong.
    Decryption,
    /// What was decrypted is not CMS signed data around plain data.
    NotSignedData,
    /// No signer, or several.
    SignerCount,
    /// A digest that must not be used.
    DigestUnsupported {
        /// The digest.
        oid: ObjectIdentifier,
    },
    /// A signature algorithm that must not be used, or one that does not fit the digest.
    SignatureUnsupported {
        /// The algorithm.
        oid: ObjectIdentifier,
    },
    /// Signed, it says, by somebody else.
    SignerUnexpected,
    /// The signature does not fit content and certificate.
    Signature,
}

impl OpenFault {
    /// Stable, kebab-case; for our ledger.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "cms-too-large",
            Self::Malformed => "cms-malformed",
            Self::ContentTypeUnsupported { .. } => "content-type-unsupported",
            Self::CipherUnsupported { .. } => "cipher-unsupported",
            Self::KeyTransportUnsupported { .. } => "key-transport-unsupported",
            Self::RecipientUnknown { .. } => "recipient-unknown",
            Self::SignerUnknown => "signer-unknown",
            Self::Unverified(Unverified::Decryption) => "decryption-failed",
            Self::Unverified(Unverified::NotSignedData) => "signed-data-malformed",
            Self::Unverified(Unverified::SignerCount) => "signer-count",
            Self::Unverified(Unverified::DigestUnsupported { .. }) => "digest-unsupported",
            Self::Unverified(Unverified::SignatureUnsupported { .. }) => "signature-unsupported",
            Self::Unverified(Unverified::SignerUnexpected) => "signer-unexpected",
            Self::Unverified(Unverified::Signature) => "signature-invalid",
        }
    }

    /// The `errorCondition` of the error message that tells the sender.
    pub const fn condition(&self) -> &'static str {
        match self {
            Self::TooLarge { .. }
            | Self::ContentTypeUnsupported { .. }
            | Self::CipherUnsupported { .. }
            | Self::KeyTransportUnsupported { .. } => "transport:unsupported-message",
            Self::SignerUnknown => "transport:missing-certificate",
            Self::Malformed | Self::RecipientUnknown { .. } | Self::Unverified(_) => "transport:invalid-certificate",
        }
    }
}

/// Why a message was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// The recipient's certificate has no RSA key.
    #[error("the recipient's certificate has no RSA key")]
    Recipient,
    /// Signing failed.
    #[error("the message could not be signed")]
    Signature,
    /// Encrypting failed.
    #[error("the message could not be encrypted")]
    Encryption,
}

impl SealFault {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Recipient => "recipient-key-unsuitable",
            Self::Signature => "signing-failed",
            Self::Encryption => "encryption-failed",
        }
    }
}

/// Why bytes are no certificate or revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Neither DER nor PEM of one.
    #[error("not an X.509 structure")]
    Malformed,
    /// Its times cannot be read.
    #[error("its validity cannot be read")]
    Validity,
}

/// Why a private key was not loaded. Says nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The certificates are not readable.
    #[error("the certificate is not readable: {0}")]
    Certificate(CertificateFault),
    /// There is no certificate.
    #[error("there is no certificate")]
    CertificateMissing,
    /// There is no private key, or not in PEM, or its passphrase is wrong.
    #[error("there is no readable private key: none, not PEM, or another passphrase")]
    Unreadable,
    /// PKCS#12 with another password, without key or certificate, or encrypted as OpenSSL no longer does (RC2).
    #[error("neither PEM nor readable PKCS#12: another password, no key, or encrypted with RC2 (export it anew with AES-256)")]
    Pkcs12,
    /// Not RSA, or below 2048 bits.
    #[error("the private key is not RSA of at least 2048 bits")]
    Unsuitable,
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
}
