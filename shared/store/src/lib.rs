//! Postgres: the only SQL.
