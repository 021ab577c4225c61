//! Who issues certificates and revocation lists.

use crate::identity::Identity;
use crate::request::{Period, Request, Subject, Usage, asn1_time};
use der::Encode;
use der::asn1::{Ia5String, OctetString};
use jiff::Timestamp;
use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{self, BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509CrlBuilder, X509Extension, X509NameRef, X509RevokedBuilder};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlDistributionPoints};

/// An authority: its own certificate, its key, and those above it.
#[derive(Clone)]
pub struct Authority {
    identity: Identity,
}

/// A revocation list to be signed.
#[derive(Clone, Debug)]
pub struct CrlRequest {
    /// When it was made.
    pub this_update: Timestamp,
    /// Until when it may be relied on.
    pub next_update: Timestamp,
    /// Serial numbers, and since when they are revoked.
    pub revoked: Vec<(u64, Timestamp)>,
    /// Extensions as (OID, critical, DER of the value).
    pub extensions: Vec<(String, bool, Vec<u8>)>,
}

impl Authority {
    /// An authority that vouches for itself.
    pub fn root(common_name: &str, key: PKey<Private>, period: Period) -> Self {
        let request = authority_request(common_name, key, period, 1, Vec::new());
        let name = request.subject.name().expect("a name");
        let certificate = build(&request, &name, None, &request.key, true).expect("a root");
        Self { identity: Identity { certificate, key: request.key, issuers: Vec::new() } }
    }

    /// An authority below this one. `crl_url` is where this one's revocation list is.
    pub fn intermediate(&self, common_name: &str, key: PKey<Private>, period: Period, crl_url: &str) -> Self {
        let request = authority_request(common_name, key, period, 2, vec![crl_url.to_owned()]);
        Self { identity: self.sign(request, true) }
    }

    /// A certificate for somebody.
    pub fn issue(&self, request: Request) -> Identity {
        self.sign(request, false)
    }

    /// A certificate that vouches for itself and is nobody's authority.
    pub fn self_signed(request: Request) -> Identity {
        let name = request.subject.name().expect("a name");
        let certificate = build(&request, &name, None, &request.key, false).expect("a certificate");
        Identity { certificate, key: request.key, issuers: Vec::new() }
    }

    /// A revocation list, as DER.
    pub fn crl(&self, request: &CrlRequest) -> Vec<u8> {
        self.build_crl(request).expect("a revocation list")
    }

    /// The authority's own certificate and key, and those above it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    fn sign(&self, request: Request, authority: bool) -> Identity {
        let issuer = &self.identity.certificate;
        let certificate = build(&request, issuer.subject_name(), Some(issuer), &self.identity.key, authority);
        let mut issuers = vec![issuer.clone()];
        issuers.extend(self.identity.issuers.iter().cloned());
        Identity { certificate: certificate.expect("a certificate"), key: request.key, issuers }
    }

    fn build_crl(&self, request: &CrlRequest) -> Result<Vec<u8>, ErrorStack> {
        let mut crl = X509CrlBuilder::new()?;
        crl.set_issuer_name(self.identity.certificate.subject_name())?;
        crl.set_last_update(asn1_time(request.this_update)?.as_ref())?;
        crl.set_next_update(asn1_time(request.next_update)?.as_ref())?;
        for (serial, since) in &request.revoked {
            let mut revoked = X509RevokedBuilder::new()?;
            revoked.set_serial_number(integer(*serial)?.as_ref())?;
            revoked.set_revocation_date(asn1_time(*since)?.as_ref())?;
            crl.add_revoked(revoked.build())?;
        }
        // Required of every list (RFC 5280, section 5.2.1).
        if let Some(id) = self.identity.certificate.subject_key_id() {
            let id = OctetString::new(id.as_slice()).expect("a short identifier");
            let id = AuthorityKeyIdentifier { key_identifier: Some(id), ..AuthorityKeyIdentifier::default() };
            crl.append_extension(extension("2.5.29.35", false, &id.to_der().expect("DER"))?)?;
        }
        crl.append_extension(extension("2.5.29.20", false, &[0x02, 0x01, 0x01])?)?;
        for (oid, critical, value) in &request.extensions {
            crl.append_extension(extension(oid, *critical, value)?)?;
        }
        crl.sort()?;
        crl.sign(&self.identity.key, MessageDigest::sha256())?;
        crl.build()?.to_der()
    }
}

fn authority_request(common_name: &str, key: PKey<Private>, period: Period, serial: u64, crl_urls: Vec<String>) -> Request {
    let mut subject = Subject::of("Testutsteder AS", "999888777");
    common_name.clone_into(&mut subject.common_name);
    Request { subject, key, usages: Vec::new(), period, serial, crl_urls, hosts: Vec::new() }
}

fn build(
    request: &Request,
    issuer_name: &X509NameRef,
    issuer: Option<&X509>,
    issuer_key: &PKey<Private>,
    authority: bool,
) -> Result<X509, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(integer(request.serial)?.as_ref())?;
    builder.set_issuer_name(issuer_name)?;
    builder.set_subject_name(request.subject.name()?.as_ref())?;
    builder.set_not_before(asn1_time(request.period.from)?.as_ref())?;
    builder.set_not_after(asn1_time(request.period.until)?.as_ref())?;
    builder.set_pubkey(&request.key)?;
    if authority {
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    } else if !request.usages.is_empty() {
        builder.append_extension(usages(&request.usages)?)?;
    }
    let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(issuer.map(AsRef::as_ref), None))?;
    builder.append_extension(subject_key)?;
    if let Some(issuer) = issuer {
        let issuer_key_id =
            extension::AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(Some(issuer), None))?;
        builder.append_extension(issuer_key_id)?;
    }
    if !request.crl_urls.is_empty() {
        builder.append_extension(extension("2.5.29.31", false, &distribution_points(&request.crl_urls))?)?;
    }
    if !request.hosts.is_empty() {
        let mut names = extension::SubjectAlternativeName::new();
        for host in &request.hosts {
            names.dns(host);
        }
        builder.append_extension(names.build(&builder.x509v3_context(issuer.map(AsRef::as_ref), None))?)?;
    }
    builder.sign(issuer_key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn usages(bits: &[Usage]) -> Result<X509Extension, ErrorStack> {
    let mut usage = KeyUsage::new();
    usage.critical();
    for bit in bits {
        match bit {
            Usage::DigitalSignature => usage.digital_signature(),
            Usage::NonRepudiation => usage.non_repudiation(),
            Usage::KeyEncipherment => usage.key_encipherment(),
        };
    }
    usage.build()
}

fn distribution_points(urls: &[String]) -> Vec<u8> {
    let uri = |url: &String| GeneralName::UniformResourceIdentifier(Ia5String::new(url).expect("an ASCII URL"));
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(urls.iter().map(uri).collect())),
        reasons: None,
        crl_issuer: None,
    };
    CrlDistributionPoints(vec![point]).to_der().expect("an encodable extension")
}

fn extension(oid: &str, critical: bool, value: &[u8]) -> Result<X509Extension, ErrorStack> {
    X509Extension::new_from_der(Asn1Object::from_str(oid)?.as_ref(), critical, Asn1OctetString::new_from_bytes(value)?.as_ref())
}

fn integer(value: u64) -> Result<Asn1Integer, ErrorStack> {
    BigNum::from_slice(&value.to_be_bytes())?.to_asn1_integer()
}
