//! Everything a run left behind, without ids and times: what two runs of the same messages must agree on.

use crate::Rows;

/// Lines to compare.
pub type Snapshot = Vec<String>;

const PARTS: [(&str, &str); 8] = [
    (
        "message",
        "select direction || ' ' || coalesce(function, '') || ' ' || outcome || ' ' || coalesce(code, '') || ' ' || coalesce(msg_id, '') from dialogpost.message",
    ),
    ("state", "select coalesce(function, '') || ' ' || state from dialogpost.message_state"),
    ("dialog", "select kind || ' ' || conversation || ' ' || entries || ' ' || title from dialogpost.dialog"),
    (
        "entry",
        "select d.conversation || ' ' || e.text from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog",
    ),
    (
        "sequence",
        "select d.conversation || ' ' || e.sequence from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog",
    ),
    (
        "inbox",
        "select e.text || ' ' || i.employee || ' ' || array_to_string(i.via, ',') from dialogpost.inbox_item i join dialogpost.dialog_entry e on e.id = i.entry",
    ),
    ("journal", "select text || ' ' || author from dialogpost.journal_entry"),
    ("dead", "select worker || ' ' || code from dialogpost.dead_letter"),
];

impl Rows {
    /// What the run left behind.
    pub async fn snapshot(&self) -> Snapshot {
        let mut lines = Vec::new();
        for (part, sql) in PARTS {
            let mut rows: Vec<String> = self.column(sql).await;
            rows.sort();
            lines.extend(rows.into_iter().map(|row| format!("{part}: {row}")));
        }
        lines
    }
}
