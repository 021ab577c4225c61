//! Who did what, on whose data: appended to one chain for each clinic, read by pages.

use crate::clinic::her_id;
use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use ::messages::{HerId, PersonId};
use domain::audit::{Break, Hash, Head, Record, Row, Walk};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// Appends records, in this order, each to the chain of its clinic, [as they are kept](Record::as_kept). Three statements, however many
/// records.
///
/// The heads of these chains are locked until the transaction ends: append once in a transaction, as late as possible, for then whoever
/// appends to several chains locks them in the same order as others do.
///
/// # Errors
/// As any step.
pub async fn append(tx: &Tx<'_>, records: &[Record]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let kept: Vec<Record> = records.iter().map(Record::as_kept).collect();
    let mut heads = lock(tx, &kept).await?;
    let mut places = Vec::with_capacity(kept.len());
    for record in &kept {
        let head = heads.get_mut(&record.chain()).ok_or(StoreError::row("audit.lock"))?;
        *head = head.then(record);
        places.push(*head);
    }
    write(tx, &kept, &places, &heads).await
}

/// The heads of these records' chains, locked in the order of their numbers.
async fn lock(tx: &Tx<'_>, records: &[Record]) -> Result<BTreeMap<i64, Head>, StoreError> {
    let mut chains: Vec<i64> = records.iter().map(Record::chain).collect();
    chains.sort_unstable();
    chains.dedup();
    let begin = step!(
        "audit.begin",
        "insert into dialogpost.audit_head (clinic, sequence, hash)
         select clinic, 0, $2 from unnest($1::bigint[]) c(clinic) order by clinic on conflict do nothing"
    );
    tx.query(begin, &[&chains, &Head::START.hash.as_bytes()]).await?;
    let lock = step!(
        "audit.lock",
        "select clinic, sequence, hash from dialogpost.audit_head where clinic = any($1) order by clinic for update"
    );
    let head = |row: &tokio_postgres::Row| {
        Ok(Head { sequence: column(row, "sequence")?, hash: hash_of(row).ok_or(StoreError::row("hash"))? })
    };
    tx.query(lock, &[&chains]).await?.iter().map(|row| Ok((column(row, "clinic")?, head(row)?))).collect()
}

async fn write(tx: &Tx<'_>, records: &[Record], places: &[Head], heads: &BTreeMap<i64, Head>) -> Result<(), StoreError> {
    let chains: Vec<i64> = records.iter().map(Record::chain).collect();
    let sequences: Vec<i64> = places.iter().map(|place| place.sequence).collect();
    let at: Vec<Timestamp> = records.iter().map(|r| r.at).collect();
    let actors: Vec<&str> = records.iter().map(|r| r.actor.as_str()).collect();
    let actions: Vec<&str> = records.iter().map(|r| r.action.as_str()).collect();
    let subjects: Vec<&str> = records.iter().map(|r| r.subject.as_str()).collect();
    let patients: Vec<Json<&Vec<_>>> = records.iter().map(|r| Json(&r.patients)).collect();
    let reasons: Vec<Option<&str>> = records.iter().map(|r| r.reason.as_deref()).collect();
    let details: Vec<Option<&Value>> = records.iter().map(|r| r.detail.as_ref()).collect();
    let hashes: Vec<&[u8]> = places.iter().map(|place| place.hash.as_bytes()).collect();
    let of_heads: Vec<i64> = heads.keys().copied().collect();
    let head_sequences: Vec<i64> = heads.values().map(|head| head.sequence).collect();
    let head_hashes: Vec<&[u8]> = heads.values().map(|head| head.hash.as_bytes()).collect();
    let append = step!(
        "audit.append",
        "with ends as (
            update dialogpost.audit_head h set sequence = e.sequence, hash = e.hash
            from unnest($11::bigint[], $12::bigint[], $13::bytea[]) e(clinic, sequence, hash) where h.clinic = e.clinic
         )
         insert into dialogpost.audit (clinic, sequence, at, actor, action, subject, patients, reason, detail, hash)
         select r.clinic, r.sequence, r.at, r.actor, r.action, r.subject,
            array(select p.nin from jsonb_array_elements_text(r.patients) with ordinality p(nin, n) order by p.n), r.reason, r.detail,
            r.hash
         from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[],
            $9::jsonb[], $10::bytea[]) r(clinic, sequence, at, actor, action, subject, patients, reason, detail, hash)"
    );
    tx.query(
        append,
        &[
            &chains,
            &sequences,
            &at,
            &actors,
            &actions,
            &subjects,
            &patients,
            &reasons,
            &details,
            &hashes,
            &of_heads,
            &head_sequences,
            &head_hashes,
        ],
    )
    .await
    .map(drop)
}

fn hash_of(row: &tokio_postgres::Row) -> Option<Hash> {
    Hash::try_from(column::<&[u8]>(row, "hash").ok()?).ok()
}

/// The numbers of all chains that have a row or a head.
///
/// # Errors
/// As any step.
pub async fn chains(session: &Session) -> Result<Vec<i64>, StoreError> {
    // From one clinic to the next through the index: there are few of them, and many rows of each.
    let chains = step!(
        "audit.chains",
        "with recursive c(clinic) as (
            select min(clinic) from dialogpost.audit
            union all select (select min(a.clinic) from dialogpost.audit a where a.clinic > c.clinic) from c where c.clinic is not null
         )
         select clinic from c where clinic is not null union select clinic from dialogpost.audit_head order by clinic"
    );
    session.query(chains, &[]).await?.iter().map(|row| column(row, "clinic")).collect()
}

/// Rows that are read at once.
const PAGE: i64 = 1000;

/// Where reading begins: what was slipped in may stand before the first row that was ever written.
pub const FIRST: i64 = i64::MIN;

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The chain: a clinic's HER-id, or 0.
    pub chain: i64,
    /// How many rows, from the first on, are as they must be.
    pub rows: i64,
    /// The head as it is stored.
    pub head: Head,
    /// Where the chain is broken; none: it is intact.
    pub broken: Option<Break>,
}

/// Verifies a chain page by page while others append to it; the row `noted` earlier must still stand.
///
/// # Errors
/// As any step.
pub async fn verify(session: &Session, chain: i64, noted: Option<Head>) -> Result<Verified, StoreError> {
    let mut walk = Walk::new(noted);
    let mut from = FIRST;
    loop {
        // The head first: when no row comes after it was read, all that it knows were read.
        let head = head(session, chain).await?;
        let rows = page(session, chain, from).await?;
        let outcome = match rows.last() {
            Some(last) => {
                // Of the greatest there is, the same row is found once more: it does not follow on itself.
                from = last.sequence.saturating_add(1);
                walk.verify(rows)
            }
            None => return Ok(verified(chain, &walk, head, walk.end(&head).err())),
        };
        if let Err(broken) = outcome {
            return Ok(verified(chain, &walk, head, Some(broken)));
        }
    }
}

fn verified(chain: i64, walk: &Walk, head: Head, broken: Option<Break>) -> Verified {
    Verified { chain, rows: walk.reached().sequence, head, broken }
}

/// The head of a chain as it is stored; of one that has none, that of a chain without rows.
async fn head(session: &Session, chain: i64) -> Result<Head, StoreError> {
    let head = step!("audit.head", "select sequence, hash from dialogpost.audit_head where clinic = $1");
    let rows = session.query(head, &[&chain]).await?;
    let Some(row) = rows.first() else { return Ok(Head::START) };
    Ok(Head { sequence: column(row, "sequence")?, hash: hash_of(row).unwrap_or(Hash::ZERO) })
}

async fn page(session: &Session, chain: i64, from: i64) -> Result<Vec<Row>, StoreError> {
    let page = step!(
        "audit.page",
        "select clinic, sequence, at, actor, action, subject, patients, reason, detail::text as detail, hash
         from dialogpost.audit where clinic = $1 and sequence >= $2 order by sequence limit $3"
    );
    session.query(page, &[&chain, &from, &PAGE]).await?.iter().map(row_of).collect()
}

/// Rows of a clinic's chain that concern a patient, from a place in the chain on: a page of them, in order; none = there are no more.
///
/// # Errors
/// As any step.
pub async fn of_patient(tx: &Tx<'_>, clinic: HerId, patient: &PersonId, from: i64) -> Result<Vec<Row>, StoreError> {
    // Those of the patient first: read in the order of the chain, everybody's rows would be looked through.
    let of_patient = step!(
        "audit.of_patient",
        "select clinic, sequence, at, actor, action, subject, patients, reason, detail::text as detail, hash
         from (select * from dialogpost.audit where patients @> array[$2::text] offset 0) a
         where clinic = $1 and sequence >= $3 order by sequence limit $4"
    );
    let rows = tx.query(of_patient, &[&clinic.get(), &patient.expose(), &from, &PAGE]).await?;
    rows.iter().map(row_of).collect()
}

/// The id of a clinic's patient.
///
/// # Errors
/// As any step.
pub async fn patient(tx: &Tx<'_>, clinic: HerId, patient: &PersonId) -> Result<Option<Uuid>, StoreError> {
    let find = step!("audit.patient", "select id from dialogpost.patient where clinic = $1 and nin = $2");
    tx.query(find, &[&clinic.get(), &patient.expose()]).await?.first().map(|row| column(row, "id")).transpose()
}

/// A row as it was read; what cannot be read was never written.
fn row_of(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let hash = hash_of(row);
    Ok(Row {
        sequence: column(row, "sequence")?,
        hash: hash.unwrap_or(Hash::ZERO),
        record: record_of(row).filter(|_| hash.is_some()),
    })
}

fn record_of(row: &tokio_postgres::Row) -> Option<Record> {
    let clinic = match column::<i64>(row, "clinic").ok()? {
        0 => None,
        _ => Some(her_id(row, "clinic").ok()?),
    };
    // As text: what no reader of JSON takes is to be found, not to end the reading.
    let detail: Option<&str> = column(row, "detail").ok()?;
    Some(Record {
        clinic,
        at: column(row, "at").ok()?,
        actor: column(row, "actor").ok()?,
        action: column(row, "action").ok()?,
        subject: column(row, "subject").ok()?,
        patients: column::<Vec<String>>(row, "patients").ok()?.into_iter().map(Into::into).collect(),
        reason: column(row, "reason").ok()?,
        detail: detail.map(serde_json::from_str).transpose().ok()?,
    })
}
