//! `dialogpost check`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, clean, or_dash};
use crate::protection::Protection;
use clap::Args;
use domain::appointment::bookable::unbookable;
use domain::clinic::{Clinic, Employee};
use domain::command::recipients::lint;
use domain::reach::Reach;
use domain::readiness::{Missing, missing};
use domain::services::{self, unoffered};
use messages::HerId;
use runtime::clock;
use serde_json::{Value, json};
use std::fmt::Write;

/// Lists what a clinic still lacks before it can take part, and what to do about it.
///
/// Messages for a clinic that is not ready are receipted negatively, stored and counted; without a party that is HelseNorge for it, every
/// command that HelseNorge is to hear of is refused. Routing rules that point to nobody or are for what nobody offers, doctors whose patients
/// cannot book, timebøker that the set-up file no longer names though appointments in them are to come, and what is lacking for protected
/// exchange (keys of the clinic, certificates of each party), are listed apart and make no clinic unready. Needs DATABASE_URL; with KEYS_DIR, and KEYS_PASSWORD for files that are encrypted, the clinic's keys are tried.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The clinic's HER-id.
    clinic: HerId,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost check 8141333
  KEYS_DIR=/run/secrets/keys dialogpost check 8141333 --json

Exit codes: 0 ready; 1 not ready; 2 no such clinic, or it could not be asked.";

impl Check {
    /// Does it.
    ///
    /// # Errors
    /// No such clinic; the database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database, Need::Keys])?;
        let session = environment::database(&config).await?;
        let her_id = self.clinic;
        match store::clinic::load_now(&session, &[her_id]).await?.get(&her_id) {
            Some(clinic) => {
                let lacks = lacks(clinic, store::known::reach_now(&session, her_id).await?);
                let left_over = store::timebok::left_over(&session, her_id, clock::system()).await?;
                Ok(answer(clinic, &lacks, &left_over, &Protection::of(&session, &config, her_id, clock::system()).await?))
            }
            None => Err(Failure::UnknownClinic { her_id, employee_of: store::clinic::of(&session, her_id).await? }),
        }
    }
}

/// What becomes of messages for a recipient who is nobody at present (R4).
pub const TO_NOBODY: &str = "messages for it alone go to the whole clinic; all are flagged";

/// What becomes of messages of a kind that nobody offers (J2).
pub const UNOFFERED: &str = "nobody offers it: what patients write is turned down; list it under services, or remove the rule";

/// Something that a clinic lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// The employee it is missing of; none = the clinic itself.
    pub employee: Option<String>,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What a clinic lacks before it can take part (J1), and before it can write to HelseNorge.
pub fn lacks(clinic: &Clinic, reach: Option<Reach>) -> Vec<Lack> {
    let of = |missing: Missing| Lack { code: missing.code(), employee: employee_of(&missing), remedy: missing.remedy() };
    let unreached = reach.and_then(Result::err).map(|why| Lack { code: why.code(), employee: None, remedy: why.remedy() });
    missing(clinic).into_iter().map(of).chain(unreached).collect()
}

fn employee_of(missing: &Missing) -> Option<String> {
    match missing {
        Missing::EmployeeHerId { employee } => Some(employee.clone()),
        Missing::NhnMembership | Missing::DigitalDialogOrder | Missing::Service => None,
    }
}

/// What to do about appointments in a timebok that the set-up file no longer names.
pub const LEFT_OVER: &str = "nothing more is booked in it; move or cancel what is to come, or name it in the file again";

fn answer(clinic: &Clinic, lacks: &[Lack], left_over: &[(String, i64)], protection: &Protection) -> Answer {
    let mut employees = Grid::new(["employee", "HER-id", "services", "takes part"]);
    for (id, employee) in &clinic.employees {
        employees.row([id.clone(), or_dash(employee.her_id), offered(employee), takes_part(employee).to_owned()]);
    }
    let state = if lacks.is_empty() { "ready" } else { "not ready" };
    let mut text = format!("Clinic {}: {state}\n{employees}", clinic.her_id);
    if !lacks.is_empty() {
        let mut grid = Grid::new(["missing", "of", "what to do"]);
        for lack in lacks {
            let of = lack.employee.clone().unwrap_or_else(|| "the clinic".to_owned());
            grid.row([lack.code.to_owned(), of, lack.remedy.to_owned()]);
        }
        text.push_str(&grid.to_string());
    }
    text.push_str(&rules_text(clinic));
    text.push_str(&booking_text(clinic));
    if !left_over.is_empty() {
        let mut grid = Grid::new(["timebok", "appointments to come", "what to do"]);
        for (timebok, appointments) in left_over {
            grid.row([timebok.clone(), appointments.to_string(), LEFT_OVER.to_owned()]);
        }
        let _ = write!(text, "Timebøker that the set-up file no longer names:\n{grid}");
    }
    text.push_str(&protection.text());
    Answer { text, json: json_of(clinic, lacks, left_over, protection), positive: lacks.is_empty() }
}

/// Rules that lead nowhere.
fn rules_text(clinic: &Clinic) -> String {
    let mut text = String::new();
    let nobody = lint(clinic);
    if !nobody.is_empty() {
        let mut grid = Grid::new(["rule", "recipient", "what happens"]);
        for (kind, recipient) in &nobody {
            grid.row([kind.as_str().to_owned(), recipient.clone(), TO_NOBODY.to_owned()]);
        }
        let _ = write!(text, "Routing rules that point to nobody:\n{grid}");
    }
    let unoffered = unoffered(clinic);
    if !unoffered.is_empty() {
        let mut grid = Grid::new(["rule", "what happens"]);
        for kind in &unoffered {
            grid.row([kind.as_str().to_owned(), UNOFFERED.to_owned()]);
        }
        let _ = write!(text, "Routing rules for what nobody offers:\n{grid}");
    }
    text
}

/// Doctors whose patients cannot book though they should (T1).
fn booking_text(clinic: &Clinic) -> String {
    let unbookable = unbookable(clinic);
    if unbookable.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(["doctor", "why", "what to do"]);
    for (doctor, why) in &unbookable {
        grid.row([(*doctor).to_owned(), why.code().to_owned(), why.remedy().to_owned()]);
    }
    format!("Doctors whose patients cannot book:\n{grid}")
}

fn json_of(clinic: &Clinic, lacks: &[Lack], left_over: &[(String, i64)], protection: &Protection) -> Value {
    let missing: Vec<_> =
        lacks.iter().map(|lack| json!({ "code": lack.code, "employee": lack.employee, "remedy": lack.remedy })).collect();
    let employee = |(id, e): (&String, &Employee)| json!({ "id": id, "her_id": e.her_id, "services": e.services });
    let employees: Vec<_> = clinic.employees.iter().map(employee).collect();
    let nobody = lint(clinic);
    let nobody: Vec<_> = nobody.iter().map(|(kind, r)| json!({ "rule": kind, "recipient": r, "happens": TO_NOBODY })).collect();
    let unoffered: Vec<_> = unoffered(clinic).iter().map(|kind| json!({ "rule": kind, "happens": UNOFFERED })).collect();
    let unbookable: Vec<_> = unbookable(clinic)
        .into_iter()
        .map(|(doctor, why)| json!({ "doctor": doctor, "code": why.code(), "remedy": why.remedy() }))
        .collect();
    json!({
        "timeboker_left_over": left_over.iter().map(|(timebok, n)| json!({ "timebok": timebok, "appointments": n })).collect::<Vec<_>>(),
        "doctors_whose_patients_cannot_book": unbookable, "clinic": clinic.her_id, "ready": lacks.is_empty(), "missing": missing, "employees": employees,
        "rules_pointing_to_nobody": nobody, "rules_for_what_nobody_offers": unoffered, "protection": protection.json(),
    })
}

fn offered(employee: &Employee) -> String {
    if employee.services.is_empty() { "–".to_owned() } else { employee.services.join(" ") }
}

fn takes_part(employee: &Employee) -> &'static str {
    match (services::takes_part(employee), employee.her_id) {
        (false, _) => "no: offers no service",
        (true, None) => "not yet: has no HER-id",
        (true, Some(_)) => "yes",
    }
}

/// The employee something is missing of, in brackets; nothing for the clinic itself.
pub fn whose(lack: &Lack) -> String {
    lack.employee.as_ref().map(|id| format!(" ({})", clean(id))).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use domain::clinic::{Recipient, RoutingRule, SetKind};
    use domain::reach::Unreached;
    use messages::event::DialogKind;
    use std::collections::BTreeMap;

    #[test]
    fn a_rule_that_points_to_nobody_makes_no_clinic_unready() {
        let kari = Employee { her_id: "8141334".parse().ok(), services: vec!["EKONTAKT".into()] };
        let recipients = ["vikarer", "legene"].map(|id| Recipient::Group(id.into()));
        let clinic = Clinic {
            her_id: "8141333".parse().unwrap(),
            nhn_member: true,
            digital_dialog_ordered: true,
            employees: BTreeMap::from([("kari".into(), kari)]),
            sets: BTreeMap::from([((SetKind::Group, "legene".into()), vec!["kari".into()])]),
            command_users: [].into(),
            booking: Default::default(),
            routing: BTreeMap::from([
                (DialogKind::EKontakt, RoutingRule::Fast { recipients: recipients.into() }),
                (DialogKind::Reseptfornyelse, RoutingRule::Behandler),
            ]),
        };
        let answer = answer(&clinic, &[], &[], &Protection::default());
        assert!(answer.positive && answer.text.contains("│ EKONTAKT ┆ group:vikarer ┆ messages for it alone"), "{}", answer.text);
        let nobody = &answer.json["rules_pointing_to_nobody"];
        assert_eq!(nobody, &json!([{ "rule": "EKONTAKT", "recipient": "group:vikarer", "happens": TO_NOBODY }]));
        assert!(answer.text.contains("│ RESEPTFORNYELSE ┆ nobody offers it"), "{}", answer.text);
        let unoffered = &answer.json["rules_for_what_nobody_offers"];
        assert_eq!(unoffered, &json!([{ "rule": "RESEPTFORNYELSE", "happens": UNOFFERED }]));
    }

    #[test]
    fn every_lack_has_its_remedy() {
        let ole = Employee { her_id: None, services: vec!["EKONTAKT".into()] };
        let siri = Employee { her_id: None, services: vec![] };
        let clinic = Clinic {
            her_id: "8141333".parse().unwrap(),
            nhn_member: false,
            digital_dialog_ordered: true,
            employees: BTreeMap::from([("ole".into(), ole), ("siri".into(), siri)]),
            sets: BTreeMap::new(),
            command_users: [].into(),
            booking: Default::default(),
            routing: BTreeMap::new(),
        };
        let answer = answer(&clinic, &lacks(&clinic, Some(Err(Unreached::Several))), &[], &Protection::default());
        assert!(!answer.positive);
        assert!(answer.text.contains("not ready") && answer.text.contains("not yet: has no HER-id"), "{}", answer.text);
        assert_eq!(answer.json["missing"][0]["code"], "nhn-membership");
        assert_eq!(answer.json["missing"][1]["employee"], "ole");
        assert_eq!(answer.json["missing"].as_array().unwrap().len(), 3);
        assert_eq!(answer.json["missing"][2]["code"], "helsenorge-unnamed");
        assert_eq!(answer.json["rules_pointing_to_nobody"], json!([]));
    }
}
