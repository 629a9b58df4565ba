//! The broker stands still for a while: how long each contestant lets its clients wait, and what it tells them.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::contestant::Contestant;
use crate::load;

const CONNECTIONS: usize = 64;
/// Posts flow before the broker stops, so that every client has some under way.
const BEFORE: Duration = Duration::from_secs(3);
/// Who has no answer by then has none.
const PATIENCE: Duration = Duration::from_mins(1);
/// A client that was refused does not spin.
const PAUSE: Duration = Duration::from_millis(5);

/// What a contestant did with posts that met the frozen broker.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    pub(crate) name: String,
    pub(crate) longest: Duration,
    pub(crate) accepted: usize,
    /// How long each answer of 503 took
    pub(crate) refused: Vec<Duration>,
    pub(crate) other: usize,
    /// The connection ended, or patience did
    pub(crate) unanswered: usize,
}

impl Frozen {
    /// How long this share of the 503 took at most; none where nothing was refused.
    pub(crate) fn refused_ms(&self, share: f64) -> Option<f64> {
        let mut sorted = self.refused.clone();
        sorted.sort_unstable();
        (!sorted.is_empty()).then(|| load::quantile(&sorted, share).as_secs_f64() * 1e3)
    }

    fn count(&mut self, status: Option<u16>, took: Duration) {
        self.longest = self.longest.max(took);
        match status {
            Some(200) => self.accepted += 1,
            Some(503) => self.refused.push(took),
            Some(_) => self.other += 1,
            None => self.unanswered += 1,
        }
    }

    fn add(&mut self, part: Self) {
        self.longest = self.longest.max(part.longest);
        self.accepted += part.accepted;
        self.refused.extend(part.refused);
        self.other += part.other;
        self.unanswered += part.unanswered;
    }
}

/// A process of its own stops the broker and lets it go on: it does so too when this one panics or is told to end.
struct Stopped {
    shell: Child,
}

impl Stopped {
    fn begin(broker: u32, time: Duration) -> Self {
        let script = "trap 'kill -CONT \"$1\"' EXIT; trap 'exit 1' INT TERM HUP; kill -STOP \"$1\"; sleep \"$2\"";
        let shell = Command::new("sh")
            .args(["-c", script, "freeze"])
            .args([broker.to_string(), time.as_secs().to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { shell }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ended = self.shell.wait();
    }
}

/// When the broker stood still.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    to: Instant,
}

impl Span {
    /// Whether a post was under way in it.
    fn meets(&self, sent: Instant, answered: Instant) -> bool {
        sent < self.to && answered > self.from
    }
}

/// Posts to all at once, so that all meet the same freeze.
pub(crate) async fn run(contestants: &[&Contestant], broker: u32, time: Duration) -> Vec<Frozen> {
    let span = Span {
        from: Instant::now() + BEFORE,
        to: Instant::now() + BEFORE + time,
    };
    let over = Arc::new(AtomicBool::new(false));
    let mut clients: Vec<JoinSet<Frozen>> = Vec::new();
    for contestant in contestants {
        let mut set = JoinSet::new();
        for number in 0..CONNECTIONS {
            set.spawn(client(contestant.listen, number, span, Arc::clone(&over)));
        }
        clients.push(set);
    }
    tokio::time::sleep_until(span.from.into()).await;
    let stopped = Stopped::begin(broker, time);
    tokio::task::spawn_blocking(move || drop(stopped))
        .await
        .unwrap();
    // What is under way still gets its answer, or the client's patience ends.
    over.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for (contestant, mut set) in contestants.iter().zip(clients) {
        let mut whole = Frozen {
            name: contestant.name.clone(),
            ..Frozen::default()
        };
        while let Some(part) = set.join_next().await {
            whole.add(part.unwrap());
        }
        all.push(whole);
    }
    all
}

async fn client(door: SocketAddr, first: usize, span: Span, over: Arc<AtomicBool>) -> Frozen {
    let mut frozen = Frozen::default();
    let mut stream: Option<TcpStream> = None;
    let mut number = first;
    while !over.load(Ordering::Relaxed) {
        let request = load::request(number, "frozen");
        number += CONNECTIONS;
        let sent = Instant::now();
        let answer = timeout(PATIENCE, async {
            let open = match stream.take() {
                Some(open) => Some(open),
                None => TcpStream::connect(door).await.ok(),
            };
            let mut open = open?;
            let status = load::post(&mut open, &request).await?;
            Some((status, open))
        });
        let (status, left) = answer.await.ok().flatten().unzip();
        stream = left;
        if span.meets(sent, Instant::now()) {
            frozen.count(status, sent.elapsed());
        }
        if status != Some(200) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    frozen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_meets_the_freeze_when_it_was_under_way_in_it() {
        let second = |count| Duration::from_secs(count);
        let zero = Instant::now();
        let span = Span {
            from: zero + second(3),
            to: zero + second(23),
        };
        let meets = |sent, answered| span.meets(zero + second(sent), zero + second(answered));
        assert!(meets(2, 24) && meets(4, 5) && meets(22, 30) && meets(0, 4));
        assert!(!meets(0, 2) && !meets(23, 24));
    }

    #[test]
    fn answers_are_told_apart() {
        let mut frozen = Frozen::default();
        let millis = Duration::from_millis;
        for (status, took) in [
            (Some(200), 9),
            (Some(503), 2),
            (Some(503), 1),
            (Some(404), 1),
        ] {
            frozen.count(status, millis(took));
        }
        frozen.count(None, millis(30));
        assert_eq!((frozen.accepted, frozen.refused.len()), (1, 2));
        assert_eq!((frozen.other, frozen.unanswered), (1, 1));
        assert_eq!(frozen.longest, millis(30));
        assert_eq!(frozen.refused_ms(0.99), Some(2.0));
        assert_eq!(Frozen::default().refused_ms(0.99), None);
    }

    #[test]
    fn a_stopped_process_goes_on_though_the_bench_panics() {
        let state = |pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit(") ").next().unwrap().chars().next().unwrap()
        };
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = sleeper.id();
        let panicked = std::thread::spawn(move || {
            let _stopped = Stopped::begin(pid, Duration::from_secs(1));
            let begun = Instant::now();
            while state(pid) != 'T' {
                assert!(
                    begun.elapsed() < Duration::from_secs(10),
                    "waited for the stop"
                );
                std::thread::yield_now();
            }
            panic!("as a bench may");
        })
        .join();
        let after = state(pid);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        let message = panicked.unwrap_err();
        assert_eq!(message.downcast_ref::<&str>(), Some(&"as a bench may"));
        // It wakes before it sleeps on.
        assert!(matches!(after, 'R' | 'S'), "{after}");
    }
}
