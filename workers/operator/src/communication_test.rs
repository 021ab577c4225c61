//! `dialogpost communication-test`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, time};
use bytes::Bytes;
use clap::Args;
use domain::agreement::part::Delivery;
use domain::sending::{self, Ends};
use domain::sync::{Asked, communication_test};
use jiff::Timestamp;
use messages::HerId;
use messages::event::{Answered, Event, Fact};
use runtime::clock;
use runtime::topology::event_to;
use serde_json::json;
use std::time::Duration;
use store::message::{self, Sent};
use store::sending::{Standing, ask, ends, standing};
use store::{Session, outbox};
use uuid::Uuid;

/// How often the database is asked whether the reply is there.
const LOOK: Duration = Duration::from_millis(100);
/// What the fleet may need to send a request and to store its reply.
const FLEET: Duration = Duration::from_secs(3);
const FUNCTION: &str = "DIALOG_INNBYGGER_TEST";

/// Asks a party for a sign of life, through everything that a message passes: queues, agreement, signature and encryption.
///
/// Sends a communication test (KT) and waits up to 15 s for the reply (RKT). The fleet must be running. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CommunicationTest {
    /// HER-id of the party that is asked.
    #[arg(value_parser = her_id)]
    party: HerId,
    /// HER-id that asks: a clinic's, or one of its employees'.
    #[arg(long, value_parser = her_id)]
    from: HerId,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost communication-test 8093244 --from 8141333
  dialogpost communication-test 8093244 --from 8141333 --json

Exit codes: 0 it replied; 1 it did not, in time; 2 it could not be asked.";

fn her_id(text: &str) -> Result<HerId, String> {
    text.parse().map_err(|_| "a HER-id is a number".to_owned())
}

impl CommunicationTest {
    /// Does it.
    ///
    /// # Errors
    /// The database is away; one of the two is not set up.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let mut session = environment::database(&config).await?;
        let now = clock::system();
        let asked = send(&mut session, self.from, self.party, now).await?.ok_or_else(|| self.unknown())?;
        let standing = wait(&session, &asked).await?;
        Ok(answer(self.party, &asked, now, standing.as_ref()))
    }

    fn unknown(&self) -> Failure {
        Failure::Usage(format!(
            "{} is no HER-id of a clinic here, or {} no party: apply a set-up file that names both.",
            self.from, self.party
        ))
    }
}

/// Writes a communication test for the fleet to send; `None` = one of the two is not set up.
///
/// # Errors
/// The database is away.
pub async fn send(session: &mut Session, from: HerId, party: HerId, now: Timestamp) -> Result<Option<Asked>, Failure> {
    let Some((ends, own, other)) = ends(session, from, party).await? else { return Ok(None) };
    let asked = Asked { request: Uuid::now_v7(), by: from, of: party, due_at: sending::reply_due(now) };
    write(session, &ends, (&own, &other), &asked, now).await?;
    Ok(Some(asked))
}

async fn write(session: &mut Session, ends: &Ends, names: (&str, &str), asked: &Asked, now: Timestamp) -> Result<(), Failure> {
    let head = communication_test(ends, names, asked.request, now);
    let raw = head.to_xml().map_err(|e| Failure::Usage(format!("The test cannot be written: {e}")))?;
    let (queue, properties) = sending::properties(ends, FUNCTION, Delivery::Sync, asked.request, now);
    let sent = Sent {
        id: asked.request,
        at: now,
        clinic: Some(ends.clinic),
        from: ends.own,
        to: ends.other,
        queue,
        function: FUNCTION.to_owned(),
        answers: None,
        properties,
        raw: Bytes::from(raw),
    };
    let fact = Fact::RequestWritten(Answered { message: asked.request });
    let event = event_to(&Event { id: Uuid::now_v7(), time: now, fact });
    let tx = session.begin().await?;
    message::insert_sent(&tx, &[sent]).await?;
    ask(&tx, asked).await?;
    // Due at once: any worker of the fleet publishes it.
    outbox::insert(&tx, &[event], now).await?;
    Ok(tx.commit().await?)
}

/// Until the reply is there, the request has failed, or nobody would wait any longer.
async fn wait(session: &Session, asked: &Asked) -> Result<Option<Standing>, Failure> {
    let end = tokio::time::Instant::now() + Duration::from_millis(domain::sync::LIFE_MS) + FLEET;
    loop {
        let found = standing(session, asked.request).await?;
        let over = found.as_ref().is_some_and(|s| s.replied_at.is_some() || ["dead", "failed"].contains(&s.state.as_str()));
        if over || tokio::time::Instant::now() >= end {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn answer(party: HerId, asked: &Asked, now: Timestamp, standing: Option<&Standing>) -> Answer {
    let replied_at = standing.and_then(|s| s.replied_at);
    let ms = replied_at.map(|at| at.as_millisecond() - now.as_millisecond());
    let (state, fault) = (standing.map(|s| s.state.as_str()), standing.and_then(|s| s.fault.as_deref()));
    let look = format!("Every trace of it: dialogpost show {}\n", asked.request);
    let text = match (ms, state, fault) {
        (Some(ms), ..) => format!("{party} replied after {ms} ms.\n{look}"),
        (None, _, Some(fault)) => format!("The test was not sent: {fault}\n{look}"),
        (None, Some("failed"), _) => format!("{party} sent an error message.\n{look}"),
        (None, Some("queued"), _) => match standing.and_then(|s| s.waits_for.as_deref()) {
            Some(code) => format!(
                "The test was not sent: it waits for {code}. dialogpost check {} may tell what is lacking.\n{look}",
                asked.by
            ),
            None => format!("The test was not sent: does the fleet run? (dialogpost run --all)\n{look}"),
        },
        _ => format!(
            "{party} has not replied by {}. It was sent: ask {party} whether its sync queue is read, and what it knows of you.\n{look}",
            time(asked.due_at)
        ),
    };
    let json = json!({
        "party": party, "request": asked.request, "replied": ms.is_some(), "ms": ms, "state": state, "fault": fault,
        "waits_for": standing.and_then(|s| s.waits_for.as_deref()),
    });
    Answer { text, json, positive: ms.is_some() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(standing: Option<Standing>) -> (bool, String) {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let asked = Asked {
            request: Uuid::nil(),
            by: 8_141_333.try_into().unwrap(),
            of: 8_093_244.try_into().unwrap(),
            due_at: sending::reply_due(now),
        };
        let answer = answer(asked.of, &asked, now, standing.as_ref());
        assert_eq!(answer.json["replied"], answer.positive);
        (answer.positive, answer.text.lines().next().unwrap().to_owned())
    }

    fn state(state: &str) -> Standing {
        Standing { replied_at: None, state: state.into(), fault: None, waits_for: None }
    }

    #[test]
    fn every_end_is_told() {
        let replied = Standing { replied_at: Some("2026-11-23T08:00:00.25Z".parse().unwrap()), ..state("sent") };
        assert_eq!(said(Some(replied)), (true, "8093244 replied after 250 ms.".into()));
        let dead = Standing { fault: Some("function-not-agreed: no".into()), ..state("dead") };
        assert_eq!(said(Some(dead)), (false, "The test was not sent: function-not-agreed: no".into()));
        assert_eq!(said(Some(state("failed"))), (false, "8093244 sent an error message.".into()));
        assert!(said(Some(state("queued"))).1.contains("does the fleet run?"));
        let waits = Standing { waits_for: Some("own-key-unavailable".into()), ..state("queued") };
        assert!(said(Some(waits)).1.contains("it waits for own-key-unavailable. dialogpost check 8141333"));
        assert!(said(Some(state("sent"))).1.starts_with("8093244 has not replied by 2026-11-23"));
        assert!(said(None).1.contains("has not replied"));
    }
}
