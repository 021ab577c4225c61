//! The broker's queues, for those who may not name the broker.

pub use broker::request::request;
pub use broker::topology::definitions;
pub use broker::topology::{AppliedRow, EXCHANGE, apply, apply_nhn_standin, queue_of};

use messages::event::Event;
use messages::transport::{Outgoing, Properties, Wire};

/// An event as an outbox row for our exchange.
pub fn event_to(event: &Event) -> Outgoing {
    let properties = Properties {
        message_id: Some(event.id.to_string()),
        content_type: Some("application/json".to_owned()),
        ..Properties::default()
    };
    Outgoing {
        id: event.id,
        wire: Wire::Dialogpost,
        exchange: EXCHANGE.to_owned(),
        routing_key: event.routing_key(),
        properties,
        body: event.to_json().into(),
        cause: event.fact.message(),
        led_by: None,
        not_before: None,
        is_awaited: event.fact.is_awaited(),
    }
}
