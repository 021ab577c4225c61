//! A private Postgres server.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::home::{Failure, Home, Process, blocking, until, with_fresh_ports};
use crate::{ports, template};

const TEMPLATE: &str = "dialogpost_template";

/// A Postgres server of our own on a port of its own. It ends, and its data goes, with the last clone of this handle.
#[derive(Clone, Debug)]
pub struct Postgres {
    server: Arc<Server>,
}

/// Fields drop in this order: the home's watchdog must see the server still running to end it properly.
#[derive(Debug)]
struct Server {
    home: Home,
    process: Mutex<Option<Process>>,
    port: u16,
    template: OnceCell<()>,
}

impl Postgres {
    /// Starts a server; `durable` turns on what survives a power cut (fsync), which tests of crashes and benchmarks
    /// want and which costs everybody else time.
    ///
    /// # Panics
    /// When the server does not start; the message holds the end of its log, or the line that installs it.
    pub async fn private(durable: bool) -> Self {
        blocking(move || Self::launch(durable)).await
    }

    pub(crate) fn launch(durable: bool) -> Self {
        let durable = if durable { "yes" } else { "no" };
        with_fresh_ports(|| {
            let [port] = ports::free();
            let home = Home::create("postgres.sh");
            home.write_settings(&format!("PORT={port}\nDURABLE={durable}\n"));
            home.run("init", &[]).map_err(Failure::lasting)?;
            let server = Server { home, process: Mutex::new(None), port, template: OnceCell::new() };
            server.start()?;
            Ok(Self { server: Arc::new(server) })
        })
    }

    /// The connection URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://dialogpost@127.0.0.1:{}/{database}", self.server.port)
    }

    /// The port, the same for the server's whole life.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The directory that holds the server's data and log.
    pub fn directory(&self) -> &std::path::Path {
        self.server.home.path()
    }

    /// The process id of the postmaster, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.process().as_ref().map(Process::pid)
    }

    /// Stops the server in an orderly way: connections end, everything is on disk.
    pub async fn stop(&self) {
        self.end("INT").await;
    }

    /// Stops the server at once, as a crash would; the next start recovers from the log.
    pub async fn kill(&self) {
        self.end("QUIT").await;
    }

    /// Kills every process of the server without warning, as a power cut would; the next start recovers from the log.
    pub async fn crash(&self) {
        let children = self.pid().map(children).unwrap_or_default();
        self.end_by(move |process| {
            process.signal_group("KILL");
            // Each is a group of its own, and what it holds of the server's memory would keep the next start away.
            // Some have gone by themselves meanwhile.
            let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"$@\" 2>/dev/null", "kill"]).args(&children).status();
            until(Duration::from_secs(10), || children.iter().all(|child| is_gone(child)));
        })
        .await;
    }

    /// Starts the server again, on its port and data; nothing happens when it runs.
    pub async fn start(&self) {
        let server = Arc::clone(&self.server);
        blocking(move || server.start().unwrap_or_else(|failure| panic!("{}", failure.message()))).await;
    }

    async fn end(&self, signal: &'static str) {
        self.end_by(move |process| process.signal(signal)).await;
    }

    async fn end_by(&self, tell: impl FnOnce(&Process) + Send + 'static) {
        let server = Arc::clone(&self.server);
        blocking(move || {
            if let Some(process) = server.process().take() {
                tell(&process);
                process.wait("postgres");
                let _ = fs::remove_file(server.home.path().join("postgres.pid"));
            }
        })
        .await;
    }

    /// Creates a database, empty or a copy of `template`.
    pub async fn create_database(&self, name: &str, template: Option<&str>) {
        let template = template.unwrap_or("template1");
        self.execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await;
    }

    /// Drops a database, whoever is connected to it.
    pub async fn drop_database(&self, name: &str) {
        self.execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
    }

    /// Ends every client's connection, as an administrator or a failover would.
    pub async fn terminate_backends(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// Runs SQL statements in the database `postgres`.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn execute(&self, sql: &str) {
        self.execute_in(&self.url("postgres"), sql).await;
    }

    pub(crate) async fn execute_in(&self, database_url: &str, sql: &str) {
        let client = client(database_url).await;
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The name of a database with the current schema, to be cloned; made on the first call.
    pub(crate) async fn template(&self) -> &'static str {
        self.server
            .template
            .get_or_init(|| async {
                // A first call may have been cancelled half-way.
                self.drop_database(TEMPLATE).await;
                self.create_database(TEMPLATE, None).await;
                template::migrate_template(&self.url(TEMPLATE)).await;
                self.execute(LOGIN).await;
                // A database in use cannot be cloned.
                self.execute(&format!(
                    "ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false;
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"
                ))
                .await;
            })
            .await;
        TEMPLATE
    }

    pub(crate) async fn number(&self, database_url: &str, sql: &str) -> i64 {
        let row = client(database_url).await.query_one(sql, &[]).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }
}

/// Here workers log in as their roles themselves; the server trusts everybody on this machine.
const LOGIN: &str = "do $$ declare role text; begin
    for role in select rolname from pg_roles where rolname like 'dialogpost\\_%' loop execute format('alter role %I login', role); end loop;
end $$";

async fn client(database_url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to the testbed's Postgres: {error:?}"));
    tokio::spawn(connection);
    client
}

fn children(pid: u32) -> Vec<String> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().map(str::to_owned).collect()
}

/// Gone, or dead and only not buried.
fn is_gone(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

impl Server {
    fn process(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<(), Failure> {
        let mut running = self.process();
        if running.is_some() {
            return Ok(());
        }
        let process = self.home.start("server").map_err(Failure::lasting)?;
        let mut ended = None;
        let ready = until(Duration::from_secs(60), || {
            ended = process.ended();
            ended.is_some() || self.is_ready(process.pid())
        });
        let log = || self.home.log_tail("server");
        match ended {
            Some(status) => Err(Failure::ended("postgres", status, &log())),
            None if !ready => Err(Failure::lasting(format!("postgres was not ready after 60 s\n{}", log()))),
            None => {
                *running = Some(process);
                Ok(())
            }
        }
    }

    /// The postmaster's own word, which another server on the same port cannot give: a first line with its process
    /// id and an eighth that says ready.
    fn is_ready(&self, pid: u32) -> bool {
        let file = fs::read_to_string(self.home.path().join("data/postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).is_some_and(|line| line.trim_end() == "ready")
    }
}
