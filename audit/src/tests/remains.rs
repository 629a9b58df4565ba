//! After an erasure nothing is left: not in the files of either server, not in their logs, not in a backup of the history.

use std::{path::PathBuf, process::Command, sync::Arc};

use schemas::Timestamp;
use sqlx::query_as;
use stage::{Clock as _, database::Database};

use super::{
    cluster::Cluster,
    erasing::{DAY, approved, clients, gone, secrets, steps, two_clients, worker},
    world::World,
};
use crate::{
    KEY_MIGRATIONS, MIGRATIONS, Query, State,
    config::Job,
    erasure::{Cover, Worker},
    history::History,
    log::{policy::Policy, tree::leaf_hash},
    service::Service,
    signer::Signer,
};

/// How often a quiet server's log must go round until every file of it has been written anew; by default it keeps five
/// for use again.
const ROUNDS: usize = 40;
/// A part of what is looked for: whole pieces may be cut by the heads of pages.
const PIECE: usize = 16;
/// Shorter ones may be there by chance.
const SHORTEST: usize = 8;
/// What may stand in no file but those of the topics.
const MARKERS: [&str; 3] = ["A-MARK-1", "R-MARK-1", "Agnieszka"];

/// Looks through all files below folders: `bytes.find` is fast, and these builds of ours are not.
const SEARCH: &str = "
import pathlib, sys
pieces = [bytes.fromhex(piece) for piece in sys.argv[1].split(',')]
for folder in sys.argv[2:]:
    for path in pathlib.Path(folder).rglob('*'):
        try:
            held = path.read_bytes() if path.is_file() else b''
        except FileNotFoundError:  # what has gone meanwhile holds nothing
            continue
        if any(piece in held for piece in pieces):
            print(path)
";

/// The files below these folders that hold any piece of these bytes.
fn held_by(folders: &[PathBuf], bytes: &[u8]) -> Vec<PathBuf> {
    let pieces = bytes.chunks(PIECE).filter(|piece| piece.len() >= SHORTEST);
    let pieces: Vec<String> = pieces.map(hex::encode).collect();
    assert!(!folders.is_empty() && !pieces.is_empty());
    let mut search = Command::new("python3");
    let search = search.args(["-c", SEARCH, &pieces.join(",")]).args(folders);
    let output = search.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found = String::from_utf8_lossy(&output.stdout);
    found.lines().map(PathBuf::from).collect()
}

/// A world whose history and keys have servers of their own, as the README asks for.
async fn world_on(history: &Cluster, keys: &Cluster) -> World {
    history.execute(&["CREATE DATABASE history"]).await;
    keys.execute(&["CREATE DATABASE keys"]).await;
    let urls = (history.url("history"), keys.url("keys"));
    World::on("PostgreSQL", tempfile::tempdir().unwrap(), urls).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_client_is_left_in_files_logs_or_backups() {
    let Some(history) = Cluster::start() else {
        return super::world::skipped("PostgreSQL: not run through tests/run");
    };
    let keys = Cluster::start().unwrap();
    let world = world_on(&history, &keys).await;
    let (service, signer) = (two_clients(&world).await, world.signer().await);
    signer.sign().await.unwrap();
    let (_, wrapped, key) = secrets(&world).await;
    let shown = world.evidence().checkpoint().await.unwrap().unwrap();
    let leaf = world.evidence().leaf(1).await.unwrap().unwrap();
    let proof = world.evidence().proof(1, &shown).await.unwrap().unwrap();
    let backup = history.backed_up();

    // The search finds what is there: the body in the history, the sealed key in the table and in the log of its server.
    for server in [&history, &keys] {
        server.execute(&["CHECKPOINT"]).await;
    }
    let body = sealed_body(&world).await;
    assert!(!held_by(&[history.data().join("base")], &body).is_empty());
    assert!(!held_by(&[backup.data()], &body).is_empty());
    for part in ["base", "pg_wal"] {
        let found = held_by(&[keys.data().join(part)], &wrapped);
        assert!(!found.is_empty(), "the search finds nothing in {part}");
    }

    let effective_by = erase(&world, &service, &signer).await;

    // At once it is gone from the table, and with the log's next rounds from the server.
    keys.execute(&["CHECKPOINT"]).await;
    let left = held_by(&[keys.data().join("base")], &wrapped);
    assert_eq!(left, Vec::<PathBuf>::new(), "the table still has the key");
    let log = [keys.data().join("pg_wal")];
    assert!(
        !held_by(&log, &wrapped).is_empty(),
        "then it proves nothing that the log has no key later"
    );
    for _ in 0..ROUNDS {
        if held_by(&log, &wrapped).is_empty() {
            break;
        }
        let goes_round = [
            "SELECT pg_logical_emit_message(false, 'round', 'x')",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
        ];
        keys.execute(&goes_round).await;
    }

    world.clock.advance(DAY * 31);
    assert!(effective_by <= world.clock.now());
    let export = world.folder.path().join("export");
    std::fs::create_dir(&export).unwrap();
    let told = world.steps(Query::default()).await;
    std::fs::write(
        export.join("steps.json"),
        serde_json::to_string(&told).unwrap(),
    )
    .unwrap();
    let everywhere = [history.data(), keys.data(), backup.data(), export];
    nothing_is_left(&everywhere, (&wrapped, &key));
    assert_eq!(steps(&world, "A-MARK-1").await, 0);
    assert_eq!(steps(&world, "A-2").await, 4);
    let log = world.config.log_key().unwrap().unwrap();
    let policy = Policy::of_log(log.verifier().clone());
    proof.verify(&leaf_hash(&leaf), &policy).unwrap();
    a_backup_opens_nothing(&world, &backup).await;
}

/// Erases in the order that the README tells; gives the date that the log tells.
async fn erase(world: &World, service: &Service, signer: &Signer) -> Timestamp {
    let id = approved(world, "A-MARK-1").await;
    let now = world.clock.now();
    let erasing = Worker {
        cover: Cover::Checkpoint,
        ..worker(world, Job::Report)
    };
    erasing.turn(&service.audit, now).await.unwrap();
    signer.sign().await.unwrap();
    erasing.turn(&service.audit, now).await.unwrap();
    let erased = clients(world).erasure(&id).await.unwrap().unwrap();
    assert_eq!(erased.state, State::Destroyed);
    erased.effective_by.unwrap()
}

fn nothing_is_left(everywhere: &[PathBuf], (wrapped, key): (&[u8], &[u8])) {
    for (what, bytes) in [("wrapped", wrapped), ("plain", key)] {
        let left = held_by(everywhere, bytes);
        assert_eq!(left, Vec::<PathBuf>::new(), "the {what} key is left");
    }
    for marker in MARKERS {
        let left = held_by(everywhere, marker.as_bytes());
        assert_eq!(left, Vec::<PathBuf>::new(), "{marker}");
    }
}

/// The history as it was before the erasure, with the keys of today.
async fn a_backup_opens_nothing(world: &World, backup: &Cluster) {
    backup.restore();
    let location = stage::database::Location {
        url: backup.url("history"),
        password_file: None,
    };
    let restored = Database::open(&location, "test").unwrap();
    restored.check("test", &MIGRATIONS).await.unwrap();
    let today = world.key_database();
    today.check("test", &KEY_MIGRATIONS).await.unwrap();
    let kek = Arc::new(world.config.kek().unwrap());
    let reader = History::on((&restored, &today), kek);
    let asked = async |account: &str| {
        let query = Query {
            account: Some(account.to_owned()),
            ..Query::default()
        };
        reader.checks(&query).await.unwrap().checks.len()
    };
    assert_eq!(
        (asked("A-MARK-1").await, asked("id-A-MARK-1").await),
        (0, 0)
    );
    assert_eq!(asked("A-2").await, 1, "the backup is not read at all");
    let all = reader.checks(&Query::default()).await.unwrap();
    let opened = all.checks.iter().flat_map(|check| &check.steps);
    let text = serde_json::to_string(&opened.collect::<Vec<_>>()).unwrap();
    assert!(text.contains("R-2"), "{text}");
    for marker in MARKERS {
        assert!(!text.contains(marker), "{marker} is opened from the backup");
    }
}

async fn sealed_body(world: &World) -> Vec<u8> {
    let Database::Postgres(pool) = world.database() else {
        unreachable!()
    };
    let sql = "SELECT sealed FROM bodies WHERE seq = 0";
    let (sealed,): (Vec<u8>,) = query_as(sql).fetch_one(&pool).await.unwrap();
    sealed
}

#[tokio::test]
async fn a_file_of_the_history_from_before_an_erasure_opens_nothing_with_the_keys_of_today() {
    let world = World::new("SQLite").await.unwrap();
    let service = two_clients(&world).await;
    let (_, wrapped, key) = secrets(&world).await;
    let Database::Sqlite(pool) = world.database() else {
        unreachable!()
    };
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("history").display().to_string();
    let taken = sqlx::query("VACUUM INTO ?").bind(&copy).execute(&pool);
    taken.await.unwrap();
    let folder = [world.folder.path().to_owned()];
    assert!(
        !held_by(&folder, &wrapped).is_empty(),
        "the search finds nothing"
    );
    approved(&world, "A-MARK-1").await;
    let now = world.clock.now();
    let done = worker(&world, Job::Report).turn(&service.audit, now).await;
    done.unwrap();
    for bytes in [&wrapped, &key] {
        assert_eq!(held_by(&folder, bytes), Vec::<PathBuf>::new());
        assert_eq!(
            held_by(&[copies.path().to_owned()], bytes),
            Vec::<PathBuf>::new()
        );
    }
    let location = stage::database::Location {
        url: format!("sqlite:{copy}"),
        password_file: None,
    };
    let restored = Database::open(&location, "test").unwrap();
    let kek = Arc::new(world.config.kek().unwrap());
    let reader = History::on((&restored, &world.key_database()), kek);
    let all = reader.checks(&Query::default()).await.unwrap();
    let opened = all.checks.iter().flat_map(|check| &check.steps);
    let text = serde_json::to_string(&opened.collect::<Vec<_>>()).unwrap();
    assert!(text.contains("R-2") && MARKERS.iter().all(|marker| !text.contains(marker)));
}

/// The account that is erased is the one that is looked for.
#[test]
fn the_markers_are_those_of_who_is_erased() {
    let about = gone();
    assert_eq!(
        [about.account.as_str(), about.reference.as_str()],
        MARKERS[..2]
    );
    assert!(super::records::SECRET.contains(MARKERS[2]));
}
