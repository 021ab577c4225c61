//! Revocation lists that were fetched: one process's serve all.

use crate::step::{column, step};
use crate::{Session, StoreError};
use jiff::Timestamp;

/// A list as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCrl {
    /// Where it was fetched.
    pub url: String,
    /// Its bytes, DER or PEM.
    pub list: Vec<u8>,
    /// When.
    pub fetched_at: Timestamp,
    /// Its own end; `None` = it names none.
    pub next_update: Option<Timestamp>,
}

/// Those of the lists that were kept and have not ended by `now`.
///
/// # Errors
/// As any step.
pub async fn load(session: &Session, urls: &[String], now: Timestamp) -> Result<Vec<StoredCrl>, StoreError> {
    let load = step!(
        "crl.load",
        "select url, list, fetched_at, next_update from dialogpost.crl where url = any($1) and next_update > $2"
    );
    let of = |r: &tokio_postgres::Row| {
        Ok(StoredCrl {
            url: column(r, "url")?,
            list: column(r, "list")?,
            fetched_at: column(r, "fetched_at")?,
            next_update: column(r, "next_update")?,
        })
    };
    session.query(load, &[&urls, &now]).await?.iter().map(of).collect()
}

/// Keeps a list in place of an older one.
///
/// # Errors
/// As any step.
pub async fn save(session: &Session, list: &StoredCrl) -> Result<(), StoreError> {
    let save = step!(
        "crl.save",
        "insert into dialogpost.crl (url, list, fetched_at, next_update) values ($1, $2, $3, $4)
         on conflict (url) do update set list = excluded.list, fetched_at = excluded.fetched_at, next_update = excluded.next_update
         where crl.fetched_at < excluded.fetched_at"
    );
    session.query(save, &[&list.url, &list.list, &list.fetched_at, &list.next_update]).await.map(drop)
}
