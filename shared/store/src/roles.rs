//! A database role for each worker, with only what it needs: `roles.sql`.

use crate::step::step;
use crate::{StoreError, Tx};
use ::messages::Sensitive;

/// Safe to run as often as one likes.
const ROLES: &str = include_str!("roles.sql");

/// The role of a worker.
pub fn name_of(worker: &str) -> String {
    format!("dialogpost_{}", worker.replace('-', "_"))
}

/// Makes the roles where they are missing, and grants each what its worker needs, and nothing else, in this database. Needs the right to make
/// roles.
///
/// # Errors
/// As any step.
pub async fn apply(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.inner.batch_execute(ROLES).await.map_err(|error| StoreError::classify("roles.apply", &error))
}

/// Lets a worker's role log in, with this password. The server gets what it checks passwords by (RFC 5803) and never the password itself, which
/// its log might show.
///
/// # Errors
/// As any step.
pub async fn let_log_in(tx: &Tx<'_>, worker: &str, password: &Sensitive<String>) -> Result<(), StoreError> {
    let verifier = postgres_protocol::password::scram_sha_256(password.expose().as_bytes());
    let statement = step!("roles.login", "select format('alter role %I login password %L', $1::text, $2::text) as statement");
    let rows = tx.query(statement, &[&name_of(worker), &verifier]).await?;
    let statement: String = crate::step::column(rows.first().ok_or_else(|| StoreError::row("statement"))?, "statement")?;
    tx.inner.batch_execute(&statement).await.map_err(|error| StoreError::classify("roles.login", &error))
}
