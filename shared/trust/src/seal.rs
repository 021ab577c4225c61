//! Signing and encrypting.
//!
//! OpenSSL does what takes keys; the structure around a large content is put together here, so that a content is held twice at most:
//! once as it came and once as it goes. OpenSSL alone would hold it four times.

use crate::algorithms::{AES_256_CBC, DATA, ENVELOPED_DATA, RSA};
use crate::certificate::Certificate;
use crate::fault::SealFault;
use crate::keys::SigningKey;
use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo, RecipientInfos,
};
use cms::signed_data::SignedData;
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode, EncodeValue, Tag, Tagged};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::pkey::Id;
use openssl::rand::rand_bytes;
use openssl::rsa::Padding;
use openssl::stack::Stack;
use openssl::symm::{self, Cipher};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

/// Bytes of an AES-256 key.
const KEY: usize = 32;
/// Bytes of an AES block.
const BLOCK: usize = 16;

/// Signs `content` and encrypts it for `recipient`: signed data inside enveloped data, as DER.
///
/// # Errors
/// `Recipient` when its certificate has no RSA key.
pub fn seal(content: Vec<u8>, signer: &SigningKey, recipient: &Certificate) -> Result<Vec<u8>, SealFault> {
    encrypt(sign(content, signer)?, recipient)
}

/// Signed data around `content`, byte for byte: SHA-256, RSA PKCS#1 v1.5, the signer by issuer and serial number, with its
/// certificate and intermediates. No signed attributes, as HelseNorge's own client does it: signing looks at no clock.
///
/// # Errors
/// `Signature`.
pub fn sign(content: Vec<u8>, signer: &SigningKey) -> Result<Vec<u8>, SealFault> {
    let signature = detached(&content, signer).map_err(|_| SealFault::Signature)?;
    around(content, &signature).map_err(|_| SealFault::Signature)
}

/// Signed data without what is signed.
fn detached(content: &[u8], signer: &SigningKey) -> Result<Vec<u8>, ErrorStack> {
    let options = CMSOptions::BINARY | CMSOptions::NOATTR | CMSOptions::DETACHED;
    let mut embedded = Stack::new()?;
    for intermediate in signer.intermediates() {
        embedded.push(intermediate.x509().clone())?;
    }
    let certificate = signer.certificate().x509();
    CmsContentInfo::sign(Some(certificate), Some(signer.private_key()), Some(&embedded), Some(content), options)?.to_der()
}

fn around(content: Vec<u8>, signature: &[u8]) -> der::Result<Vec<u8>> {
    let ContentInfo { content_type, content: signed } = ContentInfo::from_der(signature)?;
    let mut signed: SignedData = signed.decode_as()?;
    signed.encap_content_info.econtent = Some(Any::new(Tag::OctetString, content)?);
    content_info(content_type, signed)
}

/// Enveloped data around `content`: AES-256-CBC, the content key by RSA PKCS#1 v1.5 for one recipient, named by issuer and
/// serial number.
///
/// # Errors
/// `Recipient` when its certificate has no RSA key, or no name that can be written; `Encryption`.
pub fn encrypt(content: Vec<u8>, recipient: &Certificate) -> Result<Vec<u8>, SealFault> {
    let (mut key, mut iv) = (Zeroizing::new([0; KEY]), [0; BLOCK]);
    let random = |bytes: &mut [u8]| rand_bytes(bytes).map_err(|_| SealFault::Encryption);
    random(key.as_mut_slice())?;
    random(&mut iv)?;
    let recipient = transported(key.as_slice(), recipient)?;
    let encrypted =
        symm::encrypt(Cipher::aes_256_cbc(), key.as_slice(), Some(&iv), &content).map_err(|_| SealFault::Encryption)?;
    drop(content);
    enveloped(encrypted, &iv, recipient).map_err(|_| SealFault::Encryption)
}

/// The content key for its recipient.
fn transported(key: &[u8], recipient: &Certificate) -> Result<KeyTransRecipientInfo, SealFault> {
    let x509 = recipient.x509();
    let public = x509.public_key().ok().filter(|key| key.id() == Id::RSA).ok_or(SealFault::Recipient)?;
    let rid = named(recipient).ok_or(SealFault::Recipient)?;
    let enc_key = || {
        let mut encrypter = Encrypter::new(&public)?;
        encrypter.set_rsa_padding(Padding::PKCS1)?;
        let mut encrypted = vec![0; encrypter.encrypt_len(key)?];
        let length = encrypter.encrypt(key, &mut encrypted)?;
        encrypted.truncate(length);
        Ok(encrypted)
    };
    let enc_key = enc_key().map_err(|_: ErrorStack| SealFault::Encryption)?;
    let enc_key = OctetString::new(enc_key).map_err(|_| SealFault::Encryption)?;
    let key_enc_alg = AlgorithmIdentifierOwned { oid: RSA, parameters: Some(Any::null()) };
    Ok(KeyTransRecipientInfo { version: CmsVersion::V0, rid, key_enc_alg, enc_key })
}

fn named(recipient: &Certificate) -> Option<RecipientIdentifier> {
    let issuer = Name::from_der(&recipient.x509().issuer_name().to_der().ok()?).ok()?;
    let serial = recipient.x509().serial_number().to_bn().ok()?.to_vec();
    let serial_number = SerialNumber::new(&serial).ok()?;
    Some(RecipientIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber { issuer, serial_number }))
}

fn enveloped(encrypted: Vec<u8>, iv: &[u8], recipient: KeyTransRecipientInfo) -> der::Result<Vec<u8>> {
    let cipher = AlgorithmIdentifierOwned { oid: AES_256_CBC, parameters: Some(Any::new(Tag::OctetString, iv)?) };
    let encrypted_content = EncryptedContentInfo {
        content_type: DATA,
        content_enc_alg: cipher,
        encrypted_content: Some(OctetString::new(encrypted)?),
    };
    let data = EnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(vec![RecipientInfo::Ktri(recipient)])?),
        encrypted_content,
        unprotected_attrs: None,
    };
    content_info(ENVELOPED_DATA, data)
}

/// As DER; what was given is let go of before it is held a third time.
fn content_info(content_type: ObjectIdentifier, given: impl Tagged + EncodeValue) -> der::Result<Vec<u8>> {
    let content = Any::encode_from(&given)?;
    drop(given);
    ContentInfo { content_type, content }.to_der()
}
