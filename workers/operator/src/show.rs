//! `dialogpost show`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid, clean, or_dash, time, unless_a_person};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use store::show::told::{self, Subject};
use store::show::{self, Trace};

/// Shows where a message is, or what patients were told of an appointment: every trace of it, without its content.
///
/// The id may be its id in our ledger, the MsgId of the business message, or the AMQP message id. Several messages may bear one id: a
/// repeated message bears the first one's. It may also be an appointment's, by our id or HelseNorge's, an entry's of an E-dialog, or a
/// notice's. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    /// A ledger id, MsgId or AMQP message id; an appointment's, an entry's or a notice's.
    id: String,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost show a76d8934-d4ba-4a22-8f5d-5df5e3fc5756
  dialogpost show a76d8934-d4ba-4a22-8f5d-5df5e3fc5756 --json

Exit codes: 0 found; 1 nothing bears this id; 2 it could not be asked.";

/// What ids are looked for.
const SEARCHED: [&str; 5] = [
    "ids in our ledger (messages received and sent)",
    "MsgIds of business messages from known parties",
    "AMQP message ids of messages received",
    "appointments, entries of E-dialogs, and notices of them",
    "not ids of dead letters: for those, dialogpost dead-letters show ID",
];

impl Show {
    /// Does it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let session = environment::database(&config).await?;
        let id = self.id.trim();
        let traces = if id.is_empty() { Vec::new() } else { show::find(&session, id).await? };
        let told = told::find(&session, id).await?;
        Ok(answer(id, &traces.into_iter().map(harmless).collect::<Vec<_>>(), &told))
    }
}

/// Ids and names that a sender chose, without what may be a person's.
fn harmless(trace: Trace) -> Trace {
    let shown = |text: Option<String>| text.map(|t| unless_a_person(&t));
    let (transport_id, msg_id, function) = (shown(trace.transport_id), shown(trace.msg_id), shown(trace.function));
    Trace { transport_id, msg_id, function, queue: unless_a_person(&trace.queue), ..trace }
}

fn answer(id: &str, traces: &[Trace], told: &[Subject]) -> Answer {
    let id = unless_a_person(id);
    let positive = !traces.is_empty() || !told.is_empty();
    let text = match positive {
        true => traces.iter().map(text).chain(told.iter().map(told_text)).collect::<Vec<_>>().join("\n"),
        false => format!("Nothing bears the id {}.\nSearched:\n  {}", clean(&id), SEARCHED.join("\n  ")),
    };
    Answer { text, json: json!({ "id": id, "searched": SEARCHED, "found": traces, "told": told }), positive }
}

fn told_text(subject: &Subject) -> String {
    let mut grid = Grid::new(["at (Norwegian time)", "what", "details"]);
    for step in &subject.steps {
        grid.row([time(step.at), step.what.clone(), step.detail.clone()]);
    }
    format!("{} {} of clinic {}\n{grid}", subject.what, subject.id, subject.clinic)
}

fn text(trace: &Trace) -> String {
    let mut grid = Grid::new(["message", &trace.id.to_string()]);
    for (name, value) in [
        ("direction", trace.direction.clone()),
        ("at (Norwegian time)", time(trace.at)),
        ("state", trace.state.clone()),
        ("decided", trace.code.as_ref().map_or_else(|| trace.outcome.clone(), |code| format!("{} ({code})", trace.outcome))),
        ("clinic", or_dash(trace.clinic)),
        ("from, to", format!("{}, {}", or_dash(trace.from_her_id), or_dash(trace.to_her_id))),
        ("queue", trace.queue.clone()),
        ("function", or_dash(trace.function.as_ref())),
        ("MsgId", or_dash(trace.msg_id.as_ref())),
        ("AMQP message id", or_dash(trace.transport_id.as_ref())),
        ("bytes", trace.bytes.map_or_else(|| "removed: kept long enough".to_owned(), |bytes| bytes.to_string())),
        ("receipt due", trace.receipt_due_at.map_or_else(|| or_dash(None::<&str>), time)),
        ("answers or repeats", or_dash(trace.answers)),
    ] {
        grid.row([name.to_owned(), value]);
    }
    format!("{grid}{}", timeline(trace))
}

fn timeline(trace: &Trace) -> String {
    let mut grid = Grid::new(["after", "at", "what", "by, to"]);
    let first = if trace.direction == "in" { "received" } else { "written" };
    grid.row(["0 ms".to_owned(), time(trace.at), first.to_owned(), trace.queue.clone()]);
    for step in &trace.steps {
        grid.row([after(trace.at, step.at), time(step.at), step.what.clone(), step.detail.clone()]);
    }
    grid.to_string()
}

/// The time between, as short as it can be said.
fn after(from: Timestamp, to: Timestamp) -> String {
    let ms = to.as_millisecond() - from.as_millisecond();
    match ms.abs() {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms.abs() % 1_000 / 100),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use store::show::TraceStep;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    #[test]
    fn times_between() {
        for (ms, want) in [(0, "0 ms"), (999, "999 ms"), (1_250, "1.2 s"), (150_000, "2 min"), (9_000_000, "2 h"), (-5, "-5 ms")]
        {
            assert_eq!(after(at(0), at(ms)), want);
        }
    }

    #[test]
    fn a_message_and_its_steps() {
        let trace = Trace {
            id: uuid::Uuid::nil(),
            direction: "in".into(),
            at: at(0),
            clinic: Some(8_141_333),
            from_her_id: None,
            to_her_id: None,
            queue: "8141333_async".into(),
            function: None,
            transport_id: Some("t\u{1b}[2J".into()),
            msg_id: None,
            outcome: "rejected".into(),
            code: Some("service-not-offered".into()),
            state: "rejected".into(),
            receipt_due_at: None,
            bytes: Some(7),
            answers: None,
            steps: vec![TraceStep { at: at(12), what: "answer".into(), detail: "APPREC to q".into() }],
        };
        let answer = answer("x", &[trace], &[]);
        assert!(answer.positive && !answer.text.contains('\u{1b}'));
        assert!(answer.text.contains("rejected (service-not-offered)") && answer.text.contains("│ 12 ms "), "{}", answer.text);
    }
}
