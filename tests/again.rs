//! What was refused is shown, and sent through again.

use std::{collections::BTreeSet, time::Duration};

use schemas::Topic;
use serde_json::Value;

use crate::world::{Kind, Setting, World, body_of};

const SOON: Duration = Duration::from_mins(1);

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_shown_and_sent_through_again() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (media, body) = body_of("approved", "again", Some("A-77777:C-1"));
    assert_eq!(world.post(media, body.clone()).await, 200);
    world.settle(SOON).await;
    let (_, said, _) = world.run(&["rejected", "list", "--json"]);
    let id = lines(&said)[0]["id"].as_str().unwrap().to_owned();
    let (code, said, error) = world.run(&["rejected", "show", &id, "--json"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(lines(&said)[0]["body"].as_str(), Some(body.as_str()));
    let (code, said, error) = world.run(&[
        "rejected", "replay", &id, "--reason", "a test", "--by", "me",
    ]);
    assert_eq!(code, 0, "{said}{error}");
    let (tally, whole) = world.settle(SOON).await;
    assert_eq!((tally.raw, tally.checked, tally.rejected), (2, 2, 2));
    let ids: Vec<_> = whole
        .of(Topic::Checked)
        .iter()
        .map(|(record, _)| record.header("ce_id").unwrap())
        .collect();
    assert_eq!(ids[0], ids[1], "the same bytes are the same event");
    let again = whole
        .raw
        .iter()
        .find(|record| record.header("replay_of").is_some())
        .unwrap();
    assert_eq!(again.header("replayed_by"), Some("me"));
    assert_eq!(whole.of(Topic::Operated).len(), 1, "the act is told of");
    let (code, _, error) = world.run(&["rejected", "show", "00000000-0000-4000-8000-000000000000"]);
    assert!(code == 1 && error.contains("rejected list"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_more_than_a_page_are_all_listed_once() {
    const COUNT: usize = 1_100;
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (count, door) = (COUNT.to_string(), world.door());
    let emit = [
        "emit",
        "--scenario",
        "approved",
        "--count",
        &count,
        "--to",
        &door,
    ];
    let (code, said, error) = world.run(&[&emit[..], &["--customer", "A-77777:C-1"]].concat());
    assert_eq!(code, 0, "{said}{error}");
    world.settle(SOON).await;
    let (_, said, _) = world.run(&["rejected", "list", "--json"]);
    let json = lines(&said);
    let ids: BTreeSet<&str> = json.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((json.len(), ids.len()), (COUNT, COUNT));
    let (_, said, _) = world.run(&["rejected", "list"]);
    let (headings, rows): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("ID "));
    assert!(headings.len() > 1, "each page has its own");
    let shown: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.split(' ').next())
        .collect();
    let listed: Vec<&str> = json.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(shown, listed, "in the same order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_its_keys_is_refused_and_not_shown_as_empty() {
    let Some(mut world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let (media, body) = body_of("approved", "keyless", Some("A-1:C-1"));
    assert_eq!(world.post(media, body).await, 200);
    world.settle(SOON).await;
    assert_eq!(world.terminate("up").await, Some(0));
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let _may_be_absent = std::fs::remove_file(world.data().join(name));
    }
    let (code, said, error) = world.run(&["database", "migrate"]);
    assert_eq!(code, 0, "{said}{error}");
    let (code, said, error) = world.run(&["history", "--reference", "keyless"]);
    assert!(
        code == 2 && error.contains("restore the key database"),
        "{code} {said}{error}"
    );
}
