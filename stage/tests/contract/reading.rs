//! Reading without a group: where it begins, what it waits for, and what retention took.

use std::{process::Command, time::Duration};

use schemas::Topic;
use stage::{BatchLimit, Start};

use super::house::{
    DEADLINE, House, PARTITIONS, assert_order, assigned, limit, output, read, text, texts,
    variable, within,
};

both!(
    a_reader_begins_where_it_is_told,
    several_topics_are_read_at_once,
    dropping_a_wait_loses_nothing,
    a_batch_waits_only_so_long_for_more,
    below_the_first_record_kept_reading_goes_on_at_the_first,
);

async fn a_reader_begins_where_it_is_told(house: House) {
    let mut places = Vec::new();
    for number in 0..5 {
        let output = output(Topic::Raw, "k", &format!("{number}"));
        places.push(house.broker.append(output, DEADLINE).await.unwrap());
    }
    let partition = places[0].partition;
    let reader = async |start| {
        let at = vec![assigned(Topic::Raw, partition, start)];
        within("a reader", house.broker.read(at)).await.unwrap()
    };
    let mut first = reader(Start::First).await;
    let mut third = reader(Start::Offset(places[2].offset)).await;
    let mut end = reader(Start::End).await;
    let mut ahead = reader(Start::Offset(places[4].offset + 1)).await;
    // Before either of the last two has looked: the end is where it was when they were opened.
    house
        .broker
        .append(output(Topic::Raw, "k", "5"), DEADLINE)
        .await
        .unwrap();
    let all = read(first.as_mut(), 6).await;
    assert_eq!(
        all.iter().map(text).collect::<Vec<_>>(),
        ["0", "1", "2", "3", "4", "5"]
    );
    assert_eq!(text(&read(third.as_mut(), 1).await[0]), "2");
    assert_eq!(text(&read(end.as_mut(), 1).await[0]), "5");
    assert_eq!(text(&read(ahead.as_mut(), 1).await[0]), "5");
}

async fn several_topics_are_read_at_once(house: House) {
    let mut posted = house.post(Topic::Raw, 10, 20).await.len();
    posted += house.post(Topic::Checked, 10, 20).await.len();
    let all = [Topic::Raw, Topic::Checked].into_iter().flat_map(|topic| {
        (0..PARTITIONS).map(move |partition| assigned(topic, partition, Start::First))
    });
    let mut reader = house.broker.read(all.collect()).await.unwrap();
    let records = read(reader.as_mut(), posted).await;
    for topic in [Topic::Raw, Topic::Checked] {
        let of_topic: Vec<_> = records
            .iter()
            .filter(|record| record.topic == topic)
            .cloned()
            .collect();
        assert_order(&of_topic);
        assert_eq!(texts(&of_topic).len(), 200);
    }
}

async fn dropping_a_wait_loses_nothing(house: House) {
    let all = (0..PARTITIONS).map(|partition| assigned(Topic::Raw, partition, Start::First));
    let mut reader = house.broker.read(all.collect()).await.unwrap();
    let posting = house.post(Topic::Raw, 8, 25);
    let taking = async {
        let mut taken = Vec::new();
        while taken.len() < 200 {
            let few = limit(20);
            let wait = tokio::time::timeout(Duration::from_millis(3), reader.next(&few));
            if let Ok(records) = wait.await {
                taken.extend(records.unwrap());
            }
        }
        taken
    };
    let (posted, taken) = within("all of them", futures::future::join(posting, taking)).await;
    assert_order(&taken);
    assert_eq!(texts(&taken), posted);
}

async fn a_batch_waits_only_so_long_for_more(house: House) {
    house
        .broker
        .append(output(Topic::Raw, "k", "0"), DEADLINE)
        .await
        .unwrap();
    let all = (0..PARTITIONS).map(|partition| assigned(Topic::Raw, partition, Start::First));
    let mut reader = house.broker.read(all.collect()).await.unwrap();
    let patient = BatchLimit {
        wait: Duration::from_mins(10),
        ..limit(2)
    };
    let second = async {
        house
            .broker
            .append(output(Topic::Raw, "k", "1"), DEADLINE)
            .await
            .unwrap();
    };
    // Kafka gathers for as long as allowed; the embedded broker gives what is there, but never waits longer.
    let pair = futures::future::join(reader.next(&patient), second);
    let mut count = within("one or both", pair).await.0.unwrap().len();
    if count < 2 {
        count += read(reader.as_mut(), 1).await.len();
    }
    assert_eq!(count, 2);
}

async fn below_the_first_record_kept_reading_goes_on_at_the_first(house: House) {
    let mut places = Vec::new();
    for number in 0..10 {
        let output = output(Topic::Raw, "k", &format!("{number}"));
        places.push(house.broker.append(output, DEADLINE).await.unwrap());
        if number == 5 {
            house.clock.advance(Duration::from_hours(24 * 30));
        }
    }
    if house.embedded.is_some() {
        assert_eq!(house.broker.retain().await, Ok(6));
    } else if !delete_up_to(&places[6].topic, places[6].partition, places[6].offset) {
        return;
    }
    let partition = places[0].partition;
    let extents = within("extents", house.broker.extents(Topic::Raw))
        .await
        .unwrap();
    let extent = extents
        .iter()
        .find(|extent| extent.partition == partition)
        .unwrap();
    assert_eq!(
        (extent.first, extent.next),
        (places[6].offset, places[9].offset + 1)
    );
    for start in [Start::Offset(places[2].offset), Start::First] {
        let at = vec![assigned(Topic::Raw, partition, start)];
        let mut reader = house.broker.read(at).await.unwrap();
        let records = read(reader.as_mut(), 4).await;
        assert_eq!(
            records.iter().map(text).collect::<Vec<_>>(),
            ["6", "7", "8", "9"]
        );
    }
    // A group that has never committed begins there too.
    let mut member = house.broker.subscribe("late", &[Topic::Raw]).await.unwrap();
    let mut records = Vec::new();
    while records.len() < 4 {
        records.extend(super::house::batch(member.as_mut()).await);
        member.commit(Vec::new()).await.unwrap();
    }
    assert_eq!(
        records.iter().map(text).collect::<Vec<_>>(),
        ["6", "7", "8", "9"]
    );
    member.close().await;
}

/// What retention would do in its own time. Asked for through Python's client: only `broker/kafka` names ours.
fn delete_up_to(topic: &str, partition: i32, offset: i64) -> bool {
    const SCRIPT: &str = "
import sys
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
bootstrap, topic, partition, offset = sys.argv[1:]
where = TopicPartition(topic, int(partition), int(offset))
admin = AdminClient({'bootstrap.servers': bootstrap})
for answer in admin.delete_records([where]).values():
    answer.result(30)
";
    let Some(python) = variable("PYTHON") else {
        println!("skipped: no Python with confluent_kafka, to delete records in Kafka");
        return false;
    };
    let status = Command::new(python)
        .args(["-c", SCRIPT, &variable("KAFKA").unwrap(), topic])
        .args([partition.to_string(), offset.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    true
}
