//! Notices: what the rules ask about them, and what became of each. Sending them is [`delivery`]'s, looking again [`agenda`]'s, calling off
//! [`recall`]'s.

pub mod agenda;
pub mod delivery;
pub mod recall;

use crate::appointment::number;
use crate::clinic::her_id;
use crate::step::{Params, column, step};
use crate::{StoreError, Tx, contact, telling};
use ::messages::{HerId, Sensitive};
use domain::notice::channel::{Addressee, Addresses, Appointment, Before, Outcome};
use domain::notice::{Channel, Kind, Language};
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// A notice of an appointment: which, its version, and the kind of notice.
pub type Key = (Uuid, u32, Kind);

/// Loads appointments as they stand now, each for a notice of its own. What nobody knows is left out.
///
/// Whoever decides about them has locked them ([`crate::telling::lock`]), so that two decide about one appointment one after the other.
///
/// # Errors
/// As any step.
pub async fn appointments(tx: &Tx<'_>, keys: &[Key]) -> Result<HashMap<Key, Appointment>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = keys.iter().map(|(id, ..)| *id).collect();
    let versions: Vec<i32> = keys.iter().map(|(_, version, _)| i32::try_from(*version).unwrap_or(i32::MAX)).collect();
    let kinds: Vec<&str> = keys.iter().map(|(.., kind)| kind.as_str()).collect();
    let load = step!(
        "notice.appointments",
        "select k.appointment, k.version, k.kind, a.clinic, a.patient, p.nin, a.starts_at, t.hidden,
            case k.kind when 'reminder' then a.status <> 'booked' or a.starts_at is distinct from (
                select starts_at from dialogpost.appointment_change v where v.appointment = a.id and v.version = k.version)
            else exists (select from dialogpost.appointment_change v
                where v.appointment = a.id and v.version > k.version and v.change in ('moved', 'cancelled')) end as superseded,
            exists (select from dialogpost.notification r where r.appointment = a.id and r.starts_at = a.starts_at
                and r.kind = 'reminder' and r.channel is not null) as reminded,
            exists (select from dialogpost.notification o where o.appointment = a.id and o.starts_at = a.starts_at and o.version <> k.version
                and o.kind in ('booked', 'moved') and (o.channel is not null or o.state = 'due')) as announced,
            b.notify as timebok_notifies, t.notify as type_notifies, c.notices_enabled, c.notice_channels,
            coalesce(p.language, c.notice_language) as language, p.phone, p.email, p.push,
            s.active, s.consented, s.as_of, s.doubted_at is not null as doubted, coalesce(o.shown and o.version > 0, false) as is_shown,
            coalesce(o.shown and o.refusals = 0, false) as may_be_shown,
            n.created_at as noticed_at, n.state = 'due' and n.channel is null as waits
         from unnest($1::uuid[], $2::int[], $3::text[]) k(appointment, version, kind)
         join dialogpost.appointment a on a.id = k.appointment and a.version >= k.version
         join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type
         join dialogpost.timebok b on b.clinic = a.clinic and b.id = a.timebok
         join dialogpost.clinic c on c.her_id = a.clinic
         join dialogpost.patient p on p.id = a.patient
         left join dialogpost.contact_status s on s.clinic = a.clinic and s.nin = p.nin
         left join dialogpost.appointment_told o on o.appointment = a.id
         left join dialogpost.notification n on n.appointment = k.appointment and n.version = k.version and n.kind = k.kind"
    );
    let of = |row: &Row| {
        let version: i32 = column(row, "version")?;
        let key = (column(row, "appointment")?, u32::try_from(version).map_err(|_| StoreError::row("version"))?, kind(row)?);
        Ok((key, appointment(row)?))
    };
    tx.query(load, &[&ids, &versions, &kinds]).await?.iter().map(of).collect()
}

fn appointment(row: &Row) -> Result<Appointment, StoreError> {
    let noticed_at: Option<Timestamp> = column(row, "noticed_at")?;
    let waits: Option<bool> = column(row, "waits")?;
    Ok(Appointment {
        to: addressee(row)?,
        nin: Sensitive::new(column(row, "nin")?),
        status: contact::status(row)?,
        showing: telling::showing(row)?,
        starts_at: column(row, "starts_at")?,
        is_hidden: column(row, "hidden")?,
        is_superseded: column(row, "superseded")?,
        is_announced: column(row, "announced")?,
        is_reminded: column(row, "reminded")?,
        timebok_notifies: column(row, "timebok_notifies")?,
        type_notifies: column(row, "type_notifies")?,
        before: match (noticed_at, waits) {
            (Some(since), Some(true)) => Before::WaitsSince(since),
            (Some(_), _) => Before::Decided,
            (None, _) => Before::New,
        },
    })
}

/// Those of these versions of another type by which an appointment comes to be seen.
///
/// # Errors
/// As any step.
pub async fn come_to_be_seen(tx: &Tx<'_>, keys: &[Key]) -> Result<Vec<Key>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = keys.iter().map(|(id, version, _)| (*id, number(*version))).unzip();
    let find = step!(
        "notice.come_to_be_seen",
        "select distinct k.appointment, k.version from unnest($1::uuid[], $2::int[]) k(appointment, version)
         join dialogpost.appointment a on a.id = k.appointment and a.status = 'booked'
         join dialogpost.appointment_change v on v.appointment = k.appointment and v.version = k.version
         join dialogpost.appointment_change b on b.appointment = k.appointment and b.version = k.version - 1
         join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = v.type and not t.hidden
         join dialogpost.appointment_type h on h.clinic = a.clinic and h.id = b.type and h.hidden"
    );
    let rows = tx.query(find, &[&ids, &versions]).await?;
    let of = |row: &Row| Ok((column(row, "appointment")?, column::<i32>(row, "version")?.unsigned_abs(), Kind::Booked));
    rows.iter().map(of).collect()
}

/// Loads those to whom an entry of an E-dialog is: by entry, of entries and patients.
///
/// # Errors
/// As any step.
pub async fn addressees(tx: &Tx<'_>, messages: &[(Uuid, Uuid)]) -> Result<HashMap<Uuid, Addressee>, StoreError> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let load = step!(
        "notice.addressees",
        "select k.entry, p.clinic, p.id as patient, c.notices_enabled, c.notice_channels,
            coalesce(p.language, c.notice_language) as language, p.phone, p.email, p.push
         from unnest($1::uuid[], $2::uuid[]) k(entry, patient)
         join dialogpost.dialog_entry e on e.id = k.entry
         join dialogpost.patient p on p.id = k.patient
         join dialogpost.clinic c on c.her_id = p.clinic"
    );
    let (entries, patients): (Vec<Uuid>, Vec<Uuid>) = messages.iter().copied().unzip();
    let of = |row: &Row| Ok((column(row, "entry")?, addressee(row)?));
    tx.query(load, &[&entries, &patients]).await?.iter().map(of).collect()
}

fn addressee(row: &Row) -> Result<Addressee, StoreError> {
    let channels: Vec<&str> = column(row, "notice_channels")?;
    let channels = channels.into_iter().map(|name| Channel::parse(name).ok_or_else(|| StoreError::row("notice_channels")));
    let address = |name| column::<Option<String>>(row, name).map(|found| found.map(Sensitive::new));
    Ok(Addressee {
        clinic: her_id(row, "clinic")?,
        patient: column(row, "patient")?,
        clinic_notifies: column(row, "notices_enabled")?,
        channels: channels.collect::<Result<_, _>>()?,
        language: language(row)?,
        addresses: Addresses { phone: address("phone")?, email: address("email")?, push: address("push")? },
    })
}

pub(crate) fn kind(row: &Row) -> Result<Kind, StoreError> {
    Kind::parse(column(row, "kind")?).ok_or_else(|| StoreError::row("kind"))
}

pub(crate) fn language(row: &Row) -> Result<Language, StoreError> {
    Language::parse(column(row, "language")?).ok_or_else(|| StoreError::row("language"))
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A version of an appointment.
    Appointment {
        /// Which.
        id: Uuid,
        /// Its version.
        version: u32,
        /// When it starts.
        starts_at: Timestamp,
    },
    /// An entry of an E-dialog.
    Entry(Uuid),
}

/// A notice that was decided on, or that waits.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its row, and what providers know it by; one that has waited keeps its own.
    pub id: Uuid,
    /// Which clinic's.
    pub clinic: HerId,
    /// To whom.
    pub patient: Uuid,
    /// Its kind.
    pub kind: Kind,
    /// What it is about.
    pub about: About,
    /// What it is written in.
    pub language: Language,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// How an outcome stands in the table.
#[derive(Default)]
struct Columns<'a> {
    state: &'static str,
    channel: Option<&'static str>,
    reason: Option<&'static str>,
    address: Option<&'a str>,
    due_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl<'a> Columns<'a> {
    fn of(outcome: &'a Outcome, now: Timestamp) -> Self {
        let due = Self { state: "due", ..Self::default() };
        match outcome {
            Outcome::HelseNorge => Self { channel: Some("helsenorge"), ..due },
            Outcome::Own { channel, address, expires_at } => Self {
                channel: Some(channel.as_str()),
                address: Some(address.expose()),
                due_at: Some(now),
                expires_at: Some(*expires_at),
                ..due
            },
            Outcome::None(reason) => Self { state: "none", reason: Some(reason.code()), ..due },
            Outcome::Wait(until) => Self { due_at: Some(*until), ..due },
        }
    }
}

/// Stores notices, each once: of one that waits, what it came to takes the place; of one that was decided on nothing changes.
///
/// # Errors
/// As any step.
pub async fn put(tx: &Tx<'_>, notices: &[Notice], now: Timestamp) -> Result<(), StoreError> {
    if notices.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = notices.iter().map(|n| n.id).collect();
    let clinics: Vec<i64> = notices.iter().map(|n| n.clinic.get()).collect();
    let patients: Vec<Uuid> = notices.iter().map(|n| n.patient).collect();
    let kinds: Vec<&str> = notices.iter().map(|n| n.kind.as_str()).collect();
    let of_appointment = |n: &Notice| match n.about {
        About::Appointment { id, version, starts_at } => Some((id, i32::try_from(version).unwrap_or(i32::MAX), starts_at)),
        About::Entry(_) => None,
    };
    let appointments: Vec<Option<Uuid>> = notices.iter().map(|n| of_appointment(n).map(|(id, ..)| id)).collect();
    let versions: Vec<Option<i32>> = notices.iter().map(|n| of_appointment(n).map(|(_, version, _)| version)).collect();
    let starts: Vec<Option<Timestamp>> = notices.iter().map(|n| of_appointment(n).map(|(.., at)| at)).collect();
    let entry = |n: &Notice| if let About::Entry(entry) = n.about { Some(entry) } else { None };
    let entries: Vec<Option<Uuid>> = notices.iter().map(entry).collect();
    let languages: Vec<&str> = notices.iter().map(|n| n.language.as_str()).collect();
    let columns: Vec<Columns<'_>> = notices.iter().map(|n| Columns::of(&n.outcome, now)).collect();
    let states: Vec<&str> = columns.iter().map(|c| c.state).collect();
    let channels: Vec<Option<&str>> = columns.iter().map(|c| c.channel).collect();
    let reasons: Vec<Option<&str>> = columns.iter().map(|c| c.reason).collect();
    let addresses: Vec<Option<&str>> = columns.iter().map(|c| c.address).collect();
    let due: Vec<Option<Timestamp>> = columns.iter().map(|c| c.due_at).collect();
    let ends: Vec<Option<Timestamp>> = columns.iter().map(|c| c.expires_at).collect();
    let put = step!(
        "notice.put",
        "with given as (
            select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::int[], $7::timestamptz[], $8::uuid[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])
                g(id, clinic, patient, kind, appointment, version, starts_at, entry, language, state, channel, reason, address, due_at,
                    expires_at)
         ), waited as (
            update dialogpost.notification n set state = g.state, channel = g.channel, reason = g.reason, address = g.address,
                language = g.language, due_at = g.due_at, expires_at = g.expires_at, changed_at = $16
            from given g where n.appointment = g.appointment and n.version = g.version and n.kind = g.kind
                and n.state = 'due' and n.channel is null
         )
         insert into dialogpost.notification (id, clinic, patient, kind, appointment, version, starts_at, entry, language, state, channel,
            reason, address, due_at, expires_at, created_at, changed_at)
         select g.*, $16, $16 from given g on conflict do nothing"
    );
    let params: Params<'_> = &[
        &ids,
        &clinics,
        &patients,
        &kinds,
        &appointments,
        &versions,
        &starts,
        &entries,
        &languages,
        &states,
        &channels,
        &reasons,
        &addresses,
        &due,
        &ends,
        &now,
    ];
    tx.query(put, params).await.map(drop)
}
