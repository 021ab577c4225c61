//! What the clinic writes itself, as a worker would: ledger row and event in one transaction.

use crate::Fleet;
use domain::agreement::part::{Delivery, delivery};
use helsenorge::Message;
use messages::HerId;
use messages::event::{Answered, Event, Fact};
use runtime::clock;
use runtime::topology::event_to;
use store::message::Sent;
use store::{message, outbox, sending};
use uuid::Uuid;

impl Fleet {
    /// Writes a message from a HER-id of ours to a party for the fleet to send, and gives its id.
    ///
    /// # Panics
    /// When one of the two is not set up.
    pub async fn write(&self, own: i64, other: i64, message: &Message) -> Uuid {
        let mut session = self.store().session().await.expect("a session");
        let her_id = |id: i64| HerId::try_from(id).expect("a HER-id");
        let (ends, ..) =
            sending::ends(&session, her_id(own), her_id(other)).await.expect("the database answers").expect("both are set up");
        let (id, now) = (Uuid::now_v7(), clock::system());
        let built = message.clone().from(own, 115_900).to_clinic(other, 115_851).msg_id(id.to_string()).build();
        let function = built.properties.subject.clone().expect("a function");
        let sent = Sent::written(&ends, &function, delivery(&function, None), id, now, built.body);
        let fact = match delivery(&function, None) {
            Delivery::Async => Fact::MessageWritten(Answered { message: id }),
            Delivery::Sync => Fact::RequestWritten(Answered { message: id }),
        };
        let event = event_to(&Event { id: Uuid::now_v7(), time: now, fact });
        let tx = session.begin().await.expect("a transaction");
        message::insert_sent(&tx, &[sent]).await.expect("the row is written");
        outbox::insert(&tx, &[event], now).await.expect("the event is written");
        tx.commit().await.expect("a commit");
        id
    }

    /// State of a message of ours in the ledger.
    pub async fn sent_state(&self, id: Uuid) -> String {
        self.rows.one(&format!("select state from dialogpost.sent_state where id = '{id}'")).await
    }
}
