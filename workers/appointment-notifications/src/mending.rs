//! What HelseNorge should have been told: of patients whom it has come to reach, and whatever was missed. Any number of processes may look.

use crate::deciding::Ruling;
use crate::delivering::{alarm, count};
use crate::telling::{Wanted, Word, connected, tell};
use crate::watch::Watch;
use domain::appointment::telling::{Telling, is_over, owed};
use domain::command::contact::reached;
use domain::notice::Kind;
use domain::notice::reminder::is_late;
use jiff::{SignedDuration, Timestamp};
use messages::command::answer::Contactable;
use runtime::worker::Context;
use store::contact::{self, Who};
use store::notice::recall;
use store::telling::Subject;
use store::{StoreError, Tx, outbox, telling};
use uuid::Uuid;

/// It is looked once in so many glances: what is owed here is nothing that anybody waits for.
const GLANCES: u32 = 10;
/// As many at a time.
const MOST: i64 = 100;
/// What changed later than so long ago is on its way by itself.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(60);
/// What cannot be told now is looked at again so much later.
const LATER: SignedDuration = SignedDuration::from_mins(30);
/// The channel that is HelseNorge's.
const HELSENORGE: &str = "helsenorge";
/// HelseNorge is told no more of a version that it has turned down so often.
const REFUSALS: u32 = 3;

/// Looks until the context is cancelled.
pub async fn run(context: Context, ruling: Ruling) {
    let mut watch = Watch::new("what HelseNorge shows", context.health.component("what HelseNorge shows"));
    loop {
        let looked = match take_back(&context).await {
            Ok(more) => round(&context, &ruling).await.map(|also| more || also),
            Err(error) => Err(error),
        };
        let more = watch.look(looked).unwrap_or(false) && !context.cancel.is_cancelled();
        if !more && context.cancel.run_until_cancelled(tokio::time::sleep(context.glance * GLANCES)).await.is_none() {
            return;
        }
    }
}

/// Takes back reminders that HelseNorge's broker has not taken in time: somebody should have been reminded. Tells whether there may be more.
async fn take_back(context: &Context) -> Result<bool, StoreError> {
    let now = (context.clock)();
    let mut session = context.store.session().await?;
    let untaken = recall::untaken(&session, now, MOST).await?.into_iter();
    let late: Vec<Uuid> = untaken.filter(|(_, starts_at)| is_late(*starts_at, now)).map(|(message, _)| message).collect();
    if late.is_empty() {
        return Ok(false);
    }
    let tx = session.begin().await?;
    let missed = recall::give_up(&tx, &late, now).await?;
    tx.commit().await?;
    for id in missed {
        alarm(id, Kind::Reminder.as_str(), HELSENORGE, "expired");
        count(HELSENORGE, "expired");
    }
    // They come in the order of their starts.
    Ok(i64::try_from(late.len()).is_ok_and(|late| late >= MOST))
}

/// Tells what is owed. Says whether there may be more.
///
/// # Errors
/// As any step of the store.
pub async fn round(context: &Context, ruling: &Ruling) -> Result<bool, StoreError> {
    let now = (context.clock)();
    let session = context.store.session().await?;
    let owing = telling::owing(&session, MOST, now.checked_sub(ON_ITS_WAY).unwrap_or(Timestamp::MIN)).await?;
    drop(session);
    if let Err(error) = together(context, ruling, &owing, now).await {
        if error.is_unavailable() {
            return Err(error);
        }
        // One of them cannot be told: the others can.
        for id in &owing {
            if let Err(error) = together(context, ruling, &[*id], now).await {
                tracing::error!(appointment = %id, %error, "HelseNorge cannot be told of this appointment");
                put_off(context, *id, now).await?;
            }
        }
    }
    Ok(i64::try_from(owing.len()).is_ok_and(|owing| owing >= MOST))
}

async fn put_off(context: &Context, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut session = context.store.session().await?;
    let tx = session.begin().await?;
    telling::owe(&tx, &[id], now.checked_add(LATER).unwrap_or(Timestamp::MAX)).await?;
    tx.commit().await
}

/// What becomes of what is owed.
#[derive(Default)]
struct Sorted {
    say: Vec<Wanted>,
    settled: Vec<Uuid>,
    later: Vec<Uuid>,
    ask: Vec<Who>,
}

async fn together(context: &Context, ruling: &Ruling, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut session = context.store.session().await?;
    let tx = session.begin().await?;
    telling::lock(&tx, ids).await?;
    // What another process has settled meanwhile is none of ours.
    let ids = &telling::lock_owed(&tx, ids).await?[..];
    let sorted = sorted(&tx, ruling, ids, now).await?;
    let (_, outgoing) = tell(&tx, &sorted.say, ruling, now).await?;
    telling::settle(&tx, &sorted.settled).await?;
    telling::owe(&tx, &sorted.later, now.checked_add(LATER).unwrap_or(Timestamp::MAX)).await?;
    // Due at once: any worker of the fleet publishes it.
    outbox::insert(&tx, &outgoing, now).await?;
    tx.commit().await?;
    // By itself: everybody else locks a status before what is owed because of it. Should it not come to it, it is asked the next time.
    let tx = session.begin().await?;
    contact::want(&tx, &sorted.ask, now).await?;
    tx.commit().await
}

async fn sorted(tx: &Tx<'_>, ruling: &Ruling, ids: &[Uuid], now: Timestamp) -> Result<Sorted, StoreError> {
    let (mut subjects, mut standings) = (telling::subjects(tx, ids).await?, telling::standings(tx, ids).await?);
    let clinics: Vec<_> = subjects.values().map(|subject| subject.clinic).collect();
    let connected = connected(tx, &clinics).await?;
    let mut sorted = Sorted::default();
    for id in ids {
        let (Some(subject), Some(of)) = (subjects.remove(id), standings.remove(id)) else {
            sorted.settled.push(*id);
            continue;
        };
        let can_be_asked = ruling.can_be_asked(of.nin.expose());
        let reached = reached(of.status.as_ref(), of.showing, can_be_asked, ruling.age_limit, now);
        match what(&subject, reached, now) {
            None => sorted.settled.push(*id),
            Some(_) if !connected.contains_key(&of.clinic) => sorted.later.push(*id),
            Some(true) => sorted.say.push((*id, Word::Stands, reached == Contactable::Yes)),
            Some(false) => {
                sorted.later.push(*id);
                sorted.ask.extend(can_be_asked.then(|| (of.clinic, of.nin.into_inner())));
            }
        }
    }
    Ok(sorted)
}

/// Whether HelseNorge is to be told, or it must be known first whether it reaches the patient; none = it need not be told.
fn what(subject: &Subject, reached: Contactable, now: Timestamp) -> Option<bool> {
    let Subject { appointment, of_type, told, refusals, shown_until, .. } = subject;
    match owed(appointment, Some(of_type), *told)? {
        _ if reached == Contactable::No => None,
        _ if *refusals >= REFUSALS => {
            tracing::error!(appointment = %appointment.id, refusals, "HelseNorge takes no word of this appointment");
            None
        }
        Telling::Withdraw | Telling::NoShow => Some(true),
        Telling::Show if is_over(appointment, *told, *shown_until, now) => None,
        Telling::Show => Some(reached == Contactable::Yes),
    }
}
