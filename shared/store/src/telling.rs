//! What HelseNorge is told of appointments, and what it still is to be told.

use crate::appointment::{appointment, number};
use crate::clinic::her_id;
use crate::notice::Key;
use crate::step::{column, step};
use crate::{Session, StoreError, Tx, contact};
use ::messages::{HerId, Sensitive};
use domain::appointment::telling::Told;
use domain::appointment::{Appointment, AppointmentType, Contact};
use domain::command::contact::{Showing, Status};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// An appointment with what is told along with it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The clinic.
    pub clinic: HerId,
    /// It as it stands.
    pub appointment: Appointment,
    /// Its type.
    pub of_type: AppointmentType,
    /// What HelseNorge was last told.
    pub told: Option<Told>,
    /// How often it has turned that down.
    pub refusals: u32,
    /// HER-id of whose timebok it is in, when he has one.
    pub doctor: Option<HerId>,
    /// The latest end of any version that HelseNorge was told of.
    pub shown_until: Option<Timestamp>,
    /// Whether he is the patient's fastlege.
    pub is_fastlege: bool,
    /// Family name, given name and national number of the patient.
    pub patient: (Sensitive<String>, Sensitive<String>, Sensitive<String>),
}

/// Appointments by their ids; unknown ids are left out. Whoever is to tell of them has locked them.
///
/// # Errors
/// As any step.
pub async fn subjects(tx: &Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Subject>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "telling.subjects",
        "select a.*, t.name as type_name, t.minutes, t.contact, t.hidden, t.notify, t.closed, o.version as told_version, o.shown, coalesce(o.refusals, 0) as refusals,
            o.shown_until, e.her_id as doctor, coalesce(e.id = p.fastlege, false) as is_fastlege, p.family_name, p.given_name, p.nin
         from dialogpost.appointment a
         join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type
         join dialogpost.timebok b on b.clinic = a.clinic and b.id = a.timebok
         join dialogpost.patient p on p.id = a.patient
         left join dialogpost.employee e on e.clinic = a.clinic and e.id = b.owner and e.her_id is not null
         left join dialogpost.appointment_told o on o.appointment = a.id
         where a.id = any($1)"
    );
    tx.query(load, &[&ids]).await?.iter().map(|row| Ok((column(row, "id")?, subject(row)?))).collect()
}

fn subject(row: &Row) -> Result<Subject, StoreError> {
    let text = |name| column::<String>(row, name).map(Sensitive::new);
    let unsigned = |number: i32| u32::try_from(number).map_err(|_| StoreError::row("version"));
    let told = match column::<Option<i32>>(row, "told_version")? {
        Some(version) => Some(Told { version: unsigned(version)?, shown: column(row, "shown")? }),
        None => None,
    };
    Ok(Subject {
        clinic: her_id(row, "clinic")?,
        appointment: appointment(row)?,
        of_type: AppointmentType {
            name: column(row, "type_name")?,
            minutes: unsigned(column(row, "minutes")?)?,
            contact: Contact::parse(column(row, "contact")?).ok_or_else(|| StoreError::row("contact"))?,
            hidden: column(row, "hidden")?,
            notify: column(row, "notify")?,
            closed: column(row, "closed")?,
        },
        told,
        refusals: unsigned(column(row, "refusals")?)?,
        doctor: column::<Option<i64>>(row, "doctor")?.and_then(|id| id.try_into().ok()),
        shown_until: column(row, "shown_until")?,
        is_fastlege: column(row, "is_fastlege")?,
        patient: (text("family_name")?, text("given_name")?, text("nin")?),
    })
}

/// Locks appointments until the transaction ends, in one order.
///
/// # Errors
/// As any step.
pub async fn lock(tx: &Tx<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let lock = step!("telling.lock", "select from dialogpost.appointment where id = any($1) order by id for no key update");
    tx.query(lock, &[&ids]).await.map(drop)
}

/// The patient of an appointment.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The clinic.
    pub clinic: HerId,
    /// National number.
    pub nin: Sensitive<String>,
    /// What HelseNorge said of him.
    pub status: Option<Status>,
    /// Whether HelseNorge shows him the appointment.
    pub showing: Showing,
}

/// Whether HelseNorge shows an appointment, by the columns `is_shown` and `may_be_shown`. Once it has turned it down, what it shows is no longer
/// taken for granted.
pub(crate) fn showing(row: &Row) -> Result<Showing, StoreError> {
    Ok(match (column(row, "is_shown")?, column(row, "may_be_shown")?) {
        (true, _) => Showing::Yes,
        (false, true) => Showing::Perhaps,
        (false, false) => Showing::No,
    })
}

/// How the patients of appointments stand, by appointment.
///
/// # Errors
/// As any step.
pub async fn standings(tx: &Tx<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Standing>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "telling.standings",
        "select a.id, a.clinic, p.nin, s.active, s.consented, s.as_of, s.doubted_at is not null as doubted,
            coalesce(o.shown and o.version > 0, false) as is_shown,
            coalesce(o.shown and o.refusals = 0, false) as may_be_shown
         from dialogpost.appointment a join dialogpost.patient p on p.id = a.patient
         left join dialogpost.appointment_told o on o.appointment = a.id
         left join dialogpost.contact_status s on s.clinic = a.clinic and s.nin = p.nin and s.as_of is not null
         where a.id = any($1)"
    );
    let of = |row: &Row| {
        let (clinic, nin) = (her_id(row, "clinic")?, Sensitive::new(column(row, "nin")?));
        Ok((column(row, "id")?, Standing { clinic, nin, status: contact::status(row)?, showing: showing(row)? }))
    };
    tx.query(load, &[&ids]).await?.iter().map(of).collect()
}

/// Notes what HelseNorge is told now, each with the message that tells it, in order: of one appointment the last counts.
///
/// # Errors
/// As any step.
pub async fn told(tx: &Tx<'_>, told: &[(Uuid, Told, Uuid)], now: Timestamp) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, ..)| *id).collect();
    let versions: Vec<i32> = told.iter().map(|(_, told, _)| number(told.version)).collect();
    let shown: Vec<bool> = told.iter().map(|(_, told, _)| told.shown).collect();
    let messages: Vec<Uuid> = told.iter().map(|(.., message)| *message).collect();
    let tell = step!(
        "appointment_told.put",
        "insert into dialogpost.appointment_told as t (appointment, version, shown, message, at, shown_until)
         select distinct on (i) i, v, s, m, $5::timestamptz, a.ends_at from unnest($1::uuid[], $2::int[], $3::bool[], $4::uuid[])
            with ordinality u(i, v, s, m, n) join dialogpost.appointment a on a.id = i order by i, n desc
         on conflict (appointment) do update set version = excluded.version, shown = excluded.shown, message = excluded.message,
            at = excluded.at, shown_until = greatest(t.shown_until, excluded.shown_until),
            refusals = case when t.turned_down < excluded.version then 0 else t.refusals end
            where t.version <= excluded.version"
    );
    tx.query(tell, &[&ids, &versions, &shown, &messages, &now]).await?;
    // What has changed once more since is owed still.
    let settle = step!(
        "appointment_owed.told",
        "delete from dialogpost.appointment_owed o using dialogpost.appointment a, dialogpost.appointment_told t
         where o.appointment = any($1) and a.id = o.appointment and t.appointment = a.id and t.version >= a.version"
    );
    tx.query(settle, &[&ids]).await.map(drop)
}

/// Notes which notices HelseNorge gives, each with the message that told it to; none = the one by which it knew already.
///
/// # Errors
/// As any step.
pub async fn carried(tx: &Tx<'_>, carried: &[(Key, Option<Uuid>)], now: Timestamp) -> Result<(), StoreError> {
    if carried.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = carried.iter().map(|((id, ..), _)| *id).collect();
    let versions: Vec<i32> = carried.iter().map(|((_, version, _), _)| number(*version)).collect();
    let kinds: Vec<&str> = carried.iter().map(|((.., kind), _)| kind.as_str()).collect();
    let messages: Vec<Option<Uuid>> = carried.iter().map(|(_, message)| *message).collect();
    let note = step!(
        "telling.carried",
        "update dialogpost.notification n set changed_at = $5, message = coalesce(c.message, o.message),
            -- Turned down in this very moment: it is looked at again.
            state = case when c.message is null and o.message is null then 'due' else 'sent' end,
            channel = case when c.message is null and o.message is null then null else n.channel end,
            due_at = case when c.message is null and o.message is null then $5::timestamptz end
         from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[]) c(appointment, version, kind, message)
         left join dialogpost.appointment_told o on o.appointment = c.appointment and o.version > 0
         where n.appointment = c.appointment and n.version = c.version and n.kind = c.kind and n.channel = 'helsenorge'"
    );
    tx.query(note, &[&ids, &versions, &kinds, &messages, &now]).await.map(drop)
}

/// Notes that HelseNorge may have to be told of these, by whoever looks after `since`.
///
/// # Errors
/// As any step.
pub async fn owe(tx: &Tx<'_>, ids: &[Uuid], since: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let owe = step!(
        "appointment_owed.put",
        "insert into dialogpost.appointment_owed (appointment, since) select distinct id, $2::timestamptz from unnest($1::uuid[]) i(id)
         order by id on conflict (appointment) do update set since = excluded.since"
    );
    tx.query(owe, &[&ids, &since]).await.map(drop)
}

/// HelseNorge need not be told of these, which whoever says so has locked.
///
/// # Errors
/// As any step.
pub async fn settle(tx: &Tx<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let settle = step!("appointment_owed.settle", "delete from dialogpost.appointment_owed where appointment = any($1)");
    tx.query(settle, &[&ids]).await.map(drop)
}

/// Appointments that HelseNorge may have to be told of since `before`, the longest owed first. What waits for word of HelseNorge, and is
/// noticed then, is left out.
///
/// # Errors
/// As any step.
pub async fn owing(session: &Session, limit: i64, before: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    let find = step!(
        "appointment_owed.find",
        "select o.appointment from dialogpost.appointment_owed o where o.since <= $2
            and not exists (select from dialogpost.notification n where n.appointment = o.appointment and n.state = 'due' and n.channel is null)
         order by o.since limit $1"
    );
    session.query(find, &[&limit, &before]).await?.iter().map(|row| column(row, "appointment")).collect()
}

/// Whether HelseNorge reaches a patient.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) clinic: HerId,
    pub(crate) nin: String,
    pub(crate) is_reached: bool,
    pub(crate) as_of: Timestamp,
}

/// Of these patients, HelseNorge may have to be told what is to come of those whom it reaches; of the others it shows nothing.
///
/// # Errors
/// As any step.
pub(crate) async fn reached(tx: &Tx<'_>, said: &[Reached]) -> Result<(), StoreError> {
    if said.is_empty() {
        return Ok(());
    }
    let clinics: Vec<i64> = said.iter().map(|s| s.clinic.get()).collect();
    let (nins, reached): (Vec<&str>, Vec<bool>) = said.iter().map(|s| (s.nin.as_str(), s.is_reached)).unzip();
    let as_of: Vec<Timestamp> = said.iter().map(|s| s.as_of).collect();
    let note = step!(
        "telling.reached",
        "with their as (
            select a.id, a.version, a.status, s.reached, s.as_of
            from unnest($1::bigint[], $2::text[], $3::bool[], $4::timestamptz[]) s(clinic, nin, reached, as_of)
            join dialogpost.patient p on p.clinic = s.clinic and p.nin = s.nin
            join dialogpost.appointment a on a.patient = p.id
            left join dialogpost.appointment_told t on t.appointment = a.id
            -- A version that it was told of may be to come although the last one is over.
            where a.ends_at > s.as_of or (t.shown and t.shown_until > s.as_of)
         ), forgotten as (
            -- It may show what it was told, or not: whatever comes next it is to be told.
            update dialogpost.appointment_told t set version = 0, refusals = 0 from their x
                where t.appointment = x.id and not x.reached and t.shown returning t.appointment
         )
         insert into dialogpost.appointment_owed (appointment, since) select x.id, x.as_of - interval '1 minute' from their x
         left join dialogpost.appointment_told t on t.appointment = x.id
         where x.reached and (x.id in (select appointment from forgotten)
            or case when x.status = 'booked' then not coalesce(t.shown and t.version >= x.version, false)
                else coalesce(t.shown and t.version < x.version, false) end)
         order by x.id on conflict (appointment) do update set since = least(appointment_owed.since, excluded.since)"
    );
    tx.query(note, &[&clinics, &nins, &reached, &as_of]).await.map(drop)
}

/// Whatever HelseNorge was told of what is to come of these it may show, or not: it is to be told again when it reaches them.
///
/// # Errors
/// As any step.
pub(crate) async fn forget(tx: &Tx<'_>, people: &[contact::Who], now: Timestamp) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    let (clinics, nins) = contact::columns(people);
    let forget = step!(
        "telling.forget",
        "update dialogpost.appointment_told t set version = 0, refusals = 0
         from unnest($1::bigint[], $2::text[]) s(clinic, nin) join dialogpost.patient p on p.clinic = s.clinic and p.nin = s.nin
         join dialogpost.appointment a on a.patient = p.id
         where t.appointment = a.id and t.shown and (a.ends_at > $3 or t.shown_until > $3)"
    );
    tx.query(forget, &[&clinics, &nins, &now]).await.map(drop)
}

/// Locks what is owed of these until the transaction ends, and tells which are: whoever comes to owe them meanwhile waits, and then owes them
/// anew.
///
/// # Errors
/// As any step.
pub async fn lock_owed(tx: &Tx<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let lock = step!(
        "appointment_owed.lock",
        "select appointment from dialogpost.appointment_owed where appointment = any($1) order by appointment for update"
    );
    tx.query(lock, &[&ids]).await?.iter().map(|row| column(row, "appointment")).collect()
}

/// Locks the appointments that these messages tell of until the transaction ends, in one order: before what is said of their patients.
///
/// # Errors
/// As any step.
pub async fn lock_told_by(tx: &Tx<'_>, messages: &[Uuid]) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let lock = step!(
        "telling.lock_told_by",
        "select from dialogpost.appointment where id in (
            select appointment from dialogpost.appointment_told where message = any($1)
            union select appointment from dialogpost.notification where message = any($1)
         ) order by id for no key update"
    );
    tx.query(lock, &[&messages]).await.map(drop)
}

/// What HelseNorge has turned down for another reason than that it does not reach the patient is said again so much later.
const AGAIN: SignedDuration = SignedDuration::from_mins(30);

/// HelseNorge has turned messages down, and may show what it did before: it is told again. Where that says that it does not reach the patient,
/// each notice is looked at again: somebody else may have to give it. Any other is given up. Tells how many were given up. The appointments are
/// locked ([`lock_told_by`]).
///
/// # Errors
/// As any step.
pub async fn turned_down(tx: &Tx<'_>, unreached: &[Uuid], others: &[Uuid], now: Timestamp) -> Result<u64, StoreError> {
    if unreached.is_empty() && others.is_empty() {
        return Ok(0);
    }
    let untell = step!(
        "telling.turned_down",
        "with told as (
            -- It shows what it was told before, or nothing: whatever comes next it is to be told.
            update dialogpost.appointment_told set version = 0, shown = true, refusals = refusals + 1, turned_down = version
            where message = any($1::uuid[] || $2::uuid[]) and version > 0
            returning appointment, case when message = any($1) then $3::timestamptz else $4::timestamptz end as since
         ), owed as (
            insert into dialogpost.appointment_owed (appointment, since) select appointment, since from told order by appointment
            on conflict (appointment) do update set since = least(appointment_owed.since, excluded.since)
         ), again as (
            update dialogpost.notification set state = 'due', channel = null, message = null, due_at = $3, changed_at = $3
            where message = any($1) and state = 'sent'
         ), given_up as (
            update dialogpost.notification set state = 'failed', code = 'turned-down', changed_at = $3
            where message = any($2) and state = 'sent' returning 1
         )
         select (select count(*) from given_up) as given_up"
    );
    let later = now.checked_add(AGAIN).unwrap_or(Timestamp::MAX);
    let rows = tx.query(untell, &[&unreached, &others, &now, &later]).await?;
    let count: i64 = column(rows.first().ok_or_else(|| StoreError::row("given_up"))?, "given_up")?;
    Ok(count.unsigned_abs())
}
