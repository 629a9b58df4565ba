//! Where the table is, and whether what is there fits this release.

use std::str::FromStr;

use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

use crate::{
    Unavailable,
    store::{Postgres, SCHEMA, Sqlite, Store},
};

/// Where the table is. Its URL may hold a password, so it does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full&sslrootcert=PATH`.
    pub url: String,
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Location(…)")
    }
}

/// Why a table cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The configuration is at fault. Never holds the URL.
    #[error("the directory's URL must be `sqlite:PATH` (a file) or `postgres://…`")]
    Url,
    /// The database is not ready; the same may be tried again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables do not fit this release.
    #[error("the directory does not fit: {0}")]
    Unfit(Fit),
}

/// Whether the tables fit this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fit {
    /// They do.
    #[error("its tables are of version {version}, which fits")]
    Fits {
        /// Their version.
        version: i64,
    },
    /// There are none.
    #[error("it has no tables; run `idtrail database migrate`")]
    Missing,
    /// An earlier release made them.
    #[error(
        "its tables are of version {version}, older than this release; run `idtrail database migrate`"
    )]
    Older {
        /// Their version.
        version: i64,
    },
    /// A later release made them.
    #[error(
        "its tables are of version {version}, newer than this release; run the release that made them"
    )]
    Newer {
        /// Their version.
        version: i64,
    },
}

impl Fit {
    pub(super) fn of(found: Option<i64>) -> Self {
        match found {
            None => Self::Missing,
            Some(version) if version < i64::from(SCHEMA) => Self::Older { version },
            Some(version) if version > i64::from(SCHEMA) => Self::Newer { version },
            Some(version) => Self::Fits { version },
        }
    }
}

enum Parsed {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Location {
    fn parse(&self) -> Result<Parsed, OpenError> {
        let url = self.url.as_str();
        if url.starts_with("sqlite:") {
            // In memory, each connection would have a table of its own.
            let options = SqliteConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
            let file = options.get_filename().as_os_str();
            let in_memory = url.contains(":memory:") || url.contains("mode=memory");
            if in_memory || file.is_empty() {
                return Err(OpenError::Url);
            }
            Ok(Parsed::Sqlite(options))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
            Ok(Parsed::Postgres(options))
        } else {
            Err(OpenError::Url)
        }
    }

    /// Whether there is no file at all; looking into it would need one.
    pub(super) fn is_missing(&self) -> Result<bool, OpenError> {
        match self.parse()? {
            Parsed::Sqlite(options) => {
                let there = options.get_filename().try_exists();
                Ok(!there.map_err(|error| Unavailable::because(error.kind()))?)
            }
            Parsed::Postgres(_) => Ok(false),
        }
    }

    /// Connections to it, opened when first needed; only who migrates makes a file.
    pub(super) fn store(&self, make: bool) -> Result<Box<dyn Store>, OpenError> {
        Ok(match self.parse()? {
            Parsed::Sqlite(options) => Box::new(Sqlite::new(options.create_if_missing(make))),
            Parsed::Postgres(options) => Box::new(Postgres::new(options)),
        })
    }
}
