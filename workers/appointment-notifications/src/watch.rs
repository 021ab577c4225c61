//! Rounds that go on whatever happens: what goes wrong is logged once, and shown until it is over.

use runtime::health::Component;
use runtime::worker::Context;
use store::StoreError;

/// Tells operators how the rounds go.
pub(crate) struct Watch {
    what: &'static str,
    health: Component,
    is_failing: bool,
}

impl Watch {
    /// Of what a component does.
    pub(crate) fn new(what: &'static str, health: Component) -> Self {
        health.ok();
        Self { what, health, is_failing: false }
    }

    /// Where it is shown how things are.
    pub(crate) const fn health(&self) -> &Component {
        &self.health
    }

    /// What a round came to, where the database let it.
    pub(crate) fn look<T>(&mut self, round: Result<T, StoreError>) -> Option<T> {
        let was_failing = std::mem::replace(&mut self.is_failing, round.is_err());
        match round {
            Ok(done) => {
                if was_failing {
                    self.health.ok();
                }
                Some(done)
            }
            Err(error) => {
                if !was_failing {
                    tracing::warn!(%error, what = self.what, "this cannot be done now");
                }
                self.health.failing(error.to_string());
                None
            }
        }
    }
}

/// Waits a while; `false` = asked to stop.
pub(crate) async fn pause(context: &Context) -> bool {
    context.cancel.run_until_cancelled(tokio::time::sleep(context.glance)).await.is_some()
}
