//! Those the clinic exchanges messages with: by which certificates, and whether they are issued by whom we trust.

use super::Lack;
use domain::agreement::{Found, Use};
use jiff::Timestamp;
use messages::HerId;
use runtime::protection::trust_dir::Trusted;
use trust::{Certificate, CertificateErrors, Crls, Policy, Revocation, Role, validate};

/// Somebody the clinic exchanges messages with, and the certificates to go by now.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) her_id: HerId,
    pub(super) name: String,
    pub(super) signing: Option<Known>,
    pub(super) encryption: Option<Known>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) source: String,
    pub(super) until: Timestamp,
    /// Whether an authority of `TRUST_DIR` issued it; nothing is known when that is not set.
    pub(super) is_trusted: Option<bool>,
}

impl Other {
    pub(super) fn new(her_id: HerId, name: String, found: &Found<'_>, trusted: Option<&Trusted>, now: Timestamp) -> Self {
        let known = |purpose| {
            let candidate = found.candidates(purpose, now).into_iter().find(|c| c.certificate.valid_at(now))?;
            let is_trusted = trusted.map(|trusted| is_trusted(&candidate.certificate.der, purpose, trusted, now));
            Some(Known { source: candidate.provenance.to_string(), until: candidate.certificate.not_after, is_trusted })
        };
        Self { her_id, name, signing: known(Use::Signing), encryption: known(Use::Encryption) }
    }

    pub(super) fn lacks(&self) -> impl Iterator<Item = Lack> {
        let of = format!("{} {}", self.her_id, self.name);
        let lack = move |(known, missing, untrusted, field): (&Option<Known>, &'static str, &'static str, &str)| {
            let (code, remedy) = match known.as_ref().map(|known| known.is_trusted) {
                None => (
                    missing,
                    format!("import its agreement with the clinic or its profile (dialogpost registry import), or apply {field}"),
                ),
                Some(Some(false)) => (
                    untrusted,
                    "put the certificates of its authorities, up to the root, below TRUST_DIR as *.pem or *.crt".to_owned(),
                ),
                Some(Some(true) | None) => return None,
            };
            Some(Lack { code, of: of.clone(), remedy })
        };
        [
            (&self.signing, "party-signing-certificate", "party-signing-untrusted", "signing_certificate"),
            (&self.encryption, "party-encryption-certificate", "party-encryption-untrusted", "encryption_certificate"),
        ]
        .into_iter()
        .filter_map(lack)
    }
}

/// By its chain alone; whether it was revoked is asked when it is used.
fn is_trusted(der: &[u8], purpose: Use, trusted: &Trusted, now: Timestamp) -> bool {
    let role = match purpose {
        Use::Signing => Role::Signing,
        Use::Encryption => Role::Encryption,
    };
    let policy = Policy { revocation: Revocation::Off, ..Policy::default() };
    let errors =
        |certificate: Certificate| validate(&certificate, role, now, &trusted.anchors, &[], &Crls::default(), &policy).errors;
    Certificate::from_der(der).is_ok_and(|certificate| !errors(certificate).intersects(CertificateErrors::UNTRUSTED))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn who_is_trusted_by_whom() {
        let now: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
        let ours = pki::Pki::new(now, "http://127.0.0.1:9/crl", 2048);
        let mut trusted = Trusted::default();
        trusted.anchors.roots.push(Certificate::from_pem(&ours.root.identity().pem()).unwrap());
        trusted.anchors.intermediates.push(Certificate::from_pem(&ours.intermediate.identity().pem()).unwrap());
        let der = ours.party("A", "999999999", 200).signing.der();
        let judged = |trusted: &Trusted| is_trusted(&der, Use::Signing, trusted, now);
        assert_eq!((judged(&trusted), judged(&Trusted::default())), (true, false));
        let known = |is_trusted| Some(Known { source: "party".into(), until: now, is_trusted });
        let codes = |signing, encryption| {
            let other = Other { her_id: "8093244".parse().unwrap(), name: "Helsenorge.no".into(), signing, encryption };
            other.lacks().map(|lack| lack.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(known(Some(true)), known(None)), [""; 0]);
        assert_eq!(codes(known(Some(false)), None), ["party-signing-untrusted", "party-encryption-certificate"]);
    }
}
