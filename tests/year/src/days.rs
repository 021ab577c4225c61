//! What happens on a day: clinics release, book, move, cancel and change; patients book, cancel and wish on HelseNorge.

use crate::Options;
use crate::clock;
use crate::national::National;
use crate::night::Standing;
use crate::people::{PARENT, People};
use crate::settling::Settling;
use e2e::epj::command;
use e2e::{Epj, Fleet};
use helsenorge::{AVTALEAVBESTILLING, Message, Sent, Wish};
use jiff::civil::{Date, Time, Weekday, time};
use jiff::{Timestamp, ToSpan};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use runtime::probe::Probe;
use runtime::worker::Context;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

/// When appointments begin. The even places are released on HelseNorge, the odd ones are the clinic's own.
const STARTS: [Time; 6] =
    [time(9, 0, 0, 0), time(9, 20, 0, 0), time(12, 0, 0, 0), time(12, 20, 0, 0), time(14, 40, 0, 0), time(15, 0, 0, 0)];
/// Working days of a year.
const WORKING_DAYS: f64 = 261.0;
/// A doctor releases slots every so many working days.
const RELEASES_EVERY: usize = 20;

/// What a patient wished for, by the conversation that it began.
struct Wished {
    wish: Wish,
    appointment: Option<Uuid>,
}

/// Everything there is.
pub(crate) struct Scene {
    pub(crate) options: Options,
    pub(crate) people: People,
    pub(crate) fleet: Fleet,
    /// Of a part of a worker that the program drives itself.
    pub(crate) context: Context,
    pub(crate) national: Arc<National>,
    pub(crate) settling: Settling,
    pub(crate) epj: Epj,
    pub(crate) random: StdRng,
    /// Appointments to come, hidden ones too, as they stood last night.
    pub(crate) upcoming: Vec<Standing>,
    /// What was done, for the report; of what was refused the code.
    pub(crate) counts: BTreeMap<String, u64>,
    pending: Pending,
    working_days: usize,
}

/// What is to be taken up again.
#[derive(Default)]
struct Pending {
    wishes: HashMap<String, Wished>,
    /// Questions about free slots: by whom, and their ids.
    asked: Vec<(usize, String)>,
    /// Patients of whose use of HelseNorge their clinics are just told.
    told: Vec<usize>,
}

impl Scene {
    pub(crate) fn new(
        options: Options,
        people: People,
        fleet: Fleet,
        national: Arc<National>,
        settling: Settling,
        epj: Epj,
        random: StdRng,
    ) -> Self {
        let context = fleet.context(Probe::default());
        let (upcoming, counts, pending) = (Vec::new(), BTreeMap::new(), Pending::default());
        Self { options, people, fleet, context, national, settling, epj, random, upcoming, counts, pending, working_days: 0 }
    }

    /// A whole day, until its evening is over.
    pub(crate) async fn day(&mut self, date: Date) {
        let works = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.at(date, time(8, 55, 0, 0)).await;
        if works {
            self.morning(date).await;
            self.looking(date).await;
        }
        self.at(date, time(11, 55, 0, 0)).await;
        if works {
            self.noon().await;
        }
        self.at(date, time(14, 35, 0, 0)).await;
        if works {
            self.afternoon(date).await;
            self.working_days += 1;
        }
        self.at(date, time(20, 30, 0, 0)).await;
        self.evening().await;
        self.settle().await;
        let told = std::mem::take(&mut self.pending.told);
        self.national.state().are_known(told.iter().map(|patient| self.people.patients[*patient].nin.as_str()));
    }

    /// Lets time pass until then. What is due then happens beside what is done then.
    async fn at(&mut self, date: Date, time: Time) {
        self.settle().await;
        self.settling.pass(&self.fleet, &self.national, clock::at(date, time)).await;
        self.national.publish_late().await;
    }

    pub(crate) async fn settle(&self) {
        self.settling.settle(&self.fleet, &self.national).await;
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// So many of what happens `yearly` times a year, on one working day.
    fn today(&mut self, yearly: f64) -> usize {
        let daily = yearly / WORKING_DAYS;
        daily as usize + usize::from(self.random.random_bool(daily.fract()))
    }

    /// Gives commands in this order, and counts what came of each.
    async fn give(&mut self, commands: Vec<(&'static str, i64, String, Value)>) {
        for (name, clinic, actor, arguments) in &commands {
            let body = serde_json::to_vec(&command(name, *clinic, actor, arguments.clone())).expect("JSON");
            self.epj.send_raw(e2e::epj::COMMANDS, &body, name).await;
        }
        for _ in &commands {
            let reply = self.epj.next().await;
            let refusal = reply.body["refusal"]["code"].as_str().map(|code| format!(" refused: {code}"));
            self.count(&format!("{}{}", reply.correlation, refusal.unwrap_or_default()));
        }
    }

    /// Sends, some of it twice and in no order.
    async fn send(&mut self, mut messages: Vec<Sent>) {
        let again: Vec<Sent> = messages.iter().filter(|_| self.random.random_bool(0.03)).cloned().collect();
        *self.counts.entry("messages delivered twice".to_owned()).or_default() += again.len() as u64;
        messages.extend(again);
        messages.shuffle(&mut self.random);
        self.national.publish(&messages).await;
    }

    /// A working day some days ahead; when clocks change soon, now and then the day of it.
    fn ahead(&mut self, from: Date, days: std::ops::Range<i64>) -> Date {
        let mut date = from + self.random.random_range(days).days();
        let near = (from + 1.day()).series(1.day()).take(44).find(|date| clock::changes_clocks(*date));
        if let Some(change) = near.filter(|_| self.random.random_bool(0.15)) {
            return change + self.random.random_range(0..2).days();
        }
        while matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            date += 1.day();
        }
        date
    }

    fn start(&mut self, date: Date, places: [usize; 3]) -> Timestamp {
        let place = *places.choose(&mut self.random).expect("three");
        clock::at(date, STARTS[place])
    }

    fn of_type(&mut self) -> &'static str {
        [("vanlig", 70), ("video", 15), ("skjult", 10), ("stille", 5)]
            .choose_weighted(&mut self.random, |(_, weight)| *weight)
            .map(|(of_type, _)| of_type)
            .expect("weights")
    }

    async fn morning(&mut self, date: Date) {
        let mut commands = self.answers(date).await;
        let releases = (self.options.appointments as f64 * 0.4 * 1.4 * RELEASES_EVERY as f64
            / WORKING_DAYS
            / self.people.doctors.len() as f64)
            .ceil() as usize;
        let first = self.working_days % RELEASES_EVERY;
        for n in (first..self.people.doctors.len()).step_by(RELEASES_EVERY) {
            let mut slots = BTreeMap::new();
            for _ in 0..releases.max(2) {
                let day = self.ahead(date, 5..40);
                let of_type = if self.random.random_bool(0.2) { "video" } else { "vanlig" };
                slots.insert(self.start(day, [0, 2, 4]), of_type);
            }
            let slots: Vec<Value> =
                slots.iter().map(|(start, of_type)| json!({ "start": start, "appointment_type": of_type })).collect();
            let doctor = &self.people.doctors[n];
            let arguments = json!({ "timebok": doctor.timebok, "slots": slots });
            commands.push(("ReleaseSlots", self.people.clinics[doctor.clinic].her_id, doctor.id.clone(), arguments));
        }
        // Not every clinic books on every day.
        let part = self.people.clinics.len().div_ceil(5);
        for _ in 0..self.today(self.options.appointments as f64 * 0.6) {
            let clinic = (self.random.random_range(0..part) * 5 + self.working_days % 5) % self.people.clinics.len();
            let doctor = self.random.random_range(self.people.clinics[clinic].doctors.clone());
            let patient = self.random.random_range(self.people.doctors[doctor].patients.clone());
            let day = if self.random.random_bool(0.04) {
                date + self.random.random_range(0..2).days()
            } else {
                self.ahead(date, 2..45)
            };
            let (start, of_type) = (self.start(day, [1, 3, 5]), self.of_type());
            let doctor = &self.people.doctors[doctor];
            let arguments = json!({ "timebok": doctor.timebok, "patient": self.people.patients[patient].nin, "start": start, "appointment_type": of_type });
            commands.push(("BookAppointment", self.people.clinics[clinic].her_id, doctor.id.clone(), arguments));
        }
        self.give(commands).await;
    }

    /// What clinics make of yesterday's wishes.
    async fn answers(&mut self, date: Date) -> Vec<(&'static str, i64, String, Value)> {
        let asked: Vec<&str> = self.pending.wishes.keys().map(String::as_str).collect();
        let sql = "select d.id, d.clinic, d.conversation, p.fastlege from dialogpost.dialog d join dialogpost.patient p on p.id = d.patient
            where d.kind = 'TIMEONSKE' and d.conversation = any($1)";
        let rows: Vec<Row> = if asked.is_empty() { Vec::new() } else { self.fleet.rows.query(sql, &[&asked]).await };
        let mut commands = Vec::new();
        for row in rows {
            let (conversation, doctor): (String, String) = (row.get("conversation"), row.get("fastlege"));
            let Some(Wished { wish, appointment }) = self.pending.wishes.remove(&conversation) else { continue };
            let day = self.ahead(date, 2..20);
            let start = self.start(day, [1, 3, 5]);
            let becomes = match (wish, appointment) {
                _ if self.random.random_bool(0.2) => json!({ "type": "unavailable" }),
                (Wish::Change, Some(appointment)) => json!({ "type": "moved", "appointment": appointment, "start": start }),
                (Wish::Cancel, Some(appointment)) => json!({ "type": "cancelled", "appointment": appointment }),
                _ => {
                    json!({ "type": "booked", "timebok": doctor.replace("lege", "bok"), "start": start, "appointment_type": "vanlig" })
                }
            };
            let arguments = json!({ "dialog": row.get::<_, Uuid>("id"), "becomes": becomes, "text": "Hilsen legekontoret." });
            commands.push(("AnswerTimeonske", row.get("clinic"), doctor, arguments));
        }
        commands
    }

    async fn afternoon(&mut self, date: Date) {
        let yearly = self.options.appointments as f64;
        let mut commands = Vec::new();
        let mut changing = self.upcoming.clone();
        changing.shuffle(&mut self.random);
        let mut changing = changing.into_iter();
        let (moves, twice) = (self.today(yearly * 0.1), self.today(yearly * 0.03));
        for standing in changing.by_ref().take(moves + twice) {
            let times = if commands.len() < moves { 1 } else { 2 };
            for _ in 0..times {
                let day = self.ahead(date, 1..40);
                let arguments = json!({ "appointment": standing.id, "start": self.start(day, [1, 3, 5]) });
                commands.push(("MoveAppointment", standing.clinic, standing.doctor.clone(), arguments));
            }
        }
        let cancellations = self.today(yearly * 0.08);
        for standing in changing.by_ref().take(cancellations) {
            commands.push(("CancelAppointment", standing.clinic, standing.doctor.clone(), json!({ "appointment": standing.id })));
        }
        let types = self.today(yearly * 0.08);
        for standing in changing.by_ref().take(types) {
            let of_type = if standing.is_hidden {
                "vanlig"
            } else {
                *["skjult", "video", "vanlig"].choose(&mut self.random).expect("three")
            };
            let arguments = json!({ "appointment": standing.id, "appointment_type": of_type });
            commands.push(("ChangeAppointmentType", standing.clinic, standing.doctor.clone(), arguments));
        }
        let missed = "select a.id, a.clinic, b.owner from dialogpost.appointment a join dialogpost.timebok b on b.clinic = a.clinic and b.id = a.timebok
            where a.status = 'booked' and a.starts_at between $1::timestamptz - interval '30 hours' and $1 order by a.id";
        for row in self.fleet.rows.query(missed, &[&clock::now()]).await {
            if self.random.random_bool(0.02) {
                commands.push((
                    "MarkNoShow",
                    row.get("clinic"),
                    row.get("owner"),
                    json!({ "appointment": row.get::<_, Uuid>("id") }),
                ));
            }
        }
        self.give(commands).await;
    }

    /// Patients look at what is free; at noon they book.
    async fn looking(&mut self, date: Date) {
        let questions = self.today(self.options.appointments as f64 * 0.42);
        let mut messages = Vec::new();
        for _ in 0..questions {
            let Some(patient) = self.some_user() else { continue };
            let sent = self
                .of(
                    patient,
                    Message::hent_ledige_timer(
                        self.people.clinic_of(patient).her_id,
                        self.doctor(patient),
                        date,
                        date + 45.days(),
                    ),
                    "sync",
                )
                .build();
            self.pending.asked.push((patient, sent.msg_id.clone()));
            messages.push(sent);
        }
        self.national.publish(&messages).await;
    }

    async fn noon(&mut self) {
        let free = std::mem::take(&mut self.national.state().slots);
        let mut messages = Vec::new();
        for (patient, question) in std::mem::take(&mut self.pending.asked) {
            let Some(slot) = free.get(&question).and_then(|slots| slots.choose(&mut self.random)) else { continue };
            let reservation = |scene: &Self, patient| scene.of(patient, Message::reserver_avtale(slot), "async");
            let mut message = reservation(self, patient);
            match self.random.random_range(0..100) {
                0..4 => {
                    self.count("reservations without a comment");
                    message = message.without_text();
                }
                4..12 => {
                    self.count("reservations for a child");
                    message = message.guardian("05840399895", "Petra", "Danser");
                }
                12..15 => {
                    self.count("reservations made again");
                    messages.push(reservation(self, patient).build());
                }
                15..20 => {
                    self.count("reservations of what somebody else wants");
                    let others = self.people.doctors[self.people.patients[patient].doctor].patients.clone();
                    let mut others: Vec<usize> = others.collect();
                    others.shuffle(&mut self.random);
                    let state = self.national.state();
                    let other = others.into_iter().find(|other| state.reaches(&self.people.patients[*other].nin));
                    drop(state);
                    messages.extend(other.map(|other| reservation(self, other).build()));
                }
                _ => self.count("reservations"),
            }
            messages.push(message.build());
        }
        let cancellations = self.today(self.options.appointments as f64 * 0.03);
        for standing in self.visible_to_users(cancellations) {
            let message = self.of(standing.patient, Message::avbestill_avtale(&standing.event()), "async");
            self.count("cancellations on HelseNorge");
            messages.push(if self.random.random_bool(0.5) { message.of_process(AVTALEAVBESTILLING) } else { message }.build());
        }
        self.send(messages).await;
    }

    async fn evening(&mut self) {
        let mut messages = Vec::new();
        let wishes = self.today(self.options.appointments as f64 * 0.02);
        for n in 0..wishes {
            let wish = [Wish::New, Wish::Change, Wish::Cancel][n % 3];
            let about = self.visible_to_users(1).pop();
            let (patient, about) = match (wish, about) {
                (Wish::Change | Wish::Cancel, Some(about)) => (about.patient, Some(about)),
                _ => match self.some_user() {
                    Some(patient) => (patient, None),
                    None => continue,
                },
            };
            let wish = if about.is_some() { wish } else { Wish::New };
            let clinic = self.people.clinic_of(patient).her_id;
            let mut message = self.of(patient, Message::timeonske(wish).to_doctor(clinic, self.doctor(patient)), "async");
            if let Some(about) = &about {
                message = message.event(&about.event());
            }
            let sent = message.build();
            self.count("wishes");
            self.pending.wishes.insert(sent.msg_id.clone(), Wished { wish, appointment: about.map(|about| about.id) });
            messages.push(sent);
        }
        messages.extend(self.changes_of_status());
        self.send(messages).await;
    }

    /// Some begin to use HelseNorge, some end; their clinics are told, mostly.
    fn changes_of_status(&mut self) -> Vec<Sent> {
        let yearly = self.options.patients as f64 * 0.04 + 20.0;
        let mut messages = Vec::new();
        for n in 0..self.today(yearly) {
            let of_upcoming = self.upcoming.choose(&mut self.random).map(|standing| standing.patient).filter(|_| n % 2 == 0);
            let patient = of_upcoming.unwrap_or_else(|| self.random.random_range(0..self.people.patients.len()));
            let nin = self.people.patients[patient].nin.clone();
            let becomes = !self.national.state().reaches(&nin);
            let is_told = becomes || self.random.random_bool(0.8);
            self.national.state().become_user(&nin, becomes);
            self.count(if becomes { "patients who begin to use HelseNorge" } else { "patients who end to use HelseNorge" });
            if is_told {
                self.pending.told.push(patient);
                let clinic = self.people.clinic_of(patient);
                let message = Message::digital_user_changed(&nin).to_clinic(clinic.her_id, PARENT);
                messages.push(message.on_queue(&format!("{}_async", clinic.host)).build());
            }
        }
        messages
    }
}
