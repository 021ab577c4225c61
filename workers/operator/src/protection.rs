//! What protected exchange needs: the clinic's keys, and certificates of everyone it exchanges messages with.

use crate::failure::Failure;
use crate::out::{Grid, or_dash, time};
use domain::agreement::{Question, Use, look_up};
use jiff::Timestamp;
use messages::HerId;
use runtime::Config;
use runtime::protection::keys::Keys;
use serde_json::{Value, json};
use store::agreement::Pair;
use store::clinic::KeyNames;
use store::{Session, agreement, clinic};
use trust::Certificate;

/// What there is for one clinic.
#[derive(Debug, Default)]
pub struct Protection {
    keys: Vec<OwnKey>,
    others: Vec<Other>,
}

/// A key that the set-up file names. Nothing of the key itself.
#[derive(Debug)]
struct OwnKey {
    name: String,
    purpose: Use,
    state: KeyState,
}

#[derive(Debug)]
enum KeyState {
    /// `KEYS_DIR` is not set.
    NotTried,
    Unreadable(String),
    Read(Term),
}

/// From and until when a certificate holds, as of now, and whether its key usage allows what it is for.
#[derive(Clone, Debug)]
struct Term {
    until: Timestamp,
    days_left: i64,
    fault: Option<&'static str>,
}

/// Somebody the clinic exchanges messages with, and the certificates to go by now.
#[derive(Debug)]
struct Other {
    her_id: HerId,
    name: String,
    signing: Option<Found>,
    encryption: Option<Found>,
}

#[derive(Debug)]
struct Found {
    source: String,
    until: Timestamp,
}

/// Something that is lacking.
#[derive(Debug, PartialEq, Eq)]
struct Lack {
    code: &'static str,
    of: String,
    remedy: String,
}

impl Protection {
    /// Looks at the clinic's keys and at the certificates of each party.
    ///
    /// # Errors
    /// The database is away.
    pub async fn of(session: &Session, config: &Config, her_id: HerId, now: Timestamp) -> Result<Self, Failure> {
        let names = clinic::key_names(session, &[her_id]).await?.remove(&her_id).unwrap_or_default();
        let keys = Keys::new(config.keys_dir.clone(), config.keys_password.clone());
        let parties = clinic::parties(session).await?;
        let pair = |other| Pair { own: her_id, other, cpa_id: None };
        let known = agreement::for_pairs(session, &parties.iter().map(|(id, _)| pair(*id)).collect::<Vec<_>>()).await?;
        let other = |(other, name): (HerId, String)| {
            let question = Question { own: her_id, other, cpa_id: None, function: "", excluded: &[], now };
            let sources = known.get(&pair(other)).map(|known| look_up(known, &question)).unwrap_or_default();
            let found = |purpose| {
                let candidate = sources.candidates(purpose, now).into_iter().find(|c| c.certificate.valid_at(now))?;
                Some(Found { source: candidate.provenance.to_string(), until: candidate.certificate.not_after })
            };
            Other { her_id: other, name, signing: found(Use::Signing), encryption: found(Use::Encryption) }
        };
        Ok(Self {
            keys: own_keys(&keys, config.keys_dir.is_some(), names, now),
            others: parties.into_iter().map(other).collect(),
        })
    }

    fn lacks(&self) -> Vec<Lack> {
        self.keys.iter().filter_map(OwnKey::lack).chain(self.unnamed()).chain(self.others.iter().flat_map(Other::lacks)).collect()
    }

    fn unnamed(&self) -> impl Iterator<Item = Lack> {
        let unnamed = |(purpose, code, field): (Use, &'static str, &str)| {
            let remedy = format!("name a key below KEYS_DIR as own_certificates.{field} in the set-up file and apply it");
            let named = self.keys.iter().any(|key| key.purpose == purpose);
            (!named).then(|| Lack { code, of: "the clinic".to_owned(), remedy })
        };
        [(Use::Signing, "signing-key", "signing"), (Use::Encryption, "decryption-key", "encryption")]
            .into_iter()
            .filter_map(unnamed)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let lacks = self.lacks();
        let mut keys = Grid::new(["key", "for", "valid until", "days left", "state"]);
        for key in &self.keys {
            let term = key.term();
            let (until, left) = (or_dash(term.map(|t| time(t.until))), or_dash(term.map(|t| t.days_left)));
            keys.row([key.name.clone(), key.purpose().to_owned(), until, left, key.state()]);
        }
        let mut others = Grid::new(["party", "name", "signs by", "is encrypted to by"]);
        for other in &self.others {
            let shown = |found: &Option<Found>| or_dash(found.as_ref().map(|f| format!("{}, until {}", f.source, time(f.until))));
            others.row([other.her_id.to_string(), other.name.clone(), shown(&other.signing), shown(&other.encryption)]);
        }
        let mut text = match lacks.is_empty() {
            true => "Protected exchange: nothing is lacking\n".to_owned(),
            false => "Protected exchange: not yet\n".to_owned(),
        };
        for (grid, rows) in [(&keys, self.keys.len()), (&others, self.others.len())] {
            if rows > 0 {
                text.push_str(&grid.to_string());
            }
        }
        if !lacks.is_empty() {
            let mut grid = Grid::new(["missing for protection", "of", "what to do"]);
            lacks.into_iter().for_each(|lack| grid.row([lack.code.to_owned(), lack.of, lack.remedy]));
            text.push_str(&grid.to_string());
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let lacks = self.lacks();
        let key = |key: &OwnKey| {
            let term = key.term();
            json!({
                "name": key.name, "purpose": key.purpose(), "state": key.state(), "valid_until": term.map(|t| t.until),
                "days_left": term.map(|t| t.days_left),
            })
        };
        let found = |f: &Option<Found>| f.as_ref().map(|f| json!({ "source": f.source, "valid_until": f.until }));
        let other = |other: &Other| {
            let (signing, encryption) = (found(&other.signing), found(&other.encryption));
            json!({ "her_id": other.her_id, "name": other.name, "signing": signing, "encryption": encryption })
        };
        let lack = |lack: &Lack| json!({ "code": lack.code, "of": lack.of, "remedy": lack.remedy });
        json!({
            "ready": lacks.is_empty(), "missing": lacks.iter().map(lack).collect::<Vec<_>>(),
            "keys": self.keys.iter().map(key).collect::<Vec<_>>(), "parties": self.others.iter().map(other).collect::<Vec<_>>(),
        })
    }
}

fn own_keys(keys: &Keys, tried: bool, names: KeyNames, now: Timestamp) -> Vec<OwnKey> {
    let own = |purpose, name: String| {
        let read = || match purpose {
            Use::Signing => keys.signing(&name).map(|key| Term::of(key.certificate(), purpose, now)),
            Use::Encryption => keys.decryption_key(&name).map(|key| Term::of(key.certificate(), purpose, now)),
        };
        let state = match tried.then(read) {
            None => KeyState::NotTried,
            Some(Ok(term)) => KeyState::Read(term),
            Some(Err(trouble)) => KeyState::Unreadable(trouble.to_string()),
        };
        OwnKey { name, purpose, state }
    };
    let signing = names.signing.into_iter().map(|name| own(Use::Signing, name));
    let decryption = names.decryption.into_iter().map(|name| own(Use::Encryption, name));
    signing.chain(decryption).collect()
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
            false => Some("its key usage does not allow this"),
            true if now < certificate.not_before() => Some("not valid yet"),
            true if now > until => Some("expired"),
            true => None,
        };
        Self { until, days_left: until.duration_since(now).as_hours() / 24, fault }
    }
}

impl OwnKey {
    fn term(&self) -> Option<&Term> {
        match &self.state {
            KeyState::Read(term) => Some(term),
            KeyState::NotTried | KeyState::Unreadable(_) => None,
        }
    }

    const fn purpose(&self) -> &'static str {
        match self.purpose {
            Use::Signing => "signing",
            Use::Encryption => "decryption",
        }
    }

    fn state(&self) -> String {
        match &self.state {
            KeyState::NotTried => "not tried: KEYS_DIR is not set".to_owned(),
            KeyState::Unreadable(why) => why.clone(),
            KeyState::Read(Term { fault: Some(fault), .. }) => (*fault).to_owned(),
            KeyState::Read(Term { fault: None, .. }) => "good".to_owned(),
        }
    }

    /// A key that was not tried lacks nothing that is known. An expired one that decrypts may still be needed for what is under way.
    fn lack(&self) -> Option<Lack> {
        let (code, remedy) = match &self.state {
            KeyState::Unreadable(_) => ("key-unreadable", "put the file below KEYS_DIR, certificate first; see its state above"),
            KeyState::Read(Term { fault: Some(_), .. }) => {
                ("key-not-valid", "have a new certificate issued, and keep this key as long as others encrypt to it")
            }
            KeyState::NotTried | KeyState::Read(_) => return None,
        };
        Some(Lack { code, of: format!("key {}", self.name), remedy: remedy.to_owned() })
    }
}

impl Other {
    fn lacks(&self) -> impl Iterator<Item = Lack> {
        let lack = |(found, code, field): (&Option<Found>, &'static str, &str)| {
            let remedy =
                format!("import its agreement with the clinic or its profile (dialogpost registry import), or apply {field}");
            found.is_none().then(|| Lack { code, of: format!("{} {}", self.her_id, self.name), remedy })
        };
        [
            (&self.signing, "party-signing-certificate", "signing_certificate"),
            (&self.encryption, "party-encryption-certificate", "encryption_certificate"),
        ]
        .into_iter()
        .filter_map(lack)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-02T12:00:00Z".parse().unwrap()
    }

    fn codes(protection: &Protection) -> Vec<&'static str> {
        protection.lacks().into_iter().map(|lack| lack.code).collect()
    }

    #[test]
    fn whoever_has_nothing_lacks_everything() {
        let other = Other { her_id: "8093244".parse().unwrap(), name: "Helsenorge.no".into(), signing: None, encryption: None };
        let protection = Protection { keys: Vec::new(), others: vec![other] };
        let want = ["signing-key", "decryption-key", "party-signing-certificate", "party-encryption-certificate"];
        assert_eq!(codes(&protection), want);
        assert_eq!(protection.json()["ready"], false);
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
        assert_eq!(term(&party.signing, Use::Encryption), (365, Some("its key usage does not allow this")));
        assert_eq!(term(&party.encryption, Use::Encryption), (365, None));
        assert_eq!(term(&pki.expired(300), Use::Signing), (-1, Some("expired")));
        assert_eq!(term(&pki.not_yet_valid(301), Use::Signing), (365, Some("not valid yet")));
    }

    #[test]
    fn a_key_that_was_not_tried_is_not_held_against_the_clinic() {
        let names = KeyNames { signing: Some("s.pem".into()), decryption: vec!["e.pem".into()] };
        let keys = own_keys(&Keys::new(None, None), false, names.clone(), now());
        let protection = Protection { keys, others: Vec::new() };
        assert_eq!(codes(&protection), [""; 0]);
        assert!(protection.text().contains("KEYS_DIR is not set"));
        let keys = own_keys(&Keys::new(Some("/nowhere".into()), None), true, names, now());
        assert_eq!(codes(&Protection { keys, others: Vec::new() }), ["key-unreadable"; 2]);
    }
}
