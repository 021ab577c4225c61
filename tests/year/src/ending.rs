//! At the end: every notice given once, over one channel, in its time; nothing hidden told; nothing lost, doubled or dead.

use crate::clock;
use crate::days::Scene;
use crate::national::{Kind, Told};
use crate::providers::Providers;
use crate::settling::SOON;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Whoever comes to stand so shortly before a reminder would be too late need not be reminded.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// A version of an appointment.
struct Version {
    number: u32,
    at: Timestamp,
    start: Timestamp,
    is_visible: bool,
    is_hidden: bool,
}

/// A notice as its row stands.
struct Notice {
    id: Uuid,
    appointment: Uuid,
    version: u32,
    kind: String,
    channel: Option<String>,
    reason: Option<String>,
    state: String,
    start: Timestamp,
    at: Timestamp,
}

/// What is read once and looked at several times.
struct Year {
    /// By appointment, in order.
    versions: HashMap<Uuid, Vec<Version>>,
    uids: HashMap<String, Uuid>,
    notices: Vec<Notice>,
    told: Vec<Told>,
}

impl Year {
    fn version(&self, uid: &str, number: u32) -> Option<&Version> {
        self.versions.get(self.uids.get(uid)?)?.iter().find(|version| version.number == number)
    }
}

impl Scene {
    /// Looks at everything, and gives the faults of each promise by its name; a kept one has none.
    pub(crate) async fn ending(&self, providers: &Providers) -> BTreeMap<&'static str, Vec<String>> {
        let year = self.read().await;
        let mut faults = BTreeMap::from([
            ("one notice for each version and kind", one_each(&year)),
            ("reminders in their windows, one for each start", reminders(&year)),
            ("one message to HelseNorge for each version", one_message(&year)),
            ("nothing hidden is told", hidden(&year)),
            ("our own notices came once", received(&year, providers)),
            ("HelseNorge understands all", self.understood()),
        ]);
        for (promise, sql) in SQL {
            faults.insert(promise, self.ids(sql, &[]).await);
        }
        faults.insert("audit chains are whole", self.audit().await);
        let mut told = BTreeMap::new();
        for (promise, faults) in faults {
            told.insert(promise, self.with_stories(faults).await);
        }
        told
    }

    async fn ids(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<String> {
        self.fleet.rows.query(sql, params).await.iter().map(|row| row.get(0)).collect()
    }

    fn understood(&self) -> Vec<String> {
        let state = self.national.state();
        let unread = state.picture.faults().into_iter();
        unread.chain(state.faults.iter().cloned()).collect()
    }

    async fn audit(&self) -> Vec<String> {
        let session = self.fleet.store().session().await.expect("a session");
        let mut broken = Vec::new();
        for chain in store::audit::chains(&session).await.expect("the database answers") {
            let verified = store::audit::verify(&session, chain, None).await.expect("the database answers");
            broken.extend(verified.broken.map(|_| format!("chain {chain}")));
        }
        broken
    }

    async fn read(&self) -> Year {
        let rows = &self.fleet.rows;
        let sql =
            "select v.appointment, v.version, v.change, v.at, v.starts_at, t.hidden, a.uid from dialogpost.appointment_change v
            join dialogpost.appointment a on a.id = v.appointment
            join dialogpost.appointment_type t on t.clinic = a.clinic and t.id = v.type order by v.appointment, v.version";
        let (mut versions, mut uids) = (HashMap::<Uuid, Vec<Version>>::new(), HashMap::new());
        for row in rows.query(sql, &[]).await {
            let (id, change, is_hidden): (Uuid, &str, bool) = (row.get("appointment"), row.get("change"), row.get("hidden"));
            uids.insert(row.get::<_, Uuid>("uid").to_string(), id);
            versions.entry(id).or_default().push(Version {
                number: row.get::<_, i32>("version").unsigned_abs(),
                at: row.get("at"),
                start: row.get("starts_at"),
                is_visible: !is_hidden && !matches!(change, "cancelled" | "no_show"),
                is_hidden,
            });
        }
        let sql =
            "select id, appointment, version, kind, channel, reason, state, starts_at, changed_at from dialogpost.notification";
        let notice = |row: &tokio_postgres::Row| Notice {
            id: row.get("id"),
            appointment: row.get("appointment"),
            version: row.get::<_, i32>("version").unsigned_abs(),
            kind: row.get("kind"),
            channel: row.get("channel"),
            reason: row.get("reason"),
            state: row.get("state"),
            start: row.get("starts_at"),
            at: row.get("changed_at"),
        };
        let notices = rows.query(sql, &[]).await.iter().map(notice).collect();
        Year { versions, uids, notices, told: self.national.state().told.clone() }
    }
}

/// Promises that one query tells of: the ids of what breaks them.
const SQL: [(&str, &str); 6] = [
    (
        "each version that is to be noticed has its notice",
        "select v.appointment || ' version ' || v.version from dialogpost.appointment_change v
         left join dialogpost.notification n on n.appointment = v.appointment and n.version = v.version and n.kind = v.change
         where v.change in ('booked', 'moved', 'cancelled') and n.id is null",
    ),
    (
        "no notice is left undone",
        "select id || ' ' || kind || ' ' || state || ' ' || coalesce(code, '') from dialogpost.notification where state not in ('sent', 'delivered', 'none')",
    ),
    (
        "no two appointments at one time",
        "select a.id || ' ' || b.id from dialogpost.appointment a join dialogpost.appointment b on b.clinic = a.clinic and b.timebok = a.timebok
            and a.id < b.id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
         where a.status <> 'cancelled' and b.status <> 'cancelled'",
    ),
    (
        "the ledger balances",
        "select id || ' ' || state from dialogpost.message_state where state = 'in_flight'
         union all select id || ' ' || state from dialogpost.sent_state where state in ('queued', 'failed', 'dead')",
    ),
    ("no dead letters", "select id || ' ' || worker || ' ' || code from dialogpost.dead_letter"),
    ("nothing waits to be sent", "select id || ' ' || routing_key from dialogpost.outbox"),
];

/// At most one row, and one channel, which each row has or says why not.
fn one_each(year: &Year) -> Vec<String> {
    let mut seen = HashSet::new();
    let twice = year.notices.iter().filter(|one| !seen.insert((one.appointment, one.version, one.kind.as_str())));
    let mut faults: Vec<String> = twice.map(named).collect();
    faults.extend(year.notices.iter().filter(|notice| notice.channel.is_some() == notice.reason.is_some()).map(named));
    faults
}

fn named(notice: &Notice) -> String {
    format!("{} of appointment {} version {}", notice.kind, notice.appointment, notice.version)
}

/// A time during which an appointment stood visible at one start.
struct Stood {
    start: Timestamp,
    from: Timestamp,
    until: Timestamp,
}

fn stood(versions: &[Version]) -> Vec<Stood> {
    let mut all: Vec<Stood> = Vec::new();
    for (n, version) in versions.iter().enumerate().filter(|(_, version)| version.is_visible) {
        let until = versions.get(n + 1).map_or(Timestamp::MAX, |next| next.at);
        match all.last_mut() {
            Some(last) if last.start == version.start && last.until == version.at => last.until = until,
            _ => all.push(Stood { start: version.start, from: version.at, until }),
        }
    }
    all
}

fn reminders(year: &Year) -> Vec<String> {
    let mut faults = Vec::new();
    let mut given: HashMap<(Uuid, Timestamp), Vec<&Notice>> = HashMap::new();
    for notice in year.notices.iter().filter(|notice| notice.kind == "reminder") {
        given.entry((notice.appointment, notice.start)).or_default().push(notice);
        let (from, until) = clock::window(notice.start);
        if notice.channel.is_some() && !(from <= notice.at && notice.at <= until) {
            faults.push(format!("{} at {}, not between {from} and {until}", named(notice), notice.at));
        }
    }
    for told in year.told.iter().filter(|told| told.kind == Kind::Reminder) {
        let Some(start) = told.start else { continue };
        let (from, until) = clock::window(start);
        if !(from <= told.at && told.at <= until) {
            faults.push(format!("HelseNorge reminds of {} at {}, not between {from} and {until}", told.uid, told.at));
        }
    }
    let now = clock::now();
    for (id, versions) in &year.versions {
        let all = stood(versions);
        for one in &all {
            let until = clock::window(one.start).1;
            let notices = given.get(&(*id, one.start)).map(Vec::as_slice).unwrap_or_default();
            // One that waits for its channel, or for a clinic that gives none, was looked at.
            let decided = |notice: &&Notice| {
                notice.channel.is_some()
                    || matches!(notice.reason.as_deref(), Some("clinic-off" | "timebok-off" | "type-off" | "no-address"))
            };
            let (looked_at, given) =
                (notices.iter().any(decided), notices.iter().filter(|notice| notice.channel.is_some()).count());
            if given > 1 || (!looked_at && until <= now && one.from < until - SLACK && one.until > until) {
                faults.push(format!("{given} reminders of appointment {id} at {}", one.start));
            }
        }
        let in_time = |start: Timestamp| all.iter().any(|one| one.start == start && one.from <= clock::window(start).1);
        let starts: HashSet<Timestamp> = all.iter().map(|one| one.start).collect();
        for start in starts.into_iter().filter(|start| !in_time(*start)) {
            if given.get(&(*id, start)).is_some_and(|notices| notices.iter().any(|notice| notice.channel.is_some())) {
                faults.push(format!("appointment {id} is reminded of, fewer than 24 hours before {start}"));
            }
        }
    }
    faults
}

/// Each version is told once, in whatever way; to a patient who has come back, once more. Whoever asks is answered, each question once; of what
/// an answer tells when it comes to be, nothing else tells.
fn one_message(year: &Year) -> Vec<String> {
    let mut told: BTreeMap<(&str, u32, u32), Vec<&Told>> = BTreeMap::new();
    let mut reminders: BTreeMap<(&str, Option<Timestamp>), Vec<&Told>> = BTreeMap::new();
    for one in year.told.iter().filter(|one| !one.is_refused) {
        match one.kind {
            Kind::Reminder => reminders.entry((&one.uid, one.start)).or_default().push(one),
            Kind::Push | Kind::Answer => told.entry((&one.uid, one.sequence, one.epoch)).or_default().push(one),
        }
    }
    let is_once = |uid: &str, number: u32, all: &[&Told]| {
        let (pushes, answers): (Vec<&Told>, Vec<&Told>) = all.iter().partition(|one| one.kind == Kind::Push);
        let questions: HashSet<_> = answers.iter().filter_map(|one| one.answers.as_ref()).collect();
        let made = year.version(uid, number).map(|version| version.at);
        let makes = |one: &&Told| made.is_none_or(|made| one.at.duration_since(made) <= SOON);
        questions.len() == answers.len() && pushes.len() <= usize::from(!answers.iter().any(makes))
    };
    let mut faults = Vec::new();
    for ((uid, version, _), all) in told.into_iter().filter(|((uid, version, _), all)| !is_once(uid, *version, all)) {
        faults.push(format!("appointment {uid} version {version} is told several times: {}", times(&all)));
    }
    for ((uid, _), all) in reminders.into_iter().filter(|(_, all)| all.len() > 1) {
        faults.push(format!("appointment {uid} is reminded of several times: {}", times(&all)));
    }
    faults
}

fn times(all: &[&Told]) -> String {
    let time = |one: &&Told| format!("{:?} at {}", one.kind, one.at);
    all.iter().map(time).collect::<Vec<_>>().join(", ")
}

/// What was hidden in a version was neither shown nor noticed in it.
fn hidden(year: &Year) -> Vec<String> {
    let mut faults = Vec::new();
    for told in year.told.iter().filter(|told| told.is_shown || told.start.is_some()) {
        let Some(found) = year.version(&told.uid, told.sequence) else {
            faults.push(format!("appointment {} version {} is told and is not known", told.uid, told.sequence));
            continue;
        };
        if found.is_hidden {
            faults.push(format!("appointment {} is told in its hidden version {}", told.uid, told.sequence));
        }
    }
    for notice in year.notices.iter().filter(|notice| notice.channel.is_some()) {
        let of = year.versions.get(&notice.appointment).map(Vec::as_slice).unwrap_or_default();
        // As it stood when the notice was given, or just before: it may have been hidden, or shown, while that was done.
        let stood = |at: Timestamp| of.iter().rev().find(|version| version.at <= at).is_none_or(|version| version.is_hidden);
        if stood(notice.at) && stood(notice.at - SOON) {
            faults.push(format!("{} is given though it is hidden", named(notice)));
        }
    }
    faults
}

fn received(year: &Year, providers: &Providers) -> Vec<String> {
    let came = providers.calls();
    let own = |notice: &&Notice| matches!(notice.channel.as_deref(), Some("sms" | "email" | "push"));
    let mut faults = Vec::new();
    let mut known = HashSet::new();
    for notice in year.notices.iter().filter(own) {
        known.insert(notice.id);
        let count = came.get(&notice.id).copied().unwrap_or(0);
        let want = u32::from(matches!(notice.state.as_str(), "sent" | "delivered"));
        if count != want {
            faults.push(format!("{} came {count} times", named(notice)));
        }
    }
    faults.extend(came.keys().filter(|id| !known.contains(*id)).map(|id| format!("notice {id} came and is not known")));
    faults
}
