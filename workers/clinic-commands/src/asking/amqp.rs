//! Questions by message: written here, sent by `helsenorge-outbound` as any message of ours, answered on the clinic's queue.

use super::{Due, Round, count, failed, nin_of, take};
use bytes::Bytes;
use domain::agreement::part::Delivery;
use domain::command::question::{DIGITALBRUKER, Question};
use jiff::Timestamp;
use messages::PersonId;
use messages::event::{Answered, Event, Fact};
use messages::transport::Outgoing;
use messages::wire::WriteError;
use runtime::topology::event_to;
use runtime::worker::Context;
use store::contact::{self, NewQuestion};
use store::letter::Addresses;
use store::message::{self, Sent};
use store::{StoreError, outbox};
use uuid::Uuid;

const SERVICE: &str = "amqp";

/// Takes what is wanted and writes one question for each clinic, all in one transaction.
///
/// # Errors
/// As any step of the store: then nothing was taken.
pub async fn round(context: &Context) -> Result<Round, StoreError> {
    let mut session = context.store.session().await?;
    let tx = session.begin().await?;
    let Due { about, asked_at: now, more } = take(&tx, &context.config.test_series, (context.clock)()).await?;
    let mut round = Round { more, ..Round::default() };
    let clinics: Vec<_> = about.keys().copied().collect();
    let routes = contact::routes(&tx, &clinics).await?;
    let mut written = Vec::new();
    for (clinic, people) in about {
        let Some(route) = routes.get(&clinic) else {
            round.unserved.insert(clinic);
            continue;
        };
        round.served.insert(clinic);
        let number = people.len();
        match write(route, people, now) {
            Ok(question) => written.push((question, number)),
            // A name of the set-up that no header can hold.
            Err(error) => {
                tracing::error!(%clinic, %error, "no valid question can be written");
                failed(SERVICE, clinic, number, "question-unwritable");
            }
        }
    }
    let (questions, numbers): (Vec<Written>, Vec<usize>) = written.into_iter().unzip();
    let sent: Vec<Sent> = questions.iter().map(|q| q.sent.clone()).collect();
    let events: Vec<Outgoing> = questions.iter().map(|q| q.event.clone()).collect();
    let asked: Vec<NewQuestion> = questions.into_iter().map(|q| q.asked).collect();
    message::insert_sent(&tx, &sent).await?;
    contact::ask(&tx, &asked).await?;
    // Due at once: any worker of the fleet publishes it.
    outbox::insert(&tx, &events, now).await?;
    tx.commit().await?;
    numbers.into_iter().for_each(|number| count(SERVICE, number));
    Ok(round)
}

/// A question with all that is written of it.
struct Written {
    sent: Sent,
    asked: NewQuestion,
    event: Outgoing,
}

fn write(route: &Addresses, about: Vec<PersonId>, now: Timestamp) -> Result<Written, WriteError> {
    let id = Uuid::now_v7();
    let nins = about.iter().map(nin_of).collect();
    let question = Question { id, from: route.from.clone(), to: route.to.clone(), about };
    let raw = question.message(now).to_xml()?;
    let sent = Sent::written(&route.ends, DIGITALBRUKER, Delivery::Async, id, now, Bytes::from(raw));
    let fact = Fact::MessageWritten(Answered { message: id });
    let event = event_to(&Event { id: Uuid::now_v7(), time: now, fact });
    Ok(Written { sent, asked: NewQuestion { message: id, clinic: route.ends.clinic, nins }, event })
}
