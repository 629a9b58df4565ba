//! The door against the best of its kind: four programs, one warm broker, rounds in turn.

use std::{process::Command, time::Duration};

use clap::Args;

use crate::{
    cpu,
    system::{System, part},
};

mod contestant;
mod freeze;
mod table;
mod wrk;

use contestant::{Contestant, Rival};
use table::{Measured, Row};
use wrk::Wrk;

const CONNECTIONS: [usize; 3] = [1, 64, 256];
/// A JVM needs 20 s, a fresh broker two minutes: with four in turn each has 30.
const WARM: Duration = Duration::from_secs(30);
/// Those that only meet the frozen broker: no rate is taken of them.
const WARM_TOLD: Duration = Duration::from_secs(5);
/// Connections while warming.
const WARM_CONNECTIONS: usize = 128;
/// What a rival leaves to do when wrk cuts off its posts must not count for the next.
const SETTLE: Duration = Duration::from_millis(500);
/// As long as the alternatives were seen to hang.
const FREEZE: Duration = Duration::from_secs(20);
/// Our door's own default, which rivals are told by their client's setting.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Rounds of each contestant at each number of connections; figures are their medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a round
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Under 90 seconds in all, to see that it works; the figures mean nothing
    #[arg(long)]
    quick: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            seconds: 6,
            quick: false,
        }
    }
}

/// How long each part takes.
struct Plan {
    warm: Duration,
    rounds: usize,
    round: Duration,
    freeze: Duration,
}

impl Plan {
    fn of(options: &Options) -> Self {
        if options.quick {
            return Self {
                warm: Duration::from_secs(2),
                rounds: 1,
                round: Duration::from_secs(2),
                freeze: Duration::from_secs(6),
            };
        }
        Self {
            warm: WARM,
            rounds: options.rounds.max(1),
            round: Duration::from_secs(options.seconds.max(1)),
            freeze: FREEZE,
        }
    }
}

/// Measures all.
pub(crate) async fn run(options: &Options) {
    let Some(program) = part("BENCH_WRK") else {
        println!("door: skipped, wrk is missing; `make bench-door` says how to have it");
        return;
    };
    let Some(system) = System::start(true, &["ingest"], &[]).await else {
        return;
    };
    let plan = Plan::of(options);
    if options.quick {
        println!("door: quick, so the figures mean nothing");
    }
    let bench = Bench {
        wrk: Wrk::new(program),
        broker: broker(),
    };
    // The topic of ours, so that all write to as many partitions with the same settings.
    let topic = format!("b{}.raw", system.door.port());
    let rivals = Rival::ALL.map(|rival| Contestant::start(rival, &topic, None));
    let mut contestants = vec![Contestant::ours(&system)];
    contestants.extend(rivals.into_iter().flatten());
    bench.warm(&contestants, plan.warm);
    let rows = bench.measure(&contestants, &plan);
    println!(
        "\ndoor: POST of {} bytes, acks=all, idempotent; medians of {} rounds of {:?}, in turn. wrk cuts off the posts under way when it stops: neither counted nor broken.\n",
        wrk::body_length(),
        plan.rounds,
        plan.round
    );
    println!("{}\n{}", table::figures(&rows), table::ratios(&rows));
    println!("{}", table::asked(&rows));
    frozen(&bench, contestants, &topic, &plan).await;
}

/// Those that ran as they are, and rivals that were told to give up like ours.
async fn frozen(bench: &Bench, contestants: Vec<Contestant>, topic: &str, plan: &Plan) {
    let told = Rival::ALL
        .into_iter()
        .filter_map(|rival| Contestant::start(rival, topic, Some(DEADLINE)))
        .map(|mut told| {
            told.name = format!("{}, told to give up after {DEADLINE:?}", told.name);
            told
        });
    let told: Vec<Contestant> = told.collect();
    // A cold JVM would meet the freeze with its first post.
    bench.warm(&told, plan.warm.min(WARM_TOLD));
    let all: Vec<&Contestant> = contestants.iter().chain(&told).collect();
    let rows = freeze::run(&all, bench.broker, plan.freeze).await;
    println!(
        "door: the broker frozen for {:?} under 64 connections of each, all at once; posts that were under way in it\n",
        plan.freeze
    );
    println!("{}", table::frozen(&rows));
}

struct Bench {
    wrk: Wrk,
    broker: u32,
}

impl Bench {
    fn warm(&self, contestants: &[Contestant], time: Duration) {
        eprintln!("door: warming each for {time:?}");
        for (run, contestant) in contestants.iter().enumerate() {
            let tally = self
                .wrk
                .post(contestant.listen, run, WARM_CONNECTIONS, time);
            assert!(
                tally.accepted > 0.0,
                "{} accepts no post: {tally:?}",
                contestant.name
            );
        }
    }

    fn measure(&self, contestants: &[Contestant], plan: &Plan) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut run = contestants.len();
        for connections in CONNECTIONS {
            let mut measured = vec![Vec::new(); contestants.len()];
            for round in 0..plan.rounds {
                eprintln!("door: {connections} connections, round {}", round + 1);
                for turn in 0..contestants.len() {
                    // Nobody always comes after the same neighbour's load.
                    let at = (turn + round) % contestants.len();
                    measured[at].push(self.round(&contestants[at], run, connections, plan.round));
                    run += 1;
                }
            }
            for (contestant, rounds) in contestants.iter().zip(&measured) {
                rows.push(Row::of(&contestant.name, connections, rounds));
            }
        }
        rows
    }

    fn round(
        &self,
        contestant: &Contestant,
        run: usize,
        connections: usize,
        time: Duration,
    ) -> Measured {
        let cpu = || {
            (
                cpu::seconds_of_family(contestant.pid),
                cpu::seconds(self.broker),
            )
        };
        let before = cpu();
        let tally = self.wrk.post(contestant.listen, run, connections, time);
        let after = cpu();
        let per_post = |seconds: f64| seconds * 1e6 / tally.accepted.max(1.0);
        let measured = Measured {
            rate: tally.accepted / tally.seconds,
            p50_ms: tally.p50_ms,
            p99_ms: tally.p99_ms,
            cpu: per_post(after.0 - before.0),
            broker: per_post(after.1 - before.1),
            resident_mb: cpu::resident(contestant.pid),
            refused: tally.refused,
            broken: tally.broken,
        };
        std::thread::sleep(SETTLE);
        measured
    }
}

/// The broker's process.
fn broker() -> u32 {
    let program = format!("{}/kafka-pid", part("PARTS").unwrap());
    let output = Command::new(program).output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap()
}
