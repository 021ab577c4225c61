//! `dialogpost audit verify`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{self, Answer, Grid};
use clap::Args;
use domain::audit::{Head, chain_of};
use messages::HerId;
use serde_json::{Value, json};
use store::audit::{self, Verified};
use store::{Session, StoreError};

/// Recomputes every hash and says whether each chain is intact, or where it is broken first.
///
/// A row that was changed, removed or slipped in is found by this alone. Whoever may write anything in the database can also cut off the
/// end of a chain together with its head, or write the whole chain anew with hashes that fit: only a head that was noted elsewhere, out
/// of his reach, tells that. So note the heads from time to time, on paper or in another system, and give them back with --head: the row
/// noted must still stand, however many came after it. Rows from before there were chains are in dialogpost.audit_before_chains.
/// Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// The clinic's HER-id, or 0 for what concerns no single clinic; every chain unless given.
    #[arg(value_parser = chain)]
    clinic: Option<i64>,
    /// A head of this clinic that was noted earlier, as this command printed it: its row must still stand.
    #[arg(long, value_name = "SEQUENCE:HASH", requires = "clinic")]
    head: Option<Head>,
    #[command(flatten)]
    pub(super) format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost audit verify
  dialogpost audit verify 8141333 --json
  dialogpost audit verify 8141333 --head 2:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Exit codes: 0 intact; 1 broken; 2 no such clinic, or it could not be asked.";

fn chain(text: &str) -> Result<i64, String> {
    match text {
        "0" => Ok(chain_of(None)),
        _ => text.parse::<HerId>().map(HerId::get).map_err(|error| format!("{error}, or 0")),
    }
}

impl Verify {
    pub(super) async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let session = environment::database(&config).await?;
        let mut chains = audit::chains(&session).await?;
        if let Some(clinic) = self.clinic {
            if !chains.contains(&clinic) && self.head.is_none() {
                known(&session, clinic).await?;
            }
            chains = vec![clinic];
        }
        Ok(answer(&out::patiently("verifying the audit", all(&session, &chains, self.head)).await?))
    }
}

/// Refuses a clinic that is not set up, for it may have been mistyped.
async fn known(session: &Session, chain: i64) -> Result<(), Failure> {
    let Ok(her_id) = HerId::try_from(chain) else { return Ok(()) };
    match store::clinic::load_now(session, &[her_id]).await?.is_empty() {
        true => Err(Failure::UnknownClinic { her_id, employee_of: store::clinic::of(session, her_id).await? }),
        false => Ok(()),
    }
}

async fn all(session: &Session, chains: &[i64], noted: Option<Head>) -> Result<Vec<Verified>, StoreError> {
    let mut verified = Vec::new();
    for chain in chains {
        verified.push(audit::verify(session, *chain, noted).await?);
    }
    Ok(verified)
}

fn answer(chains: &[Verified]) -> Answer {
    let intact = chains.iter().all(|chain| chain.broken.is_none());
    let mut grid = Grid::new(["clinic", "rows", "state", "head"]);
    for chain in chains {
        grid.row([chain.chain.to_string(), chain.rows.to_string(), state(chain), chain.head.to_string()]);
    }
    let text = match (chains, intact) {
        ([], _) => "Nothing was audited yet.".to_owned(),
        (_, true) => format!("{grid}Note the heads elsewhere: --head tells later whether what they cover still stands.\n"),
        (_, false) => {
            format!("{grid}BROKEN. This must never be: keep the database as it is and find out who could write in it.\n")
        }
    };
    let json = json!({ "intact": intact, "chains": chains.iter().map(json_of).collect::<Vec<_>>() });
    Answer { text, json, positive: intact }
}

fn state(chain: &Verified) -> String {
    match chain.broken {
        None => "intact".to_owned(),
        Some(broken) => format!("BROKEN at {}: {}", broken.sequence, broken.why.text()),
    }
}

fn json_of(chain: &Verified) -> Value {
    json!({
        "clinic": chain.chain,
        "rows": chain.rows,
        "head": { "sequence": chain.head.sequence, "hash": chain.head.hash.to_string() },
        "intact": chain.broken.is_none(),
        "broken": chain.broken.map(|broken| {
            json!({ "sequence": broken.sequence, "code": broken.why.code(), "text": broken.why.text() })
        }),
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use domain::audit::{Break, Why};

    #[test]
    fn one_broken_chain_is_a_negative_answer() {
        let intact = Verified { chain: 0, rows: 0, head: Head::START, broken: None };
        let broken = Verified { chain: 8_141_333, rows: 2, broken: Some(Break { sequence: 3, why: Why::Gap }), ..intact };
        let fine = answer(&[intact]);
        assert!(fine.positive && fine.text.contains("intact") && fine.text.contains(&format!("0:{}", "0".repeat(64))));
        let answer = answer(&[intact, broken]);
        assert!(!answer.positive && answer.text.contains("BROKEN at 3: it is missing"), "{}", answer.text);
        assert_eq!((&answer.json["intact"], &answer.json["chains"][0]["broken"]), (&json!(false), &Value::Null));
        assert_eq!(answer.json["chains"][1]["broken"]["code"], "gap");
    }

    #[test]
    fn a_chain_is_that_of_a_clinic_or_of_none() {
        assert_eq!((chain("0"), chain("8141333")), (Ok(0), Ok(8_141_333)));
        assert_eq!(chain("-1"), Err("a HER-id is a positive number of at most ten digits, or 0".to_owned()));
    }
}
