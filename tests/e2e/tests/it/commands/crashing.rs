//! A worker that dies after any step has done all of a command or nothing; sent again it gets the answer that it would have got.

use super::{LINE, TABLES, TROND, of};
use crate::appointments::day;
use e2e::epj::{COMMANDS, Epj, Reply, base64};
use e2e::{Clinic, Fleet, PATIENCE, Running, WORKERS};
use helsenorge::{HelseNorge, Message, Wish};
use runtime::probe::{Probe, Step};
use runtime::worker::Worker;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// A command that writes.
#[derive(Clone, Copy, Debug)]
enum Case {
    Contact,
    ContactWithFile,
    Consultation,
    ToPortal,
    ToColleague,
    Reply,
    ReplyWithFile,
    ReplyInConsultation,
    Close,
    Answer,
    Convert,
    ConvertRequest,
    Upload,
    Recipients,
    Release,
    Book,
    Move,
    Cancel,
    Type,
    NoShow,
    Wish,
}

/// What every command leaves something in beside [`TABLES`], and what none may.
const KEPT: [&str; 4] = ["audit", "command", "dead_letter", CHOSEN];
const CHOSEN: &str = "routing_rule where chosen_by = 'siri'";

impl Case {
    /// Rows that are there afterwards and were not before; besides one of the command, and one in the audit unless it is an upload's.
    const fn effect(self) -> &'static [(&'static str, i64)] {
        match self {
            Self::Contact => &[("dialog", 1), ("dialog_participant", 1), ("dialog_entry", 1), ("message", 1)],
            Self::ContactWithFile => &[
                ("dialog", 1),
                ("dialog_participant", 1),
                ("dialog_entry", 1),
                ("message", 1),
                ("attachment", 1),
                ("upload", -1),
                ("upload_part", -1),
            ],
            Self::Consultation => {
                &[("dialog", 1), ("dialog_participant", 1), ("dialog_entry", 1), ("message", 1), ("journal_entry", 1)]
            }
            Self::ToPortal => &[("dialog", 1), ("dialog_participant", 1), ("dialog_entry", 1), ("portal_item", 1)],
            Self::ToColleague => &[("dialog", 1), ("dialog_entry", 1), ("inbox_item", 1), ("dialog_participant", 2)],
            Self::Reply | Self::Close | Self::Answer => &[("dialog_participant", 1), ("dialog_entry", 1), ("message", 1)],
            Self::ReplyWithFile => &[
                ("dialog_participant", 1),
                ("dialog_entry", 1),
                ("message", 1),
                ("attachment", 1),
                ("upload", -1),
                ("upload_part", -1),
            ],
            Self::ReplyInConsultation => &[("dialog_participant", 1), ("dialog_entry", 1), ("message", 1), ("journal_entry", 1)],
            Self::Convert => &[("journal_entry", 1)],
            Self::ConvertRequest => &[("dialog_participant", 1), ("dialog_entry", 1), ("message", 1), ("journal_entry", 2)],
            Self::Upload => &[("upload", 1), ("upload_part", 1)],
            Self::Recipients => &[(CHOSEN, 1)],
            Self::Release => &[("slot", 1)],
            Self::Book => &[("appointment", 1), ("appointment_change", 1)],
            Self::Move | Self::Cancel | Self::Type | Self::NoShow => &[("appointment_change", 1)],
            Self::Wish => &[
                ("dialog_participant", 1),
                ("dialog_entry", 1),
                ("message", 1),
                ("appointment", 1),
                ("appointment_change", 1),
                ("appointment_told", 1),
            ],
        }
    }

    /// A command of this kind about something of its own, which is made before.
    async fn command(self, scene: &mut Scene) -> Value {
        let write = |dialog: Uuid, more: Value| {
            let mut all = json!({ "dialog": dialog, "text": "Hei" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let start = |more: Value| {
            let mut all = json!({ "subject": "Hei", "text": "Hei" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            of("kari", "StartDialog", all)
        };
        let none = json!({});
        match self {
            Self::Contact => start(json!({ "kind": "EKONTAKT", "patient": LINE })),
            Self::ContactWithFile => start(json!({ "kind": "EKONTAKT", "patient": LINE, "attachments": [scene.file().await] })),
            Self::Consultation => start(json!({ "kind": "EKONSULTASJON", "patient": LINE })),
            Self::ToPortal => start(json!({ "kind": "EDIALOG", "patient": TROND })),
            Self::ToColleague => start(json!({ "kind": "EDIALOG", "colleagues": ["ole"] })),
            Self::Reply => of("kari", "ReplyToDialog", write(scene.received(Message::ekontakt()).await, none)),
            Self::ReplyWithFile => {
                let file = json!({ "attachments": [scene.file().await] });
                of("kari", "ReplyToDialog", write(scene.received(Message::ekontakt()).await, file))
            }
            Self::ReplyInConsultation => of("kari", "ReplyToDialog", write(scene.received(Message::ekonsultasjon()).await, none)),
            Self::Close => of("kari", "CloseDialog", write(scene.received(Message::ekontakt()).await, none)),
            Self::Answer => {
                let request = scene.received(Message::reseptfornyelse()).await;
                of("kari", "AnswerPrescriptionRequest", write(request, json!({ "choice": "renewed" })))
            }
            Self::Convert => {
                let dialog = scene.received(Message::ekontakt()).await;
                of("kari", "ConvertDialog", json!({ "dialog": dialog, "to": "EKONSULTASJON" }))
            }
            Self::ConvertRequest => {
                let request = scene.received(Message::reseptfornyelse()).await;
                of("kari", "ConvertDialog", write(request, json!({ "to": "EKONSULTASJON" })))
            }
            Self::Upload => {
                let part = json!({ "upload": Uuid::new_v4(), "part": 1, "parts": 2, "bytes": base64(b"%PDF-1.7") });
                of("kari", "UploadAttachment", part)
            }
            Self::Recipients => {
                scene.clinic.fleet.rows.query("update dialogpost.routing_rule set chosen_by = null", &[]).await;
                of("siri", "SetRecipients", json!({ "kind": "EKONTAKT", "mode": "behandler" }))
            }
            Self::Release => {
                let slot = json!({ "start": scene.free_day(), "appointment_type": "vanlig" });
                of("siri", "ReleaseSlots", json!({ "timebok": "kari-bok", "slots": [slot] }))
            }
            Self::Book => scene.booking(),
            Self::Move => {
                let appointment = scene.booked().await;
                of("siri", "MoveAppointment", json!({ "appointment": appointment, "start": scene.free_day() }))
            }
            Self::Cancel => of("siri", "CancelAppointment", json!({ "appointment": scene.booked().await })),
            Self::Type => {
                let appointment = scene.booked().await;
                of("siri", "ChangeAppointmentType", json!({ "appointment": appointment, "appointment_type": "video" }))
            }
            Self::NoShow => of("siri", "MarkNoShow", json!({ "appointment": scene.begun().await })),
            Self::Wish => {
                let becomes =
                    json!({ "type": "booked", "timebok": "kari-bok", "start": scene.free_day(), "appointment_type": "vanlig" });
                let wish = scene.received(Message::timeonske(Wish::New)).await;
                of("kari", "AnswerTimeonske", json!({ "dialog": wish, "becomes": becomes }))
            }
        }
    }
}

/// A fleet in which one worker dies; the others run on.
struct Scene {
    clinic: Clinic,
    epj: Epj,
    /// Days that something stands on.
    days: i64,
}

impl Scene {
    async fn open(worker: Worker) -> Self {
        super::by_the_schemas();
        let clinic = Clinic::with(Fleet::new().await, &all_but(worker)).await;
        let epj = clinic.epj().await;
        Self { clinic, epj, days: 0 }
    }

    fn start(&self, worker: Worker) -> Running {
        self.clinic.fleet.start_with(&[worker], Probe::default())
    }

    /// Runs a worker until it dies after a step.
    async fn die(&self, worker: Worker, step: Step) {
        let died = Arc::new(AtomicBool::new(false));
        let dies = Arc::clone(&died);
        let probe = Probe::new(move |_, s| s == step && !dies.swap(true, Ordering::SeqCst));
        self.clinic.fleet.start_with(&[worker], probe).crashed_or(&died).await;
    }

    async fn file(&self) -> Value {
        json!({ "file_name": "svar.pdf", "upload": self.epj.upload(8_141_333, "kari", b"%PDF-1.7").await })
    }

    /// A dialog that the patient begins.
    async fn received(&mut self, message: Message) -> Uuid {
        let sent = self.clinic.send(&[message]).await.remove(0);
        self.clinic.fleet.rows.one(&format!("select id from dialogpost.dialog where conversation = '{}'", sent.msg_id)).await
    }

    /// A time at which nothing stands in Kari's timebok.
    fn free_day(&mut self) -> jiff::Timestamp {
        self.days += 1;
        day(30 + self.days, 9, 0)
    }

    fn booking(&mut self) -> Value {
        let at = self.free_day();
        let booking = json!({ "timebok": "kari-bok", "patient": TROND, "start": at, "appointment_type": "vanlig" });
        of("siri", "BookAppointment", booking)
    }

    async fn booked(&mut self) -> Value {
        let booking = self.booking();
        self.epj.done(&booking).await["appointment"].clone()
    }

    /// One that was booked for a time that is past by now.
    async fn begun(&mut self) -> Value {
        let appointment = self.booked().await;
        let past = format!(
            "update dialogpost.appointment set starts_at = starts_at - interval '1 year', ends_at = ends_at - interval '1 year'
             where id = '{}'",
            appointment.as_str().unwrap()
        );
        self.clinic.fleet.rows.query(&past, &[]).await;
        appointment
    }

    async fn send(&self, command: &Value, correlation: &str) {
        self.epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), correlation).await;
    }

    /// Answers until one comes under this correlation id.
    async fn until(&self, correlation: &str) -> Vec<Reply> {
        let mut replies = vec![self.epj.next().await];
        while replies.last().unwrap().correlation != correlation {
            replies.push(self.epj.next().await);
        }
        replies
    }

    async fn counts(&self) -> BTreeMap<&'static str, i64> {
        let mut counts = BTreeMap::new();
        for table in TABLES.into_iter().chain(KEPT) {
            let own = match table {
                "message" => " where direction = 'out'",
                _ => "",
            };
            counts.insert(table, self.clinic.fleet.rows.count(&format!("dialogpost.{table}{own}")).await);
        }
        counts
    }
}

fn all_but(worker: Worker) -> Vec<Worker> {
    WORKERS.into_iter().filter(|other| other.name != worker.name).collect()
}

/// Ids of the messages that HelseNorge got.
async fn got(helsenorge: &HelseNorge) -> HashSet<String> {
    let received = helsenorge.receive("8093244_async", 1000, PATIENCE / 20).await.unwrap();
    received.into_iter().filter(|r| r.apprec.is_none()).filter_map(|r| r.properties.message_id).collect()
}

async fn sent(fleet: &Fleet) -> HashSet<String> {
    let ids: Vec<String> = fleet.rows.column("select id::text from dialogpost.sent_state where function <> 'APPREC'").await;
    ids.into_iter().collect()
}

async fn a_crash_after_any_step_leaves_one_effect_and_one_answer(cases: &[Case]) {
    let mut scene = Scene::open(clinic_commands::WORKER).await;
    for (case, step) in cases.iter().flat_map(|case| Step::ALL.map(|step| (*case, step))) {
        let running = scene.start(clinic_commands::WORKER);
        let command = case.command(&mut scene).await;
        running.stop().await;
        let before = scene.counts().await;
        scene.send(&command, "first").await;
        scene.die(clinic_commands::WORKER, step).await;
        let running = scene.start(clinic_commands::WORKER);
        scene.send(&command, "again").await;
        let mut replies = scene.until("again").await;
        scene.clinic.fleet.settle(0).await;
        // All that was told before lies before the answer to this.
        scene.send(&command, "last").await;
        replies.extend(scene.until("last").await);
        running.stop().await;
        one_answer(&replies, &format!("{case:?} {step:?}"));
        assert_eq!(difference(&before, &scene.counts().await), effect_of(case), "{case:?} {step:?}");
        if let Some(entry) = replies[0].body["result"]["entry"].as_str() {
            let named = scene.clinic.fleet.rows.count(&format!("dialogpost.dialog_entry where id = '{entry}'")).await;
            assert_eq!(named, 1, "{case:?} {step:?}: it is what the answer names");
        }
    }
    scene.clinic.fleet.settle(0).await;
    let (got, sent) = (got(&scene.clinic.helsenorge).await, sent(&scene.clinic.fleet).await);
    assert_eq!(got, sent, "HelseNorge has each message under one id");
    scene.clinic.close().await;
}

fn one_answer(replies: &[Reply], at: &str) {
    assert!(replies.iter().all(|reply| reply.body["outcome"] == "done"), "{at}: {replies:?}");
    let answers: HashSet<(String, String)> = replies.iter().map(|r| (r.message_id.clone(), r.body.to_string())).collect();
    assert_eq!(answers.len(), 1, "{at}: {replies:?}");
    let told: BTreeSet<&str> = replies.iter().map(|reply| reply.correlation.as_str()).collect();
    assert_eq!(told, BTreeSet::from(["again", "first", "last"]), "{at}: whoever asked is answered");
}

type Counts = BTreeMap<&'static str, i64>;

fn difference(before: &Counts, after: &Counts) -> Counts {
    after.iter().map(|(table, n)| (*table, n - before[table])).filter(|(_, n)| *n != 0).collect()
}

fn effect_of(case: Case) -> Counts {
    let in_audit = i64::from(!matches!(case, Case::Upload));
    let always = [("command", 1), ("audit", in_audit)];
    case.effect().iter().copied().chain(always).filter(|(_, n)| *n != 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_dialog_is_begun() {
    use Case::{Consultation, Contact, ContactWithFile};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Contact, ContactWithFile, Consultation]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_an_e_dialog_is_begun() {
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Case::ToPortal, Case::ToColleague]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_dialog_is_answered() {
    use Case::{Reply, ReplyInConsultation, ReplyWithFile};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Reply, ReplyWithFile, ReplyInConsultation]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_dialog_is_closed_or_converted() {
    use Case::{Close, Convert};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Close, Convert]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_prescription_request_is_answered() {
    use Case::{Answer, ConvertRequest};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Answer, ConvertRequest]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_file_comes_or_recipients_are_chosen() {
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Case::Upload, Case::Recipients]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_slots_are_released_or_an_appointment_is_made() {
    use Case::{Book, Release, Wish};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Release, Book, Wish]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_while_an_appointment_is_changed() {
    use Case::{Cancel, Move, NoShow, Type};
    a_crash_after_any_step_leaves_one_effect_and_one_answer(&[Move, Cancel, Type, NoShow]).await;
}

/// The worker that sends what a command wrote dies instead.
#[tokio::test(flavor = "multi_thread")]
async fn crash_while_a_message_is_sent() {
    let scene = Scene::open(helsenorge_outbound::WORKER).await;
    for step in Step::ALL {
        let entry = scene.epj.done(&super::start()).await["entry"].as_str().unwrap().to_owned();
        scene.die(helsenorge_outbound::WORKER, step).await;
        let running = scene.start(helsenorge_outbound::WORKER);
        scene.clinic.fleet.until("select count(*) from dialogpost.sent_state where state = 'queued'", 0).await;
        scene.clinic.fleet.settle(0).await;
        running.stop().await;
        assert_eq!(got(&scene.clinic.helsenorge).await, HashSet::from([entry.clone()]), "{step:?}");
        assert_eq!(scene.clinic.fleet.sent_state(entry.parse().unwrap()).await, "awaiting_receipt", "{step:?}");
    }
    scene.clinic.close().await;
}
