//! The recomputation is caught lying: it says yes to a history as it is, and no to each way to damage it.

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};

use crate::world::{Kind, Setting, Whereabouts, World, approved};

/// Callbacks of one client, which go one after another into the same partitions, so that a batch in the middle continues
/// one before it and is continued by one after it.
const POSTS: usize = 6;
/// The entries of the batch in the middle, and its own.
const MIDDLE: &str =
    "seq > (SELECT seq FROM batches WHERE number = (SELECT max(number) / 2 - 1 FROM batches))
    AND seq <= (SELECT seq FROM batches WHERE number = (SELECT max(number) / 2 FROM batches))";

/// What is done to a copy, and a violation that must be told.
const DAMAGES: [(&str, &str); 14] = [
    (
        "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"v\":1', '\"v\":2') AS BLOB) WHERE seq = 3",
        "leaf 3 has another hash",
    ),
    (
        "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE seq = 4),
            leaf_hash = (SELECT leaf_hash FROM entries WHERE seq = 4) WHERE seq = 3",
        "the head has another root than its leaves",
    ),
    (
        "UPDATE entries SET at = at + 1 WHERE seq = 3",
        "leaf 3 says another time",
    ),
    (
        "DELETE FROM bodies WHERE seq = 5",
        "bodies are not one for each",
    ),
    ("DELETE FROM entries WHERE seq = 5", "entry 5 is not there"),
    (
        "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
        "the head counts",
    ),
    (
        "CREATE TABLE copies AS SELECT * FROM entries; DROP TABLE entries; ALTER TABLE copies RENAME TO entries;
         UPDATE entries SET topic = (SELECT topic FROM entries WHERE seq = 0),
            source_partition = (SELECT source_partition FROM entries WHERE seq = 0),
            source_offset = (SELECT source_offset FROM entries WHERE seq = 0) WHERE seq = 1",
        "stands twice",
    ),
    (
        "UPDATE tiles SET data = CAST(substr(data, 33, 32) || substr(data, 33) AS BLOB)",
        "tile (0, 0) is not that of the leaves",
    ),
    (
        "INSERT INTO tiles SELECT 1, 0, leaf_hash FROM entries WHERE seq = 0",
        "tile (1, 0) is not that of the leaves",
    ),
    (
        "UPDATE checkpoints SET root = (SELECT leaf_hash FROM entries WHERE seq = 0)
            WHERE size = (SELECT max(size) FROM checkpoints)",
        "has another root",
    ),
    (
        "UPDATE checkpoints SET size = size + 1 WHERE size = (SELECT max(size) FROM checkpoints)",
        "is ahead of the head",
    ),
    (
        "UPDATE bodies SET sealed = (SELECT sealed FROM bodies JOIN batches USING (seq) WHERE number = 3)
            WHERE seq = (SELECT seq FROM batches WHERE number = 2)",
        "is not the one that its leaf commits to",
    ),
    (
        "UPDATE source_offsets SET next = next + 1 WHERE topic = (SELECT id FROM topics WHERE name LIKE '%.raw')",
        "reading goes on at",
    ),
    ("", "does not join at"),
];

/// A batch is taken out of the middle, and what follows moves up.
fn without_a_batch() -> String {
    let taken = |table: &str| {
        format!(
            "CREATE TABLE kept AS SELECT * FROM {table} WHERE NOT ({MIDDLE}); DROP TABLE {table};
             ALTER TABLE kept RENAME TO {table}; UPDATE {table} SET seq = rowid - 1;"
        )
    };
    ["entries", "bodies"].map(taken).concat()
}

/// Copies the databases to another folder and damages the history there.
async fn damaged(data: &Path, folder: &Path, damage: &str) -> Whereabouts {
    std::fs::create_dir(folder).unwrap();
    for file in std::fs::read_dir(data).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
    }
    let url = format!("sqlite:{}", folder.join("history.db").display());
    let mut history = SqliteConnection::connect(&url).await.unwrap();
    let triggers = sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'trigger'");
    let triggers: Vec<(String,)> = triggers.fetch_all(&mut history).await.unwrap();
    let drops = triggers
        .iter()
        .map(|(name,)| format!("DROP TRIGGER {name};"));
    let mut sql: String = drops.collect();
    sql += "CREATE TEMP TABLE batches AS SELECT seq, row_number() OVER (ORDER BY seq) - 1 AS number FROM entries
        WHERE topic = (SELECT id FROM topics WHERE name = '');";
    sql += damage;
    history.execute(AssertSqlSafe(sql)).await.unwrap();
    history.close().await.unwrap();
    Whereabouts::of_data(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_damage_a_history_is_told() {
    let setting = Setting::default();
    let mut world = World::start(Kind::Embedded, setting).await.unwrap();
    for number in 0..POSTS {
        let (media, body) = approved(0, &format!("damaged-{number}"));
        assert_eq!(world.post(media, body).await, 200);
        world.settle(Duration::from_mins(1)).await;
    }
    assert_eq!(world.terminate("up").await, Some(0));
    let data = world.data();
    let folders = tempfile::tempdir().unwrap();
    let whole = damaged(&data, &folders.path().join("whole"), "").await;
    let said = whole.recompute().unwrap();
    assert!(said.starts_with("ok: "), "{said}");
    for (number, (damage, violation)) in DAMAGES.iter().enumerate() {
        let folder = folders.path().join(number.to_string());
        let taken = without_a_batch();
        let damage = if damage.is_empty() { &taken } else { *damage };
        let said = damaged(&data, &folder, damage).await.recompute();
        let said = said.expect_err(damage);
        assert!(said.contains(violation), "{damage}: {said}");
        assert!(!said.contains("Traceback"), "{damage}: {said}");
    }
    // A head store that is ahead of the history: somebody has restored an older one.
    let older = folders.path().join("older");
    let cut = "DELETE FROM checkpoints WHERE size > 0";
    let older = damaged(&data, &older, cut).await;
    let head = folders.path().join("older/log.head");
    let note = std::fs::read_to_string(&head).unwrap();
    // The second line is the size.
    let (origin, rest) = note.split_once('\n').unwrap();
    let (size, rest) = rest.split_once('\n').unwrap();
    std::fs::write(&head, format!("{origin}\n{size}0\n{rest}")).unwrap();
    let said = older.recompute().unwrap_err();
    assert!(said.contains("is ahead of the head"), "{said}");
}
