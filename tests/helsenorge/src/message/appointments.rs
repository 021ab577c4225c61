//! What patients ask for about appointments (message-formats 5).

use super::Message;
use crate::example::{HELSENORGE, KARI, LINE, SOLBAKKEN, sync_queue, syncreply_queue};
use crate::parts;
use jiff::civil::Date;
use messages::event::DialogKind;
use messages::wire::hodemelding::{Document, MsgHead};
use messages::wire::icalendar::Vevent;

/// `MsgInfo/Type` of free slots, reservations and their cancellation.
pub const TIMERESERVASJON: &str = "DIALOG_INNBYGGER_TIMERESERVASJON";
/// `MsgInfo/Type` of what clinics tell of appointments unasked.
pub const AVTALEUTSENDING: &str = "DIALOG_INNBYGGER_AVTALEUTSENDING";
/// `MsgInfo/Type` of a cancellation, where the parties have agreed to it.
pub const AVTALEAVBESTILLING: &str = "DIALOG_INNBYGGER_AVTALEAVBESTILLING";

/// What a patient may wish for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// An appointment (OT).
    New,
    /// Another time for one (OET).
    Change,
    /// To be rid of one (OAT).
    Cancel,
}

impl Message {
    /// Line looks for a doctor's free slots in these days, both included; HelseNorge waits for 15 seconds.
    pub fn hent_ledige_timer(clinic: i64, doctor: i64, from: Date, to: Date) -> Self {
        let message = Self::booking(parts::bare_request("HLT", "Hent ledige timer")).to_doctor(clinic, doctor).ack("N");
        let message = message.on_queue(&sync_queue(clinic)).reply_to(&syncreply_queue(HELSENORGE));
        Self { ttl_ms: Some(15_000), ..message }.edit_dialog(|dialog| {
            dialog.foresporsel.iter_mut().for_each(|f| (f.fra_dato, f.til_dato) = (Some(from), Some(to)));
        })
    }

    /// Line reserves a slot of Kari's, and says what it is about; see [`Message::text`], [`Message::without_text`],
    /// [`Message::guardian`], [`Message::to_doctor`].
    pub fn reserver_avtale(slot: &Vevent) -> Self {
        let main = parts::bare_request("RT", "Reserver time");
        Self::booking(main).to_doctor(SOLBAKKEN, KARI).text("Kneet er hovent etter løpeturen.").event(slot)
    }

    /// Line cancels an appointment of hers with Kari; as [`AVTALEAVBESTILLING`] by [`Message::of_process`].
    pub fn avbestill_avtale(appointment: &Vevent) -> Self {
        let main = parts::bare_request("ART", "Avbestill reservert time");
        Self::booking(main).to_doctor(SOLBAKKEN, KARI).event(appointment)
    }

    /// Line wishes for an appointment, or for a change of one that [`Message::event`] names.
    pub fn timeonske(wish: Wish) -> Self {
        let (v, dn) = match wish {
            Wish::New => ("OT", "Ønske om time"),
            Wish::Change => ("OET", "Ønske om endring av time"),
            Wish::Cancel => ("OAT", "Ønske om avbestilling av time"),
        };
        Self::new(DialogKind::Timeonske, parts::request(DialogKind::Timeonske)).edit_dialog(|dialog| {
            dialog.foresporsel.iter_mut().for_each(|f| f.type_foresp = Some(parts::code(v, dn, 7601)));
        })
    }

    /// The slot or the appointment that it is about, in a calendar of its own.
    #[must_use]
    pub fn event(self, event: &Vevent) -> Self {
        self.document(parts::calendar(std::slice::from_ref(event)))
    }

    fn booking(main: Document) -> Self {
        let patient = Some(parts::person(LINE.nin, LINE.given, LINE.family));
        Self::of(MsgHead { patient, ..Self::head(main) }).of_process(TIMERESERVASJON).ack("J")
    }
}
