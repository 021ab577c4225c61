//! Everything a run left behind, without ids and times: what two runs of the same messages must agree on.

use crate::Rows;

/// Lines to compare.
pub type Snapshot = Vec<String>;

const PARTS: [(&str, &str); 12] = [
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
    ("appointment", "select uid || ' ' || type || ' ' || status || ' ' || version from dialogpost.appointment"),
    // Of two that ask for the same, either may have been first.
    (
        "change",
        "select a.uid || ' ' || c.version || ' ' || c.change || ' ' || coalesce(c.actor, '') || ' ' || (c.request is not null)
         from dialogpost.appointment_change c join dialogpost.appointment a on a.id = c.appointment",
    ),
    (
        "told",
        "select a.uid || ' ' || t.version || ' ' || t.shown from dialogpost.appointment_told t join dialogpost.appointment a on a.id = t.appointment",
    ),
    (
        "booking",
        "select m.msg_id || ' ' || r.kind || ' ' || coalesce(d.code, '') || ' ' || coalesce(a.uid::text, '')
         from dialogpost.booking_request r join dialogpost.message m on m.id = r.message
         left join dialogpost.booking_decision d on d.request = r.message left join dialogpost.appointment a on a.id = d.appointment",
    ),
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
