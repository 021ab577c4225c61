//! The steps of a transaction: what was read, what is new, what was decided, and how each verdict ends.

use crate::handler::{Handler, Verdict};
use crate::pipeline::{Keep, Mode};
use bytes::Bytes;
use domain::{dead_letter as letters_of, retry};
use jiff::Timestamp;
use messages::Fault;
use messages::transport::{ATTEMPT, Delivery, LEDGER_ID, ORIGIN_QUEUE, Outgoing, RECEIVED_AT, WAITS_FOR, Wire};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use store::dead_letter::{self, Claim, DeadLetter};
use store::{StoreError, Tx, processed};
use uuid::Uuid;

/// A batch as read.
pub(super) struct Parsed<M> {
    /// Claim keys, one for each delivery; none of what is not claimed.
    keys: Vec<Option<String>>,
    messages: Vec<Result<M, Fault>>,
}

/// One of a batch.
pub(super) struct Item<'d, M> {
    pub(super) delivery: &'d Delivery,
    key: Option<String>,
    pub(super) message: Result<M, Fault>,
}

pub(super) fn parse<H: Handler>(handler: &H, batch: &[Delivery]) -> Parsed<H::Message> {
    let one = |delivery: &Delivery| {
        let read = || handler.parse(delivery).map(|message| (handler.key(&message), message));
        // Here bytes from outside are read: what panics is the message's own fault, in a dead letter's transaction too.
        let read = catch_unwind(AssertUnwindSafe(read));
        match read.unwrap_or_else(|_| Err(Fault::broken("panic", "the handler panicked reading it"))) {
            Ok((key, message)) => (key, Ok(message)),
            Err(fault) => (Some(unreadable_key(delivery)), Err(fault)),
        }
    };
    let (keys, messages) = batch.iter().map(one).unzip();
    Parsed { keys, messages }
}

/// The key of a message that could not be read: by its transport id, so that a redelivery is not a second dead letter.
fn unreadable_key(delivery: &Delivery) -> String {
    let id = delivery.properties.message_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    format!("unreadable/{id}")
}

/// Messages of a batch: those that this transaction handles, or those that were handled before.
pub(super) struct Messages<'d, M>(pub(super) Vec<Item<'d, M>>);

impl<M> Parsed<M> {
    pub(super) fn append(&mut self, later: Self) {
        self.keys.extend(later.keys);
        self.messages.extend(later.messages);
    }

    /// Lengths of the parts that it falls into where a message looks back at those before it.
    pub(super) fn lengths<H: Handler<Message = M>>(&self, handler: &H) -> Vec<usize> {
        let (mut lengths, mut length, mut before) = (Vec::new(), 0, Vec::new());
        for message in &self.messages {
            if let Ok(message) = message {
                if handler.looks_back(&before, message) {
                    lengths.push(std::mem::take(&mut length));
                    before.clear();
                }
                before.push(message);
            }
            length += 1;
        }
        lengths.push(length);
        lengths
    }

    /// The first so many; the others stay.
    pub(super) fn take(&mut self, length: usize) -> Self {
        let at = length.min(self.keys.len());
        let (keys, messages) = (self.keys.split_off(at), self.messages.split_off(at));
        std::mem::replace(self, Self { keys, messages })
    }

    /// What could be read.
    pub(super) fn messages_mut(&mut self) -> Vec<&mut M> {
        self.messages.iter_mut().filter_map(|message| message.as_mut().ok()).collect()
    }

    /// What is to be claimed.
    pub(super) fn claims(&self) -> Vec<&str> {
        self.keys.iter().flatten().map(String::as_str).collect()
    }

    /// The first of each new key of the `batch` that was read, and what is not claimed; the rest has been seen, and is done.
    pub(super) fn divide(self, batch: &[Delivery], mut new: HashSet<String>) -> (Messages<'_, M>, Messages<'_, M>) {
        let items = batch.iter().zip(self.keys).zip(self.messages);
        let items = items.map(|((delivery, key), message)| Item { delivery, key, message });
        let (fresh, repeated) = items.partition(|item| item.key.as_ref().is_none_or(|key| new.remove(key)));
        (Messages(fresh), Messages(repeated))
    }
}

impl<M> Messages<'_, M> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The dead letters that these are replays of.
    pub(super) fn replays(&self) -> Vec<Uuid> {
        self.0.iter().filter_map(|item| item.delivery.properties.replay_of()).collect()
    }

    pub(super) fn messages(&self) -> Vec<&M> {
        self.0.iter().filter_map(|item| item.message.as_ref().ok()).collect()
    }
}

pub(super) struct Decided<'d, M, E> {
    pub(super) item: Item<'d, M>,
    pub(super) verdict: Verdict<E>,
}

pub(super) fn decide<'d, H: Handler>(
    handler: &H,
    fresh: Messages<'d, H::Message>,
    mut facts: Option<&mut H::Facts>,
    now: Timestamp,
    mode: Mode<'_>,
) -> Vec<Decided<'d, H::Message, H::Effect>> {
    let one = |item: Item<'d, H::Message>| {
        let verdict = match (&item.message, mode, facts.as_deref_mut()) {
            (_, Mode::Bury(fault, _), _) => Verdict::Broken(fault.clone()),
            (Err(fault), Mode::Handle, _) => Verdict::Broken(fault.clone()),
            (Ok(message), Mode::Handle, Some(facts)) => handler.decide(message, facts, now),
            (Ok(_), Mode::Handle, None) => Verdict::Broken(Fault::broken("facts-missing", "decided without facts")),
        };
        Decided { item, verdict }
    };
    fresh.0.into_iter().map(one).collect()
}

/// Writes what was decided and returns everything that is to be sent, retries included.
pub(super) async fn settle<H: Handler>(
    handler: &H,
    tx: &Tx<'_>,
    decided: Vec<Decided<'_, H::Message, H::Effect>>,
    now: Timestamp,
    mode: Mode<'_>,
) -> Result<Vec<Outgoing>, StoreError> {
    let owned = !matches!(mode, Mode::Bury(_, Keep::Letter));
    let (mut effects, mut letters, mut retries, mut released) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut settled = Vec::new();
    for Decided { item, verdict } in decided {
        metrics::counter!("dialogpost_messages_total", "worker" => H::WORKER, "verdict" => verdict.label()).increment(1);
        let ledger_id = item.message.as_ref().ok().and_then(|m| handler.ledger_id(m));
        let mut bury = |fault: Fault| {
            effects.extend(item.message.as_ref().ok().filter(|_| owned).and_then(|m| handler.dead(m, &fault, now)));
            let thread = item.message.as_ref().ok().and_then(|m| handler.thread(m));
            let claim = item.key.clone().map(|key| Claim { worker: H::WORKER.to_owned(), key });
            letters.push(DeadLetter { claim, ..dead(H::WORKER, item.delivery, fault, ledger_id, thread, now) });
        };
        let replay_of = item.delivery.properties.replay_of();
        match verdict {
            Verdict::Done(effect) => {
                effects.push(effect);
                settled.extend(replay_of);
            }
            Verdict::Rejected(fault, effect) => {
                report(H::WORKER, &fault, ledger_id);
                effects.push(effect);
                settled.extend(replay_of);
            }
            Verdict::Unclaimed(effect) => {
                effects.push(effect);
                settled.extend(replay_of);
                released.extend(item.key);
            }
            Verdict::Retry(fault, meanwhile) => match retry_of(H::WORKER, item.delivery, ledger_id, fault.code, now) {
                Some(retry) => {
                    report_retry(H::WORKER, &fault, ledger_id);
                    effects.extend(meanwhile);
                    retries.push(retry);
                    released.extend(item.key);
                }
                None => bury(fault),
            },
            Verdict::Broken(fault) => bury(fault),
        }
    }
    let mut outgoing = handler.write(tx, effects, now).await?;
    dead_letter::insert(tx, &letters).await?;
    dead_letter::settled(tx, &settled, now).await?;
    if !released.is_empty() {
        processed::release(tx, H::WORKER, &released).await?;
    }
    outgoing.extend(retries);
    Ok(outgoing)
}

fn report(worker: &str, fault: &Fault, ledger_id: Option<Uuid>) {
    tracing::info!(
        worker,
        class = fault.class.as_str(),
        code = fault.code,
        message = ledger_id.map(tracing::field::display),
        "{}",
        fault.text
    );
}

/// Somebody must mend what a message waits for days for.
fn report_retry(worker: &'static str, fault: &Fault, ledger_id: Option<Uuid>) {
    metrics::counter!("dialogpost_retries_total", "worker" => worker, "code" => fault.code).increment(1);
    match retry::waits(fault.code) {
        true => {
            tracing::warn!(worker, code = fault.code, message = ledger_id.map(tracing::field::display), "waits: {}", fault.text)
        }
        false => report(worker, fault, ledger_id),
    }
}

fn dead(
    worker: &'static str,
    delivery: &Delivery,
    fault: Fault,
    ledger_id: Option<Uuid>,
    thread: Option<String>,
    now: Timestamp,
) -> DeadLetter {
    metrics::counter!("dialogpost_dead_letters_total", "worker" => worker, "code" => fault.code).increment(1);
    let id = Uuid::now_v7();
    tracing::error!(
        worker,
        class = fault.class.as_str(),
        code = fault.code,
        message = ledger_id.map(tracing::field::display),
        "dead letter {id}: {}",
        fault.text
    );
    let about = letters_of::about(&delivery.properties, &delivery.body);
    DeadLetter {
        id,
        at: now,
        worker: worker.to_owned(),
        fault: fault.class.as_str().to_owned(),
        code: fault.code.to_owned(),
        text: fault.text.into_owned(),
        attempts: delivery.properties.attempt() + 1,
        message: ledger_id,
        queue: delivery.origin_queue().to_owned(),
        claim: None,
        received_at: Some(delivery.first_received_at()),
        about: letters_of::About { thread: about.thread.or(thread), ..about },
        unsent: None,
        replay_of: delivery.properties.replay_of(),
        properties: delivery.properties.clone(),
        body: delivery.body.to_vec(),
    }
}

/// The same message again, later, on the worker's own queue; `None` = attempts are used up.
fn retry_of(worker: &str, delivery: &Delivery, ledger_id: Option<Uuid>, code: &str, now: Timestamp) -> Option<Outgoing> {
    let failed = delivery.properties.attempt() + 1;
    let wait = retry::delay(code, failed, rand::random())?;
    let mut properties = delivery.properties.clone();
    properties.application.insert(ATTEMPT.to_owned(), failed.to_string());
    properties.application.insert(ORIGIN_QUEUE.to_owned(), delivery.origin_queue().to_owned());
    properties.application.insert(WAITS_FOR.to_owned(), code.to_owned());
    properties.application.extend(ledger_id.map(|id| (LEDGER_ID.to_owned(), id.to_string())));
    properties.application.insert(RECEIVED_AT.to_owned(), delivery.first_received_at().to_string());
    // A time to live was the sender's word to NHN's broker; what we hold must not expire.
    properties.ttl_ms = None;
    let id = Uuid::now_v7();
    properties.message_id.get_or_insert_with(|| id.to_string());
    Some(Outgoing {
        id,
        wire: Wire::Dialogpost,
        exchange: String::new(),
        routing_key: broker::topology::queue_of(worker),
        properties,
        body: Bytes::clone(&delivery.body),
        cause: ledger_id,
        led_by: None,
        not_before: Some(now.checked_add(wait).unwrap_or(Timestamp::MAX)),
        is_awaited: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::transport::Properties;

    fn delivery(attempt: u32) -> Delivery {
        let mut properties = Properties { message_id: Some("m".into()), ..Properties::default() };
        if attempt > 0 {
            properties.application.insert(ATTEMPT.into(), attempt.to_string());
            properties.application.insert(ORIGIN_QUEUE.into(), "8141333_async".into());
        }
        let queue = if attempt > 0 { "dialogpost.helsenorge-inbound" } else { "8141333_async" }.to_owned();
        Delivery {
            queue,
            redelivered: false,
            properties,
            deviations: vec![],
            body: Bytes::new(),
            received_at: Timestamp::UNIX_EPOCH,
            user: None,
        }
    }

    #[test]
    fn a_retry_keeps_identity_and_origin_and_counts() {
        let first = retry_of("helsenorge-inbound", &delivery(0), None, "x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(first.routing_key, "dialogpost.helsenorge-inbound");
        assert_eq!(first.properties.message_id.as_deref(), Some("m"));
        assert_eq!(first.properties.attempt(), 1);
        assert_eq!(first.properties.application(ORIGIN_QUEUE), Some("8141333_async"));
        let second = retry_of("helsenorge-inbound", &delivery(1), None, "x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(second.properties.attempt(), 2);
        assert_eq!(second.properties.application(ORIGIN_QUEUE), Some("8141333_async"));
        assert!(second.not_before > first.not_before);
    }

    #[test]
    fn attempts_are_bounded() {
        assert!(retry_of("w", &delivery(retry::MAX_ATTEMPTS - 1), None, "x", Timestamp::UNIX_EPOCH).is_none());
    }
}
