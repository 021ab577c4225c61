//! Every night: what HelseNorge shows is what is to be seen, for each patient whom it reaches.

use crate::clock;
use crate::days::Scene;
use appointment_notifications::deciding::Ruling;
use appointment_notifications::mending;
use helsenorge::Shown;
use jiff::{SignedDuration, Timestamp};
use messages::wire::icalendar::Vevent;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What has changed shortly before is on its way by itself; a night begins later than that.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(75);

/// An appointment to come.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) id: Uuid,
    pub(crate) uid: Uuid,
    pub(crate) clinic: i64,
    /// Employee id of whose timebok it is in.
    pub(crate) doctor: String,
    pub(crate) patient: usize,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) is_hidden: bool,
    is_video: bool,
    her_id: i64,
}

impl Standing {
    /// As a patient names it.
    pub(crate) fn event(&self) -> Vevent {
        let (start, end) = (Some(self.start), Some(self.end));
        Vevent { uid: Some(self.uid.to_string()), start, end, contact: Some(self.her_id.to_string()), ..Vevent::default() }
    }

    fn shown(&self) -> Shown {
        let Self { start, end, is_video, her_id: doctor, .. } = *self;
        Shown { uid: self.uid.to_string(), start, end, doctor, is_video }
    }
}

impl Scene {
    /// Lets what was missed be mended, then compares. Gives the faults.
    pub(crate) async fn night(&mut self) -> Vec<String> {
        clock::set(clock::now() + ON_ITS_WAY);
        let config = &self.context.config;
        let ruling = Ruling {
            asks: true,
            age_limit: config.contact_caution.age_limit,
            series: config.test_series,
            without_agreement: Vec::new(),
        };
        while mending::round(&self.context, &ruling).await.expect("the database answers") {}
        self.settle().await;
        self.upcoming = self.upcoming().await;
        let faults = self.differences();
        let now = clock::now().to_zoned(clock::norway()).date();
        let faults = faults.into_iter().map(|fault| format!("night of {now}: {fault}")).collect();
        self.with_stories(faults).await
    }

    /// Between what is to be seen and what HelseNorge shows.
    fn differences(&self) -> Vec<String> {
        let mut wanted: HashMap<&str, BTreeSet<Shown>> = HashMap::new();
        for standing in self.upcoming.iter().filter(|standing| !standing.is_hidden) {
            wanted.entry(&self.people.patients[standing.patient].nin).or_default().insert(standing.shown());
        }
        let state = self.national.state();
        let shown: BTreeMap<&str, BTreeSet<Shown>> = state.picture.shown_after(clock::now());
        let nobody = BTreeSet::new();
        let everybody: BTreeSet<&str> = wanted.keys().chain(shown.keys()).copied().collect();
        let mut faults = Vec::new();
        for nin in everybody.into_iter().filter(|nin| state.reaches(nin)) {
            let (wanted, shown) = (wanted.get(nin).unwrap_or(&nobody), shown.get(nin).unwrap_or(&nobody));
            let missing =
                wanted.difference(shown).map(|one| format!("HelseNorge does not show appointment {} as it stands", one.uid));
            let surplus =
                shown.difference(wanted).map(|one| format!("HelseNorge shows appointment {} otherwise than it stands", one.uid));
            faults.extend(missing.chain(surplus));
        }
        faults
    }

    async fn upcoming(&self) -> Vec<Standing> {
        let sql = "select a.id, a.uid, a.clinic, b.owner, p.nin, a.starts_at, a.ends_at, t.hidden, t.contact = 'video' as video, e.her_id
            from dialogpost.appointment a
            join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = a.type
            join dialogpost.timebok b on b.clinic = a.clinic and b.id = a.timebok
            join dialogpost.employee e on e.clinic = b.clinic and e.id = b.owner
            join dialogpost.patient p on p.id = a.patient
            where a.status = 'booked' and a.starts_at > $1 order by a.id";
        let rows = self.fleet.rows.query(sql, &[&clock::now()]).await;
        let standing = |row: &tokio_postgres::Row| Standing {
            id: row.get("id"),
            uid: row.get("uid"),
            clinic: row.get("clinic"),
            doctor: row.get("owner"),
            patient: self.people.by_nin[row.get::<_, &str>("nin")],
            start: row.get("starts_at"),
            end: row.get("ends_at"),
            is_hidden: row.get("hidden"),
            is_video: row.get("video"),
            her_id: row.get("her_id"),
        };
        rows.iter().map(standing).collect()
    }
}
