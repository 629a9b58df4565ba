//! T25: whoever is not listed, slow or malicious delays no listed client, and no look at the admin pages.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    corpus::{FORM, PATH, entries},
    doors::{Below, Doors},
    line::{callback, connect, share},
    steady::Steady,
    wire::{exchange, open_files, resident_kilobytes},
};
use crate::world::use_parts;

/// Posts a second of the listed client.
const RATE: u32 = 100;
/// The bound of the promise.
const PROMPT: Duration = Duration::from_millis(500);
/// What an answer of `/livez` may take.
const ALIVE: Duration = Duration::from_secs(1);
/// Connections of strangers at the same time, each followed by the next at once: what the rate comes to is up to the
/// machine. A listed client that comes anew stands in line behind so many.
const STRANGERS: usize = 500;
/// The same where the run has the machine for itself, and may open so many files.
const MANY_STRANGERS: usize = 2_000;
/// Slow senders at the same time, of heads and of bodies each.
const SLOW: usize = 100;
/// What the door's memory may grow by, once it is warm, beside a tenth.
const GROWTH_KILOBYTES: usize = 4 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// Strangers alone.
    Flood,
    /// Strangers, slow heads, slow bodies, and everything of the corpus.
    Mixed,
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_a_flood_of_strangers_delays_no_listed_client() {
    run(Attack::Flood, Duration::from_secs(15)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_a_mixed_attack_delays_no_listed_client() {
    run(Attack::Mixed, Duration::from_secs(15)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_t25_a_mixed_attack_takes_no_memory() {
    run(Attack::Mixed, Duration::from_mins(10)).await;
}

/// A run of minutes has the machine for itself.
const LONG: Duration = Duration::from_mins(1);

async fn run(attack: Attack, lasts: Duration) {
    let Some(below) = Below::one_broker() else {
        return;
    };
    // Alone, because what is measured is how prompt the door is.
    let _alone = use_parts(true, true).await;
    // The attackers of the mixed attack are neighbours of the listed client: in its own network they could take all its
    // places, which is another test's matter.
    let settings = [(
        "DOOR__ALLOW",
        "[\"127.0.0.1/32\", \"127.0.7.0/24\", \"127.0.8.0/24\"]",
    )];
    let Some(doors) = Doors::start(below, 1, &settings).await else {
        return;
    };
    let (door, pid) = (doors.listen(0), doors.pid(0));
    // The first post makes the producer, for which a broker that has just been started takes a second or more.
    good_posts(door, Duration::from_secs(1)).await;
    let before = resident_kilobytes(pid);
    let attackers = Arc::new(Attackers::default());
    let strangers = if lasts > LONG {
        MANY_STRANGERS.min(open_files().saturating_sub(1_000))
    } else {
        STRANGERS
    };
    let attacking = Arc::clone(&attackers).begin(attack, strangers, door);
    let (good, alive, memory) = tokio::join!(
        good_posts(door, lasts),
        looks_at_livez(&doors, lasts),
        memory(pid, lasts)
    );
    attackers.ended.store(true, Ordering::Relaxed);
    attacking
        .join()
        .expect("the attackers met what is promised");
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "threats: {lasts:?}, {} connections of strangers, {} slow ones, {} bad requests; {} good posts: p50 {:?}, p99 {:?}, longest {:?}; /livez at most {alive:?}; RSS before {before} KiB, at the end {} KiB",
        count(&attackers.strangers),
        count(&attackers.slow),
        count(&attackers.bad),
        good.len(),
        share(&good, 500),
        share(&good, 990),
        share(&good, 1_000),
        resident_kilobytes(pid),
    );
    if lasts > LONG {
        let third = memory.len() / 3;
        let (middle, last) = (mean(&memory[third..2 * third]), mean(&memory[2 * third..]));
        println!("threats: RSS {middle} KiB in the middle third, {last} KiB in the last");
        assert!(last <= middle + middle / 10 + GROWTH_KILOBYTES);
    }
    assert!(share(&good, 990) < PROMPT, "p99 of the listed client");
    assert!(alive < ALIVE, "the door's thread holds the admin pages up");
}

fn mean(values: &[usize]) -> usize {
    values.iter().sum::<usize>() / values.len().max(1)
}

/// Posts at a steady rate, each answered 200; how long they took, sorted.
async fn good_posts(door: SocketAddr, lasts: Duration) -> Vec<Duration> {
    let steady = Steady::new(door, RATE);
    let (outcome, ()) = tokio::join!(steady.run(), async {
        sleep(lasts).await;
        steady.stop();
    });
    assert_eq!(outcome.failed, [], "posts of a listed client");
    outcome.took
}

/// Looks at `/livez` all the time; the longest that it took.
async fn looks_at_livez(doors: &Doors, lasts: Duration) -> Duration {
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    while begun.elapsed() < lasts {
        let asked = Instant::now();
        let (status, _) = doors.page(0, "/livez").await.unwrap();
        assert_eq!(status, 200);
        longest = longest.max(asked.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    longest
}

async fn memory(pid: u32, lasts: Duration) -> Vec<usize> {
    let begun = Instant::now();
    let mut all = Vec::new();
    while begun.elapsed() < lasts {
        all.push(resident_kilobytes(pid));
        sleep(Duration::from_millis(500)).await;
    }
    all
}

#[derive(Default)]
struct Attackers {
    ended: AtomicBool,
    strangers: AtomicUsize,
    slow: AtomicUsize,
    bad: AtomicUsize,
}

impl Attackers {
    /// Attacks from a thread of its own: what the listed client waits for must be the door, not its own process.
    fn begin(
        self: Arc<Self>,
        attack: Attack,
        strangers: usize,
        door: SocketAddr,
    ) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(self.attack(attack, strangers, door));
        })
    }

    async fn attack(self: Arc<Self>, attack: Attack, strangers: usize, door: SocketAddr) {
        let mut attacking = JoinSet::new();
        for _ in 0..strangers {
            attacking.spawn(Arc::clone(&self).stranger(door));
        }
        if attack == Attack::Mixed {
            for number in 0..2 * SLOW {
                attacking.spawn(Arc::clone(&self).slow(door, number % 2 == 0));
            }
            attacking.spawn(Arc::clone(&self).bad(door));
        }
        while self.goes_on() {
            sleep(Duration::from_millis(50)).await;
            while let Some(ended) = attacking.try_join_next() {
                ended.unwrap();
            }
        }
    }

    fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Comes again and again, as fast as it is turned away.
    async fn stranger(self: Arc<Self>, door: SocketAddr) {
        let request = callback("strange", 0);
        while self.goes_on() {
            let Ok(mut stream) = connect([127, 0, 0, 2].into(), door).await else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            self.strangers.fetch_add(1, Ordering::Relaxed);
            let _cut = stream.write_all(&request).await;
            let mut answer = Vec::new();
            let _cut = timeout(ALIVE, stream.read_to_end(&mut answer)).await;
            assert!(
                answer.is_empty() || answer.starts_with(b"HTTP/1.1 403"),
                "a stranger is told nothing else"
            );
        }
    }

    /// Sends a head, or a body, a byte at a time.
    async fn slow(self: Arc<Self>, door: SocketAddr, in_the_head: bool) {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 9000\r\n"
        );
        let (at_once, slowly) = if in_the_head {
            (String::new(), head)
        } else {
            (format!("{head}\r\n"), "a".repeat(9_000))
        };
        while self.goes_on() {
            let Ok(mut stream) = connect([127, 0, 7, 1].into(), door).await else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            self.slow.fetch_add(1, Ordering::Relaxed);
            let _cut = stream.write_all(at_once.as_bytes()).await;
            for byte in slowly.bytes() {
                if stream.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::select! {
                    () = sleep(Duration::from_millis(300)) => {}
                    _ = stream.readable() => break,
                }
            }
        }
    }

    /// Everything of the corpus, again and again.
    async fn bad(self: Arc<Self>, door: SocketAddr) {
        let entries = entries();
        while self.goes_on() {
            for entry in &entries {
                if entry.status == 200 {
                    continue;
                }
                exchange(door, &entry.bytes).await;
                self.bad.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
