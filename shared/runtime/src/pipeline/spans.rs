//! Spans of the messages of a transaction. Made before anything is written, since what is sent carries them; recorded when it is committed.

use crate::handler::{Handler, Verdict};
use crate::pipeline::settle::{Decided, Item, Messages};
use crate::traces::{Handled, Span, Traces, Transaction};
use messages::transport::Outgoing;
use std::collections::HashMap;
use uuid::Uuid;

/// The verdict on what was handled before.
const REPEATED: &str = "repeated";

/// Empty where nobody traces anything.
pub(super) struct Spans<'d>(Vec<Begun<'d>>);

struct Begun<'d> {
    span: Span,
    known_as: Option<Uuid>,
    handled: Handled<'d>,
}

impl<'d> Spans<'d> {
    pub(super) fn of<H: Handler>(
        traces: &Traces,
        handler: &H,
        decided: &[Decided<'d, H::Message, H::Effect>],
        repeated: &Messages<'d, H::Message>,
    ) -> Self {
        let begin = |item: &Item<'d, H::Message>, verdict, code| {
            let message = item.message.as_ref().ok();
            let ledger_id = message.and_then(|message| handler.ledger_id(message));
            let known_as = message.and_then(|message| handler.known_as(message));
            let span = traces.span(&item.delivery.properties, ledger_id.or(known_as))?;
            Some(Begun { span, known_as, handled: Handled { delivery: item.delivery, ledger_id, verdict, code } })
        };
        let decided = decided.iter().filter_map(|d| begin(&d.item, d.verdict.label(), code_of(&d.verdict)));
        Self(decided.chain(repeated.0.iter().filter_map(|item| begin(item, REPEATED, None))).collect())
    }

    /// What is sent carries the span of what led to it.
    pub(super) fn lead_to(&self, outgoing: &mut [Outgoing]) {
        if self.0.is_empty() {
            return;
        }
        let mut by_id: HashMap<Uuid, &Span> = HashMap::new();
        for begun in &self.0 {
            for id in [begun.handled.ledger_id, begun.known_as].into_iter().flatten() {
                // What comes again leads to nothing that the first has not led to.
                by_id.entry(id).or_insert(&begun.span);
            }
        }
        for outgoing in outgoing {
            let led_by = [outgoing.led_by, outgoing.cause].into_iter().flatten().find_map(|id| by_id.get(&id));
            if let Some(span) = led_by {
                span.lead_to(&mut outgoing.properties);
            }
        }
    }

    pub(super) fn record(&self, traces: &Traces, within: &Transaction) {
        let recorded = self.0.iter().filter(|begun| begun.span.is_recorded());
        traces.record(recorded.map(|begun| begun.handled.span(&begun.span, within)));
    }
}

const fn code_of<E>(verdict: &Verdict<E>) -> Option<&'static str> {
    match verdict {
        Verdict::Done(_) | Verdict::Unclaimed(_) => None,
        Verdict::Rejected(fault, _) | Verdict::Retry(fault, _) | Verdict::Broken(fault) => Some(fault.code),
    }
}
