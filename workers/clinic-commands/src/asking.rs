//! Whom HelseNorge can reach: what is wanted is asked there, and kept.
//!
//! - [`amqp`]: by message, whose answer `helsenorge-inbound` takes in
//! - [`rest`]: at the service HelsenorgeAktivSjekken
//!
//! A want that nothing came of is asked about again, first after a minute, whatever the reason was.

pub mod amqp;
pub mod rest;

use jiff::Timestamp;
use messages::person_id::TestSeries;
use messages::wire::hodemelding::MAX_PERSONER;
use messages::{HerId, PersonId, Sensitive};
use runtime::config::ContactService;
use runtime::health::Component;
use runtime::worker::Context;
use std::collections::{BTreeMap, BTreeSet};
use store::contact::{self, Who};
use store::{StoreError, Tx};

/// How HelseNorge is asked.
enum Service {
    Amqp,
    Rest(rest::Client),
}

/// What one round came to.
#[derive(Debug, Default)]
pub struct Round {
    /// Clinics that were asked for.
    served: BTreeSet<HerId>,
    /// Clinics without a way to HelseNorge.
    unserved: BTreeSet<HerId>,
    /// More may be wanted.
    more: bool,
}

/// Asks until the context is cancelled.
pub async fn run(context: Context) {
    let service = match &context.config.contact_service {
        ContactService::Off => return,
        ContactService::Amqp => Service::Amqp,
        ContactService::Rest { url, token_file } => Service::Rest(rest::Client::new(url.clone(), token_file.clone())),
    };
    let mut reporter = Reporter {
        health: context.health.component("asking HelseNorge whom it reaches"),
        is_failing: false,
        unserved: BTreeSet::new(),
    };
    reporter.health.ok();
    loop {
        let round = match &service {
            Service::Amqp => amqp::round(&context).await,
            Service::Rest(client) => rest::round(&context, client).await,
        };
        if reporter.report(round) {
            continue;
        }
        tokio::select! {
            () = context.cancel.cancelled() => return,
            () = tokio::time::sleep(context.glance) => {}
        }
    }
}

struct Reporter {
    health: Component,
    is_failing: bool,
    unserved: BTreeSet<HerId>,
}

impl Reporter {
    /// Tells operators; gives whether to go on at once.
    fn report(&mut self, round: Result<Round, StoreError>) -> bool {
        let round = match round {
            Ok(round) => {
                self.is_failing = false;
                round
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%error, "nobody can be asked about now");
                }
                self.health.failing(error.to_string());
                return false;
            }
        };
        for clinic in &round.unserved {
            if self.unserved.insert(*clinic) {
                tracing::warn!(%clinic, "HelseNorge is not asked for this clinic: name its party as `helsenorge` in the set-up file");
            }
        }
        self.unserved.retain(|clinic| !round.served.contains(clinic));
        match self.unserved.is_empty() {
            true => self.health.ok(),
            false => {
                let clinics: Vec<String> = self.unserved.iter().map(HerId::to_string).collect();
                self.health.failing(format!("no party is named as helsenorge for the clinics {}", clinics.join(", ")));
            }
        }
        round.more
    }
}

/// Those to ask about now.
struct Due {
    /// By clinic, together at most as many as one question takes.
    about: BTreeMap<HerId, Vec<PersonId>>,
    /// The time of the question.
    asked_at: Timestamp,
    /// Whether more may be wanted.
    more: bool,
}

async fn take(tx: &Tx<'_>, series: &TestSeries, now: Timestamp) -> Result<Due, StoreError> {
    let taken = contact::take(tx, MAX_PERSONER, now).await?;
    let more = taken.people.values().map(Vec::len).sum::<usize>() >= MAX_PERSONER;
    let mut due = Due { about: BTreeMap::new(), asked_at: taken.asked_at, more };
    let mut nobody = Vec::<Who>::new();
    for (clinic, nins) in taken.people {
        for nin in nins {
            match PersonId::parse(nin.expose(), series) {
                Ok(id) if id.expose() == nin.expose() => due.about.entry(clinic).or_default().push(id),
                _ => nobody.push((clinic, nin.into_inner())),
            }
        }
    }
    contact::forget(tx, &nobody).await?;
    Ok(due)
}

/// As the store has it.
fn nin_of(id: &PersonId) -> Sensitive<String> {
    Sensitive::new(id.expose().to_owned())
}

fn count(service: &'static str, people: usize) {
    metrics::counter!("dialogpost_contact_questions_total", "service" => service).increment(1);
    metrics::counter!("dialogpost_contact_asked_total", "service" => service).increment(people as u64);
}

fn failed(service: &'static str, clinic: HerId, people: usize, code: &'static str) {
    metrics::counter!("dialogpost_contact_failures_total", "service" => service, "code" => code).increment(1);
    tracing::warn!(service, %clinic, people, code, "HelseNorge did not say whom it reaches: asked again later");
}
