//! Agreements and profiles: imported whole, looked up by id, by pair and by party.

use crate::clinic::her_id;
use crate::step::{Params, Step, column, step};
use crate::{Session, StoreError, Tx, audit, certificate};
use ::messages::HerId;
use domain::agreement::{Agreement, Kind, Known, KnownCertificate};
use domain::audit::Record;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// What an import came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Imported {
    /// It was not there.
    New,
    /// It was there, word for word.
    Unchanged,
    /// Another one was there: the agreement as it was before, or the party's former profile.
    Replaced,
}

impl Imported {
    /// The word for people and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// An agreement or profile, and since when it has been here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// It, with its certificates.
    pub agreement: Agreement,
    /// When it was imported as it is.
    pub imported_at: Timestamp,
}

/// Whose agreements are asked for, on behalf of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    /// Our side.
    pub own: HerId,
    /// The other side.
    pub other: HerId,
    /// The agreement that the message names.
    pub cpa_id: Option<Uuid>,
}

/// Brings in an agreement or profile. An agreement replaces the one of its id, a profile that of its party. Leaves an audit row.
///
/// # Errors
/// As any step; [`StoreError::Conflict`] when somebody imports a profile of the same party at the same time.
pub async fn import(tx: &Tx<'_>, agreement: &Agreement, actor: &str, now: Timestamp) -> Result<Imported, StoreError> {
    let (party, counterpart) = parties(agreement)?;
    let lock = step!(
        "agreement.before",
        "select id from dialogpost.agreement where id = $1 or (kind = 'cpp' and $2 = 'cpp' and party = $3) for update"
    );
    let before: Vec<Uuid> = ids(&tx.query(lock, &[&agreement.id, &agreement.kind.as_str(), &party]).await?)?;
    let imported = match &load(&Asker::Tx(tx), &before).await?[..] {
        [] => Imported::New,
        [stored] if same(&stored.agreement, agreement) => Imported::Unchanged,
        _ => Imported::Replaced,
    };
    if imported != Imported::Unchanged {
        tx.query(step!("agreement.remove", "delete from dialogpost.agreement where id = any($1)"), &[&before]).await?;
        insert(tx, agreement, party, counterpart).await?;
    }
    let parties: Vec<_> = agreement.parties.iter().map(|p| p.her_id).collect();
    let detail = json!({ "kind": agreement.kind, "outcome": imported, "parties": parties });
    let record = Record { detail: Some(detail), ..record("registry-import", agreement.id, actor, now) };
    audit::append(tx, &[record]).await?;
    Ok(imported)
}

/// Takes an agreement or profile out again. Leaves an audit row. `false` = there is none of this id.
///
/// # Errors
/// As any step.
pub async fn remove(tx: &Tx<'_>, id: Uuid, actor: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    let remove = step!("agreement.take_out", "delete from dialogpost.agreement where id = $1 returning id");
    let removed = !tx.query(remove, &[&id]).await?.is_empty();
    if removed {
        let record = Record { reason: Some(reason.to_owned()), ..record("registry-remove", id, actor, now) };
        audit::append(tx, &[record]).await?;
    }
    Ok(removed)
}

/// An agreement is between parties, whichever of them is a clinic of ours: it is in no clinic's chain.
fn record(action: &str, id: Uuid, actor: &str, now: Timestamp) -> Record {
    Record {
        clinic: None,
        at: now,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: id.to_string(),
        patients: Vec::new(),
        reason: None,
        detail: None,
    }
}

/// In the order of the table: the lower HER-id first.
fn parties(agreement: &Agreement) -> Result<(i64, Option<i64>), StoreError> {
    let mut ids: Vec<i64> = agreement.parties.iter().map(|p| p.her_id.get()).collect();
    ids.sort_unstable();
    match (agreement.kind, &ids[..]) {
        (Kind::Cpp, [party]) => Ok((*party, None)),
        (Kind::Cpa, [party, counterpart]) => Ok((*party, Some(*counterpart))),
        _ => Err(StoreError::row("agreement.parties")),
    }
}

/// Whatever the order of certificates.
fn same(one: &Agreement, other: &Agreement) -> bool {
    let sorted = |agreement: &Agreement| {
        let mut agreement = agreement.clone();
        agreement.parties.iter_mut().for_each(|p| p.certificates.sort_by(|a, b| a.der.cmp(&b.der)));
        agreement
    };
    sorted(one) == sorted(other)
}

async fn insert(tx: &Tx<'_>, agreement: &Agreement, party: i64, counterpart: Option<i64>) -> Result<(), StoreError> {
    let put = step!(
        "agreement.put",
        "insert into dialogpost.agreement (id, kind, status, starts_at, ends_at, party, counterpart, document)
         values ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let Agreement { id, kind, status, start, end, .. } = agreement;
    tx.query(put, &[id, &kind.as_str(), status, start, end, &party, &counterpart, &Json(agreement)]).await?;
    let held: Vec<_> = agreement.parties.iter().flat_map(|p| p.certificates.iter().map(|c| (p.her_id.get(), c))).collect();
    certificate::put(tx, &held.iter().map(|(_, c)| *c).collect::<Vec<_>>()).await?;
    let (her_ids, der): (Vec<i64>, Vec<&[u8]>) = held.iter().map(|(her_id, c)| (*her_id, c.der.as_slice())).unzip();
    let put = step!(
        "agreement.put_certificates",
        "insert into dialogpost.agreement_certificate (agreement, her_id, fingerprint)
         select distinct $1::uuid, her_id, sha256(der) from unnest($2::bigint[], $3::bytea[]) as c(her_id, der)"
    );
    tx.query(put, &[id, &her_ids, &der]).await.map(drop)
}

/// Everything known about each pair, in one round trip; a pair about which nothing is known has an empty entry.
///
/// # Errors
/// As any step.
pub async fn for_pairs(session: &Session, pairs: &[Pair]) -> Result<HashMap<Pair, Known>, StoreError> {
    known(&Asker::Session(session), pairs).await
}

/// As [`for_pairs`], within a transaction.
///
/// # Errors
/// As any step.
pub async fn for_pairs_in(tx: &Tx<'_>, pairs: &[Pair]) -> Result<HashMap<Pair, Known>, StoreError> {
    known(&Asker::Tx(tx), pairs).await
}

const FOR_PAIRS: Step = step!(
    "agreement.for_pairs",
    "with k as (
        select * from unnest($1::bigint[], $2::bigint[], $3::uuid[]) with ordinality as k(own, other, cpa, n)
     ), found as materialized (
        select k.n, 'id' as found, a.id from k join dialogpost.agreement a on a.id = k.cpa and a.kind = 'cpa'
        union all select k.n, 'pair', a.id from k join dialogpost.agreement a
            on a.party = least(k.own, k.other) and a.counterpart = greatest(k.own, k.other) and a.kind = 'cpa'
        union all select k.n, 'cpp', a.id from k join dialogpost.agreement a on a.party = k.other and a.kind = 'cpp'
     )
     select f.n, f.found, f.id, a.document, null::bigint as her_id, null::bytea as der, null::boolean as signing,
            null::boolean as encryption, null::timestamptz as not_before, null::timestamptz as not_after, null::text as subject,
            null::text as thumbprint
        from found f join dialogpost.agreement a on a.id = f.id
     union all select f.n, f.found, f.id, null, w.her_id, c.der, c.signing, c.encryption, c.not_before, c.not_after, c.subject,
            c.thumbprint
        from found f join dialogpost.agreement_certificate w on w.agreement = f.id
            join dialogpost.certificate c on c.fingerprint = w.fingerprint
     union all select distinct k.n, 'party', null::uuid, null::jsonb, w.her_id, c.der, c.signing, c.encryption, c.not_before,
            c.not_after, c.subject, c.thumbprint
        from k join dialogpost.party_certificate w on w.her_id = k.other
            join dialogpost.certificate c on c.fingerprint = w.fingerprint"
);

async fn known(asker: &Asker<'_>, pairs: &[Pair]) -> Result<HashMap<Pair, Known>, StoreError> {
    let mut asked: Vec<Pair> = pairs.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let own: Vec<i64> = asked.iter().map(|p| p.own.get()).collect();
    let other: Vec<i64> = asked.iter().map(|p| p.other.get()).collect();
    let cpa: Vec<_> = asked.iter().map(|p| p.cpa_id).collect();
    let rows = asker.query(FOR_PAIRS, &[&own, &other, &cpa]).await?;
    let mut agreements: HashMap<(i64, String, Uuid), Agreement> = HashMap::new();
    let mut all: Vec<Known> = asked.iter().map(|_| Known::default()).collect();
    for row in &rows {
        if let Some(Json(document)) = column::<Option<Json<Agreement>>>(row, "document")? {
            agreements.insert((column(row, "n")?, column(row, "found")?, column(row, "id")?), document);
        }
    }
    for row in &rows {
        if column::<Option<i64>>(row, "her_id")?.is_none() {
            continue;
        }
        let (n, found, certificate): (i64, String, _) = (column(row, "n")?, column(row, "found")?, certificate::of(row)?);
        match column::<Option<Uuid>>(row, "id")? {
            Some(id) => give(agreements.get_mut(&(n, found, id)), her_id(row, "her_id")?, certificate),
            None => at(&mut all, n)?.party.push(certificate),
        }
    }
    for ((n, found, _), agreement) in agreements {
        let known = at(&mut all, n)?;
        match found.as_str() {
            "id" => known.by_id = Some(agreement),
            "cpp" => known.profile = Some(agreement),
            _ => known.of_pair.push(agreement),
        }
    }
    Ok(asked.into_iter().zip(all).collect())
}

/// The place of an ordinality, which counts from 1.
fn at(all: &mut [Known], n: i64) -> Result<&mut Known, StoreError> {
    let place = usize::try_from(n - 1).ok();
    place.and_then(|place| all.get_mut(place)).ok_or(StoreError::row("n"))
}

fn give(agreement: Option<&mut Agreement>, her_id: HerId, certificate: KnownCertificate) {
    if let Some(party) = agreement.and_then(|a| a.parties.iter_mut().find(|p| p.her_id == her_id)) {
        party.certificates.push(certificate);
    }
}

/// The agreement or profile of an id.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: Uuid) -> Result<Option<Stored>, StoreError> {
    Ok(load(&Asker::Session(session), &[id]).await?.pop())
}

/// The agreements and the profile of a party, newest import first.
///
/// # Errors
/// As any step.
pub async fn of_party(session: &Session, her_id: HerId) -> Result<Vec<Stored>, StoreError> {
    let of_party = step!(
        "agreement.of_party",
        "select id from dialogpost.agreement where party = $1 and kind = 'cpa'
         union all select id from dialogpost.agreement where counterpart = $1 and kind = 'cpa'
         union all select id from dialogpost.agreement where party = $1 and kind = 'cpp'"
    );
    let ids = ids(&session.query(of_party, &[&her_id.get()]).await?)?;
    load(&Asker::Session(session), &ids).await
}

/// All agreements and profiles, newest import first.
///
/// # Errors
/// As any step.
pub async fn list(session: &Session, limit: i64) -> Result<Vec<Stored>, StoreError> {
    let list = step!("agreement.list", "select id from dialogpost.agreement order by imported_at desc, id limit $1");
    let ids = ids(&session.query(list, &[&limit]).await?)?;
    load(&Asker::Session(session), &ids).await
}

fn ids(rows: &[Row]) -> Result<Vec<Uuid>, StoreError> {
    rows.iter().map(|row| column(row, "id")).collect()
}

async fn load(asker: &Asker<'_>, ids: &[Uuid]) -> Result<Vec<Stored>, StoreError> {
    let load = step!(
        "agreement.load",
        "select document, imported_at from dialogpost.agreement where id = any($1) order by imported_at desc, id"
    );
    let mut all = Vec::new();
    for row in asker.query(load, &[&ids]).await? {
        let Json(agreement) = column(&row, "document")?;
        all.push(Stored { agreement, imported_at: column(&row, "imported_at")? });
    }
    let certificates = step!(
        "agreement.certificates",
        "select w.agreement, w.her_id, c.* from dialogpost.agreement_certificate w
            join dialogpost.certificate c on c.fingerprint = w.fingerprint
         where w.agreement = any($1) order by c.not_after desc, c.fingerprint"
    );
    for row in asker.query(certificates, &[&ids]).await? {
        let id: Uuid = column(&row, "agreement")?;
        let agreement = all.iter_mut().map(|s| &mut s.agreement).find(|a| a.id == id);
        give(agreement, her_id(&row, "her_id")?, certificate::of(&row)?);
    }
    Ok(all)
}

/// Inside a transaction or outside.
enum Asker<'a> {
    Tx(&'a Tx<'a>),
    Session(&'a Session),
}

impl Asker<'_> {
    async fn query(&self, step: Step, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Tx(tx) => tx.query(step, params).await,
            Self::Session(session) => session.query(step, params).await,
        }
    }
}
