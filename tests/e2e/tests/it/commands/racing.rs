//! Commands at the same time about the same thing, in two processes: one of them is done, and the others are told so.

use super::{LINE, TROND, of, open, start};
use crate::appointments::day;
use e2e::epj::{COMMANDS, Epj};
use e2e::{Clinic, Fleet, Running};
use helsenorge::{Message, Sent};
use messages::event::DialogKind;
use runtime::probe::Probe;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Journal systems that ask at the same time.
const CLIENTS: usize = 24;
/// How often each race is run.
const ROUNDS: usize = 5;

/// A clinic whose commands two processes take, each in two lanes and one by one: as many transactions at once as can be.
struct Race {
    clinic: Clinic,
    clients: Vec<Epj>,
    second: Running,
}

impl Race {
    async fn open() -> Self {
        super::by_the_schemas();
        let mut fleet = Fleet::new().await;
        (fleet.lanes, fleet.batch) = (2, 1);
        let clinic = Clinic::of(fleet).await;
        let second = clinic.fleet.start_with(&[clinic_commands::WORKER], Probe::default());
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(clinic.epj().await);
        }
        Self { clinic, clients, second }
    }

    /// What HelseNorge sends, and the dialog it makes.
    async fn received(&mut self, message: Message) -> (Sent, Uuid) {
        let sent = self.clinic.send(&[message]).await.remove(0);
        self.clinic.receipt().await;
        let sql = format!("select id from dialogpost.dialog where conversation = '{}'", sent.msg_id);
        let dialog = self.clinic.fleet.rows.one(&sql).await;
        (sent, dialog)
    }

    /// Each client sends its command; how often each outcome came: `done`, or the code of a refusal.
    async fn run(&mut self, command: impl Fn(usize) -> Value) -> BTreeMap<String, usize> {
        let mut attempts = JoinSet::new();
        for (n, epj) in std::mem::take(&mut self.clients).into_iter().enumerate() {
            let command = command(n);
            attempts.spawn(async move { (epj.ask(&command).await, epj) });
        }
        let mut outcomes = BTreeMap::new();
        for (answer, epj) in attempts.join_all().await {
            self.clients.push(epj);
            let outcome = answer["refusal"]["code"].as_str().unwrap_or("done").to_owned();
            *outcomes.entry(outcome).or_default() += 1;
        }
        outcomes
    }

    /// HelseNorge got one message of the clinic's, and the dialog has so many.
    async fn one_message(&self, dialog: Uuid, entries: i64) {
        self.clinic.sent().await;
        self.clinic.fleet.settle(0).await;
        assert_eq!(self.clinic.helsenorge.waiting_on("8093244_async").await.unwrap(), 0);
        let of_dialog = format!("dialogpost.dialog_entry where dialog = '{dialog}'");
        assert_eq!(self.clinic.fleet.rows.count(&of_dialog).await, entries);
    }

    /// Every entry of a dialog is in the journal, once.
    async fn journaled(&self, dialog: Uuid, entries: i64) {
        let journal =
            format!("dialogpost.journal_entry j join dialogpost.dialog_entry e on e.id = j.entry where e.dialog = '{dialog}'");
        self.clinic.fleet.until(&format!("select count(*) from {journal}"), entries).await;
        let of_dialog = format!("dialogpost.dialog_entry where dialog = '{dialog}'");
        assert_eq!(self.clinic.fleet.rows.count(&of_dialog).await, entries);
    }

    async fn close(self) {
        assert_eq!(self.clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
        self.second.stop().await;
        self.clinic.close().await;
    }
}

fn outcomes<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.into_iter().map(|(outcome, times)| (outcome.to_owned(), times)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_one_answer_however_many_processes_give_it() {
    let mut race = Race::open().await;
    for _ in 0..ROUNDS {
        let (_, dialog) = race.received(Message::reseptfornyelse()).await;
        let choices = ["renewed", "cannot_be_renewed", "rejected", "partly_renewed"];
        let answer = |n: usize| json!({ "dialog": dialog, "choice": choices[n % 4], "text": "Svar" });
        let got = race.run(|n| of("kari", "AnswerPrescriptionRequest", answer(n))).await;
        assert_eq!(got, outcomes([("done", 1), ("already-answered", CLIENTS - 1)]));
        race.one_message(dialog, 2).await;
    }
    race.close().await;
}

/// A request is answered or becomes another dialog, never both.
#[tokio::test(flavor = "multi_thread")]
async fn p2_p3_an_answer_and_a_conversion() {
    let mut race = Race::open().await;
    for _ in 0..ROUNDS {
        let (_, dialog) = race.received(Message::reseptfornyelse()).await;
        let got = race
            .run(|n| match n % 2 {
                0 => of("kari", "AnswerPrescriptionRequest", json!({ "dialog": dialog, "choice": "renewed", "text": "Svar" })),
                _ => of("ole", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON", "text": "Svar" })),
            })
            .await;
        assert_eq!(got["done"], 1, "{got:?}");
        let kind: String = race.clinic.fleet.rows.one(&format!("select kind from dialogpost.dialog where id = '{dialog}'")).await;
        // Once it is an eKonsultasjon there is no request to answer, and nothing to convert.
        let (half, journaled) = (CLIENTS / 2, 2);
        match kind.as_str() {
            "RESEPTFORNYELSE" => assert_eq!(got, outcomes([("done", 1), ("already-answered", CLIENTS - 1)])),
            _ => {
                assert_eq!(got, outcomes([("done", 1), ("kind-unfit", half), ("already-converted", half - 1)]));
                race.journaled(dialog, journaled).await;
            }
        }
        race.one_message(dialog, 2).await;
    }
    race.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k3_a_thread_is_converted_once() {
    let mut race = Race::open().await;
    for _ in 0..ROUNDS {
        let (_, dialog) = race.received(Message::ekontakt()).await;
        let got = race.run(|_| of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }))).await;
        assert_eq!(got, outcomes([("done", 1), ("already-converted", CLIENTS - 1)]));
        race.journaled(dialog, 1).await;
    }
    race.close().await;
}

/// The patient writes while the thread is converted: the journal has what he writes, whichever comes first.
#[tokio::test(flavor = "multi_thread")]
async fn k3_what_comes_while_a_thread_is_converted_is_journaled_once() {
    let mut race = Race::open().await;
    for round in 0..4 * ROUNDS {
        let (sent, dialog) = race.received(Message::ekontakt()).await;
        let answer = Message::svar().in_conversation(&sent.msg_id, &sent.msg_id);
        let answer = [answer.clone(), answer.of_kind(DialogKind::EKonsultasjon)][round % 2].clone();
        let epj = race.clients.pop().unwrap();
        let convert = of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }));
        let answers = [answer.build()];
        let answered = tokio::join!(epj.ask(&convert), race.clinic.publish(&answers)).0;
        race.clients.push(epj);
        race.clinic.receipt().await;
        match answered["outcome"].as_str() {
            Some("done") => race.journaled(dialog, 2).await,
            // What came under the new kind was first, and has a dialog of its own beside it.
            _ => {
                assert_eq!(answered["refusal"]["code"], "kind-taken");
                let beside =
                    format!("select id from dialogpost.dialog where conversation = '{}' and id <> '{dialog}'", sent.msg_id);
                race.journaled(race.clinic.fleet.rows.one(&beside).await, 1).await;
            }
        }
    }
    race.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_file_goes_into_one_message() {
    let mut race = Race::open().await;
    for round in 1..=ROUNDS as i64 {
        let upload = race.clients[0].upload(8_141_333, "kari", b"%PDF-1.7").await;
        let files = json!([{ "file_name": "a.pdf", "upload": upload }]);
        let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Fil", "text": "Se her", "attachments": files });
        let got = race.run(|_| of("kari", "StartDialog", start.clone())).await;
        assert_eq!(got, outcomes([("done", 1), ("upload-incomplete", CLIENTS - 1)]));
        race.clinic.sent().await;
        for table in ["dialog", "dialog_entry", "attachment"] {
            assert_eq!(race.clinic.fleet.rows.count(&format!("dialogpost.{table}")).await, round, "{table}");
        }
    }
    race.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_time_is_booked_once() {
    let mut race = Race::open().await;
    for round in 1..=ROUNDS as i64 {
        // The second half begins ten minutes later, within the same time.
        let at = |n: usize| day(10 + round, 9, if n < CLIENTS / 2 { 0 } else { 10 });
        let book = |n: usize| {
            let book = json!({ "timebok": "kari-bok", "patient": TROND, "start": at(n), "appointment_type": "vanlig" });
            of("siri", "BookAppointment", book)
        };
        let got = race.run(book).await;
        assert_eq!(got, outcomes([("done", 1), ("time-taken", CLIENTS - 1)]));
        assert_eq!(race.clinic.fleet.rows.count("dialogpost.appointment").await, round);
        assert_eq!(race.clinic.fleet.rows.count("dialogpost.appointment_change").await, round);
    }
    race.close().await;
}

/// Moved onto one time, and changed in the version that all have seen: one of them.
#[tokio::test(flavor = "multi_thread")]
async fn t4_t5_an_appointment_is_changed_once() {
    let mut race = Race::open().await;
    let mut booked = Vec::new();
    for n in 0..CLIENTS as i64 {
        let book = json!({ "timebok": "kari-bok", "patient": TROND, "start": day(10 + n, 9, 0), "appointment_type": "vanlig" });
        booked.push(race.clients[0].done(&of("siri", "BookAppointment", book)).await["appointment"].clone());
    }
    let onto = day(9, 9, 0);
    let got = race.run(|n| of("siri", "MoveAppointment", json!({ "appointment": booked[n], "start": onto }))).await;
    assert_eq!(got, outcomes([("done", 1), ("time-taken", CLIENTS - 1)]));
    for (round, one) in booked.iter().take(ROUNDS).enumerate() {
        let seen = format!("select version from dialogpost.appointment where id = '{}'", one.as_str().unwrap());
        let version: i32 = race.clinic.fleet.rows.one(&seen).await;
        let got = race
            .run(|n| match n % 2 {
                0 => of("siri", "CancelAppointment", json!({ "appointment": one, "version": version })),
                _ => {
                    // Nobody else's, in this round or another.
                    let start = day(100 + (round * CLIENTS + n) as i64, 9, 0);
                    of("kari", "MoveAppointment", json!({ "appointment": one, "start": start, "version": version }))
                }
            })
            .await;
        assert_eq!(got, outcomes([("done", 1), ("version-stale", CLIENTS - 1)]));
        assert_eq!(race.clinic.fleet.rows.one::<i32>(&seen).await, version + 1);
    }
    race.close().await;
}

/// Two of one batch about one dialog: the second finds what the first has done.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_one_batch_see_each_other() {
    let (clinic, epj) = open().await;
    let dialog = epj.done(&start()).await["dialog"].clone();
    clinic.sent().await;
    let close = |_| super::of("kari", "CloseDialog", json!({ "dialog": dialog }));
    let all: Vec<Value> = (0..40).map(close).collect();
    for command in &all {
        epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), command["id"].as_str().unwrap()).await;
    }
    let mut done = 0;
    for _ in &all {
        let body = epj.next().await.body;
        done += usize::from(body["outcome"] == "done");
        assert!(body["outcome"] == "done" || body["refusal"]["code"] == "dialog-closed", "{body}");
    }
    assert_eq!(done, 1);
    clinic.sent().await;
    clinic.close().await;
}
