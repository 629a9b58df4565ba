//! Which order counts, and how soon a door heeds it.

use std::time::Duration;

use crate::durable::tests::world::{self, Mode, World};

use super::*;

fn order(action: &str, at: i64) -> Operated {
    Operated::new(
        action,
        "ann",
        "provider under attack",
        Some(DOOR.to_owned()),
        Timestamp::from_micros(at),
    )
}

#[test]
fn the_later_order_counts_in_whichever_order_they_come() {
    for orders in [[(CLOSE, 1), (OPEN, 2)], [(OPEN, 2), (CLOSE, 1)]] {
        let mut standing = Orders::default();
        for (action, at) in &orders {
            standing.take(&order(action, *at));
        }
        assert_eq!(standing.closed(), None, "{orders:?}");
        standing.take(&order(CLOSE, 3));
        assert_eq!(
            standing.closed().map(|closed| closed.since.micros()),
            Some(3)
        );
    }
}

#[test]
fn what_is_said_of_something_else_closes_nothing() {
    let mut standing = Orders::default();
    standing.take(&Operated::new(
        CLOSE,
        "ann",
        "x",
        Some("account".to_owned()),
        Timestamp::from_micros(1),
    ));
    standing.take(&Operated::new(
        CLOSE,
        "ann",
        "x",
        None,
        Timestamp::from_micros(1),
    ));
    standing.take(&order("replay", 1));
    assert_eq!(standing.closed(), None);
}

#[tokio::test]
async fn a_door_that_has_lived_through_failures_heeds_the_next_order_as_soon_as_the_first() {
    // Pauses that only grew would take 55 s for these.
    const FAILURES: i64 = 10;
    const LIMIT: Duration = Duration::from_secs(20);
    let world = World::new().await;
    let broker = Arc::clone(&world.context.broker);
    let codec = Codec::new(
        Arc::clone(&broker),
        Arc::clone(&world.context.clock),
        "/idtrail/ingest",
    );
    broker.registry().register(Topic::Operated).await.unwrap();
    codec.prepare(&[Topic::Operated]).await.unwrap();
    let standing = Standing::default();
    let ordering = async {
        for n in 1..=FAILURES {
            world.broker.set(Mode::LosesTheReader);
            let (action, closed) = if n % 2 == 1 {
                (CLOSE, true)
            } else {
                (OPEN, false)
            };
            let output = codec.encode(&order(action, n), DOOR.as_bytes(), None);
            broker.append(output, LIMIT).await.unwrap();
            world::until("the order is heeded", async || {
                standing.is_closed() == closed
            })
            .await;
        }
    };
    let ordered = async {
        tokio::select! {
            () = standing.follow(&world.context) => unreachable!("it follows for ever"),
            () = ordering => {}
        }
    };
    tokio::time::timeout(LIMIT, ordered)
        .await
        .expect("each order is heeded soon after the failure before it");
}
