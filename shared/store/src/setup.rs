//! Writing a set-up file: idempotent, in one transaction, with an audit row for each changed routing rule.

use crate::clinic::her_id;
use crate::contact::{self, Said};
use crate::step::{Params, column, step};
use crate::{StoreError, Tx, audit, certificate, timebok};
use ::messages::event::DialogKind;
use ::messages::{HerId, Sensitive};
use domain::audit::Record;
use domain::clinic::RoutingRule;
use domain::notice::Language;
use domain::setup::{ClinicSetup, HelsenorgeSetup, Party, PatientSetup, Setup};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use tokio_postgres::types::Json;
use uuid::Uuid;

/// How much was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Parties.
    pub parties: usize,
    /// Certificates of parties.
    pub certificates: usize,
    /// Clinics.
    pub clinics: usize,
    /// Employees.
    pub employees: usize,
    /// Patients.
    pub patients: usize,
    /// Routing rules that changed, each with an audit row (R2).
    pub changed_rules: usize,
    /// Rules that stay as somebody of the clinic chose them by command, though the file has others.
    pub kept_rules: Vec<KeptRule>,
}

/// A rule that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRule {
    /// Whose.
    pub clinic: HerId,
    /// For messages of this kind.
    pub dialog_kind: DialogKind,
    /// Short name of the employee who chose it.
    pub chosen_by: String,
}

/// What becomes of rules that a clinic's administrators chose by command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenRules {
    /// They stay, whatever the file says.
    Keep,
    /// The file's take their place.
    Replace,
}

/// Brings the database to what a checked file says. Employees, sets and rules that the file does not name are removed; patients stay.
///
/// # Errors
/// As any step; [`StoreError::Conflict`] when a HER-id already belongs to another clinic's employee.
pub async fn apply(tx: &Tx<'_>, setup: &Setup, chosen: ChosenRules, actor: &str, now: Timestamp) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let mut records = Vec::new();
    for party in &setup.parties {
        put_party(tx, party).await?;
        certificate::set_up(tx, party.her_id, &party.certificates).await?;
        applied.parties += 1;
        applied.certificates += party.certificates.len();
    }
    // All first: an employee may have moved from one clinic of the file to another.
    let clinics: Vec<i64> = setup.clinics.iter().map(|c| c.her_id.get()).collect();
    let former = clear_employees(tx, &clinics).await?;
    for clinic in &setup.clinics {
        put_clinic(tx, clinic).await?;
        put_employees(tx, clinic).await?;
        put_sets(tx, clinic).await?;
        let (changed, kept) = put_rules(tx, clinic, chosen, actor, now).await?;
        records.extend(changed);
        applied.kept_rules.extend(kept);
        timebok::set_up(tx, clinic, &renumbered(clinic, &former), actor, now).await?;
        put_patients(tx, clinic).await?;
        put_statuses(tx, clinic).await?;
        applied.clinics += 1;
        applied.employees += clinic.employees.len();
        applied.patients += clinic.patients.len();
    }
    applied.changed_rules = records.len();
    audit::append(tx, &records).await?;
    Ok(applied)
}

/// HER-ids of employees, by clinic and short name; who has none is missing.
type HerIds = HashMap<(HerId, String), HerId>;

async fn clear_employees(tx: &Tx<'_>, clinics: &[i64]) -> Result<HerIds, StoreError> {
    let clear =
        step!("setup.clear_employees", "delete from dialogpost.employee where clinic = any($1) returning clinic, id, her_id");
    let mut former = HerIds::new();
    for row in tx.query(clear, &[&clinics]).await? {
        if column::<Option<i64>>(&row, "her_id")?.is_some() {
            former.insert((her_id(&row, "clinic")?, column(&row, "id")?), her_id(&row, "her_id")?);
        }
    }
    Ok(former)
}

/// Those whom HelseNorge knows by another HER-id from now on, or by none: they may be gone.
fn renumbered<'a>(clinic: &'a ClinicSetup, former: &'a HerIds) -> Vec<&'a str> {
    let now: HashMap<&str, HerId> = clinic.employees.iter().filter_map(|e| Some((e.id.as_str(), e.her_id?))).collect();
    let before: HashMap<&str, HerId> =
        former.iter().filter(|((of, _), _)| *of == clinic.her_id).map(|((_, id), her_id)| (id.as_str(), *her_id)).collect();
    let all: BTreeSet<&str> = now.keys().chain(before.keys()).copied().collect();
    all.into_iter().filter(|id| now.get(id) != before.get(id)).collect()
}

async fn put_party(tx: &Tx<'_>, party: &Party) -> Result<(), StoreError> {
    let put = step!(
        "setup.party",
        "insert into dialogpost.communication_party (her_id, name, parent_her_id, async_queue, sync_queue, error_queue) values ($1, $2, $3, $4, $5, $6)
         on conflict (her_id) do update set name = excluded.name, parent_her_id = excluded.parent_her_id,
            async_queue = excluded.async_queue, sync_queue = excluded.sync_queue, error_queue = excluded.error_queue"
    );
    let parent = party.parent_her_id.map(|id| id.get());
    let q = &party.queues;
    tx.query(put, &[&party.her_id.get(), &party.name, &parent, &q.async_queue, &q.sync_queue, &q.error_queue]).await.map(drop)
}

async fn put_clinic(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let put = step!(
        "setup.clinic",
        "insert into dialogpost.clinic (her_id, name, parent_her_id, nhn_member, digital_dialog_ordered, async_queue, sync_queue, error_queue,
            signing_key, decryption_keys, syncreply_queue, helsenorge, command_users, video_module, cancellation_hours,
            notices_enabled, notice_channels, notice_language)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (her_id) do update set name = excluded.name, parent_her_id = excluded.parent_her_id,
            nhn_member = excluded.nhn_member, digital_dialog_ordered = excluded.digital_dialog_ordered,
            async_queue = excluded.async_queue, sync_queue = excluded.sync_queue, error_queue = excluded.error_queue,
            signing_key = excluded.signing_key, decryption_keys = excluded.decryption_keys,
            syncreply_queue = excluded.syncreply_queue, helsenorge = excluded.helsenorge, command_users = excluded.command_users,
            video_module = excluded.video_module, cancellation_hours = excluded.cancellation_hours,
            notices_enabled = excluded.notices_enabled, notice_channels = excluded.notice_channels, notice_language = excluded.notice_language"
    );
    let parent = clinic.parent_her_id.map(|id| id.get());
    let q = clinic.queues();
    let notices = clinic.notifications.clone().unwrap_or_default();
    let channels: Vec<&str> = notices.channels.iter().map(|channel| channel.as_str()).collect();
    tx.query(
        put,
        &[
            &clinic.her_id.get(),
            &clinic.name,
            &parent,
            &clinic.nhn_member,
            &clinic.digital_dialog_ordered,
            &q.async_queue,
            &q.sync_queue,
            &q.error_queue,
            &clinic.own_certificates.signing,
            &clinic.own_certificates.decryption(),
            &clinic.syncreply_queue(),
            &clinic.helsenorge.map(|id| id.get()),
            &clinic.command_users,
            &clinic.video_module,
            &i32::try_from(clinic.cancellation_hours).unwrap_or(0),
            &notices.enabled,
            &channels,
            &notices.language.as_str(),
        ],
    )
    .await
    .map(drop)
}

async fn put_employees(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let her_id = clinic.her_id.get();
    let put = step!(
        "setup.employee",
        "insert into dialogpost.employee (clinic, id, name, her_id, hpr, services) values ($1, $2, $3, $4, $5, $6)"
    );
    for e in &clinic.employees {
        let own = e.her_id.map(|id| id.get());
        tx.query(put, &[&her_id, &e.id, &e.name, &own, &e.hpr, &e.services]).await?;
    }
    Ok(())
}

async fn put_sets(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let her_id = clinic.her_id.get();
    tx.query(step!("setup.clear_sets", "delete from dialogpost.recipient_set where clinic = $1"), &[&her_id]).await?;
    let put = step!(
        "setup.recipient_set",
        "insert into dialogpost.recipient_set (clinic, kind, id, name, members) values ($1, $2, $3, $4, $5)"
    );
    for (kind, set) in clinic.sets() {
        tx.query(put, &[&her_id, &kind.as_str(), &set.id, &set.name, &set.members]).await?;
    }
    Ok(())
}

/// Brings the rules to what the file says: a record of each that changed, and those that stay as they were chosen.
async fn put_rules(
    tx: &Tx<'_>,
    clinic: &ClinicSetup,
    chosen: ChosenRules,
    actor: &str,
    now: Timestamp,
) -> Result<(Vec<Record>, Vec<KeptRule>), StoreError> {
    let her_id = clinic.her_id.get();
    let load = step!(
        "setup.rules",
        "select dialog_kind, case when not is_default then rule end as rule, chosen_by from dialogpost.routing_rule
         where clinic = $1 for update"
    );
    let mut before = HashMap::new();
    for row in tx.query(load, &[&her_id]).await? {
        let rule = column::<Option<Json<RoutingRule>>>(&row, "rule")?.map(|Json(rule)| rule);
        before.insert(column::<String>(&row, "dialog_kind")?, (rule, column::<Option<String>>(&row, "chosen_by")?));
    }
    let after: HashMap<DialogKind, RoutingRule> = clinic.rules().collect();
    let (mut changed, mut kept) = (Vec::new(), Vec::new());
    for kind in DialogKind::ALL {
        let (old, chosen_by) = before.get(kind.as_str()).map_or((None, None), |(rule, by)| (rule.as_ref(), by.as_ref()));
        let new = after.get(&kind);
        if old == new {
            continue;
        }
        if let (ChosenRules::Keep, Some(by)) = (chosen, chosen_by) {
            kept.push(KeptRule { clinic: clinic.her_id, dialog_kind: kind, chosen_by: by.clone() });
        } else {
            put_rule(tx, clinic.her_id, kind, new, None).await?;
            changed.push(Record {
                clinic: Some(clinic.her_id),
                at: now,
                actor: actor.to_owned(),
                action: "routing-rule".to_owned(),
                subject: format!("{her_id} {}", kind.as_str()),
                patients: Vec::new(),
                reason: None,
                detail: Some(serde_json::json!({ "before": old, "after": new })),
            });
        }
    }
    Ok((changed, kept))
}

/// Sets who receives messages of a kind, as an employee chose it or else the set-up file; `None` = the default, which is kept when it was
/// chosen.
///
/// # Errors
/// As any step.
pub async fn put_rule(
    tx: &Tx<'_>,
    clinic: HerId,
    kind: DialogKind,
    rule: Option<&RoutingRule>,
    chosen_by: Option<&str>,
) -> Result<(), StoreError> {
    let clinic = clinic.get();
    let remove = step!("setup.remove_rule", "delete from dialogpost.routing_rule where clinic = $1 and dialog_kind = $2");
    tx.query(remove, &[&clinic, &kind.as_str()]).await?;
    if rule.is_none() && chosen_by.is_none() {
        return Ok(());
    }
    let put = step!(
        "setup.put_rule",
        "insert into dialogpost.routing_rule (clinic, dialog_kind, rule, chosen_by, is_default) values ($1, $2, $3, $4, $5)"
    );
    let default = RoutingRule::default_for(kind);
    let is_default = rule.is_none();
    tx.query(put, &[&clinic, &kind.as_str(), &Json(rule.unwrap_or(&default)), &chosen_by, &is_default]).await.map(drop)
}

async fn put_patients(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = clinic.patients.iter().map(|_| Uuid::now_v7()).collect();
    let nins: Vec<&str> = clinic.patients.iter().map(|p| p.nin.expose().as_str()).collect();
    let family: Vec<&str> = clinic.patients.iter().map(|p| p.family_name.expose().as_str()).collect();
    let given: Vec<&str> = clinic.patients.iter().map(|p| p.given_name.expose().as_str()).collect();
    let fastlege: Vec<_> = clinic.patients.iter().map(|p| p.fastlege.as_deref()).collect();
    let put = step!(
        "setup.patients",
        "insert into dialogpost.patient (clinic, id, nin, family_name, given_name, fastlege, phone, email, push, language)
         select $1::bigint, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[])
         on conflict (clinic, nin) do update set family_name = excluded.family_name, given_name = excluded.given_name,
            fastlege = excluded.fastlege, phone = excluded.phone, email = excluded.email, push = excluded.push,
            language = excluded.language"
    );
    let address = |of: fn(&PatientSetup) -> &Option<Sensitive<String>>| -> Vec<Option<&str>> {
        clinic.patients.iter().map(|p| of(p).as_ref().map(|address| address.expose().as_str())).collect()
    };
    let (phones, emails, pushes) = (address(|p| &p.phone), address(|p| &p.email), address(|p| &p.push));
    let languages: Vec<Option<&str>> = clinic.patients.iter().map(|p| p.language.map(Language::as_str)).collect();
    let params: Params<'_> =
        &[&clinic.her_id.get(), &ids, &nins, &family, &given, &fastlege, &phones, &emails, &pushes, &languages];
    tx.query(put, params).await.map(drop)
}

/// What the file says of a patient on HelseNorge counts as said now.
async fn put_statuses(tx: &Tx<'_>, clinic: &ClinicSetup) -> Result<(), StoreError> {
    let now = tx.query(step!("setup.now", "select now() as now"), &[]).await?;
    let as_of: Timestamp = column(now.first().ok_or_else(|| StoreError::row("now"))?, "now")?;
    let said = |patient: &PatientSetup| {
        let HelsenorgeSetup { active, digital_contact_consent: consented } = patient.helsenorge?;
        Some(Said { clinic: clinic.her_id, nin: patient.nin.clone(), active, consented, as_of })
    };
    contact::told(tx, &clinic.patients.iter().filter_map(said).collect::<Vec<_>>()).await
}
