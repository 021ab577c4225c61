//! Certificates (RFC 5280).

use crate::fault::CertificateFault;
use crate::name::display;
use cms::cert::IssuerAndSerialNumber;
use der::Encode;
use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::x509::{X509, X509KeyUsage, X509Name};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An X.509 certificate. Cloning it costs nothing; two are equal when their DER is.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    x509: X509,
    der: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// What a key may be used for, from the key usage extension. Without the extension: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usages {
    /// nonRepudiation (contentCommitment): to sign messages.
    pub signing: bool,
    /// keyEncipherment: to encrypt messages for.
    pub encryption: bool,
}

impl Certificate {
    /// Reads DER. Bytes after it are left out.
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateFault> {
        X509::from_der(der).map_err(|_| CertificateFault::Malformed).and_then(Self::from_x509)
    }

    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateFault> {
        X509::from_pem(pem).map_err(|_| CertificateFault::Malformed).and_then(Self::from_x509)
    }

    /// Reads every certificate of a PEM file, in its order.
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateFault> {
        let all = X509::stack_from_pem(pem).map_err(|_| CertificateFault::Malformed)?;
        all.into_iter().map(Self::from_x509).collect()
    }

    pub(crate) fn from_x509(x509: X509) -> Result<Self, CertificateFault> {
        let der = x509.to_der().map_err(|_| CertificateFault::Malformed)?;
        let not_before = timestamp(x509.not_before()).ok_or(CertificateFault::Validity)?;
        let not_after = timestamp(x509.not_after()).ok_or(CertificateFault::Validity)?;
        Ok(Self(Arc::new(Inner { x509, der, not_before, not_after })))
    }

    pub(crate) fn x509(&self) -> &X509 {
        &self.0.x509
    }

    /// DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Whose it is, as .NET writes it: `CN=…, O=…, C=NO`.
    pub fn subject(&self) -> String {
        display(self.x509().subject_name())
    }

    /// Who issued it, in the same form.
    pub fn issuer(&self) -> String {
        display(self.x509().issuer_name())
    }

    /// Serial number, upper-case hexadecimal; empty when it cannot be read.
    pub fn serial(&self) -> String {
        let serial = self.x509().serial_number().to_bn().and_then(|n| n.to_hex_str().map(|s| s.to_string()));
        serial.unwrap_or_default()
    }

    /// SHA-1 of the DER in upper-case hexadecimal: what .NET and Windows call the thumbprint.
    pub fn thumbprint(&self) -> String {
        self.digest(MessageDigest::sha1())
    }

    /// SHA-256 of the DER in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.digest(MessageDigest::sha256())
    }

    /// Begin of validity.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// End of validity, itself still valid. "Never" (RFC 5280, section 4.1.2.5) is the last time there is.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// What its key may be used for.
    pub fn usages(&self) -> Usages {
        let bits = self.x509().key_usage().unwrap_or(X509KeyUsage::empty());
        Usages {
            signing: bits.contains(X509KeyUsage::NON_REPUDIATION),
            encryption: bits.contains(X509KeyUsage::KEY_ENCIPHERMENT),
        }
    }

    /// Where its issuer publishes revocation lists over plain HTTP, in the order given. `https` is left out, as RFC 5280,
    /// section 4.2.1.13 advises: the list is signed, and the server's own certificate would have to be judged by another one.
    pub fn crl_urls(&self) -> Vec<String> {
        let points = self.x509().crl_distribution_points();
        let points = points.iter().flatten();
        let names = points.filter_map(|point| point.distpoint()?.fullname()).flatten();
        names.filter_map(|name| name.uri()).filter(|uri| is_http(uri)).map(str::to_owned).collect()
    }

    /// Size of its public key in bits; 0 when it cannot be read.
    pub fn public_key_bits(&self) -> u32 {
        self.x509().public_key().map_or(0, |key| key.bits())
    }

    /// Its subject key identifier, if it has the extension.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.x509().subject_key_id().map(|id| id.as_slice())
    }

    /// Is it for, and issued by, the same name, as roots are?
    pub fn is_self_issued(&self) -> bool {
        self.x509().subject_name().try_cmp(self.x509().issuer_name()).is_ok_and(Ordering::is_eq)
    }

    pub(crate) fn has_key_id(&self, id: &[u8]) -> bool {
        self.subject_key_id() == Some(id)
    }

    /// Does this name this certificate? Names are compared as RFC 5280, section 7.1 has it, not by their bytes.
    pub(crate) fn is_named(&self, id: &IssuerAndSerialNumber) -> bool {
        let same = || -> Option<bool> {
            let issuer = X509Name::from_der(&id.issuer.to_der().ok()?).ok()?;
            let serial = BigNum::from_slice(id.serial_number.as_bytes()).ok()?;
            let own_serial = self.x509().serial_number().to_bn().ok()?;
            Some(serial == own_serial && self.x509().issuer_name().try_cmp(&issuer).ok()?.is_eq())
        };
        same().unwrap_or(false)
    }

    fn digest(&self, algorithm: MessageDigest) -> String {
        let digest = self.x509().digest(algorithm);
        digest.iter().flat_map(|bytes| bytes.iter()).map(|byte| format!("{byte:02X}")).collect()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint())
    }
}

fn is_http(uri: &str) -> bool {
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| s.eq_ignore_ascii_case("http"))
}

/// `None` when OpenSSL cannot read it; beyond the calendar of `jiff` the nearest time in it.
pub(crate) fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since_epoch = || -> Result<_, ErrorStack> { Asn1Time::from_unix(0)?.diff(time) };
    let since_epoch = since_epoch().ok()?;
    let seconds = i64::from(since_epoch.days) * 86_400 + i64::from(since_epoch.secs);
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Some(Timestamp::from_second(seconds).unwrap_or(nearest))
}
