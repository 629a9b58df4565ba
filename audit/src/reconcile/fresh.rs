//! What was appended lately, handed to the reconciler by who appended it.
//!
//! The reconciler could read it again, and does what was not handed over: after a restart, when another process appended, or
//! when it was too much. But to open each body once more cost a third of what the history took, and the server wrote most
//! pages twice, because whoever reads a row first marks it as committed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use stage::Record;
use tokio::sync::Notify;

use super::{
    hours::Range,
    piece::{Part, Seen},
};
use crate::{body::Said, store::Append};

/// Entries held at most: some twenty MB.
const HELD: i64 = 65_536;
/// One of so many slices is not handed over, so that the log is read there: were something else stored than was meant, or
/// nothing that opens, journeys would stay open and somebody would be told.
const READ_ANYWAY: u64 = 64;

/// What one append adds for the reconciler.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// Its entries: from the first, below the second.
    pub(super) entries: (i64, i64),
    /// The time in their leaves, in milliseconds.
    pub(super) at: i64,
    /// Callbacks among them.
    pub(super) accepted: i64,
    pub(super) ranges: Vec<Range>,
    pub(super) parts: Vec<Part>,
}

impl Slice {
    /// Of an append with entries of these records, in this order, and further ones that tell of these ranges.
    pub(crate) fn of<'a>(
        append: &Append,
        records: impl Iterator<Item = (&'a Record, &'a Said)>,
        ranges: Vec<Range>,
    ) -> Self {
        let mut slice = Self {
            entries: (append.before, append.size()),
            at: append.at,
            accepted: 0,
            ranges,
            parts: Vec::with_capacity(append.entries.len()),
        };
        for (record, said) in records {
            slice.accepted += i64::from(record.topic == schemas::Topic::Raw);
            let part = Seen::said(record, said).part(&record.position, append.at);
            slice.parts.extend(part);
        }
        slice
    }

    fn len(&self) -> i64 {
        self.entries.1 - self.entries.0
    }
}

/// Slices in the order of the log, with holes where something was not handed over.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    held: Mutex<Held>,
    /// Rung when half of the room is taken.
    pub(super) filling: Notify,
}

#[derive(Debug, Default)]
struct Held {
    slices: VecDeque<Arc<Slice>>,
    entries: i64,
    /// How many there were.
    put: u64,
}

impl Fresh {
    /// Hands over what has been committed. Beyond the bound it is dropped, and will be read from the log.
    pub(crate) fn put(&self, slice: &Arc<Slice>) {
        let mut held = self.lock();
        held.put += 1;
        let before = held.entries;
        if before + slice.len() <= HELD && !held.put.is_multiple_of(READ_ANYWAY) {
            held.entries += slice.len();
            held.slices.push_back(Arc::clone(slice));
        }
        // Once: a reconciler that cannot go on is not to try with each append.
        if before <= HELD / 2 && held.entries > HELD / 2 {
            self.filling.notify_one();
        }
    }

    /// The slice that begins at this entry; otherwise up to which entry the log must be read, where a later slice begins.
    pub(super) fn take(&self, position: i64) -> Result<Slice, Option<i64>> {
        let mut held = self.lock();
        while let Some(slice) = held.slices.pop_front() {
            if slice.entries.0 > position {
                let from = slice.entries.0;
                held.slices.push_front(slice);
                return Err(Some(from));
            }
            held.entries -= slice.len();
            if slice.entries.0 == position {
                // The batch that it came from has mostly gone by now; then nothing is copied.
                return Ok(Arc::unwrap_or_clone(slice));
            }
            // What begins earlier was read from the log, at least in part.
        }
        Err(None)
    }

    /// Forgets all of it, so that everything is read from the log.
    pub(crate) fn forget(&self) {
        *self.lock() = Held::default();
    }

    /// Whether nothing is held.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().slices.is_empty()
    }

    /// Takes nothing more, as if there were no room.
    #[cfg(test)]
    pub(crate) fn fill(&self) {
        self.lock().entries = HELD;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        // Only whole slices are put in, so what a panic left behind is still whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(entries: (i64, i64)) -> Arc<Slice> {
        Arc::new(Slice {
            entries,
            at: 0,
            accepted: 0,
            ranges: Vec::new(),
            parts: Vec::new(),
        })
    }

    /// The entries that must be read from the log, from and below, until so many are known.
    fn read(fresh: &Fresh, below: i64) -> Vec<(i64, i64)> {
        let (mut position, mut read) = (0, Vec::new());
        while position < below {
            match fresh.take(position) {
                Ok(slice) => position = slice.entries.1,
                Err(next) => {
                    read.push((position, next.unwrap_or(below)));
                    position = next.unwrap_or(below);
                }
            }
        }
        read
    }

    #[test]
    fn one_slice_of_many_is_read_from_the_log() {
        let fresh = Fresh::default();
        for at in 0..130 {
            fresh.put(&slice((10 * at, 10 * at + 10)));
        }
        assert_eq!(read(&fresh, 1_300), [(630, 640), (1_270, 1_280)]);
    }

    #[test]
    fn what_was_read_meanwhile_is_not_taken_again_and_a_hole_is_read() {
        let fresh = Fresh::default();
        for entries in [(0, 10), (10, 20), (25, 30)] {
            fresh.put(&slice(entries));
        }
        assert_eq!(fresh.take(5).unwrap_err(), Some(10));
        assert_eq!(fresh.take(10).unwrap().entries, (10, 20));
        assert_eq!(fresh.take(20).unwrap_err(), Some(25));
        assert_eq!(fresh.take(25).unwrap().entries, (25, 30));
        assert_eq!(fresh.take(30).unwrap_err(), None);
    }

    #[test]
    fn beyond_the_bound_nothing_is_held_until_there_is_room() {
        let fresh = Fresh::default();
        for entries in [(0, HELD), (HELD, HELD + 1)] {
            fresh.put(&slice(entries));
        }
        assert_eq!(fresh.take(0).unwrap().entries, (0, HELD));
        assert_eq!(fresh.take(HELD).unwrap_err(), None);
        fresh.put(&slice((HELD + 1, HELD + 2)));
        assert_eq!(fresh.take(HELD + 1).unwrap().entries, (HELD + 1, HELD + 2));
    }

    #[test]
    fn it_rings_once_when_half_of_the_room_is_taken() {
        let fresh = Fresh::default();
        let rung = || std::pin::pin!(fresh.filling.notified()).as_mut().enable();
        fresh.put(&slice((0, HELD / 2)));
        assert!(!rung());
        fresh.put(&slice((HELD / 2, HELD / 2 + 1)));
        assert!(rung());
        fresh.put(&slice((HELD / 2 + 1, HELD / 2 + 2)));
        assert!(!rung(), "nobody has taken any since");
    }
}
