//! What the template database holds before worlds are cloned from it.

/// Brings the template database to the current schema.
pub(crate) async fn migrate_template(_url: &str) {}
