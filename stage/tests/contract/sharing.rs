//! Several members: partitions are shared, move, and are never worked on twice.

use std::time::{Duration, Instant};

use schemas::Topic;
use stage::{BrokerError, Subscription};

use super::house::{
    House, assert_order, batch, limit, output, pass_on, passed_on, text, texts, within,
};

both!(
    two_members_share_and_nothing_is_lost_or_doubled,
    a_batch_whose_partitions_have_moved_cannot_be_committed,
    who_leaves_is_followed_at_once,
    members_that_come_and_go_lose_and_double_nothing,
);

const GROUP: &str = "validate";

/// Passes on until told that everything is done; counts.
async fn work(member: &mut dyn Subscription, left: &std::sync::atomic::AtomicUsize) -> usize {
    use std::sync::atomic::Ordering::SeqCst;
    let mut done = 0;
    while left.load(SeqCst) > 0 {
        let few = limit(20);
        let wait = member.next(&few);
        // The other may have done the rest meanwhile.
        let Ok(taken) = tokio::time::timeout(Duration::from_millis(300), wait).await else {
            continue;
        };
        let taken = taken.unwrap();
        match member.commit(passed_on(&taken, Topic::Checked)).await {
            Ok(()) => {
                left.fetch_sub(taken.len(), SeqCst);
                done += taken.len();
            }
            Err(BrokerError::Revoked) => {}
            Err(error) => panic!("{error}"),
        }
    }
    done
}

async fn two_members_share_and_nothing_is_lost_or_doubled(house: House) {
    let mut one = house
        .process("a")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let mut other = house
        .process("b")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let left = std::sync::atomic::AtomicUsize::new(0);
    let mut all = std::collections::BTreeSet::new();
    let begun = Instant::now();
    // Until both have had a share: joining takes a moment, and whoever is first may be quick.
    for round in 0.. {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "waited 60 s for both to get a share"
        );
        for number in 0..200 {
            let text = format!("{round:04} {number:04}");
            let output = output(Topic::Raw, &format!("k{}", number % 40), &text);
            house
                .broker
                .append(output, super::house::DEADLINE)
                .await
                .unwrap();
            all.insert(text);
        }
        left.store(200, std::sync::atomic::Ordering::SeqCst);
        let both = futures::future::join(work(one.as_mut(), &left), work(other.as_mut(), &left));
        let shares = within("the work", both).await;
        if shares.0 > 0 && shares.1 > 0 {
            break;
        }
    }
    let passed = house.visible(Topic::Checked).await;
    assert_order(&passed);
    assert_eq!(texts(&passed), all);
    one.close().await;
    other.close().await;
}

async fn a_batch_whose_partitions_have_moved_cannot_be_committed(house: House) {
    let posted = house.post(Topic::Raw, 40, 3).await;
    let mut old = house
        .process("a")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    // Everything is out with the first, so whatever moves is part of it.
    let mut whole = Vec::new();
    while whole.len() < posted.len() {
        let patient = stage::BatchLimit {
            wait: Duration::from_secs(2),
            ..limit(posted.len())
        };
        whole = within("everything in one batch", old.next(&patient))
            .await
            .unwrap();
    }
    let mut new = house
        .process("b")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let moved = batch(new.as_mut()).await;
    let refused = within("an answer", old.commit(passed_on(&whole, Topic::Checked))).await;
    assert_eq!(refused, Err(BrokerError::Revoked));
    new.commit(passed_on(&moved, Topic::Checked)).await.unwrap();
    let left = std::sync::atomic::AtomicUsize::new(posted.len() - moved.len());
    let both = futures::future::join(work(old.as_mut(), &left), work(new.as_mut(), &left));
    within("the rest", both).await;
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    old.close().await;
    new.close().await;
}

async fn who_leaves_is_followed_at_once(house: House) {
    let mut one = house
        .process("a")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let mut other = house
        .process("b")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    house.post(Topic::Raw, 40, 1).await;
    let left = std::sync::atomic::AtomicUsize::new(40);
    let both = futures::future::join(work(one.as_mut(), &left), work(other.as_mut(), &left));
    within("the work", both).await;
    one.close().await;
    let gone = Instant::now();
    house.post(Topic::Checked, 1, 1).await;
    let posted = house.post(Topic::Raw, 40, 1).await;
    pass_on(other.as_mut(), posted.len(), Topic::Enriched).await;
    // Half of what a session lasts: the session's end was not what let the other have them.
    assert!(
        gone.elapsed() < Duration::from_secs(5),
        "took {:?}",
        gone.elapsed()
    );
    assert_eq!(texts(&house.visible(Topic::Enriched).await), posted);
    other.close().await;
}

async fn members_that_come_and_go_lose_and_double_nothing(house: House) {
    let posted = house.post(Topic::Raw, 40, 10).await;
    let left = std::sync::atomic::AtomicUsize::new(posted.len());
    let steady = async {
        let mut member = house
            .process("a")
            .subscribe(GROUP, &[Topic::Raw])
            .await
            .unwrap();
        while left.load(std::sync::atomic::Ordering::SeqCst) > 0 {
            let few = limit(5);
            let taken = tokio::time::timeout(Duration::from_millis(300), member.next(&few));
            let Ok(taken) = taken.await else { continue };
            let taken = taken.unwrap();
            // Slower than a rebalance, so that batches are out when partitions move.
            tokio::time::sleep(Duration::from_millis(40)).await;
            if member
                .commit(passed_on(&taken, Topic::Checked))
                .await
                .is_ok()
            {
                left.fetch_sub(taken.len(), std::sync::atomic::Ordering::SeqCst);
            }
        }
        member.close().await;
    };
    let guests = async {
        for _ in 0..3 {
            let mut member = house
                .process("b")
                .subscribe(GROUP, &[Topic::Raw])
                .await
                .unwrap();
            for _ in 0..3 {
                let few = limit(5);
                let wait = tokio::time::timeout(Duration::from_secs(5), member.next(&few));
                let Ok(taken) = wait.await else { break };
                let taken = taken.unwrap();
                if member
                    .commit(passed_on(&taken, Topic::Checked))
                    .await
                    .is_ok()
                {
                    left.fetch_sub(taken.len(), std::sync::atomic::Ordering::SeqCst);
                }
            }
            member.close().await;
        }
    };
    let both = futures::future::join(steady, guests);
    let done = tokio::time::timeout(Duration::from_mins(2), both).await;
    assert!(done.is_ok(), "waited 120 s for all records to be passed on");
    let passed = house.visible(Topic::Checked).await;
    let got: Vec<_> = passed.iter().map(text).collect();
    assert_order(&passed);
    assert_eq!(got.len(), posted.len());
    assert_eq!(texts(&passed), posted);
}
