//! `dialogpost audit export`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{self, Answer, Grid, or_dash, time};
use clap::Args;
use domain::audit::{Record, Row};
use domain::transport::may_hold_identity_number;
use messages::person_id::TestSeries;
use messages::{HerId, PersonId};
use runtime::clock;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Read};
use store::{Session, StoreError, audit};

/// Tells everything that was done with a patient's data at a clinic: who, what, why, when.
///
/// The patient's national identity number is read from standard input, one line, never from the command line, which others on the machine
/// can see. It is not printed, and neither is what may be anybody's. The export leaves an audit row itself, with the reason, also when the
/// clinic knows no such person; it stands in the next one. Needs DATABASE_URL; TEST_NUMBER_SERIES where test patients are allowed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// The clinic's HER-id.
    clinic: HerId,
    /// Of the patient whose number is on standard input.
    #[arg(long, required = true)]
    patient: bool,
    /// Why, for the audit; without personal data.
    #[arg(long)]
    reason: String,
    /// Who asks, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost audit export 8141333 --patient --reason 'the patient asked'
  dialogpost audit export 8141333 --patient --reason 'the patient asked' --json < number.txt

Exit codes: 0 told; 1 the clinic knows no such person; 2 no such clinic, no identity number, or it could not be asked.";

impl Export {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database, Need::TestSeries])?;
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() || may_hold_identity_number(&reason) {
            let text = "--reason says why, in words, without an identity number. Nothing was exported.";
            return Err(Failure::Usage(text.to_owned()));
        }
        let person = person(&config.test_series)?;
        let mut session = environment::database(&config).await?;
        let her_id = self.clinic;
        if store::clinic::load_now(&session, &[her_id]).await?.is_empty() {
            return Err(Failure::UnknownClinic { her_id, employee_of: store::clinic::of(&session, her_id).await? });
        }
        let record = Record {
            clinic: Some(her_id),
            at: clock::system(),
            actor: environment::actor(self.actor.as_deref()),
            action: "audit-export".to_owned(),
            subject: String::new(),
            patients: vec![person.expose().to_owned().into()],
            reason: Some(reason),
            detail: None,
        };
        let found = out::patiently("reading the audit", export(&mut session, her_id, &person, record)).await?;
        Ok(found.map_or_else(|| unknown(her_id), |rows| told(her_id, &rows)))
    }
}

/// The number on the first line of standard input.
fn person(series: &TestSeries) -> Result<PersonId, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        out::problem("The patient's national identity number, then Enter:");
    }
    let mut line = String::new();
    let read = stdin.lock().take(100).read_line(&mut line).map_err(|error| error.to_string());
    let person = read.and_then(|_| PersonId::parse(line.trim(), series).map_err(|bad| bad.to_string()));
    person.map_err(|why| {
        let text = format!("Standard input should hold the patient's national identity number: {why}.\nNothing was exported.");
        Failure::Usage(text)
    })
}

/// Everything there is, and the row that says that it was read, in one transaction; `None` = the clinic knows no such person.
async fn export(
    session: &mut Session,
    clinic: HerId,
    person: &PersonId,
    mut record: Record,
) -> Result<Option<Vec<Row>>, StoreError> {
    let tx = session.begin().await?;
    let patient = audit::patient(&tx, clinic, person).await?;
    let mut rows: Vec<Row> = Vec::new();
    let mut from = Some(audit::FIRST);
    while let Some(here) = from {
        let page = audit::of_patient(&tx, clinic, person, here).await?;
        from = page.last().and_then(|row| row.sequence.checked_add(1));
        rows.extend(page);
    }
    record.subject = patient.map_or_else(|| "no patient".to_owned(), |id| format!("patient {id}"));
    record.detail = Some(json!({ "rows": rows.len() }));
    audit::append(&tx, &[record]).await?;
    tx.commit().await?;
    Ok((patient.is_some() || !rows.is_empty()).then_some(rows))
}

fn unknown(clinic: HerId) -> Answer {
    let text = format!("Clinic {clinic} has no patient of this number, and nothing in its audit concerns one.");
    Answer { text, json: json!({ "clinic": clinic, "known": false, "rows": [] }), positive: false }
}

fn told(clinic: HerId, rows: &[Row]) -> Answer {
    let mut grid = Grid::new(["row", "at (Norwegian time)", "actor", "action", "subject", "reason"]);
    for Row { sequence, record, .. } in rows {
        let cells = match record {
            Some(r) => [
                time(r.at),
                harmless(&r.actor),
                harmless(&r.action),
                harmless(&r.subject),
                or_dash(r.reason.as_deref().map(harmless)),
            ],
            None => ["–", "–", "–", "–", "(unreadable: dialogpost audit verify)"].map(str::to_owned),
        };
        grid.row([sequence.to_string()].into_iter().chain(cells));
    }
    let text = match rows.len() {
        0 => format!("Nothing was done with this patient's data at clinic {clinic} that is audited."),
        _ => grid.to_string(),
    };
    Answer {
        text,
        json: json!({ "clinic": clinic, "known": true, "rows": rows.iter().map(json_of).collect::<Vec<_>>() }),
        positive: true,
    }
}

fn json_of(row: &Row) -> Value {
    let mut json = json!({ "sequence": row.sequence, "hash": row.hash.to_string(), "readable": row.record.is_some() });
    if let (Some(r), Value::Object(json)) = (&row.record, &mut json) {
        json.extend([
            ("at".to_owned(), json!(r.at)),
            ("actor".to_owned(), json!(harmless(&r.actor))),
            ("action".to_owned(), json!(harmless(&r.action))),
            ("subject".to_owned(), json!(harmless(&r.subject))),
            ("reason".to_owned(), json!(r.reason.as_deref().map(harmless))),
            ("detail".to_owned(), json!(r.detail.as_ref().map(harmless_detail))),
        ]);
    }
    json
}

/// What people wrote, unless an identity number may stand in it, be it this patient's or another's.
fn harmless(text: &str) -> String {
    let words = text.split(' ').filter(|word| uuid::Uuid::try_parse(word).is_err()).collect::<Vec<_>>().join(" ");
    if may_hold_identity_number(&words) { format!("(hidden, {} bytes)", text.len()) } else { text.to_owned() }
}

fn harmless_detail(detail: &Value) -> Value {
    match detail {
        Value::Null | Value::Bool(_) => detail.clone(),
        Value::Number(number) if may_hold_identity_number(&number.to_string()) => Value::from(harmless(&number.to_string())),
        Value::Number(_) => detail.clone(),
        Value::String(text) => Value::from(harmless(text)),
        Value::Array(items) => items.iter().map(harmless_detail).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (harmless(key), harmless_detail(value))).collect())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use domain::audit::Hash;

    fn row() -> Row {
        let record = Record {
            clinic: "8141333".parse().ok(),
            at: "2026-11-23T08:00:00Z".parse().unwrap(),
            actor: "kari".into(),
            action: "start-dialog".into(),
            subject: "dialog a76d8934-d4ba-4a22-8f5d-123456789012".into(),
            patients: vec!["15868549960".to_owned().into(), "47819030045".to_owned().into()],
            reason: Some("of 478190 30045".into()),
            detail: Some(
                json!({ "47819030045": [15_868_549_960_i64, 7, "15868549960", null], "entry": "a76d8934-d4ba-4a22-8f5d-123456789012" }),
            ),
        };
        Row { sequence: 4, hash: Hash::ZERO, record: Some(record) }
    }

    #[test]
    fn no_number_is_told() {
        let answer = told("8141333".parse().unwrap(), &[row()]);
        for said in [answer.text.clone(), answer.json.to_string()] {
            assert!(!said.contains("15868549960") && !said.contains("30045"), "{said}");
            assert!(said.contains("dialog a76d8934-d4ba-4a22-8f5d-123456789012") && said.contains("start-dialog"), "{said}");
        }
        let detail = &answer.json["rows"][0]["detail"];
        assert_eq!(
            (&detail["entry"], &detail["(hidden, 11 bytes)"][1]),
            (&json!("a76d8934-d4ba-4a22-8f5d-123456789012"), &json!(7))
        );
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told_as_such() {
        let answer = told("8141333".parse().unwrap(), &[Row { record: None, ..row() }]);
        assert!(answer.text.contains("unreadable"));
        assert_eq!(answer.json["rows"][0]["readable"], false);
    }
}
