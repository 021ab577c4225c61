//! A fresh database and a fresh virtual host for one test.

use std::sync::{Arc, OnceLock};
use std::thread;

use crate::home::blocking;
use crate::{Postgres, Rabbit};

/// A Postgres and a RabbitMQ.
#[derive(Debug)]
pub struct Servers {
    /// The database server.
    pub postgres: Postgres,
    /// The broker.
    pub rabbit: Rabbit,
}

impl Servers {
    /// Starts both at the same time.
    fn launch(durable: bool) -> Self {
        thread::scope(|scope| {
            let postgres = scope.spawn(move || Postgres::launch(durable));
            let rabbit = Rabbit::launch();
            let postgres = postgres.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Self { postgres, rabbit }
        })
    }
}

/// What one test works on: a database with the current schema and an empty virtual host that nobody else uses.
/// Dropping it removes both.
#[derive(Debug)]
pub struct World {
    /// The connection URL of the database.
    pub database_url: String,
    /// The connection URL of the virtual host.
    pub amqp_url: String,
    /// The database's name.
    pub database: String,
    /// The virtual host's name.
    pub vhost: String,
    servers: Arc<Servers>,
    shared: bool,
}

/// A world on the servers that all tests of this process share; the first caller starts them.
///
/// # Panics
/// When the servers do not start; the message says why.
pub async fn world() -> World {
    static SHARED: OnceLock<Result<Arc<Servers>, String>> = OnceLock::new();
    // A failure is kept, so that a hundred tests fail at once and not one minute after the other.
    let servers = blocking(|| SHARED.get_or_init(|| launched(false))).await;
    match servers {
        Ok(servers) => World::create(Arc::clone(servers), true).await,
        Err(reason) => panic!("the test servers did not start: {reason}"),
    }
}

/// A world on servers of its own, for tests that stop them. `durable` as in [`Postgres::private`].
///
/// # Panics
/// When the servers do not start; the message says why.
pub async fn private_world(durable: bool) -> World {
    let servers = blocking(move || Servers::launch(durable)).await;
    World::create(Arc::new(servers), false).await
}

/// Starts servers and turns a panic into its message.
fn launched(durable: bool) -> Result<Arc<Servers>, String> {
    thread::spawn(move || Arc::new(Servers::launch(durable))).join().map_err(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(_) => "see the panic above".to_owned(),
    })
}

impl World {
    /// The database server.
    pub fn postgres(&self) -> &Postgres {
        &self.servers.postgres
    }

    /// The broker.
    pub fn rabbit(&self) -> &Rabbit {
        &self.servers.rabbit
    }

    /// What a counting query gives in this world's database.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn number(&self, sql: &str) -> i64 {
        self.postgres().number(&self.database_url, sql).await
    }

    /// Runs SQL statements in this world's database, as a superuser.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn execute(&self, sql: &str) {
        self.postgres().execute_in(&self.database_url, sql).await;
    }

    async fn create(servers: Arc<Servers>, shared: bool) -> Self {
        let name = fresh_name();
        let database = async {
            let template = servers.postgres.template().await;
            servers.postgres.create_database(&name, Some(template)).await;
        };
        tokio::join!(database, servers.rabbit.create_vhost(&name));
        Self {
            database_url: servers.postgres.url(&name),
            amqp_url: servers.rabbit.url(&name),
            database: name.clone(),
            vhost: name,
            servers,
            shared,
        }
    }
}

impl Drop for World {
    /// In the background: the next test need not wait, and what does not get done goes with the servers.
    fn drop(&mut self) {
        if !self.shared {
            return;
        }
        let (servers, database, vhost) = (Arc::clone(&self.servers), self.database.clone(), self.vhost.clone());
        thread::spawn(move || {
            servers.rabbit.delete_vhost(&vhost);
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(servers.postgres.drop_database(&database));
            }
        });
    }
}

/// A name that no other test has.
pub(crate) fn fresh_name() -> String {
    format!("test_{:016x}", rand::random::<u64>())
}
