//! The database every test's database is cloned from.

/// Brings the template's schema up to date.
pub(crate) async fn migrate_template(url: &str) {
    store::migrate(url).await.unwrap_or_else(|e| panic!("the template database cannot be migrated: {e}"));
}
