//! Whatever the broker does and whenever the door restarts: what was acknowledged is in the topic, in order per key.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{self, Mode, World, beside, drained, output};

#[derive(Clone, Copy, Debug)]
enum Step {
    Post(u8),
    Turn(Mode),
    Reopen,
    /// Lets the drain work for a moment.
    Rest,
}

fn step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![
        Just(Mode::Works),
        Just(Mode::Fails),
        Just(Mode::Hangs),
        Just(Mode::Late),
        Just(Mode::TakesAndFails),
    ];
    prop_oneof![
        12 => (0_u8..4).prop_map(Step::Post),
        4 => mode.prop_map(Step::Turn),
        1 => Just(Step::Reopen),
        2 => Just(Step::Rest),
    ]
}

/// The acknowledged posts of each key, in the order of their answers.
type Acknowledged = BTreeMap<String, Vec<u64>>;

async fn play(steps: Vec<Step>) -> (Acknowledged, Vec<(String, u64)>) {
    let world = World::hurried().await;
    let mut acknowledged = Acknowledged::new();
    let mut steps = steps.into_iter().enumerate();
    let mut on = true;
    while on {
        let durable = world.durable(Some(world.spool())).await;
        on = beside(&durable, async {
            for (n, step) in steps.by_ref() {
                match step {
                    Step::Post(key) => {
                        let (key, n) = (format!("key-{key}"), n as u64);
                        if durable.append(output(&key, n)).await.is_ok() {
                            acknowledged.entry(key).or_default().push(n);
                        }
                    }
                    Step::Turn(mode) => world.broker.set(mode),
                    Step::Rest => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                    Step::Reopen => return true,
                }
            }
            false
        })
        .await;
    }
    world.broker.set(Mode::Works);
    drained(&world.durable(Some(world.spool())).await).await;
    (acknowledged, world.topic().await)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn every_acknowledged_post_is_in_the_topic_in_order_per_key(
        steps in prop::collection::vec(step(), 10..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (acknowledged, topic) = runtime.block_on(play(steps));
        for (key, wanted) in acknowledged {
            let mut seen: Vec<u64> = Vec::new();
            for (_, n) in topic.iter().filter(|(of, n)| *of == key && wanted.contains(n)) {
                // A repeat is harmless; the first time counts.
                if !seen.contains(n) {
                    seen.push(*n);
                }
            }
            prop_assert_eq!(seen, wanted, "{}", key);
        }
    }
}

#[tokio::test]
async fn a_record_that_is_refused_for_ever_holds_up_nobody() {
    let world = World::new().await;
    let durable = world.durable(Some(world.spool())).await;
    world.broker.set(Mode::Fails);
    beside(&durable, async {
        for (n, key) in ["large", "large", "small", "small"].iter().enumerate() {
            durable.append(output(key, n as u64)).await.unwrap();
        }
    })
    .await;
    world.broker.set(Mode::RefusesLarge);
    drained(&durable).await;
    let status = durable.status().spool.unwrap();
    assert_eq!((status.records, status.set_aside), (0, 2));
    let small = |n| ("small".to_owned(), n);
    assert_eq!(world.topic().await, [small(2), small(3)]);
    drop(durable);
    // What is set aside is still there, and counted, when it is opened again.
    let again = world.durable(Some(world.spool())).await;
    assert_eq!(again.status().spool.unwrap().set_aside, 2);
}

#[tokio::test]
async fn a_post_of_a_spooled_key_waits_behind_it_and_others_do_not() {
    let world = World::new().await;
    let durable = world.durable(Some(world.spool())).await;
    // It fails at once and does not hang: what the broker is given, and so the disk below it, is not short then.
    world.broker.set(Mode::Fails);
    assert_eq!(
        beside(&durable, durable.append(output("a", 0))).await,
        Ok(super::Kept::Spool)
    );
    world.broker.set(Mode::Works);
    // Only the writer's turn, no drain: the key is still spooled when the next post of it comes.
    let spool = durable.spool.as_ref().unwrap();
    assert!(spool.holds(b"a") && !spool.holds(b"b"));
    assert!(matches!(
        durable.append(output("b", 1)).await,
        Ok(super::Kept::Broker(_))
    ));
    drained(&durable).await;
    assert!(!spool.holds(b"a"));
    world::until("the topic has both", async || {
        world.topic().await.len() == 2
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_stuck_in_one_page_is_not_sent_from_the_next() {
    let world = World::new().await;
    let durable = world.durable(Some(world.spool())).await;
    world.broker.set(Mode::Fails);
    beside(&durable, async {
        for n in 0..20 {
            durable.append(output("k", n)).await.unwrap();
        }
    })
    .await;
    world.broker.set(Mode::FailsOnce);
    drained(&durable).await;
    let mut sent: Vec<u64> = world.topic().await.into_iter().map(|(_, n)| n).collect();
    // On a busy machine an answer may come too late, and then that record is sent twice in a row.
    sent.dedup();
    assert_eq!(sent, (0..20).collect::<Vec<_>>());
}
