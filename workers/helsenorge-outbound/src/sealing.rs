//! What is to be sent → what goes on the wire: signed with the clinic's key, encrypted for the receiver (nhn-messaging 4.1, 5.4).

use crate::answer::Addressed;
use domain::agreement::{Direction, Known, Provenance, Question, Use, look_up};
use domain::sending::is_receipted;
use jiff::Timestamp;
use messages::wire::apprec::AppRecVersion;
use messages::wire::hodemelding::MsgHead;
use messages::wire::{Incoming, Limits, read_without_files};
use messages::{Fault, HerId};
use runtime::protection::{Protection, ToSeal};
use std::collections::HashMap;
use store::agreement::Pair;
use store::clinic::KeyNames;
use store::message::Sent;
use uuid::Uuid;

/// What is known of those who exchange messages.
pub struct Directory {
    /// Agreements and certificates.
    pub known: HashMap<Pair, Known>,
    /// Names of our own keys.
    pub keys: HashMap<HerId, KeyNames>,
}

/// What a message will be sealed with.
struct Means {
    /// Name of the key that signs.
    signer: Option<String>,
    /// DER of the receiver's certificates, best first.
    recipients: Vec<Vec<u8>>,
    /// The agreement it goes by.
    cpa_id: Option<Uuid>,
    /// Whether its receiver will receipt it.
    is_receipted: bool,
}

/// A message to be sealed.
pub struct Message {
    /// It.
    pub sent: Sent,
    /// Between whom. What is sent goes by the agreement of the two, whichever a message that is answered named (nhn-messaging 4.1).
    pub pair: Pair,
    /// The function it goes by: of an answer that of what it answers (nhn-messaging 4.1).
    pub function: String,
    /// Whether the receiver must have agreed to it. A receipt, reply or error message was asked for.
    pub by_agreement: bool,
}

/// Which AppRec the other has agreed to for messages of a function; `None` = nothing is known.
pub fn receipt_version(
    directory: &Directory,
    pair: &Pair,
    function: &str,
    without_agreement: &[String],
    now: Timestamp,
) -> Option<AppRecVersion> {
    let question = question(pair, function, without_agreement, now);
    look_up(directory.known.get(pair)?, &question).sources.first()?.receipt_for(Direction::Receives, function).ok()?.receipt
}

fn question<'a>(pair: &Pair, function: &'a str, without_agreement: &'a [String], now: Timestamp) -> Question<'a> {
    Question { own: pair.own, other: pair.other, cpa_id: pair.cpa_id, function, excluded: without_agreement, now }
}

/// Seals what has content, in order; error messages have none. With `plain` whoever has no key or certificate is served unprotected.
///
/// # Errors
/// Of each, why it cannot be sealed now (transient) or as things are (broken).
pub async fn seal(
    protection: &Protection,
    directory: &Directory,
    plain: bool,
    messages: Vec<Message>,
    now: Timestamp,
) -> Vec<Result<Addressed, Fault>> {
    let (mut jobs, mut prepared) = (Vec::new(), Vec::with_capacity(messages.len()));
    for message in messages {
        prepared.push(means(&message, directory, protection.without_agreement(), now).map(|means| {
            let mut sent = message.sent;
            sent.properties.application.extend(means.cpa_id.map(|id| ("cpaId".to_owned(), id.to_string())));
            let protected = !sent.raw.is_empty() && !(plain && (means.signer.is_none() || means.recipients.is_empty()));
            if protected {
                let signer = means.signer.unwrap_or_default();
                // What the ledger has already is needed for nothing else: held by one, it is sealed in place.
                let content = if sent.answers.is_some() { sent.raw.clone() } else { std::mem::take(&mut sent.raw) };
                jobs.push(ToSeal { content, signer, recipients: means.recipients });
            }
            (sent, protected, means.is_receipted)
        }));
    }
    let mut bodies = protection.seal(jobs, now).await.into_iter();
    let mut finish = |sent: Sent, protected: bool, is_receipted: bool| match protected {
        false => Ok(Addressed::plain(sent, is_receipted)),
        true => bodies
            .next()
            .unwrap_or_else(|| Err(Fault::transient("sealing-interrupted", "not sealed")))
            .map(|body| Addressed::sealed(sent, body, is_receipted)),
    };
    prepared
        .into_iter()
        .map(|one| one.and_then(|(sent, protected, is_receipted)| finish(sent, protected, is_receipted)))
        .collect()
}

fn means(message: &Message, directory: &Directory, without_agreement: &[String], now: Timestamp) -> Result<Means, Fault> {
    let sent = &message.sent;
    let signer = directory.keys.get(&sent.from).and_then(|k| k.signing.clone());
    let Some(known) = directory.known.get(&message.pair) else {
        return Ok(Means { signer, recipients: Vec::new(), cpa_id: None, is_receipted: false });
    };
    let question = question(&message.pair, &message.function, without_agreement, now);
    let found = look_up(known, &question);
    for warning in &found.warnings {
        tracing::debug!(message = %sent.id, to = %sent.to, %warning);
    }
    let is_receipted = message.by_agreement && is_receipted(&found, &sent.function, head(&sent.raw)?.as_ref())?;
    let recipients = found.candidates(Use::Encryption, now).into_iter().map(|c| c.certificate.der.clone()).collect();
    let cpa_id = found.sources.first().and_then(|source| match source.provenance {
        Provenance::AgreementById(id) | Provenance::AgreementOfPair(id) => Some(id),
        Provenance::Profile(_) | Provenance::Party(_) => None,
    });
    Ok(Means { signer, recipients, cpa_id, is_receipted })
}

fn head(raw: &[u8]) -> Result<Box<MsgHead>, Fault> {
    match read_without_files(raw, &Limits::default()).map(|seen| seen.incoming) {
        Ok(Incoming::MsgHead(head)) => Ok(head),
        _ => Err(Fault::broken("written-unreadable", "what was written is no MsgHead: nothing can be sent")),
    }
}
