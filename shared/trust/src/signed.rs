//! What signed data says of itself: by whom, with what algorithms, and which certificates it brings.

use crate::algorithms::{CONTENT_TYPE, DATA, SIGNED_DATA, check_signature};
use crate::certificate::Certificate;
use crate::fault::Unverified;
use crate::parts::{Parts, content_info};
use crate::policy::{Policy, Warning};
use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Header, Length, Tag, TagNumber, Tagged};

/// No signer needs more, time stamps included. Decoding sorts, so it must not be handed a long list.
const MAX_SIGNER_BYTES: usize = 64 * 1024;

/// The readable part of `SignedData` (RFC 5652, section 5).
pub(crate) struct Signed {
    signer: SignerInfo,
    pub(crate) embedded: Embedded,
    /// The same without certificates and revocation lists, which OpenSSL shall not use and takes long to read.
    pub(crate) bare: Vec<u8>,
}

impl Signed {
    /// Reads DER: the outer error is for what is none, the inner one for what it says.
    pub(crate) fn from_der(der: &[u8], max_certificates: usize) -> der::Result<Result<Self, Unverified>> {
        let (content_type, signed) = content_info(der)?;
        if content_type != SIGNED_DATA {
            return Ok(Err(Unverified::NotSignedData));
        }
        let mut parts = Parts::of(signed)?;
        let version = parts.need_whole(Tag::Integer)?;
        let digests = parts.need_whole(Tag::Set)?;
        let content = parts.need_whole(Tag::Sequence)?;
        let embedded = parts.context(TagNumber::N0, true)?;
        parts.context(TagNumber::N1, true)?;
        let signers = parts.need_whole(Tag::Set)?;
        parts.end()?;

        let content_type = Parts::of(AnyRef::from_der(content)?)?.need(Tag::ObjectIdentifier)?;
        if content_type.decode_as::<ObjectIdentifier>()? != DATA {
            return Ok(Err(Unverified::NotSignedData));
        }
        let mut each = Parts::of(AnyRef::from_der(signers)?)?;
        let (Some(signer), None) = (each.any()?, each.any()?) else {
            return Ok(Err(Unverified::SignerCount));
        };
        if signer.value().len() > MAX_SIGNER_BYTES {
            return Ok(Err(Unverified::NotSignedData));
        }
        let Some(embedded) = Embedded::read(embedded, max_certificates)? else {
            return Ok(Err(Unverified::NotSignedData));
        };
        let bare = signed_data(&[version, digests, content, signers])?;
        Ok(Ok(Self { signer: signer.decode_as()?, embedded, bare }))
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

/// `ContentInfo` around `SignedData` of these parts.
fn signed_data(parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    let body = parts.concat();
    let header = |tag, length: usize| Header::new(tag, Length::try_from(length)?)?.to_der();
    let sequence = header(Tag::Sequence, body.len())?;
    let tagged = header(Tag::ContextSpecific { constructed: true, number: TagNumber::N0 }, sequence.len() + body.len())?;
    let content_type = SIGNED_DATA.to_der()?;
    let length = content_type.len() + tagged.len() + sequence.len() + body.len();
    Ok([header(Tag::Sequence, length)?, content_type, tagged, sequence, body].concat())
}

/// Certificates that came with a signature, in the order of the message. They prove nothing; a chain may need them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded(Vec<Vec<u8>>);

impl Embedded {
    /// `None` when there are more than `max`.
    fn read(set: Option<AnyRef<'_>>, max: usize) -> der::Result<Option<Self>> {
        let Some(set) = set else { return Ok(Some(Self::default())) };
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
                found.push(choice.to_der()?);
            }
        }
        Ok(Some(Self(found)))
    }

    /// Reads them, which takes as long as the rest of verifying: where a verdict on the signer is at hand, there is no need.
    /// Unreadable ones are left out.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.0.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
    }
}
