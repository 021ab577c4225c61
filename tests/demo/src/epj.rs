//! The clinic's journal system: gives commands, and reads their answers.

use crate::Outcome;
use broker::AmqpUrl;
use broker::request::request;
use helsenorge::example::SOLBAKKEN;
use messages::command::Command;
use messages::command::answer::{Answer, Done, Outcome as Decided};
use messages::command::order::Order;
use std::time::Duration;
use uuid::Uuid;

/// Where commands go.
const QUEUE: &str = "dialogpost.clinic-commands";
/// Who gives them: the administrator.
const ACTOR: &str = "siri";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Solbakken's.
pub(crate) struct Epj(AmqpUrl);

impl Epj {
    /// Gives its commands to this broker.
    ///
    /// # Errors
    /// It is no address of a broker.
    pub(crate) fn new(amqp_url: &str) -> Outcome<Self> {
        Ok(Self(amqp_url.parse()?))
    }

    /// Gives a command.
    ///
    /// # Errors
    /// It is refused, nobody answers, or the broker is away.
    pub(crate) async fn give(&self, order: Order) -> Outcome<Done> {
        let name = order.name();
        let command = Command { id: Uuid::new_v4(), clinic: SOLBAKKEN.try_into()?, actor: ACTOR.to_owned(), reason: None, order };
        let answer = request(&self.0, QUEUE, &command.to_json(), PATIENCE).await?;
        let answer = answer.ok_or_else(|| format!("{name} is not answered within {} s", PATIENCE.as_secs()))?;
        let answer: Answer = serde_json::from_slice(&answer)?;
        match answer.outcome {
            Decided::Done { result } => Ok(result),
            Decided::Refused { refusal } => Err(format!("{name} is refused: {} ({})", refusal.english, refusal.code).into()),
        }
    }
}
