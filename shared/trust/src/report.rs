//! What is wrong with a certificate, and what its owner is told.

use crate::certificate::Certificate;
use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of certificate errors, numbered as in HelseNorge's client (`CertificateErrors`); `UNTRUSTED` is ours.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CertificateErrors(u16);

impl CertificateErrors {
    /// Nothing is wrong.
    pub const NONE: Self = Self(0);
    /// Not yet valid.
    pub const START_DATE: Self = Self(1);
    /// Expired.
    pub const END_DATE: Self = Self(2);
    /// Not for this use.
    pub const USAGE: Self = Self(4);
    /// Revoked.
    pub const REVOKED: Self = Self(8);
    /// There is no way to know whether it is revoked.
    pub const REVOKED_UNKNOWN: Self = Self(16);
    /// There is no certificate.
    pub const MISSING: Self = Self(32);
    /// Whether it is revoked cannot be known now.
    pub const REVOKED_OFFLINE: Self = Self(64);
    /// No valid chain leads to a configured root.
    pub const UNTRUSTED: Self = Self(128);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::START_DATE, "start-date"),
        (Self::END_DATE, "end-date"),
        (Self::USAGE, "usage"),
        (Self::REVOKED, "revoked"),
        (Self::REVOKED_UNKNOWN, "revoked-unknown"),
        (Self::MISSING, "missing"),
        (Self::REVOKED_OFFLINE, "revoked-offline"),
        (Self::UNTRUSTED, "untrusted"),
    ];

    /// The bits as a number.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The same without `REVOKED_OFFLINE`, unless that is all there is.
    #[must_use]
    pub const fn settled(self) -> Self {
        match Self(self.0 & !Self::REVOKED_OFFLINE.0) {
            Self::NONE => self,
            others => others,
        }
    }

    /// Is nothing wrong?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Are all of these among them?
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is one of these among them?
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Each by its stable, kebab-case name.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(error, _)| self.contains(*error)).map(|(_, name)| name)
    }
}

impl BitOr for CertificateErrors {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for CertificateErrors {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Debug for CertificateErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The properties of the error message that tells a sender about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// `errorCondition`.
    pub condition: &'static str,
    /// `errorDescription`.
    pub description: &'static str,
    /// `errorConditionData`: which certificate; empty when there is none.
    pub data: String,
}

/// What to do about a set of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The certificate may be relied on.
    Valid,
    /// Time heals: ask again when the revocation service answers. The sender is not told.
    TryLater,
    /// The sender is told.
    Refused(ErrorReport),
}

/// What becomes of a message whose certificate has these errors. Where anything else is wrong, it does not matter that
/// revocation could not be looked up.
pub fn report(errors: CertificateErrors, certificate: Option<&Certificate>) -> Verdict {
    let (condition, description) = match errors.settled() {
        CertificateErrors::NONE => return Verdict::Valid,
        CertificateErrors::REVOKED_OFFLINE => return Verdict::TryLater,
        CertificateErrors::START_DATE => ("transport:expired-certificate", "Invalid start date"),
        CertificateErrors::END_DATE => ("transport:expired-certificate", "Invalid end date"),
        CertificateErrors::USAGE => ("transport:invalid-certificate", "Invalid usage"),
        CertificateErrors::REVOKED => ("transport:revoked-certificate", "Certificate has been revoked"),
        CertificateErrors::REVOKED_UNKNOWN => ("transport:revoked-certificate", "Unable to determine revocation status"),
        CertificateErrors::MISSING => ("transport:missing-certificate", "Certificate is missing"),
        CertificateErrors::UNTRUSTED => ("transport:invalid-certificate", "Certificate is not issued by a trusted authority"),
        _ => ("transport:invalid-certificate", "More than one error with certificate"),
    };
    let data = match certificate {
        Some(certificate) => format!("Subject: {};Thumbprint: {};", certificate.subject(), certificate.thumbprint()),
        None => String::new(),
    };
    Verdict::Refused(ErrorReport { condition, description, data })
}
