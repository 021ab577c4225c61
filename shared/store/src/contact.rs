//! Whom HelseNorge can reach: what it said, what is wanted, and the questions that were asked.
//!
//! A want is older than the question that answers it: an answer to a question that was asked before somebody wanted to know anew, or before
//! something was said that made the status doubtful, leaves the want as it is. So nothing depends on which of two messages comes first.

use crate::clinic::her_id;
use crate::letter::{self, Addresses};
use crate::step::{column, step};
use crate::telling::{self, Reached};
use crate::{StoreError, Tx, known};
use ::messages::{HerId, Sensitive};
use domain::command::contact::Status;
use domain::digital_user::Asked;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio_postgres::Row;
use uuid::Uuid;

/// A clinic, and the national identity number of a person.
pub type Who = (HerId, String);

pub(crate) fn columns(people: &[Who]) -> (Vec<i64>, Vec<&str>) {
    people.iter().map(|(clinic, nin)| (clinic.get(), nin.as_str())).unzip()
}

/// What HelseNorge said of these; whoever it has said nothing of is left out.
///
/// # Errors
/// As any step.
pub async fn statuses(tx: &Tx<'_>, people: &[Who]) -> Result<HashMap<Who, Status>, StoreError> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "contact.statuses",
        "select s.clinic, s.nin, s.active, s.consented, s.as_of, s.doubted_at is not null as doubted
         from unnest($1::bigint[], $2::text[]) p(clinic, nin)
         join dialogpost.contact_status s on s.clinic = p.clinic and s.nin = p.nin
         where s.as_of is not null"
    );
    let (clinics, nins) = columns(people);
    let of = |r: &Row| {
        let status = status(r)?.ok_or_else(|| StoreError::row("as_of"))?;
        Ok(((her_id(r, "clinic")?, column(r, "nin")?), status))
    };
    tx.query(load, &[&clinics, &nins]).await?.iter().map(of).collect()
}

/// What HelseNorge said, by the columns `active`, `consented`, `as_of` and `doubted`; a row without it only says that it is to be asked.
pub(crate) fn status(row: &Row) -> Result<Option<Status>, StoreError> {
    let Some(as_of) = column(row, "as_of")? else { return Ok(None) };
    let (active, consented) = (column(row, "active")?, column(row, "consented")?);
    Ok(Some(Status { active, consented, as_of, is_doubted: column(row, "doubted")? }))
}

/// Who was asked about without an answer is left alone so long at least.
pub const AGAIN: SignedDuration = SignedDuration::from_secs(60);

fn asked_before(now: Timestamp) -> Timestamp {
    now.checked_sub(AGAIN).unwrap_or(Timestamp::MIN)
}

/// Notes that HelseNorge should be asked about these. Who is wanted already stays so; who was asked about more than [`AGAIN`] ago, without
/// an answer, is asked about anew at once.
///
/// # Errors
/// As any step.
pub async fn want(tx: &Tx<'_>, people: &[Who], now: Timestamp) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    // Sorted: concurrent batches then lock in one order and cannot deadlock.
    let want = step!(
        "contact.want",
        "insert into dialogpost.contact_status (clinic, nin, wanted_at)
         select distinct clinic, nin, $3::timestamptz from unnest($1::bigint[], $2::text[]) p(clinic, nin) order by clinic, nin
         on conflict (clinic, nin) do update set wanted_at = excluded.wanted_at, asked_at = null
            where contact_status.wanted_at is null or contact_status.asked_at <= $4"
    );
    let (clinics, nins) = columns(people);
    tx.query(want, &[&clinics, &nins, &now, &asked_before(now)]).await.map(drop)
}

/// What HelseNorge said of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The clinic that it was said to.
    pub clinic: HerId,
    /// National identity number.
    pub nin: Sensitive<String>,
    /// See [`Status::active`].
    pub active: bool,
    /// See [`Status::consented`].
    pub consented: bool,
    /// When it was asked: it was true then at the latest, for an answer may lie in its queue for days.
    pub as_of: Timestamp,
}

/// Stores what HelseNorge said. What it said later stands.
///
/// # Errors
/// As any step.
pub async fn told(tx: &Tx<'_>, said: &[Said]) -> Result<(), StoreError> {
    if said.is_empty() {
        return Ok(());
    }
    let tell = step!(
        "contact.told",
        "insert into dialogpost.contact_status as s (clinic, nin, active, consented, as_of)
         select distinct on (clinic, nin) * from unnest($1::bigint[], $2::text[], $3::bool[], $4::bool[], $5::timestamptz[])
            p(clinic, nin, active, consented, as_of) order by clinic, nin, as_of desc
         on conflict (clinic, nin) do update set active = excluded.active, consented = excluded.consented, as_of = excluded.as_of,
            doubted_at = case when s.doubted_at > excluded.as_of then s.doubted_at end,
            asked_at = case when s.wanted_at > excluded.as_of then s.asked_at end,
            wanted_at = case when s.wanted_at > excluded.as_of then s.wanted_at end
         where s.as_of is null or s.as_of <= excluded.as_of returning s.clinic, s.nin, s.active and s.consented as reached, s.as_of"
    );
    let clinics: Vec<i64> = said.iter().map(|s| s.clinic.get()).collect();
    let nins: Vec<&str> = said.iter().map(|s| s.nin.expose().as_str()).collect();
    let active: Vec<bool> = said.iter().map(|s| s.active).collect();
    let consented: Vec<bool> = said.iter().map(|s| s.consented).collect();
    let as_of: Vec<Timestamp> = said.iter().map(|s| s.as_of).collect();
    let rows = tx.query(tell, &[&clinics, &nins, &active, &consented, &as_of]).await?;
    let reached = |row: &Row| {
        let (clinic, nin) = (her_id(row, "clinic")?, column(row, "nin")?);
        Ok(Reached { clinic, nin, is_reached: column(row, "reached")?, as_of: column(row, "as_of")? })
    };
    let mut all = rows.iter().map(reached).collect::<Result<Vec<_>, StoreError>>()?;
    // Of several words about one person only the last is kept; but what HelseNorge has dropped meanwhile it is to be told anew.
    let kept: HashSet<Who> = all.iter().map(|one| (one.clinic, one.nin.clone())).collect();
    let unreached = said.iter().filter(|s| !(s.active && s.consented));
    let unreached =
        unreached.map(|s| Reached { clinic: s.clinic, nin: s.nin.expose().clone(), is_reached: false, as_of: s.as_of });
    all.extend(unreached.filter(|one| kept.contains(&(one.clinic, one.nin.clone()))));
    telling::reached(tx, &all).await
}

/// Whose status no longer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A person who has begun to use HelseNorge, or has ended: it may show what it was told, or not.
    Person(HerId, Sensitive<String>),
    /// A patient.
    Patient(Uuid),
    /// A patient, should it have been said that HelseNorge does not reach him.
    Unreached(Uuid),
    /// The patient whom a message of ours was for.
    ReceiverOf(Uuid),
}

/// Marks statuses as doubted, to be asked about again. Of whom nothing is known nothing is doubted.
///
/// # Errors
/// As any step.
pub async fn doubt(tx: &Tx<'_>, doubts: &[Doubt], now: Timestamp) -> Result<(), StoreError> {
    if doubts.is_empty() {
        return Ok(());
    }
    let (mut people, mut patients, mut unreached, mut messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for doubt in doubts {
        match doubt {
            Doubt::Person(clinic, nin) => people.push((*clinic, nin.expose().clone())),
            Doubt::Patient(id) => patients.push(*id),
            Doubt::Unreached(id) => unreached.push(*id),
            Doubt::ReceiverOf(id) => messages.push(*id),
        }
    }
    let mark = step!(
        "contact.doubt",
        "with people as (
            select clinic, nin from unnest($1::bigint[], $2::text[]) p(clinic, nin)
            union select clinic, nin from dialogpost.patient where id = any($3::uuid[])
            union select p.clinic, p.nin from dialogpost.patient p join dialogpost.contact_status u on u.clinic = p.clinic and u.nin = p.nin
                where p.id = any($6::uuid[]) and not (u.active and u.consented)
            union select p.clinic, p.nin from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog
                join dialogpost.patient p on p.id = d.patient where e.id = any($4::uuid[]) and e.direction = 'out'
            union select p.clinic, p.nin from dialogpost.appointment_told o join dialogpost.appointment a on a.id = o.appointment
                join dialogpost.patient p on p.id = a.patient where o.message = any($4::uuid[])
            -- A reminder says nothing of how an appointment stands: its notice alone knows its message.
            union select p.clinic, p.nin from dialogpost.notification n join dialogpost.patient p on p.id = n.patient
                where n.message = any($4::uuid[])
         ), known as (
            select s.clinic, s.nin from people p join dialogpost.contact_status s on s.clinic = p.clinic and s.nin = p.nin
            order by s.clinic, s.nin for update of s
         )
         update dialogpost.contact_status s set asked_at = null, doubted_at = greatest(s.wanted_at, s.asked_at + interval '1 microsecond', $5),
            wanted_at = greatest(s.wanted_at, s.asked_at + interval '1 microsecond', $5)
         from known k where s.clinic = k.clinic and s.nin = k.nin"
    );
    let (clinics, nins) = columns(&people);
    tx.query(mark, &[&clinics, &nins, &patients, &messages, &now, &unreached]).await?;
    telling::forget(tx, &people, now).await
}

/// Those who are asked about now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// National identity numbers, by clinic.
    pub people: BTreeMap<HerId, Vec<Sensitive<String>>>,
    /// The time of the question: now, and not before any of them was wanted, whatever clocks say.
    pub asked_at: Timestamp,
}

/// Takes up to `most` of those who are wanted, the first wanted first, by clinic. They count as asked about now; rows that another process
/// takes are skipped. Who was asked about without an answer is taken again after [`AGAIN`], then after twice as long each time, at most an
/// hour: nobody may be there who answers.
///
/// # Errors
/// As any step.
pub async fn take(tx: &Tx<'_>, most: usize, now: Timestamp) -> Result<Taken, StoreError> {
    let take = step!(
        "contact.take",
        "with due as (
            select clinic, nin from dialogpost.contact_status
            where wanted_at is not null and (asked_at is null
                or (asked_at <= $1 and asked_at + least(asked_at - wanted_at, interval '1 hour') <= $3)) order by wanted_at limit $2 for update skip locked
         )
         update dialogpost.contact_status s set asked_at = greatest($3, s.wanted_at) from due d where s.clinic = d.clinic and s.nin = d.nin
         returning s.clinic, s.nin, s.asked_at"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut taken = Taken { people: BTreeMap::new(), asked_at: now };
    for row in tx.query(take, &[&asked_before(now), &most, &now]).await? {
        taken.asked_at = taken.asked_at.max(column(&row, "asked_at")?);
        taken.people.entry(her_id(&row, "clinic")?).or_default().push(Sensitive::new(column(&row, "nin")?));
    }
    Ok(taken)
}

/// Wants these no longer: nobody can be asked about them.
///
/// # Errors
/// As any step.
pub async fn forget(tx: &Tx<'_>, people: &[Who]) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    let forget = step!(
        "contact.forget",
        "update dialogpost.contact_status s set wanted_at = null, asked_at = null
         from unnest($1::bigint[], $2::text[]) p(clinic, nin) where s.clinic = p.clinic and s.nin = p.nin"
    );
    let (clinics, nins) = columns(people);
    tx.query(forget, &[&clinics, &nins]).await.map(drop)
}

/// Between whom a clinic's questions go: it, and the party through which it reaches HelseNorge (see [`known::reach`]). Clinics without any
/// are left out.
///
/// # Errors
/// As any step.
pub async fn routes(tx: &Tx<'_>, clinics: &[HerId]) -> Result<HashMap<HerId, Addresses>, StoreError> {
    let pairs: Vec<(HerId, HerId)> = known::reach(tx, clinics).await?.into_iter().collect();
    let addresses = letter::addresses(tx, &pairs).await?;
    Ok(addresses.into_iter().map(|((clinic, _), addresses)| (clinic, addresses)).collect())
}

/// A question that is written into the ledger, so that no answer can come too early.
#[derive(Clone, Debug)]
pub struct NewQuestion {
    /// Its ledger row.
    pub message: Uuid,
    /// Which clinic asks.
    pub clinic: HerId,
    /// About whom.
    pub nins: Vec<Sensitive<String>>,
}

/// Registers questions.
///
/// # Errors
/// As any step.
pub async fn ask(tx: &Tx<'_>, questions: &[NewQuestion]) -> Result<(), StoreError> {
    if questions.is_empty() {
        return Ok(());
    }
    let ask = step!(
        "contact.ask",
        "insert into dialogpost.contact_question (message, clinic, nins)
         select m, c, string_to_array(n, ' ') from unnest($1::uuid[], $2::bigint[], $3::text[]) q(m, c, n)"
    );
    let messages: Vec<Uuid> = questions.iter().map(|q| q.message).collect();
    let clinics: Vec<i64> = questions.iter().map(|q| q.clinic.get()).collect();
    let joined = |q: &NewQuestion| q.nins.iter().map(|nin| nin.expose().as_str()).collect::<Vec<_>>().join(" ");
    let nins: Vec<String> = questions.iter().map(joined).collect();
    tx.query(ask, &[&messages, &clinics, &nins]).await.map(drop)
}

/// The questions among these messages.
///
/// # Errors
/// As any step.
pub(crate) async fn asked(tx: &Tx<'_>, messages: &[Uuid]) -> Result<HashMap<Uuid, Asked>, StoreError> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "contact.asked",
        "select q.message, q.clinic, m.to_her_id from dialogpost.contact_question q join dialogpost.message m on m.id = q.message
         where q.message = any($1)"
    );
    let of = |r: &Row| {
        let question = column(r, "message")?;
        Ok((question, Asked { question, by: her_id(r, "clinic")?, of: her_id(r, "to_her_id")? }))
    };
    tx.query(load, &[&messages]).await?.iter().map(of).collect()
}

/// An answer to a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The question's ledger row.
    pub question: Uuid,
    /// Who of those asked about is an active user; whoever was not asked about is passed over.
    pub active: Vec<Sensitive<String>>,
    /// When it came.
    pub at: Timestamp,
}

/// Stores answers: those named are active and consent, the others of their question do neither. The first answer to a question counts.
///
/// # Errors
/// As any step.
pub async fn answered(tx: &Tx<'_>, answers: Vec<Answer>) -> Result<(), StoreError> {
    let mut first: BTreeMap<Uuid, Answer> = BTreeMap::new();
    for answer in answers {
        first.entry(answer.question).or_insert(answer);
    }
    if first.is_empty() {
        return Ok(());
    }
    let settle = step!(
        "contact.answered",
        "update dialogpost.contact_question q set answered_at = a.at
         from unnest($1::uuid[], $2::timestamptz[]) a(question, at) join dialogpost.message m on m.id = a.question
         where q.message = a.question and q.answered_at is null
         returning q.message, q.clinic, q.nins, m.at"
    );
    let (ids, at): (Vec<Uuid>, Vec<Timestamp>) = first.values().map(|answer| (answer.question, answer.at)).unzip();
    let mut said = Vec::new();
    for row in tx.query(settle, &[&ids, &at]).await? {
        let Some(Answer { active, .. }) = first.remove(&column(&row, "message")?) else { continue };
        let active: HashSet<String> = active.into_iter().map(Sensitive::into_inner).collect();
        let (clinic, as_of) = (her_id(&row, "clinic")?, column(&row, "at")?);
        let of = |nin: String| {
            let active = active.contains(&nin);
            Said { clinic, nin: nin.into(), active, consented: active, as_of }
        };
        said.extend(column::<Vec<String>>(&row, "nins")?.into_iter().map(of));
    }
    told(tx, &said).await
}
