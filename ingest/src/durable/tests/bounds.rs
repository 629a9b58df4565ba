//! Full is said so, a disk that fails is never a yes, and afterwards it goes on.

use super::{
    NotKept,
    world::{Mode, World, beside, drained, output},
};

#[tokio::test]
async fn a_full_spool_says_so_by_bytes_and_by_records_and_takes_again_once_drained() {
    let world = World::new().await;
    let mut by_records = world.spool();
    by_records.max_records = 3;
    let mut by_bytes = world.spool();
    by_bytes.max_bytes = 700;
    for config in [by_records, by_bytes] {
        world.broker.set(Mode::Fails);
        let durable = world.durable(Some(config)).await;
        let mut answers = Vec::new();
        beside(&durable, async {
            for n in 0..5 {
                answers.push(durable.append(output("k", n)).await.err());
            }
        })
        .await;
        assert_eq!(answers[..3], [None, None, None]);
        assert_eq!(answers[3..], [Some(NotKept::Full), Some(NotKept::Full)]);
        world.broker.set(Mode::Works);
        drained(&durable).await;
        assert_eq!(durable.status().spool.unwrap().bytes, 0);
        world.broker.set(Mode::Fails);
        assert!(
            beside(&durable, durable.append(output("k", 9)))
                .await
                .is_ok()
        );
        world.broker.set(Mode::Works);
        drained(&durable).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_never_a_yes_and_what_was_acknowledged_stays() {
    let world = World::new().await;
    world.broker.set(Mode::Fails);
    // The file may have so few pages that it is full long before its bound.
    let spool = crate::spool::Spool::with_pages(&world.spool(), 7, &world.context).await;
    let durable = super::Durable::with(&world.config, &world.context, Some(spool));
    let mut kept = Vec::new();
    let mut refused = 0;
    beside(&durable, async {
        for n in 0..200 {
            match durable.append(output(&format!("k{n}"), n)).await {
                Ok(_) => kept.push(n),
                Err(why) => {
                    assert_eq!(why, NotKept::Unavailable);
                    refused += 1;
                }
            }
        }
    })
    .await;
    assert!(
        kept.len() > 5 && refused > 5,
        "{} kept, {refused} refused",
        kept.len()
    );
    assert_eq!(durable.status().spool.unwrap().records, kept.len() as u64);
    world.broker.set(Mode::Works);
    drained(&durable).await;
    let mut sent: Vec<u64> = world.topic().await.into_iter().map(|(_, n)| n).collect();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent, kept);
}
