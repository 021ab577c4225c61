//! What is kept no longer goes: a pass a day, a little at a time, so that nobody waits for it.

use domain::retention::Kept;
use runtime::worker::Context;
use std::time::{Duration, Instant};
use store::StoreError;
use store::pruning::{self, Stepped, Walk};

/// How often it is looked whether a pass is due.
const EVERY: Duration = Duration::from_secs(600);
/// After a step it rests for so many times as long as the step took, and at least [`REST`].
const RESTS: u32 = 4;
const REST: Duration = Duration::from_millis(20);

/// Prunes until asked to stop.
pub async fn run(context: Context) {
    loop {
        for walk in Walk::ALL {
            if context.cancel.is_cancelled() {
                return;
            }
            match walk_through(&context, walk).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(table = walk.as_str(), rows, "what was kept long enough is gone"),
                Err(error) => tracing::warn!(table = walk.as_str(), %error, "cannot be pruned"),
            }
        }
        if context.cancel.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// To its end, or to the end of this process, which the next goes on from.
async fn walk_through(context: &Context, walk: Walk) -> Result<i64, StoreError> {
    let mut all = 0;
    loop {
        let started = Instant::now();
        let stepped = step(context, walk).await?;
        let (Stepped::More(rows) | Stepped::Through(rows)) = stepped else { return Ok(all) };
        all += rows;
        metrics::counter!("dialogpost_pruned_total", "table" => walk.kept().as_str()).increment(rows.unsigned_abs());
        let rest = (started.elapsed() * RESTS).max(REST);
        if stepped == Stepped::Through(rows) || context.cancel.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
            return Ok(all);
        }
    }
}

async fn step(context: &Context, walk: Walk) -> Result<Stepped, StoreError> {
    let mut session = context.store.session().await?;
    let (now, kept): (_, Kept) = ((context.clock)(), walk.kept());
    let retention = &context.config.retention;
    pruning::take(&mut session, walk, retention.days(kept), retention.before(kept, now), now).await
}
