//! A process that appends, signs and is cosigned is killed at each point in between, and goes on as if nothing had been.

use std::{os::unix::process::ExitStatusExt as _, path::Path, process::Command, time::Duration};

use stage::{Chance, Clock as _, SystemClock, database::Database};

use super::{
    dying::Point,
    records::About,
    service::publish,
    world::{World, each},
};
use crate::{
    Config,
    store::{self, signed},
    witness::{Rhythm, Witness, tests::Running},
};

mod process;

use process::Order;

/// How often each point is visited on each kind of database.
const ROUNDS: usize = 1;
/// Checks whose records each process finds; enough for several transactions.
const CHECKS: i64 = 30;
/// How long a process may take to die, and the next one to catch up.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);
const SIGKILL: i32 = 9;

const POINTS: [Point; 7] = [
    Point::BeforeCommit,
    Point::DuringCommit,
    Point::AfterCommit,
    Point::BeforeSwap,
    Point::AfterSwap,
    Point::BeforeWitness,
    Point::BeforeCosignature,
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_a_process_loses_nothing_doubles_nothing_and_signs_one_history() {
    each(async |world| {
        let running = Running::start(
            &world.folder.path().join("witness"),
            std::sync::Arc::new(SystemClock),
        )
        .await;
        let log = world.config.log_key().unwrap().unwrap();
        let known = running.server.add_log(&log.verifier().to_string()).await;
        known.unwrap();
        let config = Config {
            witnesses: vec![Witness {
                name: "one".to_owned(),
                url: running.url(),
                key: running.server.vkey(),
            }],
            witness_quorum: 1,
            witness: Rhythm { every_ms: 100 },
            ..world.config.clone()
        };
        let (mut fed, mut tally) = (0, Vec::new());
        for round in 0..ROUNDS {
            for point in POINTS {
                feed(world, fed).await;
                fed += CHECKS;
                // A point of the signer may come but once before all is appended.
                let later = u64::from(point <= Point::AfterCommit);
                let visit = 1 + later * chance(4);
                let order = Order {
                    config: config.clone(),
                    topics: world.folder.path().join("topics.db"),
                    dies: Some((point, visit)),
                };
                let mut child = order.spawn();
                let status = tokio::task::block_in_place(|| child.ends(point));
                assert_eq!(status.signal(), Some(SIGKILL), "{point:?}: {status}");
                let torn = recompute(world);
                let order = Order {
                    dies: None,
                    ..order
                };
                let mut child = order.spawn();
                caught_up(world).await;
                child.kill();
                let whole = recompute(world);
                assert_eq!(records(&world.database()).await, fed * 3, "{point:?}");
                let at = format!("{round} {point:?} at visit {visit}");
                tally.push(format!("{at}: {torn}; then {whole}"));
            }
        }
        let kills = POINTS.len() * ROUNDS;
        let tally = tally.join("\n");
        super::world::told(&format!(
            "{}: {kills} kills at {} points\n{tally}",
            world.name,
            POINTS.len()
        ));
    })
    .await;
}

fn chance(below: u64) -> u64 {
    u64::from_le_bytes(Chance::system().bytes()) % below
}

async fn feed(world: &World, from: i64) {
    for at in from..from + CHECKS {
        let about = About::check(&format!("R-{at}"), &format!("A-{}", at % 7), (0, at));
        publish(world, &about, true).await;
    }
}

/// Waits until everything is appended, and the last of it signed and cosigned.
async fn caught_up(world: &World) {
    let store = store::open(&world.database());
    let begun = SystemClock.now();
    loop {
        let view = store.view().await.unwrap();
        let mut behind = 0;
        for topic in [
            schemas::Topic::Raw,
            schemas::Topic::Checked,
            schemas::Topic::Enriched,
        ] {
            let known = view.topics.get(&topic.name("idtrail")).copied();
            for extent in world.broker.extents(topic).await.unwrap() {
                let next =
                    known.and_then(|topic| view.offsets.get(&(topic, extent.partition)).copied());
                behind += extent.next - next.unwrap_or(0);
            }
        }
        let cosigned = store.log().newest_cosigned(1).await.unwrap();
        let (size, cosigned) = (
            signed(view.tree.size()),
            cosigned.map_or(0, |kept| kept.size),
        );
        if behind == 0 && size == cosigned {
            return;
        }
        assert!(
            SystemClock.now() < begun.plus(PATIENCE),
            "waited {PATIENCE:?} for the next process: {behind} behind, {cosigned} of {size} cosigned"
        );
        tokio::time::sleep(LOOK).await;
    }
}

async fn records(database: &Database) -> i64 {
    let sql = "SELECT count(*) FROM entries e JOIN topics t ON t.id = e.topic WHERE t.name <> ''";
    let (count,): (i64,) = match database {
        Database::Sqlite(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        Database::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
    }
    .unwrap();
    count
}

/// What the recomputation says that shares nothing with ours; it must be content.
fn recompute(world: &World) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recompute.py");
    let mut command = Command::new("python3");
    command.arg(script);
    for location in [&world.config.database, &world.config.keys] {
        // The password is handed over apart from the arguments.
        let place = location.url.split_once('@');
        let start = place.and_then(|(start, _)| start.rsplit_once(':'));
        match (place, start) {
            (Some((_, place)), Some((user, password))) => command
                .arg(format!("{user}@{place}"))
                .env("PGPASSWORD", password),
            _ => command.arg(&location.url),
        };
    }
    command.arg(world.config.key_file.as_ref().unwrap());
    let head = world.config.head.url.trim_start_matches("file:");
    command.args(Some(head).filter(|head| Path::new(head).exists()));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}: {said}{}",
        world.name,
        String::from_utf8_lossy(&output.stderr)
    );
    said.trim().to_owned()
}
