//! What the rules ask before they decide on commands: a few statements a batch. A clinic is told of its own only: whatever it names that is
//! another's is left out, as if it were not there.

use crate::step::{Step, column, step};
use crate::{Session, StoreError, Tx, clinic::her_id, dialog};
use ::messages::event::DialogKind;
use ::messages::{HerId, Sensitive};
use domain::command::dialog::{Known, Request};
use domain::command::writing::KnownPatient;
use domain::reach::{Reach, through};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// Dialogs as their clinics name them, locked until the transaction ends.
///
/// # Errors
/// As any step.
pub async fn dialogs_locked(tx: &Tx<'_>, named: &[(HerId, Uuid)]) -> Result<HashMap<Uuid, (HerId, Known)>, StoreError> {
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let (clinics, ids) = columns(named);
    // A statement of its own: the next one then sees what others did before they let go.
    let lock = step!(
        "known.lock",
        "select from dialogpost.dialog d where (d.clinic, d.id) in (select * from unnest($1::bigint[], $2::uuid[])) order by d.id for update"
    );
    tx.query(lock, &[&clinics, &ids]).await?;
    dialogs(tx, named).await
}

fn columns(named: &[(HerId, Uuid)]) -> (Vec<i64>, Vec<Uuid>) {
    named.iter().map(|(clinic, id)| (clinic.get(), *id)).unzip()
}

const DIALOGS: Step = step!(
    "known.dialogs",
    "select d.id, d.clinic, d.kind, d.title, d.patient, p.nin, p.fastlege, d.closed_at is not null as closed, d.entries,
        coalesce(r.ids, '{}') as requests, coalesce(r.codes, '{}') as codes, coalesce(r.answered, '{}') as answered,
        array(select b.kind from dialogpost.dialog b where b.patient = d.patient and b.conversation = d.conversation and b.id <> d.id) as beside,
        coalesce((select array_agg(employee order by employee) from dialogpost.dialog_participant where dialog = d.id), '{}') as participants,
        case when n.direction = 'in' then n.to_her_id else n.from_her_id end as own,
        case when n.direction = 'in' then n.from_her_id else n.to_her_id end as other
     from (select distinct * from unnest($1::bigint[], $2::uuid[])) k(clinic, id)
     join dialogpost.dialog d on d.id = k.id and d.clinic = k.clinic
     left join dialogpost.patient p on p.id = d.patient
     left join lateral (
        select array_agg(e.id order by e.sequence) as ids, array_agg(e.code order by e.sequence) as codes,
            array_agg(exists (select from dialogpost.dialog_entry a where a.answers = e.id) order by e.sequence) as answered
        from dialogpost.dialog_entry e where e.dialog = d.id and e.direction = 'in' and e.form = 'foresporsel'
            and d.kind in ('RESEPTFORNYELSE', 'TIMEONSKE')
     ) r on true
     left join lateral (
        select m.direction, m.from_her_id, m.to_her_id from dialogpost.dialog_entry e join dialogpost.message m on m.id = e.id
        where e.dialog = d.id order by e.direction = 'in' desc, e.sequence desc limit 1
     ) n on true"
);

/// Dialogs as their clinics name them, each with its clinic.
///
/// # Errors
/// As any step.
pub async fn dialogs(tx: &Tx<'_>, named: &[(HerId, Uuid)]) -> Result<HashMap<Uuid, (HerId, Known)>, StoreError> {
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let (clinics, ids) = columns(named);
    tx.query(DIALOGS, &[&clinics, &ids])
        .await?
        .iter()
        .map(|r| Ok((column(r, "id")?, (her_id(r, "clinic")?, known(r)?))))
        .collect()
}

fn known(row: &Row) -> Result<Known, StoreError> {
    let (requests, answered): (Vec<Uuid>, Vec<bool>) = (column(row, "requests")?, column(row, "answered")?);
    let codes: Vec<Option<String>> = column(row, "codes")?;
    let requests = requests.into_iter().zip(answered).zip(codes);
    let requests = requests.map(|((entry, answered), code)| Request { entry, code, answered }).collect();
    let number = |name| Ok::<_, StoreError>(column::<Option<i64>>(row, name)?.and_then(|n| HerId::try_from(n).ok()));
    Ok(Known {
        id: column(row, "id")?,
        kind: dialog::kind(row, "kind")?,
        closed: column(row, "closed")?,
        title: Sensitive::new(column(row, "title")?),
        patient: column(row, "patient")?,
        nin: column::<Option<String>>(row, "nin")?.map(Sensitive::new),
        fastlege: column(row, "fastlege")?,
        participants: column(row, "participants")?,
        entries: u32::try_from(column::<i32>(row, "entries")?).unwrap_or(0),
        requests,
        beside: column::<Vec<String>>(row, "beside")?.iter().filter_map(|name| DialogKind::parse(name)).collect(),
        between: number("own")?.zip(number("other")?),
    })
}

/// Patients as their clinics name them, by national number; unknown ones are left out.
///
/// # Errors
/// As any step.
pub async fn patients(tx: &Tx<'_>, named: &[(HerId, String)]) -> Result<HashMap<(HerId, String), KnownPatient>, StoreError> {
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let clinics: Vec<i64> = named.iter().map(|(clinic, _)| clinic.get()).collect();
    let numbers: Vec<&str> = named.iter().map(|(_, nin)| nin.as_str()).collect();
    let load = step!(
        "known.patients",
        "select p.clinic, p.nin, p.id, p.fastlege from (select distinct * from unnest($1::bigint[], $2::text[])) k(clinic, nin)
         join dialogpost.patient p on p.clinic = k.clinic and p.nin = k.nin"
    );
    let rows = tx.query(load, &[&clinics, &numbers]).await?;
    let of = |r: &Row| {
        let patient = KnownPatient { id: column(r, "id")?, fastlege: column(r, "fastlege")? };
        Ok(((her_id(r, "clinic")?, column(r, "nin")?), patient))
    };
    rows.iter().map(of).collect()
}

/// Through which party each clinic reaches HelseNorge (see [`domain::reach`]). Clinics without any, or with several to choose from, are left
/// out.
///
/// # Errors
/// As any step.
pub async fn reach(tx: &Tx<'_>, clinics: &[HerId]) -> Result<HashMap<HerId, HerId>, StoreError> {
    if clinics.is_empty() {
        return Ok(HashMap::new());
    }
    let clinics: Vec<i64> = clinics.iter().map(|id| id.get()).collect();
    let through = reached(tx.query(REACH, &[&clinics]).await?)?;
    Ok(through.into_iter().filter_map(|(clinic, party)| Some((clinic, party.ok()?))).collect())
}

/// Likewise of one clinic, outside a transaction; `None` = it is not known.
///
/// # Errors
/// As any step.
pub async fn reach_now(session: &Session, clinic: HerId) -> Result<Option<Reach>, StoreError> {
    Ok(reached(session.query(REACH, &[&vec![clinic.get()]]).await?)?.pop().map(|(_, party)| party))
}

const REACH: Step = step!(
    "known.reach",
    "select c.her_id, c.helsenorge, array(select p.her_id from dialogpost.communication_party p
        order by p.her_id is not distinct from c.helsenorge desc, p.her_id limit 2) as parties
     from dialogpost.clinic c where c.her_id = any($1)"
);

fn reached(rows: Vec<Row>) -> Result<Vec<(HerId, Reach)>, StoreError> {
    let id = |n: i64| HerId::try_from(n).map_err(|_| StoreError::row("helsenorge"));
    let of = |r: &Row| {
        let named = column::<Option<i64>>(r, "helsenorge")?.map(id).transpose()?;
        let parties: Vec<HerId> = column::<Vec<i64>>(r, "parties")?.into_iter().map(id).collect::<Result<_, _>>()?;
        Ok((her_id(r, "her_id")?, through(named, &parties)))
    };
    rows.iter().map(of).collect()
}
