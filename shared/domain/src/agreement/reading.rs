//! From a profile or agreement as its file says it to one that the rules can use: every fault at once, each with its place.

use super::{AgreedParty, Agreement, Kind, KnownCertificate, Part, Role};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use messages::HerId;
use messages::wire::cppa::{self, ActionBinding, CollaborationRole, Document, PartyInfo};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A fault of a profile or agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementFault {
    /// Path in the document, such as `PartyInfo[2]/PartyId`, counted from 1 as in XPath.
    pub place: String,
    /// What is wrong and what is expected.
    pub text: String,
}

impl AgreementFault {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// Turns DER into what is known of a certificate, or says what is wrong with it.
pub type Classify<'a> = &'a dyn Fn(&[u8]) -> Result<KnownCertificate, String>;

/// Checks a document and takes from it what the rules use. Roles without a process and bindings without an action say nothing and are
/// left out.
///
/// # Errors
/// Every fault.
pub fn agreement(document: &Document, classify: Classify<'_>) -> Result<Agreement, Vec<AgreementFault>> {
    let mut faults = Vec::new();
    let (kind, id_name, wanted) = match document.kind {
        cppa::Kind::Agreement => (Kind::Cpa, "@cpaid", 2),
        cppa::Kind::Profile => (Kind::Cpp, "@cppid", 1),
    };
    let id = document.id.as_deref().and_then(|id| Uuid::try_parse(id).ok()).filter(|id| !id.is_nil());
    if id.is_none() {
        faults.push(AgreementFault::new(id_name, "expected a GUID that is not zero"));
    }
    let (start, end) = (time(document.start.as_ref(), "Start", &mut faults), time(document.end.as_ref(), "End", &mut faults));
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        faults.push(AgreementFault::new("End", "the period ends before it begins"));
    }
    if document.parties.len() != wanted {
        let n = document.parties.len();
        faults.push(AgreementFault::new("PartyInfo", format!("expected {wanted} of them, found {n}")));
    }
    let parties: Vec<_> =
        document.parties.iter().enumerate().filter_map(|(n, info)| party(info, n + 1, classify, &mut faults)).collect();
    if let [one, other] = &parties[..]
        && one.her_id == other.her_id
    {
        faults.push(AgreementFault::new("PartyInfo[2]/PartyId", "both parties have this HER-id"));
    }
    match id.filter(|_| faults.is_empty()) {
        Some(id) => {
            Ok(Agreement { kind, id, status: document.status.clone(), start, end, parties, packages: packages(document) })
        }
        None => Err(faults),
    }
}

/// xs:dateTime; without a zone it is Norwegian time.
fn time(text: Option<&String>, place: &str, faults: &mut Vec<AgreementFault>) -> Option<Timestamp> {
    let text = text?;
    let norwegian = || {
        let zone = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
        text.parse::<DateTime>().ok()?.to_zoned(zone).ok().map(|at| at.timestamp())
    };
    let at = text.parse().ok().or_else(norwegian);
    if at.is_none() {
        faults.push(AgreementFault::new(place, "expected a date with a time, such as 2024-01-15T00:00:00+01:00"));
    }
    at
}

fn party(info: &PartyInfo, n: usize, classify: Classify<'_>, faults: &mut Vec<AgreementFault>) -> Option<AgreedParty> {
    let her_id = her_id(info);
    if her_id.is_none() {
        faults.push(AgreementFault::new(format!("PartyInfo[{n}]/PartyId"), "expected a HER-id"));
    }
    let certificates = certificates(info, n, classify, faults);
    let roles = info.roles.iter().filter_map(|r| role(info, r)).collect();
    Some(AgreedParty { her_id: her_id?, name: info.name.clone().unwrap_or_default(), roles, certificates })
}

/// The `PartyId` of type `HER`, else one without a type that can be a HER-id.
fn her_id(info: &PartyInfo) -> Option<HerId> {
    let of = |wanted: fn(&str) -> bool| {
        let ids = info.ids.iter().filter(move |id| wanted(id.kind.as_deref().unwrap_or_default()));
        ids.filter_map(|id| id.id.as_deref()?.parse().ok()).next()
    };
    of(|kind| kind.eq_ignore_ascii_case("HER")).or_else(|| of(str::is_empty))
}

fn certificates(info: &PartyInfo, n: usize, classify: Classify<'_>, faults: &mut Vec<AgreementFault>) -> Vec<KnownCertificate> {
    let mut found: Vec<KnownCertificate> = Vec::new();
    for (c, certificate) in info.certificates.iter().enumerate() {
        for der in &certificate.der {
            let known = der.as_deref().ok_or_else(|| "expected base64".to_owned()).and_then(classify);
            match known {
                // The same one under two ids is one.
                Ok(known) if found.iter().any(|f| f.der == known.der) => {}
                Ok(known) => found.push(known),
                Err(text) => faults.push(AgreementFault::new(format!("PartyInfo[{n}]/Certificate[{}]", c + 1), text)),
            }
        }
    }
    found
}

fn role(info: &PartyInfo, role: &CollaborationRole) -> Option<Role> {
    let parts = |bindings: &[ActionBinding]| bindings.iter().filter_map(|b| part(info, b)).collect();
    Some(Role {
        process: role.process.clone()?,
        version: role.version.clone(),
        name: role.name.clone(),
        sends: parts(&role.sends),
        receives: parts(&role.receives),
    })
}

fn part(info: &PartyInfo, binding: &ActionBinding) -> Option<Part> {
    let transport = binding.channel.as_deref().and_then(|channel| info.transport(channel));
    Some(Part {
        action: binding.action.clone()?,
        package: binding.package.clone(),
        protocol: transport.and_then(|t| t.protocol.clone()),
        endpoint: transport.and_then(|t| t.endpoint.clone()),
    })
}

fn packages(document: &Document) -> BTreeMap<String, Vec<String>> {
    let ids = document.packages.iter().filter_map(|p| p.id.as_deref());
    ids.map(|id| (id.to_owned(), document.namespaces_of(id).into_iter().map(str::to_owned).collect())).collect()
}
