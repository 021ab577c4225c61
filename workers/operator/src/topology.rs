//! `dialogpost topology apply`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid};
use clap::{Args, Subcommand};
use runtime::topology::{self, AppliedRow};
use serde_json::json;

/// Declares the brokers' exchanges and queues.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Topology {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Apply(Apply),
}

/// Declares every exchange, queue and binding of ours.
///
/// As often as you like: what is there already stays as it is. Something of ours that exists with other settings is an error that
/// names it. Needs AMQP_URL; with --nhn-standin also DATABASE_URL, and NHN_AMQP_URL (default: AMQP_URL) and NHN_EXCHANGE (default:
/// NHNTESTServiceBus).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Apply {
    /// Also declare a stand-in for NHN's exchange and the queues of every HER-id in the database. For demos and tests only: in
    /// production these are NHN's.
    #[arg(long)]
    pub nhn_standin: bool,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  AMQP_URL=amqp://guest:guest@localhost/%2f dialogpost topology apply
  dialogpost topology apply --nhn-standin --json";

impl Topology {
    /// How to answer.
    pub const fn format(&self) -> Format {
        let Verb::Apply(apply) = &self.verb;
        apply.format
    }

    /// Does it.
    ///
    /// # Errors
    /// A broker or the database is away or refuses.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let Verb::Apply(apply) = self.verb;
        apply.execute().await
    }
}

impl Apply {
    async fn execute(self) -> Result<Answer, Failure> {
        let needs: &[Need] = if self.nhn_standin { &[Need::Amqp, Need::Nhn, Need::Database] } else { &[Need::Amqp] };
        let config = environment::read(needs)?;
        // The database first: nothing is declared when it is not there.
        let her_ids = match self.nhn_standin {
            true => store::clinic::all_her_ids(&environment::database(&config).await?).await?,
            false => Vec::new(),
        };
        let ours = topology::apply(&config.amqp_url).await.map_err(|fault| Failure::Broker { variable: "AMQP_URL", fault })?;
        let mut rows: Vec<_> = ours.into_iter().map(|row| ("dialogpost", row)).collect();
        if self.nhn_standin {
            let standin = topology::apply_nhn_standin(&config.nhn_amqp_url, &config.nhn_exchange, &her_ids).await;
            let standin = standin.map_err(|fault| Failure::Broker { variable: "NHN_AMQP_URL", fault })?;
            rows.extend(standin.into_iter().map(|row| ("nhn-standin", row)));
        }
        Ok(answer(&rows, self.nhn_standin && her_ids.is_empty()))
    }
}

fn answer(rows: &[(&str, AppliedRow)], nobody: bool) -> Answer {
    let mut grid = Grid::new(["whose", "what", "name"]);
    for (whose, row) in rows {
        grid.row([(*whose).to_owned(), row.kind.to_owned(), row.name.clone()]);
    }
    let note =
        "No clinic and no party is set up, so no queues of NHN's were declared: run dialogpost apply FILE, then this again.\n";
    let rows: Vec<_> = rows.iter().map(|(whose, row)| json!({ "whose": whose, "kind": row.kind, "name": row.name })).collect();
    Answer { text: format!("{grid}{}", if nobody { note } else { "" }), json: json!({ "applied": rows }), positive: true }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn rows_for_people_and_programs() {
        let answer = answer(&[("dialogpost", AppliedRow { kind: "queue", name: "dialogpost.x".into() })], true);
        assert!(answer.text.contains("dialogpost.x") && answer.text.contains("apply FILE"), "{}", answer.text);
        assert_eq!(answer.json["applied"][0]["kind"], "queue");
    }
}
