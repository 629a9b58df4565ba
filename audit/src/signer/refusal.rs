//! Why the log refuses to sign, and what to do about it: whoever is asked reads one sentence.

use crate::witness::Objection;

/// The history and what was signed of it do not fit together. Appending goes on, signing does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The history is shorter than what was signed.
    #[error(
        "this history has {size} entries, but {signed} were signed: it is older than its head store (`audit.head`); restore a history that is not"
    )]
    Behind {
        /// Entries that were signed.
        signed: u64,
        /// Entries that there are.
        size: u64,
    },
    /// The history has another root there.
    #[error(
        "the first {signed} entries of this history are not those that were signed: it was rewritten, or restored and went on; restore the one that continues the checkpoint in `audit.head`"
    )]
    Forked {
        /// Entries that were signed.
        signed: u64,
    },
    /// There is no head store any more.
    #[error(
        "the head store (`audit.head`) is empty, but this history has signed checkpoints: restore it, or write the newest checkpoint that anybody has seen into it"
    )]
    Lost,
    /// The head store was set back.
    #[error(
        "the head store (`audit.head`) knows {signed} signed entries, this history {kept}: the head store was set back; write the newest checkpoint that anybody has seen into it"
    )]
    Older {
        /// Entries that were signed, by the head store.
        signed: u64,
        /// Entries that were signed, by the history.
        kept: i64,
    },
    /// What stands there was not signed by this key.
    #[error(
        "the checkpoint in the head store (`audit.head`) is not signed by the key of `audit.log_key_file` for `audit.origin`: put both back, or begin a log with a head store of its own"
    )]
    Foreign,
    /// A witness has seen another history.
    #[error(transparent)]
    Witnessed(#[from] Objection),
    /// The tiles do not give the root.
    #[error(
        "the tiles of this history do not give the root in its head: somebody has changed one of them; restore the history"
    )]
    Contradiction,
}
