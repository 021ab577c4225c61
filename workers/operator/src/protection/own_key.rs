//! The clinic's own keys: whether each can be used for what the set-up file names it for.

use super::Lack;
use domain::agreement::{Agreement, Use};
use jiff::Timestamp;
use messages::HerId;
use runtime::protection::keys::Keys;
use store::clinic::KeyNames;
use trust::Certificate;

/// Days before the end of a certificate that its renewal is due.
const RENEWAL_DUE: i64 = 30;

/// A key that the set-up file names. Nothing of the key itself.
#[derive(Debug)]
pub(super) struct OwnKey {
    pub(super) name: String,
    pub(super) purpose: Use,
    state: KeyState,
}

#[derive(Debug)]
enum KeyState {
    /// `KEYS_DIR` is not set.
    NotTried,
    Unreadable(String),
    Read(Term, Certificate),
}

/// From and until when a certificate holds, as of now, and whether its key usage allows what it is for.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) until: Timestamp,
    pub(super) days_left: i64,
    fault: Option<TermFault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TermFault {
    Usage,
    NotYet,
    Over,
}

impl TermFault {
    const fn said(self) -> &'static str {
        match self {
            Self::Usage => "its key usage does not allow this",
            Self::NotYet => "not valid yet",
            Self::Over => "expired",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Usage => "are signing and encryption swapped in own_certificates? else have a certificate issued for this use",
            Self::NotYet => "name the former key until this one is valid",
            Self::Over => "have a new certificate issued, and keep this key as long as others encrypt to it",
        }
    }
}

/// Those that are named, tried if `KEYS_DIR` is set.
pub(super) fn own_keys(keys: &Keys, tried: bool, names: KeyNames, now: Timestamp) -> Vec<OwnKey> {
    let own = |purpose, name: String| {
        let read = || match purpose {
            Use::Signing => keys.signing(&name).map(|key| key.certificate().clone()),
            Use::Encryption => keys.decryption_key(&name).map(|key| key.certificate().clone()),
        };
        let state = match tried.then(read) {
            None => KeyState::NotTried,
            Some(Ok(certificate)) => KeyState::Read(Term::of(&certificate, purpose, now), certificate),
            Some(Err(trouble)) => KeyState::Unreadable(trouble.to_string()),
        };
        OwnKey { name, purpose, state }
    };
    let signing = names.signing.into_iter().map(|name| own(Use::Signing, name));
    let decryption = names.decryption.into_iter().map(|name| own(Use::Encryption, name));
    signing.chain(decryption).collect()
}

/// Agreements by which others encrypt to certificates whose keys we lack, or believe signatures that are not ours.
pub(super) fn disagreements<'a>(
    keys: &'a [OwnKey],
    her_id: HerId,
    agreements: impl Iterator<Item = &'a Agreement>,
    now: Timestamp,
) -> Vec<Lack> {
    let purposes = [(Use::Signing, "signing"), (Use::Encryption, "encryption")];
    let mut lacks = Vec::new();
    for agreement in agreements.filter(|agreement| agreement.unusable(now).is_none()) {
        for (purpose, word) in purposes {
            let own = agreement.parties.iter().filter(|party| party.her_id == her_id).flat_map(|party| &party.certificates);
            let named: Vec<_> = own.filter(|c| c.valid_at(now) && c.is_for(purpose)).collect();
            let ours: Vec<_> = keys.iter().filter(|key| key.purpose == purpose).filter_map(OwnKey::certificate).collect();
            let fits = named.iter().any(|c| ours.iter().any(|own| own.der() == c.der.as_slice()));
            if !(fits || named.is_empty() || ours.is_empty()) {
                let remedy = format!(
                    "it names another {word} certificate for the clinic: name that one's key too, or renew the agreement"
                );
                lacks.push(Lack { code: "agreement-certificate", of: format!("agreement {}", agreement.id), remedy });
            }
        }
    }
    lacks
}

impl Term {
    fn of(certificate: &Certificate, purpose: Use, now: Timestamp) -> Self {
        let usages = certificate.usages();
        let usable = match purpose {
            Use::Signing => usages.signing,
            Use::Encryption => usages.encryption,
        };
        let until = certificate.not_after();
        let fault = match usable {
            false => Some(TermFault::Usage),
            true if now < certificate.not_before() => Some(TermFault::NotYet),
            true if now > until => Some(TermFault::Over),
            true => None,
        };
        Self { until, days_left: until.duration_since(now).as_hours() / 24, fault }
    }
}

impl OwnKey {
    pub(super) fn term(&self) -> Option<&Term> {
        match &self.state {
            KeyState::Read(term, _) => Some(term),
            KeyState::NotTried | KeyState::Unreadable(_) => None,
        }
    }

    fn certificate(&self) -> Option<&Certificate> {
        match &self.state {
            KeyState::Read(_, certificate) => Some(certificate),
            KeyState::NotTried | KeyState::Unreadable(_) => None,
        }
    }

    pub(super) const fn was_tried(&self) -> bool {
        !matches!(self.state, KeyState::NotTried)
    }

    pub(super) const fn purpose(&self) -> &'static str {
        match self.purpose {
            Use::Signing => "signing",
            Use::Encryption => "decryption",
        }
    }

    pub(super) fn state(&self) -> String {
        match &self.state {
            KeyState::NotTried => "not tried: KEYS_DIR is not set".to_owned(),
            KeyState::Unreadable(why) => why.clone(),
            KeyState::Read(Term { fault: Some(fault), .. }, _) => fault.said().to_owned(),
            KeyState::Read(Term { days_left, .. }, _) if *days_left < RENEWAL_DUE => "good, renewal is due".to_owned(),
            KeyState::Read(..) => "good".to_owned(),
        }
    }

    /// A key that was not tried lacks nothing that is known. An expired one that decrypts may still be needed for what is under way.
    pub(super) fn lack(&self) -> Option<Lack> {
        let (code, remedy) = match &self.state {
            KeyState::Unreadable(_) => (
                "key-unreadable",
                "below KEYS_DIR there must be a file that holds the certificate first, then the private key, encrypted with \
                 KEYS_PASSWORD or not at all; its state above says what is wrong",
            ),
            KeyState::Read(Term { fault: Some(fault), .. }, _) => ("key-not-valid", fault.remedy()),
            KeyState::NotTried | KeyState::Read(..) => return None,
        };
        Some(Lack { code, of: format!("key {}", self.name), remedy: remedy.to_owned() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_key_is_judged_by_its_certificates_term_and_usage() {
        let pki = pki::Pki::new(now(), "http://127.0.0.1:9/crl", 2048);
        let party = pki.party("Solbakken legesenter AS", "999999999", 200);
        let term = |identity: &pki::Identity, purpose| {
            let term = Term::of(&Certificate::from_der(&identity.der()).unwrap(), purpose, now());
            (term.days_left, term.fault)
        };
        assert_eq!(term(&party.signing, Use::Signing), (365, None));
        assert_eq!(term(&party.signing, Use::Encryption), (365, Some(TermFault::Usage)));
        assert_eq!(term(&party.encryption, Use::Encryption), (365, None));
        assert_eq!(term(&pki.expired(300), Use::Signing), (-1, Some(TermFault::Over)));
        assert_eq!(term(&pki.not_yet_valid(301), Use::Signing), (365, Some(TermFault::NotYet)));
    }

    #[test]
    fn what_ends_soon_is_said() {
        let pki = pki::Pki::new(now(), "http://127.0.0.1:9/crl", 2048);
        let certificate = Certificate::from_der(&pki.party("A", "999999999", 200).signing.der()).unwrap();
        let state = |days: i64| {
            let then = certificate.not_after() - jiff::SignedDuration::from_hours(24 * days);
            let term = Term::of(&certificate, Use::Signing, then);
            OwnKey { name: "s".into(), purpose: Use::Signing, state: KeyState::Read(term, certificate.clone()) }.state()
        };
        assert_eq!((state(31), state(2)), ("good".to_owned(), "good, renewal is due".to_owned()));
    }

    #[test]
    fn a_key_that_was_not_tried_is_not_held_against_the_clinic() {
        let names = KeyNames { signing: Some("s.pem".into()), decryption: vec!["e.pem".into()] };
        let keys = own_keys(&Keys::new(None, None), false, names.clone(), now());
        assert!(keys.iter().all(|key| key.lack().is_none() && key.state().contains("KEYS_DIR is not set")));
        let keys = own_keys(&Keys::new(Some("/nowhere".into()), None), true, names, now());
        assert!(keys.iter().all(|key| key.lack().is_some_and(|lack| lack.code == "key-unreadable")));
    }
}
