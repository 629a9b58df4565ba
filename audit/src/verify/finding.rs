//! What can be found wrong with a log: each with its place, and one sentence.

use crate::{log::policy::PolicyError, statement::StatementError};

/// What is wrong with one leaf of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not the canonical JSON of a leaf.
    #[error("it is not written as leaves are")]
    Form,
    /// Its commitment is no SHA-256.
    #[error("its commitment is no SHA-256 in base64")]
    Commitment,
    /// Its kind is none that we know.
    #[error("its kind is unknown")]
    Kind,
    /// Its source is no topic, partition and offset.
    #[error("its source is no topic, partition and offset")]
    Source,
    /// Its time is none.
    #[error("its time is no RFC 3339 time in UTC with milliseconds")]
    Time,
    /// Its version is another.
    #[error("its version is unknown")]
    Version,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The checkpoint is not accepted.
    #[error("checkpoint: {0}")]
    Checkpoint(#[source] PolicyError),
    /// The checkpoint of the last visit is not accepted.
    #[error("the older checkpoint: {0}")]
    Since(#[source] PolicyError),
    /// A file that a log of this size has is not there.
    #[error("{path} is missing")]
    Missing {
        /// Which.
        path: String,
    },
    /// A file that a log of this size cannot have is there.
    #[error("{path} belongs to no log of this size")]
    Stray {
        /// Which.
        path: String,
    },
    /// A bundle does not hold exactly its entries.
    #[error("{path} does not hold exactly {entries} entries")]
    Bundle {
        /// Which.
        path: String,
        /// How many it must hold.
        entries: u16,
    },
    /// A leaf is none of ours.
    #[error("entry {index}: {fault}")]
    Leaf {
        /// Which.
        index: u64,
        /// Why not.
        fault: Fault,
    },
    /// Time goes back.
    #[error("entry {index} is older than the one before it")]
    Order {
        /// The first entry that is older than the one before it.
        index: u64,
    },
    /// A record stands twice, or after one that came later.
    #[error("entry {index} is of a record that this log already had, or had passed")]
    Source {
        /// The later entry.
        index: u64,
    },
    /// An entry claims a time from before the older checkpoint, which does not have it.
    #[error(
        "entry {index} is dated back: the older checkpoint was seen after its time and lacks it"
    )]
    BackDated {
        /// Which.
        index: u64,
    },
    /// An entry claims a time after a witness, or a time stamp, had seen it.
    #[error("entry {index} is dated ahead: a witness or a time stamp saw it before its time")]
    DatedAhead {
        /// Which.
        index: u64,
    },
    /// An entry is another than the one whose hash the log keeps.
    #[error("entry {index} is not the one whose hash stands in {path}")]
    Entry {
        /// Which.
        index: u64,
        /// Where its hash stands.
        path: String,
    },
    /// A tile has not its length.
    #[error("{path} has {found} bytes in place of {wanted}")]
    Length {
        /// Which.
        path: String,
        /// How many it must have.
        wanted: usize,
        /// How many it has.
        found: usize,
    },
    /// A hash of a tile does not follow from the entries.
    #[error("{path}: hash {at} does not follow from the entries")]
    Tile {
        /// Which.
        path: String,
        /// The first such hash of it.
        at: usize,
    },
    /// The entries lead to another root than that of the checkpoint.
    #[error("the {size} entries do not lead to the root of the checkpoint")]
    Root {
        /// How many.
        size: u64,
    },
    /// The log is smaller than it was.
    #[error("the log has {now} entries, and had {before} at the older checkpoint")]
    Shrunk {
        /// How many there were.
        before: u64,
        /// How many there are.
        now: u64,
    },
    /// The log does not begin with what it was.
    #[error(
        "the first {size} entries are not those of the older checkpoint: history was rewritten"
    )]
    Rewritten {
        /// How many the older checkpoint covers.
        size: u64,
    },
    /// A file of a pack is not written as it is in packs.
    #[error("{path} is not as it stands in a pack")]
    Form {
        /// Which.
        path: String,
    },
    /// A statement is not accepted.
    #[error("the statement: {0}")]
    Statement(#[source] StatementError),
    /// The counts of a statement do not add up.
    #[error("the account of {day} does not add up to what was accepted")]
    Sums {
        /// The day.
        day: String,
    },
    /// A statement says something else of a day than the log.
    #[error("the account of {day} has other {what} than the log")]
    Day {
        /// The day.
        day: String,
        /// What is other.
        what: String,
    },
    /// A pack lacks a record of its account.
    #[error("record {number} of the account is missing: {have} of at least {of} are there")]
    Incomplete {
        /// The first that is missing, counted from 1.
        number: u64,
        /// How many are there.
        have: u64,
        /// The newest that is there.
        of: u64,
    },
    /// A time stamp is none, or is not over the checkpoint beside it.
    #[error("{path} is no time stamp over the checkpoint beside it")]
    Stamp {
        /// Which.
        path: String,
    },
    /// A proof is not written as proofs are.
    #[error("this is no tlog-proof with its leaf")]
    Proof,
    /// Salt and body are not those that the leaf commits to.
    #[error("entry {index}: salt and body are not those that its leaf commits to")]
    Opening {
        /// Which entry.
        index: u64,
    },
    /// A proof does not lead to the checkpoint's root.
    #[error("the proof does not lead from entry {index} to the root of its checkpoint")]
    Path {
        /// The index that it claims.
        index: u64,
    },
}

impl Finding {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Checkpoint(_) => "checkpoint",
            Self::Since(_) => "since",
            Self::Missing { .. } => "missing",
            Self::Stray { .. } => "stray",
            Self::Bundle { .. } => "bundle",
            Self::Leaf { .. } => "leaf",
            Self::Order { .. } => "order",
            Self::Source { .. } => "source",
            Self::BackDated { .. } => "back_dated",
            Self::DatedAhead { .. } => "dated_ahead",
            Self::Entry { .. } => "entry",
            Self::Length { .. } => "length",
            Self::Tile { .. } => "tile",
            Self::Root { .. } => "root",
            Self::Shrunk { .. } => "shrunk",
            Self::Rewritten { .. } => "rewritten",
            Self::Form { .. } => "form",
            Self::Statement(_) => "statement",
            Self::Sums { .. } => "sums",
            Self::Day { .. } => "day",
            Self::Incomplete { .. } => "incomplete",
            Self::Stamp { .. } => "time_stamp",
            Self::Proof => "proof",
            Self::Opening { .. } => "opening",
            Self::Path { .. } => "path",
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Missing { path }
            | Self::Stray { path }
            | Self::Bundle { path, .. }
            | Self::Entry { path, .. }
            | Self::Length { path, .. }
            | Self::Form { path }
            | Self::Stamp { path }
            | Self::Tile { path, .. } => Some(path),
            Self::Checkpoint(_) => Some("checkpoint"),
            Self::Since(_)
            | Self::Leaf { .. }
            | Self::Order { .. }
            | Self::Source { .. }
            | Self::BackDated { .. }
            | Self::DatedAhead { .. }
            | Self::Root { .. }
            | Self::Shrunk { .. }
            | Self::Rewritten { .. }
            | Self::Statement(_)
            | Self::Sums { .. }
            | Self::Day { .. }
            | Self::Incomplete { .. }
            | Self::Proof
            | Self::Opening { .. }
            | Self::Path { .. } => None,
        }
    }

    /// The entry that it is about.
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Leaf { index, .. }
            | Self::Order { index }
            | Self::Source { index }
            | Self::BackDated { index }
            | Self::DatedAhead { index }
            | Self::Entry { index, .. }
            | Self::Opening { index }
            | Self::Path { index } => Some(*index),
            Self::Checkpoint(_)
            | Self::Since(_)
            | Self::Missing { .. }
            | Self::Stray { .. }
            | Self::Bundle { .. }
            | Self::Length { .. }
            | Self::Tile { .. }
            | Self::Root { .. }
            | Self::Shrunk { .. }
            | Self::Rewritten { .. }
            | Self::Form { .. }
            | Self::Statement(_)
            | Self::Sums { .. }
            | Self::Day { .. }
            | Self::Incomplete { .. }
            | Self::Stamp { .. }
            | Self::Proof => None,
        }
    }
}
