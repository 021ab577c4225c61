//! What signed data says of itself: by whom, with what algorithms, and which certificates it brings.

use crate::algorithms::{CONTENT_TYPE, DATA, SIGNED_DATA, check_signature};
use crate::certificate::Certificate;
use crate::fault::Unverified;
use crate::parts::{Parts, content_info};
use crate::policy::{Policy, Warning};
use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Encode, Tag, TagNumber, Tagged};
use openssl::cms::CmsContentInfo;

/// No signer needs more, time stamps included. Decoding sorts, so it must not be handed a long list.
const MAX_SIGNER_BYTES: usize = 64 * 1024;

/// The readable part of `SignedData` (RFC 5652, section 5).
pub(crate) struct Signed {
    signer: SignerInfo,
    /// Certificates that came along, in the order of the message; unreadable ones left out.
    pub(crate) embedded: Vec<Certificate>,
}

impl Signed {
    /// Reads `signed`; when it is not DER, what OpenSSL makes of it.
    pub(crate) fn read(signed: &[u8], parsed: &CmsContentInfo, max_certificates: usize) -> Result<Self, Unverified> {
        if let Ok(read) = Self::from_der(signed, max_certificates) {
            return read;
        }
        let der = parsed.to_der().map_err(|_| Unverified::NotSignedData)?;
        Self::from_der(&der, max_certificates).unwrap_or(Err(Unverified::NotSignedData))
    }

    fn from_der(der: &[u8], max_certificates: usize) -> der::Result<Result<Self, Unverified>> {
        let (content_type, signed) = content_info(der)?;
        if content_type != SIGNED_DATA {
            return Ok(Err(Unverified::NotSignedData));
        }
        let mut parts = Parts::of(signed)?;
        parts.need(Tag::Integer)?;
        parts.need(Tag::Set)?;
        let mut content = Parts::of(parts.need(Tag::Sequence)?)?;
        let embedded = parts.context(TagNumber::N0, true)?;
        parts.context(TagNumber::N1, true)?;
        let mut signers = Parts::of(parts.need(Tag::Set)?)?;
        parts.end()?;

        if content.need(Tag::ObjectIdentifier)?.decode_as::<ObjectIdentifier>()? != DATA {
            return Ok(Err(Unverified::NotSignedData));
        }
        let (Some(signer), None) = (signers.any()?, signers.any()?) else {
            return Ok(Err(Unverified::SignerCount));
        };
        if signer.value().len() > MAX_SIGNER_BYTES {
            return Ok(Err(Unverified::NotSignedData));
        }
        let embedded = match embedded {
            Some(set) => certificates(set, max_certificates)?,
            None => Some(Vec::new()),
        };
        let Some(embedded) = embedded else { return Ok(Err(Unverified::NotSignedData)) };
        Ok(Ok(Self { signer: signer.decode_as()?, embedded }))
    }

    /// The algorithms pass, and the signed attributes, if any, speak of plain data.
    pub(crate) fn check(&self, policy: &Policy) -> Result<Option<Warning>, Unverified> {
        let warning = check_signature(self.signer.digest_alg.oid, &self.signer.signature_algorithm, policy)?;
        if let Some(attributes) = &self.signer.signed_attrs {
            let mut types = attributes.iter().filter(|a| a.oid == CONTENT_TYPE).flat_map(|a| a.values.iter());
            let is_data = types.next().is_some_and(|v| v.decode_as::<ObjectIdentifier>().is_ok_and(|oid| oid == DATA));
            // That there is one message digest and that it fits is OpenSSL's to check.
            if !is_data || types.next().is_some() {
                return Err(Unverified::NotSignedData);
            }
        }
        Ok(warning)
    }

    /// Is this the certificate that the signer names as its own?
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        match &self.signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(id) => certificate.is_named(id),
            SignerIdentifier::SubjectKeyIdentifier(id) => certificate.has_key_id(id.0.as_bytes()),
        }
    }

    /// Is the signature over attributes, rather than over the content itself?
    pub(crate) fn has_attributes(&self) -> bool {
        self.signer.signed_attrs.is_some()
    }
}

/// `None` when there are more than `max`.
fn certificates(set: AnyRef<'_>, max: usize) -> der::Result<Option<Vec<Certificate>>> {
    let mut parts = Parts::of(set)?;
    let mut found = Vec::new();
    let mut seen = 0;
    while let Some(choice) = parts.any()? {
        seen += 1;
        if seen > max {
            return Ok(None);
        }
        // The other choices are attribute certificates and such.
        if choice.tag() == Tag::Sequence {
            found.extend(Certificate::from_der(&choice.to_der()?).ok());
        }
    }
    Ok(Some(found))
}
