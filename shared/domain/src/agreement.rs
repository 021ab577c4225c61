//! What parties have agreed: collaboration agreements (CPA), profiles (CPP), and the certificates that go with them
//! (nhn-messaging 3.1 step 7, 4.1, 6).
//!
//! - [`reading`]: from a file as it is to what the rules use
//! - [`lookup`]: which agreement holds for a message, and whose certificates to expect
//! - [`part`]: which message part a party can send or receive
//! - [`certificate`]: which certificate to prefer

pub mod certificate;
pub mod lookup;
pub mod part;
pub mod reading;

pub use certificate::{KnownCertificate, Use};
pub use lookup::{Candidate, Found, Known, Provenance, Question, Source, Warning, look_up};
pub use part::{Chosen, Delivery, Direction, PartFault, Wanted};
pub use reading::AgreementFault;

use jiff::Timestamp;
use messages::HerId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// An agreement or a profile. Its certificates are kept apart from the rest, since many agreements share them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Which of the two.
    pub kind: Kind,
    /// `cpaid` or `cppid`; never the zero GUID.
    pub id: Uuid,
    /// `proposed`, `agreed`, `signed`; profiles have none.
    pub status: Option<String>,
    /// Holds from this time on; profiles have none.
    pub start: Option<Timestamp>,
    /// Holds until this time; profiles have none.
    pub end: Option<Timestamp>,
    /// Two in an agreement, one in a profile.
    pub parties: Vec<AgreedParty>,
    /// Namespaces by package id.
    pub packages: BTreeMap<String, Vec<String>>,
}

/// Which kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Collaboration protocol agreement: what two parties have agreed.
    Cpa,
    /// Collaboration protocol profile: what one party can do.
    Cpp,
}

impl Kind {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpa => "cpa",
            Self::Cpp => "cpp",
        }
    }
}

/// One party of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedParty {
    /// Level-2 HER-id.
    pub her_id: HerId,
    /// Name.
    pub name: String,
    /// What it can do; a party often lists both sides of a process.
    pub roles: Vec<Role>,
    /// Its certificates, without order; not part of the stored document.
    #[serde(skip)]
    pub certificates: Vec<KnownCertificate>,
}

/// A party's side of one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The message function, in whatever case.
    pub process: String,
    /// Version of the process.
    pub version: Option<String>,
    /// `Innbygger`, `Helsepersonell`; `{process}receiver` or `{process}sender` in the older generation.
    pub name: Option<String>,
    /// What the party sends.
    pub sends: Vec<Part>,
    /// What it receives.
    pub receives: Vec<Part>,
}

/// One kind of message within a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `Foresporsel`, `Svar`, `Apprec` …; the message function itself in the older generation.
    pub action: String,
    /// Key of [`Agreement::packages`].
    pub package: Option<String>,
    /// `AMQP`; none when the channel is not described.
    pub protocol: Option<String>,
    /// Where the file says the party receives. For people: the address registry decides.
    pub endpoint: Option<String>,
}

/// Why an agreement is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its status is not `agreed`.
    NotAgreed,
    /// Its period has not begun.
    NotYet,
    /// Its period is over.
    Over,
    /// It is between others.
    OtherParties,
    /// Nobody knows this id.
    Unknown,
}

impl Unusable {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAgreed => "agreement-not-agreed",
            Self::NotYet => "agreement-not-yet-valid",
            Self::Over => "agreement-over",
            Self::OtherParties => "agreement-of-other-parties",
            Self::Unknown => "agreement-unknown",
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAgreed => "its status is not agreed",
            Self::NotYet => "its period has not begun",
            Self::Over => "its period is over",
            Self::OtherParties => "it is between other parties",
            Self::Unknown => "it was never imported",
        })
    }
}

impl Agreement {
    /// What a party has agreed to.
    pub fn party(&self, her_id: HerId) -> Option<&AgreedParty> {
        self.parties.iter().find(|p| p.her_id == her_id)
    }

    /// Why nobody may go by it now. A profile may always be gone by.
    pub fn unusable(&self, now: Timestamp) -> Option<Unusable> {
        if self.kind == Kind::Cpp {
            return None;
        }
        if !self.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("agreed")) {
            return Some(Unusable::NotAgreed);
        }
        if self.start.is_some_and(|start| now < start) {
            return Some(Unusable::NotYet);
        }
        self.end.is_some_and(|end| end < now).then_some(Unusable::Over)
    }

    /// Namespaces of a package; none for a package that is not described.
    pub fn namespaces(&self, part: &Part) -> &[String] {
        part.package.as_ref().and_then(|id| self.packages.get(id)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The message functions that its parties name, each once, in upper case and order.
    pub fn functions(&self) -> Vec<String> {
        let mut functions: Vec<_> = self.parties.iter().flat_map(|p| &p.roles).map(|r| r.process.to_ascii_uppercase()).collect();
        functions.sort();
        functions.dedup();
        functions
    }
}
