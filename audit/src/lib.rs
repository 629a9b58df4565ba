#![doc = include_str!("../README.md")]

use sqlx::migrate::Migrator;
use stage::database::Migrations;

mod api;
mod audit;
mod batch;
mod body;
mod canonical;
mod config;
mod history;
mod keys;
mod leaf;
mod naming;
mod receipts;
mod seal;
mod service;
mod store;
mod tally;
mod tree;
mod way;

#[cfg(test)]
mod tests;

pub use config::{Config, Reader};
pub use history::{Check, History, HistoryError, PAGE, Page, Query, Refused, Source, Step};
pub use service::start;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static KEYS_SQLITE: Migrator = sqlx::migrate!("migrations/keys/sqlite");
static KEYS_POSTGRES: Migrator = sqlx::migrate!("migrations/keys/postgres");

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
