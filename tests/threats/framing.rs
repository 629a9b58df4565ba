//! T18–T20, T22, T27, T28: whatever a request looks like, it has the one answer that it should, and nothing is hidden
//! behind it.

use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::{corpus, wire::exchange};
use crate::world::{Kind, Setting, World};

/// Requests under way at the same time.
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn t22_every_malformed_request_has_its_answer_and_hides_no_other() {
    let setting = Setting {
        variables: vec![
            ("DOOR__HEADER_MS", "3000".to_owned()),
            ("DOOR__BODY_MS", "3000".to_owned()),
        ],
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let entries = corpus::entries();
    let count = entries.len();
    assert!(count >= 150, "{count} entries are too few");
    let door = world.door_address();
    let wrong: Vec<String> = stream::iter(entries)
        .map(|entry| async move {
            let answered = exchange(door, &entry.bytes).await;
            let right = answered.statuses() == [entry.status] && answered.closed == entry.closes;
            let text = || {
                format!(
                    "{}: {} was promised, closed: {}; it is {:?}, closed: {}",
                    entry.name,
                    entry.status,
                    entry.closes,
                    answered.statuses(),
                    answered.closed
                )
            };
            (!right).then(text)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let (_, whole) = world.settle(Duration::from_secs(20)).await;
    let smuggled = whole
        .raw
        .iter()
        .filter_map(|record| record.value.as_deref())
        .filter(|body| String::from_utf8_lossy(body).contains("corpus-smuggled"))
        .count();
    assert_eq!(
        smuggled, 0,
        "requests that stood behind a refused one were taken for requests"
    );
    println!("threats: {count} requests of the corpus, each with its answer");
}
