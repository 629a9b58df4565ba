//! The service as a process runs it: from the topics into the history, receipts out, questions answered.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use schemas::{AnyEvent, Topic};
use stage::{Output, broker::Assigned, broker::Start};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    records::{About, is_audited},
    signing::newest,
    world::{World, each},
};
use crate::{Config, Query, Reader};

const DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn publish(world: &World, about: &About, with_raw: bool) {
    let raw = about.raw();
    let enriched = about.enriched();
    let mut outputs = Vec::new();
    if with_raw {
        outputs.push(Output {
            topic: Topic::Raw,
            key: raw.key.clone().unwrap(),
            headers: raw.headers.clone(),
            value: raw.value.clone().unwrap(),
        });
    }
    outputs.push(world.output(&about.checked(), about));
    outputs.push(world.output(&enriched, about));
    for output in outputs {
        world.broker.append(output, DEADLINE).await.unwrap();
    }
}

async fn receipts(world: &World) -> Vec<AnyEvent> {
    let mut assigned = Vec::new();
    let mut expected = 0;
    for extent in world.broker.extents(Topic::Audited).await.unwrap() {
        expected += extent.next;
        assigned.push(Assigned {
            topic: Topic::Audited,
            partition: extent.partition,
            start: Start::First,
        });
    }
    let mut reader = world.broker.read(assigned).await.unwrap();
    let mut found = Vec::new();
    while i64::try_from(found.len()).unwrap() < expected {
        let batch = reader.next(&stage::BatchLimit::default()).await.unwrap();
        world.codec.learn(&batch).await.unwrap();
        found.extend(
            batch
                .iter()
                .map(|record| world.codec.decode_any(record).unwrap()),
        );
    }
    found
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited 10 s for: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_appends_publishes_receipts_and_stops_when_asked() {
    each(async |world| {
        for at in 0..20 {
            publish(
                world,
                &About::check(&format!("R-{at}"), "A-1", (0, at)),
                true,
            )
            .await;
        }
        let context = world.context();
        let running = crate::start(world.config.clone(), context.clone());
        let story = async {
            until("60 entries", async || {
                world
                    .history()
                    .checks(&Query::default())
                    .await
                    .is_ok_and(|page| {
                        page.checks
                            .iter()
                            .map(|check| check.steps.len())
                            .sum::<usize>()
                            == 60
                    })
            })
            .await;
            publish(world, &About::check("R-late", "A-1", (0, 99)), false).await;
            let covered = async || -> i64 {
                let receipts = receipts(world).await;
                assert!(receipts.iter().all(is_audited));
                receipts
                    .iter()
                    .map(|one| {
                        if let AnyEvent::Audited(one) = one {
                            one.records()
                        } else {
                            0
                        }
                    })
                    .sum()
            };
            until("receipts of 62 records", async || covered().await == 62).await;
            all_is_signed(world).await;
            assert_eq!(context.health.not_ready(), Vec::<String>::new());
            context.stopper.stop();
        };
        let (ended, ()) = tokio::join!(running, story);
        ended.unwrap();
        no_offset_is_covered_twice(&receipts(world).await);
        // The next process goes on where this one ended.
        let context = world.context();
        let running = crate::start(world.config.clone(), context.clone());
        let story = async {
            publish(world, &About::check("R-later", "A-1", (0, 100)), false).await;
            until("R-later", async || {
                let query = Query {
                    reference: Some("R-later".to_owned()),
                    ..Query::default()
                };
                world.steps(query).await.len() == 2
            })
            .await;
            context.stopper.stop();
        };
        let (ended, ()) = tokio::join!(running, story);
        ended.unwrap();
    })
    .await;
}

async fn all_is_signed(world: &World) {
    let store = crate::store::open(&world.database());
    until("a checkpoint over all entries", async || {
        let (size, _) = store.log().head().await.unwrap();
        let signed = newest(world).await;
        signed.is_some_and(|signed| i64::try_from(signed) == Ok(size))
    })
    .await;
}

fn no_offset_is_covered_twice(receipts: &[AnyEvent]) {
    let mut covered: BTreeMap<(String, i32), Vec<(i64, i64)>> = BTreeMap::new();
    for receipt in receipts {
        let AnyEvent::Audited(receipt) = receipt else {
            continue;
        };
        let (topic, partition, first, last) = receipt.covers();
        covered
            .entry((topic.to_owned(), partition))
            .or_default()
            .push((first, last));
    }
    for ranges in covered.values_mut() {
        ranges.sort_unstable();
        assert!(
            ranges.windows(2).all(|pair| pair[0].1 < pair[1].0),
            "{ranges:?}"
        );
    }
}

#[tokio::test]
async fn settings_that_are_not_safe_are_refused_in_one_sentence() {
    let world = World::new("SQLite").await.unwrap();
    let start = async |change: &dyn Fn(&mut Config)| {
        let mut config = world.config.clone();
        change(&mut config);
        crate::start(config, world.context())
            .await
            .unwrap_err()
            .to_string()
    };
    let open = "0.0.0.0:0".parse().unwrap();
    let error = start(&|config| config.listen = Some(open)).await;
    assert!(
        error.contains("audit.listen") && error.contains("[[audit.readers]]"),
        "{error}"
    );
    let error = start(&|config| config.key_file = None).await;
    assert!(error.contains("audit.key_file"), "{error}");
    let error = start(&|config| config.key_command = vec!["true".to_owned()]).await;
    assert!(error.contains("leave out"), "{error}");
    let error = start(&|config| {
        config.key_file = None;
        config.key_command = vec!["false".to_owned()];
    });
    let error = error.await;
    assert!(error.contains("audit.key_command"), "{error}");
    let error = start(&|config| config.keys = config.database.clone()).await;
    assert!(error.contains("audit.keys"), "{error}");
    let error =
        start(&|config| config.database.url = config.database.url.replace("history", "empty"))
            .await;
    assert!(
        error.contains("audit.database") && error.contains("idtrail database migrate"),
        "{error}"
    );
    let file = world.folder.path().join("token");
    std::fs::write(&file, "too short").unwrap();
    let reader = Reader {
        name: "r".to_owned(),
        token_file: file,
        ..Reader::default()
    };
    let error = start(&|config| config.readers = vec![reader.clone()]).await;
    assert!(
        error.contains("32 characters") && !error.contains("too short"),
        "{error}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = start(&|config| config.listen = Some(address)).await;
    assert!(
        error.contains("audit.listen") && error.contains(&address.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn unknown_settings_are_refused() {
    let good = r#"{"key_file": "k", "listen": "127.0.0.1:1", "readers": [{"name": "r", "token_file": "t"}]}"#;
    let config: Config = serde_json::from_str(good).unwrap();
    assert_eq!(config.database.url, "sqlite:data/history.db");
    config.check().unwrap();
    for bad in [r#"{"keyfile": "k"}"#, r#"{"readers": [{"nam": "r"}]}"#] {
        assert!(serde_json::from_str::<Config>(bad).is_err());
    }
}

async fn asked(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_while_the_service_runs_and_no_longer() {
    let world = World::new("SQLite").await.unwrap();
    publish(&world, &About::check("R-1", "A-1", (0, 0)), true).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let config = Config {
        listen: Some(address),
        ..world.config.clone()
    };
    let context = world.context();
    let running = crate::start(config, context.clone());
    let story = async {
        until("the check over HTTP", async || {
            let answer = asked(address, "/v1/checks?account=A-1").await;
            answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 ") && answer.contains("R-1"))
        })
        .await;
        // A connection on which nothing is asked must not hold up the stop.
        let _idle = TcpStream::connect(address).await.unwrap();
        context.stopper.stop();
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let begun = std::time::Instant::now();
    let (ended, ()) = tokio::join!(running, story);
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(asked(address, "/openapi.json").await.is_err());
}
