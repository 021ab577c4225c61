//! What is written into a message to HelseNorge beside the text: who writes to whom, in which conversation, about which prescriptions.

use crate::clinic::her_id;
use crate::sending::ends_of;
use crate::step::{column, step};
use crate::{StoreError, Tx};
use ::messages::wire::resept::Resept;
use ::messages::{HerId, Sensitive};
use domain::appointment::letter::Doctor;
use domain::command::compose::{Address, Patient, Unit};
use domain::entry::{Attachment, media_type};
use domain::sending::Ends;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// What stands around a message that is to be written.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Family name, given name and national number of the patient.
    pub patient: (Sensitive<String>, Sensitive<String>, Sensitive<String>),
    /// Employee id of his fastlege.
    pub fastlege: Option<String>,
    /// `MsgId` of the message it answers and of the first of the conversation, as they were written; none begins one.
    pub answers: Option<(String, String)>,
    /// Those that the request it answers is about.
    pub prescriptions: Vec<Resept>,
}

/// The surroundings of entries that are stored already; others are left out.
///
/// # Errors
/// As any step.
pub async fn surroundings(tx: &Tx<'_>, entries: &[Uuid]) -> Result<HashMap<Uuid, Surroundings>, StoreError> {
    if entries.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "letter.surroundings",
        "select e.id, p.family_name, p.given_name, p.nin, p.fastlege, parent.msg_id as parent,
            coalesce((select m.head ->> 'msg_id' from dialogpost.dialog_entry f join dialogpost.message m on m.id = f.id
                where f.dialog = d.id and f.sequence = 1 and m.msg_id = d.conversation), d.conversation) as conversation,
            (select prescriptions from dialogpost.dialog_entry r where r.id = e.answers) as prescriptions
         from dialogpost.dialog_entry e
         join dialogpost.dialog d on d.id = e.dialog
         join dialogpost.patient p on p.id = d.patient
         left join lateral (
            select coalesce(m.head ->> 'msg_id', f.id::text) as msg_id
            from dialogpost.dialog_entry f left join dialogpost.message m on m.id = f.id
            where f.dialog = d.id and f.sequence < e.sequence
            order by f.id = e.answers desc nulls last, f.direction = 'in' desc, f.sequence desc limit 1
         ) parent on true
         where e.id = any($1)"
    );
    let rows = tx.query(load, &[&entries]).await?;
    let of = |r: &Row| {
        let text = |name| column::<String>(r, name).map(Sensitive::new);
        let parent: Option<String> = column(r, "parent")?;
        let conversation: String = column(r, "conversation")?;
        let prescriptions = column::<Option<Json<Vec<Resept>>>>(r, "prescriptions")?.map(|Json(list)| list);
        let surroundings = Surroundings {
            patient: (text("family_name")?, text("given_name")?, text("nin")?),
            fastlege: column(r, "fastlege")?,
            answers: parent.map(|parent| (parent, conversation)),
            prescriptions: prescriptions.unwrap_or_default(),
        };
        Ok((column(r, "id")?, surroundings))
    };
    rows.iter().map(of).collect()
}

/// Who sends and who receives.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// With their queues.
    pub ends: Ends,
    /// Employee id of who sends, when it is a doctor.
    pub doctor: Option<String>,
    /// The clinic, or its doctor.
    pub from: Address,
    /// HelseNorge.
    pub to: Address,
}

/// The addresses of pairs of one HER-id of ours and a party; pairs of which one is not set up are left out.
///
/// # Errors
/// As any step.
pub async fn addresses(tx: &Tx<'_>, pairs: &[(HerId, HerId)]) -> Result<HashMap<(HerId, HerId), Addresses>, StoreError> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let (own, other): (Vec<i64>, Vec<i64>) = pairs.iter().map(|(own, other)| (own.get(), other.get())).unzip();
    let load = step!(
        "letter.addresses",
        "select k.own, k.other, c.her_id as clinic, c.name as clinic_name, c.parent_her_id as clinic_parent, c.async_queue as own_async,
            c.syncreply_queue as own_syncreply, e.id as doctor, e.name as doctor_name, e.hpr,
            p.name as party_name, p.parent_her_id as party_parent, p.async_queue, p.sync_queue
         from (select distinct * from unnest($1::bigint[], $2::bigint[])) k(own, other)
         left join dialogpost.employee e on e.her_id = k.own
         join dialogpost.clinic c on c.her_id = coalesce(e.clinic, k.own)
         join dialogpost.communication_party p on p.her_id = k.other"
    );
    tx.query(load, &[&own, &other]).await?.iter().map(addresses_of).collect()
}

fn addresses_of(r: &Row) -> Result<((HerId, HerId), Addresses), StoreError> {
    let ends = ends_of(r)?;
    let (clinic, own, other) = (ends.clinic, ends.own, ends.other);
    let (clinic_name, party_name): (String, String) = (column(r, "clinic_name")?, column(r, "party_name")?);
    let doctor: Option<String> = column(r, "doctor")?;
    let unit = match &doctor {
        None => Unit::Service(clinic_name.clone(), clinic),
        Some(_) => {
            let (given_name, family_name) = named(column(r, "doctor_name")?);
            Unit::Doctor { family_name, given_name, her_id: own, hpr: column(r, "hpr")?, is_fastlege: false }
        }
    };
    let parent = |name| Ok::<_, StoreError>(column::<Option<i64>>(r, name)?.and_then(|n| HerId::try_from(n).ok()));
    let from = Address { enterprise: clinic_name, enterprise_her_id: parent("clinic_parent")?.unwrap_or(clinic), unit };
    let to = Address {
        enterprise: party_name.clone(),
        enterprise_her_id: parent("party_parent")?.unwrap_or(other),
        unit: Unit::Service(party_name, other),
    };
    Ok(((own, other), Addresses { ends, doctor, from, to }))
}

/// Employees with a HER-id, as patients are told of them, by clinic and short name; others are left out.
///
/// # Errors
/// As any step.
pub async fn doctors(tx: &Tx<'_>, named: &[(HerId, String)]) -> Result<HashMap<(HerId, String), Doctor>, StoreError> {
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let clinics: Vec<i64> = named.iter().map(|(clinic, _)| clinic.get()).collect();
    let ids: Vec<&str> = named.iter().map(|(_, id)| id.as_str()).collect();
    let load = step!(
        "letter.doctors",
        "select e.clinic, e.id, e.name, e.her_id from (select distinct * from unnest($1::bigint[], $2::text[])) k(clinic, id)
         join dialogpost.employee e on e.clinic = k.clinic and e.id = k.id where e.her_id is not null"
    );
    let of = |r: &Row| {
        let (given_name, family_name) = self::named(column(r, "name")?);
        let doctor = Doctor { her_id: her_id(r, "her_id")?, family_name, given_name };
        Ok(((her_id(r, "clinic")?, column(r, "id")?), doctor))
    };
    tx.query(load, &[&clinics, &ids]).await?.iter().map(of).collect()
}

/// Given and family name of a full one: the last word is the family's.
fn named(full: &str) -> (String, String) {
    let (given, family) = full.trim().rsplit_once(' ').unwrap_or(("", full.trim()));
    (given.trim().to_owned(), family.to_owned())
}

/// The files of one entry, in order.
///
/// # Errors
/// As any step.
pub async fn attachments(tx: &Tx<'_>, entry: Uuid) -> Result<Vec<Attachment>, StoreError> {
    let load = step!(
        "letter.attachments",
        "select number, file_name, octet_length(bytes) as length from dialogpost.attachment where entry = $1 order by number"
    );
    let piece = step!(
        "letter.attachment_piece",
        "select substring(bytes from $1 for $2) as piece from dialogpost.attachment where entry = $3 and number = $4"
    );
    let mut attachments = Vec::new();
    for r in tx.query(load, &[&entry]).await? {
        let number: i32 = column(&r, "number")?;
        let bytes = tx.long(piece, &[&entry, &number], column(&r, "length")?).await?;
        let media_type = media_type(&bytes).ok_or_else(|| StoreError::row("bytes"))?;
        attachments.push(Attachment {
            file_name: Sensitive::new(column(&r, "file_name")?),
            media_type,
            bytes: Sensitive::new(bytes),
        });
    }
    Ok(attachments)
}

impl Surroundings {
    /// The patient, by a number that was checked when it came in.
    pub fn patient(&self, series: &::messages::person_id::TestSeries) -> Option<Patient> {
        let (family_name, given_name, nin) = self.patient.clone();
        let id = ::messages::PersonId::parse(nin.expose(), series).ok()?;
        Some(Patient { family_name, given_name, id })
    }
}
