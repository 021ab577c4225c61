//! AppRecs and error messages about what we sent.

use crate::step::{column, step};
use crate::{StoreError, Tx};
use uuid::Uuid;

/// A receipt that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its ledger row.
    pub message: Uuid,
    /// What we sent that it is about; `None` = nothing we know.
    pub about: Option<Uuid>,
    /// The id it names, as received.
    pub original_id: Option<String>,
    /// AppRec, or error message.
    pub is_error: bool,
    /// AppRec status (8258).
    pub status: Option<String>,
    /// AppRec errors (8221), or the error message's condition.
    pub codes: Vec<String>,
}

impl Receipt {
    /// Whether what we sent was turned down: an error message, or an AppRec that says neither OK (1) nor OK with remarks (3).
    pub fn is_refusal(&self) -> bool {
        self.is_error || !matches!(self.status.as_deref(), Some("1" | "3"))
    }
}

/// Which messages of ours are what somebody wrote in a dialog.
///
/// # Errors
/// As any step.
pub async fn dialog_entries(tx: &Tx<'_>, sent: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let load = step!(
        "receipt.dialog_entries",
        "select distinct id from dialogpost.dialog_entry where id = any($1) and direction = 'out' order by id"
    );
    tx.query(load, &[&sent]).await?.iter().map(|r| column(r, "id")).collect()
}

/// Stores receipts.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, receipts: &[Receipt]) -> Result<(), StoreError> {
    if receipts.is_empty() {
        return Ok(());
    }
    let messages: Vec<Uuid> = receipts.iter().map(|r| r.message).collect();
    let about: Vec<Option<Uuid>> = receipts.iter().map(|r| r.about).collect();
    let original: Vec<_> = receipts.iter().map(|r| r.original_id.as_deref()).collect();
    let kinds: Vec<&str> = receipts.iter().map(|r| if r.is_error { "error" } else { "apprec" }).collect();
    let statuses: Vec<_> = receipts.iter().map(|r| r.status.as_deref()).collect();
    let codes: Vec<String> = receipts.iter().map(|r| r.codes.join(" ")).collect();
    let insert = step!(
        "receipt.insert",
        "insert into dialogpost.receipt (message, about, original_id, kind, status, codes)
         select m, a, o, k, s, string_to_array(c, ' ') from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
            r(m, a, o, k, s, c)"
    );
    tx.query(insert, &[&messages, &about, &original, &kinds, &statuses, &codes]).await?;
    let settled: Vec<Uuid> = about.into_iter().flatten().collect();
    if settled.is_empty() {
        return Ok(());
    }
    // What is receipted is awaited no longer, and costs nothing when overdue ones are counted.
    let settle = step!(
        "receipt.settle",
        "update dialogpost.message set receipt_due_at = null where id = any($1) and receipt_due_at is not null"
    );
    tx.query(settle, &[&settled]).await.map(drop)
}
