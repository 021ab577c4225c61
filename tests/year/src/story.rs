//! What happened to an appointment that breaks a promise: in order, what the clinic did and decided, and what HelseNorge was told and said.

use crate::clock;
use crate::days::Scene;
use crate::report::NAMED;
use jiff::Timestamp;
use uuid::Uuid;

/// By either of its ids. What HelseNorge said of the patient is told without his number.
const SQL: &str = "with it as (
        select a.id, a.clinic, p.nin from dialogpost.appointment a join dialogpost.patient p on p.id = a.patient where a.id = $1 or a.uid = $1
     )
     select at, what from it cross join lateral (
        select v.at, format('version %s: %s, %s, starts %s', v.version, v.change, v.type, v.starts_at) as what
            from dialogpost.appointment_change v where v.appointment = it.id
        union all select n.changed_at, format('notice of version %s: %s, %s, since %s', n.version, n.kind, coalesce(n.channel, n.reason, 'waits'), n.created_at)
            from dialogpost.notification n where n.appointment = it.id
        union all select t.at, format('last told: version %s, shown %s, turned down %s times', t.version, t.shown, t.refusals)
            from dialogpost.appointment_told t where t.appointment = it.id
        union all select o.since, 'owed to HelseNorge' from dialogpost.appointment_owed o where o.appointment = it.id
        union all select r.due_at, 'reminder to come' from dialogpost.reminder r where r.appointment = it.id
        union all select s.as_of, format('last known: active %s, doubted %s, wanted %s, asked %s', s.active, s.doubted_at, s.wanted_at, s.asked_at)
            from dialogpost.contact_status s where s.clinic = it.clinic and s.nin = it.nin
        union all select m.at, 'HelseNorge is asked about the patient, answered ' || q.answered_at
            from dialogpost.contact_question q join dialogpost.message m on m.id = q.message where q.clinic = it.clinic and it.nin = any(q.nins)
     ) told";

impl Scene {
    /// The faults, each with the story of the appointment that it names, if any.
    pub(crate) async fn with_stories(&self, faults: Vec<String>) -> Vec<String> {
        let mut told = Vec::new();
        for (n, fault) in faults.into_iter().enumerate() {
            let id = fault.split([' ', ':', ',']).find_map(|word| word.parse::<Uuid>().ok());
            told.push(match id {
                Some(id) if n < NAMED => fault + &self.story(id).await,
                _ => fault,
            });
        }
        told
    }

    async fn story(&self, id: Uuid) -> String {
        let mut lines: Vec<(Timestamp, String)> =
            self.fleet.rows.query(SQL, &[&id]).await.iter().map(|row| (row.get(0), row.get(1))).collect();
        let sql = "select a.uid, p.nin from dialogpost.appointment a join dialogpost.patient p on p.id = a.patient where a.id = $1 or a.uid = $1";
        for row in self.fleet.rows.query(sql, &[&id]).await {
            let (uid, nin): (Uuid, String) = (row.get(0), row.get(1));
            let (uid, state) = (uid.to_string(), self.national.state());
            let told = state.told.iter().filter(|told| told.uid == uid);
            lines.extend(told.map(|told| {
                let said = if told.is_refused { "turns down" } else { "takes" };
                (told.at, format!("HelseNorge {said}: {:?} of version {}, shown {}", told.kind, told.sequence, told.is_shown))
            }));
            let begins = |begins: bool| if begins { "begins" } else { "ends" };
            let changes = state.changes.iter().filter(|(of, ..)| *of == nin);
            lines.extend(changes.map(|(_, at, is)| (*at, format!("the patient {} to use HelseNorge", begins(*is)))));
        }
        lines.sort();
        let line = |(at, what): &(Timestamp, String)| format!("\n    {} {what}", at.to_zoned(clock::norway()).datetime());
        lines.iter().map(line).collect()
    }
}
