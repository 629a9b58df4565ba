//! One member: outputs and offsets go together, and a batch that was not committed comes again.

use std::collections::BTreeSet;

use schemas::Topic;
use stage::{BrokerError, Record};

use super::house::{
    House, assert_order, batch, limit, output, pass_on, passed_on, text, texts, within,
};

both!(
    what_was_committed_is_there_once_and_in_order,
    a_batch_that_was_not_committed_comes_again,
    outputs_that_were_not_committed_are_never_seen,
    nothing_is_lost_or_doubled_by_a_restart,
    dropping_a_wait_loses_nothing,
    a_commit_without_a_batch_writes_nothing,
    a_batch_keeps_to_its_limits,
    lag_is_what_was_not_yet_taken,
    a_batch_may_lead_to_nothing,
);

const GROUP: &str = "validate";

fn places(batch: &[Record]) -> BTreeSet<String> {
    batch
        .iter()
        .map(|record| record.position.to_string())
        .collect()
}

async fn what_was_committed_is_there_once_and_in_order(house: House) {
    let posted = house.post(Topic::Raw, 10, 30).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    pass_on(member.as_mut(), posted.len(), Topic::Checked).await;
    let passed = house.visible(Topic::Checked).await;
    assert_order(&passed);
    assert_eq!(texts(&passed), posted);
    member.close().await;
}

async fn a_batch_that_was_not_committed_comes_again(house: House) {
    house.post(Topic::Raw, 10, 3).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 30 {
        let first = within("a batch", member.next(&limit(7))).await.unwrap();
        let again = within("it again", member.next(&limit(7))).await.unwrap();
        let earlier = seen.iter().any(|place| places(&again).contains(place));
        assert!(!earlier, "nothing that was committed comes again");
        assert_eq!(
            again.iter().map(text).collect::<BTreeSet<_>>().len(),
            again.len()
        );
        assert!(!first.is_empty() && !again.is_empty());
        member
            .commit(passed_on(&again, Topic::Checked))
            .await
            .unwrap();
        seen.extend(places(&again));
    }
    assert_eq!(house.visible(Topic::Checked).await.len(), 30);
    member.close().await;
}

async fn outputs_that_were_not_committed_are_never_seen(house: House) {
    let posted = house.post(Topic::Raw, 4, 5).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let taken = batch(member.as_mut()).await;
    let mut outputs = passed_on(&taken, Topic::Checked);
    // The last one cannot be written, so none is.
    outputs.push(output(Topic::Checked, "large", &"x".repeat(2 << 20)));
    let refused = within("an answer", member.commit(outputs)).await;
    assert!(
        matches!(refused, Err(BrokerError::TooLarge(_))),
        "{refused:?}"
    );
    assert!(house.visible(Topic::Checked).await.is_empty());
    pass_on(member.as_mut(), posted.len(), Topic::Checked).await;
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    member.close().await;
}

async fn nothing_is_lost_or_doubled_by_a_restart(mut house: House) {
    let posted = house.post(Topic::Raw, 12, 25).await;
    let mut left = posted.len();
    for _ in 0..4 {
        let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
        let taken = within("a batch", member.next(&limit(50))).await.unwrap();
        member
            .commit(passed_on(&taken, Topic::Checked))
            .await
            .unwrap();
        left -= taken.len();
        let _lost_with_the_process = within("a batch", member.next(&limit(50))).await.unwrap();
        drop(member);
        house.restart().await;
    }
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    pass_on(member.as_mut(), left, Topic::Checked).await;
    let passed = house.visible(Topic::Checked).await;
    assert_order(&passed);
    assert_eq!(texts(&passed), posted);
    member.close().await;
}

async fn dropping_a_wait_loses_nothing(house: House) {
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let posting = house.post(Topic::Raw, 8, 25);
    let taking = async {
        let mut done = BTreeSet::new();
        while done.len() < 200 {
            let few = limit(20);
            let wait = member.next(&few);
            let soon = std::time::Duration::from_millis(3);
            if let Ok(taken) = tokio::time::timeout(soon, wait).await {
                let taken = taken.unwrap();
                member
                    .commit(passed_on(&taken, Topic::Checked))
                    .await
                    .unwrap();
                done.extend(taken.iter().map(text));
            }
        }
        done
    };
    let (posted, taken) = within("all of them", futures::future::join(posting, taking)).await;
    assert_eq!(taken, posted);
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    member.close().await;
}

async fn a_commit_without_a_batch_writes_nothing(house: House) {
    let posted = house.post(Topic::Raw, 2, 2).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let stray = vec![output(Topic::Checked, "k", "stray")];
    assert_eq!(
        member.commit(stray.clone()).await,
        Err(BrokerError::Revoked)
    );
    pass_on(member.as_mut(), posted.len(), Topic::Checked).await;
    assert_eq!(member.commit(stray).await, Err(BrokerError::Revoked));
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    member.close().await;
}

async fn a_batch_keeps_to_its_limits(house: House) {
    house.post(Topic::Raw, 1, 60).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let mut count = 0;
    while count < 60 {
        let few = within("a batch", member.next(&limit(9))).await.unwrap();
        assert!((1..=9).contains(&few.len()), "{}", few.len());
        member.commit(Vec::new()).await.unwrap();
        count += few.len();
    }
    house.post(Topic::Raw, 1, 60).await;
    let small = stage::BatchLimit {
        bytes: 100,
        ..limit(1_000)
    };
    // Key, header and value weigh 2 + 9 + 8 bytes: the sixth passes a hundred.
    let few = within("a batch", member.next(&small)).await.unwrap();
    assert!((1..=6).contains(&few.len()), "{}", few.len());
    member.close().await;
}

async fn lag_is_what_was_not_yet_taken(house: House) {
    let lag = || async {
        let all = within("lag", house.broker.lag(GROUP, &[Topic::Raw]))
            .await
            .unwrap();
        all.iter().map(|one| one.records).sum::<i64>()
    };
    assert_eq!(lag().await, 0);
    house.post(Topic::Raw, 10, 5).await;
    assert_eq!(lag().await, 50);
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let taken = within("a batch", member.next(&limit(20))).await.unwrap();
    assert_eq!(lag().await, 50, "taken is not committed");
    member
        .commit(passed_on(&taken, Topic::Checked))
        .await
        .unwrap();
    let left = 50 - taken.len();
    assert_eq!(lag().await, i64::try_from(left).unwrap());
    pass_on(member.as_mut(), left, Topic::Checked).await;
    assert_eq!(lag().await, 0);
    member.close().await;
}

async fn a_batch_may_lead_to_nothing(mut house: House) {
    house.post(Topic::Raw, 3, 3).await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let mut count = 0;
    while count < 9 {
        count += batch(member.as_mut()).await.len();
        member.commit(Vec::new()).await.unwrap();
    }
    drop(member);
    house.restart().await;
    let mut member = house.broker.subscribe(GROUP, &[Topic::Raw]).await.unwrap();
    let later = house.post(Topic::Raw, 1, 1).await;
    assert_eq!(texts(&batch(member.as_mut()).await), later);
    member.close().await;
}
