//! What a clinic's EPJ asks of us by command → dialogs, messages to HelseNorge, settings, and an answer to each command.
//!
//! - [`asked`]: bytes → a command, and whom to answer
//! - [`facts`]: what the rules ask, for a whole batch
//! - [`deciding`]: which rule a command goes by
//! - [`timeboker`]: timebøker and appointments
//! - [`recording`]: what the audit keeps of it
//! - [`effect`]: decisions → rows; [`dialogs`]: what is written in dialogs; [`letters`]: what HelseNorge gets
//! - [`answering`]: answers and events
//! - [`asking`]: whom HelseNorge can reach
//! - [`spool`]: uploads that nobody attached

pub mod answering;
pub mod asked;
pub mod asking;
pub mod deciding;
pub mod dialogs;
pub mod effect;
pub mod facts;
pub mod letters;
pub mod recording;
pub mod spool;
pub mod timeboker;

use asked::{Asked, digest};
use deciding::{Decision, Ruling};
use effect::Effect;
use facts::Facts;
use jiff::Timestamp;
use messages::command::VERSION;
use messages::command::answer::{Answer, Outcome};
use messages::command::refusal::{Refusal, Why};
use messages::transport::{Delivery, Outgoing, Wire};
use messages::{Fault, HerId};
use runtime::pipeline::Ended;
use runtime::worker::{self, Context, Source, Worker};
use runtime::{Handler, Verdict};
use store::{StoreError, Tx, command};
use uuid::Uuid;

/// The worker.
pub const WORKER: Worker = Worker {
    name: ClinicCommands::WORKER,
    about: "does what clinics ask by command: dialogs, appointments, and who receives",
    opens_or_seals: false,
    start: |context| Box::pin(start(context)),
};

async fn start(context: Context) -> Ended {
    tokio::spawn(asking::run(context.clone()));
    tokio::spawn(spool::run(context.clone()));
    let ruling = Ruling { caution: context.config.contact_caution, series: context.config.test_series };
    worker::run(context, ClinicCommands { ruling }, vec![Source::Own, Source::OwnSync], &[Wire::Dialogpost]).await
}

/// See the crate.
pub struct ClinicCommands {
    ruling: Ruling,
}

impl Handler for ClinicCommands {
    const WORKER: &'static str = "clinic-commands";
    /// Of the largest, parts of a file, 30 are on their way then: 10 MiB.
    const LARGEST_BATCH: usize = 10;
    type Message = Asked;
    type Facts = Facts;
    type Effect = Effect;

    fn parse(&self, delivery: &Delivery) -> Result<Asked, Fault> {
        Asked::read(delivery)
    }

    /// The caller's id, apart for each clinic.
    fn key(&self, asked: &Asked) -> Option<String> {
        asked.key().map(|(clinic, id)| format!("{clinic}/{id}"))
    }

    fn ledger_id(&self, _asked: &Asked) -> Option<Uuid> {
        None
    }

    /// As the message that it writes, if any. A caller's id may be another's, too.
    fn known_as(&self, asked: &Asked) -> Option<Uuid> {
        Some(asked.ids.entry)
    }

    /// A question finds what the clinic's commands before it have done.
    fn looks_back(&self, before: &[&Asked], asked: &Asked) -> bool {
        let is_question = |asked: &Asked| asked.command.as_ref().is_ok_and(|command| command.order.is_question());
        is_question(asked) && before.iter().any(|other| other.clinic() == asked.clinic() && !is_question(other))
    }

    async fn facts(&self, tx: &Tx<'_>, batch: &[&Asked]) -> Result<Facts, StoreError> {
        facts::load(tx, batch).await
    }

    /// A refusal is an answer like any other: never a fault.
    fn decide(&self, asked: &Asked, facts: &mut Facts, now: Timestamp) -> Verdict<Effect> {
        let decision = self.ruling.decide(asked, facts, now);
        let name = asked.command.as_ref().map_or("unreadable", |command| command.order.name());
        let outcome = match &decision.outcome {
            Outcome::Done { .. } => "done",
            Outcome::Refused { .. } => "refused",
        };
        metrics::counter!("dialogpost_commands_total", "command" => name, "outcome" => outcome).increment(1);
        match decision.is_foreign {
            true => Verdict::Unclaimed(Effect::new(asked, decision, now)),
            false => Verdict::Done(Effect::new(asked, decision, now)),
        }
    }

    /// Whoever asked is told that it is our fault, and keeps being told.
    fn dead(&self, asked: &Asked, _fault: &Fault, now: Timestamp) -> Option<Effect> {
        Some(Effect::new(asked, Decision::refused(Refusal::new(Why::Internal)), now))
    }

    async fn write(&self, tx: &Tx<'_>, effects: Vec<Effect>, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        effect::write(tx, effects, &self.ruling.series, now).await
    }

    /// The same command gets the same answer, wherever it waits now; another under the same id is refused.
    async fn again(&self, tx: &Tx<'_>, repeated: &[&Asked], now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let keys: Vec<_> = repeated.iter().filter_map(|asked| asked.key()).collect();
        let answers = command::answers(tx, &keys).await?;
        let clinics: Vec<HerId> = keys.iter().map(|(clinic, _)| *clinic).collect();
        let clinics = store::clinic::load(tx, &clinics).await?;
        let again = |asked: &&Asked| {
            let (key, command) = (asked.key()?, asked.command.as_ref().ok()?);
            let refused = |refusal| (Uuid::now_v7(), refused(command.id, refusal, now));
            let is_known = clinics.get(&key.0).is_some_and(|clinic| clinic.takes_commands_of(asked.user.as_deref()));
            let (id, answer) = match answers.get(&key) {
                _ if !is_known => refused(Refusal::of("clinic", Why::ClinicUnknown)),
                Some(before) if before.digest == digest(command) => (before.id, before.answer.clone()),
                Some(_) => refused(Refusal::of("id", Why::IdReused)),
                // It became a dead letter, and not even that could be kept with it.
                None => refused(Refusal::new(Why::Internal)),
            };
            let outgoing = effect::outgoing(&asked.reply, Some(key.0), id, &answer, now);
            Some(Outgoing { led_by: Some(asked.ids.entry), ..outgoing })
        };
        Ok(repeated.iter().filter_map(again).collect())
    }
}

fn refused(command: Uuid, refusal: Refusal, now: Timestamp) -> Answer {
    Answer { version: VERSION, command: Some(command), at: now, outcome: Outcome::Refused { refusal } }
}
