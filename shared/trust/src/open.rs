//! Decrypting and verifying.

use crate::algorithms::check_cipher;
use crate::ber::trimmed;
use crate::certificate::Certificate;
use crate::envelope::Envelope;
use crate::fault::{OpenFault, Unverified};
use crate::keys::DecryptionKey;
use crate::policy::{Policy, Warning};
use crate::signed::{Embedded, Signed};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::stack::Stack;
use std::borrow::Cow;

/// A message whose signature was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was signed, byte for byte.
    pub content: Vec<u8>,
    /// Who signed: the one of the expected certificates whose key verified it. Whether the certificate itself may be relied
    /// on is for [`crate::validate`] to say.
    pub signer: Certificate,
    /// Certificates that came with the signature.
    pub embedded: Embedded,
    /// Which of our certificates it was encrypted for.
    pub recipient: Certificate,
    /// What passed but should be counted.
    pub warnings: Vec<Warning>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("content_bytes", &self.content.len())
            .field("signer", &self.signer)
            .field("recipient", &self.recipient)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Decrypts `message` with the one of our `own` keys it was encrypted for and verifies its only signature with the one of
/// the sender's `expected` certificates it names, and with no other key.
///
/// BER and DER both pass. An embedded certificate is never used to verify: anybody can embed the genuine one beside their
/// own and sign with their own.
///
/// # Errors
/// See [`OpenFault`]. With no certificate expected a readable message is `SignerUnknown`.
pub fn open(message: &[u8], own: &[DecryptionKey], expected: &[Certificate], policy: &Policy) -> Result<Opened, OpenFault> {
    let message = trimmed(message, &policy.limits)?;
    let parsed = CmsContentInfo::from_der(message).map_err(|_| OpenFault::Malformed)?;
    let envelope = Envelope::read(message, &parsed)?;
    let legacy_cipher = check_cipher(envelope.cipher, policy)?;
    let key = envelope.key(own)?;
    let Some(any_expected) = expected.first() else { return Err(OpenFault::SignerUnknown) };

    // With the certificate given, OpenSSL goes on with a random key when the content key is malformed (RFC 3218).
    let verified = match parsed.decrypt(key.private_key(), key.certificate().x509()) {
        Ok(signed) => verify(&signed, expected, policy),
        Err(_) => Err(Unverified::Decryption),
    };
    match verified {
        Ok(verified) => Ok(Opened {
            content: verified.content,
            signer: verified.signer,
            embedded: verified.embedded,
            recipient: key.certificate().clone(),
            warnings: [legacy_cipher, verified.warning].into_iter().flatten().collect(),
        }),
        Err(fault) => {
            if fault != Unverified::Signature {
                take_as_long(message, any_expected);
            }
            Err(OpenFault::Unverified(fault))
        }
    }
}

struct Verified {
    content: Vec<u8>,
    signer: Certificate,
    embedded: Embedded,
    warning: Option<Warning>,
}

fn verify(signed: &[u8], expected: &[Certificate], policy: &Policy) -> Result<Verified, Unverified> {
    let signed = trimmed(signed, &policy.limits).map_err(|_| Unverified::NotSignedData)?;
    let (view, as_sent) = read(signed, policy.limits.max_certificates)?;
    let warning = view.check(policy)?;

    let mut fault = Unverified::SignerUnexpected;
    for signer in expected.iter().filter(|certificate| view.names(certificate)) {
        fault = Unverified::Signature;
        let mut content = verify_with(&as_sent, signer);
        if content.is_err() && view.has_attributes() {
            // OpenSSL takes signed attributes as they came. Some senders sign them in DER order and send them in another.
            content = sorted(&as_sent).and_then(|sorted| verify_with(&sorted, signer));
        }
        if let Ok(content) = content {
            return Ok(Verified { content, signer: signer.clone(), embedded: view.embedded, warning });
        }
    }
    Err(fault)
}

/// What the signed data says of itself, and the bytes to verify, their attributes as they came.
fn read(signed: &[u8], max_certificates: usize) -> Result<(Signed, Cow<'_, [u8]>), Unverified> {
    if let Ok(view) = Signed::from_der(signed, max_certificates) {
        let mut view = view?;
        let bare = std::mem::take(&mut view.bare);
        return Ok((view, Cow::Owned(bare)));
    }
    // BER, or nothing at all.
    let der = sorted(signed).map_err(|_| Unverified::NotSignedData)?;
    let view = Signed::from_der(&der, max_certificates).unwrap_or(Err(Unverified::NotSignedData))?;
    Ok((view, Cow::Borrowed(signed)))
}

/// The same as DER, which sorts sets.
fn sorted(signed: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    CmsContentInfo::from_der(signed)?.to_der()
}

/// The content, if this certificate's key made the signature. Parsed anew each time: OpenSSL remembers in the structure whom
/// it tried.
fn verify_with(signed: &[u8], signer: &Certificate) -> Result<Vec<u8>, ErrorStack> {
    let mut only = Stack::new()?;
    only.push(signer.x509().clone())?;
    let mut content = Vec::new();
    // Not intern: no embedded certificate. Chain and usage are checked elsewhere, against time and policy.
    let options = CMSOptions::NOINTERN | CMSOptions::NO_SIGNER_CERT_VERIFY | CMSOptions::BINARY;
    CmsContentInfo::from_der(signed)?.verify(Some(&only), None, None, Some(&mut content), options)?;
    Ok(content)
}

/// Does what a verification would have done, so that the time to an answer does not tell a wrong padding from a wrong
/// signature.
fn take_as_long(message: &[u8], certificate: &Certificate) {
    let work = || {
        let key = certificate.x509().public_key()?;
        Verifier::new(MessageDigest::sha256(), &key)?.verify_oneshot(&vec![1; key.size()], message)
    };
    // It fails, as it should.
    let _: Result<bool, ErrorStack> = work();
}
