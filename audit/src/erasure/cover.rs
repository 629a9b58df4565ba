//! What must stand over the entry of an erasure before keys go: the log's signature, and where they are asked, witnesses'.

use stage::Retry;

use crate::{config::Config, store::LogStore};

/// What must cover an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// Nothing: this log is not signed.
    Nothing,
    /// A checkpoint.
    Checkpoint,
    /// A checkpoint that so many witnesses have cosigned, one at least.
    Cosigned(usize),
}

impl Cover {
    /// What the settings ask for.
    pub(crate) fn of(config: &Config) -> Self {
        match (&config.log_key_file, config.witness_quorum) {
            (None, _) => Self::Nothing,
            (Some(_), 0) => Self::Checkpoint,
            (Some(_), quorum) => Self::Cosigned(quorum),
        }
    }

    /// What is still missing over the entry at this index; none if it is covered.
    pub(crate) async fn lacks(
        self,
        log: &dyn LogStore,
        entry: i64,
    ) -> Result<Option<String>, Retry> {
        let (newest, what) = match self {
            Self::Nothing => return Ok(None),
            Self::Checkpoint => (
                log.newest_checkpoint().await?,
                "no checkpoint is signed".to_owned(),
            ),
            Self::Cosigned(quorum) => (
                log.newest_cosigned(i64::try_from(quorum).unwrap_or(i64::MAX))
                    .await?,
                format!("no checkpoint is cosigned by {quorum} witnesses"),
            ),
        };
        // A checkpoint covers the entries below its size.
        let covered = newest.is_some_and(|kept| kept.size > entry);
        let waits = || format!("{what} that covers its entry {entry}: until then no key goes");
        Ok((!covered).then(waits))
    }
}
