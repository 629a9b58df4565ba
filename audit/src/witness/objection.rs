//! What witnesses have against this history. As long as one objects, nothing is signed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Why the history does not continue what a witness has seen: whoever is asked reads one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Objection {
    /// It refuses the checkpoint.
    #[error(
        "the witness `{witness}` refuses the first {size} entries of this history: they do not continue those that it has cosigned, so it was rewritten, or restored and went on; restore the one that continues them and start again"
    )]
    Fork {
        /// Which witness.
        witness: String,
        /// Entries of the checkpoint that it refuses.
        size: u64,
    },
    /// It has seen more than there is.
    #[error(
        "this history has {size} entries, but the witness `{witness}` has cosigned {seen}: it is older than what was signed; restore a history that is not"
    )]
    Behind {
        /// Which witness.
        witness: String,
        /// Entries that it has cosigned.
        seen: u64,
        /// Entries that there are.
        size: u64,
    },
    /// It has seen a checkpoint that this history does not know.
    #[error(
        "the witness `{witness}` has cosigned {seen} entries of this log, and this history knows no checkpoint over so many: it was restored and went on, or somebody else signs with its key; restore the history that signed them"
    )]
    Strange {
        /// Which witness.
        witness: String,
        /// Entries that it has cosigned.
        seen: u64,
    },
}

/// The objections of all witnesses. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objections(Arc<Mutex<BTreeMap<String, Objection>>>);

impl Objections {
    /// An error as long as somebody objects.
    pub(crate) fn none(&self) -> Result<(), Objection> {
        match self.lock().values().next() {
            Some(objection) => Err(objection.clone()),
            None => Ok(()),
        }
    }

    /// A witness objects.
    pub(super) fn raise(&self, witness: &str, objection: Objection) {
        self.lock().insert(witness.to_owned(), objection);
    }

    /// A witness has cosigned: it objects no more.
    pub(super) fn clear(&self, witness: &str) {
        self.lock().remove(witness);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Objection>> {
        // Only whole values are written, so a poisoned map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
