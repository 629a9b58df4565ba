//! Records that nobody can read leave as `rejected`, and the stream goes on.

use std::{sync::Arc, time::Duration};

use schemas::{AnyEvent, Topic};
use stage::{Broker, Output};

use crate::world::{Kind, Setting, World, approved, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn poison_does_not_stop_the_embedded_stream() {
    poison(Kind::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_does_not_stop_the_real_stream() {
    poison(Kind::Real).await;
}

async fn poison(kind: Kind) {
    let Some(world) = World::start(kind, Setting::default()).await else {
        return;
    };
    let broker = world.broker().await;
    let id = broker.registry().id_of(Topic::Checked).await.unwrap();
    for (topic, value) in [
        (Topic::Checked, b"garbage".to_vec()),
        (Topic::Checked, schemas::frame(id, b"\x01")),
        (Topic::Checked, Vec::new()),
        (Topic::Raw, b"a body without the door's headers".to_vec()),
        (Topic::Enriched, b"garbage".to_vec()),
        (Topic::Rejected, b"garbage".to_vec()),
        (Topic::Notified, b"garbage".to_vec()),
        (Topic::Operated, b"garbage".to_vec()),
    ] {
        append(&broker, topic, value).await;
    }
    let (media, body) = approved(1, "after-the-poison");
    assert_eq!(world.post(media, body).await, 200);
    rejected_and_told(&world, &broker).await;
}

/// Waits until every poisoned record is rejected and the callback after them is told.
async fn rejected_and_told(world: &World, broker: &Arc<dyn Broker>) {
    let codec = stage::Codec::new(Arc::clone(broker), Arc::new(stage::SystemClock), "/test");
    let reasons = wait_for(
        "every poisoned record to be rejected",
        Duration::from_secs(30),
        || async {
            let records = world.records(broker, Topic::Rejected).await;
            codec
                .learn(&records)
                .await
                .map_err(|retry| retry.to_string())?;
            let mut reasons: Vec<String> = records
                .iter()
                .filter_map(|record| match codec.decode_any(record) {
                    Ok(AnyEvent::Rejected(rejected)) => Some(rejected.reason().to_string()),
                    _ => None,
                })
                .collect();
            reasons.sort();
            if reasons.len() == 4 {
                Ok(reasons)
            } else {
                Err(format!("{reasons:?}"))
            }
        },
    )
    .await;
    assert_eq!(
        reasons,
        ["bad_datum", "bad_frame", "bad_frame", "bad_headers"]
    );
    wait_for(
        "the callback after the poison to be told",
        Duration::from_secs(30),
        || async {
            let records = world.records(broker, Topic::Notified).await;
            codec
                .learn(&records)
                .await
                .map_err(|retry| retry.to_string())?;
            let told = records
                .iter()
                .filter(|record| match codec.decode_any(record) {
                    Ok(AnyEvent::Notified(notified)) => {
                        notified.check() == Some("jumio/after-the-poison")
                    }
                    _ => false,
                });
            if told.count() == 2 {
                Ok(())
            } else {
                Err(format!("{} notices", records.len()))
            }
        },
    )
    .await;
    let (code, said, error) = world.run(&["history", "--reference", "after-the-poison", "--json"]);
    assert_eq!(code, 0, "{said}{error}");
}

async fn append(broker: &Arc<dyn Broker>, topic: Topic, value: Vec<u8>) {
    let output = Output {
        topic,
        key: b"poison".to_vec(),
        headers: Vec::new(),
        value,
    };
    broker
        .append(output, Duration::from_secs(10))
        .await
        .unwrap();
}
