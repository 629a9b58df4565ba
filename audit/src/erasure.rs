//! What the law says of clients: records that must be kept until a date, and keys that are destroyed.
//!
//! Commands decide and write down; the service, which alone appends to the log, tells it there and destroys.

use std::sync::Arc;

use schemas::Timestamp;
use stage::{Retry, database::Database};
use uuid::Uuid;

use crate::{
    Config, HistoryError,
    history::History,
    keys,
    seal::{Blind, Kek, Kind},
};

mod clients;
mod closure;
mod cover;
mod decide;
mod ledger;
mod retention;
mod rotation;
mod scrub;
mod state;
mod worker;

pub use clients::{Clients, Erasure};
pub(crate) use cover::Cover;
pub use retention::{Due, Report};
#[cfg(test)]
pub(crate) use rotation::Rotation;
pub use rotation::rotate;
pub use state::State;
pub(crate) use worker::Worker;

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The history knows no such account.
    #[error("the history knows no such account")]
    Unknown,
    /// Another account's records are sealed with the same key.
    #[error(
        "a client or a check of the account is shared with another account; erasing it would erase that one's too"
    )]
    Shared,
    /// The law wants the records kept.
    #[error("the account is held; it may be erased from {0} on")]
    Held(Timestamp),
    /// A hold is only ever made longer.
    #[error("the account is already held until {0}, and a hold is never made shorter")]
    Shorter(Timestamp),
    /// There is nothing left to keep.
    #[error("the keys of the account are being destroyed")]
    Destroying,
    /// Two people are needed.
    #[error("who asked for an erasure cannot approve it; it needs somebody else")]
    SamePerson,
    /// Somebody must answer for it.
    #[error("it does not say by whom and why")]
    Nobody,
    /// The date is past, or has not come.
    #[error("the date does not make sense here: {0}")]
    Date(&'static str),
    /// No such request.
    #[error("there is no such request")]
    NoRequest,
    /// The request was decided before.
    #[error("the request is {0} already")]
    Settled(&'static str),
    /// The history gives no answer.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl From<Retry> for ErasureError {
    fn from(retry: Retry) -> Self {
        Self::History(HistoryError::Unavailable(retry))
    }
}

/// Databases that hold clients, opened for these decisions.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) history: History,
    pub(crate) bodies: Database,
    pub(crate) keys: Database,
    pub(crate) kek: Arc<Kek>,
}

impl Opened {
    pub(crate) fn on((bodies, keys): (&Database, &Database), kek: Arc<Kek>) -> Self {
        Self {
            history: History::on((bodies, keys), Arc::clone(&kek)),
            bodies: bodies.clone(),
            keys: keys.clone(),
            kek,
        }
    }

    async fn open(config: &Config) -> anyhow::Result<Self> {
        // Says what is wrong with databases and key, in the words of whoever only reads.
        let (bodies, keys) = config.open().await?;
        History::opened(config, (&bodies, &keys)).await?;
        let kek = keys::with_index(keys::open(&keys).as_ref(), config.kek()?).await??;
        Ok(Self::on((&bodies, &keys), Arc::new(kek)))
    }

    fn account(&self, name: &str) -> Blind {
        self.kek.blind(Kind::Account, name.as_bytes())
    }
}

/// An id of a request.
fn id_of(bytes: [u8; 16]) -> Uuid {
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
