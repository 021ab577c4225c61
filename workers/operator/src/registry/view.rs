//! Agreements and profiles for people and programs. Names and certificates here are of enterprises, not of persons.

use crate::out::{Answer, Grid, or_dash, time};
use domain::agreement::{Agreement, KnownCertificate, Part, Role};
use jiff::Timestamp;
use messages::HerId;
use serde_json::{Value, json};
use store::agreement::Stored;
use uuid::Uuid;

/// What every list says of an agreement.
pub(super) const COLUMNS: [&str; 6] = ["kind", "id", "parties", "in force", "certificates valid until", "functions"];

/// One row of a list.
pub(super) fn row(agreement: &Agreement, now: Timestamp) -> [String; 6] {
    let functions: Vec<_> = agreement.functions().iter().map(|f| short(f).to_owned()).collect();
    [
        agreement.kind.as_str().to_owned(),
        agreement.id.to_string(),
        agreement.parties.iter().map(|p| p.her_id.to_string()).collect::<Vec<_>>().join(", "),
        in_force(agreement, now),
        or_dash(until(agreement).map(|at| if at < now { format!("{} (expired)", day(at)) } else { day(at) })),
        functions.join(" "),
    ]
}

fn in_force(agreement: &Agreement, now: Timestamp) -> String {
    agreement.unusable(now).map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"))
}

/// The first of its certificates to expire.
fn until(agreement: &Agreement) -> Option<Timestamp> {
    agreement.parties.iter().flat_map(|p| &p.certificates).map(|c| c.not_after).min()
}

fn day(at: Timestamp) -> String {
    time(at).chars().take(10).collect()
}

/// Without what nearly all functions begin with.
fn short(function: &str) -> &str {
    function.strip_prefix("DIALOG_INNBYGGER_").unwrap_or(function)
}

/// What lists say, for programs.
pub(super) fn summary(agreement: &Agreement, now: Timestamp) -> Value {
    let parties: Vec<_> = agreement.parties.iter().map(|p| json!({ "her_id": p.her_id, "name": p.name })).collect();
    json!({
        "kind": agreement.kind, "id": agreement.id, "status": agreement.status, "start": agreement.start, "end": agreement.end,
        "in_force": agreement.unusable(now).is_none(), "passed_over": agreement.unusable(now).map(|why| why.code()),
        "parties": parties, "functions": agreement.functions(), "certificates_valid_until": until(agreement),
    })
}

/// What was taken out.
pub(super) fn removed(id: Uuid) -> Answer {
    Answer { text: format!("{id} is removed.\n"), json: json!({ "removed": id }), positive: true }
}

/// A list.
pub(super) fn listed(all: &[Stored], now: Timestamp) -> Answer {
    let mut grid = Grid::new(COLUMNS);
    all.iter().for_each(|stored| grid.row(row(&stored.agreement, now)));
    let text = match all {
        [] => "Nothing was imported yet: dialogpost registry import FILE...".to_owned(),
        _ => grid.to_string(),
    };
    let agreements: Vec<_> = all.iter().map(|stored| summary(&stored.agreement, now)).collect();
    Answer { text, json: json!({ "agreements": agreements }), positive: true }
}

/// Nothing bears this id.
pub(super) fn unknown(id: Uuid) -> Answer {
    let text = format!("No agreement and no profile has the id {id}.\nSee dialogpost registry list.");
    Answer { text, json: json!({ "id": id, "found": false }), positive: false }
}

/// One, whole.
pub(super) fn shown(stored: &Stored, now: Timestamp) -> Answer {
    Answer { text: text(stored, now), json: whole(stored, now), positive: true }
}

/// Everything of a party.
pub(super) fn party(her_id: HerId, all: &[Stored], own: &[KnownCertificate], now: Timestamp) -> Answer {
    if all.is_empty() && own.is_empty() {
        let text = format!("There is no agreement, profile or certificate of {her_id}.\nSee dialogpost registry list.");
        return Answer { text, json: json!({ "her_id": her_id, "found": false }), positive: false };
    }
    let published = match own {
        [] => format!("No certificates are published for {her_id} itself.\n"),
        _ => format!("Published for {her_id} itself:\n{}", certificates(own.iter().map(|c| (her_id, c)))),
    };
    let agreements: Vec<_> = all.iter().map(|stored| text(stored, now)).collect();
    Answer {
        text: format!("{}{published}", agreements.concat()),
        json: json!({
            "her_id": her_id, "found": true, "agreements": all.iter().map(|s| whole(s, now)).collect::<Vec<_>>(),
            "certificates": own.iter().map(json_of).collect::<Vec<_>>(),
        }),
        positive: true,
    }
}

fn text(stored: &Stored, now: Timestamp) -> String {
    let agreement = &stored.agreement;
    let mut grid = Grid::new([agreement.kind.as_str(), &agreement.id.to_string()]);
    for (name, value) in [
        ("in force", in_force(agreement, now)),
        ("status", or_dash(agreement.status.as_ref())),
        ("from, until", format!("{}, {}", or_dash(agreement.start.map(day)), or_dash(agreement.end.map(day)))),
        ("parties", agreement.parties.iter().map(|p| format!("{} {}", p.her_id, p.name)).collect::<Vec<_>>().join(", ")),
        ("imported (Norwegian time)", time(stored.imported_at)),
    ] {
        grid.row([name.to_owned(), value]);
    }
    let mut roles = Grid::new(["party", "function", "role", "sends", "receives"]);
    for (party, role) in agreement.parties.iter().flat_map(|p| p.roles.iter().map(move |role| (p, role))) {
        let function = role.process.to_ascii_uppercase();
        let side = side(role).unwrap_or_default();
        roles.row([party.her_id.to_string(), short(&function).to_owned(), side, actions(&role.sends), actions(&role.receives)]);
    }
    let held = agreement.parties.iter().flat_map(|p| p.certificates.iter().map(|c| (p.her_id, c)));
    format!("{grid}{roles}{}", certificates(held))
}

/// The role without the function, which the older generation repeats in it.
fn side(role: &Role) -> Option<String> {
    let name = role.name.as_deref()?;
    let after =
        name.get(role.process.len()..).filter(|_| name.to_ascii_lowercase().starts_with(&role.process.to_ascii_lowercase()));
    Some(after.unwrap_or(name).to_owned())
}

fn actions(parts: &[Part]) -> String {
    parts.iter().map(|p| short(&p.action)).collect::<Vec<_>>().join(" ")
}

fn certificates<'a>(all: impl Iterator<Item = (HerId, &'a KnownCertificate)>) -> String {
    let mut grid = Grid::new(["party", "certificate for", "valid until", "thumbprint", "holder"]);
    for (her_id, c) in all {
        let purpose = match (c.signing, c.encryption) {
            (true, true) => "both",
            (true, false) => "signing",
            (false, true) => "encryption",
            (false, false) => "neither",
        };
        grid.row([her_id.to_string(), purpose.to_owned(), day(c.not_after), c.thumbprint.clone(), c.subject.clone()]);
    }
    grid.to_string()
}

fn whole(stored: &Stored, now: Timestamp) -> Value {
    let party = |p: &domain::agreement::AgreedParty| {
        let held: Vec<_> = p.certificates.iter().map(json_of).collect();
        json!({ "her_id": p.her_id, "name": p.name, "roles": p.roles, "certificates": held })
    };
    let mut json = summary(&stored.agreement, now);
    if let Value::Object(json) = &mut json {
        json.extend([
            ("parties".to_owned(), stored.agreement.parties.iter().map(party).collect()),
            ("packages".to_owned(), json!(stored.agreement.packages)),
            ("imported_at".to_owned(), json!(stored.imported_at)),
        ]);
    }
    json
}

fn json_of(c: &KnownCertificate) -> Value {
    json!({
        "thumbprint": c.thumbprint, "subject": c.subject, "signing": c.signing, "encryption": c.encryption,
        "not_before": c.not_before, "not_after": c.not_after,
    })
}
