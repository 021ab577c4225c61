//! A clinic's hundred commands, and what their answers say has come of them.

use e2e::epj::command;
use helsenorge::example::LINE;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Commands of each clinic.
pub(super) const EACH: usize = 100;
/// What HelseNorge has written to each clinic before: so many requests to have prescriptions renewed, and so many questions.
pub(super) const BEFORE: usize = 2;

/// Dialogs that a clinic has before its commands.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// Of prescription requests.
    pub(super) requests: Vec<Uuid>,
    /// Of eKontakts.
    pub(super) questions: Vec<Uuid>,
}

/// A clinic's commands: each that writes, on HelseNorge and inside, on dialogs that go on and on files that may come too late.
pub(super) fn commands(clinic: i64, before: &Before) -> Vec<Value> {
    let by = |actor: &str, name: &str, arguments: Value| command(name, clinic, actor, arguments);
    let mut all: Vec<Value> = (0..8).flat_map(|n| begun(clinic, n)).collect();
    for dialog in &before.requests {
        for choice in ["renewed", "rejected"] {
            all.push(by("kari", "AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": choice, "text": "Svar" })));
        }
    }
    for (dialog, to) in before.requests.iter().zip(["EKONTAKT", "EKONSULTASJON"]) {
        all.push(by("ole", "ConvertDialog", json!({ "dialog": dialog, "to": to, "text": "Svar" })));
    }
    for dialog in &before.questions {
        for text in ["en", "to", "tre"] {
            all.push(by("siri", "ReplyToDialog", json!({ "dialog": dialog, "text": text })));
        }
        all.push(by("kari", "CloseDialog", json!({ "dialog": dialog })));
        all.push(by("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" })));
    }
    let inside = (all.len()..EACH).map(|n| match n % 4 {
        0 => by(
            "kari",
            "StartDialog",
            json!({ "kind": "EDIALOG", "patient": LINE.nin, "subject": "Hei", "text": format!("nr. {n}") }),
        ),
        1 => by("ole", "StartDialog", json!({ "kind": "EDIALOG", "colleagues": ["siri"], "subject": "Hei", "text": "Hei" })),
        2 => by("ole", "UploadAttachment", json!({ "upload": Uuid::new_v4(), "part": 1, "parts": 2, "bytes": "eHh4eA==" })),
        _ => by("siri", "SetRecipients", json!({ "kind": "EKONTAKT", "mode": "behandler" })),
    });
    all.extend(inside);
    all
}

/// A dialog on HelseNorge; every fourth with a file, which is uploaded in the same hundred.
fn begun(clinic: i64, n: usize) -> Vec<Value> {
    let kind = ["EKONTAKT", "EKONSULTASJON"][n % 2];
    let mut start = json!({ "kind": kind, "patient": LINE.nin, "subject": "Prøvesvar", "text": format!("nr. {n}") });
    let mut all = Vec::new();
    if n.is_multiple_of(4) {
        let upload = Uuid::new_v4();
        // %PDF-1.7
        let file = json!({ "upload": upload, "part": 1, "parts": 1, "bytes": "JVBERi0xLjc=" });
        all.push(command("UploadAttachment", clinic, "kari", file));
        start["attachments"] = json!([{ "file_name": "svar.pdf", "upload": upload }]);
    }
    all.push(command("StartDialog", clinic, "kari", start));
    all
}

/// What a first answer may be when others came first; whatever else is refused is wrong.
const REFUSALS: [(&str, &[&str]); 4] = [
    ("StartDialog", &["upload-incomplete"]),
    ("ReplyToDialog", &["dialog-closed"]),
    ("ConvertDialog", &["dialog-closed", "already-answered"]),
    ("AnswerPrescriptionRequest", &["already-answered", "kind-unfit"]),
];

/// What answers say was done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Commands that were done, by name.
    pub(super) done: BTreeMap<String, i64>,
    /// Rows that must have come of them, by table.
    pub(super) rows: BTreeMap<&'static str, i64>,
    /// The messages that the answers name.
    pub(super) entries: BTreeSet<String>,
    /// Commands that ended each dialog of before, and those that answered each request: one of each.
    once: BTreeMap<(&'static str, String), i64>,
}

impl Tally {
    /// Of the commands of one clinic, each with its answer.
    pub(super) fn of(told: &[(Value, Value)]) -> Self {
        let mut tally = Self::default();
        let mut written_in = BTreeMap::<&str, i64>::new();
        let mut journaled = BTreeSet::new();
        for (command, answer) in told {
            let (name, arguments) = (command["command"].as_str().unwrap(), &command["arguments"]);
            if answer["outcome"] != "done" {
                let code = answer["refusal"]["code"].as_str().unwrap();
                assert!(REFUSALS.iter().any(|(of, codes)| *of == name && codes.contains(&code)), "{name}: {answer}");
                continue;
            }
            *tally.done.entry(name.to_owned()).or_default() += 1;
            tally.count(name, arguments, &answer["result"]);
            if let Some(dialog) = arguments["dialog"].as_str().filter(|_| is_written(name, arguments)) {
                *written_in.entry(dialog).or_default() += 1;
            }
            if name == "ConvertDialog" && arguments["to"] == "EKONSULTASJON" {
                journaled.insert(arguments["dialog"].as_str().unwrap());
            }
        }
        // The thread whole: what the patient wrote, and what the clinic wrote before and after it was converted.
        let threads = journaled.iter().map(|dialog| 1 + written_in.get(dialog).copied().unwrap_or(0)).sum();
        tally.add("journal_entry", threads);
        assert!(tally.once.len() == 2 * BEFORE && tally.once.values().all(|times| *times == 1), "{:?}", tally.once);
        tally
    }

    fn count(&mut self, name: &str, arguments: &Value, result: &Value) {
        self.entries.extend(result["entry"].as_str().map(str::to_owned));
        if is_written(name, arguments) {
            self.add("dialog_entry", 1);
            let inside = arguments["kind"] == "EDIALOG";
            self.add(if inside { "inside" } else { "message" }, 1);
        }
        let dialog = || arguments["dialog"].as_str().unwrap().to_owned();
        match name {
            "StartDialog" => self.count_start(arguments),
            "UploadAttachment" => self.add("upload_part", 1),
            "CloseDialog" => *self.once.entry(("closed", dialog())).or_default() += 1,
            "AnswerPrescriptionRequest" => *self.once.entry(("answered", dialog())).or_default() += 1,
            "ConvertDialog" if arguments["text"].is_string() => *self.once.entry(("answered", dialog())).or_default() += 1,
            _ => {}
        }
    }

    fn count_start(&mut self, arguments: &Value) {
        self.add("dialog", 1);
        match arguments["kind"].as_str().unwrap() {
            "EKONSULTASJON" => self.add("journal_entry", 1),
            "EDIALOG" if arguments["colleagues"].is_array() => self.add("inbox_item", 1),
            "EDIALOG" => self.add("portal_item", 1),
            _ => {}
        }
        let files = arguments["attachments"].as_array().map_or(0, |files| files.len() as i64);
        self.add("attachment", files);
        self.add("upload_part", -files);
    }

    fn add(&mut self, table: &'static str, rows: i64) {
        *self.rows.entry(table).or_default() += rows;
    }

    /// Both.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        other.done.into_iter().for_each(|(name, n)| *self.done.entry(name).or_default() += n);
        other.rows.into_iter().for_each(|(table, n)| self.add(table, n));
        self.entries.extend(other.entries);
        self
    }
}

/// Whether a command that is done has written a message.
fn is_written(name: &str, arguments: &Value) -> bool {
    match name {
        "StartDialog" | "ReplyToDialog" | "CloseDialog" | "AnswerPrescriptionRequest" => true,
        "ConvertDialog" => arguments["text"].is_string(),
        _ => false,
    }
}
