//! Certificates as the rules see them: whose keys may sign, to whose keys to encrypt.

use jiff::Timestamp;
use std::cmp::Reverse;

/// A certificate that somebody published for a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// X.509, DER.
    pub der: Vec<u8>,
    /// Its key may sign messages (key usage nonRepudiation).
    pub signing: bool,
    /// Messages may be encrypted to it (key usage keyEncipherment). Both are true of a dual-use certificate.
    pub encryption: bool,
    /// Valid from this time on.
    pub not_before: Timestamp,
    /// Valid until this time.
    pub not_after: Timestamp,
    /// Distinguished name of its holder, an enterprise (RFC 4514).
    pub subject: String,
    /// SHA-1 of the DER in upper-case hexadecimal, as registries and Windows show it.
    pub thumbprint: String,
}

/// What a certificate is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Verifying a signature.
    Signing,
    /// Encrypting.
    Encryption,
}

impl KnownCertificate {
    /// Whether it may be used so, by its key usage.
    pub const fn is_for(&self, purpose: Use) -> bool {
        match purpose {
            Use::Signing => self.signing,
            Use::Encryption => self.encryption,
        }
    }

    /// Whether its period holds this time, both ends included (RFC 5280, 4.1.2.5).
    pub fn valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// The certificates for a purpose, best first: those valid now before the others, later ones before older ones. What is expired stays
/// in the list, so that it can be told from what is unknown; last comes what was published although it is for neither purpose.
pub fn in_preference<'a>(
    certificates: impl IntoIterator<Item = &'a KnownCertificate>,
    purpose: Use,
    now: Timestamp,
) -> Vec<&'a KnownCertificate> {
    let mut found: Vec<_> = certificates.into_iter().filter(|c| c.is_for(purpose) || !(c.signing || c.encryption)).collect();
    found.sort_by_key(|c| (!c.is_for(purpose), Reverse(c.valid_at(now)), Reverse(c.not_after), Reverse(c.not_before)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str, (signing, encryption): (bool, bool), from: &str, until: &str) -> KnownCertificate {
        let at = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
        let (not_before, not_after) = (at(from), at(until));
        KnownCertificate {
            der: name.into(),
            signing,
            encryption,
            not_before,
            not_after,
            subject: name.into(),
            thumbprint: name.into(),
        }
    }

    #[test]
    fn the_latest_valid_one_stands_first_and_none_is_lost() {
        let all = [
            certificate("over", (true, false), "2020-01-01", "2023-01-01"),
            certificate("old", (true, false), "2022-01-01", "2027-01-01"),
            certificate("both", (true, true), "2024-01-01", "2028-01-01"),
            certificate("coming", (true, false), "2027-01-01", "2030-01-01"),
            certificate("encryption", (false, true), "2024-01-01", "2029-01-01"),
            certificate("neither", (false, false), "2024-01-01", "2031-01-01"),
        ];
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let names = |purpose| in_preference(&all, purpose, now).into_iter().map(|c| c.subject.as_str()).collect::<Vec<_>>();
        assert_eq!(names(Use::Signing), ["both", "old", "coming", "over", "neither"]);
        assert_eq!(names(Use::Encryption), ["encryption", "both", "neither"], "conformance 32: dual use fills both slots");
    }

    #[test]
    fn both_ends_of_the_period_count() {
        let one = certificate("one", (true, false), "2024-01-01", "2025-01-01");
        for (at, want) in [
            ("2023-12-31T23:59:59Z", false),
            ("2024-01-01T00:00:00Z", true),
            ("2025-01-01T00:00:00Z", true),
            ("2025-01-01T00:00:01Z", false),
        ] {
            assert_eq!(one.valid_at(at.parse().unwrap()), want, "{at}");
        }
    }
}
