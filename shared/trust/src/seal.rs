//! Signing and encrypting.

use crate::certificate::Certificate;
use crate::fault::SealFault;
use crate::keys::SigningKey;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::pkey::Id;
use openssl::stack::Stack;
use openssl::symm::Cipher;

/// Signs `content` and encrypts it for `recipient`: signed data inside enveloped data, as DER.
///
/// # Errors
/// `Recipient` when its certificate has no RSA key.
pub fn seal(content: &[u8], signer: &SigningKey, recipient: &Certificate) -> Result<Vec<u8>, SealFault> {
    encrypt(&sign(content, signer)?, recipient)
}

/// Signed data around `content`, byte for byte: SHA-256, RSA PKCS#1 v1.5, the signer by issuer and serial number, with its
/// certificate and intermediates. No signed attributes, as HelseNorge's own client does it: signing looks at no clock.
///
/// # Errors
/// `Signature`.
pub fn sign(content: &[u8], signer: &SigningKey) -> Result<Vec<u8>, SealFault> {
    let options = CMSOptions::BINARY | CMSOptions::NOATTR;
    let signed = || {
        let mut embedded = Stack::new()?;
        for intermediate in signer.intermediates() {
            embedded.push(intermediate.x509().clone())?;
        }
        let certificate = signer.certificate().x509();
        CmsContentInfo::sign(Some(certificate), Some(signer.private_key()), Some(&embedded), Some(content), options)?.to_der()
    };
    signed().map_err(|_: ErrorStack| SealFault::Signature)
}

/// Enveloped data around `content`: AES-256-CBC, the content key by RSA PKCS#1 v1.5 for one recipient, named by issuer and
/// serial number.
///
/// # Errors
/// `Recipient` when its certificate has no RSA key, `Encryption`.
pub fn encrypt(content: &[u8], recipient: &Certificate) -> Result<Vec<u8>, SealFault> {
    if recipient.x509().public_key().map(|key| key.id()).ok() != Some(Id::RSA) {
        return Err(SealFault::Recipient);
    }
    let encrypted = || {
        let mut recipients = Stack::new()?;
        recipients.push(recipient.x509().clone())?;
        CmsContentInfo::encrypt(&recipients, content, Cipher::aes_256_cbc(), CMSOptions::BINARY)?.to_der()
    };
    encrypted().map_err(|_: ErrorStack| SealFault::Encryption)
}
