//! The broker goes away and comes back: calls answer in time, and nothing is lost or doubled.

use std::time::{Duration, Instant};

use schemas::Topic;
use sqlx::{Connection as _, Executor as _, SqliteConnection, sqlite::SqliteConnectOptions};
use stage::{BrokerError, Publisher, Record, Start, Subscription};

use super::house::{
    DEADLINE, House, PARTITIONS, assigned, batch, limit, output, pass_on, passed_on, read, script,
    text, texts, within,
};

/// What a post may wait here.
const SHORT: Duration = Duration::from_secs(1);

async fn post_in_vain(house: &House) {
    let begun = Instant::now();
    let posted = house
        .broker
        .append(output(Topic::Raw, "vain", "vain"), SHORT)
        .await;
    assert!(
        matches!(posted, Err(BrokerError::Unavailable(_))),
        "{posted:?}"
    );
    assert!(
        begun.elapsed() < SHORT + Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_file_locked_and_free_again() {
    let house = House::embedded().await;
    let posted = house.post(Topic::Raw, 5, 4).await;
    let mut member = house
        .broker
        .subscribe("validate", &[Topic::Raw])
        .await
        .unwrap();
    let taken = batch(member.as_mut()).await;
    let options = SqliteConnectOptions::new().filename(house.file());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    post_in_vain(&house).await;
    // Longer than the writer waits for the lock.
    let refused = within(
        "an answer",
        member.commit(passed_on(&taken, Topic::Checked)),
    )
    .await;
    assert!(
        matches!(refused, Err(BrokerError::Unavailable(_))),
        "{refused:?}"
    );
    other.execute("ROLLBACK").await.unwrap();
    pass_on(member.as_mut(), posted.len(), Topic::Checked).await;
    let passed = house.visible(Topic::Checked).await;
    let kept: Vec<_> = passed
        .into_iter()
        .filter(|record| text(record) != "vain")
        .collect();
    assert_eq!(texts(&kept), posted);
    house
        .broker
        .append(output(Topic::Raw, "k", "later"), DEADLINE)
        .await
        .unwrap();
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_killed_and_started_again() {
    let Some(house) = House::kafka_alone().await else {
        return;
    };
    let posted = house.post(Topic::Raw, 10, 20).await;
    let mut member = house
        .broker
        .subscribe("validate", &[Topic::Raw])
        .await
        .unwrap();
    let mut relay = house.broker.publisher("relay").await.unwrap();
    let all = (0..PARTITIONS).map(|partition| assigned(Topic::Checked, partition, Start::First));
    let mut reader = house.broker.read(all.collect()).await.unwrap();
    let first = within("a batch", member.next(&limit(50))).await.unwrap();
    member
        .commit(passed_on(&first, Topic::Checked))
        .await
        .unwrap();
    relay
        .publish(vec![output(Topic::Audited, "k", "1")], 0, 1)
        .await
        .unwrap();
    let second = within("a batch", member.next(&limit(50))).await.unwrap();
    let seen = read(reader.as_mut(), first.len()).await.len();

    run("kafka-kill").await;
    all_answer_in_time(&house, member.as_mut(), &second, relay.as_mut()).await;
    run("kafka-start").await;

    go_on(&house, member.as_mut(), posted.len() - first.len()).await;
    let passed = house.visible(Topic::Checked).await;
    let kept: Vec<_> = passed
        .into_iter()
        .filter(|record| text(record) != "vain")
        .collect();
    assert_eq!(texts(&kept), posted);
    // The reader has gone on by itself.
    read(reader.as_mut(), posted.len() - seen).await;
    member.close().await;
    // A relay that has failed is opened anew, and knows what was published.
    let mut relay = within("a relay", house.broker.publisher("relay"))
        .await
        .unwrap();
    let last = relay.last().await.unwrap();
    let published = house.visible(Topic::Audited).await.len();
    assert_eq!(i64::try_from(published), Ok(last));
    relay
        .publish(vec![output(Topic::Audited, "k", "3")], last, last + 1)
        .await
        .unwrap();
}

async fn run(script_name: &'static str) {
    tokio::task::spawn_blocking(move || script(script_name))
        .await
        .unwrap();
}

/// While nobody is there, each call answers within its own limit.
async fn all_answer_in_time(
    house: &House,
    member: &mut dyn Subscription,
    batch: &[Record],
    relay: &mut dyn Publisher,
) {
    post_in_vain(house).await;
    let outputs = passed_on(batch, Topic::Checked);
    let failed = within("an answer", member.commit(outputs)).await;
    assert!(
        matches!(failed, Err(BrokerError::Unavailable(_))),
        "{failed:?}"
    );
    let outputs = vec![output(Topic::Audited, "k", "2")];
    let failed = within("an answer", relay.publish(outputs, 1, 2)).await;
    assert!(
        matches!(failed, Err(BrokerError::Unavailable(_))),
        "{failed:?}"
    );
    let asked = within("an answer", house.broker.check_topics()).await;
    assert!(
        matches!(asked, Err(BrokerError::Unavailable(_))),
        "{asked:?}"
    );
}

/// Passes the rest on as the loop does it: what fails is tried again.
async fn go_on(house: &House, member: &mut dyn Subscription, mut left: usize) {
    let begun = Instant::now();
    let post = || {
        house
            .broker
            .append(output(Topic::Rejected, "k", "back"), SHORT)
    };
    while post().await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited 30 s for a post to go through"
        );
    }
    while left > 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "waited 90 s for the rest to be passed on"
        );
        let taken = match within("a batch or an error", member.next(&limit(50))).await {
            Ok(taken) => taken,
            Err(BrokerError::Unavailable(_) | BrokerError::Revoked) => continue,
            Err(error) => panic!("{error}"),
        };
        // A post that was given up may have landed all the same.
        let ours = taken.iter().filter(|record| text(record) != "vain").count();
        match member.commit(passed_on(&taken, Topic::Checked)).await {
            Ok(()) => left -= ours,
            Err(BrokerError::Unavailable(_) | BrokerError::Revoked) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
