//! `dialogpost roles`.

use crate::cli::Format;
use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{Answer, Grid};
use crate::run::WORKERS;
use clap::{Args, Subcommand};
use messages::Sensitive;
use serde_json::json;
use std::path::PathBuf;
use store::roles;

/// Makes a database role for each worker, with only what the worker needs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Roles {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Apply(Apply),
}

/// Makes the roles where they are missing, and grants each what its worker needs, and nothing else. Needs DATABASE_URL, of a user that may make
/// roles, and whose the tables are.
///
/// As often as you like, and after each `dialogpost migrate`. A user that a worker logs in as is to be a member of its role; or the role itself
/// logs in, with --logins.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Apply {
    /// Let each role log in, with the password in WORKER.password of this directory, as `dialogpost secrets` makes them.
    #[arg(long, value_name = "DIRECTORY")]
    logins: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost roles apply
  dialogpost roles apply --logins target/compose

Exit codes: 0 done; 2 it could not be done.";

impl Roles {
    /// How to answer.
    pub const fn format(&self) -> Format {
        let Verb::Apply(apply) = &self.verb;
        apply.format
    }

    /// Does it.
    ///
    /// # Errors
    /// The database is away, or does not let this user make roles; a password cannot be read.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let Verb::Apply(apply) = self.verb;
        apply.execute().await
    }
}

impl Apply {
    async fn execute(self) -> Result<Answer, Failure> {
        let logins = self.logins.map(|directory| WORKERS.map(|worker| login(&directory, worker.name)).into_iter().collect());
        let logins: Vec<(&str, Sensitive<String>)> = logins.transpose()?.unwrap_or_default();
        let mut session = environment::database(&environment::read(&[Need::Database])?).await?;
        let tx = session.begin().await?;
        roles::apply(&tx).await?;
        for (worker, password) in &logins {
            roles::let_log_in(&tx, worker, password).await?;
        }
        tx.commit().await?;
        let mut grid = Grid::new(["worker", "role"]);
        for worker in WORKERS {
            grid.row([worker.name.to_owned(), roles::name_of(worker.name)]);
        }
        let all: Vec<_> = WORKERS.iter().map(|w| json!({ "worker": w.name, "role": roles::name_of(w.name) })).collect();
        Ok(Answer { text: grid.to_string(), json: json!({ "roles": all, "log_in": !logins.is_empty() }), positive: true })
    }
}

fn login(directory: &std::path::Path, worker: &'static str) -> Result<(&'static str, Sensitive<String>), Failure> {
    let path = directory.join(format!("{worker}.password"));
    let cannot = |why: &dyn std::fmt::Display| Failure::Usage(format!("{} cannot be read: {why}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| cannot(&error))?;
    match text.trim() {
        "" => Err(cannot(&"it is empty")),
        password => Ok((worker, Sensitive::new(password.to_owned()))),
    }
}
