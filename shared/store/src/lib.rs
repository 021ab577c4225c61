//! Postgres: the only SQL. One module for each table; facts come out as `domain`'s own types, decisions go in.
//!
//! Every statement is a named step: the name labels its span, its metric `dialogpost_db_step_seconds` and the SQL comment.

pub mod agreement;
pub mod appointment;
pub mod audit;
pub mod booking;
pub mod certificate;
pub mod clinic;
pub mod command;
pub mod contact;
pub mod crl;
pub mod dead_letter;
pub mod dialog;
pub mod error;
pub mod facts;
pub mod inbox_item;
pub mod journal_entry;
pub mod known;
mod large;
pub mod ledger;
pub mod letter;
pub mod message;
mod migrate;
pub mod notice;
pub mod outbox;
pub mod own_dialog;
pub mod processed;
pub mod pruning;
pub mod reading;
pub mod receipt;
pub mod roles;
pub mod sending;
pub mod setup;
pub mod show;
pub mod standing;
mod step;
pub mod telling;
pub mod timebok;
mod tls;
pub mod upload;
pub mod waiting;

pub use error::StoreError;
pub use migrate::{Migrated, migrate, require_current};
pub use step::{Session, Store, StoreConfig, Tx};
