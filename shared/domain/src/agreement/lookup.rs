//! Which agreement holds between two parties, and whose certificates to expect (nhn-messaging 3.1 step 7, 4.1).
//!
//! The order: the agreement that the message names, the agreements of the pair, the other's profile, and the certificates published for
//! the other itself. An agreement that may not be gone by is passed over with a warning; a registry that does not answer is no case for
//! these rules, which then are not asked.

use super::certificate::in_preference;
use super::{Agreement, KnownCertificate, Unusable, Use};
use jiff::Timestamp;
use messages::HerId;
use std::cmp::Reverse;
use std::fmt;
use uuid::Uuid;

/// Everything known about a pair of parties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The agreement that the message names.
    pub by_id: Option<Agreement>,
    /// Agreements of the pair, in any order.
    pub of_pair: Vec<Agreement>,
    /// The other's profile.
    pub profile: Option<Agreement>,
    /// Certificates published for the other itself.
    pub party: Vec<KnownCertificate>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Our side: `toHerId` of what arrives, `fromHerId` of what is sent.
    pub own: HerId,
    /// The other side.
    pub other: HerId,
    /// `cpaId` of the message; zero counts as none.
    pub cpa_id: Option<Uuid>,
    /// Message function.
    pub function: &'a str,
    /// Functions that go by the other's own certificates, whatever was agreed.
    pub excluded: &'a [String],
    /// The time.
    pub now: Timestamp,
}

/// Where something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The agreement that the message names.
    AgreementById(Uuid),
    /// An agreement of the pair.
    AgreementOfPair(Uuid),
    /// The other's profile.
    Profile(Uuid),
    /// Published for the party itself.
    Party(HerId),
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgreementById(id) => write!(f, "agreement {id}, named by the message"),
            Self::AgreementOfPair(id) => write!(f, "agreement {id} of the pair"),
            Self::Profile(id) => write!(f, "profile {id}"),
            Self::Party(her_id) => write!(f, "party {her_id}"),
        }
    }
}

/// Something to go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Where it comes from.
    pub provenance: Provenance,
    /// The agreement or profile; none when only certificates are known.
    pub agreement: Option<&'a Agreement>,
    /// Whose certificates these are.
    pub other: HerId,
    /// The other's certificates, without order.
    pub certificates: &'a [KnownCertificate],
}

/// An agreement that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its id.
    pub agreement: Uuid,
    /// Why.
    pub why: Unusable,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "agreement {} was passed over: {}", self.agreement, self.why)
    }
}

/// What to go by, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// The first is the one to send by; none = nothing is known of the other.
    pub sources: Vec<Source<'a>>,
    /// What was passed over.
    pub warnings: Vec<Warning>,
}

/// A certificate that a message may have been signed with, or is to be encrypted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The certificate.
    pub certificate: &'a KnownCertificate,
    /// The best source that has it.
    pub provenance: Provenance,
}

impl<'a> Found<'a> {
    /// Every certificate for a purpose, source by source, each once; within a source those valid now first, then the later ones.
    pub fn candidates(&self, purpose: Use, now: Timestamp) -> Vec<Candidate<'a>> {
        let mut all: Vec<Candidate<'a>> = Vec::new();
        for source in &self.sources {
            for certificate in in_preference(source.certificates, purpose, now) {
                if !all.iter().any(|c| c.certificate.der == certificate.der) {
                    all.push(Candidate { certificate, provenance: source.provenance });
                }
            }
        }
        all
    }
}

/// Everything to go by, in order, and what was passed over.
pub fn look_up<'a>(known: &'a Known, question: &Question<'_>) -> Found<'a> {
    let mut found = Found::default();
    if !question.excluded.iter().any(|f| f.eq_ignore_ascii_case(question.function)) {
        by_id(known, question, &mut found);
        of_pair(known, question, &mut found);
        let other = question.other;
        if let Some(cpp) = &known.profile
            && let Some(party) = cpp.party(other)
        {
            let provenance = Provenance::Profile(cpp.id);
            found.sources.push(Source { provenance, agreement: Some(cpp), other, certificates: &party.certificates });
        }
    }
    if !known.party.is_empty() {
        let (provenance, other) = (Provenance::Party(question.other), question.other);
        found.sources.push(Source { provenance, agreement: None, other, certificates: &known.party });
    }
    found
}

fn by_id<'a>(known: &'a Known, question: &Question<'_>, found: &mut Found<'a>) {
    let Some(id) = question.cpa_id.filter(|id| !id.is_nil()) else { return };
    match &known.by_id {
        Some(agreement) => go_by(agreement, Provenance::AgreementById(id), question, found),
        None => found.warnings.push(Warning { agreement: id, why: Unusable::Unknown }),
    }
}

/// Of several, the one that began last comes first.
fn of_pair<'a>(known: &'a Known, question: &Question<'_>, found: &mut Found<'a>) {
    let named = known.by_id.as_ref().map(|a| a.id);
    let mut agreements: Vec<_> = known.of_pair.iter().filter(|a| Some(a.id) != named).collect();
    agreements.sort_by_key(|a| (Reverse(a.start), Reverse(a.id)));
    for agreement in agreements {
        go_by(agreement, Provenance::AgreementOfPair(agreement.id), question, found);
    }
}

fn go_by<'a>(agreement: &'a Agreement, provenance: Provenance, question: &Question<'_>, found: &mut Found<'a>) {
    let other = agreement.party(question.other).filter(|_| agreement.party(question.own).is_some());
    match (other, agreement.unusable(question.now)) {
        (Some(party), None) => found.sources.push(Source {
            provenance,
            agreement: Some(agreement),
            other: question.other,
            certificates: &party.certificates,
        }),
        (None, _) => found.warnings.push(Warning { agreement: agreement.id, why: Unusable::OtherParties }),
        (Some(_), Some(why)) => found.warnings.push(Warning { agreement: agreement.id, why }),
    }
}
