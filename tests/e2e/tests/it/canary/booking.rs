//! What is hidden in bookings: what patients say when they book and cancel, and what a clinic says of its timebøker.

use super::commanding::of;
use super::planting::Planter;
use crate::appointments::{date, day};
use e2e::Fleet;
use e2e::epj::Epj;
use helsenorge::example::{KARI, SOLBAKKEN};
use helsenorge::{Message, SyntheticPatient};
use messages::wire::icalendar::Vevent;
use serde_json::{Value, json};
use uuid::Uuid;

/// Books and cancels as a patient, then by each command about timebøker; gives the commands.
pub(super) async fn give(fleet: &Fleet, epj: &Epj, planter: &mut Planter, patient: &SyntheticPatient) -> Vec<Value> {
    let slots = [7, 8].map(|days| json!({ "start": day(days, 9, 0), "appointment_type": "vanlig" }));
    let mut given = vec![of("ReleaseSlots", json!({ "timebok": "kari-bok", "slots": slots }))];
    epj.done(&given[0]).await;
    let (before, _) = fleet.rows.flight().await;
    let all = requests(fleet, planter, patient).await;
    fleet.helsenorge().await.send_all(&all).await.unwrap();
    fleet.settle(before + all.len() as i64).await;
    let kept: i64 = fleet.rows.one("select count(*) from dialogpost.appointment where comment is not null").await;
    assert_eq!(kept, 1, "what it is about is kept");
    let wish: Uuid = fleet.rows.one("select id from dialogpost.dialog where kind = 'TIMEONSKE' order by opened_at limit 1").await;
    let sorry = json!({ "dialog": wish, "becomes": { "type": "unavailable" }, "text": planter.say("command: answer to a wish") });
    for (name, more) in [
        ("ShowTimebok", json!({ "timebok": "kari-bok", "from": date(day(7, 0, 0)), "days": 3 })),
        ("ListAppointments", json!({ "patient": patient.nin })),
        ("AnswerTimeonske", sorry),
    ] {
        given.push(of(name, more));
        epj.done(given.last().unwrap()).await;
    }
    given.extend(changes(fleet, epj, patient).await);
    given
}

async fn changes(fleet: &Fleet, epj: &Epj, patient: &SyntheticPatient) -> Vec<Value> {
    let book = json!({ "timebok": "kari-bok", "patient": patient.nin, "start": day(9, 9, 0), "appointment_type": "vanlig" });
    let mut given = vec![of("BookAppointment", book)];
    let id = epj.done(&given[0]).await["appointment"].clone();
    for (name, more) in [
        ("MoveAppointment", json!({ "start": day(9, 10, 0) })),
        ("ChangeAppointmentType", json!({ "appointment_type": "skjult" })),
        ("MarkNoShow", json!({})),
        ("CancelAppointment", json!({})),
    ] {
        if name == "MarkNoShow" {
            let past =
                "update dialogpost.appointment set starts_at = now() - interval '1 hour', ends_at = now() where comment is null";
            fleet.rows.query(past, &[]).await;
        }
        let mut arguments = json!({ "appointment": id });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        given.push(of(name, arguments));
        epj.done(given.last().unwrap()).await;
    }
    given
}

/// Right and wrong.
async fn requests(fleet: &Fleet, planter: &mut Planter, patient: &SyntheticPatient) -> Vec<Message> {
    let uid: String = fleet.rows.one("select uid::text from dialogpost.slot where online order by starts_at limit 1").await;
    let mut event = |case: &str, uid: &str| Vevent {
        uid: Some(uid.to_owned()),
        summary: Some(planter.say(&format!("{case}: summary")).into()),
        description: Some(planter.say(&format!("{case}: description")).into()),
        location: Some(planter.say(&format!("{case}: location"))),
        ..Vevent::default()
    };
    let (slot, none) = (event("booking", &uid), event("booking of nothing", &Uuid::new_v4().to_string()));
    let cancelled = event("cancelling", &uid);
    let no_uid = Vevent { uid: Some(planter.say("booking: uid")), ..Vevent::default() };
    let from = day(7, 0, 0);
    let cases = [
        ("booking", Message::reserver_avtale(&slot)),
        ("booking twice", Message::reserver_avtale(&slot).event(&none)),
        ("booking of nothing", Message::reserver_avtale(&none)),
        ("booking without a name", Message::reserver_avtale(&no_uid)),
        ("cancelling nothing", Message::avbestill_avtale(&no_uid)),
        ("cancelling what is another's", Message::avbestill_avtale(&cancelled).patient("47819030045", "Trond", "Harboe")),
        ("free slots", Message::hent_ledige_timer(SOLBAKKEN, KARI, date(from), date(day(9, 0, 0)))),
    ];
    let full = |(case, message): (&str, Message)| {
        let guardian = planter.person(&format!("{case}: guardian"));
        let mut say = |part: &str| planter.say(&format!("{case}: {part}"));
        let message = message.subject(&say("subject")).text(&say("text")).property("X-Ukjent", &say("unknown property"));
        let message = message.guardian(&guardian.nin, &guardian.given, &guardian.family);
        match case {
            "cancelling what is another's" => message,
            _ => message.patient(&patient.nin, &patient.given, &patient.family),
        }
    };
    cases.into_iter().map(full).collect()
}

/// What is refused.
pub(super) fn bad(planter: &mut Planter, patient: &SyntheticPatient) -> Vec<Value> {
    let at = day(20, 9, 0);
    let mut say = |place: &str| planter.say(&format!("refused: {place}"));
    let book = json!({ "timebok": "kari-bok", "patient": patient.nin, "start": at, "appointment_type": "vanlig" });
    let with = |field: &str, value: String| {
        let mut whole = book.clone();
        whole[field] = json!(value);
        of("BookAppointment", whole)
    };
    let mut all = vec![
        with("timebok", say("timebok")),
        with("appointment_type", say("type")),
        with("start", say("start")),
        with("patient", say("booked patient")),
        of(
            "ReleaseSlots",
            json!({ "timebok": say("released timebok"), "slots": [{ "start": at, "appointment_type": "vanlig" }] }),
        ),
        of(
            "ReleaseSlots",
            json!({ "timebok": "kari-bok", "slots": [{ "start": at, "appointment_type": say("released type") }] }),
        ),
        of("ShowTimebok", json!({ "timebok": say("shown timebok"), "from": date(at) })),
        of("ShowTimebok", json!({ "timebok": "kari-bok", "from": say("shown from") })),
        of("ListAppointments", json!({ "patient": planter.person("refused: listed patient").nin })),
    ];
    let mut say = |place: &str| planter.say(&format!("refused: {place}"));
    for name in ["MoveAppointment", "CancelAppointment", "ChangeAppointmentType", "MarkNoShow"] {
        all.push(of(name, json!({ "appointment": say(name), "start": at, "appointment_type": "video" })));
    }
    let becomes = |value: Value| of("AnswerTimeonske", json!({ "dialog": Uuid::new_v4(), "becomes": value, "text": "Hei" }));
    all.push(becomes(json!({ "type": say("fulfilment") })));
    all.push(becomes(json!({ "type": "booked", "timebok": say("wished timebok"), "start": at, "appointment_type": "vanlig" })));
    // Of somebody who lacks the right to ask, the audit keeps that he has asked.
    for mut command in [
        of("ShowTimebok", json!({ "timebok": say("timebok of a stranger"), "from": date(at) })),
        of(
            "ReleaseSlots",
            json!({ "timebok": say("slots of a stranger"), "slots": [{ "start": at, "appointment_type": "vanlig" }] }),
        ),
    ] {
        command["actor"] = json!("per");
        all.push(command);
    }
    all
}
