//! Whether the history only grows, found out by trying: every statement that it must refuse is made with the rights that
//! the service has, on one row, in a transaction that is always rolled back.

use stage::database::{Database, DatabaseError, Location};

use crate::{
    Config, HEAD_MIGRATIONS, MIGRATIONS,
    config::{DATABASE, HEAD},
};

mod statements;
mod trying;

/// How a statement ended that must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The database refused it: by a trigger, or for want of the right.
    Refused,
    /// It went through, or only something met by chance stood in its way, as a foreign key does.
    Through,
    /// It could not be tried; this is no yes. Says why.
    Untried(String),
}

/// A statement that must be refused, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The table, or the function of its triggers.
    pub of: &'static str,
    /// What was tried, in few words.
    pub words: &'static str,
    /// The statement.
    pub sql: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// What whoever connects could do besides, so that a refusal is worth less than it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Power {
    /// It is a member of roles that may append and look, and owns nothing.
    Ordinary,
    /// It owns the tables: it may take the guards away, or say the word that lets it.
    Owner {
        /// Its name.
        role: String,
    },
    /// It is a superuser of the server: nothing is refused to it for good.
    Superuser {
        /// Its name.
        role: String,
    },
    /// A file: whoever may write it may drop its triggers.
    File,
}

/// What was tried on one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The setting that names it.
    pub setting: &'static str,
    /// Who tried.
    pub power: Power,
    /// What was tried.
    pub attempts: Vec<Attempt>,
}

/// Tries everything on the history and, where that is a database, on the head store.
pub async fn attempt(config: &Config) -> Result<Vec<Tried>, DatabaseError> {
    let mut tried = vec![on(&config.database, DATABASE).await?];
    if config.has_head_database() {
        tried.push(on(&config.head, HEAD).await?);
    }
    Ok(tried)
}

async fn on(location: &Location, setting: &'static str) -> Result<Tried, DatabaseError> {
    let (tables, migrations) = match setting {
        HEAD => (statements::HEADS, &HEAD_MIGRATIONS),
        _ => (statements::HISTORY, &MIGRATIONS),
    };
    let database = Database::open(location, setting)?;
    database.check(setting, migrations).await?;
    let tried = match &database {
        Database::Sqlite(pool) => trying::on_sqlite(pool, &tables).await,
        Database::Postgres(pool) => trying::on_postgres(pool, &tables).await,
    };
    let (power, attempts) = tried.map_err(|error| DatabaseError::Unavailable {
        setting: setting.to_owned(),
        why: error.to_string(),
    })?;
    Ok(Tried {
        setting,
        power,
        attempts,
    })
}
