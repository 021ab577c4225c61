//! May a certificate be relied on? (RFC 5280, and what HelseNorge asks of certificates.)

use crate::certificate::Certificate;
use crate::chain;
use crate::crl::{Crls, Link, Status};
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
    /// Revocation lists that are missing, stale or unusable: fetch them and ask again. Each named once.
    pub fetch: Vec<String>,
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
    Validation { errors: errors | revocation, chain, fetch }
}

fn revocation(chain: &[Certificate], now: Timestamp, crls: &Crls, policy: Revocation) -> (CertificateErrors, Vec<String>) {
    let mut errors = CertificateErrors::NONE;
    let mut fetch = Vec::new();
    if policy == Revocation::Off {
        return (errors, fetch);
    }
    for (level, (certificate, issuer)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
        let link = Link { certificate, issuer, is_authority: level > 0 };
        let urls = certificate.crl_urls();
        match crls.status(&link, &urls, now) {
            Some(Status::Good) => {}
            Some(Status::Revoked) => errors |= CertificateErrors::REVOKED,
            None => {
                if policy == Revocation::Required {
                    errors |=
                        if urls.is_empty() { CertificateErrors::REVOKED_UNKNOWN } else { CertificateErrors::REVOKED_OFFLINE };
                }
                for url in urls {
                    if !fetch.contains(&url) {
                        fetch.push(url);
                    }
                }
            }
        }
    }
    (errors, fetch)
}
