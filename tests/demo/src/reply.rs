//! What clinics have written meanwhile → HelseNorge's receipts.

use crate::exchange::Exchange;
use helsenorge::example::HELSENORGE;
use helsenorge::{AVTALEAVBESTILLING, AVTALEUTSENDING, Receipt, Received, Sent, TIMERESERVASJON};
use messages::HerId;
use messages::event::DialogKind;
use messages::wire::hodemelding::MsgHead;
use messages::wire::{Incoming, Limits, read};

/// The enterprise of HelseNorge, and that of the clinics.
const PARENTS: (i64, i64) = (115_851, 115_900);
/// A dialog of this subject is turned down, so that one can see what becomes of it.
const TO_BE_TURNED_DOWN: &str = "Avvis meg";

/// HelseNorge's receipt for a dialog, or for what is about appointments; `None` = it is something else, or wants none.
pub(crate) fn receipt(received: &Received, exchange: Option<&Exchange>) -> Option<Sent> {
    let function = received.properties.subject.as_deref()?;
    let about_appointments = [TIMERESERVASJON, AVTALEUTSENDING, AVTALEAVBESTILLING].contains(&function);
    if !about_appointments && DialogKind::from_message_function(function).is_none() {
        return None;
    }
    let opened = exchange.and_then(|exchange| exchange.opened(received));
    let Ok(Incoming::MsgHead(head)) =
        read(&opened.as_ref().unwrap_or(received).body, &Limits::default()).map(|seen| seen.incoming)
    else {
        return None;
    };
    if head.ack.as_ref().is_some_and(|ack| ack.v.as_deref() == Some("N")) {
        return None;
    }
    let from: HerId = received.application("fromHerId")?.parse().ok()?;
    let receipt = Receipt::for_message(head.msg_id.as_deref()?).of_process(function);
    let receipt = receipt.between((HELSENORGE, PARENTS.0), (from.get(), PARENTS.1));
    let receipt = match subject(&head) == Some(TO_BE_TURNED_DOWN) {
        true => receipt.rejected("E21", "Mottaker finnes ikke"),
        false => receipt,
    };
    let message = receipt.to_message().on_queue(received.properties.reply_to.as_deref()?);
    Some(exchange.map_or_else(|| message.build(), |exchange| exchange.sealed(&message)))
}

fn subject(head: &MsgHead) -> Option<&str> {
    head.documents.first()?.content_description.as_ref().map(|subject| subject.expose().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use helsenorge::example::{KARI, SOLBAKKEN};
    use helsenorge::{Message, Wish};
    use jiff::Timestamp;
    use jiff::civil::date;
    use messages::wire::icalendar::Vevent;

    fn received(message: &Message) -> Received {
        let sent = message.build();
        Received {
            queue: sent.queue,
            plain: sent.properties.clone(),
            properties: sent.properties,
            has_sections: true,
            delivery_mode: Some(2),
            kind: None,
            redelivered: false,
            body: sent.body,
            apprec: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_wants_a_receipt_gets_one() {
        let (slot, day) = (Vevent::default(), date(2026, 12, 7));
        let table = [
            (Message::ekontakt(), true),
            (Message::timeonske(Wish::New), true),
            (Message::reserver_avtale(&slot), true),
            (Message::hent_ledige_timer(SOLBAKKEN, KARI, day, day), false),
            (Receipt::for_message("0192f1c0-0000-7000-8000-000000000001").to_message(), false),
        ];
        for (n, (message, want)) in table.iter().enumerate() {
            assert_eq!(receipt(&received(message), None).is_some(), *want, "{n}");
        }
    }
}
