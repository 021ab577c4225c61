//! What HelseNorge is told of appointments: how each stands, once for each version that it has not heard of; and reminders. Several changes
//! before it is told are one message, of the last.

use crate::deciding::Ruling;
use domain::agreement::look_up;
use domain::agreement::lookup::Question;
use domain::agreement::part::Delivery;
use domain::appointment::letter::{Ends, Shown, process_of, reminder, told};
use domain::appointment::telling::{Telling, Told, owed};
use domain::command::compose::Patient;
use domain::readiness::missing;
use jiff::Timestamp;
use messages::event::{Answered, Event, Fact};
use messages::transport::Outgoing;
use messages::{HerId, PersonId};
use runtime::topology::event_to;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::agreement::{self, Pair};
use store::letter::{self, Addresses};
use store::message::{self, Sent};
use store::telling::{self, Subject};
use store::{StoreError, Tx, clinic, known};
use uuid::Uuid;

/// What is to be said of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    /// How it stands, if HelseNorge does not know.
    Stands,
    /// That it does not take place, even if HelseNorge has never shown it: nobody else tells the patient.
    IsOff,
    /// That it is soon.
    IsSoon,
}

/// Ledger rows of what was said, by appointment and word. What HelseNorge knows already has none.
pub type Said = HashMap<(Uuid, Word), Uuid>;

/// A message in the making.
struct Draft<'a> {
    id: Uuid,
    subject: &'a Subject,
    word: Word,
    telling: Telling,
    pair: (HerId, HerId),
}

/// What is to be said of which appointment, and whether HelseNorge reaches its patient: else it is told only what it shows and should not.
pub type Wanted = (Uuid, Word, bool);

/// Says what is to be said and returns the word that it is to be sent. The appointments are locked.
///
/// # Errors
/// As any step of the store; a bug when what stands around a message is missing or no XML can be made of it.
pub async fn tell(tx: &Tx<'_>, words: &[Wanted], ruling: &Ruling, now: Timestamp) -> Result<(Said, Vec<Outgoing>), StoreError> {
    let words = wanted(words);
    let subjects = telling::subjects(tx, &words.iter().map(|(id, ..)| *id).collect::<Vec<_>>()).await?;
    let clinics: Vec<HerId> = subjects.values().map(|s| s.clinic).collect::<BTreeSet<_>>().into_iter().collect();
    let reach = connected(tx, &clinics).await?;
    let drafts: Vec<Draft<'_>> =
        words.into_iter().filter_map(|(id, word, reached)| draft(subjects.get(&id)?, word, reached, &reach)).collect();
    let pairs: Vec<(HerId, HerId)> = drafts.iter().map(|draft| draft.pair).collect();
    let addresses = letter::addresses(tx, &pairs).await?;
    let functions = functions(tx, &pairs, ruling, now).await?;
    let compose = |draft: &Draft<'_>| {
        let function = functions.get(&draft.pair).copied().ok_or_else(|| StoreError::missing("function"))?;
        draft.compose(&addresses, function, ruling, now)
    };
    let sent: Vec<Sent> = drafts.iter().map(compose).collect::<Result<_, _>>()?;
    message::insert_sent(tx, &sent).await?;
    let known = drafts.iter().filter(|draft| draft.word != Word::IsSoon);
    let known = known.map(|d| {
        let appointment = &d.subject.appointment;
        (appointment.id, Told { version: appointment.version, shown: d.telling.shows() }, d.id)
    });
    telling::told(tx, &known.collect::<Vec<_>>(), now).await?;
    let said = drafts.iter().map(|draft| ((draft.subject.appointment.id, draft.word), draft.id)).collect();
    let event = |sent: &Sent| {
        event_to(&Event { id: Uuid::now_v7(), time: now, fact: Fact::MessageWritten(Answered { message: sent.id }) })
    };
    Ok((said, sent.iter().map(event).collect()))
}

/// How each appointment stands is said once, and before HelseNorge is to remind of it.
fn wanted(words: &[Wanted]) -> Vec<Wanted> {
    let off: BTreeSet<Uuid> = words.iter().filter(|(_, word, _)| *word == Word::IsOff).map(|(id, ..)| *id).collect();
    let soon = words.iter().filter(|(_, word, _)| *word == Word::IsSoon).map(|(id, _, reached)| (*id, Word::Stands, *reached));
    let all = words.iter().copied().chain(soon).filter(|(id, word, _)| *word != Word::Stands || !off.contains(id));
    let mut once = BTreeMap::<(Uuid, Word), bool>::new();
    for (id, word, reached) in all {
        *once.entry((id, word)).or_default() |= reached;
    }
    once.into_iter().map(|((id, word), reached)| (id, word, reached)).collect()
}

/// Through which party each clinic reaches HelseNorge, of those that take part (J1). Others tell it nothing: `dialogpost check` says why.
///
/// # Errors
/// As any step.
pub async fn connected(tx: &Tx<'_>, clinics: &[HerId]) -> Result<HashMap<HerId, HerId>, StoreError> {
    if clinics.is_empty() {
        return Ok(HashMap::new());
    }
    let ready = clinic::load(tx, clinics).await?;
    let is_ready = |id: &HerId| ready.get(id).is_some_and(|clinic| missing(clinic).is_empty());
    Ok(known::reach(tx, clinics).await?.into_iter().filter(|(id, _)| is_ready(id)).collect())
}

fn draft<'a>(subject: &'a Subject, word: Word, reached: bool, reach: &HashMap<HerId, HerId>) -> Option<Draft<'a>> {
    let Subject { appointment, told, .. } = subject;
    let is_owed = owed(appointment, Some(&subject.of_type), *told);
    let never_shown = told.is_none_or(|told| !told.shown && told.version < appointment.version);
    let telling = match word {
        Word::IsSoon => Telling::Show,
        Word::Stands => is_owed.filter(|telling| reached || *telling != Telling::Show)?,
        Word::IsOff => is_owed.or_else(|| never_shown.then_some(Telling::Withdraw))?,
    };
    let pair = (subject.doctor.unwrap_or(subject.clinic), *reach.get(&subject.clinic)?);
    Some(Draft { id: Uuid::now_v7(), subject, word, telling, pair })
}

/// Under which process each counterpart is told.
async fn functions(
    tx: &Tx<'_>,
    pairs: &[(HerId, HerId)],
    ruling: &Ruling,
    now: Timestamp,
) -> Result<HashMap<(HerId, HerId), &'static str>, StoreError> {
    let pairs: Vec<Pair> = pairs.iter().map(|(own, other)| Pair { own: *own, other: *other, cpa_id: None }).collect();
    let known = agreement::for_pairs_in(tx, &pairs).await?;
    let of = |pair: &Pair| {
        let function = process_of(|function| {
            let excluded = &ruling.without_agreement;
            let question = Question { own: pair.own, other: pair.other, cpa_id: None, function, excluded, now };
            known.get(pair).map(|known| look_up(known, &question)).unwrap_or_default()
        });
        ((pair.own, pair.other), function)
    };
    Ok(pairs.iter().map(of).collect())
}

impl Draft<'_> {
    fn compose(
        &self,
        addresses: &HashMap<(HerId, HerId), Addresses>,
        function: &'static str,
        ruling: &Ruling,
        now: Timestamp,
    ) -> Result<Sent, StoreError> {
        let Subject { appointment, of_type, doctor, is_fastlege, patient, .. } = self.subject;
        let addresses = addresses.get(&self.pair).ok_or_else(|| StoreError::missing("addresses"))?;
        let (family_name, given_name, nin) = patient.clone();
        let id = PersonId::parse(nin.expose(), &ruling.series).map_err(|_| StoreError::missing("patient"))?;
        let from = addresses.from.clone().calling_fastlege(*is_fastlege);
        let ends = Ends { from, to: addresses.to.clone(), patient: Patient { family_name, given_name, id } };
        let shown = Shown { appointment, of_type: Some(of_type), doctor: *doctor };
        let message = match self.word {
            Word::IsSoon => reminder(ends, function, shown, self.id, now),
            Word::Stands | Word::IsOff => told(ends, function, self.telling, shown, self.id, now),
        };
        let xml = message.to_xml().map_err(|_| StoreError::missing("xml"))?;
        Ok(Sent::written(&addresses.ends, function, Delivery::Async, self.id, now, xml.into()))
    }
}
