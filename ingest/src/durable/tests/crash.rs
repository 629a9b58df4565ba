//! `kill -9` of a process that spools and drains: what it had acknowledged is in the topic in the end, in order per key.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::world::{Mode, World, beside, drained, output};

/// The child is this test run again, in a folder where it finds a spool's key.
const CHILD: &str = "durable::tests::crash::a_child_that_spools_and_drains_until_it_is_killed";
/// Posts of a lane: far more than are acknowledged before the kill.
const POSTS: u64 = 100_000;

#[tokio::test]
#[ignore = "the child of the test below"]
async fn a_child_that_spools_and_drains_until_it_is_killed() {
    if !Path::new("spool.key").exists() {
        return;
    }
    let world = World::at(Path::new(".")).await;
    let durable = world.durable(Some(world.spool())).await;
    let post = async |lane: u64| {
        for n in 0..POSTS {
            let id = lane * POSTS + n;
            if durable
                .append(output(&format!("key-{lane}"), id))
                .await
                .is_ok()
            {
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {id}").unwrap();
                out.flush().unwrap();
            }
        }
    };
    // Away and back again all the time, so that the kill finds it spooling or draining.
    let turn = async {
        for mode in [Mode::Fails, Mode::Works].into_iter().cycle() {
            world.broker.set(mode);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let posts = async { tokio::join!(post(0), post(1), post(2), post(3)) };
    Box::pin(beside(&durable, async { tokio::join!(turn, posts) })).await;
}

/// Runs the child until it has acknowledged so many posts and kills it then; the posts of each lane.
fn acknowledged(folder: &Path, kill_after: usize) -> BTreeMap<u64, Vec<u64>> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([CHILD, "--exact", "--ignored", "--nocapture"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut all, mut count) = (BTreeMap::<u64, Vec<u64>>::new(), 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let id = line
            .rsplit_once("acknowledged ")
            .map(|(_, id)| id.parse::<u64>());
        if let Some(Ok(id)) = id {
            all.entry(id / POSTS).or_default().push(id);
            count += 1;
        }
        if count == kill_after {
            // SIGKILL; what it still says before it dies counts too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= kill_after, "only {count} were acknowledged");
    all
}

#[tokio::test]
async fn what_a_killed_process_has_acknowledged_is_sent_by_the_next() {
    for kill_after in [1, 7, 60, 150, 333] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("spool.key"), [7; 32]).unwrap();
        let acknowledged = acknowledged(folder.path(), kill_after);
        let world = World::at(folder.path()).await;
        drained(&world.durable(Some(world.spool())).await).await;
        let topic = world.topic().await;
        for (lane, wanted) in acknowledged {
            let mut seen: Vec<u64> = Vec::new();
            for (_, n) in &topic {
                if wanted.contains(n) && !seen.contains(n) {
                    seen.push(*n);
                }
            }
            assert_eq!(seen, wanted, "lane {lane}, killed after {kill_after}");
        }
    }
}
