//! Topics that come, go and come back, and answers that come too late.

use std::sync::Arc;

use schemas::Topic;
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::Output;

const IDENTITY: Identity = Identity {
    producer_id: 1,
    epoch: 0,
};
const BROKER: i32 = 3;

fn code(code: i16) -> Code {
    Code::check(code).unwrap_err()
}

type Caller = oneshot::Receiver<super::super::partition::Delivered>;

fn post(route: &mut Route, key: &str) -> Caller {
    let (caller, waiting) = oneshot::channel();
    route.place(Post {
        output: Output {
            topic: Topic::Raw,
            key: key.as_bytes().to_vec(),
            headers: Vec::new(),
            value: Vec::new(),
        },
        millis: 0,
        caller,
        _room: Arc::new(Semaphore::new(1))
            .try_acquire_many_owned(1)
            .unwrap(),
    });
    waiting
}

fn there(partitions: usize) -> Standing {
    Standing::There(vec![Some(BROKER); partitions])
}

/// The partitions whose batches go with this request.
fn take(route: &mut Route, request: u64) -> Vec<i32> {
    let now = Instant::now();
    let taken = route
        .led_by(BROKER)
        .filter_map(|(index, one)| one.take(request, Some(IDENTITY), now).map(|_sealed| index));
    taken.collect()
}

#[test]
fn posts_wait_until_the_cluster_has_told_of_the_topic() {
    let mut route = Route::default();
    let mut a = post(&mut route, "a");
    assert!(route.is_lost() && route.needs_identity());
    assert_eq!(route.learn(there(4), "raw", Instant::now()), Vec::new());
    assert!(!route.is_lost());
    let taken = take(&mut route, 1);
    assert_eq!(taken.len(), 1);
    assert_eq!(route.answered(taken[0], 1, Some(Ok(8))), None);
    assert_eq!(a.try_recv(), Ok(Ok((taken[0], 8))));
}

#[test]
fn a_topic_that_stays_missing_is_told_and_one_just_made_is_not() {
    let mut route = Route::default();
    let mut a = post(&mut route, "a");
    let begun = Instant::now();
    route.learn(Standing::Missing, "raw", begun);
    route.learn(Standing::Unknown, "raw", begun + MISSING_AT_MOST);
    assert!(a.try_recv().is_err(), "nothing is said yet");
    route.learn(Standing::Missing, "raw", begun + MISSING_AT_MOST);
    assert_eq!(a.try_recv(), Ok(Err(BrokerError::Topic("raw".to_owned()))));
    let _b = post(&mut route, "b");
    route.learn(Standing::Missing, "raw", begun + MISSING_AT_MOST);
    route.learn(there(1), "raw", begun + MISSING_AT_MOST);
    assert_eq!(take(&mut route, 1), [0]);
}

/// The request of the topic that was deleted speaks of none of the records of its successor.
#[test]
fn an_answer_that_comes_too_late_acknowledges_nothing() {
    let mut route = Route::default();
    route.learn(there(2), "raw", Instant::now());
    let mut a = post(&mut route, "a");
    let taken = take(&mut route, 1);
    route.learn(there(1), "raw", Instant::now());
    assert!(matches!(a.try_recv(), Ok(Err(BrokerError::Unavailable(_)))));
    let mut b = post(&mut route, "b");
    assert_eq!(take(&mut route, 2), [0]);
    for index in [0, taken[0]] {
        assert_eq!(route.answered(index, 1, Some(Ok(5))), None);
    }
    assert!(matches!(
        b.try_recv(),
        Err(oneshot::error::TryRecvError::Empty)
    ));
    route.answered(0, 2, Some(Ok(0)));
    assert_eq!(b.try_recv(), Ok(Ok((0, 0))));
}

#[test]
fn what_is_answered_decides_what_becomes_of_a_batch() {
    let again = |answer| {
        let mut route = Route::default();
        route.learn(there(1), "raw", Instant::now());
        let mut a = post(&mut route, "a");
        take(&mut route, 1);
        let spoilt = route.answered(0, 1, answer);
        (spoilt, route.is_lost(), a.try_recv().ok())
    };
    // Nobody knows, or not now: the cluster is asked who leads, and the batch goes again.
    for answer in [
        None,
        Some(Err(code(6))),
        Some(Err(code(20))),
        Some(Err(code(7))),
        Some(Ok(-1)),
    ] {
        assert_eq!(again(answer), (None, true, None), "{answer:?}");
    }
    for error in [code(45), code(46), code(47), code(29)] {
        let (spoilt, lost, told) = again(Some(Err(error)));
        assert_eq!((spoilt, lost), (Some(IDENTITY), false), "{error:?}");
        assert!(matches!(told, Some(Err(BrokerError::Unavailable(_)))));
    }
    let (spoilt, _, told) = again(Some(Err(code(10))));
    assert_eq!(spoilt, Some(IDENTITY));
    assert!(matches!(told, Some(Err(BrokerError::TooLarge(_)))));
}

/// A broker that has not heard of new partitions tells of fewer. Were their successors numbered from 0 under the same
/// identity, the broker would take their first batch for the first one it ever had, and acknowledge what it never wrote.
#[test]
fn what_is_begun_anew_has_an_identity_of_its_own() {
    let mut route = Route::default();
    route.learn(there(2), "raw", Instant::now());
    let _posts = ["a", "b", "c", "d"].map(|key| post(&mut route, key));
    let taken = take(&mut route, 1);
    assert_eq!(taken, [0, 1]);
    route.answered(0, 1, Some(Ok(0)));
    let spoilt = route.learn(there(1), "raw", Instant::now());
    assert_eq!(spoilt, [IDENTITY, IDENTITY], "written and under way alike");
}
