//! Clinics as the rules see them, and the queues we read.

use crate::step::{Step, column, step};
use crate::{Session, StoreError, Tx};
use ::messages::HerId;
use ::messages::event::DialogKind;
use domain::appointment::Booking;
use domain::clinic::{Clinic, Employee, RoutingRule, SetKind};
use domain::command::recipients::Names;
use domain::transport::Lane;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

/// Loads clinics by HER-id; unknown ids are left out.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, her_ids: &[HerId]) -> Result<HashMap<HerId, Arc<Clinic>>, StoreError> {
    let ids: Vec<i64> = her_ids.iter().map(|id| id.get()).collect();
    clinics(tx.query(LOAD, &[&ids]).await?)
}

/// As [`load`], outside a transaction.
///
/// # Errors
/// As any step.
pub async fn load_now(session: &Session, her_ids: &[HerId]) -> Result<HashMap<HerId, Arc<Clinic>>, StoreError> {
    let ids: Vec<i64> = her_ids.iter().map(|id| id.get()).collect();
    clinics(session.query(LOAD, &[&ids]).await?)
}

const LOAD: Step = step!(
    "clinic.load",
    "select c.her_id, c.nhn_member, c.digital_dialog_ordered, c.command_users, c.video_module, c.cancellation_hours,
        (select coalesce(json_object_agg(t.id, json_build_object('name', t.name, 'minutes', t.minutes, 'contact', t.contact,
                'hidden', t.hidden, 'notify', t.notify, 'closed', t.closed)), '{}')
            from dialogpost.appointment_type t where t.clinic = c.her_id) as types,
        (select coalesce(json_object_agg(b.id, json_build_object('owner', b.owner, 'notify', b.notify)), '{}')
            from dialogpost.timebok b where b.clinic = c.her_id and not b.closed) as timeboker,
        (select coalesce(json_agg(json_build_object('id', e.id, 'her_id', e.her_id, 'services', e.services)), '[]')
            from dialogpost.employee e where e.clinic = c.her_id) as employees,
        (select coalesce(json_agg(json_build_object('kind', s.kind, 'id', s.id, 'members', s.members)), '[]')
            from dialogpost.recipient_set s where s.clinic = c.her_id) as sets,
        (select coalesce(json_agg(json_build_object('kind', r.dialog_kind, 'rule', r.rule)), '[]')
            from dialogpost.routing_rule r where r.clinic = c.her_id and not r.is_default) as rules
     from dialogpost.clinic c where c.her_id = any($1)"
);

#[derive(Deserialize)]
struct EmployeeRow {
    id: String,
    her_id: Option<HerId>,
    services: Vec<String>,
}

#[derive(Deserialize)]
struct SetRow {
    kind: SetKind,
    id: String,
    members: Vec<String>,
}

#[derive(Deserialize)]
struct RuleRow {
    kind: DialogKind,
    rule: RoutingRule,
}

fn clinics(rows: Vec<Row>) -> Result<HashMap<HerId, Arc<Clinic>>, StoreError> {
    rows.iter().map(|row| clinic(row).map(|c| (c.her_id, Arc::new(c)))).collect()
}

fn clinic(row: &Row) -> Result<Clinic, StoreError> {
    let Json(employees): Json<Vec<EmployeeRow>> = column(row, "employees")?;
    let Json(sets): Json<Vec<SetRow>> = column(row, "sets")?;
    let Json(rules): Json<Vec<RuleRow>> = column(row, "rules")?;
    Ok(Clinic {
        her_id: her_id(row, "her_id")?,
        nhn_member: column(row, "nhn_member")?,
        digital_dialog_ordered: column(row, "digital_dialog_ordered")?,
        employees: employees.into_iter().map(|e| (e.id, Employee { her_id: e.her_id, services: e.services })).collect(),
        sets: sets.into_iter().map(|s| ((s.kind, s.id), s.members)).collect(),
        command_users: column::<Vec<String>>(row, "command_users")?.into_iter().collect(),
        routing: rules.into_iter().map(|r| (r.kind, r.rule)).collect(),
        booking: Booking {
            video_module: column(row, "video_module")?,
            cancellation_hours: u32::try_from(column::<i32>(row, "cancellation_hours")?).unwrap_or(0),
            types: column::<Json<_>>(row, "types")?.0,
            timeboker: column::<Json<_>>(row, "timeboker")?.0,
        },
    })
}

pub(crate) fn her_id(row: &Row, name: &'static str) -> Result<HerId, StoreError> {
    column::<i64>(row, name)?.try_into().map_err(|_| StoreError::row(name))
}

#[derive(Deserialize)]
struct NameRow {
    kind: String,
    id: String,
    name: String,
}

/// What people call those who work at clinics and can be chosen there, and who chose their rules by command; unknown ids are left out.
///
/// # Errors
/// As any step.
pub async fn names(tx: &Tx<'_>, her_ids: &[HerId]) -> Result<HashMap<HerId, Names>, StoreError> {
    if her_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i64> = her_ids.iter().map(|id| id.get()).collect();
    let names = step!(
        "clinic.names",
        "select c.her_id,
            (select coalesce(jsonb_agg(n), '[]') from (
                select 'employee' as kind, id, name from dialogpost.employee where clinic = c.her_id
                union all select kind, id, name from dialogpost.recipient_set where clinic = c.her_id
                union all select 'rule', dialog_kind, chosen_by from dialogpost.routing_rule
                    where clinic = c.her_id and chosen_by is not null
            ) n) as names
         from dialogpost.clinic c where c.her_id = any($1)"
    );
    let of = |row: &Row| {
        let Json(rows): Json<Vec<NameRow>> = column(row, "names")?;
        Ok((her_id(row, "her_id")?, names_of(rows)))
    };
    tx.query(names, &[&ids]).await?.iter().map(of).collect()
}

fn names_of(rows: Vec<NameRow>) -> Names {
    let mut names = Names::default();
    for NameRow { kind, id, name } in rows {
        if let Some(kind) = SetKind::parse(&kind) {
            names.sets.insert((kind, id), name);
        } else if kind == "employee" {
            names.employees.insert(id, name);
        } else if let Some(kind) = DialogKind::parse(&id) {
            names.chosen_by.insert(kind, name);
        }
    }
    names
}

/// The clinic of a HER-id: its own or that of an employee.
///
/// # Errors
/// As any step.
pub async fn of(session: &Session, id: HerId) -> Result<Option<HerId>, StoreError> {
    let of = step!(
        "clinic.of",
        "select her_id from dialogpost.clinic where her_id = $1
         union all select clinic from dialogpost.employee where her_id = $1 limit 1"
    );
    session.query(of, &[&id.get()]).await?.first().map(|r| her_id(r, "her_id")).transpose()
}

/// The names of a clinic's private keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNames {
    /// Signs what is sent.
    pub signing: Option<String>,
    /// Decrypt what is received, the present one first.
    pub decryption: Vec<String>,
}

impl KeyNames {
    /// Whether any key is named that decrypts.
    pub fn decrypts(&self) -> bool {
        !self.decryption.is_empty()
    }
}

/// The keys of the clinics that these HER-ids, their own or an employee's, belong to; unknown ones are left out.
///
/// # Errors
/// As any step.
pub async fn key_names(session: &Session, ids: &[HerId]) -> Result<HashMap<HerId, KeyNames>, StoreError> {
    let keys = step!(
        "clinic.key_names",
        "select k.id, c.signing_key, c.decryption_keys from unnest($1::bigint[]) k(id)
         cross join lateral (
            select her_id from dialogpost.clinic where her_id = k.id
            union all select clinic from dialogpost.employee where her_id = k.id limit 1
         ) o join dialogpost.clinic c on c.her_id = o.her_id"
    );
    let numbers: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let of = |r: &Row| {
        Ok((her_id(r, "id")?, KeyNames { signing: column(r, "signing_key")?, decryption: column(r, "decryption_keys")? }))
    };
    session.query(keys, &[&numbers]).await?.iter().map(of).collect()
}

/// A queue of ours on NHN's broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NhnQueue {
    /// Its name.
    pub name: String,
    /// What arrives there.
    pub lane: Lane,
    /// One of the clinics that read it; several may share a queue.
    pub clinic: HerId,
}

/// The queues the clinics read, each once however many clinics share it.
///
/// # Errors
/// As any step.
pub async fn nhn_queues(session: &Session) -> Result<Vec<NhnQueue>, StoreError> {
    let queues = step!(
        "clinic.queues",
        "select name, lane, min(her_id) as her_id from (
            select async_queue as name, 'async' as lane, her_id from dialogpost.clinic
            union all select sync_queue, 'sync', her_id from dialogpost.clinic
            union all select syncreply_queue, 'syncreply', her_id from dialogpost.clinic
            union all select error_queue, 'error', her_id from dialogpost.clinic
         ) q group by name, lane order by name, lane"
    );
    let rows = session.query(queues, &[]).await?;
    let lane = |name: &str| match name {
        "error" => Lane::Error,
        "sync" => Lane::Sync,
        "syncreply" => Lane::SyncReply,
        _ => Lane::Async,
    };
    rows.iter()
        .map(|r| Ok(NhnQueue { name: column(r, "name")?, lane: lane(column(r, "lane")?), clinic: her_id(r, "her_id")? }))
        .collect()
}

/// Every HER-id with queues on NHN's broker: clinics and parties, for the stand-in.
///
/// # Errors
/// As any step.
pub async fn all_her_ids(session: &Session) -> Result<Vec<HerId>, StoreError> {
    let all = step!(
        "clinic.all",
        "select her_id from dialogpost.clinic union select her_id from dialogpost.communication_party order by her_id"
    );
    session.query(all, &[]).await?.iter().map(|r| her_id(r, "her_id")).collect()
}

/// The parties that were applied, with their names, by HER-id.
///
/// # Errors
/// As any step.
pub async fn parties(session: &Session) -> Result<Vec<(HerId, String)>, StoreError> {
    let all = step!("clinic.parties", "select her_id, name from dialogpost.communication_party order by her_id");
    session.query(all, &[]).await?.iter().map(|r| Ok((her_id(r, "her_id")?, column(r, "name")?))).collect()
}
