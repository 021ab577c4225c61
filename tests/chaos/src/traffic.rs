//! HelseNorge among it all: sends at a rate, again under the same id until the broker has it, and hears what comes back.

use helsenorge::example::{HELSENORGE, KARI, SOLBAKKEN, async_queue, error_queue};
use helsenorge::{HelseNorge, Load, Message, Received, SyntheticPatient, synthetic_patients};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Patients the load is from.
pub(crate) const PATIENTS: usize = 500;
/// Of each hundred messages so many come twice, in the same envelope.
const REDELIVERED: u32 = 10;
/// And so many are poison, in five shapes.
const POISON: u32 = 1;
/// Messages of a dialog, each sent once the one before is receipted.
pub(crate) const LONG: usize = 3;
/// Stands in every text: it must not be seen in any log.
pub(crate) const CANARY: &str = "KANARIFUGL-7f3a";
/// What is not sent by then will not be.
const ENOUGH: Duration = Duration::from_secs(60);
/// A broker that has not confirmed by then is asked again. It takes its time when it has just come back: whoever asks sooner, each message
/// anew, has it busy with nothing else.
const PATIENCE: Duration = Duration::from_secs(30);
/// What has come by then is taken, else it is listened anew.
const LISTENS: Duration = Duration::from_secs(5);

/// What must become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// Stored, routed, journaled, receipted once.
    Accepted,
    /// One negative receipt.
    Rejected,
    /// One error message.
    Refused,
}

/// A message of HelseNorge's.
pub(crate) struct Sent {
    /// What must become of it.
    pub(crate) end: End,
    /// Its AMQP id.
    pub(crate) transport_id: String,
    /// Whether the broker has it.
    is_there: bool,
}

/// What was said and heard.
#[derive(Default)]
pub(crate) struct Said {
    /// By MsgId.
    pub(crate) sent: HashMap<String, Sent>,
    /// By MsgId: the AMQP ids of its receipts, and whether they are positive.
    pub(crate) receipts: HashMap<String, HashMap<String, bool>>,
    /// By the AMQP id of what they are about: AMQP ids of error messages.
    pub(crate) errors: HashMap<String, HashSet<String>>,
    /// Dialogs of several messages, in the order that they were sent.
    pub(crate) dialogs: Vec<Vec<String>>,
    /// What came again under its AMQP id.
    pub(crate) repeated: usize,
}

impl Said {
    /// Messages that the broker has, and that nothing has come back about.
    pub(crate) fn outstanding(&self) -> HashSet<String> {
        let waits = |(id, sent): (&String, &Sent)| {
            (sent.is_there && sent.end != End::Refused && !self.receipts.contains_key(id)).then(|| id.clone())
        };
        self.sent.iter().filter_map(waits).collect()
    }

    /// Whether anything has yet to come back.
    pub(crate) fn waits(&self) -> bool {
        !self.outstanding().is_empty() || self.errors.len() < self.count(End::Refused)
    }

    pub(crate) fn count(&self, wanted: End) -> usize {
        self.sent.values().filter(|sent| sent.end == wanted).count()
    }
}

/// HelseNorge. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Traffic {
    helsenorge: Arc<HelseNorge>,
    said: Arc<Mutex<Said>>,
    sending: TaskTracker,
    pub(crate) redelivered: Arc<AtomicUsize>,
    ears: TaskTracker,
}

impl Traffic {
    /// Connects, and hears what comes back until it is told to stop.
    pub(crate) async fn open(amqp_url: &str, stop: &CancellationToken) -> Self {
        let ears = TaskTracker::new();
        let connect = || HelseNorge::connect(amqp_url, e2e::NHN_EXCHANGE);
        let helsenorge = Arc::new(connect().await.expect("HelseNorge connects"));
        let said = Arc::new(Mutex::new(Said::default()));
        for queue in [async_queue(HELSENORGE), error_queue(HELSENORGE)] {
            let ear = connect().await.expect("HelseNorge connects");
            ears.spawn(hear(ear, queue, Arc::clone(&said), stop.clone()));
        }
        Self { helsenorge, said, sending: TaskTracker::new(), redelivered: Arc::default(), ears }
    }

    /// Once it was told to stop: everything that was heard.
    pub(crate) async fn end(&self) -> Said {
        self.ears.close();
        self.ears.wait().await;
        std::mem::take(&mut *self.said())
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends at a rate, and begins a dialog of several messages each second, until it is told to stop; then waits until all is sent.
    pub(crate) async fn send(&self, rate: u32, seed: u64, stop: &CancellationToken) {
        let mut random = StdRng::seed_from_u64(seed);
        let template = Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI).text(&format!("{CANARY} Kneet er hovent. "));
        let mut good =
            Load { template: template.clone(), patients: synthetic_patients(PATIENTS) }.generate(usize::MAX, random.random());
        let strangers = synthetic_patients(PATIENTS + 1).split_off(PATIENTS);
        let mut foreign = Load { template, patients: strangers }.generate(usize::MAX, random.random());
        let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(rate)));
        for place in 0_u32.. {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => break,
            }
            if place.is_multiple_of(rate) {
                let patient = &synthetic_patients(PATIENTS)[place as usize / rate as usize % PATIENTS];
                self.sending.spawn(self.clone().dialog(patient.clone(), stop.clone()));
            }
            let (sent, end) = match random.random_range(0..100) < POISON {
                true => poison(good.next().expect("endless"), &mut foreign, random.random_range(0..5)),
                false => (good.next().expect("endless"), End::Accepted),
            };
            let again = (end == End::Accepted && random.random_range(0..100) < REDELIVERED)
                .then(|| Duration::from_millis(random.random_range(0..3000)));
            let traffic = self.clone();
            self.sending.spawn(async move {
                traffic.put(&sent, end).await;
                if let Some(later) = again {
                    sleep(later).await;
                    traffic.redelivered.fetch_add(1, Ordering::SeqCst);
                    traffic.put(&sent, end).await;
                }
            });
        }
        self.sending.close();
        // A broker that never returns is what ended it.
        let _ = timeout(ENOUGH, self.sending.wait()).await;
    }

    /// One message, now; when its receipt has come, its MsgId.
    pub(crate) async fn probe(&self) -> String {
        let sent = Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI).text(CANARY).build();
        self.put(&sent, End::Accepted).await;
        self.receipted(&sent.msg_id).await;
        sent.msg_id
    }

    async fn dialog(self, patient: SyntheticPatient, stop: CancellationToken) {
        let SyntheticPatient { nin, given, family } = patient;
        let first = Uuid::new_v4().to_string();
        let (mut parent, mut all) = (None::<String>, Vec::new());
        for _ in 0..LONG {
            let id = parent.as_ref().map_or_else(|| first.clone(), |_| Uuid::new_v4().to_string());
            let message =
                Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI).patient(&nin, &given, &family).text(CANARY).msg_id(&id);
            let message = match &parent {
                None => message,
                Some(parent) => message.in_conversation(parent, &first),
            };
            self.put(&message.build(), End::Accepted).await;
            all.push(id.clone());
            if stop.run_until_cancelled(self.receipted(&id)).await.is_none() {
                break;
            }
            parent = Some(id);
        }
        self.said().dialogs.push(all);
    }

    async fn receipted(&self, msg_id: &str) {
        while !self.said().receipts.contains_key(msg_id) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Until the broker has it.
    async fn put(&self, sent: &helsenorge::Sent, end: End) {
        let new = || Sent { end, transport_id: sent.transport_id.clone(), is_there: false };
        self.said().sent.entry(sent.msg_id.clone()).or_insert_with(new);
        while !matches!(timeout(PATIENCE, self.helsenorge.publish(std::slice::from_ref(sent))).await, Ok(Ok(()))) {
            sleep(Duration::from_millis(200)).await;
        }
        if let Some(sent) = self.said().sent.get_mut(&sent.msg_id) {
            sent.is_there = true;
        }
    }
}

/// Five shapes.
fn poison(
    mut sent: helsenorge::Sent,
    foreign: &mut impl Iterator<Item = helsenorge::Sent>,
    shape: u32,
) -> (helsenorge::Sent, End) {
    let text = String::from_utf8_lossy(&sent.body).into_owned();
    match shape {
        0 => sent.body = "dette er ikke XML".into(),
        1 => sent.body = sent.body.slice(..sent.body.len() / 2),
        2 => {
            let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
            let start = text.find("<MsgHead").or_else(|| text.find(":MsgHead")).unwrap_or(0);
            let start = text[..=start].rfind('<').unwrap_or(0);
            sent.body = format!("{}{bomb}{}", &text[..start], &text[start..]).into();
        }
        3 => drop(sent.properties.application.remove("toHerId")),
        _ => return (foreign.next().expect("endless"), End::Rejected),
    }
    (sent, End::Refused)
}

/// What is taken off the queue and not acknowledged comes again.
async fn hear(helsenorge: HelseNorge, queue: String, said: Arc<Mutex<Said>>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match timeout(LISTENS, helsenorge.receive(&queue, 400, Duration::from_millis(100))).await {
            Ok(Ok(received)) => {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                received.iter().for_each(|one| said.hear(one));
            }
            Ok(Err(_)) | Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Said {
    fn hear(&mut self, received: &Received) {
        let id = received.properties.message_id.clone().unwrap_or_default();
        let is_new = match &received.apprec {
            Some(apprec) => {
                let about = apprec.original_id.clone().unwrap_or_default();
                self.receipts.entry(about).or_default().insert(id, apprec.errors.is_empty()).is_none()
            }
            None => {
                let about = received.application("originalMessageId").unwrap_or_default().to_owned();
                self.errors.entry(about).or_default().insert(id)
            }
        };
        self.repeated += usize::from(!is_new);
    }
}
