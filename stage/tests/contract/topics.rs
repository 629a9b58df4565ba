//! Topics: made once, missed by name.

use std::time::{Duration, Instant};

use schemas::Topic;
use stage::{
    Broker as _, BrokerError, Clock as _, SystemClock, broker::kafka::Kafka, clock::MockClock,
};

use super::house::{DEADLINE, House, PARTITIONS, open, output, within};

both!(topics_are_made_once, extents_grow_with_what_is_written);

async fn topics_are_made_once(house: House) {
    assert_eq!(
        within("an answer", house.broker.create_topics()).await,
        Ok(Vec::new())
    );
    assert_eq!(
        within("an answer", house.broker.check_topics()).await,
        Ok(())
    );
}

async fn extents_grow_with_what_is_written(house: House) {
    for topic in Topic::ALL {
        let extents = within("extents", house.broker.extents(topic))
            .await
            .unwrap();
        let numbers: Vec<_> = extents.iter().map(|extent| extent.partition).collect();
        assert_eq!(numbers, (0..PARTITIONS).collect::<Vec<_>>());
        assert!(
            extents
                .iter()
                .all(|extent| (extent.first, extent.next) == (0, 0))
        );
    }
    house.post(Topic::Raw, 10, 3).await;
    let extents = within("extents", house.broker.extents(Topic::Raw))
        .await
        .unwrap();
    assert_eq!(
        extents
            .iter()
            .map(|extent| extent.next - extent.first)
            .sum::<i64>(),
        30
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_named() {
    let Some(house) = House::without_topics().await else {
        return;
    };
    let missing = BrokerError::Topic(Topic::Raw.name(house.broker.prefix()));
    assert_eq!(
        within("an answer", house.broker.check_topics()).await,
        Err(missing.clone())
    );
    assert_eq!(
        within("an answer", house.broker.extents(Topic::Raw)).await,
        Err(missing.clone())
    );
    let begun = Instant::now();
    let posted = house
        .broker
        .append(output(Topic::Raw, "k", "x"), Duration::from_secs(8))
        .await;
    assert_eq!(posted, Err(missing));
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    let made = within("topics", house.broker.create_topics())
        .await
        .unwrap();
    assert_eq!(made, Topic::ALL);
    assert_eq!(
        within("an answer", house.broker.check_topics()).await,
        Ok(())
    );
    // The door has heard that it is missing, and asks again by itself.
    let begun = Instant::now();
    let post = || house.broker.append(output(Topic::Raw, "k", "x"), DEADLINE);
    while let Err(error) = post().await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited 30 s for a topic to be found: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_named_without_its_value() {
    let Some(house) = House::without_topics().await else {
        return;
    };
    for (name, value) in [
        ("no.such.property", "hush-hush"),
        ("session.timeout.ms", "hush-hush"),
    ] {
        let mut settings = house.settings("a");
        settings
            .properties
            .insert(name.to_owned(), value.to_owned());
        assert!(!format!("{settings:?}").contains("hush"));
        let refused = Kafka::open(settings, std::sync::Arc::new(SystemClock)).map(|_| ());
        let Err(BrokerError::Settings(why)) = refused else {
            panic!("{name} was taken: {refused:?}");
        };
        assert!(why.contains(name) && !why.contains("hush"), "{why}");
    }
    // A cluster that is not there is no fault of the settings: it may come.
    let mut settings = house.settings("a");
    settings.bootstrap = "127.0.0.1:1".to_owned();
    let broker = Kafka::open(settings, std::sync::Arc::new(SystemClock)).unwrap();
    let asked = within("an answer", broker.check_topics()).await;
    assert!(
        matches!(asked, Err(BrokerError::Unavailable(_))),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_make_a_file_at_once_open_it() {
    let clock = MockClock::at(SystemClock.now());
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let all = futures::future::join_all((0..6).map(|_| open(&folder, &clock))).await;
        for broker in &all {
            assert_eq!(broker.check_topics().await, Ok(()));
        }
        for broker in all {
            broker.close().await;
        }
    }
}
