//! What HelseNorge hears of clinics about appointments: each message is receipted, and taken into the picture that patients see.

use super::Play;
use crate::watch::{Told, told};
use crate::{Outcome, reply};
use futures_util::{Stream, StreamExt as _};
use helsenorge::{AboutAppointments, NoticeKind, Picture, Received, Shown};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often it is looked.
pub(super) const GLANCE: Duration = Duration::from_millis(5);
/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Everything heard.
#[derive(Default)]
pub(super) struct Heard {
    said: Vec<AboutAppointments>,
    picture: Picture,
}

impl Heard {
    /// The answer to a patient's message.
    pub(super) fn answer_to(&self, msg_id: &str) -> Option<AboutAppointments> {
        self.said.iter().find(|said| said.answers.as_deref() == Some(msg_id)).cloned()
    }

    /// An appointment as its patient is shown it.
    pub(super) fn shown(&self, uid: &str) -> Option<Shown> {
        self.said.iter().filter_map(|said| said.patient.as_deref()).flat_map(|nin| self.picture.shown(nin)).find(|s| s.uid == uid)
    }

    /// All that a patient is shown.
    pub(super) fn shown_to(&self, nin: &str) -> BTreeSet<Shown> {
        self.picture.shown(nin)
    }

    /// What is told of an appointment, by its versions.
    pub(super) fn versions(&self, uid: &str) -> Vec<(u32, NoticeKind)> {
        let about = self.picture.notices().into_iter().filter(|notice| notice.uid == uid);
        about.map(|notice| (notice.sequence, notice.kind)).collect()
    }

    /// Messages that tell of an appointment unasked.
    pub(super) fn pushed(&self, uid: &str) -> usize {
        let is_about = |said: &&AboutAppointments| said.events.iter().any(|event| event.uid.as_deref() == Some(uid));
        self.said.iter().filter(|said| said.request.as_deref() == Some("MOA")).filter(is_about).count()
    }

    /// Whether anything is told of this time.
    pub(super) fn told_of(&self, start: Timestamp) -> bool {
        self.said.iter().flat_map(|said| &said.events).any(|event| event.start == Some(start))
    }

    /// What HelseNorge can make nothing of.
    pub(super) fn faults(&self) -> Vec<String> {
        self.picture.faults()
    }
}

/// Says that something has not come when it should have by now.
///
/// # Errors
/// It should have.
pub(super) fn in_time(began: Instant, what: &str) -> Outcome<()> {
    match began.elapsed() < LIMIT {
        true => Ok(()),
        false => Err(format!("{what} has not come within {} s", LIMIT.as_secs()).into()),
    }
}

impl<S: Stream<Item = Received> + Unpin> Play<'_, S> {
    /// Listens until something has been heard.
    pub(super) async fn until<T>(&mut self, what: &str, find: impl Fn(&Heard) -> Option<T>) -> Outcome<T> {
        let began = Instant::now();
        loop {
            if let Some(found) = find(&self.heard) {
                return Ok(found);
            }
            in_time(began, what)?;
            self.listen(GLANCE).await?;
        }
    }

    /// Listens for a while.
    pub(super) async fn listen(&mut self, how_long: Duration) -> Outcome<()> {
        let until = Instant::now() + how_long;
        while let Ok(Some(received)) = timeout(until.saturating_duration_since(Instant::now()), self.stage.queues.next()).await {
            self.hear(&received).await?;
        }
        Ok(())
    }

    /// Takes in what came, and receipts it.
    async fn hear(&mut self, received: &Received) -> Outcome<()> {
        let exchange = self.stage.exchange;
        if let Some(receipt) = reply::receipt(received, exchange) {
            self.stage.helsenorge.publish(std::slice::from_ref(&receipt)).await?;
        }
        let opened = exchange.and_then(|exchange| exchange.opened(received));
        let is_open = exchange.is_none() || opened.is_some();
        let about = opened.as_ref().unwrap_or(received).about_appointments().filter(|_| is_open);
        let Some(about) = about else {
            return match told(received, exchange) {
                Told::Ok => Ok(()),
                other => Err(format!("HelseNorge is told {other:?}").into()),
            };
        };
        self.heard.picture.take(&about);
        self.heard.said.push(about);
        Ok(())
    }
}
