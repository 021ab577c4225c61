//! What HelseNorge should have been told: of patients whom it has come to reach, and whatever was missed. And what it is to be told anew, should
//! it reach again whom it reaches no longer. Any number of processes may look.

use crate::deciding::Ruling;
use crate::telling::{Word, tell};
use crate::watch::Watch;
use jiff::{SignedDuration, Timestamp};
use runtime::worker::Context;
use std::time::Duration;
use store::{StoreError, outbox, telling};
use uuid::Uuid;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);
/// As many at a time.
const MOST: i64 = 200;
/// What changed later than so long ago is on its way by itself.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(60);

/// Looks until the context is cancelled.
pub async fn run(context: Context, ruling: Ruling) {
    let mut watch = Watch::new("what HelseNorge shows", context.health.component("what HelseNorge shows"));
    loop {
        let more = watch.look(round(&context, &ruling).await).unwrap_or(false) && !context.cancel.is_cancelled();
        if !more && context.cancel.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// Tells what is untold, in one transaction. Says whether there may be more.
///
/// # Errors
/// As any step of the store: then nothing was told.
pub async fn round(context: &Context, ruling: &Ruling) -> Result<bool, StoreError> {
    let now = (context.clock)();
    let ago = |by: SignedDuration| now.checked_sub(by).unwrap_or(Timestamp::MIN);
    let mut session = context.store.session().await?;
    let tx = session.begin().await?;
    telling::forget_unreached(&tx, MOST, now).await?;
    let untold = telling::untold(&tx, MOST, now, ago(ruling.age_limit), ago(ON_ITS_WAY)).await?;
    let words: Vec<(Uuid, Word)> = untold.iter().map(|id| (*id, Word::Stands)).collect();
    let (said, outgoing) = tell(&tx, &words, ruling, now).await?;
    // Due at once: any worker of the fleet publishes it.
    outbox::insert(&tx, &outgoing, now).await?;
    tx.commit().await?;
    // Of those that nobody can be told of there may be any number: they are no reason to look again at once.
    Ok(i64::try_from(said.len()).is_ok_and(|said| said >= MOST))
}
