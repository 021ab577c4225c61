//! When the clinics' own certificates end: shown to whoever watches the metrics.

use runtime::worker::Context;
use std::time::Duration;
use store::{StoreError, clinic};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(60);

/// Looks until asked to stop.
pub async fn watch(context: Context) {
    loop {
        if let Err(error) = look(&context).await {
            tracing::debug!(%error, "the clinics' keys cannot be asked for now");
        }
        if context.cancel.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

async fn look(context: &Context) -> Result<(), StoreError> {
    let session = context.store.session().await?;
    let clinics = clinic::all_her_ids(&session).await?;
    for (clinic, names) in clinic::key_names(&session, &clinics).await? {
        for (purpose, end) in context.protection.ends(&names) {
            let gauge = metrics::gauge!("dialogpost_certificate_expiry_timestamp_seconds", "clinic" => clinic.to_string(), "use" => purpose);
            gauge.set(end.as_second() as f64);
        }
    }
    Ok(())
}
