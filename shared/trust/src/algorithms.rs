//! The algorithms of HelseNorge's messages: which are used, which pass, which do not.

use crate::fault::{OpenFault, Unverified};
use crate::policy::{Legacy, Policy, Warning};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

// RFC 5652, sections 4, 5 and 6; RFC 5652, section 11.
pub(crate) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
pub(crate) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
pub(crate) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
pub(crate) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");

// RFC 3565, section 4.1; RFC 3370, section 5.1.
const AES_128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
pub(crate) const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
const TRIPLE_DES_CBC: ObjectIdentifier = oid("1.2.840.113549.3.7");

// RFC 5754, section 2; RFC 3370, section 2.1.
const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

// RFC 8017, appendix C.
pub(crate) const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const SHA1_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.5");
const RSA_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const SHA256_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.13");

/// May this cipher have encrypted content?
pub(crate) fn check_cipher(cipher: ObjectIdentifier, policy: &Policy) -> Result<Option<Warning>, OpenFault> {
    match cipher {
        AES_128_CBC | AES_192_CBC | AES_256_CBC => Ok(None),
        TRIPLE_DES_CBC if policy.triple_des == Legacy::Warn => Ok(Some(Warning::LegacyCipher { oid: cipher })),
        _ => Err(OpenFault::CipherUnsupported { oid: cipher }),
    }
}

/// May the content key have come this way?
pub(crate) fn check_key_transport(algorithm: &AlgorithmIdentifierOwned) -> Result<(), OpenFault> {
    let passes = match algorithm.oid {
        RSA => true,
        // SHA-1 is OAEP's default and does it no harm: nothing there rests on collisions.
        RSA_OAEP => parameter_digest(algorithm).is_some_and(|digest| [SHA1, SHA256, SHA384, SHA512].contains(&digest)),
        _ => false,
    };
    if passes { Ok(()) } else { Err(OpenFault::KeyTransportUnsupported { oid: algorithm.oid }) }
}

/// May this pair have signed?
pub(crate) fn check_signature(
    digest: ObjectIdentifier,
    algorithm: &AlgorithmIdentifierOwned,
    policy: &Policy,
) -> Result<Option<Warning>, Unverified> {
    let warning = match digest {
        SHA256 | SHA384 | SHA512 => None,
        SHA1 if policy.sha1 == Legacy::Warn => Some(Warning::LegacyDigest { oid: digest }),
        _ => return Err(Unverified::DigestUnsupported { oid: digest }),
    };
    let fits = match algorithm.oid {
        RSA => true,
        SHA1_WITH_RSA => digest == SHA1,
        SHA256_WITH_RSA => digest == SHA256,
        SHA384_WITH_RSA => digest == SHA384,
        SHA512_WITH_RSA => digest == SHA512,
        // RFC 4056, section 3: one digest for content and signature.
        RSA_PSS => parameter_digest(algorithm) == Some(digest),
        _ => false,
    };
    if fits { Ok(warning) } else { Err(Unverified::SignatureUnsupported { oid: algorithm.oid }) }
}

/// The beginning of `RSASSA-PSS-params` and `RSAES-OAEP-params` (RFC 8017, appendix A.2), which is the same.
#[derive(Sequence)]
struct Parameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    digest: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    third: Option<AnyRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The digest that PSS or OAEP parameters name, SHA-1 unless they do; `None` when they are no such parameters.
fn parameter_digest(algorithm: &AlgorithmIdentifierOwned) -> Option<ObjectIdentifier> {
    let der = algorithm.parameters.as_ref()?.to_der().ok()?;
    let parameters = Parameters::from_der(&der).ok()?;
    Some(parameters.digest.map_or(SHA1, |digest| digest.oid))
}
