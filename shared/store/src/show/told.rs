//! What patients were told of an appointment, or of an entry of an E-dialog: its versions and notices, and what HelseNorge heard.

use super::TraceStep;
use crate::step::{column, step};
use crate::{Session, StoreError};
use serde::Serialize;
use uuid::Uuid;

/// An appointment, or an entry of an E-dialog, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// `appointment` or `entry`.
    pub what: String,
    /// Its id.
    pub id: Uuid,
    /// The clinic's HER-id.
    pub clinic: i64,
    /// Its steps, in order of time.
    pub steps: Vec<TraceStep>,
}

/// What an id names: an appointment, by ours or by HelseNorge's; an entry of an E-dialog; or a notice of one.
///
/// # Errors
/// As any step.
pub async fn find(session: &Session, id: &str) -> Result<Vec<Subject>, StoreError> {
    let Ok(id) = Uuid::try_parse(id.trim()) else { return Ok(Vec::new()) };
    let find = step!(
        "show.told",
        "with named as (
            select id from dialogpost.appointment where id = $1 or uid = $1
            union select coalesce(appointment, entry) from dialogpost.notification where id = $1 or entry = $1
         )
         select 'appointment' as what, a.id, a.clinic from named n join dialogpost.appointment a on a.id = n.id
         union all select 'entry', e.id, d.clinic from named n join dialogpost.dialog_entry e on e.id = n.id
            join dialogpost.dialog d on d.id = e.dialog"
    );
    let mut found = Vec::new();
    for row in session.query(find, &[&id]).await? {
        let id = column(&row, "id")?;
        let steps = steps(session, id).await?;
        found.push(Subject { what: column(&row, "what")?, id, clinic: column(&row, "clinic")?, steps });
    }
    Ok(found)
}

async fn steps(session: &Session, id: Uuid) -> Result<Vec<TraceStep>, StoreError> {
    let steps = step!(
        "show.told_steps",
        "select * from (
            select at, change as what, format('version %s, %s, %s', version, type, coalesce('by ' || actor, 'by the patient')) as detail
                from dialogpost.appointment_change where appointment = $1
            union all select changed_at, 'notice', concat_ws(', ', kind || coalesce(' of version ' || version, ''), coalesce(channel, reason, 'waits'), state,
                    code, 'attempt ' || nullif(attempts, 0), 'message ' || message, id::text)
                from dialogpost.notification where appointment = $1 or entry = $1
            union all select at, case when version = 0 then 'HelseNorge may not know' when shown then 'HelseNorge shows' else 'HelseNorge shows no more' end,
                    concat_ws(', ', 'version ' || nullif(version, 0), 'turned down ' || nullif(refusals, 0), 'message ' || message)
                from dialogpost.appointment_told where appointment = $1
            union all select since, 'HelseNorge is to be told', '' from dialogpost.appointment_owed where appointment = $1
            union all select due_at, 'reminder due', 'version ' || version from dialogpost.reminder where appointment = $1
         ) t order by at, what"
    );
    let rows = session.query(steps, &[&id]).await?;
    rows.iter().map(|r| Ok(TraceStep { at: column(r, "at")?, what: column(r, "what")?, detail: column(r, "detail")? })).collect()
}
