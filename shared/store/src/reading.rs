//! Dialogs as a clinic reads them: lists, one whole, and its files.

use crate::step::{Step, column, step};
use crate::{StoreError, Tx, clinic::her_id, dialog, inbox_item};
use ::messages::command::answer::{
    AttachmentInfo, Dialog, Entry, EntryState, From, Guardian, Kind as KindName, Prescription, Summary,
};
use ::messages::command::order::{Only, PrescriptionChoice, StartedKind};
use ::messages::wire::resept::Resept;
use ::messages::{HerId, Sensitive};
use domain::command::dialog::Kind;
use domain::turned_down::reasons;
use serde::Deserialize;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// A list that is asked for.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Which clinic's.
    pub clinic: HerId,
    /// Who asks.
    pub employee: String,
    /// This patient's dialogs; none = those in which the employee received or wrote something.
    pub patient: Option<Uuid>,
    /// Only some of them.
    pub only: Option<Only>,
    /// After this dialog.
    pub after: Option<Uuid>,
    /// How many at most.
    pub limit: u32,
}

const fn name(kind: Kind) -> KindName {
    match kind {
        Kind::HelseNorge(kind) => KindName::HelseNorge(kind),
        Kind::EDialog => KindName::Own(StartedKind::EDialog),
    }
}

fn count(row: &Row, name: &'static str) -> Result<u32, StoreError> {
    column::<i32>(row, name).map(|n| u32::try_from(n).unwrap_or(0))
}

fn summary(row: &Row) -> Result<Summary, StoreError> {
    Ok(Summary {
        dialog: column(row, "id")?,
        kind: name(dialog::kind(row, "kind")?),
        title: Sensitive::new(column(row, "title")?),
        patient: column::<Option<String>>(row, "nin")?.map(Sensitive::new),
        newest_at: column(row, "newest_at")?,
        messages: count(row, "entries")?,
        closed: column(row, "closed")?,
        flagged: column(row, "flagged")?,
        unanswered: column(row, "unanswered")?,
        inbox: None,
    })
}

/// Dialogs as lists, each with the newest first.
///
/// # Errors
/// As any step.
pub async fn lists(tx: &Tx<'_>, listings: &[Listing]) -> Result<Vec<Vec<Summary>>, StoreError> {
    if listings.is_empty() {
        return Ok(Vec::new());
    }
    let clinics: Vec<i64> = listings.iter().map(|l| l.clinic.get()).collect();
    let employees: Vec<&str> = listings.iter().map(|l| l.employee.as_str()).collect();
    let patients: Vec<Option<Uuid>> = listings.iter().map(|l| l.patient).collect();
    let after: Vec<Option<Uuid>> = listings.iter().map(|l| l.after).collect();
    let limits: Vec<i64> = listings.iter().map(|l| i64::from(l.limit)).collect();
    let only: Vec<Option<&str>> = listings.iter().map(|l| l.only.map(only)).collect();
    let rows = tx.query(LISTS, &[&clinics, &employees, &patients, &after, &limits, &only]).await?;
    let mut lists: Vec<Vec<Summary>> = listings.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let n = usize::try_from(column::<i64>(row, "n")? - 1).map_err(|_| StoreError::row("n"))?;
        lists.get_mut(n).ok_or_else(|| StoreError::row("n"))?.push(summary(row)?);
    }
    let looked = |(list, l): (&Vec<Summary>, &Listing)| list.iter().map(|d| (d.dialog, l.employee.clone())).collect::<Vec<_>>();
    let looked: Vec<(Uuid, String)> = lists.iter().zip(listings).flat_map(looked).collect();
    let lying = inbox_item::of_dialogs(tx, &looked).await?;
    for (summary, looked) in lists.iter_mut().flatten().zip(&looked) {
        summary.inbox = lying.get(looked).and_then(inbox_item::summed_up);
    }
    Ok(lists)
}

/// What is little is looked through; who receives or writes much is found among the newest of all. What was turned down is little, and looked up
/// once a list. Whether a request waits is looked up for each dialog: as `exists` Postgres would gather all that wait in any clinic first.
const LISTS: Step = step!(
    "reading.lists",
    "select k.n, d.* from unnest($1::bigint[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[])
        with ordinality k(clinic, employee, patient, after, most, those, n)
     left join dialogpost.dialog a on a.id = k.after and a.clinic = k.clinic
     cross join lateral (select k.those is not distinct from 'turned_down'
        or (select count(*) from (select from dialogpost.inbox_item i
            where i.clinic = k.clinic and i.employee = k.employee limit 5001) i) <= 5000
        and (select count(*) from (select from dialogpost.dialog_participant t
            where t.clinic = k.clinic and t.employee = k.employee limit 5001) t) <= 5000 as is_small) f
     cross join lateral (
        select array(select e.dialog from dialogpost.inbox_item i join dialogpost.dialog_entry e on e.id = i.entry
            where k.those = 'turned_down' and i.clinic = k.clinic and i.employee = k.employee and i.via @> '{turned-down}') as dialogs
        offset 0
     ) t
     cross join lateral (
        select d.id, d.kind, d.title, p.nin, d.newest_at, d.entries, d.closed_at is not null as closed, d.flagged, r.unanswered
        from (
            select id from dialogpost.dialog where patient = k.patient
            union select t.dialog from dialogpost.dialog_participant t
                where k.patient is null and f.is_small and k.those is distinct from 'turned_down' and t.clinic = k.clinic
                    and t.employee = k.employee
            union select e.dialog from dialogpost.inbox_item i join dialogpost.dialog_entry e on e.id = i.entry
                where k.patient is null and f.is_small and i.clinic = k.clinic and i.employee = k.employee
                    and (k.those is distinct from 'turned_down' or i.via @> '{turned-down}')
            union (select d.id from dialogpost.dialog d
                where k.patient is null and not f.is_small and d.clinic = k.clinic
                    and (a.id is null or (d.newest_at, d.id) < (a.newest_at, a.id))
                    and (k.those is null or d.kind in ('RESEPTFORNYELSE', 'TIMEONSKE') and coalesce((select true from dialogpost.dialog_entry e
                        where e.dialog = d.id and e.direction = 'in' and e.form = 'foresporsel'
                            and not exists (select from dialogpost.dialog_entry w where w.answers = e.id) limit 1), false))
                    and (coalesce((select true from dialogpost.dialog_entry e join dialogpost.inbox_item i on i.entry = e.id
                            where e.dialog = d.id and i.employee = k.employee limit 1), false)
                        or coalesce((select true from dialogpost.dialog_participant t
                            where t.dialog = d.id and t.employee = k.employee limit 1), false))
                order by d.newest_at desc, d.id desc limit k.most)
        ) c
        join dialogpost.dialog d on d.id = c.id left join dialogpost.patient p on p.id = d.patient
        cross join lateral (select d.kind in ('RESEPTFORNYELSE', 'TIMEONSKE') and coalesce((select true from dialogpost.dialog_entry e
            where e.dialog = d.id and e.direction = 'in' and e.form = 'foresporsel'
                and not exists (select from dialogpost.dialog_entry w where w.answers = e.id) limit 1), false) as unanswered) r
        where d.clinic = k.clinic and (a.id is null or (d.newest_at, d.id) < (a.newest_at, a.id))
            and case k.those when 'turned_down' then d.id = any(t.dialogs) when 'unanswered_request' then r.unanswered else true end
        order by d.newest_at desc, d.id desc limit k.most
     ) d order by k.n, d.newest_at desc, d.id desc"
);

const fn only(only: Only) -> &'static str {
    match only {
        Only::TurnedDown => "turned_down",
        Only::UnansweredRequest => "unanswered_request",
    }
}

/// A dialog that an employee of a clinic looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Look {
    /// The clinic.
    pub clinic: HerId,
    /// The dialog, as it names it.
    pub dialog: Uuid,
    /// Who looks.
    pub employee: String,
}

/// Dialogs whole, without their files' bytes, as those who look at them see them; unknown ones are left out.
///
/// # Errors
/// As any step.
pub async fn dialogs(tx: &Tx<'_>, looks: &[Look]) -> Result<HashMap<Look, Dialog>, StoreError> {
    if looks.is_empty() {
        return Ok(HashMap::new());
    }
    let found = whole(tx, looks).await?;
    let looked: Vec<(Uuid, String)> = looks.iter().map(|look| (look.dialog, look.employee.clone())).collect();
    let lying = inbox_item::of_dialogs(tx, &looked).await?;
    let mut seen = HashMap::new();
    for (look, looked) in looks.iter().zip(&looked) {
        let Some(dialog) = found.get(&(look.clinic, look.dialog)) else { continue };
        let mut dialog = dialog.clone();
        if let Some(items) = lying.get(looked) {
            dialog.summary.inbox = inbox_item::summed_up(items);
            for entry in &mut dialog.entries {
                entry.inbox = items.get(&entry.entry).cloned();
            }
        }
        seen.insert(look.clone(), dialog);
    }
    Ok(seen)
}

/// Dialogs with their entries, by the clinics that have them.
async fn whole(tx: &Tx<'_>, looks: &[Look]) -> Result<HashMap<(HerId, Uuid), Dialog>, StoreError> {
    let (clinics, ids): (Vec<i64>, Vec<Uuid>) = looks.iter().map(|look| (look.clinic.get(), look.dialog)).unzip();
    let load = step!(
        "reading.dialogs",
        "select d.id, d.clinic, d.kind, d.title, p.nin, d.newest_at, d.entries, d.closed_at is not null as closed, d.flagged,
            d.kind in ('RESEPTFORNYELSE', 'TIMEONSKE') and coalesce((select true from dialogpost.dialog_entry e
                where e.dialog = d.id and e.direction = 'in' and e.form = 'foresporsel'
                    and not exists (select from dialogpost.dialog_entry w where w.answers = e.id) limit 1), false) as unanswered
         from (select distinct * from unnest($1::bigint[], $2::uuid[])) k(clinic, id)
         join dialogpost.dialog d on d.id = k.id and d.clinic = k.clinic left join dialogpost.patient p on p.id = d.patient"
    );
    let rows = tx.query(load, &[&clinics, &ids]).await?;
    let mut dialogs: HashMap<Uuid, (HerId, Dialog)> = HashMap::new();
    for row in &rows {
        let dialog = Dialog { summary: summary(row)?, entries: Vec::new() };
        dialogs.insert(column(row, "id")?, (her_id(row, "clinic")?, dialog));
    }
    let found: Vec<Uuid> = dialogs.keys().copied().collect();
    let load = step!(
        "reading.entries",
        "select e.dialog, e.id, e.sequence, e.direction, e.author, e.representative, e.subject, e.text, e.code, e.received_at, e.delivery,
            e.prescriptions, d.kind, s.state, s.codes,
            (select code from dialogpost.dead_letter where (message = e.id or outbox = e.id) and replayed_at is null limit 1) as fault,
            e.direction = 'out' and exists (select from dialogpost.dialog_entry l
                where l.dialog = e.dialog and l.direction = 'in' and l.sequence > e.sequence) as answered,
            (select jsonb_agg(jsonb_build_object('number', number, 'file_name', file_name, 'media_type', media_type,
                'bytes', octet_length(bytes)) order by number) from dialogpost.attachment where entry = e.id) as attachments
         from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog
         -- Each by its id: a view of several parts is looked through whole otherwise.
         left join lateral (select state, codes from dialogpost.sent_state where id = e.id limit 1) s on e.direction = 'out'
         where e.dialog = any($1) order by e.dialog, e.sequence"
    );
    for row in &tx.query(load, &[&found]).await? {
        let dialog: Uuid = column(row, "dialog")?;
        if let Some((_, dialog)) = dialogs.get_mut(&dialog) {
            dialog.entries.push(entry(row)?);
        }
    }
    Ok(dialogs.into_iter().map(|(id, (clinic, dialog))| ((clinic, id), dialog)).collect())
}

#[derive(Deserialize)]
struct RepresentativeColumn {
    relation: Option<String>,
    name: String,
}

/// Who acted for the patient.
pub(crate) fn guardian(row: &Row) -> Result<Option<Guardian>, StoreError> {
    let kept = column::<Option<Json<RepresentativeColumn>>>(row, "representative")?;
    Ok(kept.map(|Json(r)| Guardian { name: Sensitive::new(r.name), relation: r.relation }))
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let is_in = column::<&str>(row, "direction")? == "in";
    let code: Option<String> = column(row, "code")?;
    let prescriptions = column::<Option<Json<Vec<Resept>>>>(row, "prescriptions")?.map(|Json(list)| list).unwrap_or_default();
    Ok(Entry {
        entry: column(row, "id")?,
        sequence: count(row, "sequence")?,
        from: if is_in { From::Patient } else { From::Clinic },
        author: column(row, "author")?,
        guardian: guardian(row)?,
        subject: column::<Option<String>>(row, "subject")?.map(Sensitive::new),
        text: Sensitive::new(column(row, "text")?),
        prescriptions: prescriptions.into_iter().map(prescription).collect(),
        delivery: column(row, "delivery")?,
        choice: code.filter(|_| !is_in).and_then(|code| PrescriptionChoice::of_code(&code)),
        at: column(row, "received_at")?,
        state: if is_in { None } else { Some(state(row)?) },
        inbox: None,
        attachments: column::<Option<Json<Vec<AttachmentInfo>>>>(row, "attachments")?.map(|Json(list)| list).unwrap_or_default(),
    })
}

fn prescription(resept: Resept) -> Prescription {
    Prescription {
        name: resept.name,
        atc: resept.atc.and_then(|code| code.into_inner().v),
        dosage: resept.dosage,
        group: resept.reseptgruppe,
        prescribed: resept.prescribed_on,
        expires: resept.expires_on,
    }
}

fn state(row: &Row) -> Result<EntryState, StoreError> {
    let codes = || Ok::<_, StoreError>(column::<Option<Vec<String>>>(row, "codes")?.unwrap_or_default());
    let fault = || Ok::<_, StoreError>(column::<Option<String>>(row, "fault")?.unwrap_or_default());
    let answered: bool = column(row, "answered")?;
    Ok(match column::<Option<&str>>(row, "state")? {
        None => EntryState::Internal,
        Some("rejected") => EntryState::Rejected { reasons: reasons(&codes()?), codes: codes()? },
        Some("failed") => {
            EntryState::Failed { reasons: reasons(&codes()?), code: codes()?.into_iter().next().unwrap_or_default() }
        }
        Some("dead") => EntryState::Failed { reasons: reasons(&[fault()?]), code: fault()? },
        Some(_) if answered => EntryState::Answered,
        Some("queued") => EntryState::Queued,
        Some("receipted") => EntryState::Receipted,
        Some(_) => EntryState::Sent,
    })
}

/// A part of a file that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartKey {
    /// Which clinic's.
    pub clinic: HerId,
    /// The message it came with.
    pub entry: Uuid,
    /// Its place among the message's files, from 1.
    pub number: u32,
    /// Which part, from 1.
    pub part: u32,
}

/// A part of a file.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The dialog that the file is in.
    pub dialog: Uuid,
    /// Bytes of the whole file.
    pub size: u64,
    /// Its bytes.
    pub bytes: Sensitive<Vec<u8>>,
}

/// Parts of files, `size` bytes each; those that are not there are left out.
///
/// # Errors
/// As any step.
pub async fn file_parts(tx: &Tx<'_>, keys: &[PartKey], size: usize) -> Result<HashMap<PartKey, FilePart>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let clinics: Vec<i64> = keys.iter().map(|k| k.clinic.get()).collect();
    let entries: Vec<Uuid> = keys.iter().map(|k| k.entry).collect();
    let numbers: Vec<i32> = keys.iter().map(|k| number(k.number)).collect();
    let parts: Vec<i32> = keys.iter().map(|k| number(k.part)).collect();
    let load = step!(
        "reading.file_parts",
        "select k.clinic, k.entry, k.number, k.part, d.id as dialog, octet_length(a.bytes) as size,
            substring(a.bytes from ((k.part - 1)::bigint * $5::int + 1)::int for $5::int) as bytes
         from (select distinct * from unnest($1::bigint[], $2::uuid[], $3::int[], $4::int[])) k(clinic, entry, number, part)
         join dialogpost.attachment a on a.entry = k.entry and a.number = k.number
         join dialogpost.dialog_entry e on e.id = a.entry join dialogpost.dialog d on d.id = e.dialog and d.clinic = k.clinic
         where k.part >= 1 and (k.part - 1)::bigint * $5::int < octet_length(a.bytes)"
    );
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    let rows = tx.query(load, &[&clinics, &entries, &numbers, &parts, &size]).await?;
    let of = |r: &Row| {
        let key = PartKey {
            clinic: her_id(r, "clinic")?,
            entry: column(r, "entry")?,
            number: count(r, "number")?,
            part: count(r, "part")?,
        };
        let size = u64::from(count(r, "size")?);
        Ok((key, FilePart { dialog: column(r, "dialog")?, size, bytes: Sensitive::new(column(r, "bytes")?) }))
    };
    rows.iter().map(of).collect()
}
