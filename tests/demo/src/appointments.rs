//! Appointments: what patients book on HelseNorge, what the clinic changes by command, and who is told of it, and how. One step after the
//! other, each checked.

mod listening;
mod picture;
mod times;

use crate::epj::Epj;
use crate::exchange::Exchange;
use crate::receiver::Texts;
use crate::setup::late_patient;
use crate::table::Screen;
use crate::watch::{Given, Ledger};
use crate::{Outcome, now};
use futures_util::Stream;
use helsenorge::example::{KARI, LINE, SOLBAKKEN, TROND};
use helsenorge::{AboutAppointments, HelseNorge, Message, NoticeKind, Received};
use jiff::{SignedDuration, Timestamp};
use listening::Heard;
use messages::command::answer::{Appointment, AppointmentStatus, Done, Timebok};
use messages::command::order::{
    BookAppointment, CancelAppointment, ListAppointments, MoveAppointment, Order, ReleaseSlots, ReleasedSlot, ShowTimebok,
};
use messages::wire::icalendar::Vevent;
use std::time::{Duration, Instant};
use times::{Plan, shown};
use uuid::Uuid;

/// The timebok that Kari Lunde's patients book in.
const TIMEBOK: &str = "kari-bok";
/// Types of appointments: ordinary, video, and hidden.
const ORDINARY: &str = "vanlig";
const VIDEO: &str = "video";
const HIDDEN: &str = "skjult";
/// Where Line and Trond get text messages.
const LINES_PHONE: &str = "+4799900001";
const TRONDS_PHONE: &str = "+4799900002";
/// As long as an appointment is.
const NEAR: SignedDuration = SignedDuration::from_mins(20);
/// How long HelseNorge listens for what should not come.
const QUIET: Duration = Duration::from_millis(300);

/// One step, and what came of it.
struct Step {
    who: &'static str,
    does: String,
    /// `None` = it is under way.
    came: Option<Result<String, String>>,
    began: Instant,
    took: Option<Duration>,
}

impl Step {
    const fn failed(&self) -> bool {
        matches!(self.came, Some(Err(_)))
    }
}

/// All that the steps are played with.
pub(crate) struct Stage<'a, S> {
    /// HelseNorge.
    pub helsenorge: &'a HelseNorge,
    /// Everything that comes to HelseNorge's queues.
    pub queues: S,
    /// Its keys, where things are protected.
    pub exchange: Option<&'a Exchange>,
    /// The database.
    pub ledger: &'a Ledger,
    /// The clinic's journal system.
    pub epj: Epj,
    /// What the provider of text messages was handed.
    pub texts: Texts,
}

/// Plays every step and shows them; whether all went as they must.
///
/// # Errors
/// The steps could not be played at all.
pub(crate) async fn play<S: Stream<Item = Received> + Unpin>(stage: Stage<'_, S>) -> Outcome<bool> {
    let mut play = Play { stage, heard: Heard::default(), steps: Vec::new(), screen: Screen::new() };
    let ended = play.story().await;
    let fault = ended.as_ref().err().map(ToString::to_string);
    if let Some(fault) = &fault {
        play.end(Err(fault.clone()));
    }
    let Play { screen, steps, .. } = play;
    screen.end();
    println!("{}", picture::steps(&steps));
    if let Ok((timebok, seen)) = &ended {
        println!("{}", picture::timebok(timebok, seen));
    }
    match &fault {
        Some(fault) => println!("✗ {}: {fault}", steps.last().filter(|s| s.failed()).map_or("appointments", |step| &step.does)),
        None => println!("{0} of {0} steps about appointments went as they must", steps.len()),
    }
    Ok(fault.is_none())
}

/// What Line sees on HelseNorge in the end.
struct Seen {
    free: Vec<Vevent>,
    appointment: (Timestamp, u32),
}

struct Play<'a, S> {
    stage: Stage<'a, S>,
    heard: Heard,
    steps: Vec<Step>,
    screen: Screen,
}

impl<S: Stream<Item = Received> + Unpin> Play<'_, S> {
    async fn story(&mut self) -> Outcome<(Timebok, Seen)> {
        let texts_before = self.stage.texts.all()?.len();
        let plan = self.plan().await?;
        self.release(&plan).await?;
        let slot = self.look(&plan).await?;
        let of_line = self.reserve(&slot).await?;
        self.come_too_late(&slot).await?;
        self.move_it(&plan, &slot, of_line).await?;
        self.hide(&plan).await?;
        let of_trond = self.book_for_trond(times::remindable(now())?).await?;
        self.remind(of_trond).await?;
        let seen = self.look_again(&plan, &slot).await?;
        let texts = self.stage.texts.all()?.split_off(texts_before);
        demand(texts.iter().all(|text| text.to != LINES_PHONE), "Line, whom HelseNorge tells, got a text message too")?;
        Ok((self.timebok(&plan).await?, seen))
    }

    /// What an earlier run has booked for Trond at this time, or right beside it.
    async fn make_room(&mut self, start: Timestamp) -> Outcome<()> {
        let list = ListAppointments { patient: TROND.nin.to_owned().into() };
        let Done::Appointments { appointments } = self.stage.epj.give(Order::ListAppointments(list)).await? else {
            return Err("no list of appointments".into());
        };
        let is_booked = |appointment: &&Appointment| appointment.status == AppointmentStatus::Booked;
        let is_near = |appointment: &&Appointment| appointment.start.duration_since(start).abs() < NEAR;
        for appointment in appointments.iter().filter(is_booked).filter(is_near) {
            self.begin("clinic", format!("cancels what an earlier run booked for T.H. at {}", times::clock(appointment.start)));
            let cancel = CancelAppointment { appointment: appointment.appointment, version: None };
            self.stage.epj.give(Order::CancelAppointment(cancel)).await?;
            let text = self.text(appointment.appointment, "cancelled").await?;
            demand(text.contains("er avlyst"), &format!("he is told otherwise: {text}"))?;
            self.done(text);
        }
        Ok(())
    }

    /// A day with nothing in the timebok yet, from a week ahead.
    async fn plan(&self) -> Outcome<Plan> {
        for day in times::weekdays_from(now()) {
            let timebok = self.timebok_on(day).await?;
            if timebok.slots.is_empty() && timebok.appointments.is_empty() {
                return Plan::on(day);
            }
        }
        Err("the timebok is full for a quarter of a year".into())
    }

    async fn release(&mut self, plan: &Plan) -> Outcome<()> {
        self.begin("clinic", format!("releases three times on {}, one of a hidden type", times::day(plan.ordinary)));
        let of = |start, of_type: &str| ReleasedSlot { start, appointment_type: of_type.to_owned() };
        let slots = vec![of(plan.ordinary, ORDINARY), of(plan.video, VIDEO), of(plan.hidden, HIDDEN)];
        let release = ReleaseSlots { timebok: TIMEBOK.to_owned(), online: true, slots };
        match self.stage.epj.give(Order::ReleaseSlots(release)).await? {
            Done::SlotsReleased { slots: 3 } => self.done("in Kari Lunde's timebok"),
            other => return Err(format!("not released: {other:?}").into()),
        }
        Ok(())
    }

    /// Line sees what is released, and nothing hidden.
    async fn look(&mut self, plan: &Plan) -> Outcome<Vevent> {
        self.begin("L.D., HelseNorge", "asks for Kari Lunde's free times");
        let free = self.free(plan).await?;
        let starts: Vec<_> = free.iter().filter_map(|slot| slot.start).collect();
        demand(starts == [plan.ordinary, plan.video], &format!("she is shown other times: {starts:?}"))?;
        demand(free.iter().map(Vevent::is_video).eq([false, true]), "it cannot be told which is by video")?;
        self.done(free.iter().map(picture::slot).collect::<Vec<_>>().join("\n"));
        free.into_iter().next().ok_or_else(|| "nothing is free".into())
    }

    async fn reserve(&mut self, slot: &Vevent) -> Outcome<Uuid> {
        let request = Message::reserver_avtale(slot);
        let comment = request.written_text();
        self.begin("L.D., HelseNorge", format!("books {}: “{comment}”", picture::start(slot)));
        let told = self.ask(&request).await?;
        demand(told.answer.as_deref() == Some("05"), &format!("she is answered {:?}, not 05", told.answer))?;
        demand(told.events.first().is_some_and(|event| event.uid == slot.uid), "another time is confirmed")?;
        let day = slot.start.map(times::date).ok_or("the time has no beginning")?;
        let appointments = self.timebok_on(day).await?.appointments;
        let hers = appointments.iter().find(|a| Some(a.start) == slot.start && a.patient.expose() == LINE.nin);
        let hers = hers.ok_or("it is not in the timebok")?;
        demand(hers.comment.as_ref().is_some_and(|said| *said.expose() == comment), "the clinic does not see what it is about")?;
        self.done("confirmed, and in the timebok at once");
        Ok(hers.appointment)
    }

    async fn come_too_late(&mut self, slot: &Vevent) -> Outcome<()> {
        let late = late_patient()?;
        self.begin("A.Å., HelseNorge", format!("books {} too", picture::start(slot)));
        let request =
            Message::reserver_avtale(slot).patient(&late.nin, &late.given, &late.family).text("Jeg har vondt i halsen.");
        let told = self.ask(&request).await?;
        demand(told.answer.as_deref() == Some("06"), &format!("he is answered {:?}, not 06", told.answer))?;
        self.done("not available: somebody else was first");
        Ok(())
    }

    /// The clinic moves what Line has booked: HelseNorge shows it, told once, as a change.
    async fn move_it(&mut self, plan: &Plan, slot: &Vevent, appointment: Uuid) -> Outcome<()> {
        self.begin("clinic", format!("moves L.D. to {}", times::clock(plan.later)));
        let order = MoveAppointment { appointment, start: plan.later, timebok: None, version: None };
        self.stage.epj.give(Order::MoveAppointment(order)).await?;
        let uid = slot.uid.clone().unwrap_or_default();
        let is_moved = |heard: &Heard| heard.shown(&uid).filter(|shown| shown.start == plan.later).map(drop);
        self.until("what HelseNorge is told of it", is_moved).await?;
        let given = self.given(appointment, "moved").await?;
        demand(given.channel.as_deref() == Some("helsenorge"), &format!("she is noticed by {:?}", given.channel))?;
        self.done("HelseNorge shows it there, told by one message: version 2");
        Ok(())
    }

    /// What is of a hidden type is in the timebok, and nowhere else.
    async fn hide(&mut self, plan: &Plan) -> Outcome<()> {
        self.begin("clinic", format!("books L.D. {}, of the hidden type", times::clock(plan.hidden)));
        let appointment = self.book(LINE.nin, plan.hidden, HIDDEN).await?;
        let given = self.given(appointment, "booked").await?;
        demand(given.reason.as_deref() == Some("hidden"), &format!("she is told of it: {given:?}"))?;
        self.listen(QUIET).await?;
        demand(!self.heard.told_of(plan.hidden), "HelseNorge is told of it")?;
        self.done("HelseNorge is told nothing, and she is not noticed");
        Ok(())
    }

    async fn book_for_trond(&mut self, start: Timestamp) -> Outcome<Uuid> {
        self.make_room(start).await?;
        self.begin("clinic", format!("books T.H., whom HelseNorge does not reach, on {}", shown(start)));
        let appointment = self.book(TROND.nin, start, ORDINARY).await?;
        let text = self.text(appointment, "booked").await?;
        demand(text.contains("Du har fått time"), &format!("he is told otherwise: {text}"))?;
        self.done(text);
        Ok(appointment)
    }

    /// Nothing is hurried: so little of the time for his reminder is left that it is due at once.
    async fn remind(&mut self, appointment: Uuid) -> Outcome<()> {
        self.begin("Dialogpost", "reminds T.H., 48 to 24 hours before: of that, 20 minutes are left, so it does so at once");
        let text = self.text(appointment, "reminder").await?;
        demand(text.contains("Vi minner om timen din"), &format!("he is told otherwise: {text}"))?;
        self.done(text);
        Ok(())
    }

    async fn look_again(&mut self, plan: &Plan, slot: &Vevent) -> Outcome<Seen> {
        self.begin("L.D., HelseNorge", "looks at her appointments, and asks once more what is free");
        let free = self.free(plan).await?;
        let starts: Vec<_> = free.iter().filter_map(|slot| slot.start).collect();
        demand(starts == [plan.ordinary, plan.video], &format!("other times are free: {starts:?}"))?;
        demand(free.iter().all(|free| free.uid != slot.uid), "what is free again bears its old name")?;
        let uid = slot.uid.clone().unwrap_or_default();
        let all = self.heard.shown_to(LINE.nin);
        demand(all.len() == 1 && all.iter().all(|shown| shown.uid == uid), &format!("she is shown {} appointments", all.len()))?;
        let told: Vec<_> = self.heard.versions(&uid);
        demand(told == [(1, NoticeKind::Booked), (2, NoticeKind::Moved)], &format!("she is told {told:?}"))?;
        demand(self.heard.pushed(&uid) == 1, &format!("HelseNorge is told {} times", self.heard.pushed(&uid)))?;
        demand(self.heard.faults().is_empty(), &format!("HelseNorge understands not all: {:?}", self.heard.faults()))?;
        self.done(format!("one appointment, {}; {} is free again", times::clock(plan.later), times::clock(plan.ordinary)));
        Ok(Seen { free, appointment: (plan.later, 2) })
    }

    async fn book(&self, patient: &str, start: Timestamp, of_type: &str) -> Outcome<Uuid> {
        let (timebok, patient) = (TIMEBOK.to_owned(), patient.to_owned().into());
        let book = BookAppointment { timebok, patient, start, appointment_type: of_type.to_owned(), comment: None };
        match self.stage.epj.give(Order::BookAppointment(book)).await? {
            Done::Appointment { appointment, version: 1 } => Ok(appointment),
            other => Err(format!("not booked: {other:?}").into()),
        }
    }

    async fn timebok(&self, plan: &Plan) -> Outcome<Timebok> {
        self.timebok_on(times::date(plan.ordinary)).await
    }

    async fn timebok_on(&self, day: jiff::civil::Date) -> Outcome<Timebok> {
        let show = ShowTimebok { timebok: TIMEBOK.to_owned(), from: day, days: 1 };
        match self.stage.epj.give(Order::ShowTimebok(show)).await? {
            Done::Timebok { timebok } => Ok(*timebok),
            other => Err(format!("no timebok: {other:?}").into()),
        }
    }

    async fn free(&mut self, plan: &Plan) -> Outcome<Vec<Vevent>> {
        let day = times::date(plan.ordinary);
        let told = self.ask(&Message::hent_ledige_timer(SOLBAKKEN, KARI, day, day)).await?;
        match told.answer.as_deref() {
            Some("03" | "04") => Ok(told.events),
            other => Err(format!("she is answered {other:?}, not what is free").into()),
        }
    }

    /// Sends what a patient asks for, and gives the clinic's answer.
    async fn ask(&mut self, message: &Message) -> Outcome<AboutAppointments> {
        let sent = self.stage.exchange.map_or_else(|| message.build(), |exchange| exchange.sealed(message));
        self.stage.helsenorge.publish(std::slice::from_ref(&sent)).await?;
        self.until("an answer", |heard| heard.answer_to(&sent.msg_id)).await
    }

    /// What became of a notice, once something has.
    async fn given(&mut self, appointment: Uuid, kind: &str) -> Outcome<Given> {
        let began = Instant::now();
        loop {
            let given = self.stage.ledger.given(appointment, kind).await?;
            if let Some(given) = given.filter(Given::is_over) {
                return Ok(given);
            }
            listening::in_time(began, &format!("the notice that it is {kind}"))?;
            self.listen(listening::GLANCE).await?;
        }
    }

    /// The text message that Trond gets: one, and its provider has it.
    async fn text(&mut self, appointment: Uuid, kind: &str) -> Outcome<String> {
        let given = self.given(appointment, kind).await?;
        let how = (given.channel.as_deref(), given.state.as_str());
        demand(how == (Some("sms"), "sent"), &format!("he is noticed otherwise: {given:?}"))?;
        let began = Instant::now();
        loop {
            let texts: Vec<_> = self.stage.texts.all()?.into_iter().filter(|text| text.id == given.id).collect();
            if let [text] = &texts[..] {
                demand(text.to == TRONDS_PHONE, "it went to another telephone")?;
                return Ok(format!("text message: “{}”", text.text));
            }
            demand(texts.is_empty(), "he is told more than once")?;
            listening::in_time(began, "the text message")?;
            self.listen(listening::GLANCE).await?;
        }
    }

    fn begin(&mut self, who: &'static str, does: impl Into<String>) {
        self.steps.push(Step { who, does: does.into(), came: None, began: Instant::now(), took: None });
        self.screen.draw(&picture::steps(&self.steps));
    }

    fn done(&mut self, came: impl Into<String>) {
        self.end(Ok(came.into()));
    }

    fn end(&mut self, came: Result<String, String>) {
        if let Some(step) = self.steps.last_mut().filter(|step| step.came.is_none()) {
            step.took = Some(step.began.elapsed());
            step.came = Some(came);
        }
        self.screen.draw(&picture::steps(&self.steps));
    }
}

/// A check: what is wrong unless it holds.
fn demand(holds: bool, fault: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(fault.into()) }
}
