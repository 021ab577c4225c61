//! Decisions → rows, for a whole batch.

use jiff::Timestamp;
use messages::transport::Outgoing;
use store::contact::{self, Who};
use store::notice::{self, Notice};
use store::{StoreError, Tx};

/// What is written for one event.
#[derive(Debug)]
pub struct Effect {
    /// The notice.
    pub notice: Notice,
    /// Whom HelseNorge is to be asked about.
    pub ask: Option<Who>,
}

/// Writes a batch and returns what is to be sent: nothing. Notices of our own are taken from their rows by [`crate::delivering`].
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, effects: Vec<Effect>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let (notices, ask): (Vec<Notice>, Vec<Option<Who>>) = effects.into_iter().map(|effect| (effect.notice, effect.ask)).unzip();
    let ask: Vec<Who> = ask.into_iter().flatten().collect();
    contact::want(tx, &ask, now).await?;
    notice::put(tx, &notices, now).await?;
    Ok(Vec::new())
}
