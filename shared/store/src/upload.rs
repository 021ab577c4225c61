//! Files on their way in: parts that wait for a command that attaches them. They are put together in the database; nobody holds a whole
//! file for that.

use crate::step::{column, step};
use crate::{Session, StoreError, Tx, clinic::her_id};
use ::messages::{HerId, Sensitive};
use domain::command::attachments::{LEAST_COUNTED, Part, Spooled};
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

/// An upload as its caller names it: clinic and id.
pub type UploadKey = (HerId, Uuid);

fn columns(keys: &[UploadKey]) -> (Vec<i64>, Vec<Uuid>) {
    keys.iter().map(|(clinic, id)| (clinic.get(), *id)).unzip()
}

/// What is here of uploads, which are locked until the transaction ends; unknown ones are left out.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, keys: &[UploadKey]) -> Result<HashMap<UploadKey, Spooled>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (clinics, ids) = columns(keys);
    // Statements of their own: the next one then sees what others did before they let go. By name, since of an upload's first part there is
    // no row to lock: each of two workers would count its own parts alone. And the row, which `forget` leaves alone then.
    let lock = step!(
        "upload.lock",
        "select pg_advisory_xact_lock(hashtextextended(k.clinic || '/' || k.id, 0))
         from (select distinct * from unnest($1::bigint[], $2::uuid[]) u(clinic, id) order by 1, 2) k"
    );
    tx.query(lock, &[&clinics, &ids]).await?;
    let keep = step!(
        "upload.keep",
        "select from dialogpost.upload u where (u.clinic, u.id) in (select * from unnest($1::bigint[], $2::uuid[]))
         order by u.clinic, u.id for update"
    );
    tx.query(keep, &[&clinics, &ids]).await?;
    let load = step!(
        "upload.load",
        "select u.clinic, u.id, u.parts, p.numbers, p.sizes, p.leads
         from (select distinct * from unnest($1::bigint[], $2::uuid[])) k(clinic, id)
         join dialogpost.upload u on u.clinic = k.clinic and u.id = k.id
         cross join lateral (
            select coalesce(array_agg(part), '{}') as numbers, coalesce(array_agg(octet_length(bytes)), '{}') as sizes,
                coalesce(array_agg(case when part <= 16 then substring(bytes for 16) else '' end), '{}') as leads
            from dialogpost.upload_part where clinic = u.clinic and upload = u.id
         ) p"
    );
    let rows = tx.query(load, &[&clinics, &ids]).await?;
    rows.iter()
        .map(|r| {
            let number = |n: i32| u32::try_from(n).unwrap_or(0);
            let (numbers, sizes): (Vec<i32>, Vec<i32>) = (column(r, "numbers")?, column(r, "sizes")?);
            let leads: Vec<Vec<u8>> = column(r, "leads")?;
            let numbers = || numbers.iter().copied().map(number);
            let sizes = numbers().zip(sizes.into_iter().map(|n| u64::from(number(n)))).collect();
            let leads = numbers().zip(leads).filter(|(_, lead)| !lead.is_empty()).collect();
            let spooled = Spooled { parts: number(column(r, "parts")?), sizes, leads };
            Ok(((her_id(r, "clinic")?, column(r, "id")?), spooled))
        })
        .collect()
}

/// Bytes that clinics have uploaded and not attached, as the limit counts them; clinics without any are left out.
///
/// # Errors
/// As any step.
pub async fn spooled(tx: &Tx<'_>, clinics: &[HerId]) -> Result<HashMap<HerId, u64>, StoreError> {
    if clinics.is_empty() {
        return Ok(HashMap::new());
    }
    let clinics: Vec<i64> = clinics.iter().map(|id| id.get()).collect();
    let sum = step!(
        "upload.spooled",
        "select clinic, sum(greatest(octet_length(bytes), $2::int))::bigint as bytes from dialogpost.upload_part
         where clinic = any($1) group by clinic"
    );
    let least = i32::try_from(LEAST_COUNTED).unwrap_or(i32::MAX);
    let of = |r: &tokio_postgres::Row| Ok((her_id(r, "clinic")?, u64::try_from(column::<i64>(r, "bytes")?).unwrap_or(0)));
    tx.query(sum, &[&clinics, &least]).await?.iter().map(of).collect()
}

/// Keeps parts; one that comes again replaces the first.
///
/// # Errors
/// As any step.
pub async fn put(tx: &Tx<'_>, parts: &[(UploadKey, Part)], at: Timestamp) -> Result<(), StoreError> {
    if parts.is_empty() {
        return Ok(());
    }
    // Of the same part in one batch the last counts: one statement cannot change a row twice.
    let last: HashMap<(UploadKey, u32), &Part> = parts.iter().map(|(key, part)| ((*key, part.part), part)).collect();
    let mut last: Vec<_> = last.into_iter().collect();
    last.sort_by_key(|(key, _)| *key);
    let (clinics, ids): (Vec<i64>, Vec<Uuid>) = last.iter().map(|(((clinic, id), _), _)| (clinic.get(), *id)).unzip();
    let wholes: Vec<i32> = last.iter().map(|(_, part)| i32::try_from(part.parts).unwrap_or(i32::MAX)).collect();
    let numbers: Vec<i32> = last.iter().map(|(_, part)| i32::try_from(part.part).unwrap_or(i32::MAX)).collect();
    let bytes: Vec<&[u8]> = last.iter().map(|(_, part)| part.bytes.as_slice()).collect();
    let open = step!(
        "upload.open",
        "insert into dialogpost.upload (clinic, id, parts, at)
         select distinct on (clinic, id) clinic, id, parts, $4::timestamptz from unnest($1::bigint[], $2::uuid[], $3::int[]) u(clinic, id, parts)
         order by clinic, id on conflict do nothing"
    );
    tx.query(open, &[&clinics, &ids, &wholes, &at]).await?;
    let put = step!(
        "upload.put",
        "insert into dialogpost.upload_part (clinic, upload, part, bytes)
         select * from unnest($1::bigint[], $2::uuid[], $3::int[], $4::bytea[])
         on conflict (clinic, upload, part) do update set bytes = excluded.bytes"
    );
    tx.query(put, &[&clinics, &ids, &numbers, &bytes]).await.map(drop)
}

/// A file that an entry takes over.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The entry.
    pub entry: Uuid,
    /// Its place among the entry's files, from 1.
    pub number: i32,
    /// Its name.
    pub file_name: Sensitive<String>,
    /// By its leading bytes.
    pub media_type: &'static str,
    /// What was uploaded.
    pub upload: UploadKey,
}

/// Makes attachments of uploads, which are gone then.
///
/// # Errors
/// As any step.
pub async fn attach(tx: &Tx<'_>, attached: &[Attached]) -> Result<(), StoreError> {
    if attached.is_empty() {
        return Ok(());
    }
    let entries: Vec<Uuid> = attached.iter().map(|a| a.entry).collect();
    let numbers: Vec<i32> = attached.iter().map(|a| a.number).collect();
    let names: Vec<&str> = attached.iter().map(|a| a.file_name.expose().as_str()).collect();
    let types: Vec<&str> = attached.iter().map(|a| a.media_type).collect();
    let (clinics, uploads) = columns(&attached.iter().map(|a| a.upload).collect::<Vec<_>>());
    let attach = step!(
        "upload.attach",
        "insert into dialogpost.attachment (entry, number, file_name, media_type, bytes)
         select a.entry, a.number, a.name, a.type,
            (select string_agg(bytes, ''::bytea order by part) from dialogpost.upload_part where clinic = a.clinic and upload = a.upload)
         from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::uuid[]) a(entry, number, name, type, clinic, upload)"
    );
    tx.query(attach, &[&entries, &numbers, &names, &types, &clinics, &uploads]).await?;
    let done = step!(
        "upload.done",
        "delete from dialogpost.upload where (clinic, id) in (select * from unnest($1::bigint[], $2::uuid[]))"
    );
    tx.query(done, &[&clinics, &uploads]).await.map(drop)
}

/// Forgets what nobody attached; returns how many.
///
/// # Errors
/// As any step.
pub async fn forget(session: &Session, before: Timestamp) -> Result<usize, StoreError> {
    let forget = step!(
        "upload.forget",
        "delete from dialogpost.upload u using (
            select clinic, id from dialogpost.upload where at < $1 order by at limit 100 for update skip locked
         ) old where u.clinic = old.clinic and u.id = old.id returning u.id"
    );
    session.query(forget, &[&before]).await.map(|rows| rows.len())
}
