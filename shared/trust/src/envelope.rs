//! What an envelope says of itself: for whom, and with what cipher.

use crate::algorithms::{ENVELOPED_DATA, check_key_transport};
use crate::certificate::Certificate;
use crate::fault::OpenFault;
use crate::keys::DecryptionKey;
use crate::parts::{Parts, content_info};
use cms::enveloped_data::{KeyTransRecipientInfo, RecipientIdentifier};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Tag, TagNumber};
use openssl::cms::CmsContentInfo;

/// No recipient needs more: an RSA-16384 block and long names. Decoding sorts, so it must not be handed a long list.
const MAX_RECIPIENT_BYTES: usize = 8 * 1024;

/// The readable part of `EnvelopedData` (RFC 5652, section 6).
pub(crate) struct Envelope {
    /// In the order of the message; other kinds than key transport left out.
    recipients: Vec<KeyTransRecipientInfo>,
    /// The content cipher.
    pub(crate) cipher: ObjectIdentifier,
}

impl Envelope {
    /// Reads `message`; when it is not DER, what OpenSSL makes of it.
    pub(crate) fn read(message: &[u8], parsed: &CmsContentInfo) -> Result<Self, OpenFault> {
        if let Ok(read) = Self::from_der(message) {
            return read;
        }
        let der = parsed.to_der().map_err(|_| OpenFault::Malformed)?;
        Self::from_der(&der).unwrap_or(Err(OpenFault::Malformed))
    }

    fn from_der(der: &[u8]) -> der::Result<Result<Self, OpenFault>> {
        let (content_type, enveloped) = content_info(der)?;
        if content_type != ENVELOPED_DATA {
            return Ok(Err(OpenFault::ContentTypeUnsupported { oid: content_type }));
        }
        let mut parts = Parts::of(enveloped)?;
        parts.need(Tag::Integer)?;
        parts.context(TagNumber::N0, true)?;
        let recipients = recipients(parts.need(Tag::Set)?)?;
        let mut content = Parts::of(parts.need(Tag::Sequence)?)?;
        parts.context(TagNumber::N1, true)?;
        parts.end()?;
        content.need(Tag::ObjectIdentifier)?;
        let cipher = Parts::of(content.need(Tag::Sequence)?)?.need(Tag::ObjectIdentifier)?.decode_as()?;
        Ok(Ok(Self { recipients, cipher }))
    }

    /// The key among our own that the message was encrypted for; the first, if for several.
    pub(crate) fn key<'a>(&self, own: &'a [DecryptionKey]) -> Result<&'a DecryptionKey, OpenFault> {
        let ours = |recipient| Some((recipient, own.iter().find(|key| is_for(recipient, key.certificate()))?));
        match self.recipients.iter().find_map(ours) {
            Some((recipient, key)) => check_key_transport(&recipient.key_enc_alg).map(|()| key),
            None => Err(OpenFault::RecipientUnknown { recipients: self.describe() }),
        }
    }

    fn describe(&self) -> String {
        match self.recipients.first().map(|r| &r.rid) {
            Some(RecipientIdentifier::IssuerAndSerialNumber(id)) => {
                // The name is the sender's: kept short, and without control characters.
                let issuer: String = id.issuer.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
                format!("serial number {}, issued by {issuer}", hex(id.serial_number.as_bytes()))
            }
            Some(RecipientIdentifier::SubjectKeyIdentifier(id)) => {
                format!("key identifier {}", hex(id.0.as_bytes().get(..64).unwrap_or(id.0.as_bytes())))
            }
            None => "no recipient by certificate".to_owned(),
        }
    }
}

fn recipients(set: AnyRef<'_>) -> der::Result<Vec<KeyTransRecipientInfo>> {
    let mut parts = Parts::of(set)?;
    let mut found = Vec::new();
    while let Some(recipient) = parts.any()? {
        // The other kinds are tagged.
        if recipient.value().len() <= MAX_RECIPIENT_BYTES && der::Tagged::tag(&recipient) == Tag::Sequence {
            found.extend(recipient.decode_as::<KeyTransRecipientInfo>().ok());
        }
    }
    Ok(found)
}

fn is_for(recipient: &KeyTransRecipientInfo, certificate: &Certificate) -> bool {
    match &recipient.rid {
        RecipientIdentifier::IssuerAndSerialNumber(id) => certificate.is_named(id),
        RecipientIdentifier::SubjectKeyIdentifier(id) => certificate.has_key_id(id.0.as_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
