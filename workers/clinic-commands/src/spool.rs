//! Uploads that nobody attached within a day are forgotten.

use jiff::{SignedDuration, Timestamp};
use runtime::worker::Context;
use std::time::Duration;
use store::{StoreError, upload};

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(600);
/// How long an upload is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Forgets until asked to stop.
pub async fn run(context: Context) {
    loop {
        let before = (context.clock)().checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        match forget(&context, before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "uploads that nobody attached are forgotten"),
            Err(error) => tracing::debug!(%error, "old uploads cannot be looked for now"),
        }
        tokio::select! {
            () = context.cancel.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn forget(context: &Context, before: Timestamp) -> Result<usize, StoreError> {
    let session = context.store.session().await?;
    let mut all = 0;
    loop {
        match upload::forget(&session, before).await? {
            0 => return Ok(all),
            some => all += some,
        }
    }
}
