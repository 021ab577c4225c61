//! Appointments as they stand, and their versions.

use crate::clinic::her_id;
use crate::notice::recall;
use crate::reading::guardian;
use crate::step::{Step, column, step};
use crate::timebok::{Part, TimebokKey, columns};
use crate::{StoreError, Tx, telling};
use ::messages::command::answer;
use ::messages::{HerId, Sensitive};
use domain::appointment::{Appointment, Change, NewVersion, Span, Status};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::Row;
use uuid::Uuid;

/// Locks timebøker, and then appointments with theirs, until the transaction ends: whatever is decided of them meanwhile waits. Everybody locks
/// in one order.
///
/// # Errors
/// As any step.
pub async fn lock(tx: &Tx<'_>, timeboker: &[TimebokKey], appointments: &[(HerId, Uuid)]) -> Result<(), StoreError> {
    if timeboker.is_empty() && appointments.is_empty() {
        return Ok(());
    }
    let clinics: Vec<i64> = timeboker.iter().map(|(clinic, _)| clinic.get()).collect();
    let names: Vec<&str> = timeboker.iter().map(|(_, name)| name.as_str()).collect();
    let (of, ids): (Vec<i64>, Vec<Uuid>) = appointments.iter().map(|(clinic, id)| (clinic.get(), *id)).unzip();
    let lock = step!(
        "appointment.lock_timeboker",
        "select from dialogpost.timebok b where (b.clinic, b.id) in (
            select * from unnest($1::bigint[], $2::text[])
            union select a.clinic, a.timebok from dialogpost.appointment a join unnest($3::bigint[], $4::uuid[]) k(clinic, id)
                on a.id = k.id and a.clinic = k.clinic
         ) order by b.clinic, b.id for no key update"
    );
    tx.query(lock, &[&clinics, &names, &of, &ids]).await?;
    let lock = step!(
        "appointment.lock",
        "select from dialogpost.appointment a where (a.clinic, a.id) in (select * from unnest($1::bigint[], $2::uuid[]))
         order by a.id for no key update"
    );
    tx.query(lock, &[&of, &ids]).await.map(drop)
}

/// An appointment with whose it is.
#[derive(Clone, Debug)]
pub struct Known {
    /// The clinic.
    pub clinic: HerId,
    /// The appointment.
    pub appointment: Appointment,
    /// National number of the patient.
    pub nin: Sensitive<String>,
}

const BY_ID: Step = step!(
    "appointment.by_id",
    "select a.*, p.nin from (select distinct * from unnest($1::bigint[], $2::uuid[])) k(clinic, id)
     join dialogpost.appointment a on a.id = k.id and a.clinic = k.clinic
     join dialogpost.patient p on p.id = a.patient"
);
const BY_UID: Step = step!(
    "appointment.by_uid",
    "select a.*, p.nin from (select distinct * from unnest($1::bigint[], $2::uuid[])) k(clinic, uid)
     join dialogpost.appointment a on a.uid = k.uid and a.clinic = k.clinic
     join dialogpost.patient p on p.id = a.patient"
);

/// Appointments as their clinics name them; another clinic's is left out.
///
/// # Errors
/// As any step.
pub async fn by_id(tx: &Tx<'_>, named: &[(HerId, Uuid)]) -> Result<HashMap<Uuid, Known>, StoreError> {
    Ok(load(tx, BY_ID, named).await?.into_iter().map(|known| (known.appointment.id, known)).collect())
}

/// Appointments as HelseNorge names them.
///
/// # Errors
/// As any step.
pub async fn by_uid(tx: &Tx<'_>, named: &[(HerId, Uuid)]) -> Result<HashMap<(HerId, Uuid), Appointment>, StoreError> {
    let known = load(tx, BY_UID, named).await?.into_iter();
    Ok(known.map(|known| ((known.clinic, known.appointment.uid), known.appointment)).collect())
}

async fn load(tx: &Tx<'_>, by: Step, named: &[(HerId, Uuid)]) -> Result<Vec<Known>, StoreError> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let (clinics, ids): (Vec<i64>, Vec<Uuid>) = named.iter().map(|(clinic, id)| (clinic.get(), *id)).unzip();
    let of = |row: &Row| {
        let nin = Sensitive::new(column(row, "nin")?);
        Ok(Known { clinic: her_id(row, "clinic")?, appointment: appointment(row)?, nin })
    };
    tx.query(by, &[&clinics, &ids]).await?.iter().map(of).collect()
}

pub(crate) fn appointment(row: &Row) -> Result<Appointment, StoreError> {
    Ok(Appointment {
        id: column(row, "id")?,
        timebok: column(row, "timebok")?,
        patient: column(row, "patient")?,
        span: Span { start: column(row, "starts_at")?, end: column(row, "ends_at")? },
        appointment_type: column(row, "type")?,
        status: Status::parse(column(row, "status")?).ok_or_else(|| StoreError::row("status"))?,
        uid: column(row, "uid")?,
        version: u32::try_from(column::<i32>(row, "version")?).map_err(|_| StoreError::row("version"))?,
        comment: column::<Option<String>>(row, "comment")?.map(Sensitive::new),
    })
}

/// Times that appointments take, by timebok, each with whose it is.
pub type Taken = HashMap<TimebokKey, Vec<(Span, Uuid)>>;

/// Appointments that take any of the time of parts of timebøker.
///
/// # Errors
/// As any step.
pub async fn taken(tx: &Tx<'_>, parts: &[Part]) -> Result<Taken, StoreError> {
    let mut taken = Taken::new();
    if parts.is_empty() {
        return Ok(taken);
    }
    let (clinics, timeboker, starts, ends) = columns(parts);
    let load = step!(
        "appointment.taken",
        "select distinct a.clinic, a.timebok, a.starts_at, a.ends_at, a.id
         from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[]) p(clinic, timebok, starts_at, ends_at)
         join dialogpost.appointment a on a.clinic = p.clinic and a.timebok = p.timebok and a.status <> 'cancelled'
            and tstzrange(a.starts_at, a.ends_at) && tstzrange(p.starts_at, p.ends_at)"
    );
    for row in tx.query(load, &[&clinics, &timeboker, &starts, &ends]).await? {
        let span = Span { start: column(&row, "starts_at")?, end: column(&row, "ends_at")? };
        taken.entry((her_id(&row, "clinic")?, column(&row, "timebok")?)).or_default().push((span, column(&row, "id")?));
    }
    Ok(taken)
}

/// What stands in parts of timebøker, by their places in the list; cancelled appointments are left out.
///
/// # Errors
/// As any step.
pub async fn standing(tx: &Tx<'_>, parts: &[Part]) -> Result<Vec<Vec<answer::Appointment>>, StoreError> {
    let mut found: Vec<Vec<answer::Appointment>> = parts.iter().map(|_| Vec::new()).collect();
    if parts.is_empty() {
        return Ok(found);
    }
    let (clinics, timeboker, starts, ends) = columns(parts);
    let load = step!(
        "appointment.standing",
        "select p.n, a.*, t.nin from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[])
            with ordinality p(of, name, from_at, until_at, n)
         join dialogpost.appointment a on a.clinic = p.of and a.timebok = p.name and a.starts_at >= p.from_at and a.starts_at < p.until_at
            and a.status <> 'cancelled'
         join dialogpost.patient t on t.id = a.patient
         order by p.n, a.starts_at, a.id"
    );
    for row in tx.query(load, &[&clinics, &timeboker, &starts, &ends]).await? {
        let n = usize::try_from(column::<i64>(&row, "n")?).unwrap_or(0);
        let one = told(&row)?;
        if let Some(list) = n.checked_sub(1).and_then(|n| found.get_mut(n)) {
            list.push(one);
        }
    }
    Ok(found)
}

/// The last 500 appointments of patients, cancelled ones too, the earliest first.
///
/// # Errors
/// As any step.
pub async fn of_patients(
    tx: &Tx<'_>,
    named: &[(HerId, String)],
) -> Result<HashMap<(HerId, String), Vec<answer::Appointment>>, StoreError> {
    let mut found = HashMap::<(HerId, String), Vec<answer::Appointment>>::new();
    if named.is_empty() {
        return Ok(found);
    }
    let clinics: Vec<i64> = named.iter().map(|(clinic, _)| clinic.get()).collect();
    let numbers: Vec<&str> = named.iter().map(|(_, nin)| nin.as_str()).collect();
    let load = step!(
        "appointment.of_patients",
        "select a.*, p.nin, by.representative from (select distinct * from unnest($1::bigint[], $2::text[])) k(clinic, nin)
         join dialogpost.patient p on p.clinic = k.clinic and p.nin = k.nin
         cross join lateral (select * from dialogpost.appointment where patient = p.id order by starts_at desc limit 500) a
         left join lateral (select r.representative from dialogpost.booking_decision d
            join dialogpost.booking_request r on r.message = d.request
            where d.appointment = a.id and d.code is null and r.kind = 'reserve' order by d.at limit 1) by on true
         order by a.starts_at, a.id"
    );
    for row in tx.query(load, &[&clinics, &numbers]).await? {
        found
            .entry((her_id(&row, "clinic")?, column(&row, "nin")?))
            .or_default()
            .push(answer::Appointment { guardian: guardian(&row)?, ..told(&row)? });
    }
    Ok(found)
}

/// An appointment as its clinic is told of it.
fn told(row: &Row) -> Result<answer::Appointment, StoreError> {
    let nin = Sensitive::new(column(row, "nin")?);
    let Appointment { id, timebok, span, appointment_type, status, version, comment, .. } = appointment(row)?;
    Ok(answer::Appointment {
        appointment: id,
        version,
        timebok,
        patient: nin,
        start: span.start,
        end: span.end,
        appointment_type,
        status,
        comment,
        guardian: None,
    })
}

/// Writes versions that were decided on, in order: the appointments as they stand after the last of them, every version, reminders, that
/// HelseNorge may have to be told, and new names for slots that were booked. What is called off by them is no longer noticed.
///
/// # Errors
/// As any step; [`StoreError::Conflict`] when two would hold the same time.
pub async fn write(tx: &Tx<'_>, versions: &[NewVersion], now: Timestamp) -> Result<(), StoreError> {
    if versions.is_empty() {
        return Ok(());
    }
    let last: BTreeMap<Uuid, &NewVersion> = versions.iter().map(|version| (version.appointment.id, version)).collect();
    let last: Vec<&NewVersion> = last.into_values().collect();
    put(tx, &last, now).await?;
    remind(tx, &last).await?;
    keep(tx, versions, now).await?;
    // Until it is told: by an answer in this very transaction, or by itself.
    telling::owe(tx, &last.iter().map(|v| v.appointment.id).collect::<Vec<_>>(), now).await?;
    let changed = versions.iter().filter(|v| matches!(v.change, Change::Moved | Change::Cancelled));
    let silenced = changed.chain(last.iter().copied().filter(|v| !v.is_visible)).map(|v| v.appointment.id);
    recall::call_off(tx, &silenced.collect::<Vec<_>>(), now).await?;
    let booked: Vec<Uuid> = versions.iter().filter(|v| v.takes_slot).map(|v| v.appointment.uid).collect();
    if booked.is_empty() {
        return Ok(());
    }
    let rename = step!("slot.rename", "update dialogpost.slot set uid = gen_random_uuid() where uid = any($1)");
    tx.query(rename, &[&booked]).await.map(drop)
}

async fn put(tx: &Tx<'_>, last: &[&NewVersion], now: Timestamp) -> Result<(), StoreError> {
    let of = |v: &&NewVersion| v.appointment.clone();
    let all: Vec<Appointment> = last.iter().map(of).collect();
    let ids: Vec<Uuid> = all.iter().map(|a| a.id).collect();
    let clinics: Vec<i64> = last.iter().map(|v| v.clinic.get()).collect();
    let timeboker: Vec<&str> = all.iter().map(|a| a.timebok.as_str()).collect();
    let patients: Vec<Uuid> = all.iter().map(|a| a.patient).collect();
    let starts: Vec<Timestamp> = all.iter().map(|a| a.span.start).collect();
    let ends: Vec<Timestamp> = all.iter().map(|a| a.span.end).collect();
    let types: Vec<&str> = all.iter().map(|a| a.appointment_type.as_str()).collect();
    let statuses: Vec<&str> = all.iter().map(|a| a.status.as_str()).collect();
    let uids: Vec<Uuid> = all.iter().map(|a| a.uid).collect();
    let versions: Vec<i32> = all.iter().map(|a| number(a.version)).collect();
    let comments: Vec<Option<&str>> = all.iter().map(|a| a.comment.as_ref().map(|c| c.expose().as_str())).collect();
    let put = step!(
        "appointment.put",
        "insert into dialogpost.appointment as a (id, clinic, timebok, patient, starts_at, ends_at, type, status, uid, version, comment,
            booked_at, changed_at)
         select *, $12::timestamptz, $12::timestamptz from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::timestamptz[],
            $6::timestamptz[], $7::text[], $8::text[], $9::uuid[], $10::int[], $11::text[])
         on conflict (id) do update set timebok = excluded.timebok, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
            type = excluded.type, status = excluded.status, version = excluded.version, changed_at = excluded.changed_at
            where a.version < excluded.version"
    );
    tx.query(put, &[&ids, &clinics, &timeboker, &patients, &starts, &ends, &types, &statuses, &uids, &versions, &comments, &now])
        .await
        .map(drop)
}

/// The reminder of each as it stands now, and no other.
async fn remind(tx: &Tx<'_>, last: &[&NewVersion]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = last.iter().map(|v| v.appointment.id).collect();
    let versions: Vec<i32> = last.iter().map(|v| number(v.appointment.version)).collect();
    let due: Vec<Option<Timestamp>> = last.iter().map(|v| v.reminder.map(|due| due.due_at)).collect();
    let ends: Vec<Option<Timestamp>> = last.iter().map(|v| v.reminder.map(|due| due.expires_at)).collect();
    let remind = step!(
        "reminder.put",
        "with given as (
            select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[]) g(appointment, version, due_at, expires_at)
         ), gone as (
            delete from dialogpost.reminder r using given g where r.appointment = g.appointment and g.due_at is null
         )
         insert into dialogpost.reminder (appointment, version, due_at, expires_at) select * from given where due_at is not null
         on conflict (appointment) do update set version = excluded.version, due_at = excluded.due_at, expires_at = excluded.expires_at"
    );
    tx.query(remind, &[&ids, &versions, &due, &ends]).await.map(drop)
}

/// Every version for itself: the same made twice is a conflict.
async fn keep(tx: &Tx<'_>, versions: &[NewVersion], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = versions.iter().map(|v| v.appointment.id).collect();
    let numbers: Vec<i32> = versions.iter().map(|v| number(v.appointment.version)).collect();
    let changes: Vec<&str> = versions.iter().map(|v| v.change.as_str()).collect();
    let actors: Vec<Option<&str>> = versions.iter().map(|v| v.actor.as_deref()).collect();
    let requests: Vec<Option<Uuid>> = versions.iter().map(|v| v.request).collect();
    let starts: Vec<Timestamp> = versions.iter().map(|v| v.appointment.span.start).collect();
    let ends: Vec<Timestamp> = versions.iter().map(|v| v.appointment.span.end).collect();
    let types: Vec<&str> = versions.iter().map(|v| v.appointment.appointment_type.as_str()).collect();
    let keep = step!(
        "appointment_change.insert",
        "insert into dialogpost.appointment_change (appointment, version, change, actor, request, starts_at, ends_at, type, at)
         select *, $9::timestamptz from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[],
            $7::timestamptz[], $8::text[])"
    );
    tx.query(keep, &[&ids, &numbers, &changes, &actors, &requests, &starts, &ends, &types, &now]).await.map(drop)
}

pub(crate) fn number(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
