//! The database every test's database is cloned from.

use store::{Store, StoreConfig};

/// Brings the template's schema up to date, with the workers' roles.
pub(crate) async fn migrate_template(url: &str) {
    let config = StoreConfig { url: url.to_owned(), application: "testbed".into(), connections: 1, authorities: vec![] };
    store::migrate(&config).await.unwrap_or_else(|e| panic!("the template database cannot be migrated: {e}"));
    let store = Store::new(&config).unwrap_or_else(|e| panic!("{e}"));
    let mut session = store.session().await.unwrap_or_else(|e| panic!("{e}"));
    let tx = session.begin().await.unwrap_or_else(|e| panic!("{e}"));
    store::roles::apply(&tx).await.unwrap_or_else(|e| panic!("the roles cannot be made: {e}"));
    tx.commit().await.unwrap_or_else(|e| panic!("{e}"));
    store.close();
}
