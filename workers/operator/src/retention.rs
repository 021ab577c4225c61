//! `dialogpost retention`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, or_dash};
use clap::Args;
use serde_json::json;
use store::pruning::{self, Standing};

/// Tells what is kept for how long, and when it was last looked through.
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
        let (standing, left_open) = (pruning::standing(&session).await?, pruning::left_open(&session).await?);
        let json = json!({ "retention": standing, "left_open": left_open });
        Ok(Answer { text: text(&standing, left_open), json, positive: true })
    }
}

fn text(standing: &[Standing], left_open: i64) -> String {
    if standing.is_empty() {
        return "Nothing was looked through so far: dead-letter-keeper has not run.\n".into();
    }
    let mut grid = Grid::new(["table", "days kept", "last pass began", "ended", "pruned"]);
    for one in standing {
        let days = one.days.map_or_else(|| "for ever".into(), |days| days.to_string());
        grid.row([one.what.clone(), days, or_dash(one.started_at), or_dash(one.ended_at), one.pruned.to_string()]);
    }
    let mut text = grid.to_string();
    if left_open > 0 {
        let are = if left_open == 1 { "message is" } else { "messages are" };
        text.push_str(&format!(
            "\n{left_open} {are} older than kept but not at the end, and so kept whole: an open dead letter, a receipt that never came, a command\n\
             without an answer. `dialogpost ledger` and `dialogpost dead-letters groups` tell which.\n"
        ));
    }
    text
}
