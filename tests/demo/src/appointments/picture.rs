//! What is shown: the steps as they go, and in the end the timebok beside what HelseNorge shows of it.

use super::{Seen, Step, times};
use crate::table::framed;
use comfy_table::{Cell, CellAlignment, Color, Table};
use helsenorge::example::LINE;
use jiff::Timestamp;
use messages::command::answer::{Appointment, Timebok};
use messages::wire::icalendar::Vevent;

/// How wide it becomes where no terminal says how wide it may be.
const WIDTH: u16 = 130;

/// Every step so far.
pub(super) fn steps(steps: &[Step]) -> Table {
    let mut table = framed(&["", "appointments: who", "does what", "what comes of it", "ms"]);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    for step in steps {
        let (mark, came) = match &step.came {
            None => (Cell::new("…").fg(Color::Yellow), ""),
            Some(Ok(came)) => (Cell::new("✓").fg(Color::Green), came.as_str()),
            Some(Err(fault)) => (Cell::new("✗").fg(Color::Red), fault.as_str()),
        };
        let took = step.took.map(|took| took.as_millis().to_string()).unwrap_or_default();
        table.add_row([mark, Cell::new(step.who), Cell::new(&step.does), Cell::new(came), Cell::new(took)]);
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The timebok of the day, and what a patient sees of it.
pub(super) fn timebok(timebok: &Timebok, seen: &Seen) -> Table {
    let day = timebok.slots.first().map(|slot| times::day(slot.start)).unwrap_or_default();
    let mut table = framed(&[day.as_str(), "in Kari Lunde's timebok", "L.D. sees on HelseNorge"]);
    let free = timebok.slots.iter().filter(|slot| slot.free);
    let mut rows: Vec<_> = free.map(|slot| (slot.start, slot.end, format!("free, {}", slot.appointment_type))).collect();
    rows.extend(timebok.appointments.iter().map(|appointment| (appointment.start, appointment.end, booked(appointment))));
    rows.sort();
    for (start, end, stands) in rows {
        table.add_row([span(start, end), stands, on_helsenorge(start, seen)]);
    }
    table
}

fn booked(appointment: &Appointment) -> String {
    let who = if appointment.patient.expose() == LINE.nin { "L.D." } else { "somebody else" };
    let comment = appointment.comment.as_ref().map(|comment| format!(": “{}”", comment.expose())).unwrap_or_default();
    format!("{who}, {}{comment}", appointment.appointment_type)
}

fn on_helsenorge(start: Timestamp, seen: &Seen) -> String {
    let (own, version) = seen.appointment;
    match seen.free.iter().find(|slot| slot.start == Some(start)) {
        Some(slot) => format!("free{}", if slot.is_video() { ", by video" } else { "" }),
        None if own == start => format!("her appointment, version {version}"),
        None => "—".to_owned(),
    }
}

/// `09:00–09:20, by video`.
pub(super) fn slot(slot: &Vevent) -> String {
    let span = slot.start.zip(slot.end).map(|(start, end)| span(start, end)).unwrap_or_default();
    format!("free: {span}{}", if slot.is_video() { ", by video" } else { "" })
}

/// `09:00`.
pub(super) fn start(slot: &Vevent) -> String {
    slot.start.map(times::clock).unwrap_or_default()
}

fn span(start: Timestamp, end: Timestamp) -> String {
    format!("{}–{}", times::clock(start), times::clock(end))
}
