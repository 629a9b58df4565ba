//! The tiles in the database are those of the leaves in the database, however these came about.

use sqlx::query_as;
use stage::{Record, database::Database};

use super::{
    records::About,
    world::{World, each, keep},
};
use crate::log::{
    bundle,
    tile::{self, Rank, Tile},
    tree::{Hash, leaf_hash, node},
};

/// Every leaf, in order.
async fn leaves(world: &World) -> Vec<Vec<u8>> {
    let sql = "SELECT leaf FROM entries ORDER BY seq";
    let rows: Vec<(Vec<u8>,)> = match world.database() {
        Database::Sqlite(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
        Database::Postgres(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
    };
    rows.into_iter().map(|(leaf,)| leaf).collect()
}

async fn tiles(world: &World) -> Vec<(i32, i64, Vec<u8>)> {
    let sql = "SELECT level, idx, data FROM tiles ORDER BY level, idx";
    match world.database() {
        Database::Sqlite(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
        Database::Postgres(pool) => query_as(sql).fetch_all(&pool).await.unwrap(),
    }
}

/// The tiles by folding levels, with nothing of what the writer uses.
fn folded(leaves: &[Vec<u8>]) -> Vec<(i32, i64, Vec<u8>)> {
    let mut tiles = Vec::new();
    let mut hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    for level in 0.. {
        if hashes.is_empty() {
            break;
        }
        for (index, tile) in (0..).zip(hashes.chunks(256)) {
            tiles.push((level, index, tile.concat()));
        }
        for _ in 0..8 {
            hashes = hashes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[left, right]| node(left, right))
                .collect();
        }
    }
    tiles
}

/// That tiles, bundles and the root are those of the leaves; gives how many leaves there are.
pub(super) async fn are_those_of_the_leaves(world: &World) -> u64 {
    let leaves = leaves(world).await;
    assert_eq!(tiles(world).await, folded(&leaves), "{}", world.name);
    let view = crate::store::open(&world.database()).view().await.unwrap();
    assert_eq!(view.tree.size(), u64::try_from(leaves.len()).unwrap());
    let evidence = world.evidence();
    let size = view.tree.size();
    for tile in tile::all(size) {
        let from = usize::try_from(tile.index).unwrap() * 256;
        let data = evidence.tile(&tile, size).await.unwrap().unwrap();
        if tile.rank == Rank::Entries {
            let own = &leaves[from..from + usize::from(tile.width)];
            assert_eq!(bundle::decode(&data).unwrap(), own, "{tile}");
        } else {
            assert_eq!(data.len(), usize::from(tile.width) * 32, "{tile}");
        }
    }
    size
}

/// Raw records alone: of one partition, with these offsets.
fn raws(offsets: std::ops::Range<i64>) -> Vec<Record> {
    offsets
        .map(|at| About::check(&format!("R-{at}"), "A-1", (0, at)).raw())
        .collect()
}

#[tokio::test]
async fn whatever_the_batches_the_tiles_are_those_of_the_leaves() {
    each(async |world| {
        let service = world.service().await;
        let mut next = 0;
        // With the account after each batch these fill tiles exactly, by one less, by one more, and several at once.
        for batch in [1, 253, 1, 1, 254, 255, 256, 600, 7, 0, 1] {
            if batch > 0 {
                keep(&service, &raws(next..next + batch)).await.unwrap();
            }
            next += batch;
            are_those_of_the_leaves(world).await;
        }
        // A tree from the first level into the second would take minutes here; `edge` tests that.
        assert_eq!(are_those_of_the_leaves(world).await, 1_639);
    })
    .await;
}

#[tokio::test]
async fn random_batches_leave_the_same_tiles() {
    let mut seed = 0x2545_f491_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        i64::try_from(seed % below).unwrap()
    };
    let world = World::new("SQLite").await.unwrap();
    let mut next = 0;
    for round in 0..12 {
        // A new process now and then: only the database survives.
        let service = world.service().await;
        for _ in 0..3 {
            let batch = 1 + random(130);
            keep(&service, &raws(next..next + batch)).await.unwrap();
            next += batch;
        }
        are_those_of_the_leaves(&world).await;
        assert!(round < 12);
    }
}

#[tokio::test]
async fn what_the_newest_checkpoint_does_not_cover_is_not_shown() {
    let world = World::new("SQLite").await.unwrap();
    let service = world.service().await;
    keep(&service, &raws(0..300)).await.unwrap();
    let evidence = world.evidence();
    let shown = async |path: &str, size| {
        let tile = Tile::parse(path).unwrap();
        evidence
            .tile(&tile, size)
            .await
            .unwrap()
            .map(|data| data.len())
    };
    assert_eq!(shown("tile/0/000", 300).await, Some(8_192));
    assert_eq!(shown("tile/0/001.p/44", 300).await, Some(44 * 32));
    assert_eq!(shown("tile/0/001.p/12", 300).await, Some(12 * 32));
    assert_eq!(shown("tile/0/001.p/45", 300).await, None);
    assert_eq!(shown("tile/0/001", 300).await, None);
    assert_eq!(shown("tile/0/000", 255).await, None);
    assert_eq!(shown("tile/1/000.p/1", 300).await, Some(32));
    assert_eq!(shown("tile/1/000.p/1", 255).await, None);
    assert_eq!(shown("tile/2/000.p/1", 300).await, None);
    assert_eq!(shown("tile/entries/001.p/45", 300).await, None);
    assert_eq!(evidence.checkpoint().await.unwrap(), None);
}

#[tokio::test]
async fn a_tile_that_was_changed_by_hand_stops_the_writer_and_the_signer() {
    let world = World::new("SQLite").await.unwrap();
    keep(&world.service().await, &raws(0..5)).await.unwrap();
    let database = world.database();
    super::sealing::execute(&database, "DROP TRIGGER tiles_update").await;
    super::sealing::execute(
        &database,
        "UPDATE tiles SET data = CAST(substr(data, 1, 32) || substr(data, 1, 32) || substr(data, 65) AS BLOB)",
    )
    .await;
    let fresh = world.fresh_service().await;
    let error = keep(&fresh, &raws(5..6)).await.unwrap_err().to_string();
    assert!(error.contains("tiles of the history contradict"), "{error}");
    let error = world.signer().await.sign().await.unwrap_err().to_string();
    assert!(error.contains("do not give the root"), "{error}");
}
