//! What a patient waits for: free slots, asked for at fixed times whatever else goes on.

use crate::{Slots, inbound};
use e2e::Fleet;
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use helsenorge::example::{HELSENORGE, KARI, SOLBAKKEN, async_queue, syncreply_queue};
use helsenorge::{HelseNorge, Message, Pace, Sent, SyntheticPatient};
use jiff::{SignedDuration, Timestamp};
use runtime::clock;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;

/// How long a patient may wait at most.
const TARGET: Duration = Duration::from_millis(200);
/// Slots of the days that are asked about.
const OFFERED: i32 = 100;
/// How long the last reply is waited for: HelseNorge itself waits for 15 s.
const PATIENCE: Duration = Duration::from_secs(15);

/// The figures, in the order of the last line.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Nothing else goes on.
    alone: Wait,
    /// Other messages come at half the rate at which the fleet can take them.
    half_load: Wait,
    /// More other messages wait than can be taken.
    full_queue: Wait,
    /// The same questions through two queues, and nothing done about them.
    ceiling_echo: Wait,
    /// Other messages through the whole path in a second, drained from a full queue.
    msg_per_s: f64,
    target_ms: u128,
    questions_per_s: u32,
    slots_in_reply: i32,
    batch: u32,
    lanes: u32,
}

/// How long patients waited: from when HelseNorge meant to ask until it had the reply.
#[derive(Serialize)]
struct Wait {
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// Share of the questions that had their reply within the target, in percent.
    in_time_percent: f64,
    unanswered: usize,
    questions: usize,
}

impl Figures {
    /// A few lines for people.
    pub(crate) fn for_people(&self) -> String {
        let line = |what: &str, wait: &Wait| {
            let Wait { p50_ms, p95_ms, p99_ms, max_ms, in_time_percent, unanswered, questions } = wait;
            let within = self.target_ms;
            format!(
                "{what:28} {p50_ms:7.1} ms p50 {p95_ms:7.1} p95 {p99_ms:7.1} p99 {max_ms:7.1} max; \
                 {in_time_percent:.2} % within {within} ms, {unanswered} of {questions} unanswered\n"
            )
        };
        let Self { questions_per_s, slots_in_reply, msg_per_s, .. } = self;
        [
            format!("{questions_per_s} questions/s, {slots_in_reply} slots in each reply; {msg_per_s:.0} other msg/s from a full queue\n"),
            line("alone", &self.alone),
            line("at half that rate", &self.half_load),
            line("with a full queue", &self.full_queue),
            line("two queues and nothing else", &self.ceiling_echo),
        ]
        .concat()
    }
}

/// Sets everything up and measures.
pub(crate) async fn measure(options: Slots) -> Figures {
    let fleet = inbound::prepare(options.inbound, None).await;
    fill_timebok(&fleet).await;
    let helsenorge = fleet.helsenorge().await;
    let n = options.inbound.messages as usize;
    let ceiling_echo = echo(&helsenorge, options).await;
    let msg_per_s = inbound::drain(&fleet, &helsenorge, n, 1, None).await;

    let receipts = fleet.helsenorge().await.listen(inbound::RECEIPTS).await.unwrap();
    let reading = tokio::spawn(receipts.for_each(|_| std::future::ready(())));
    let running = fleet.start();
    ask(&helsenorge, Slots { seconds: 2, ..options }).await;
    eprintln!("questions alone ...");
    let alone = ask(&helsenorge, options).await;
    let other = fleet.helsenorge().await;
    let seconds = options.seconds as usize;
    let messages: Vec<Sent> = inbound::load(msg_per_s as usize / 2 * seconds, 3, None).collect();
    eprintln!("questions at {:.0} other msg/s ...", msg_per_s / 2.0);
    let (half_load, sending) =
        tokio::join!(ask(&helsenorge, options), other.send_paced(messages, Pace::PerSecond(msg_per_s / 2.0)));
    assert_eq!(sending.unconfirmed.len(), 0, "HelseNorge could not send");
    fleet.settle_within(0, Duration::from_secs(60)).await;
    running.stop().await;

    // Far too many: the queue must not run empty while patients ask, also on a machine that others leave meanwhile.
    let messages = inbound::load(msg_per_s as usize * seconds * 4, 4, None);
    eprintln!("filling the queue ...");
    assert_eq!(other.send_paced(messages, Pace::AsFastAsPossible).await.unconfirmed.len(), 0, "HelseNorge could not send");
    let running = fleet.start();
    eprintln!("questions with a full queue ...");
    // Looked at when the last question is put: an answer that does not come is waited for much longer.
    let waiting = async {
        tokio::time::sleep(Duration::from_secs(options.seconds.into())).await;
        other.waiting_on(&async_queue(SOLBAKKEN)).await.unwrap()
    };
    let (full_queue, waiting) = tokio::join!(ask(&helsenorge, options), waiting);
    assert!(waiting > 0, "the queue ran empty: more messages are needed");
    running.stop().await;
    reading.abort();
    Figures {
        alone,
        half_load,
        full_queue,
        ceiling_echo,
        msg_per_s: msg_per_s.round(),
        target_ms: TARGET.as_millis(),
        questions_per_s: options.rate,
        slots_in_reply: OFFERED,
        batch: options.inbound.batch,
        lanes: options.inbound.lanes,
    }
}

/// Ten days of Kari's, ten slots each, from tomorrow.
async fn fill_timebok(fleet: &Fleet) {
    let slots = "insert into dialogpost.slot
        select 8141333, 'kari-bok', at, at + interval '20 minutes', 'vanlig', true, gen_random_uuid()
        from generate_series(0, $1::int - 1) n,
            lateral (select date_trunc('day', now()) + (1 + n / 10) * interval '1 day' + (8 * 60 + n % 10 * 20) * interval '1 minute') t(at)";
    fleet.rows.query(slots, &[&OFFERED]).await;
}

/// Questions, each made when it is due: an old one is not answered.
fn questions(options: Slots) -> impl Iterator<Item = Sent> {
    let patients = helsenorge::synthetic_patients(inbound::PATIENTS);
    let today = clock::system().to_zoned(jiff::tz::TimeZone::UTC).date();
    let question = move |n: usize| {
        let SyntheticPatient { nin, given, family } = &patients[n % patients.len()];
        let until = today.saturating_add(jiff::Span::new().days(12));
        Message::hent_ledige_timer(SOLBAKKEN, KARI, today, until).patient(nin, given, family).build()
    };
    (0..options.seconds as usize * options.rate as usize).map(question)
}

async fn ask(helsenorge: &HelseNorge, options: Slots) -> Wait {
    waits(helsenorge, options, &syncreply_queue(HELSENORGE), questions(options), true).await
}

/// Asks nobody: what is sent comes back from the queue on which it was put, by another.
async fn echo(helsenorge: &HelseNorge, options: Slots) -> Wait {
    let (there, back) = (async_queue(HELSENORGE), syncreply_queue(HELSENORGE));
    let mut coming = helsenorge.listen(&there).await.unwrap();
    let answering = async {
        while let Some(received) = coming.next().await {
            let transport_id = received.properties.message_id.clone().unwrap();
            let (properties, body) = (received.properties, received.body);
            let echo = Sent { transport_id, msg_id: String::new(), queue: back.clone(), properties, body };
            helsenorge.publish(&[echo]).await.unwrap();
        }
    };
    let to_there = questions(options).map(|question| Sent { queue: there.clone(), ..question });
    tokio::select! {
        wait = waits(helsenorge, options, &back, to_there, false) => wait,
        () = answering => unreachable!("the queue stays"),
    }
}

/// Sends at fixed times and waits for the replies.
async fn waits(
    helsenorge: &HelseNorge,
    options: Slots,
    replies: &str,
    questions: impl Iterator<Item = Sent>,
    is_answer: bool,
) -> Wait {
    let mut coming = helsenorge.listen(replies).await.unwrap();
    let n = options.seconds as usize * options.rate as usize;
    let listening = async {
        let mut came = HashMap::<String, Timestamp>::new();
        while came.len() < n
            && let Ok(Some(reply)) = timeout(PATIENCE, coming.next()).await
        {
            let at = clock::system();
            if is_answer {
                let said = reply.about_appointments().unwrap();
                assert_eq!((said.answer.as_deref(), said.events.len()), (Some("03"), OFFERED as usize), "free slots");
            }
            came.insert(reply.properties.correlation_id.unwrap(), at);
        }
        came
    };
    let mut ids = Vec::with_capacity(n);
    let started = clock::system();
    let noted = questions.inspect(|question| ids.push(question.transport_id.clone()));
    let (sending, came) = tokio::join!(helsenorge.send_paced(noted, Pace::PerSecond(f64::from(options.rate))), listening);
    assert_eq!(sending.unconfirmed.len(), 0, "HelseNorge could not send");
    let due = |place: usize| started + SignedDuration::from_secs_f64(place as f64 / f64::from(options.rate));
    let waited = ids.iter().enumerate().filter_map(|(place, id)| Some(came.get(id)?.duration_since(due(place))));
    Wait::of(&waited.collect::<Vec<_>>(), n)
}

impl Wait {
    fn of(waited: &[SignedDuration], questions: usize) -> Self {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        waited.iter().for_each(|wait| histogram.record(u64::try_from(wait.as_micros().max(1)).unwrap()).unwrap());
        let ms = |micros: u64| (micros as f64 / 100.0).round() / 10.0;
        let in_time = waited.iter().filter(|wait| wait.unsigned_abs() <= TARGET).count();
        Self {
            p50_ms: ms(histogram.value_at_quantile(0.5)),
            p95_ms: ms(histogram.value_at_quantile(0.95)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            max_ms: ms(histogram.max()),
            in_time_percent: (in_time as f64 / questions as f64 * 10_000.0).round() / 100.0,
            unanswered: questions - waited.len(),
            questions,
        }
    }
}
