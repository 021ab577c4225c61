//! What is looked at when its time comes: reminders, and notices that wait for what HelseNorge says. Any number of processes may do so.

use crate::AppointmentNotifications;
use domain::notice::Kind;
use jiff::{SignedDuration, Timestamp};
use messages::event::{AppointmentChanged, Event, Fact};
use messages::transport::Outgoing;
use runtime::Handler;
use runtime::topology::{event_to, queue_of};
use runtime::worker::Context;
use store::notice::agenda::{self, Item};
use store::{StoreError, outbox};
use uuid::Uuid;

/// Of each as many at a time.
const MOST: i64 = 200;
/// A notice that waits and was looked at is looked at again so much later, should nothing have come of it.
const AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// Looks until the context is cancelled.
pub async fn run(context: Context) {
    let health = context.health.component("reminders");
    health.ok();
    loop {
        let more = match round(&context).await {
            Ok(more) => {
                health.ok();
                more
            }
            Err(error) => {
                tracing::warn!(%error, "reminders cannot be looked for now");
                health.failing(error.to_string());
                false
            }
        };
        if more && !context.cancel.is_cancelled() {
            continue;
        }
        tokio::select! {
            () = context.cancel.cancelled() => return,
            () = tokio::time::sleep(context.glance) => {}
        }
    }
}

/// Takes what is due off the agenda and puts it on the queue, in one transaction. Tells whether more may be due.
///
/// # Errors
/// As any step of the store: then nothing was taken.
pub async fn round(context: &Context) -> Result<bool, StoreError> {
    let now = (context.clock)();
    let mut session = context.store.session().await?;
    let tx = session.begin().await?;
    let reminders = agenda::reminders(&tx, MOST, now).await?;
    let waiting = agenda::waiting(&tx, MOST, now, now.checked_add(AGAIN).unwrap_or(Timestamp::MAX)).await?;
    let is_full = |taken: &Vec<Item>| i64::try_from(taken.len()).is_ok_and(|taken| taken >= MOST);
    let more = is_full(&reminders) || is_full(&waiting);
    let mut events: Vec<Outgoing> = reminders.into_iter().filter_map(|item| Some(event_to(&event(item, now)?))).collect();
    events.extend(waiting.into_iter().filter_map(|item| Some(to_ourselves(&event(item, now)?))));
    // Due at once: any worker of the fleet publishes it.
    outbox::insert(&tx, &events, now).await?;
    tx.commit().await?;
    Ok(more)
}

/// What is told of it; an entry of an E-dialog waits for nobody.
fn event(item: Item, now: Timestamp) -> Option<Event> {
    let about = AppointmentChanged { appointment: item.appointment, clinic: item.clinic, version: item.version };
    let fact = match item.kind {
        Kind::Booked => Fact::AppointmentBooked(about),
        Kind::Moved => Fact::AppointmentMoved(about),
        Kind::Cancelled => Fact::AppointmentCancelled(about),
        Kind::Reminder => Fact::ReminderDue(about),
        Kind::Message => return None,
    };
    Some(Event { id: Uuid::now_v7(), time: now, fact })
}

/// Past the exchange: whoever else listens there has heard it.
fn to_ourselves(event: &Event) -> Outgoing {
    Outgoing { exchange: String::new(), routing_key: queue_of(AppointmentNotifications::WORKER), ..event_to(event) }
}
