//! Where the history is kept: what is appended in one transaction, and what may be asked.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use stage::{Retry, database::Database, keep::KeepError};
use uuid::Uuid;

use crate::log::{
    edge::Edge,
    tile::{Rank, Tile},
    tree::{Hash, Tree},
};

mod copy;
mod log;
mod postgres;
mod reading;
mod sqlite;

pub(crate) use copy::Rows;
pub(crate) use log::{Kept, LogStore, Stamped};
pub(crate) use reading::{Place, Reading, Select, Stored};

/// The topic of the log's own entries: it has no name, because no broker has it.
pub(crate) const OWN: &str = "";

/// What a batch is made against: true until somebody appends.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The tree over all leaves.
    pub(crate) tree: Tree,
    /// The tiles that are still growing.
    pub(crate) edge: Edge,
    /// The time in the newest leaf, in milliseconds.
    pub(crate) at: i64,
    /// The number of the newest receipt.
    pub(crate) receipts: i64,
    /// The numbers of topics, by their names.
    pub(crate) topics: HashMap<String, i32>,
    /// The next offset of each partition.
    pub(crate) offsets: HashMap<(i32, i32), i64>,
}

/// One entry, ready to be appended.
pub(crate) struct Entry {
    /// Its place in the tree.
    pub(crate) seq: i64,
    /// Where its record stands.
    pub(crate) place: Place,
    /// What the log commits to.
    pub(crate) leaf: Vec<u8>,
    /// Its hash.
    pub(crate) leaf_hash: Hash,
    /// Whose data key opens the body.
    pub(crate) subject: Uuid,
    /// The check that it belongs to, where that is known.
    pub(crate) check: Option<Uuid>,
    /// The body, sealed.
    pub(crate) sealed: Vec<u8>,
}

/// How far a partition is read: from where, and to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub(crate) topic: i32,
    pub(crate) partition: i32,
    /// Where it must stand; none if it was never read.
    pub(crate) from: Option<i64>,
    pub(crate) to: i64,
}

/// A receipt: the records of one partition that one batch appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) number: i64,
    pub(crate) topic: i32,
    pub(crate) partition: i32,
    pub(crate) offsets: (i64, i64),
    pub(crate) leaves: (i64, i64),
    pub(crate) records: i64,
    pub(crate) tree_size: i64,
    pub(crate) root: Vec<u8>,
    /// Microseconds since 1970.
    pub(crate) appended_at: i64,
}

/// What one transaction appends.
pub(crate) struct Append {
    /// The size that the log must have.
    pub(crate) before: i64,
    /// The size, root and subtrees that it then has.
    pub(crate) tree: Tree,
    /// The growing tiles that it then has.
    pub(crate) edge: Edge,
    /// The tiles that change, as they then are.
    pub(crate) tiles: Vec<(Tile, Vec<u8>)>,
    /// The time in the new leaves, in milliseconds.
    pub(crate) at: i64,
    pub(crate) entries: Vec<Entry>,
    /// Topics met for the first time.
    pub(crate) topics: Vec<(i32, String)>,
    pub(crate) moves: Vec<Move>,
    /// The last numbers given for accounts.
    pub(crate) counters: Vec<(Uuid, i64)>,
    pub(crate) receipts: Vec<Receipt>,
}

impl Append {
    /// The size that the log then has.
    pub(crate) fn size(&self) -> i64 {
        signed(self.tree.size())
    }

    /// The number of the newest receipt.
    pub(crate) fn newest_receipt(&self) -> i64 {
        self.receipts.last().map_or(0, |receipt| receipt.number)
    }

    /// Whether every partition stands where this batch was told that it stands.
    pub(crate) fn follows(&self, stored: &[(i32, i32, i64)]) -> bool {
        let next = |topic, partition| {
            let found = stored
                .iter()
                .find(|(t, p, _)| (*t, *p) == (topic, partition));
            found.map(|(_, _, next)| *next)
        };
        self.moves
            .iter()
            .all(|one| next(one.topic, one.partition) == one.from)
    }
}

/// The history.
///
/// **Consistency**: one writer at a time, also over processes, because appending takes the lock of the head row; the
/// size and the offsets are compared under it. **Durability**: what is committed survives a power cut. **Append-only**:
/// the database itself refuses to change or delete what was appended. **Retries**: none is made here; after an error it
/// is open whether the transaction was committed, and [`view`](Store::view) tells.
///
/// Whoever can open the file as its owner, or is a superuser of the server, can still rewrite it: that is for the
/// evidence outside to show.
#[async_trait]
pub(crate) trait Store: Reading {
    /// What was signed, and what is signed.
    fn log(&self) -> &dyn LogStore;

    /// The head, the topics and the offsets, from one state.
    async fn view(&self) -> Result<View, Retry>;

    /// The last numbers given for accounts; those that have none are left out.
    async fn counters(&self, accounts: &[Uuid]) -> Result<HashMap<Uuid, i64>, Retry>;

    /// Appends a batch in one transaction; [`KeepError::Moved`] if the log or an offset is not where the batch was
    /// made for.
    async fn append(&self, append: &Append) -> Result<(), KeepError>;

    /// The last receipt known to be published.
    async fn published(&self) -> Result<i64, Retry>;

    /// The next receipts after a number, in order.
    async fn receipts(&self, after: i64, limit: i64) -> Result<Vec<Receipt>, Retry>;

    /// Notes that all receipts up to this one are published, and forgets them.
    async fn forget(&self, up_to: i64) -> Result<(), Retry>;
}

/// The history in a database.
pub(crate) fn open(database: &Database) -> Arc<dyn Store> {
    match database {
        Database::Sqlite(pool) => Arc::new(sqlite::Sqlite::new(pool.clone())),
        Database::Postgres(pool) => Arc::new(postgres::Postgres::new(pool.clone())),
    }
}

/// Size, root, subtrees, time and newest receipt.
type HeadRow = (i64, Vec<u8>, Vec<u8>, i64, i64);
/// Number, topic, partition, first and last offset, first and last leaf, records, size, root, time.
type ReceiptRow = (i64, i32, i32, i64, i64, i64, i64, i64, i64, Vec<u8>, i64);

const HEAD: &str = "SELECT size, root, subtrees, at, receipts FROM head WHERE id = 1";
const TOPICS: &str = "SELECT id, name FROM topics";
const OFFSETS: &str = "SELECT topic, source_partition, next FROM source_offsets";
const TILE: &str = "SELECT data FROM tiles WHERE level = $1 AND idx = $2";
const PUBLISHED: &str = "SELECT published FROM relay WHERE id = 1";

/// Level and index of the growing tiles of a log of this size, as the table of tiles counts them.
fn growing(size: i64) -> Vec<(i32, i64)> {
    Edge::tiles(u64::try_from(size).unwrap_or(0))
        .map(|tile| numbered(&tile))
        .collect()
}

/// Level and index of a tile, as the table of tiles counts them.
fn numbered(tile: &Tile) -> (i32, i64) {
    match tile.rank {
        Rank::Level(level) => (i32::from(level), signed(tile.index)),
        Rank::Entries => (-1, signed(tile.index)),
    }
}

fn view_of(
    (size, root, subtrees, at, receipts): HeadRow,
    tiles: &[Vec<u8>],
    topics: Vec<(i32, String)>,
    offsets: Vec<(i32, i32, i64)>,
) -> Result<View, Retry> {
    let tree = u64::try_from(size)
        .ok()
        .and_then(|size| Tree::of(size, &subtrees));
    // Whoever changed the row by hand could not make all of it fit. Nothing is appended to such a log.
    let tree = tree
        .filter(|tree| tree.root().as_slice() == root)
        .ok_or_else(|| {
            Retry::because("the head of the history contradicts itself: somebody has changed it")
        })?;
    let edge = Edge::of(&tree, tiles).ok_or_else(|| {
        Retry::because("the tiles of the history contradict its head: somebody has changed them")
    })?;
    Ok(View {
        tree,
        edge,
        at,
        receipts,
        topics: topics.into_iter().map(|(id, name)| (name, id)).collect(),
        offsets: offsets
            .into_iter()
            .map(|(topic, partition, next)| ((topic, partition), next))
            .collect(),
    })
}

fn receipt_of(row: ReceiptRow) -> Receipt {
    Receipt {
        number: row.0,
        topic: row.1,
        partition: row.2,
        offsets: (row.3, row.4),
        leaves: (row.5, row.6),
        records: row.7,
        tree_size: row.8,
        root: row.9,
        appended_at: row.10,
    }
}

/// A database that does not do as it is asked. The text of the library names tables and rules, never a value.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` wants"
)]
pub(crate) fn unready(error: sqlx::Error) -> Retry {
    Retry::because(format!("the history's database does not answer: {error}"))
}

/// A count as databases hold it; no log reaches 2^63.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
