//! The history's receipt: which records now stand in it, and where.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Contract, Event, Id, Timestamp, Topic};

/// The records of one source partition that one batch appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The source topic, with its prefix.
    pub topic: String,
    /// The source partition.
    pub partition: i32,
    /// First and last offset, inclusive.
    pub offsets: (i64, i64),
    /// First and last leaf index, inclusive; leaves of other partitions may lie between.
    pub leaves: (i64, i64),
    /// How many records; fewer than the offsets span where transaction markers lie between.
    pub records: i64,
}

/// A receipt for one batch and one source partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    id: Id,
    source_topic: String,
    source_partition: i32,
    first_offset: i64,
    last_offset: i64,
    first_leaf: i64,
    last_leaf: i64,
    records: i64,
    tree_size: i64,
    root: String,
    checkpoint: Option<String>,
    appended_at: Timestamp,
}

impl Audited {
    /// The receipt; `root` is the RFC 6962 tree head over the first `tree_size` leaves, hex.
    pub fn new(covered: Covered, (tree_size, root): (i64, String), appended_at: Timestamp) -> Self {
        let place = format!(
            "{}/{}/{}",
            covered.topic, covered.partition, covered.offsets.0
        );
        Self {
            id: Id::derive(&["audited", &place]),
            source_topic: covered.topic,
            source_partition: covered.partition,
            first_offset: covered.offsets.0,
            last_offset: covered.offsets.1,
            first_leaf: covered.leaves.0,
            last_leaf: covered.leaves.1,
            records: covered.records,
            tree_size,
            root,
            checkpoint: None,
            appended_at,
        }
    }

    /// The same receipt with a signed checkpoint over at least its leaves.
    #[must_use]
    pub fn under(self, checkpoint: String) -> Self {
        Self {
            checkpoint: Some(checkpoint),
            ..self
        }
    }

    /// The signed checkpoint that covers the receipt, where there was one when it was published.
    pub fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// The source topic and partition, and the offsets covered, inclusive.
    pub fn covers(&self) -> (&str, i32, i64, i64) {
        (
            &self.source_topic,
            self.source_partition,
            self.first_offset,
            self.last_offset,
        )
    }

    /// How many records the receipt covers.
    pub fn records(&self) -> i64 {
        self.records
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/audited.avsc")));

impl Event for Audited {
    const TOPIC: Topic = Topic::Audited;
    const TYPE: &'static str = "idtrail.audited";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.id.to_string()
    }

    fn subject(&self) -> Option<String> {
        None
    }

    fn time(&self) -> Timestamp {
        self.appended_at
    }
}
