//! `dialogpost retention`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash};
use clap::Args;
use runtime::clock;
use serde_json::json;
use store::pruning::{self, LeftOpen, Standing};

/// Tells what is kept for how long, when it was last looked through, and what is kept longer because it is not at its end.
///
/// dead-letter-keeper prunes once a day by its RETENTION. What belongs to a patient's record is never pruned: dialogs, journal, appointments. Needs
/// DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Retention {
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost retention
  dialogpost retention --json

Exit codes: 0 done; 2 it could not be asked.";

impl Retention {
    /// Does it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let session = environment::database(&config).await?;
        let standing = pruning::standing(&session).await?;
        let left_open = pruning::left_open(&session, &standing, clock::system()).await?;
        let json = json!({ "retention": standing, "left_open": left_open });
        Ok(Answer { text: text(&standing, &left_open), json, positive: true })
    }
}

fn text(standing: &[Standing], left_open: &LeftOpen) -> String {
    if standing.is_empty() {
        return "Nothing was looked through so far: dead-letter-keeper has not run.\n".into();
    }
    let mut grid = Grid::new(["table", "days kept", "last pass began", "ended", "pruned"]);
    for one in standing {
        let days = one.days.map_or_else(|| "for ever".into(), |days| days.to_string());
        grid.row([one.what.clone(), days, or_dash(one.started_at), or_dash(one.ended_at), one.pruned.to_string()]);
    }
    let mut text = grid.to_string();
    if let Some(oldest) = left_open.oldest.first() {
        text.push_str(&format!(
            "\nOlder than kept, but not at the end when last looked at, and so kept whole: {} (open dead letters, receipts that never came, bookings\n\
             that nobody decided on). The oldest: `dialogpost show {oldest}`; all by day: `dialogpost ledger --days 3660`.\n",
            left_open.messages
        ));
    }
    text
}
