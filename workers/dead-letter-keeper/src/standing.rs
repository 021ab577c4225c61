//! What stands and should not for long, and who is silent: shown to whoever watches the metrics.

use jiff::{SignedDuration, Timestamp};
use runtime::worker::Context;
use std::collections::BTreeSet;
use std::time::Duration;
use store::StoreError;
use store::pruning::Walk;
use store::standing::{self, Standing};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(15);
/// How far back it is looked first for who has received anything.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// What was committed late has an earlier time: so far it is looked back again.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// Looks until asked to stop.
pub async fn watch(context: Context) {
    let (mut shown, mut looked) = (BTreeSet::new(), None::<Timestamp>);
    let began = (context.clock)();
    loop {
        let now = (context.clock)();
        let since = looked.map_or_else(|| now.checked_sub(BEFORE), |looked| looked.checked_sub(AGAIN)).unwrap_or(Timestamp::MIN);
        match async { standing::take(&context.store.session().await?, since, now).await }.await {
            Ok(standing) => {
                show(&standing, now, &mut shown);
                show_walks(&context, &standing, began);
                looked = Some(now);
            }
            Err(StoreError::Unavailable { .. }) => tracing::debug!("what stands cannot be counted now"),
            Err(error) => tracing::warn!(%error, "what stands cannot be counted"),
        }
        if context.cancel.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// What has gone is shown as 0: a gauge that is left out keeps its last value.
fn show(standing: &Standing, now: Timestamp, shown: &mut BTreeSet<(String, String)>) {
    for (worker, code) in shown.iter() {
        metrics::gauge!("dialogpost_dead_letters_open", "worker" => worker.clone(), "code" => code.clone()).set(0.0);
    }
    for (worker, code, n) in &standing.dead_letters {
        shown.insert((worker.clone(), code.clone()));
        metrics::gauge!("dialogpost_dead_letters_open", "worker" => worker.clone(), "code" => code.clone()).set(*n as f64);
    }
    let age = |since: Timestamp| now.duration_since(since).as_secs_f64().max(0.0);
    metrics::gauge!("dialogpost_dead_letters_oldest_seconds").set(standing.oldest_dead_letter.map_or(0.0, age));
    for wire in ["dialogpost", "nhn"] {
        let since = standing.outbox.iter().find(|(of, _)| of == wire).map(|(_, since)| *since);
        metrics::gauge!("dialogpost_outbox_oldest_seconds", "wire" => wire).set(since.map_or(0.0, age));
    }
    for code in ["revocation-offline", "own-key-unavailable"] {
        let since = standing.waiting.iter().find(|(of, _)| of == code).map(|(_, since)| *since);
        metrics::gauge!("dialogpost_waiting_oldest_seconds", "code" => code).set(since.map_or(0.0, age));
    }
    for (clinic, at) in &standing.received {
        let clinic = clinic.to_string();
        metrics::gauge!("dialogpost_clinic_received_timestamp_seconds", "clinic" => clinic).set(at.as_second() as f64);
    }
}

/// A walk that has never begun may be one that always fails: it counts from when this process began.
fn show_walks(context: &Context, standing: &Standing, began: Timestamp) {
    for walk in Walk::ALL.into_iter().filter(|walk| context.config.retention.days(walk.kept()).is_some()) {
        let at = standing.pruning.iter().find(|(what, _)| what == walk.as_str()).map_or(began, |(_, at)| *at);
        metrics::gauge!("dialogpost_pruning_started_timestamp_seconds", "what" => walk.as_str()).set(at.as_second() as f64);
    }
}
