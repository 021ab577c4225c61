//! Answers and events as they are sent.

use jiff::Timestamp;
use messages::command::answer::Answer;
use messages::event::{Event, Fact};
use messages::transport::{Outgoing, Properties, Wire};
use runtime::topology::event_to;
use uuid::Uuid;

/// An answer on its way to the queue that its caller named. It is kept, so that nothing is lost when nobody is there any more: the same
/// command again gets it again, under the same message id.
pub fn answer(queue: &str, correlation: Option<String>, id: Uuid, said: &Answer) -> Outgoing {
    let properties = Properties {
        message_id: Some(id.to_string()),
        correlation_id: correlation,
        content_type: Some("application/json".to_owned()),
        ..Properties::default()
    };
    Outgoing {
        id: Uuid::now_v7(),
        wire: Wire::Dialogpost,
        exchange: String::new(),
        routing_key: queue.to_owned(),
        properties,
        // Strings, numbers and ids only: serialising them cannot fail.
        body: serde_json::to_vec(said).unwrap_or_default().into(),
        cause: None,
        led_by: None,
        not_before: None,
        is_awaited: false,
    }
}

/// An event.
pub fn event(fact: Fact, now: Timestamp) -> Outgoing {
    event_to(&Event { id: Uuid::now_v7(), time: now, fact })
}
