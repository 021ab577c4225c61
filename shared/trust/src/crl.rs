//! Revocation lists (RFC 5280, sections 5 and 6.3). Fetching them is the caller's.

use crate::certificate::{Certificate, timestamp};
use crate::fault::CertificateFault;
use der::asn1::{AnyRef, ObjectIdentifier, SequenceRef};
use der::{Decode, Sequence};
use jiff::Timestamp;
use openssl::x509::{CrlStatus, X509Crl, X509KeyUsage};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::time::Time;

const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// A revocation list. Cloning it costs nothing.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    x509: X509Crl,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    scope: Scope,
    /// Whose key was found to have signed it: a list is large and is asked often.
    signer: OnceLock<Certificate>,
}

/// Which certificates a list speaks of.
enum Scope {
    /// All of its issuer's.
    All,
    /// Those that an issuing distribution point names.
    Point { authorities: bool, others: bool, urls: Vec<String> },
    /// Not a complete list, or with critical extensions that are not known here.
    Unknown,
}

/// What a list says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Good,
    Revoked,
}

/// A certificate and who issued it, as a list is asked.
pub(crate) struct Link<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) issuer: &'a Certificate,
    /// The certificate is an authority's.
    pub(crate) is_authority: bool,
}

/// `TBSCertList` with its entries passed over.
#[derive(Sequence)]
struct Head<'a> {
    #[asn1(optional = "true")]
    version: Option<u8>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    this_update: Time,
    #[asn1(optional = "true")]
    next_update: Option<Time>,
    #[asn1(optional = "true")]
    revoked: Option<SequenceRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct List<'a> {
    head: Head<'a>,
    algorithm: AnyRef<'a>,
    signature: AnyRef<'a>,
}

impl Crl {
    /// Reads DER, which is what URLs in certificates lead to.
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateFault> {
        X509Crl::from_der(der).map_err(|_| CertificateFault::Malformed).and_then(Self::from_x509)
    }

    /// Reads PEM.
    ///
    /// # Errors
    /// See [`CertificateFault`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateFault> {
        X509Crl::from_pem(pem).map_err(|_| CertificateFault::Malformed).and_then(Self::from_x509)
    }

    fn from_x509(x509: X509Crl) -> Result<Self, CertificateFault> {
        let der = x509.to_der().map_err(|_| CertificateFault::Malformed)?;
        let list = List::from_der(&der).map_err(|_| CertificateFault::Malformed)?;
        let this_update = timestamp(x509.last_update()).ok_or(CertificateFault::Validity)?;
        let next_update = match x509.next_update() {
            Some(time) => Some(timestamp(time).ok_or(CertificateFault::Validity)?),
            None => None,
        };
        let scope = scope(list.head.extensions.as_deref().unwrap_or_default());
        Ok(Self(Arc::new(Inner { x509, this_update, next_update, scope, signer: OnceLock::new() })))
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// Until when it may be relied on; a list that does not say may never be.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.next_update
    }

    /// What it says of a certificate at `now`; `None` when it cannot be relied on for that: stale, not signed by the
    /// certificate's issuer, or about others.
    pub(crate) fn status(&self, link: &Link<'_>, now: Timestamp) -> Option<Status> {
        let current = self.0.next_update.is_some_and(|until| now <= until);
        if !current || !self.covers(link) || !self.is_signed_by(link.issuer) {
            return None;
        }
        Some(match self.0.x509.get_by_cert(link.certificate.x509()) {
            // A revocation after `now` does not reach back: the message was received before.
            CrlStatus::Revoked(entry) if timestamp(entry.revocation_date()).is_none_or(|since| since <= now) => Status::Revoked,
            CrlStatus::Revoked(_) | CrlStatus::NotRevoked | CrlStatus::RemoveFromCrl(_) => Status::Good,
        })
    }

    fn covers(&self, link: &Link<'_>) -> bool {
        match &self.0.scope {
            Scope::All => true,
            Scope::Unknown => false,
            Scope::Point { authorities, others, urls } => {
                let named = || link.certificate.crl_urls().iter().any(|url| urls.contains(url));
                (if link.is_authority { *authorities } else { *others }) && (urls.is_empty() || named())
            }
        }
    }

    fn is_signed_by(&self, issuer: &Certificate) -> bool {
        if self.0.signer.get() == Some(issuer) {
            return true;
        }
        let verified = self.0.x509.issuer_name().try_cmp(issuer.x509().subject_name()).is_ok_and(|order| order.is_eq())
            && issuer.x509().key_usage().is_none_or(|usage| usage.contains(X509KeyUsage::CRL_SIGN))
            && issuer.x509().public_key().is_ok_and(|key| self.0.x509.verify(&key).unwrap_or(false));
        if verified {
            self.0.signer.get_or_init(|| issuer.clone());
        }
        verified
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl").field("this_update", &self.0.this_update).field("next_update", &self.0.next_update).finish()
    }
}

fn scope(extensions: &[Extension]) -> Scope {
    let mut scope = Scope::All;
    for extension in extensions {
        if extension.extn_id == ISSUING_DISTRIBUTION_POINT {
            scope = point(extension.extn_value.as_bytes());
        } else if extension.critical {
            // Delta lists among them.
            return Scope::Unknown;
        }
    }
    scope
}

fn point(der: &[u8]) -> Scope {
    match IssuingDistributionPoint::from_der(der) {
        Ok(p) if p.only_some_reasons.is_none() && !p.indirect_crl && !p.only_contains_attribute_certs => {
            let urls = match p.distribution_point {
                None => Vec::new(),
                Some(DistributionPointName::FullName(names)) => names.into_iter().filter_map(uri).collect(),
                Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Scope::Unknown,
            };
            Scope::Point { authorities: !p.only_contains_user_certs, others: !p.only_contains_ca_certs, urls }
        }
        _ => Scope::Unknown,
    }
}

fn uri(name: GeneralName) -> Option<String> {
    if let GeneralName::UniformResourceIdentifier(uri) = name { Some(uri.to_string()) } else { None }
}

/// What became of fetching a list.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// It is here.
    List(Crl),
    /// The server did not answer, or not with a list.
    Offline,
}

/// The lists at hand.
#[derive(Clone, Debug, Default)]
pub struct Crls {
    by_url: HashMap<String, Fetched>,
    others: Vec<Crl>,
}

impl Crls {
    /// Keeps what was found, or not, at a URL that a certificate names.
    pub fn insert(&mut self, url: impl Into<String>, fetched: Fetched) {
        self.by_url.insert(url.into(), fetched);
    }

    /// Keeps a list that came by another way; it serves for whatever its issuer has issued.
    pub fn add(&mut self, list: Crl) {
        self.others.push(list);
    }

    /// What one of the lists says of a certificate.
    pub(crate) fn status(&self, link: &Link<'_>, urls: &[String], now: Timestamp) -> Option<Status> {
        let fetched = urls.iter().filter_map(|url| match self.by_url.get(url)? {
            Fetched::List(list) => Some(list),
            Fetched::Offline => None,
        });
        let mut known = None;
        for list in fetched.chain(&self.others) {
            match list.status(link, now) {
                Some(Status::Revoked) => return Some(Status::Revoked),
                Some(Status::Good) => known = Some(Status::Good),
                None => {}
            }
        }
        known
    }
}
