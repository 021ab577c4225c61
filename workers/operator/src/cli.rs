//! The command line.

use crate::failure::Failure;
use crate::out::Answer;
use crate::{
    apply, audit, check, command, communication_test, dead_letters, healthy, ledger, metrics, migrate, registry, retention,
    roles, run, schema, secrets, show, topology,
};
use clap::{Args, Parser, Subcommand};

/// Post office between a clinic's journal system and HelseNorge.
#[derive(Debug, Parser)]
#[command(name = "dialogpost", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  export DATABASE_URL=postgres://dialogpost:secret@localhost/dialogpost AMQP_URL=amqp://guest:guest@localhost/%2f
  dialogpost migrate && dialogpost topology apply && dialogpost apply clinic.json
  dialogpost run --all

Exit codes: 0 done; 1 a negative answer; 2 wrong usage, environment, file or surroundings.";

// Each command's own type says what it is for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Migrate(migrate::Migrate),
    Topology(topology::Topology),
    Apply(apply::Apply),
    Registry(registry::Registry),
    Check(check::Check),
    CommunicationTest(communication_test::CommunicationTest),
    Show(show::Show),
    Ledger(ledger::Ledger),
    DeadLetters(dead_letters::DeadLetters),
    Retention(retention::Retention),
    Audit(audit::Audit),
    Schema(schema::Schema),
    Metrics(metrics::Metrics),
    Command(command::Command),
    Healthy(healthy::Healthy),
    Secrets(secrets::Secrets),
    Roles(roles::Roles),
}

/// How a reading command answers.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Format {
    /// Answer with one JSON document instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl Command {
    /// Whether JSON is wanted.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Run(_) | Self::Migrate(_) | Self::Apply(_) | Self::Healthy(_) => false,
            Self::Topology(topology) => topology.format().json,
            Self::Registry(registry) => registry.format().json,
            Self::Check(check) => check.format.json,
            Self::CommunicationTest(test) => test.format.json,
            Self::Show(show) => show.format.json,
            Self::Ledger(ledger) => ledger.format.json,
            Self::DeadLetters(dead_letters) => dead_letters.format().json,
            Self::Retention(retention) => retention.format.json,
            Self::Audit(audit) => audit.format().json,
            Self::Schema(schema) => schema.format.json,
            Self::Secrets(secrets) => secrets.format.json,
            Self::Roles(roles) => roles.format().json,
            Self::Metrics(metrics) => metrics.format.json,
            Self::Command(command) => command.format.json,
        }
    }

    /// Does it. `run` is not for here: it brings its own runtime.
    pub(crate) async fn execute(self) -> Result<Answer, Failure> {
        match self {
            Self::Run(_) => Ok(Answer::default()),
            Self::Migrate(migrate) => migrate.execute().await,
            Self::Topology(topology) => topology.execute().await,
            Self::Apply(apply) => apply.execute().await,
            Self::Registry(registry) => registry.execute().await,
            Self::Check(check) => check.execute().await,
            Self::CommunicationTest(test) => test.execute().await,
            Self::Show(show) => show.execute().await,
            Self::Ledger(ledger) => ledger.execute().await,
            Self::DeadLetters(dead_letters) => dead_letters.execute().await,
            Self::Retention(retention) => retention.execute().await,
            Self::Audit(audit) => audit.execute().await,
            Self::Schema(schema) => schema.execute(),
            Self::Secrets(secrets) => secrets.execute(),
            Self::Roles(roles) => roles.execute().await,
            Self::Metrics(metrics) => Ok(metrics.execute()),
            Self::Command(command) => command.execute().await,
            Self::Healthy(healthy) => healthy.execute().await,
        }
    }
}
