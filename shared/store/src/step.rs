//! The pool, transactions, and statements as named steps.

use crate::error::{Code, StoreError};
use crate::tls;
use deadpool_postgres::{
    GenericClient, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, TimeoutType, Transaction,
};
use std::fmt;
use std::time::{Duration, Instant};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::Instrument;
use uuid::Uuid;

/// How to reach the database.
#[derive(Clone)]
pub struct StoreConfig {
    /// `postgres://user:password@host:port/database?sslmode=…`.
    pub url: String,
    /// Shown in `pg_stat_activity`.
    pub application: String,
    /// Connections at most, 1 to 100.
    pub connections: usize,
    /// Certificates of authorities (DER) that vouch for the server beside the public ones.
    pub authorities: Vec<Vec<u8>>,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig").field("application", &self.application).finish_non_exhaustive()
    }
}

/// Limits of every session, and plans that hold while a table grows: a cached plan made while it was small would scan it whole for ever.
/// Without JIT, since the price put on scans would have it compile statements that take microseconds.
const SESSION: &str = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=20000 \
    -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

/// The step that makes a transaction last.
pub(crate) const COMMIT: &str = "commit";

/// After this the server is given up, whatever the network says; longer than its own limit for a statement.
const PATIENCE: Duration = Duration::from_secs(20);

/// Postgres behind a pool. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
}

/// A statement with its name; made by `step!`.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// Names a statement; the name is the SQL comment too.
macro_rules! step {
    ($name:literal, $sql:literal) => {
        $crate::step::Step { name: $name, sql: concat!("/* ", $name, " */ ", $sql) }
    };
}
pub(crate) use step;

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Store {
    /// Makes the pool; connects on first use. Waiting for a connection, making and testing one each have a limit of 5 s (deadpool has
    /// none of its own), and so do statements (15 s), locks (5 s) and idle transactions (20 s).
    ///
    /// # Errors
    /// A fault of the URL, without the URL, or of an authority.
    pub fn new(config: &StoreConfig) -> Result<Self, &'static str> {
        let mut pg: tokio_postgres::Config = config.url.parse().map_err(|_| "no valid postgres:// URL")?;
        pg.application_name(&config.application);
        pg.options(SESSION);
        pg.connect_timeout(Duration::from_secs(5));
        // A cut network: the kernel gives a silent server up by itself.
        pg.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
        pg.tcp_user_timeout(Duration::from_secs(20));
        let tls = tls::connector(&config.authorities)?;
        let manager = Manager::from_config(pg, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let limit = Some(Duration::from_secs(5));
        let pool = Pool::builder(manager)
            .max_size(config.connections)
            // The one used last has its statements planned.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(limit)
            .create_timeout(limit)
            .recycle_timeout(limit)
            .build()
            .map_err(|_| "the pool cannot be built")?;
        Ok(Self { pool })
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none within 5 s.
    pub async fn session(&self) -> Result<Session, StoreError> {
        let step = "connect";
        let client = self.pool.get().await.map_err(|e| match e {
            PoolError::Backend(e) => StoreError::classify(step, &e),
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Unavailable { step, code: Code::new("pool") },
            _ => StoreError::Unavailable { step, code: Code::new("connection") },
        })?;
        Ok(Session { client })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.session().await?.query(step!("ping", "select 1"), &[]).await.map(drop)
    }

    /// Whether the database does what takes its disk: a row comes and goes.
    ///
    /// # Errors
    /// As [`Store::session`], and as any step.
    pub async fn can_write(&self) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let tx = session.begin().await?;
        let put = step!("can_write.put", "insert into dialogpost.processed (worker, message_id, at) values ('', $1, now())");
        let take = step!("can_write.take", "delete from dialogpost.processed where worker = '' and message_id = $1");
        let id = Uuid::now_v7().to_string();
        tx.query(put, &[&id]).await?;
        tx.query(take, &[&id]).await?;
        tx.commit().await
    }

    /// Closes every connection.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// A connection for single statements and transactions.
pub struct Session {
    pub(crate) client: Object,
}

impl Session {
    /// Opens a transaction; dropping it rolls back.
    ///
    /// # Errors
    /// As any step.
    pub async fn begin(&mut self) -> Result<Tx<'_>, StoreError> {
        let inner = self.client.transaction().await.map_err(|e| StoreError::classify("begin", &e))?;
        Ok(Tx { inner })
    }

    /// Plans of any kind and time enough, for a report over many rows; for the rest of this connection, so not in a worker.
    pub(crate) async fn for_reports(&self) -> Result<(), StoreError> {
        let free = step!(
            "report",
            "select set_config(name, value, false) from (values ('enable_seqscan', 'on'), ('enable_hashjoin', 'on'),
                ('enable_mergejoin', 'on'), ('statement_timeout', '0')) s(name, value)"
        );
        self.query(free, &[]).await.map(drop)
    }

    pub(crate) async fn query(&self, step: Step, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        run(&self.client, step, params).await
    }
}

/// An open transaction.
pub struct Tx<'a> {
    pub(crate) inner: Transaction<'a>,
}

impl Tx<'_> {
    pub(crate) async fn query(&self, step: Step, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        run(&self.inner, step, params).await
    }

    /// Makes everything of this transaction last.
    ///
    /// # Errors
    /// As any step; the outcome is then unknown, and the claims tell on the next try.
    pub async fn commit(self) -> Result<(), StoreError> {
        timed(COMMIT, async { self.inner.commit().await.map_err(|e| StoreError::classify(COMMIT, &e)) }).await
    }
}

pub(crate) async fn run(client: &impl GenericClient, step: Step, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
    timed(
        step.name,
        async {
            let statement = client.prepare_cached(step.sql).await?;
            client.query(&statement, params).await
        }
        .map_error(step.name),
    )
    .await
}

/// Maps a driver's error inside a future.
pub(crate) trait MapError<T> {
    async fn map_error(self, step: &'static str) -> Result<T, StoreError>;
}

impl<T, F: Future<Output = Result<T, tokio_postgres::Error>> + Send> MapError<T> for F {
    async fn map_error(self, step: &'static str) -> Result<T, StoreError> {
        self.await.map_err(|e| StoreError::classify(step, &e))
    }
}

pub(crate) async fn timed<T>(step: &'static str, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let started = Instant::now();
    let limited = tokio::time::timeout(PATIENCE, work.instrument(tracing::debug_span!("db", step))).await;
    let result = limited.unwrap_or_else(|_| Err(StoreError::Unavailable { step, code: Code::new("time-out") }));
    metrics::histogram!("dialogpost_db_step_seconds", "step" => step).record(started.elapsed());
    if let Err(error) = &result {
        metrics::counter!("dialogpost_db_errors_total", "step" => step).increment(1);
        tracing::debug!(step, %error, "step failed");
    }
    result
}

/// Reads a column.
pub(crate) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, name: &'static str) -> Result<T, StoreError> {
    row.try_get(name).map_err(|_| StoreError::row(name))
}
