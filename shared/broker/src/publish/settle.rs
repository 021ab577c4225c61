//! Which message an answer is about.

use super::{NotSent, Settled};
use lapin::Confirmation;
use lapin::message::BasicReturnMessage;
use messages::Fault;
use std::collections::{BTreeMap, HashMap};

/// The answers to one batch on one channel.
pub(super) struct Answers {
    messages: BTreeMap<usize, (String, Answer)>,
    returned: HashMap<String, (u16, String)>,
}

enum Answer {
    Pending,
    /// Confirmed, and lapin held no return of any message at that moment.
    Clean,
    /// Confirmed with a return attached: of this message or of another.
    WithReturn,
    Nacked,
    NotSent(NotSent),
}

impl Answers {
    pub(super) fn new(messages: impl Iterator<Item = (usize, String)>) -> Self {
        let messages = messages.map(|(place, id)| (place, (id, Answer::Pending))).collect();
        Self { messages, returned: HashMap::new() }
    }

    pub(super) fn add(&mut self, place: usize, answer: Result<Confirmation, NotSent>) {
        let answer = match answer {
            Ok(Confirmation::Ack(None)) => Answer::Clean,
            Ok(Confirmation::Ack(Some(message))) => {
                self.note(&message);
                Answer::WithReturn
            }
            Ok(Confirmation::Nack(message)) => {
                message.iter().for_each(|message| self.note(message));
                Answer::Nacked
            }
            Ok(Confirmation::NotRequested) => {
                Answer::NotSent(NotSent::Lost(Fault::transient("amqp-connection", "the channel was not in confirm mode")))
            }
            Err(not_sent) => Answer::NotSent(not_sent),
        };
        if let Some((_, slot)) = self.messages.get_mut(&place) {
            *slot = answer;
        }
    }

    /// Whether every message that was sent has been answered, so that no return can be outstanding either.
    pub(super) fn are_complete(&self) -> bool {
        let outstanding = |answer: &Answer| matches!(answer, Answer::Pending | Answer::NotSent(NotSent::Lost(_)));
        !self.messages.values().any(|(_, answer)| outstanding(answer))
    }

    pub(super) fn settle(self, late: &Fault) -> Vec<(usize, Settled)> {
        let complete = self.are_complete();
        let returned = self.returned;
        let settle = |(id, answer): (String, Answer)| match answer {
            Answer::Pending => Settled::Failed(late.clone()),
            Answer::NotSent(NotSent::Unfit(fault) | NotSent::Lost(fault)) => Settled::Failed(fault),
            Answer::Nacked => {
                Settled::Failed(Fault::transient("amqp-nacked", "the broker would not store the message: its queue is full"))
            }
            Answer::Clean | Answer::WithReturn => match returned.get(&id) {
                Some((code, text)) => Settled::Returned { code: *code, text: text.clone() },
                // The return this message deserved may be attached to a confirm that never came.
                None if !complete && matches!(answer, Answer::WithReturn) => Settled::Failed(late.clone()),
                None => Settled::Confirmed,
            },
        };
        self.messages.into_iter().map(|(place, message)| (place, settle(message))).collect()
    }

    fn note(&mut self, message: &BasicReturnMessage) {
        if let Some(id) = message.delivery.properties.message_id() {
            self.returned.insert(id.as_str().to_owned(), (message.reply_code, message.reply_text.as_str().to_owned()));
        }
    }
}
