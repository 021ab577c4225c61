//! May a certificate be relied on? (RFC 5280, and what HelseNorge asks of certificates.)

use crate::certificate::Certificate;
use crate::chain;
use crate::crl::{Crl, Crls, Link, Status};
use crate::policy::{Policy, Revocation};
use crate::report::CertificateErrors;
use jiff::Timestamp;

/// What a certificate is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It signed, or shall sign, a message.
    Signing,
    /// A message is to be encrypted for it.
    Encryption,
}

/// Whom we chose to trust. Test and production have different ones.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    /// Self-signed certificates of the authorities.
    pub roots: Vec<Certificate>,
    /// Those between, which senders may forget to embed. They are believed only below a root.
    pub intermediates: Vec<Certificate>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Everything that is wrong; nothing, if it may be relied on.
    pub errors: CertificateErrors,
    /// From the certificate to the root; empty when there is no such chain.
    pub chain: Vec<Certificate>,
    /// Revocation lists that are missing, stale or unusable: fetch them and ask again. None when the certificate is refused
    /// whatever they say.
    pub fetch: Vec<Wanted>,
}

/// A revocation list that is missing, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where the certificate says that it is.
    pub url: String,
    /// The certificate, which is part of a chain to a trusted root.
    pub certificate: Certificate,
    /// Who issued it.
    pub issuer: Certificate,
    /// The certificate is an authority's.
    pub is_authority: bool,
}

impl Wanted {
    /// Does this list say whether the certificate is revoked at `now`? Not when it is stale, not signed by the certificate's
    /// issuer, or about others (RFC 5280, section 6.3.3).
    pub fn is_met_by(&self, list: &Crl, now: Timestamp) -> bool {
        let link = Link { certificate: &self.certificate, issuer: &self.issuer, is_authority: self.is_authority };
        list.status(&link, now).is_some()
    }
}

/// Finds everything that is wrong with a certificate at `now`, which for a message is when it was first received: a later
/// replay must come to the same verdict.
///
/// The validity period, the usage for `role`, a chain to one of `trust.roots` by way of its intermediates and the `embedded`
/// certificates, and the revocation of every certificate in it but the root, by the lists in `crls`. Without a chain nothing
/// is said of revocation: whose lists would one believe?
pub fn validate(
    certificate: &Certificate,
    role: Role,
    now: Timestamp,
    trust: &TrustAnchors,
    embedded: &[Certificate],
    crls: &Crls,
    policy: &Policy,
) -> Validation {
    let mut errors = CertificateErrors::NONE;
    if now < certificate.not_before() {
        errors |= CertificateErrors::START_DATE;
    }
    if now > certificate.not_after() {
        errors |= CertificateErrors::END_DATE;
    }
    let usages = certificate.usages();
    if !(match role {
        Role::Signing => usages.signing,
        Role::Encryption => usages.encryption,
    }) {
        errors |= CertificateErrors::USAGE;
    }
    // Outside its own period it has been said already, and its issuers' may have ended with it.
    let dated = !errors.intersects(CertificateErrors::START_DATE | CertificateErrors::END_DATE);
    // To OpenSSL the last second of a period is no longer in it.
    let at = now.as_second().min(certificate.not_after().as_second().saturating_sub(1));
    let Some(chain) = chain::build(certificate, trust, embedded, dated.then_some(at)) else {
        return Validation { errors: errors | CertificateErrors::UNTRUSTED, chain: Vec::new(), fetch: Vec::new() };
    };
    let (revocation, fetch) = revocation(&chain, now, crls, policy.revocation);
    let errors = (errors | revocation).settled();
    let is_open = errors.is_empty() || errors == CertificateErrors::REVOKED_OFFLINE;
    Validation { errors, chain, fetch: if is_open { fetch } else { Vec::new() } }
}

fn revocation(chain: &[Certificate], now: Timestamp, crls: &Crls, policy: Revocation) -> (CertificateErrors, Vec<Wanted>) {
    let mut errors = CertificateErrors::NONE;
    let mut fetch = Vec::new();
    if policy == Revocation::Off {
        return (errors, fetch);
    }
    for (level, (certificate, issuer)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
        let (urls, is_authority) = (certificate.crl_urls(), level > 0);
        match crls.status(&Link { certificate, issuer, is_authority }, &urls, now) {
            Some(Status::Good) => {}
            Some(Status::Revoked) => errors |= CertificateErrors::REVOKED,
            None => {
                if policy == Revocation::Required {
                    errors |=
                        if urls.is_empty() { CertificateErrors::REVOKED_UNKNOWN } else { CertificateErrors::REVOKED_OFFLINE };
                }
                let wanted = |url| Wanted { url, certificate: certificate.clone(), issuer: issuer.clone(), is_authority };
                fetch.extend(urls.into_iter().map(wanted));
            }
        }
    }
    (errors, fetch)
}
