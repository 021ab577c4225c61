//! `dialogpost command`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{self, Answer, Grid, clean};
use crate::setup_file;
use clap::Args;
use messages::command::MOST_BYTES;
use messages::command::answer::{Answer as Answered, Done, Outcome, Summary};
use messages::command::refusal::Refusal;
use runtime::topology::{queue_of, request};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that a command may have.
const LIMIT: u64 = MOST_BYTES as u64;

/// Gives a command as a clinic's journal system would, and prints its answer.
///
/// The command is one JSON document, in a file or from standard input, never in the command line, which others see. What commands there
/// are: dialogpost schema. Given again under the same id it has no second effect. The fleet must be running. Needs AMQP_URL.
///
/// Unlike other commands this one prints what it was asked for, texts and patients' numbers included.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Command {
    /// The file; - for standard input.
    file: PathBuf,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost command start.json
  dialogpost command - --json < list.json

Exit codes: 0 done; 1 refused; 2 it cannot be read or given, or nobody answers.";

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// The file cannot be read; the broker is away; no answer comes.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Amqp])?;
        let (name, body) = setup_file::read(&self.file, LIMIT);
        let body = body.map_err(|error| Failure::Usage(format!("{name} cannot be read: {error}")))?;
        if body.len() as u64 > LIMIT {
            return Err(Failure::Usage(format!("{name} is larger than {} KiB: no command is.", LIMIT >> 10)));
        }
        let queue = queue_of("clinic-commands");
        let asking = request(&config.amqp_url, &queue, &body, PATIENCE);
        let answered = out::patiently("Waiting for the answer", asking).await;
        let body = answered.map_err(|fault| Failure::Broker { variable: "AMQP_URL", fault })?.ok_or_else(silent)?;
        let answered = serde_json::from_slice(&body).map_err(|_| Failure::Usage("The answer cannot be read.".to_owned()))?;
        Ok(answer(&answered))
    }
}

fn silent() -> Failure {
    Failure::Usage(format!(
        "No answer within {} s. The command is kept: once the worker runs (dialogpost run clinic-commands) it is done, and given again under \
         the same id it gets its answer.",
        PATIENCE.as_secs()
    ))
}

fn answer(answered: &Answered) -> Answer {
    let text = match &answered.outcome {
        Outcome::Refused { refusal } => refused(refusal),
        Outcome::Done { result: Done::Dialogs { dialogs } } => listed(dialogs),
        Outcome::Done { result } => clean_lines(&serde_json::to_string_pretty(result).unwrap_or_default()),
    };
    Answer { text, json: json!(answered), positive: matches!(answered.outcome, Outcome::Done { .. }) }
}

fn refused(refusal: &Refusal) -> String {
    let field = refusal.field.as_deref().map(|field| format!(" in {field}")).unwrap_or_default();
    clean_lines(&format!("Refused: {}{field}\n  {}\n  {}", refusal.code, refusal.norwegian, refusal.english))
}

fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn listed(dialogs: &[Summary]) -> String {
    let mut grid = Grid::new(["dialog", "title", "newest", "messages", ""]);
    for dialog in dialogs {
        let state = match (dialog.closed, dialog.flagged) {
            (true, _) => "closed",
            (false, true) => "look at it",
            (false, false) => "",
        };
        grid.row([
            dialog.dialog.to_string(),
            clean(dialog.title.expose()),
            out::time(dialog.newest_at),
            dialog.messages.to_string(),
            state.to_owned(),
        ]);
    }
    grid.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::command::refusal::Why;
    use uuid::Uuid;

    fn of(outcome: Outcome) -> Answer {
        answer(&Answered { version: 1, command: Some(Uuid::nil()), at: jiff::Timestamp::UNIX_EPOCH, outcome })
    }

    #[test]
    fn done_and_refused() {
        let refused = of(Outcome::Refused { refusal: Refusal::of("arguments.dialog", Why::DialogUnknown) });
        assert!(refused.text.contains("dialog-unknown in arguments.dialog") && refused.text.contains("Dialogen finnes ikke."));
        assert!(!refused.positive);
        let done = of(Outcome::Done { result: Done::Written { dialog: Uuid::nil(), entry: Uuid::nil() } });
        assert!(done.positive && done.text.contains("written"), "{}", done.text);
        assert_eq!(done.json["result"]["type"], "written");
    }
}
