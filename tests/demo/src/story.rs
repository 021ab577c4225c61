//! What HelseNorge sends, and how each message must end.

use crate::exchange::Exchange;
use helsenorge::example::{KARI, LINE, SOLBAKKEN};
use helsenorge::{Message, SEALED, Sent, Wish};
use messages::event::DialogKind;
use uuid::Uuid;

/// The two clinics of `clinics.json` and the enterprise they belong to.
const FJORDGLOTT: i64 = 8_141_500;
const VENTENDE: i64 = 8_141_400;
const ENTERPRISE: i64 = 115_900;
/// Line's child, whose fastlege is at Fjordgløtt.
const EMIL: &str = "12831899024";
/// No party that was applied.
const STRANGER: i64 = 8_099_999;

/// How a message must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In these inboxes, in the journal or not, receipted.
    Delivered {
        /// Employee ids, sorted.
        recipients: &'static [&'static str],
        /// Whether it is in the journal.
        journaled: bool,
    },
    /// Stored; a negative AppRec with this error (code list 8221).
    Rejected(&'static str),
    /// Stored; an error message with this condition.
    Refused(&'static str),
    /// The first one's receipt is sent again.
    Repeated,
    /// Delivered before: no second effect, no second receipt.
    Known,
    /// Nobody to answer: a dead letter with this code.
    Dead(&'static str),
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What kind of message it is.
    pub title: &'static str,
    /// The patient, initials only.
    pub patient: &'static str,
    /// Whom it is addressed to.
    pub to: &'static str,
    /// The message.
    pub sent: Sent,
    /// How it must end.
    pub end: End,
    /// The row that must have ended before this one is sent.
    pub after: Option<usize>,
}

impl Row {
    fn after(self, row: usize) -> Self {
        Self { after: Some(row), ..self }
    }

    /// Whether it is signed and encrypted.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sent.properties.content_type.as_deref() == Some(SEALED)
    }
}

/// Every message, in the order in which they are sent: signed and encrypted in an exchange, with two more that are not as they should
/// be; as they are without one. Row 0 is sent three times: as it is, again byte for byte, and in a new envelope.
pub(crate) fn story(exchange: Option<&Exchange>) -> Vec<Row> {
    let row = |title, patient, to, message: &Message, end| {
        let sent = exchange.map_or_else(|| message.build(), |exchange| exchange.sealed(message));
        Row { title, patient, to, sent, end, after: None }
    };
    let everybody: &[&str] = &["kari", "ole", "siri"];
    let delivered = |recipients, journaled| End::Delivered { recipients, journaled };
    let kontakt = Message::ekontakt();
    let konsultasjon = Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI).attachment("kne.png", "image/png", PNG);
    let first = konsultasjon.build().msg_id;
    let resept = Message::reseptfornyelse().prescription("Paracet Tab 500 mg", "N02BE01", "C").prescription(
        "Zyrtec Tab 10 mg",
        "R06AE07",
        "C",
    );
    let child = Message::ekonsultasjon().to_clinic(FJORDGLOTT, ENTERPRISE).patient(EMIL, "Emil", "Danser").guardian(
        LINE.nin,
        LINE.given,
        LINE.family,
    );
    let answer = Message::svar().of_kind(DialogKind::EKonsultasjon).in_conversation(&first, &first);
    let envelope = Uuid::new_v4().to_string();
    let mut rows = vec![
        row("eKontakt", "L.D.", "Solbakken", &kontakt, delivered(everybody, false)),
        row("eKonsultasjon, with file", "L.D.", "Kari Lunde", &konsultasjon, delivered(&["kari"], true)),
        row("Reseptfornyelse of two", "L.D.", "Solbakken", &resept, delivered(everybody, false)),
        row("Timeønske", "L.D.", "Solbakken", &Message::timeonske(Wish::New), delivered(everybody, false)),
        row("eKonsultasjon, guardian", "E.D.", "Fjordgløtt", &child, delivered(&["nora"], true)),
        row("eKonsultasjon, follow-up", "L.D.", "Solbakken", &answer, delivered(&["kari"], true)).after(1),
        row("not XML", "–", "Solbakken", &Message::ekontakt().raw_body("hei"), End::Refused("transport:not-well-formed-xml")),
        row("wrong patient number", "L.D.", "Solbakken", &wrong_number(), End::Rejected("E31")),
        row("clinic not ready", "L.D.", "Ventende", &not_ready(), End::Rejected("E21")),
        row("unknown sender", "L.D.", "Solbakken", &stranger(), End::Dead("sender-unknown")),
    ];
    rows.extend(exchange.into_iter().flat_map(unprotected));
    let again = rows.first().map(|first| Row { title: "the first one again", end: End::Known, ..first.clone() }.after(0));
    rows.extend(again);
    rows.push(row("the first, new envelope", "L.D.", "Solbakken", &kontakt.transport_id(envelope), End::Repeated).after(0));
    rows
}

/// What nobody may get through with.
fn unprotected(exchange: &Exchange) -> [Row; 2] {
    let row = |title, sent, condition| {
        let end = End::Refused(condition);
        Row { title, patient: "L.D.", to: "Solbakken", sent, end, after: None }
    };
    let forged = exchange.forged(&Message::ekontakt());
    [
        row("signed by a forger", forged, "transport:invalid-certificate"),
        row("not protected", Message::ekontakt().build(), "transport:unsupported-message"),
    ]
}

/// One digit off.
fn wrong_number() -> Message {
    Message::ekontakt().patient("15868549961", LINE.given, LINE.family)
}

fn not_ready() -> Message {
    Message::ekontakt().to_clinic(VENTENDE, ENTERPRISE)
}

fn stranger() -> Message {
    Message::ekontakt().from(STRANGER, 115_851)
}

/// One grey pixel.
const PNG: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0aIDATx\x9cch\x00\x00\x00\x82\x00\x81w\xcdr\xb6\x00\x00\x00\x00IEND\xaeB`\x82";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_waits_only_for_one_before_it_and_the_repeats_are_of_row_0() {
        for exchange in [None, Some(crate::exchange::tests::exchange())] {
            let story = story(exchange.as_ref());
            for (n, row) in story.iter().enumerate() {
                assert!(row.after.is_none_or(|after| after < n), "{}", row.title);
                if matches!(row.end, End::Known | End::Repeated) {
                    assert_eq!(row.sent.msg_id, story[0].sent.msg_id);
                    assert_eq!(row.sent.transport_id == story[0].sent.transport_id, row.end == End::Known);
                    assert_eq!(row.sent == story[0].sent, row.end == End::Known);
                }
            }
            // What makes a row that shows no trace of its own provably done: the next one on the same queue is.
            let known = story.iter().position(|row| row.end == End::Known).unwrap();
            assert_eq!(story[known].sent.queue, story[known + 1].sent.queue);
        }
    }

    #[test]
    fn in_an_exchange_everything_is_sealed_but_what_must_be_refused_for_it() {
        let exchange = crate::exchange::tests::exchange();
        let story = story(Some(&exchange));
        let open: Vec<_> = story.iter().filter(|row| !row.is_sealed()).map(|row| (row.title, row.end)).collect();
        assert_eq!(open, [("not protected", End::Refused("transport:unsupported-message"))]);
        assert_eq!(story.len(), super::story(None).len() + 2);
    }
}
