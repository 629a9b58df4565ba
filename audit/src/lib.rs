#![doc = include_str!("../README.md")]

use sqlx::migrate::Migrator;
use stage::database::Migrations;

mod acts;
mod ahead;
mod api;
mod asking;
mod assurance;
mod audit;
mod batch;
mod body;
mod canonical;
mod config;
mod erasure;
mod evidence;
mod growth;
pub mod guards;
mod history;
mod keys;
mod leaf;
pub mod log;
mod looks;
mod naming;
pub mod pack;
mod receipts;
mod reconcile;
mod seal;
mod service;
mod signer;
mod stamp;
pub mod statement;
mod steps;
mod store;
mod tally;
pub mod verify;
pub mod witness;

#[cfg(test)]
mod tests;

pub use assurance::{Assurance, Hour, Standing};
pub use config::{Config, Job, Reader};
pub use erasure::{Clients, Due, Erasure, ErasureError, Report, State, rotate};
pub use evidence::{Evidence, Shown, policy, verifier_key};
pub use history::{
    AccessQuery, Accesses, Check, HistoryError, Look, PAGE, Page, Query, Refused, Source, Step,
};
pub use looks::{Asked, MAX_PURPOSE, Purpose, Viewer, Viewing};
pub use reconcile::Range;
pub use service::start;
pub use stamp::Stamping;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static KEYS_SQLITE: Migrator = sqlx::migrate!("migrations/keys/sqlite");
static KEYS_POSTGRES: Migrator = sqlx::migrate!("migrations/keys/postgres");
static HEADS_SQLITE: Migrator = sqlx::migrate!("migrations/heads/sqlite");
static HEADS_POSTGRES: Migrator = sqlx::migrate!("migrations/heads/postgres");

/// The tables of the history.
pub static MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// The tables of the key database.
pub static KEY_MIGRATIONS: Migrations = Migrations {
    sqlite: &KEYS_SQLITE,
    postgres: &KEYS_POSTGRES,
};

/// The table of the head store, where that is a database.
pub static HEAD_MIGRATIONS: Migrations = Migrations {
    sqlite: &HEADS_SQLITE,
    postgres: &HEADS_POSTGRES,
};
