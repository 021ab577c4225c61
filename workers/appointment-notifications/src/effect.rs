//! Decisions → rows, and what HelseNorge is told, for a whole batch.

use crate::deciding::Ruling;
use crate::telling::{Said, Wanted, tell};
use domain::notice::channel::Outcome;
use jiff::Timestamp;
use messages::transport::Outgoing;
use store::contact::{self, Who};
use store::notice::{self, About, Key, Notice};
use store::{StoreError, Tx, telling};
use uuid::Uuid;

/// What is written for one event.
#[derive(Debug)]
pub struct Effect {
    /// The notice; none of what is told to HelseNorge alone.
    pub notice: Option<Notice>,
    /// Whom HelseNorge is to be asked about.
    pub ask: Option<Who>,
    /// What it is to be told of which appointment.
    pub word: Option<Wanted>,
}

/// Writes a batch and returns what is to be sent. Notices of our own are taken from their rows by [`crate::delivering`].
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, effects: Vec<Effect>, ruling: &Ruling, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let ask: Vec<Who> = effects.iter().filter_map(|effect| effect.ask.clone()).collect();
    // First: everybody locks a status before what is owed because of it.
    contact::want(tx, &ask, now).await?;
    let words: Vec<Wanted> = effects.iter().filter_map(|effect| effect.word).collect();
    let (said, outgoing) = tell(tx, &words, ruling, now).await?;
    let carried: Vec<(Key, Option<Uuid>)> = effects.iter().filter_map(|effect| effect.carried(&said)).collect();
    let notices: Vec<Notice> = effects.into_iter().filter_map(|effect| effect.notice).collect();
    notice::put(tx, &notices, now).await?;
    telling::carried(tx, &carried, now).await?;
    Ok(outgoing)
}

impl Effect {
    /// The notice that HelseNorge gives, with the message that tells it to; none when it knew already.
    fn carried(&self, said: &Said) -> Option<(Key, Option<Uuid>)> {
        let notice = self.notice.as_ref().filter(|notice| matches!(notice.outcome, Outcome::HelseNorge))?;
        let About::Appointment { id, version, .. } = notice.about else { return None };
        Some(((id, version, notice.kind), self.word.and_then(|(id, word, _)| said.get(&(id, word)).copied())))
    }
}
