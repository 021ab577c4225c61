//! Timebøker: types of appointments, slots, and what is free.

use crate::clinic::her_id;
use crate::step::{column, step};
use crate::{Session, StoreError, Tx, appointment, clinic};
use ::messages::HerId;
use domain::appointment::change::PutSlot;
use domain::appointment::{Appointment, Change, NewVersion, Slot, Span, is_seen, reminder_of};
use domain::setup::{ClinicSetup, SlotSetup};
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// A timebok as it is named: its clinic's HER-id and its short name.
pub type TimebokKey = (HerId, String);

/// Brings types and timebøker to what a checked file says. Those that it does not name are removed, or, when an appointment is of them, take no
/// more; slots that are there stay as they are. Appointments to come that patients are to see otherwise get a version; HelseNorge knows the
/// employees `renumbered` by another HER-id than before.
///
/// # Errors
/// As any step.
pub(crate) async fn set_up(
    tx: &Tx<'_>,
    clinic: &ClinicSetup,
    renumbered: &[&str],
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let concerned = concerned(tx, clinic, renumbered, now).await?;
    put_types(tx, clinic).await?;
    put_timeboker(tx, clinic).await?;
    change(tx, clinic, concerned, actor, now).await?;
    let minutes: HashMap<&str, u32> = clinic.appointment_types.iter().map(|t| (t.id.as_str(), t.minutes)).collect();
    let slot = |timebok: &str, slot: &SlotSetup| {
        let minutes = minutes.get(slot.appointment_type.as_str()).copied()?;
        let end = slot.start.checked_add(jiff::SignedDuration::from_mins(i64::from(minutes))).ok()?;
        Some(PutSlot {
            clinic: clinic.her_id,
            timebok: timebok.to_owned(),
            span: Span { start: slot.start, end },
            appointment_type: slot.appointment_type.clone(),
            online: slot.online,
            uid: Uuid::new_v4(),
        })
    };
    let slots = clinic.timeboker.iter().flat_map(|book| book.slots.iter().filter_map(|one| slot(&book.id, one)));
    insert_slots(tx, &slots.collect::<Vec<_>>(), false).await?;
    remove_unnamed(tx, clinic).await
}

/// Appointments to come of which patients are to see something else from now on: of another kind, with another doctor, or nothing.
async fn concerned(
    tx: &Tx<'_>,
    clinic: &ClinicSetup,
    renumbered: &[&str],
    now: Timestamp,
) -> Result<Vec<Appointment>, StoreError> {
    let types: Vec<&str> = clinic.appointment_types.iter().map(|t| t.id.as_str()).collect();
    let contacts: Vec<&str> = clinic.appointment_types.iter().map(|t| t.contact.as_str()).collect();
    let hidden: Vec<bool> = clinic.appointment_types.iter().map(|t| t.hidden).collect();
    let timeboker: Vec<&str> = clinic.timeboker.iter().map(|t| t.id.as_str()).collect();
    let owners: Vec<&str> = clinic.timeboker.iter().map(|t| t.owner.as_str()).collect();
    let lock = step!("timebok.lock_all", "select from dialogpost.timebok where clinic = $1 order by id for no key update");
    tx.query(lock, &[&clinic.her_id.get()]).await?;
    let find = step!(
        "timebok.concerned",
        "select a.* from dialogpost.appointment a
         join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type
         join dialogpost.timebok b on b.clinic = a.clinic and b.id = a.timebok
         left join unnest($2::text[], $3::text[], $4::bool[]) n(id, contact, hidden) on n.id = t.id
         left join unnest($5::text[], $6::text[]) o(id, owner) on o.id = b.id
         where a.clinic = $1 and a.ends_at > $7 and a.status = 'booked'
            and (n.contact <> t.contact or n.hidden <> t.hidden or o.owner <> b.owner or b.owner = any($8))
         order by a.id for no key update of a"
    );
    let rows =
        tx.query(find, &[&clinic.her_id.get(), &types, &contacts, &hidden, &timeboker, &owners, &now, &renumbered]).await?;
    rows.iter().map(appointment::appointment).collect()
}

/// Timebøker that the set-up file no longer names and in which appointments are still to come, with how many.
///
/// # Errors
/// As any step.
pub async fn left_over(session: &Session, clinic: HerId, now: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    let find = step!(
        "timebok.left_over",
        "select b.id, count(*) as appointments from dialogpost.timebok b
         join dialogpost.appointment a on a.clinic = b.clinic and a.timebok = b.id
         where b.clinic = $1 and b.closed and a.status = 'booked' and a.ends_at > $2 group by b.id order by b.id"
    );
    let rows = session.query(find, &[&clinic.get(), &now]).await?;
    rows.iter().map(|row| Ok((column(row, "id")?, column(row, "appointments")?))).collect()
}

/// Makes a version of each, so that HelseNorge is told.
async fn change(
    tx: &Tx<'_>,
    clinic: &ClinicSetup,
    concerned: Vec<Appointment>,
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if concerned.is_empty() {
        return Ok(());
    }
    let known = clinic::load(tx, &[clinic.her_id]).await?;
    let Some(booking) = known.get(&clinic.her_id).map(|clinic| &clinic.booking) else { return Ok(()) };
    let versions = concerned.into_iter().map(|before| {
        let appointment = Appointment { version: before.version.saturating_add(1), ..before };
        NewVersion {
            clinic: clinic.her_id,
            reminder: reminder_of(&appointment, booking, now),
            is_visible: is_seen(&appointment, booking),
            change: Change::TypeChanged,
            actor: Some(actor.to_owned()),
            request: None,
            takes_slot: false,
            appointment,
        }
    });
    appointment::write(tx, &versions.collect::<Vec<_>>(), now).await
}

async fn put_types(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let types = &clinic.appointment_types;
    let ids: Vec<&str> = types.iter().map(|t| t.id.as_str()).collect();
    let names: Vec<&str> = types.iter().map(|t| t.name.as_str()).collect();
    let minutes: Vec<i32> = types.iter().map(|t| i32::try_from(t.minutes).unwrap_or(1)).collect();
    let contacts: Vec<&str> = types.iter().map(|t| t.contact.as_str()).collect();
    let hidden: Vec<bool> = types.iter().map(|t| t.hidden).collect();
    let notify: Vec<bool> = types.iter().map(|t| t.notify).collect();
    let put = step!(
        "timebok.types",
        "insert into dialogpost.appointment_type (clinic, id, name, minutes, contact, hidden, notify)
         select $1::bigint, * from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bool[], $7::bool[]) t(id, n, m, c, h, y)
         order by id
         on conflict (clinic, id) do update set name = excluded.name, minutes = excluded.minutes, contact = excluded.contact,
            hidden = excluded.hidden, notify = excluded.notify, closed = false"
    );
    tx.query(put, &[&clinic.her_id.get(), &ids, &names, &minutes, &contacts, &hidden, &notify]).await.map(drop)
}

async fn put_timeboker(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let ids: Vec<&str> = clinic.timeboker.iter().map(|t| t.id.as_str()).collect();
    let owners: Vec<&str> = clinic.timeboker.iter().map(|t| t.owner.as_str()).collect();
    let notify: Vec<bool> = clinic.timeboker.iter().map(|t| t.notify).collect();
    let put = step!(
        "timebok.put",
        "insert into dialogpost.timebok as b (clinic, id, owner, notify)
         select $1::bigint, * from unnest($2::text[], $3::text[], $4::bool[]) t(id, o, n) order by id
         on conflict (clinic, id) do update set owner = excluded.owner, notify = excluded.notify, closed = false
            where (b.owner, b.notify, b.closed) is distinct from (excluded.owner, excluded.notify, false)"
    );
    tx.query(put, &[&clinic.her_id.get(), &ids, &owners, &notify]).await.map(drop)
}

async fn remove_unnamed(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let timeboker: Vec<&str> = clinic.timeboker.iter().map(|t| t.id.as_str()).collect();
    let types: Vec<&str> = clinic.appointment_types.iter().map(|t| t.id.as_str()).collect();
    let remove = step!(
        "timebok.remove",
        "delete from dialogpost.timebok b where b.clinic = $1 and b.id <> all($2)
            and not exists (select from dialogpost.appointment a where a.clinic = b.clinic and a.timebok = b.id)"
    );
    tx.query(remove, &[&clinic.her_id.get(), &timeboker]).await?;
    // One that has appointments stays for their sake, and takes no more.
    let close =
        step!("timebok.close", "update dialogpost.timebok set closed = true where clinic = $1 and id <> all($2) and not closed");
    tx.query(close, &[&clinic.her_id.get(), &timeboker]).await?;
    let remove_types = step!(
        "timebok.remove_types",
        "delete from dialogpost.appointment_type t where t.clinic = $1 and t.id <> all($2)
            and not exists (select from dialogpost.appointment a where a.clinic = t.clinic and a.type = t.id)
            and not exists (select from dialogpost.slot s where s.clinic = t.clinic and s.type = t.id)"
    );
    tx.query(remove_types, &[&clinic.her_id.get(), &types]).await?;
    let close = step!(
        "timebok.close_types",
        "update dialogpost.appointment_type set closed = true where clinic = $1 and id <> all($2) and not closed"
    );
    tx.query(close, &[&clinic.her_id.get(), &types]).await.map(drop)
}

/// Puts slots into timebøker; those that begin at the same time are changed.
///
/// # Errors
/// As any step.
pub async fn put_slots(tx: &Tx<'_>, slots: &[PutSlot]) -> Result<(), StoreError> {
    insert_slots(tx, slots, true).await
}

async fn insert_slots(tx: &Tx<'_>, slots: &[PutSlot], changes: bool) -> Result<(), StoreError> {
    if slots.is_empty() {
        return Ok(());
    }
    let clinics: Vec<i64> = slots.iter().map(|s| s.clinic.get()).collect();
    let timeboker: Vec<&str> = slots.iter().map(|s| s.timebok.as_str()).collect();
    let starts: Vec<_> = slots.iter().map(|s| s.span.start).collect();
    let ends: Vec<_> = slots.iter().map(|s| s.span.end).collect();
    let types: Vec<&str> = slots.iter().map(|s| s.appointment_type.as_str()).collect();
    let online: Vec<bool> = slots.iter().map(|s| s.online).collect();
    let uids: Vec<Uuid> = slots.iter().map(|s| s.uid).collect();
    // Of one start within a batch the last counts.
    let put = step!(
        "timebok.slots",
        "insert into dialogpost.slot (clinic, timebok, starts_at, ends_at, type, online, uid)
         select distinct on (clinic, timebok, starts_at) clinic, timebok, starts_at, ends_at, type, online, uid
         from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::bool[], $7::uuid[])
            with ordinality s(clinic, timebok, starts_at, ends_at, type, online, uid, n)
         order by clinic, timebok, starts_at, n desc
         on conflict (clinic, timebok, starts_at) do update set ends_at = excluded.ends_at, type = excluded.type, online = excluded.online
            where $8"
    );
    tx.query(put, &[&clinics, &timeboker, &starts, &ends, &types, &online, &uids, &changes]).await.map(drop)
}

/// A timebok and a time in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which timebok.
    pub key: TimebokKey,
    /// From and until.
    pub span: Span,
}

/// Parts as columns: clinics, timebøker, from when, until when.
pub(crate) fn columns(parts: &[Part]) -> (Vec<i64>, Vec<&str>, Vec<Timestamp>, Vec<Timestamp>) {
    let (mut clinics, mut timeboker, mut starts, mut ends) = (vec![], vec![], vec![], vec![]);
    for Part { key: (clinic, timebok), span } in parts {
        clinics.push(clinic.get());
        timeboker.push(timebok.as_str());
        starts.push(span.start);
        ends.push(span.end);
    }
    (clinics, timeboker, starts, ends)
}

/// The slots of parts of timebøker that begin in it or run into it, each with its part's place in the list and whether no appointment takes
/// any of its time; `only_online`: those that are released, free, and of a type that patients may
/// book; `limit` for each part.
///
/// # Errors
/// As any step.
pub async fn slots(tx: &Tx<'_>, parts: &[Part], only_online: bool, limit: usize) -> Result<Vec<Vec<(Slot, bool)>>, StoreError> {
    let mut found: Vec<Vec<(Slot, bool)>> = parts.iter().map(|_| Vec::new()).collect();
    if parts.is_empty() {
        return Ok(found);
    }
    let (clinics, timeboker, starts, ends) = columns(parts);
    let load = step!(
        "timebok.free_slots",
        "select p.n, s.* from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[])
            with ordinality p(clinic, timebok, starts_at, ends_at, n)
         cross join lateral (
            select s.timebok, s.starts_at, s.ends_at, s.type, s.online, s.uid, f.free
            from dialogpost.slot s
            join dialogpost.appointment_type t on t.clinic = s.clinic and t.id = s.type
            join dialogpost.clinic c on c.her_id = s.clinic
            cross join lateral (
                select not exists (select from dialogpost.appointment a where a.clinic = s.clinic and a.timebok = s.timebok
                    and a.status <> 'cancelled' and tstzrange(a.starts_at, a.ends_at) && tstzrange(s.starts_at, s.ends_at)) as free
            ) f
            where s.clinic = p.clinic and s.timebok = p.timebok and s.starts_at >= p.starts_at and s.starts_at < p.ends_at
                and (not $5 or (s.online and f.free and not t.hidden and (t.contact <> 'video' or c.video_module)))
            order by s.starts_at limit $6
         ) s order by p.n, s.starts_at"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    for row in tx.query(load, &[&clinics, &timeboker, &starts, &ends, &only_online, &limit]).await? {
        let n = usize::try_from(column::<i64>(&row, "n")?).unwrap_or(0);
        let one = (slot(&row)?, column(&row, "free")?);
        if let Some(list) = n.checked_sub(1).and_then(|n| found.get_mut(n)) {
            list.push(one);
        }
    }
    Ok(found)
}

pub(crate) fn slot(row: &Row) -> Result<Slot, StoreError> {
    Ok(Slot {
        timebok: column(row, "timebok")?,
        span: Span { start: column(row, "starts_at")?, end: column(row, "ends_at")? },
        appointment_type: column(row, "type")?,
        online: column(row, "online")?,
        uid: column(row, "uid")?,
    })
}

/// The times of slots in timebøker around others, so that none runs into another.
///
/// # Errors
/// As any step.
pub async fn slots_around(tx: &Tx<'_>, parts: &[Part]) -> Result<HashMap<TimebokKey, Vec<Span>>, StoreError> {
    let mut found = HashMap::<TimebokKey, Vec<Span>>::new();
    if parts.is_empty() {
        return Ok(found);
    }
    let (clinics, timeboker, starts, ends) = columns(parts);
    // No slot is longer than a day.
    let load = step!(
        "timebok.slots_around",
        "select distinct s.clinic, s.timebok, s.starts_at, s.ends_at
         from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[]) p(clinic, timebok, starts_at, ends_at)
         join dialogpost.slot s on s.clinic = p.clinic and s.timebok = p.timebok
            and s.starts_at > p.starts_at - interval '1 day' and s.starts_at < p.ends_at"
    );
    for row in tx.query(load, &[&clinics, &timeboker, &starts, &ends]).await? {
        let span = Span { start: column(&row, "starts_at")?, end: column(&row, "ends_at")? };
        found.entry((her_id(&row, "clinic")?, column(&row, "timebok")?)).or_default().push(span);
    }
    Ok(found)
}
