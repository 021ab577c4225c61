//! Receipts that were due and have not come: counted for whoever watches the metrics.

use runtime::worker::Context;
use std::time::Duration;
use store::ledger;

/// How often they are counted.
const EVERY: Duration = Duration::from_secs(30);

/// Counts until asked to stop.
pub async fn watch(context: Context) {
    let mut before = 0;
    loop {
        match async { ledger::overdue(&context.store.session().await?).await }.await {
            Ok(overdue) => {
                metrics::gauge!("dialogpost_receipts_overdue").set(overdue as f64);
                if overdue > before {
                    tracing::warn!(overdue, "receipts are overdue: see `dialogpost ledger`");
                }
                before = overdue;
            }
            Err(error) => tracing::warn!(%error, "overdue receipts cannot be counted now"),
        }
        tokio::select! {
            () = context.cancel.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
