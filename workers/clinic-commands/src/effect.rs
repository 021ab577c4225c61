//! Decisions → rows, messages and answers, for a whole batch.

use crate::answering::{answer, event};
use crate::asked::{Asked, Reply, digest};
use crate::deciding::{Act, Decision};
use crate::dialogs::{self, Doing};
use domain::appointment::change::PutSlot;
use domain::appointment::telling::Told;
use domain::appointment::{NewVersion, event_of};
use domain::audit::Record;
use domain::command::attachments::Part;
use domain::command::recipients::Chosen;
use jiff::Timestamp;
use messages::HerId;
use messages::command::VERSION;
use messages::command::answer::Answer;
use messages::event::{CommandAnswered, DialogKind, Fact};
use messages::person_id::TestSeries;
use messages::transport::Outgoing;
use store::command::{self, Decided};
use store::upload::UploadKey;
use store::{StoreError, Tx, appointment, audit, contact, setup, telling, timebok, upload};
use uuid::Uuid;

/// What is written for one command.
#[derive(Debug)]
pub struct Effect {
    decision: Decision,
    clinic: Option<HerId>,
    /// It, as it is kept; nothing of questions and of what cannot be read.
    kept: Option<Decided>,
    answer_id: Uuid,
    answer: Answer,
    actor: String,
    reply: Reply,
    /// What the command is known as ([`Outgoing::led_by`]).
    led_by: Uuid,
}

impl Effect {
    /// Of a decision.
    pub fn new(asked: &Asked, decision: Decision, now: Timestamp) -> Self {
        let answer = Answer { version: VERSION, command: asked.id(), at: now, outcome: decision.outcome.clone() };
        let answer_id = Uuid::now_v7();
        let command = asked.command.as_ref().ok();
        let clinic = asked.clinic().filter(|_| !decision.is_foreign);
        let kept = asked.key().zip(command).filter(|_| clinic.is_some()).map(|(key, command)| Decided {
            key,
            name: command.order.name().to_owned(),
            digest: digest(command),
            actor: command.actor.clone(),
            at: now,
            answer_id,
            answer: answer.clone(),
        });
        let actor = command.map(|command| command.actor.clone()).unwrap_or_default();
        Self { decision, clinic, kept, answer_id, answer, actor, reply: asked.reply.clone(), led_by: asked.ids.entry }
    }
}

/// What is done, by what is written where: first parts, then dialogs, then rules, slots and appointments.
#[derive(Default)]
struct Acts {
    doing: Vec<Doing>,
    parts: Vec<(UploadKey, Part)>,
    rules: Vec<(HerId, String, DialogKind, Chosen)>,
    slots: Vec<PutSlot>,
    appointments: Vec<NewVersion>,
    /// Word of them.
    events: Vec<Outgoing>,
    /// What HelseNorge knows of appointments by answers to wishes.
    told: Vec<(Uuid, Told, Uuid)>,
}

impl Acts {
    fn appointment(&mut self, version: NewVersion, led_by: Uuid, now: Timestamp) {
        self.events.push(Outgoing { led_by: Some(led_by), ..event(event_of(&version), now) });
        self.appointments.push(version);
    }

    /// Whether something here takes over an upload: what comes under its id afterwards is another one.
    fn attach(&self, key: &UploadKey) -> bool {
        let files = |doing: &Doing| doing.deed.written.iter().flat_map(|written| &written.files).any(|file| file.upload == key.1);
        self.doing.iter().any(|doing| doing.clinic == key.0 && files(doing))
    }
}

/// A batch, by what is written where.
#[derive(Default)]
struct Sorted {
    /// One after the other.
    acts: Vec<Acts>,
    ask: Vec<(HerId, String)>,
    kept: Vec<Decided>,
    records: Vec<Record>,
    outgoing: Vec<Outgoing>,
}

impl Sorted {
    fn of(effects: Vec<Effect>, now: Timestamp) -> Self {
        let mut sorted = Self { acts: vec![Acts::default()], ..Self::default() };
        for effect in effects {
            sorted.add(effect, now);
        }
        sorted
    }

    fn add(&mut self, effect: Effect, now: Timestamp) {
        let Effect { decision, clinic, kept, answer_id, answer: said, actor, reply, led_by } = effect;
        self.outgoing.push(Outgoing { led_by: Some(led_by), ..outgoing(&reply, clinic, answer_id, &said, now) });
        self.kept.extend(kept);
        self.records.extend(decision.record);
        let Some(clinic) = clinic else { return };
        self.ask.extend(decision.ask.into_iter().map(|nin| (clinic, nin)));
        if let Act::Part(key, _) = &decision.act
            && self.acts.last().is_some_and(|acts| acts.attach(key))
        {
            self.acts.push(Acts::default());
        }
        let Some(acts) = self.acts.last_mut() else { return };
        match decision.act {
            Act::Nothing => {}
            Act::Deed(mut deed) => {
                let entry = deed.written.as_ref().map(|written| written.entry);
                if let Some((version, entry)) = deed.appointment.take().zip(entry) {
                    acts.told.push((version.appointment.id, Told::by_answer(&version.appointment), entry));
                    acts.appointment(*version, led_by, now);
                }
                acts.doing.push(Doing { clinic, actor, led_by, deed: *deed });
            }
            Act::Part(key, part) => acts.parts.push((key, part)),
            Act::Recipients(kind, chosen) => acts.rules.push((clinic, actor, kind, chosen)),
            Act::Slots(slots) => acts.slots.extend(slots),
            Act::Appointment(version) => acts.appointment(*version, led_by, now),
        }
    }
}

/// The answer to its caller, or, when he waits nowhere, word to whoever listens.
pub(crate) fn outgoing(reply: &Reply, clinic: Option<HerId>, id: Uuid, said: &Answer, now: Timestamp) -> Outgoing {
    match &reply.queue {
        Some(queue) => answer(queue, reply.correlation.clone(), id, said),
        None => event(Fact::CommandAnswered(CommandAnswered { command: said.command, clinic, told: said.outcome.told() }), now),
    }
}

/// Writes a batch and returns what is to be sent.
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, effects: Vec<Effect>, series: &TestSeries, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    let sorted = Sorted::of(effects, now);
    let mut outgoing = Vec::new();
    // First: everybody locks a status before what is owed because of it.
    contact::want(tx, &sorted.ask, now).await?;
    for acts in sorted.acts {
        upload::put(tx, &acts.parts, now).await?;
        outgoing.extend(dialogs::write(tx, &acts.doing, series, now).await?);
        for (clinic, actor, kind, chosen) in &acts.rules {
            setup::put_rule(tx, *clinic, *kind, chosen.rule.as_ref(), Some(actor.as_str())).await?;
        }
        timebok::put_slots(tx, &acts.slots).await?;
        appointment::write(tx, &acts.appointments, now).await?;
        telling::told(tx, &acts.told, now).await?;
        outgoing.extend(acts.events);
    }
    command::insert(tx, &sorted.kept).await?;
    // Last: whoever writes to a clinic's chain next waits until this is committed.
    audit::append(tx, &sorted.records).await?;
    outgoing.extend(sorted.outgoing);
    Ok(outgoing)
}
