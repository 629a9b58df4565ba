//! Relays: the position moves with the records, and only the newest may publish.

use schemas::Topic;
use stage::BrokerError;

use super::house::{House, output, texts, within};

both!(
    the_position_moves_with_the_records,
    an_old_relay_cannot_publish,
    a_number_is_not_published_twice,
    relays_of_other_names_do_not_meet,
    a_relay_that_is_refused_may_go_on,
);

const NAME: &str = "history-relay";

fn numbered(numbers: std::ops::RangeInclusive<i64>) -> Vec<stage::Output> {
    let one = |number| {
        output(
            Topic::Audited,
            &format!("k{}", number % 7),
            &format!("n{number:05}"),
        )
    };
    numbers.map(one).collect()
}

async fn the_position_moves_with_the_records(mut house: House) {
    let mut relay = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    assert_eq!(relay.last().await, Ok(0));
    relay.publish(numbered(1..=10), 0, 10).await.unwrap();
    relay.publish(numbered(11..=11), 10, 11).await.unwrap();
    assert_eq!(relay.last().await, Ok(11));
    drop(relay);
    house.restart().await;
    let mut relay = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    assert_eq!(relay.last().await, Ok(11));
    // Numbers of a database may be large, and need not begin where the topic's offsets are.
    relay
        .publish(numbered(12..=12), 11, 5_000_000_000)
        .await
        .unwrap();
    drop(relay);
    house.restart().await;
    let mut relay = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    assert_eq!(relay.last().await, Ok(5_000_000_000));
    let published = texts(&house.visible(Topic::Audited).await);
    assert_eq!(published.len(), 12);
}

async fn an_old_relay_cannot_publish(house: House) {
    let mut old = within("a relay", house.process("a").publisher(NAME))
        .await
        .unwrap();
    old.publish(numbered(1..=3), 0, 3).await.unwrap();
    let mut new = within("a relay", house.process("b").publisher(NAME))
        .await
        .unwrap();
    assert_eq!(new.last().await, Ok(3));
    let refused = within("an answer", old.publish(numbered(4..=6), 3, 6)).await;
    assert_eq!(refused, Err(BrokerError::Fenced));
    new.publish(numbered(4..=4), 3, 4).await.unwrap();
    let refused = within("an answer", old.publish(numbered(4..=6), 3, 6)).await;
    assert!(refused.is_err());
    assert_eq!(house.visible(Topic::Audited).await.len(), 4);
}

async fn a_number_is_not_published_twice(house: House) {
    let mut relay = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    relay.publish(numbered(1..=5), 0, 5).await.unwrap();
    let refused = within("an answer", relay.publish(numbered(3..=7), 2, 7)).await;
    assert_eq!(refused, Err(BrokerError::Fenced));
    assert_eq!(house.visible(Topic::Audited).await.len(), 5);
}

async fn relays_of_other_names_do_not_meet(house: House) {
    let mut one = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    let mut other = within("a relay", house.broker.publisher("notify-relay"))
        .await
        .unwrap();
    one.publish(numbered(1..=2), 0, 2).await.unwrap();
    other.publish(numbered(3..=3), 0, 1).await.unwrap();
    one.publish(numbered(4..=4), 2, 3).await.unwrap();
    assert_eq!((one.last().await, other.last().await), (Ok(3), Ok(1)));
    assert_eq!(house.visible(Topic::Audited).await.len(), 4);
}

async fn a_relay_that_is_refused_may_go_on(house: House) {
    let mut relay = within("a relay", house.broker.publisher(NAME))
        .await
        .unwrap();
    let mut outputs = numbered(1..=2);
    outputs.push(output(Topic::Audited, "k", &"x".repeat(2 << 20)));
    let refused = within("an answer", relay.publish(outputs, 0, 3)).await;
    assert!(
        matches!(refused, Err(BrokerError::TooLarge(_))),
        "{refused:?}"
    );
    relay.publish(numbered(1..=2), 0, 2).await.unwrap();
    assert_eq!(relay.last().await, Ok(2));
    assert_eq!(house.visible(Topic::Audited).await.len(), 2);
}
