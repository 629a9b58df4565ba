//! The drain: sends what is spooled to the broker, in order per key, and deletes it once the broker has acknowledged it.
//!
//! A crash between the two sends a record again: the same bytes get the same event id, so a repeat does no harm.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use stage::{BrokerError, Output, retry::Pauses};

use super::{
    Spool,
    file::Reason,
    ring::{Hash, Ring},
    row::{Row, Stub},
};
use crate::durable::{breaker, gate::Gate};

/// Rows read at a time; at the largest body of the door they are 16 MiB. Few in tests, so that keys span pages.
const PAGE: u32 = if cfg!(test) { 4 } else { 64 };
/// Keys whose records are on their way at the same time.
const LANES: usize = 64;
/// The first pause after nothing could be sent.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How often the numbers are told while there is nothing to do.
const TICK: Duration = Duration::from_secs(1);

/// Rows of one key, oldest first.
type Lane = (Hash, Vec<(Stub, Output)>);

/// What has become of rows.
#[derive(Debug, Default)]
struct Outcome {
    sent: Vec<Stub>,
    aside: Vec<(Stub, Reason)>,
    /// Keys with a row that could not be sent: their later rows wait for it.
    stuck: Vec<Hash>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.aside.extend(other.aside);
        self.stuck.extend(other.stuck);
    }
}

/// Drains for ever.
pub(super) async fn run(spool: &Spool, gate: &Gate, deadline: Duration) {
    let mut pauses = pauses();
    loop {
        spool.tell();
        if spool.is_drained() {
            let _tick = tokio::time::timeout(TICK, spool.filled.notified()).await;
            continue;
        }
        if round(spool, gate, deadline).await {
            pauses = self::pauses();
        } else {
            tokio::time::sleep(pauses.next_pause()).await;
        }
    }
}

fn pauses() -> Pauses {
    Pauses::between(FIRST_PAUSE, breaker::CEILING)
}

/// Goes once through what the spool holds now; whether anything could be sent.
///
/// A key that is stuck holds up nobody else: the rows after it are looked at, but for those of the same key.
async fn round(spool: &Spool, gate: &Gate, deadline: Duration) -> bool {
    let before = spool.ledger().next();
    let (mut after, mut stuck, mut moved) = (0, HashSet::new(), false);
    loop {
        let Some(page) = spool.page((after, before), PAGE).await else {
            return moved;
        };
        let Some(last) = page.last() else {
            return moved;
        };
        after = last.seq;
        let (lanes, unreadable) = lanes(&spool.ring, page, &stuck);
        let mut outcome = Outcome {
            aside: unreadable,
            ..Outcome::default()
        };
        let was_open = gate.is_open();
        let sending = lanes.into_iter().map(|lane| send(lane, gate, deadline));
        let mut sending = stream::iter(sending).buffer_unordered(LANES);
        while let Some(one) = sending.next().await {
            outcome.add(one);
        }
        stuck.extend(outcome.stuck.drain(..));
        let progress = !outcome.sent.is_empty() || !outcome.aside.is_empty();
        settle(spool, outcome).await;
        moved |= progress;
        match (was_open, gate.is_open()) {
            // The broker is back: begin again with the oldest.
            (true, false) => return true,
            (_, true) if !progress => tokio::time::sleep(FIRST_PAUSE).await,
            (_, _) => {}
        }
        spool.tell();
    }
}

/// The rows by key, without those of stuck keys; and what cannot be opened.
fn lanes(ring: &Ring, page: Vec<Row>, stuck: &HashSet<Hash>) -> (Vec<Lane>, Vec<(Stub, Reason)>) {
    let mut lanes: BTreeMap<Hash, Lane> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for row in page {
        let Some(output) = row.open(ring) else {
            unreadable.push((row.stub(), Reason::Unreadable));
            continue;
        };
        // Not the hash outside, which after a change of keys is another for the same record key.
        let hash = ring.hash(&output.key);
        if !stuck.contains(&hash) {
            let lane = lanes.entry(hash).or_insert_with(|| (hash, Vec::new()));
            lane.1.push((row.stub(), output));
        }
    }
    (lanes.into_values().collect(), unreadable)
}

/// Sends the rows of one key, one after the other, up to the first that cannot be sent.
async fn send((hash, rows): Lane, gate: &Gate, deadline: Duration) -> Outcome {
    let mut outcome = Outcome::default();
    for (stub, output) in rows {
        let answer = match gate.pass() {
            Some(passage) => passage.append(output, deadline).await.map(|_| ()),
            None => Err(BrokerError::Unavailable("it is not asked now".to_owned())),
        };
        match answer {
            Ok(()) => outcome.sent.push(stub),
            Err(BrokerError::TooLarge(_)) => outcome.aside.push((stub, Reason::TooLarge)),
            Err(error) => {
                tracing::debug!("a spooled record could not be sent: {error}");
                outcome.stuck.push(hash);
                break;
            }
        }
    }
    outcome
}

/// Deletes what was sent. Tried until it is done: to begin anew would send it all again.
async fn settle(spool: &Spool, outcome: Outcome) {
    let (sent, aside) = (outcome.sent, outcome.aside);
    if sent.is_empty() && aside.is_empty() {
        return;
    }
    for (stub, reason) in &aside {
        tracing::error!(
            seq = stub.seq,
            reason = reason.as_str(),
            "a spooled record can never be sent: it is kept in `set_aside` of the spool's file"
        );
    }
    let mut pauses = pauses();
    while !spool.settle(sent.clone(), aside.clone()).await {
        tokio::time::sleep(pauses.next_pause()).await;
    }
    metrics::counter!("idtrail_ingest_spool_drained_total").increment(sent.len() as u64);
    metrics::counter!("idtrail_ingest_spool_set_aside_total").increment(aside.len() as u64);
}
