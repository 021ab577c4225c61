//! HelseNorge: listens to what clinics tell, receipts it, answers who is a user, and keeps the picture that patients see.

use crate::clock;
use crate::people::PARENT;
use domain::command::question::DIGITALBRUKER;
use futures_util::StreamExt as _;
use helsenorge::example::{HELSENORGE, HELSENORGE_PARENT, async_queue, syncreply_queue};
use helsenorge::{ACTIVE, DigitalUsers, HelseNorge, Picture, Receipt, Received, Sent};
use jiff::{SignedDuration, Timestamp};
use messages::wire::icalendar::Vevent;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many are taken off a queue at once.
const CHUNK: usize = 200;
/// What HelseNorge said longer ago counts as unknown.
pub(crate) const CONTACT_AGE: SignedDuration = SignedDuration::from_hours(720);
/// One receipt of so many comes only at the next step.
const LATE: u64 = 31;

/// What a message told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// How an appointment stands, unasked.
    Push,
    /// How it stands, asked.
    Answer,
    /// That it is soon.
    Reminder,
}

/// What HelseNorge was told of an appointment.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) uid: String,
    pub(crate) sequence: u32,
    pub(crate) kind: Kind,
    /// How often its patient had begun to use HelseNorge by then.
    pub(crate) epoch: u32,
    /// It is not off.
    pub(crate) is_shown: bool,
    pub(crate) start: Option<Timestamp>,
    pub(crate) at: Timestamp,
    /// Which message it answers.
    pub(crate) answers: Option<String>,
    /// HelseNorge turned it down, since it does not reach the patient.
    pub(crate) is_refused: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    is_user: bool,
    epoch: u32,
    /// Since when the clinic knows that.
    known_at: Option<Timestamp>,
}

/// What HelseNorge knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) picture: Picture,
    pub(crate) told: Vec<Told>,
    /// Free slots, by the question that they answer.
    pub(crate) slots: HashMap<String, Vec<Vevent>>,
    /// Answers to patients, by `TemaKodet`.
    pub(crate) answers: BTreeMap<String, u64>,
    /// What no clinic may do.
    pub(crate) faults: Vec<String>,
    /// Who began to use it, or ended, and when.
    pub(crate) changes: Vec<(String, Timestamp, bool)>,
    users: DigitalUsers,
    standings: HashMap<String, Standing>,
    late: Vec<Sent>,
}

impl State {
    /// Whether HelseNorge reaches somebody.
    pub(crate) fn reaches(&self, nin: &str) -> bool {
        self.standings.get(nin).is_some_and(|standing| standing.is_user)
    }

    /// Somebody begins to use HelseNorge, or ends. His clinic does not know it yet.
    pub(crate) fn become_user(&mut self, nin: &str, is_user: bool) {
        let standing = self.standings.entry(nin.to_owned()).or_default();
        standing.epoch += u32::from(is_user && !standing.is_user);
        (standing.is_user, standing.known_at) = (is_user, None);
        self.changes.push((nin.to_owned(), clock::now(), is_user));
        // Of some it keeps what it showed, of others it does not: nobody has said which.
        if !is_user && nin.bytes().next_back().is_some_and(|digit| digit % 2 == 0) {
            self.picture.forget(nin);
        }
        self.users.set(nin, if is_user { ACTIVE } else { Default::default() });
    }

    /// From now on the clinics of these know how they stand.
    pub(crate) fn are_known<'a>(&mut self, nins: impl Iterator<Item = &'a str>) {
        for nin in nins {
            self.standings.entry(nin.to_owned()).or_default().known_at = Some(clock::now());
        }
    }

    fn standing(&self, nin: Option<&str>) -> Standing {
        // Of whom it has never heard nobody says anything to it.
        let stranger = || Standing { known_at: Some(clock::now()), ..Standing::default() };
        nin.and_then(|nin| self.standings.get(nin)).copied().unwrap_or_else(stranger)
    }
}

/// HelseNorge.
pub(crate) struct National {
    client: HelseNorge,
    state: Mutex<State>,
    /// Messages that the broker has taken for clinics.
    pub(crate) published: AtomicU64,
    /// Messages that were dealt with, whatever came of them.
    pub(crate) heard: AtomicU64,
}

impl National {
    /// Listens from now on.
    pub(crate) async fn open(client: HelseNorge) -> Arc<Self> {
        let (published, heard) = (AtomicU64::new(0), AtomicU64::new(0));
        let national = Arc::new(Self { client, state: Mutex::default(), published, heard });
        for queue in [async_queue(HELSENORGE), syncreply_queue(HELSENORGE)] {
            let stream = national.client.listen(&queue).await.expect("HelseNorge has its queues");
            let national = Arc::clone(&national);
            tokio::spawn(async move {
                let mut chunks = stream.ready_chunks(CHUNK);
                while let Some(chunk) = chunks.next().await {
                    let answers: Vec<Sent> = chunk.iter().flat_map(|received| national.hear(received)).collect();
                    national.publish(&answers).await;
                    national.heard.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                }
            });
        }
        national
    }

    /// What it knows.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends.
    pub(crate) async fn publish(&self, messages: &[Sent]) {
        self.client.publish(messages).await.expect("HelseNorge can send");
        self.published.fetch_add(messages.len() as u64, Ordering::SeqCst);
    }

    /// Sends what was held back.
    pub(crate) async fn publish_late(&self) {
        let late = std::mem::take(&mut self.state().late);
        self.publish(&late).await;
    }

    /// What a message is answered, receipts included.
    fn hear(&self, received: &Received) -> Vec<Sent> {
        let mut state = self.state();
        if let Some(receipt) = &received.apprec {
            if !receipt.errors.is_empty() {
                let codes: Vec<_> = receipt.errors.iter().filter_map(|code| code.v.clone()).collect();
                state.faults.push(format!("a clinic turned a message down: {}", codes.join(" ")));
            }
            return Vec::new();
        }
        if received.queue == syncreply_queue(HELSENORGE) {
            if let Some(free) = received.about_appointments() {
                state.slots.insert(free.answers.unwrap_or_default(), free.events);
            }
            return Vec::new();
        }
        let of = |key: &str| received.application(key).and_then(|id| id.parse::<i64>().ok()).unwrap_or_default();
        let (id, process) = (received.properties.message_id.clone(), received.properties.subject.clone());
        let (id, process) = (id.unwrap_or_default(), process.unwrap_or_default());
        let reply_to = received.properties.reply_to.clone().unwrap_or_default();
        let from = of("fromHerId");
        let mut receipt = Receipt::for_message(&id).of_process(&process);
        receipt = receipt.between((HELSENORGE, HELSENORGE_PARENT), (from, PARENT));
        let mut answers = Vec::new();
        let mut may_be_late = self.heard.load(Ordering::SeqCst).is_multiple_of(LATE);
        if process == DIGITALBRUKER {
            let answer = state.users.answer(received).expect("a question about users");
            answers.push(answer.to_clinic(from, PARENT).on_queue(&reply_to).build());
        } else if state.is_refused(received) {
            receipt = receipt.rejected("E35", "Pasienten finnes ikke");
            // Whoever is to be told by somebody else is told in time.
            may_be_late = false;
        }
        let receipt = receipt.to_message().on_queue(&reply_to).build();
        if may_be_late {
            state.late.push(receipt);
        } else {
            answers.push(receipt);
        }
        answers
    }
}

impl State {
    /// Takes in what a clinic tells of an appointment; whether it is turned down.
    fn is_refused(&mut self, received: &Received) -> bool {
        let Some(said) = received.about_appointments() else { return false };
        if let Some(code) = &said.answer {
            *self.answers.entry(code.clone()).or_default() += 1;
        }
        let standing = self.standing(said.patient.as_deref());
        let is_refused = !standing.is_user;
        if let Some(event) = said.events.first() {
            let uid = event.uid.clone().unwrap_or_default();
            let kind = match said.answers {
                _ if said.is_reminder() => Kind::Reminder,
                None => Kind::Push,
                Some(_) => Kind::Answer,
            };
            // A wish is answered even if its patient has left since. What is known too long counts as unknown.
            let known = standing.known_at.is_some_and(|at| clock::now().duration_since(at) <= CONTACT_AGE);
            if is_refused && known && kind != Kind::Answer {
                self.faults
                    .push(format!("appointment {uid} is told of a patient whom HelseNorge does not reach, as his clinic knows"));
            }
            self.told.push(Told {
                uid,
                sequence: event.sequence.unwrap_or_default(),
                kind,
                epoch: standing.epoch,
                is_shown: !event.is_cancelled() && said.answer.as_deref() != Some("08"),
                start: event.start,
                at: clock::now(),
                answers: said.answers.clone(),
                is_refused,
            });
        }
        if !is_refused {
            self.picture.take(&said);
        }
        is_refused
    }
}
