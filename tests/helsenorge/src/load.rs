//! Thousands of plain eKonsultasjon messages, and the pace at which they are sent.

use crate::client::HelseNorge;
use crate::clock;
use crate::example::{KARI, SOLBAKKEN};
use crate::message::{Message, Sent};
use crate::patients::{SyntheticPatient, synthetic_patients};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use lapin::Confirmation;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::{Builder, Uuid};

/// Most messages that wait for their confirm.
const WINDOW: usize = 1000;
/// How long a lost broker is waited for before a message counts as unconfirmed.
const PATIENCE: Duration = Duration::from_secs(60);
/// A broker that died may never say so: after this a message counts as unconfirmed, and is sent again under its id.
const SILENCE: Duration = Duration::from_secs(10);
const MSG_ID: &str = "11111111-1111-4111-8111-111111111111";
const NIN: &str = "00000000000";
const GIVEN: &str = "@given@";
const FAMILY: &str = "@family@";
const TEXT: &str = "Hei! Kneet har vært hovent siden løpeturen på lørdag, og det er vondt å gå i trapper. Jeg har hvilt og brukt is. \
                    Bør jeg ta en time, eller skal jeg vente til over helgen?\n";

/// What to generate.
#[derive(Clone, Debug)]
pub struct Load {
    /// The messages' shape: everything but ids, patient and dates.
    pub template: Message,
    /// Whom they are from, in turn.
    pub patients: Vec<SyntheticPatient>,
}

impl Load {
    /// About 2.5 kB each, to the doctor Kari, from this many patients.
    pub fn from_patients(patients: usize) -> Self {
        let template = Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI).text(&TEXT.repeat(5));
        Self { template, patients: synthetic_patients(patients) }
    }

    /// `n` messages with ids that follow from the seed.
    ///
    /// # Panics
    /// Without patients.
    pub fn generate(self, n: usize, seed: u64) -> impl Iterator<Item = Sent> {
        let template = Template::new(&self.template);
        let mut random = StdRng::seed_from_u64(seed);
        let patients = self.patients;
        assert!(!patients.is_empty(), "a load needs patients");
        (0..n).map(move |place| template.message(&patients[place % patients.len()], &mut random))
    }
}

/// `n` messages from a thousand patients. The same seed gives the same ids again.
pub fn generate(n: usize, seed: u64) -> impl Iterator<Item = Sent> {
    Load::from_patients(1000).generate(n, seed)
}

/// A message cut at the places that differ.
struct Template {
    sent: Sent,
    gen_date: String,
    /// Text, and what follows it.
    pieces: Vec<(String, Option<Slot>)>,
}

#[derive(Clone, Copy)]
enum Slot {
    MsgId,
    GenDate,
    Nin,
    Given,
    Family,
}

impl Template {
    fn new(message: &Message) -> Self {
        let at = clock::gen_date(clock::now());
        let sent = message.clone().msg_id(MSG_ID).gen_date(&at).patient(NIN, GIVEN, FAMILY).build();
        let xml = std::str::from_utf8(&sent.body).expect("the writer writes UTF-8");
        let marks =
            [(MSG_ID, Slot::MsgId), (&*at, Slot::GenDate), (NIN, Slot::Nin), (GIVEN, Slot::Given), (FAMILY, Slot::Family)];
        let (mut pieces, mut rest) = (Vec::new(), xml);
        while let Some((before, mark, slot)) = next_mark(rest, &marks) {
            pieces.push((rest[..before].to_owned(), Some(slot)));
            rest = &rest[before + mark.len()..];
        }
        pieces.push((rest.to_owned(), None));
        Self { gen_date: at, pieces, sent }
    }

    fn message(&self, patient: &SyntheticPatient, random: &mut StdRng) -> Sent {
        let (transport_id, msg_id) = (uuid(random).to_string(), uuid(random).to_string());
        let mut xml = String::with_capacity(self.sent.body.len() + 64);
        for (text, slot) in &self.pieces {
            xml.push_str(text);
            match slot {
                Some(Slot::MsgId) => xml.push_str(&msg_id),
                Some(Slot::GenDate) => xml.push_str(&self.gen_date),
                Some(Slot::Nin) => xml.push_str(&patient.nin),
                Some(Slot::Given) => xml.push_str(&patient.given),
                Some(Slot::Family) => xml.push_str(&patient.family),
                None => {}
            }
        }
        let mut properties = self.sent.properties.clone();
        properties.message_id = Some(transport_id.clone());
        properties.correlation_id = Some(transport_id.clone());
        properties.application.insert("X-MessageInfo-MsgId".to_owned(), msg_id.clone());
        Sent { transport_id, msg_id, queue: self.sent.queue.clone(), properties, body: Bytes::from(xml) }
    }
}

fn next_mark<'a>(rest: &str, marks: &[(&'a str, Slot)]) -> Option<(usize, &'a str, Slot)> {
    marks.iter().filter_map(|(mark, slot)| Some((rest.find(mark)?, *mark, *slot))).min_by_key(|(before, ..)| *before)
}

fn uuid(random: &mut StdRng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// How fast to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As the broker confirms.
    AsFastAsPossible,
    /// At fixed times, whatever the broker does: a slow moment is caught up with.
    PerSecond(f64),
}

impl Pace {
    /// When the message at a place is due, from the start.
    fn due(self, place: usize) -> Option<Duration> {
        match self {
            Self::AsFastAsPossible => None,
            Self::PerSecond(rate) => Some(Duration::from_secs_f64(place as f64 / rate)),
        }
    }
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// Transport id → when it was handed to the broker, of those the broker has confirmed.
    pub sent_at: HashMap<String, Timestamp>,
    /// What may or may not be on a queue: send it again, under the same id.
    pub unconfirmed: Vec<Sent>,
    /// From the first message to the last confirm.
    pub took: Duration,
    /// The most that a message was sent after its time.
    pub most_behind: Duration,
}

impl HelseNorge {
    /// Sends at a pace, pipelined. A broker that goes away is waited for; what was under way then is told as unconfirmed.
    pub async fn send_paced(&self, messages: impl IntoIterator<Item = Sent>, pace: Pace) -> Sending {
        let start = Instant::now();
        let mut sending = Sending::default();
        let mut confirms = FuturesUnordered::new();
        for (place, message) in messages.into_iter().enumerate() {
            if let Some(due) = pace.due(place) {
                sleep_until(start + due).await;
                sending.most_behind = sending.most_behind.max(start.elapsed().saturating_sub(due));
            }
            if confirms.len() >= WINDOW
                && let Some((message, at, confirmed)) = confirms.next().await
            {
                sending.settle(message, at, confirmed);
            }
            let at = clock::now();
            match self.put_patiently(&message).await {
                Some(confirm) => {
                    confirms.push(async move { (message, at, timeout(SILENCE, confirm).await.is_ok_and(is_confirmed)) })
                }
                None => sending.unconfirmed.push(message),
            }
        }
        while let Some((message, at, confirmed)) = confirms.next().await {
            sending.settle(message, at, confirmed);
        }
        sending.took = start.elapsed();
        sending
    }

    async fn put_patiently(&self, message: &Sent) -> Option<lapin::PublisherConfirm> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout(SILENCE, self.put(message)).await {
                Ok(Ok(confirm)) => return Some(confirm),
                _ if Instant::now() < deadline => sleep(Duration::from_millis(100)).await,
                _ => return None,
            }
        }
    }
}

impl Sending {
    fn settle(&mut self, message: Sent, at: Timestamp, confirmed: bool) {
        if confirmed {
            self.sent_at.insert(message.transport_id, at);
        } else {
            self.unconfirmed.push(message);
        }
    }
}

/// A return makes its neighbour look unconfirmed too, which is the safe side.
fn is_confirmed(confirmation: lapin::Result<Confirmation>) -> bool {
    matches!(confirmation, Ok(Confirmation::Ack(None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::wire::{Incoming, Limits, read};
    use std::collections::HashSet;

    #[test]
    fn twenty_thousand_messages_cost_nothing_to_speak_of() {
        let start = std::time::Instant::now();
        let messages: Vec<Sent> = generate(20_000, 1).collect();
        let took = start.elapsed();
        // Half a second alone on a slow machine; the rest is for its other work.
        assert!(took < Duration::from_secs(5), "{took:?}");
        let ids: HashSet<&str> = messages.iter().flat_map(|m| [m.transport_id.as_str(), &m.msg_id]).collect();
        assert_eq!(ids.len(), 40_000);
    }

    #[test]
    fn a_generated_message_is_what_the_writer_would_write() {
        let messages: Vec<Sent> = generate(1001, 7).collect();
        let sent = &messages[1000];
        assert!((2300..2700).contains(&sent.body.len()), "{}", sent.body.len());
        let Incoming::MsgHead(head) = read(&sent.body, &Limits::default()).unwrap().incoming else { panic!("no MsgHead") };
        assert_eq!(head.msg_id.as_deref(), Some(sent.msg_id.as_str()));
        let patient = &synthetic_patients(1)[0];
        assert_eq!(head.patient.as_ref().unwrap().national_id().unwrap().expose(), &patient.nin);
        let whole = Load::from_patients(1).template.msg_id(&sent.msg_id).gen_date(head.gen_date.as_deref().unwrap());
        let whole = whole.patient(&patient.nin, &patient.given, &patient.family).transport_id(&sent.transport_id).build();
        assert_eq!(whole.body, sent.body);
        assert_eq!(
            whole.properties.application.keys().collect::<Vec<_>>(),
            sent.properties.application.keys().collect::<Vec<_>>()
        );
        assert_eq!(
            generate(5, 7).map(|m| m.msg_id).collect::<Vec<_>>(),
            messages[..5].iter().map(|m| m.msg_id.clone()).collect::<Vec<_>>()
        );
    }
}
