//! The door's side: each post has a place of its own, and comes out as it went in.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Topic;
use stage::{Clock as _, Output, Start, SystemClock};

use super::house::{
    DEADLINE, House, PARTITIONS, assert_order, assigned, output, read, texts, within,
};

both!(
    many_at_once_keep_the_order_of_each_key_and_get_places_of_their_own,
    a_record_comes_out_as_it_went_in,
    a_key_always_has_the_same_partition,
    a_key_has_one_partition_whoever_writes,
);

async fn many_at_once_keep_the_order_of_each_key_and_get_places_of_their_own(house: House) {
    let posted = house.post(Topic::Raw, 40, 25).await;
    let read = house.visible(Topic::Raw).await;
    assert_order(&read);
    assert_eq!(texts(&read), posted);
    let places: BTreeSet<_> = read.iter().map(|record| record.position.clone()).collect();
    assert_eq!(places.len(), posted.len());
}

async fn a_record_comes_out_as_it_went_in(house: House) {
    let sent = Output {
        topic: Topic::Raw,
        key: vec![0, 255, 7],
        headers: vec![
            ("b".into(), vec![0, 159, 146, 150]),
            ("a".into(), Vec::new()),
            ("b".into(), b"again".to_vec()),
        ],
        value: Vec::new(),
    };
    let before = SystemClock.now().micros();
    let position = house.broker.append(sent.clone(), DEADLINE).await.unwrap();
    let at = assigned(
        Topic::Raw,
        position.partition,
        Start::Offset(position.offset),
    );
    let mut reader = house.broker.read(vec![at]).await.unwrap();
    let record = read(reader.as_mut(), 1).await.remove(0);
    assert_eq!((record.topic, &record.position), (Topic::Raw, &position));
    assert_eq!(position.topic, Topic::Raw.name(house.broker.prefix()));
    assert_eq!(record.key.as_deref(), Some(sent.key.as_slice()));
    assert_eq!(record.headers, sent.headers);
    assert_eq!(
        record.value.as_deref(),
        Some(&[][..]),
        "empty is not missing"
    );
    let age = (record.timestamp.micros() - before).abs();
    assert!(age < 60_000_000, "the record's time is {age} µs off");
}

async fn a_key_always_has_the_same_partition(house: House) {
    let mut partitions: BTreeMap<usize, i32> = BTreeMap::new();
    for number in 0..120 {
        let output = output(Topic::Raw, &format!("k{}", number % 40), "x");
        let at = within("a post", house.broker.append(output, DEADLINE))
            .await
            .unwrap();
        let known = partitions.entry(number % 40).or_insert(at.partition);
        assert_eq!(*known, at.partition);
    }
    let used: BTreeSet<_> = partitions.values().collect();
    assert_eq!(used.len(), usize::try_from(PARTITIONS).unwrap());
}

/// The door has a producer of its own, and a stage another one: were they to differ, accounts would lose their order.
async fn a_key_has_one_partition_whoever_writes(house: House) {
    let keys: Vec<String> = (0..60)
        .map(|number| "k".repeat(number % 7) + &number.to_string())
        .collect();
    let outputs = keys.iter().map(|key| output(Topic::Checked, key, key));
    let mut relay = within("a relay", house.broker.publisher("relay"))
        .await
        .unwrap();
    let count = i64::try_from(keys.len()).unwrap();
    relay.publish(outputs.collect(), 0, count).await.unwrap();
    let written = house.visible(Topic::Checked).await;
    assert_eq!(written.len(), keys.len());
    for record in written {
        let key = String::from_utf8(record.key.unwrap()).unwrap();
        let posted = house
            .broker
            .append(output(Topic::Checked, &key, "x"), DEADLINE);
        let at = within("a post", posted).await.unwrap();
        assert_eq!(at.partition, record.position.partition, "{key}");
    }
}
