//! The door alone, interleaved with a bare handler, so that both meet the same broker and the same noise.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    cpu,
    load::{self, Outcome},
    system::{System, free, part},
};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(6);
const CONNECTIONS: [usize; 2] = [64, 256];

/// Measures both.
pub(crate) async fn run() {
    let Some(system) = System::start(true, &["ingest"], &[]).await else {
        return;
    };
    let topic = format!("b{}.operated", system.door.port());
    let (bare_listen, mut bare) = start_bare(&topic);
    let door_pid = system.pids()[0].1;
    // A fresh broker costs several times what a warm one does.
    println!("door: warming the broker");
    for _ in 0..2 {
        load::flood(
            system.door,
            "warm",
            128,
            usize::MAX,
            Duration::from_secs(15),
        )
        .await;
        load::flood(
            bare_listen,
            "warm",
            128,
            usize::MAX,
            Duration::from_secs(15),
        )
        .await;
    }
    println!(
        "door: POST of {} bytes, acks=all; medians of {ROUNDS} rounds of {ROUND:?}",
        load::request(0, "x").len()
    );
    for connections in CONNECTIONS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let run = format!("r{round}-{connections}");
            ours.push(measure(system.door, door_pid, &run, connections).await);
            theirs.push(measure(bare_listen, bare.id(), &run, connections).await);
        }
        let (ours, theirs) = (Median::of(&mut ours), Median::of(&mut theirs));
        ours.print("idtrail", connections);
        theirs.print("bare", connections);
        println!(
            "door: {connections} connections: CPU per POST is {:.2} of the bare handler's",
            ours.cpu / theirs.cpu
        );
    }
    println!(
        "door: resident idtrail {:.0} MB, bare {:.0} MB",
        cpu::resident(door_pid),
        cpu::resident(bare.id())
    );
    bare.kill().unwrap();
    bare.wait().unwrap();
}

fn start_bare(topic: &str) -> (SocketAddr, Child) {
    let listen = free();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["bare", &listen.to_string(), &part("KAFKA").unwrap(), topic])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    (listen, child)
}

struct Measured {
    micros: f64,
    outcome: Outcome,
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn measure(door: SocketAddr, pid: u32, run: &str, connections: usize) -> Measured {
    let before = cpu::seconds(pid);
    let outcome = load::flood(door, run, connections, usize::MAX, ROUND).await;
    let spent = cpu::seconds(pid) - before;
    Measured {
        micros: spent * 1e6 / outcome.accepted.max(1) as f64,
        outcome,
    }
}

struct Median {
    cpu: f64,
    rate: f64,
    p50: Duration,
    p99: Duration,
    refused: usize,
}

impl Median {
    fn of(rounds: &mut [Measured]) -> Self {
        let refused = rounds.iter().map(|round| round.outcome.refused).sum();
        rounds.sort_by(|a, b| a.micros.total_cmp(&b.micros));
        let middle = &rounds[rounds.len() / 2];
        let (cpu, p50, p99) = (
            middle.micros,
            middle.outcome.quantile(0.5),
            middle.outcome.quantile(0.99),
        );
        rounds.sort_by(|a, b| a.outcome.rate().total_cmp(&b.outcome.rate()));
        Self {
            cpu,
            rate: rounds[rounds.len() / 2].outcome.rate(),
            p50,
            p99,
            refused,
        }
    }

    fn print(&self, name: &str, connections: usize) {
        println!(
            "door: {name:<8} {connections:>4} connections {:>7.0} posts/s  p50 {:>6.1} ms  p99 {:>6.1} ms  {:>5.1} µs CPU per POST  {} refused",
            self.rate,
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            self.cpu,
            self.refused,
        );
    }
}
