//! T26: whatever happens to the broker, what was answered 200 is in the topic, in order, and no answer is late.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use self::{
    load::{Load, Outcome},
    proof::{
        connections_end_only_while_the_door_is_down, every_200_is_kept_in_order,
        every_answer_is_200_or_503_in_time,
    },
    proxy::{Fate, Proxy},
};
use super::doors::{Below, Doors, part, script};
use crate::{
    crash::Dice,
    world::{use_parts, wait_for},
};

mod cluster;
mod frozen;
mod load;
mod proof;
mod proxy;
mod spooled;

/// The door's own, as it is unless set otherwise.
const DEADLINE: Duration = Duration::from_secs(2);
/// Clients; their numbers are the record keys, so they spread over the partitions.
const CLIENTS: usize = 500;
const CONNECTIONS: usize = 64;
/// How long a run may stand still before it is given up: a broker's restart on a slow machine, and a repeat.
const STANDSTILL: Duration = Duration::from_mins(2);

/// How hard a run is.
struct Size {
    /// Callbacks of each client.
    each: usize,
    faults: usize,
    broker_kills: usize,
    door_kills: usize,
}

const SMALL: Size = Size {
    each: 20,
    faults: 12,
    broker_kills: 1,
    door_kills: 2,
};
const STATED: Size = Size {
    each: 200,
    faults: 80,
    broker_kills: 5,
    door_kills: 12,
};

#[derive(Clone, Copy, Debug)]
enum Event {
    Fault,
    BrokerKill,
    DoorKill,
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_every_200_outlives_faults_and_kills() {
    run(&SMALL).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_t26_every_200_outlives_faults_and_kills() {
    run(&STATED).await;
}

async fn run(size: &Size) {
    let (Some(below), Some(behind)) = (Below::one_broker(), part("KAFKA_BEHIND")) else {
        return;
    };
    let faulty = part("KAFKA_FAULTY").unwrap();
    let _alone = use_parts(true, true).await;
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let proxy = Proxy::start(address(&faulty), address(&behind)).await;
    let below = Below {
        doors: faulty,
        ..below
    };
    let Some(mut doors) = Doors::start(below, 1, &[]).await else {
        return;
    };
    let mut dice = Dice::new();
    let load = Arc::new(Load::new(doors.listen(0), CLIENTS, CONNECTIONS, size.each));
    let begun = Instant::now();
    let mut posting = JoinSet::new();
    posting.spawn(Arc::clone(&load).run());
    let down = happen(size, &load, (&proxy, &mut doors), &mut dice).await;
    let ended = tokio::time::timeout(STANDSTILL, posting.join_next()).await;
    let outcome: Outcome = ended
        .expect("everything is answered 200 within two minutes of the last fault")
        .unwrap()
        .unwrap();
    let took = begun.elapsed();
    let found = every_200_is_kept_in_order(&outcome, &doors.raw().await);
    println!(
        "tally: {} callbacks of {CLIENTS} clients in {took:?}, {} posts, {} connections ended by {} door kills, {} faults, {} broker kills, {found:?}, longest wait for a 200 {:?}",
        CLIENTS * size.each,
        outcome.samples.len(),
        outcome.ends.len(),
        down.len(),
        size.faults,
        size.broker_kills,
        outcome.longest_wait,
    );
    connections_end_only_while_the_door_is_down(&outcome.ends, &down);
    every_answer_is_200_or_503_in_time(&outcome.samples, DEADLINE);
}

/// Lets everything happen, spread over the run; when the door was down.
async fn happen(
    size: &Size,
    load: &Load,
    (proxy, doors): (&Proxy, &mut Doors),
    dice: &mut Dice,
) -> Vec<(Instant, Instant)> {
    let mut events = vec![Event::Fault; size.faults];
    events.extend(vec![Event::BrokerKill; size.broker_kills]);
    events.extend(vec![Event::DoorKill; size.door_kills]);
    for last in (1..events.len()).rev() {
        let other = usize::try_from(dice.below(last as u64 + 1)).unwrap();
        events.swap(last, other);
    }
    let (total, share) = (CLIENTS * size.each, events.len() + 1);
    let mut down = Vec::new();
    for (number, event) in events.into_iter().enumerate() {
        let due = total * (number + 1) / share;
        wait_for("the posts before the next fault", STANDSTILL, async || {
            let acknowledged = load.acknowledged();
            (acknowledged >= due)
                .then_some(())
                .ok_or_else(|| format!("{acknowledged} of {total} are answered 200"))
        })
        .await;
        match event {
            Event::Fault => fault(proxy, dice).await,
            Event::BrokerKill => {
                script("kafka-kill");
                script("kafka-start");
            }
            Event::DoorKill => {
                let killed = Instant::now();
                doors.kill(0);
                tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
                doors.spawn(0);
                doors.ready(0).await;
                down.push((killed, Instant::now()));
            }
        }
    }
    down
}

/// One fault on the way to the broker, which then passes.
async fn fault(proxy: &Proxy, dice: &mut Dice) {
    let millis = |least: u64, most: u64, dice: &mut Dice| {
        Duration::from_millis(least + dice.below(most - least))
    };
    let fate = match dice.below(4) {
        0 => return proxy.reset(),
        1 => Fate::Late(millis(20, 1_500, dice)),
        2 => Fate::Cut,
        _ => Fate::Frozen,
    };
    proxy.let_fare(fate);
    tokio::time::sleep(millis(100, 4_000, dice)).await;
    proxy.let_fare(Fate::Well);
}

/// Waits until so many more posts were answered 200.
async fn more(load: &Load, count: usize) {
    let wanted = load.acknowledged() + count;
    wait_for("posts that are answered 200", STANDSTILL, async || {
        let acknowledged = load.acknowledged();
        (acknowledged >= wanted)
            .then_some(())
            .ok_or_else(|| format!("{acknowledged} of {wanted}"))
    })
    .await;
}
