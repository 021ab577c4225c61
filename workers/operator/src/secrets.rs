//! `dialogpost secrets`.

use crate::cli::Format;
use crate::failure::Failure;
use crate::out::{Answer, Grid};
use crate::run::WORKERS;
use clap::Args;
use messages::Sensitive;
use runtime::topology::definitions::{Role, User, definitions};
use serde_json::json;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Makes what a fleet of containers is told in secret: a password for each user, and files with the addresses that hold it.
///
/// Of each user: USER.password, USER.amqp for AMQP_URL_FILE, and USER.database for DATABASE_URL_FILE; and definitions.json, which RabbitMQ
/// imports when it starts: exchanges, queues, and a user for each worker that may do only what the worker does. Passwords that are there
/// already stay. The database's users are made by `dialogpost roles apply --logins DIRECTORY`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Secrets {
    /// Where to; made if need be, for its owner alone.
    directory: PathBuf,
    /// Host and port of the broker.
    #[arg(long, default_value = "rabbitmq:5672")]
    amqp: String,
    /// Its scheme: amqp, or amqps.
    #[arg(long, default_value = "amqp", value_parser = ["amqp", "amqps"])]
    amqp_scheme: String,
    /// Host, port and name of the database.
    #[arg(long, default_value = "postgres:5432/dialogpost")]
    database: String,
    /// What is to be added to the database's address, such as sslmode=require.
    #[arg(long, default_value = "")]
    database_options: String,
    /// The exchange that leads to NHN's queues, where a stand-in for them is on the same broker.
    #[arg(long, default_value = "NHNTESTServiceBus")]
    nhn_exchange: String,
    /// Let everybody read the files, in a directory that only its owner may enter: for containers, which are nobody, and are handed single files.
    #[arg(long)]
    readable: bool,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost secrets target/compose
  dialogpost secrets /etc/dialogpost --amqp broker.example:5671 --amqp-scheme amqps --database db.example:5432/post --database-options sslmode=require

Exit codes: 0 made, or there already; 2 it could not be written.";

/// The user that owns the database, and migrates it.
const OWNER: &str = "dialogpost";

impl Secrets {
    /// Does it.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn execute(self) -> Result<Answer, Failure> {
        let cannot =
            |error: std::io::Error| Failure::Usage(format!("{} cannot be written to: {error}", self.directory.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(cannot)?;
        let (mut users, mut made) = (Vec::new(), Vec::new());
        for (name, role) in users_of() {
            let (password, is_new) = self.password(&name).map_err(cannot)?;
            let amqp = format!("{}://{name}:{password}@{}/%2f", self.amqp_scheme, self.amqp);
            self.put(&format!("{name}.amqp"), &amqp).map_err(cannot)?;
            if matches!(role, Role::Worker(_) | Role::Topology) {
                self.put(&format!("{name}.database"), &self.database_url(&name, &role, &password)).map_err(cannot)?;
            }
            made.extend(is_new.then(|| name.clone()));
            users.push(User { name, password: Sensitive::new(password), role });
        }
        let salt = || Uuid::new_v4().as_bytes().first_chunk().copied().unwrap_or_default();
        let definitions = definitions("/", &self.nhn_exchange, &users, salt);
        self.put("definitions.json", &format!("{definitions:#}\n")).map_err(cannot)?;
        Ok(answer(&self.directory, &users, &made))
    }

    fn database_url(&self, name: &str, role: &Role, password: &str) -> String {
        let user = match role {
            Role::Worker(worker) => store::roles::name_of(worker),
            _ => name.to_owned(),
        };
        let options = if self.database_options.is_empty() { String::new() } else { format!("?{}", self.database_options) };
        format!("postgres://{user}:{password}@{}{options}", self.database)
    }

    /// The password of a user; whether it is new.
    fn password(&self, name: &str) -> std::io::Result<(String, bool)> {
        let file = format!("{name}.password");
        match std::fs::read_to_string(self.directory.join(&file)) {
            Ok(there) if !there.trim().is_empty() => Ok((there.trim().to_owned(), false)),
            _ => {
                // 244 random bits, from the system.
                let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
                self.put(&file, &password)?;
                Ok((password, true))
            }
        }
    }

    /// Whole or not at all, and never open to others, not even for a moment.
    fn put(&self, name: &str, content: &str) -> std::io::Result<()> {
        let (path, beside) = (self.directory.join(name), self.directory.join(format!("{name}.new")));
        let mode = if self.readable { 0o644 } else { 0o600 };
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(content.as_bytes())?;
        std::fs::rename(beside, path)
    }
}

fn users_of() -> Vec<(String, Role)> {
    let workers = WORKERS.iter().map(|worker| (worker.name.to_owned(), Role::Worker(worker.name.to_owned())));
    let others =
        [(OWNER, Role::Topology), ("epj", Role::Epj), ("helsenorge", Role::HelseNorge), ("monitoring", Role::Monitoring)];
    workers.chain(others.map(|(name, role)| (name.to_owned(), role))).collect()
}

fn answer(directory: &Path, users: &[User], made: &[String]) -> Answer {
    let mut grid = Grid::new(["user", "password"]);
    for user in users {
        grid.row([user.name.clone(), if made.contains(&user.name) { "made" } else { "was there" }.to_owned()]);
    }
    let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
    let text = format!("{grid}In {}, which only its owner may enter.", directory.display());
    Answer { text, json: json!({ "directory": directory, "users": names, "made": made }), positive: true }
}
