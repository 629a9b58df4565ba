//! The log's own entries: what was read, told after each batch; and what others in the process want told.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use schemas::Topic;
use serde::Serialize;
use serde_json::Value;
use stage::{Record, keep::KeepError};

use super::{
    dying::Dying,
    records::{About, position},
    tiles::are_those_of_the_leaves,
    world::{World, each, keep},
};
use crate::{acts::Act, leaf::Kind, naming, service::Service, store::OWN};

#[derive(Serialize)]
struct Says {
    what: &'static str,
    events: i64,
}

pub(super) fn erase(events: i64) -> Act {
    let says = Says {
        what: "made up",
        events,
    };
    Act::new(Kind::Erase, &says).unwrap()
}

/// Kind, place and body of every entry of the log's own.
pub(crate) async fn own(world: &World, service: &Service) -> Vec<(String, i64, Value)> {
    let log = service.audit.store.log();
    let (size, _) = log.head().await.unwrap();
    let resolved = service
        .audit
        .keys
        .resolve(&[naming::own(&service.audit.keys)])
        .await
        .unwrap()
        .resolved;
    let topic = service.audit.store.topics().await.unwrap();
    let topic = topic.into_iter().find(|(_, name)| name == OWN).unwrap().0;
    let stored = service
        .audit
        .store
        .of_topic(topic, -1, 1_000)
        .await
        .unwrap();
    let leaves = log.leaves(0, size).await.unwrap();
    let mut found = Vec::new();
    for one in stored {
        let leaf: Value =
            serde_json::from_slice(&leaves[usize::try_from(one.seq).unwrap()]).unwrap();
        assert_eq!(
            (one.source_partition, one.check_handle),
            (0, None),
            "{}",
            world.name
        );
        assert_eq!(leaf["o"], serde_json::json!(["", 0, one.source_offset]));
        let opened = resolved[0].key.open(&one.leaf_hash, &one.sealed).unwrap();
        let body = serde_json::from_slice(&opened[32..]).unwrap();
        found.push((
            leaf["k"].as_str().unwrap().to_owned(),
            one.source_offset,
            body,
        ));
    }
    found
}

#[tokio::test]
async fn each_transaction_tells_what_it_read_and_what_it_did_not_find() {
    each(async |world| {
        let service = world.service().await;
        let raw = |partition, at| About::check(&format!("R-{at}"), "A-1", (partition, at)).raw();
        let checked = |at| Record {
            topic: Topic::Checked,
            position: position(Topic::Checked, (1, at)),
            value: None,
            ..raw(0, at)
        };
        keep(&service, &[raw(0, 5), raw(0, 6), raw(2, 0), checked(0), checked(3)]).await.unwrap();
        keep(&service, &[raw(0, 9), checked(4)]).await.unwrap();
        let found = own(world, &service).await;
        let range = |topic: &str, partition, offsets: (i64, i64), records| {
            serde_json::json!({"topic": format!("idtrail.{topic}"), "partition": partition, "first": offsets.0,
                "last": offsets.1, "records": records, "gaps": offsets.1 - offsets.0 + 1 - records})
        };
        let first = serde_json::json!({"from_seq": 0, "to_seq": 4, "records": 5, "ranges": [
            range("checked", 1, (0, 3), 2), range("raw", 0, (5, 6), 2), range("raw", 2, (0, 0), 1)]});
        // Each range begins where the one before it ended, also where records are missing.
        let second = serde_json::json!({"from_seq": 6, "to_seq": 7, "records": 2, "ranges": [
            range("checked", 1, (4, 4), 1), range("raw", 0, (7, 9), 1)]});
        assert_eq!(found, [("batch".to_owned(), 0, first), ("batch".to_owned(), 1, second)]);
    })
    .await;
}

#[tokio::test]
async fn acts_are_acknowledged_with_their_index_once_they_are_committed() {
    each(async |world| {
        let (service, context) = (world.service().await, world.context());
        let story = async {
            let (first, second) =
                tokio::join!(service.acts.append(erase(1)), service.acts.append(erase(2)));
            let mut given = [first.unwrap(), second.unwrap()];
            given.sort_unstable();
            assert_eq!(given, [Some(0), Some(1)]);
            // The loop that keeps records shares what is known of the log.
            keep(&service, &[About::check("R-1", "A-1", (0, 0)).raw()])
                .await
                .unwrap();
            assert_eq!(service.acts.append(erase(3)).await.unwrap(), Some(4));
            context.stopper.stop();
        };
        tokio::join!(
            service.queue.run(&service.audit, &service.noted, &context),
            story
        );
        let found = own(world, &service).await;
        let kinds: Vec<_> = found
            .iter()
            .map(|(kind, at, _)| (kind.as_str(), *at))
            .collect();
        assert_eq!(
            kinds,
            [("erase", 0), ("erase", 1), ("batch", 2), ("erase", 3)]
        );
        assert_eq!(
            found[3].2,
            serde_json::json!({"what": "made up", "events": 3})
        );
        assert_eq!(are_those_of_the_leaves(world).await, 5);
    })
    .await;
}

#[tokio::test]
async fn an_act_whose_commit_was_answered_by_an_error_stands_once() {
    each(async |world| {
        let mut service = world.service().await;
        let when = Arc::new(AtomicU8::new(0));
        service.audit.store = Arc::new(Dying {
            inner: Arc::clone(&service.audit.store),
            death: Arc::<AtomicU8>::clone(&when),
        });
        let dies = async |at| {
            when.store(at, Ordering::Relaxed);
            let done = service.audit.act(&[erase(7)]).await;
            when.store(0, Ordering::Relaxed);
            done
        };
        assert!(dies(1).await.is_err(), "nothing was committed");
        assert_eq!(
            dies(2).await.unwrap(),
            0,
            "it was committed, whatever was answered"
        );
        let kept = keep(&service, &[About::check("R-1", "A-1", (0, 0)).raw()]).await;
        assert_eq!(kept, Ok::<(), KeepError>(()));
        assert_eq!(own(world, &service).await.len(), 2);
    })
    .await;
}
