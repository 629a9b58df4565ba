//! What somebody does who has the database, its files and the log's key, and wants another past.

use std::path::Path;

use audit::log::{
    checkpoint::Checkpoint,
    edge::Edge,
    key::SigningKey,
    tile::Rank,
    tree::{Hash, Tree, leaf_hash, root_of},
};
use sqlx::{AssertSqlSafe, SqlitePool, query, query_as};

use super::super::foreign;

/// The entry that is changed.
const CHANGED: usize = 5;

/// Makes one folder of a stopped system what another one is: a snapshot, or its return.
pub(super) fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    foreign::copy(from, to);
}

/// Changes one entry, rebuilds the tree and signs every checkpoint anew, as if it had never been otherwise.
pub(super) async fn rewrite(data: &Path, key: &SigningKey) {
    let url = format!("sqlite:{}", data.join("history.db").display());
    let pool = SqlitePool::connect(&url).await.unwrap();
    let triggers: Vec<(String,)> =
        query_as("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&pool)
            .await
            .unwrap();
    for (name,) in triggers {
        let sql = AssertSqlSafe(format!("DROP TRIGGER {name}"));
        query(sql).execute(&pool).await.unwrap();
    }
    let leaves: Vec<(Vec<u8>,)> = query_as("SELECT leaf FROM entries ORDER BY seq")
        .fetch_all(&pool)
        .await
        .unwrap();
    let mut leaves: Vec<Vec<u8>> = leaves.into_iter().map(|(leaf,)| leaf).collect();
    // The commitment of another entry: the leaf keeps its form.
    let other = [&leaves[CHANGED + 1][..51], &leaves[CHANGED][51..]].concat();
    assert_ne!(leaves[CHANGED], other);
    leaves[CHANGED] = other;
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    query("UPDATE entries SET leaf = $1, leaf_hash = $2 WHERE seq = $3")
        .bind(&leaves[CHANGED])
        .bind(hashes[CHANGED].as_slice())
        .bind(i64::try_from(CHANGED).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    let note = tree(&pool, &hashes, key).await;
    pool.close().await;
    std::fs::write(data.join("log.head"), note).unwrap();
}

/// Writes tiles, head and checkpoints of these leaves; the newest checkpoint.
async fn tree(pool: &SqlitePool, hashes: &[Hash], key: &SigningKey) -> String {
    for (tile, data) in Edge::empty().push(hashes.iter().copied()) {
        let Rank::Level(level) = tile.rank else {
            continue;
        };
        query("UPDATE tiles SET data = $1 WHERE level = $2 AND idx = $3")
            .bind(data)
            .bind(i64::from(level))
            .bind(i64::try_from(tile.index).unwrap())
            .execute(pool)
            .await
            .unwrap();
    }
    let mut tree = Tree::empty();
    for hash in hashes {
        tree.push(*hash);
    }
    query("UPDATE head SET root = $1, subtrees = $2")
        .bind(tree.root().as_slice())
        .bind(tree.subtrees())
        .execute(pool)
        .await
        .unwrap();
    query("DELETE FROM cosignatures")
        .execute(pool)
        .await
        .unwrap();
    let sizes: Vec<(i64,)> = query_as("SELECT size FROM checkpoints ORDER BY size")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut newest = String::new();
    for (size,) in sizes {
        let count = usize::try_from(size).unwrap();
        let checkpoint = Checkpoint {
            origin: key.verifier().name().to_owned(),
            size: u64::try_from(size).unwrap(),
            root: root_of(&hashes[..count]),
            extensions: Vec::new(),
        };
        newest = checkpoint.sign(key).unwrap().to_string();
        query("UPDATE checkpoints SET root = $1, note = $2 WHERE size = $3")
            .bind(checkpoint.root.as_slice())
            .bind(&newest)
            .bind(size)
            .execute(pool)
            .await
            .unwrap();
    }
    newest
}
