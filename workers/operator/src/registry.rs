//! `dialogpost registry`.

mod import;
mod view;

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::Answer;
use clap::{Args, Subcommand};
use messages::HerId;
use runtime::clock;
use std::path::PathBuf;
use std::str::FromStr;
use store::{Session, agreement, certificate};
use uuid::Uuid;

/// Brings in and shows collaboration agreements (CPA) and profiles (CPP).
///
/// They say which messages a party takes, and with which certificates it signs and is encrypted to.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Registry {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Import(Import),
    List(List),
    Show(Show),
    Remove(Remove),
}

/// Imports agreements and profiles from files, as the registry gives them.
///
/// Both generations are read. Each file is checked whole and written in a transaction of its own: a file with a fault is left out, with
/// every fault listed by its place, and the others are imported. An agreement replaces the one of its id, a profile that of its party;
/// importing the same file again changes nothing. Every import leaves an audit row. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
struct Import {
    /// The files, or - for standard input; each at most 4 MiB.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Who imports, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Lists agreements and profiles, newest import first. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    #[command(flatten)]
    format: Format,
}

/// Shows an agreement or profile, or everything there is of a party. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct Show {
    /// The id of an agreement or profile, or the HER-id of a party.
    #[arg(value_name = "ID|HER-ID")]
    what: What,
    #[command(flatten)]
    format: Format,
}

/// Takes an agreement or profile out again, say one that was imported by mistake. Leaves an audit row. Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(after_help = REMOVE_EXAMPLES)]
struct Remove {
    /// The id of an agreement or profile.
    #[arg(value_parser = guid)]
    id: Uuid,
    /// Why, for the audit.
    #[arg(long)]
    reason: String,
    /// Who removes, for the audit [default: $USER, or operator]
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    format: Format,
}

fn guid(text: &str) -> Result<Uuid, &'static str> {
    Uuid::try_parse(text).map_err(|_| "expected a GUID")
}

#[derive(Clone, Copy, Debug)]
enum What {
    Id(Uuid),
    Party(HerId),
}

impl FromStr for What {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let party = || text.parse().ok().map(Self::Party);
        party().or_else(|| Uuid::try_parse(text).ok().map(Self::Id)).ok_or("expected a GUID or a HER-id of at most ten digits")
    }
}

const EXAMPLES: &str = "\
Examples:
  dialogpost registry import cpa/*.xml
  dialogpost registry list
  dialogpost registry show 8093244

Exit codes: see each verb.";

const LIST_EXAMPLES: &str = "\
Examples:
  dialogpost registry list
  dialogpost registry list --limit 500 --json

Exit codes: 0 listed, or nothing was imported yet; 2 it could not be asked.";

const REMOVE_EXAMPLES: &str = "\
Examples:
  dialogpost registry remove 7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10 --reason 'imported by mistake'

Exit codes: 0 removed; 1 there is none of this id; 2 it could not be asked.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  dialogpost registry import cpa/*.xml
  dialogpost registry import --actor kari --json - < helsenorge-cpp.xml

Exit codes: 0 all are imported; 1 a file has faults, and only the others are imported; 2 nothing could be done.";

const SHOW_EXAMPLES: &str = "\
Examples:
  dialogpost registry show 8093244
  dialogpost registry show 7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10 --json

Exit codes: 0 found; 1 there is nothing; 2 it could not be asked.";

impl Registry {
    /// How to answer.
    pub const fn format(&self) -> Format {
        match &self.verb {
            Verb::Import(import) => import.format,
            Verb::List(list) => list.format,
            Verb::Show(show) => show.format,
            Verb::Remove(remove) => remove.format,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let config = environment::read(&[Need::Database])?;
        let mut session = environment::database(&config).await?;
        let now = clock::system();
        match self.verb {
            Verb::Import(verb) => {
                let actor = environment::actor(verb.actor.as_deref());
                Ok(import::answer(&import::all(&mut session, &verb.files, &actor, now).await?, now))
            }
            Verb::List(list) => Ok(view::listed(&agreement::list(&session, list.limit).await?, now)),
            Verb::Show(show) => shown(&session, show.what, now).await,
            Verb::Remove(verb) => {
                let actor = environment::actor(verb.actor.as_deref());
                let tx = session.begin().await?;
                let removed = agreement::remove(&tx, verb.id, &actor, &verb.reason, now).await?;
                tx.commit().await?;
                Ok(if removed { view::removed(verb.id) } else { view::unknown(verb.id) })
            }
        }
    }
}

async fn shown(session: &Session, what: What, now: jiff::Timestamp) -> Result<Answer, Failure> {
    Ok(match what {
        What::Id(id) => match agreement::find(session, id).await? {
            Some(stored) => view::shown(&stored, now),
            None => view::unknown(id),
        },
        What::Party(her_id) => {
            let agreements = agreement::of_party(session, her_id).await?;
            view::party(her_id, &agreements, &certificate::of_party(session, her_id).await?, now)
        }
    })
}
