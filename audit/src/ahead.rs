//! The next append, made while the one before it is still being stored.
//!
//! Sealing takes about as long as storing, and depends on what was appended before: the tree, the offsets, the numbers of
//! accounts. All of that is known once an append is made, and true once it is stored. So a batch is sealed on what the log
//! will be, and used only if the log has come to be just that.

use std::sync::{Arc, Mutex, PoisonError};

use stage::Clock;
use uuid::Uuid;

use crate::{
    log::tree::Hash,
    reconcile::Slice,
    steps::Reading,
    store::{Append, View, signed},
};

/// An append, ready to be stored, and what is true once it is.
pub(crate) struct Made {
    /// The root of the tree that it was made on.
    on: Hash,
    pub(crate) append: Append,
    pub(crate) next: View,
    /// What the reconciler gets once it is stored.
    pub(crate) slice: Arc<Slice>,
    /// What the clocks said when it was made.
    pub(crate) reading: Reading,
    /// By how much the clock was set before, if it was.
    pub(crate) step: Option<i64>,
}

impl Made {
    pub(crate) fn new(
        on: &View,
        append: Append,
        next: View,
        slice: Slice,
        clocks: (Reading, Option<i64>),
    ) -> Self {
        let (reading, step) = clocks;
        Self {
            on: on.tree.root(),
            append,
            next,
            slice: Arc::new(slice),
            reading,
            step,
        }
    }

    /// Whether it can be stored as it is: the log is what it was made on, and its time is still that of the clock.
    pub(crate) fn fits(&self, view: &View, clock: &dyn Clock) -> bool {
        self.append.before == signed(view.tree.size())
            && self.on == view.tree.root()
            && self.reading.is_fresh(clock)
    }

    /// What the next one is made on.
    pub(crate) fn base(&self) -> Base {
        Base {
            view: self.next.clone(),
            counters: self.append.counters.clone(),
        }
    }
}

/// What the log will be once an append is stored.
pub(crate) struct Base {
    pub(crate) view: View,
    /// The numbers of accounts that this append gives, and the database does not know yet.
    pub(crate) counters: Vec<(Uuid, i64)>,
}

/// What the log will be once all that was made is stored.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<State>);

#[derive(Default)]
struct State {
    /// None where that is not known.
    base: Option<Base>,
    /// Rises with every change that was not foreseen.
    epoch: u64,
    /// How many batches were readied.
    readied: u64,
}

/// Who takes a base gives back what follows from it.
pub(crate) struct Taken {
    pub(crate) base: Option<Base>,
    epoch: u64,
}

impl Ahead {
    /// What the next batch can be made on.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        Taken {
            base: state.base.take(),
            epoch: state.epoch,
        }
    }

    /// A batch is ready; what follows from it, where it could be made. Gives its number.
    pub(crate) fn readied(&self, taken: &Taken, base: Option<Base>) -> u64 {
        let mut state = self.lock();
        // Else something else was appended meanwhile, and this batch will be made anew.
        state.base = base.filter(|_| taken.epoch == state.epoch);
        state.readied += 1;
        state.readied
    }

    /// A batch was made anew. What follows from it is what the next one can be made on, unless that is ready already.
    pub(crate) fn remade(&self, number: u64, base: Base) {
        let mut state = self.lock();
        state.epoch += 1;
        state.base = (number == state.readied).then_some(base);
    }

    /// The log is not what was foreseen.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        state.base = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Only whole values are put in, so what a panic left behind is still whole; and what is made of it is compared.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
