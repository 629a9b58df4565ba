//! How fast, for who asks: `cargo test --release -p stage --test contract speed -- --ignored --nocapture`.

use std::time::Instant;

use futures::{StreamExt as _, stream};
use schemas::Topic;
use stage::Start;

use super::house::{DEADLINE, House, PARTITIONS, assigned, limit, output, passed_on, within};

const RECORDS: usize = 200_000;

fn tell(what: &str, count: usize, begun: Instant) {
    #[expect(clippy::cast_precision_loss, reason = "a count for people")]
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    println!("{what}: {rate:.0}/s");
}

async fn fill(house: &House, count: usize, at_once: usize, what: &str) {
    let value = "x".repeat(1_000);
    let begun = Instant::now();
    let posts = stream::iter(0..count).map(|number| {
        let output = output(Topic::Raw, &format!("k{}", number % 1_000), &value);
        house.broker.append(output, DEADLINE)
    });
    let failed = posts
        .buffer_unordered(at_once)
        .filter(|posted| std::future::ready(posted.is_err()))
        .count()
        .await;
    assert_eq!(failed, 0);
    tell(what, count, begun);
}

async fn measure(house: House, name: &str) {
    fill(
        &house,
        20_000,
        64,
        &format!("{name} posts of 1 KB, 64 at once"),
    )
    .await;
    fill(
        &house,
        RECORDS - 20_000,
        256,
        &format!("{name} posts of 1 KB, 256 at once"),
    )
    .await;
    for (group, records) in [("g1", 100), ("g2", 1_000), ("g3", 2_000)] {
        let mut member = house.broker.subscribe(group, &[Topic::Raw]).await.unwrap();
        let (mut done, mut batches, mut committing) = (0, 0, std::time::Duration::ZERO);
        let most = if records == 100 { RECORDS / 4 } else { RECORDS };
        let mut begun = Instant::now();
        while done < most {
            let taken = within("a batch", member.next(&limit(records)))
                .await
                .unwrap();
            if done == 0 {
                // Joining is not what is measured.
                begun = Instant::now();
            }
            let outputs = passed_on(&taken, Topic::Checked);
            let asked = Instant::now();
            member.commit(outputs).await.unwrap();
            committing += asked.elapsed();
            batches += 1;
            done += taken.len();
        }
        tell(
            &format!("{name} exactly once, at most {records} a batch"),
            done,
            begun,
        );
        println!(
            "{name}   {batches} batches of {}, a commit takes {:?}",
            done / batches,
            committing / u32::try_from(batches).unwrap()
        );
        member.close().await;
    }
    let all = (0..PARTITIONS).map(|partition| assigned(Topic::Raw, partition, Start::First));
    let mut reader = house.broker.read(all.collect()).await.unwrap();
    let (mut done, begun) = (0, Instant::now());
    while done < RECORDS {
        done += within("records", reader.next(&limit(1_000)))
            .await
            .unwrap()
            .len();
    }
    tell(&format!("{name} read without a group"), done, begun);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn embedded() {
    measure(House::embedded().await, "embedded").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn kafka() {
    if let Some(house) = House::kafka().await {
        measure(house, "kafka").await;
    }
}
