//! What protected exchange needs: the clinic's keys, and certificates of everyone it exchanges messages with.

mod other;
mod own_key;

use crate::failure::Failure;
use crate::out::{Grid, or_dash, time};
use domain::agreement::{Question, Use, look_up};
use jiff::Timestamp;
use messages::HerId;
use other::{Known, Other};
use own_key::{OwnKey, disagreements, own_keys};
use runtime::Config;
use runtime::protection::keys::Keys;
use runtime::protection::trust_dir::read_trust_dir;
use serde_json::{Value, json};
use store::agreement::Pair;
use store::{Session, agreement, clinic};

/// What there is for one clinic.
#[derive(Debug, Default)]
pub struct Protection {
    keys: Vec<OwnKey>,
    others: Vec<Other>,
    disagreements: Vec<Lack>,
    /// What could not be looked at, and why.
    unseen: Vec<String>,
}

/// Something that is lacking.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let keys = own_keys(&keys, config.keys_dir.is_some(), names, now);
        let mut unseen = Vec::new();
        if keys.iter().any(|key| !key.was_tried()) {
            unseen.push("the keys, since KEYS_DIR is not set here".to_owned());
        }
        let trusted = match config.trust_dir.as_deref().map(read_trust_dir) {
            Some(Ok(trusted)) => Some(trusted),
            Some(Err(why)) => {
                unseen.push(format!("whom TRUST_DIR trusts: {why}"));
                None
            }
            None => {
                unseen.push("whether the parties' certificates are trusted, since TRUST_DIR is not set here".to_owned());
                None
            }
        };
        let parties = clinic::parties(session).await?;
        let pair = |other| Pair { own: her_id, other, cpa_id: None };
        let known = agreement::for_pairs(session, &parties.iter().map(|(id, _)| pair(*id)).collect::<Vec<_>>()).await?;
        let other = |(other, name): (HerId, String)| {
            let question = Question { own: her_id, other, cpa_id: None, function: "", excluded: &[], now };
            let found = known.get(&pair(other)).map(|known| look_up(known, &question)).unwrap_or_default();
            Other::new(other, name, &found, trusted.as_ref(), now)
        };
        let disagreements = disagreements(&keys, her_id, known.values().flat_map(|known| &known.of_pair), now);
        Ok(Self { disagreements, others: parties.into_iter().map(other).collect(), keys, unseen })
    }

    fn lacks(&self) -> Vec<Lack> {
        let own = self.keys.iter().filter_map(OwnKey::lack).chain(self.unnamed()).chain(self.disagreements.iter().cloned());
        own.chain(self.others.iter().flat_map(Other::lacks)).collect()
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
            let shown = |found: &Option<Known>| or_dash(found.as_ref().map(|f| format!("{}, until {}", f.source, time(f.until))));
            others.row([other.her_id.to_string(), other.name.clone(), shown(&other.signing), shown(&other.encryption)]);
        }
        let mut text = match lacks.is_empty() {
            true if !self.unseen.is_empty() => "Protected exchange: nothing is lacking as far as could be seen\n".to_owned(),
            true => "Protected exchange: nothing is lacking\n".to_owned(),
            false => "Protected exchange: not yet\n".to_owned(),
        };
        for unseen in &self.unseen {
            text.push_str(&format!("Not looked at: {unseen}\n"));
        }
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
        let found = |f: &Option<Known>| {
            f.as_ref().map(|f| json!({ "source": f.source, "valid_until": f.until, "trusted": f.is_trusted }))
        };
        let other = |other: &Other| {
            let (signing, encryption) = (found(&other.signing), found(&other.encryption));
            json!({ "her_id": other.her_id, "name": other.name, "signing": signing, "encryption": encryption })
        };
        let lack = |lack: &Lack| json!({ "code": lack.code, "of": lack.of, "remedy": lack.remedy });
        json!({
            "ready": lacks.is_empty(), "unseen": self.unseen, "missing": lacks.iter().map(lack).collect::<Vec<_>>(),
            "keys": self.keys.iter().map(key).collect::<Vec<_>>(), "parties": self.others.iter().map(other).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn codes(protection: &Protection) -> Vec<&'static str> {
        protection.lacks().into_iter().map(|lack| lack.code).collect()
    }

    #[test]
    fn whoever_has_nothing_lacks_everything() {
        let other = Other { her_id: "8093244".parse().unwrap(), name: "Helsenorge.no".into(), signing: None, encryption: None };
        let protection = Protection { others: vec![other], ..Protection::default() };
        let want = ["signing-key", "decryption-key", "party-signing-certificate", "party-encryption-certificate"];
        assert_eq!(codes(&protection), want);
        assert_eq!(protection.json()["ready"], false);
    }

    #[test]
    fn what_was_not_looked_at_is_said() {
        let protection = Protection { unseen: vec!["the keys, since KEYS_DIR is not set here".into()], ..Protection::default() };
        assert!(protection.text().contains("Not looked at: the keys, since KEYS_DIR is not set here"));
        assert_eq!(protection.json()["unseen"][0], "the keys, since KEYS_DIR is not set here");
    }
}
