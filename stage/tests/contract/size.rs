//! Records that are too large are refused alone.

use schemas::Topic;
use stage::{BrokerError, Output, record::Headers};

use super::house::{DEADLINE, House, within};

both!(
    the_largest_record_goes_through,
    a_record_that_is_too_large_is_refused_and_the_next_goes_through,
);

const LARGEST: usize = 1_048_576;

fn record(bytes: usize) -> Output {
    let headers: Headers = (0..40)
        .map(|number| (format!("header{number:02}").into(), vec![b'x'; 40]))
        .collect();
    let weight: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    Output {
        topic: Topic::Raw,
        key: b"k".to_vec(),
        headers,
        value: vec![b'x'; bytes - weight - 1],
    }
}

async fn the_largest_record_goes_through(house: House) {
    let posts = (0..4).map(|_| house.broker.append(record(LARGEST), DEADLINE));
    for posted in within("posts", futures::future::join_all(posts)).await {
        posted.unwrap();
    }
    let kept = house.visible(Topic::Raw).await;
    assert_eq!(kept.len(), 4);
    let mut member = house
        .broker
        .subscribe("validate", &[Topic::Raw])
        .await
        .unwrap();
    let mut left = 4;
    while left > 0 {
        let batch = super::house::batch(member.as_mut()).await;
        let all = super::house::passed_on(&batch, Topic::Checked);
        let outputs: Vec<_> = all
            .into_iter()
            .filter(|output| output.value != b"mark")
            .collect();
        left -= outputs.len();
        member.commit(outputs).await.unwrap();
    }
    assert_eq!(house.visible(Topic::Checked).await.len(), 4);
    member.close().await;
}

async fn a_record_that_is_too_large_is_refused_and_the_next_goes_through(house: House) {
    let large = record(LARGEST + 1);
    let small = record(10_000);
    let posts = futures::future::join3(
        house.broker.append(small.clone(), DEADLINE),
        house.broker.append(large, DEADLINE),
        house.broker.append(small.clone(), DEADLINE),
    );
    let (before, refused, after) = within("answers", posts).await;
    assert_eq!(refused, Err(BrokerError::TooLarge(LARGEST + 1)));
    before.unwrap();
    after.unwrap();
    house.broker.append(small, DEADLINE).await.unwrap();
    assert_eq!(house.visible(Topic::Raw).await.len(), 3);
}
