//! Migrations: applied by `dialogpost migrate`, demanded at start-up.

use crate::error::StoreError;
use crate::step::{Session, Store, StoreConfig, column, step};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Serialises concurrent migrators: refinery takes no lock of its own.
const LOCK: i64 = 0x0d1a_1090;

/// What `migrate` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Names of the migrations applied now; empty = nothing was left to do.
    pub applied: Vec<String>,
    /// Version the schema has now.
    pub version: i32,
}

/// Brings the schema to the version of this build. Safe to run concurrently and repeatedly.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Schema`] when the database is newer than this build.
pub async fn migrate(config: &StoreConfig) -> Result<Migrated, StoreError> {
    let store = Store::new(config).map_err(|_| StoreError::row("DATABASE_URL"))?;
    let mut session = store.session().await?;
    session
        .query(
            step!(
                "migrate.patience",
                "select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)"
            ),
            &[],
        )
        .await?;
    session.query(step!("migrate.lock", "select pg_advisory_lock($1)"), &[&LOCK]).await?;
    let migrated = apply(&mut session).await;
    session.query(step!("migrate.unlock", "select pg_advisory_unlock($1)"), &[&LOCK]).await?;
    store.close();
    migrated
}

async fn apply(session: &mut Session) -> Result<Migrated, StoreError> {
    let found = version(session).await?;
    let needed = needed();
    if found > needed {
        return Err(StoreError::Schema { found, needed });
    }
    let bug = |e: tokio_postgres::Error| StoreError::classify("migrate", &e);
    session.client.batch_execute("create schema if not exists dialogpost").await.map_err(bug)?;
    let report = embedded::migrations::runner()
        .set_migration_table_name("dialogpost.schema_history")
        .run_async(&mut **session.client)
        .await
        .map_err(|e| {
            tracing::error!(error = %e, "migration failed");
            StoreError::row("migrate")
        })?;
    let applied = report.applied_migrations().iter().map(|m| format!("V{}__{}", m.version(), m.name())).collect();
    Ok(Migrated { applied, version: needed })
}

fn needed() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(|m| m.version()).max().unwrap_or(0)
}

async fn version(session: &Session) -> Result<i32, StoreError> {
    let table = step!("migrate.table", "select to_regclass('dialogpost.schema_history') is not null as there");
    let rows = session.query(table, &[]).await?;
    let there: bool = rows.first().map_or(Ok(false), |r| column(r, "there"))?;
    if !there {
        return Ok(0);
    }
    let rows = session
        .query(step!("migrate.version", "select coalesce(max(version), 0)::int as version from dialogpost.schema_history"), &[])
        .await?;
    rows.first().map_or(Ok(0), |r| column(r, "version"))
}

/// Refuses a schema that this build does not know exactly.
///
/// # Errors
/// [`StoreError::Schema`] when it is older or newer.
pub async fn require_current(store: &Store) -> Result<(), StoreError> {
    let (found, needed) = (version(&store.session().await?).await?, needed());
    if found == needed { Ok(()) } else { Err(StoreError::Schema { found, needed }) }
}
