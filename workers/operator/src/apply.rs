//! `dialogpost apply`.

use crate::check::{self, Lack};
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, clean};
use crate::setup_file;
use clap::Args;
use domain::clinic::Clinic;
use domain::command::recipients::lint;
use domain::services::unoffered;
use domain::setup::{ClinicSetup, Setup, SetupFault};
use jiff::Timestamp;
use runtime::clock;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use store::setup::{Applied, ChosenRules};
use store::{Session, StoreError};

/// Sets up clinics, employees, rules and patients from a JSON file.
///
/// The file is checked whole: with any fault nothing is written, and every fault is listed by its place. Otherwise everything is
/// written in one transaction; applying the same file again changes nothing, except that what it says of patients on HelseNorge counts as
/// said then. Employees, sets and rules that a clinic in the file no longer names are removed; patients stay, and rules that
/// administrators chose by command do. A changed rule leaves an audit row; rules that lead nowhere are pointed out. Files that it names are relative to it. Needs DATABASE_URL; TEST_NUMBER_SERIES
/// where test patients are allowed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Apply {
    /// The set-up file, or - for standard input; at most 10 MiB.
    file: PathBuf,
    /// Who changes the rules, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    /// Replace the rules that administrators chose by command, too; without this they stay, and are named
    #[arg(long)]
    replace_chosen_rules: bool,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost apply clinic.json
  TEST_NUMBER_SERIES=80 dialogpost apply --actor kari - < clinic.json

Exit codes: 0 written; 2 nothing was written.";

impl Apply {
    /// Does it.
    ///
    /// # Errors
    /// The file has faults, or the database does not take it: then nothing was written.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database, Need::TestSeries])?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let setup = setup_file::parse(&setup_file::load(&self.file)?, &config.test_series, folder).map_err(Failure::Setup)?;
        let mut session = environment::database(&config).await?;
        unknown_parties(&session, &setup).await?;
        let chosen = if self.replace_chosen_rules { ChosenRules::Replace } else { ChosenRules::Keep };
        let applied = match write(&mut session, &setup, chosen, &environment::actor(self.actor.as_deref()), clock::system()).await
        {
            Err(error @ StoreError::Conflict { .. }) => return Err(conflict(&session, &setup, error).await?),
            outcome => outcome?,
        };
        let mut text = summary(&applied);
        for clinic in &setup.clinics {
            let known = store::clinic::load_now(&session, &[clinic.her_id]).await?;
            let known = known.get(&clinic.her_id);
            let reach = store::known::reach_now(&session, clinic.her_id).await?;
            let lacks = known.map(|c| check::lacks(c, reach)).unwrap_or_default();
            text.push_str(&clinic_text(clinic, known.map(AsRef::as_ref), &lacks));
            for (timebok, n) in store::timebok::left_over(&session, clinic.her_id, clock::system()).await? {
                let _ = writeln!(text, "  timebok {} has {n} appointment(s) to come: {}", clean(&timebok), check::LEFT_OVER);
            }
            for rule in applied.kept_rules.iter().filter(|rule| rule.clinic == clinic.her_id) {
                let kind = rule.dialog_kind.as_str();
                let by = clean(&rule.chosen_by);
                let _ = writeln!(
                    text,
                    "  rule {kind} stays as {by} chose it by command; the file has another (--replace-chosen-rules)"
                );
            }
        }
        Ok(Answer { text, ..Answer::default() })
    }
}

async fn write(
    session: &mut Session,
    setup: &Setup,
    chosen: ChosenRules,
    actor: &str,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let tx = session.begin().await?;
    let applied = store::setup::apply(&tx, setup, chosen, actor, now).await?;
    tx.commit().await?;
    Ok(applied)
}

/// Names the parties that clinics reach HelseNorge through and that neither the file nor an earlier one sets up.
async fn unknown_parties(session: &Session, setup: &Setup) -> Result<(), Failure> {
    let known = store::clinic::parties(session).await?;
    let is_known = |id| setup.parties.iter().any(|party| party.her_id == id) || known.iter().any(|(her_id, _)| *her_id == id);
    let unknown = |(n, clinic): (usize, &ClinicSetup)| {
        clinic.helsenorge.filter(|id| !is_known(*id)).map(|id| SetupFault {
            field: format!("clinics[{n}].helsenorge"),
            text: format!("no party with the HER-id {id} is set up: list it under parties"),
        })
    };
    let faults: Vec<_> = setup.clinics.iter().enumerate().filter_map(unknown).collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::Setup(faults)) }
}

/// Names the HER-ids that belong to somebody else's employees; without any, somebody applied at the same time.
async fn conflict(session: &Session, setup: &Setup, error: StoreError) -> Result<Failure, Failure> {
    let mut faults = Vec::new();
    for (n, clinic) in setup.clinics.iter().enumerate() {
        for (e, employee) in clinic.employees.iter().enumerate() {
            let Some(her_id) = employee.her_id else { continue };
            let owner = store::clinic::of(session, her_id).await?.filter(|owner| *owner != clinic.her_id);
            if let Some(owner) = owner {
                let remedy = "apply that clinic without it first, or list that clinic before this one";
                let text = format!("the HER-id {her_id} belongs to clinic {owner} already: {remedy}");
                faults.push(SetupFault { field: format!("clinics[{n}].employees[{e}].her_id"), text });
            }
        }
    }
    Ok(if faults.is_empty() { Failure::Database(error) } else { Failure::Setup(faults) })
}

fn summary(applied: &Applied) -> String {
    let mut grid = Grid::new(["applied", "number"]).numbers_from(1);
    for (what, n) in [
        ("parties", applied.parties),
        ("certificates", applied.certificates),
        ("clinics", applied.clinics),
        ("employees", applied.employees),
        ("patients", applied.patients),
        ("changed rules", applied.changed_rules),
    ] {
        grid.row([what.to_owned(), n.to_string()]);
    }
    grid.to_string()
}

fn clinic_text(clinic: &ClinicSetup, known: Option<&Clinic>, lacks: &[Lack]) -> String {
    let state = if lacks.is_empty() { "ready" } else { "not ready" };
    let mut text = format!("{} ({}): {state}\n", clean(&clinic.name), clinic.her_id);
    for lack in lacks {
        let _ = writeln!(text, "  {}{}: {}", lack.code, check::whose(lack), lack.remedy);
    }
    for (kind, recipient) in known.map(lint).unwrap_or_default() {
        let _ = writeln!(text, "  rule {} points to nobody: {}: {}", kind.as_str(), clean(&recipient), check::TO_NOBODY);
    }
    for kind in known.map(unoffered).unwrap_or_default() {
        let _ = writeln!(text, "  rule {}: {}", kind.as_str(), check::UNOFFERED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        let text = summary(&Applied {
            parties: 1,
            certificates: 2,
            clinics: 2,
            employees: 3,
            patients: 4,
            changed_rules: 0,
            kept_rules: vec![],
        });
        assert!(text.contains("│ changed rules ┆      0 │"), "{text}");
    }
}
