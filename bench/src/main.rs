//! Measures what idtrail costs and how fast it is; prints figures and never fails on one.
#![expect(clippy::print_stdout, reason = "figures are printed")]
#![expect(
    clippy::print_stderr,
    reason = "progress is told apart from the figures"
)]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use clap::{Parser, Subcommand};

// As the released binary does: what is measured in this process must not differ by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod bare;
mod cpu;
mod door;
mod history;
mod idle;
mod latency;
mod load;
mod pipeline;
mod system;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Everything but `memory` and `audit`
    All,
    /// Events into the history, and answers from it
    Audit(history::Options),
    /// The door against bare handlers in Rust, Go and Java
    Door(door::Options),
    /// From POST to audited
    Pipeline {
        /// Callbacks of each round
        #[arg(long, default_value_t = 40_000)]
        posts: usize,
        /// `real`, `embedded` or both
        #[arg(long)]
        kind: Option<String>,
    },
    /// From POST to mail
    Latency {
        /// Seconds of load
        #[arg(long, default_value_t = 30)]
        seconds: u64,
    },
    /// `idtrail up` with nothing to do
    Idle,
    /// Memory under load
    Memory {
        /// Minutes of load
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// The bare handler that the door is compared with; started by `door`
    #[command(hide = true)]
    Bare {
        listen: std::net::SocketAddr,
        bootstrap: String,
        topic: String,
        deadline: Option<u64>,
        #[arg(long)]
        keyed: bool,
    },
}

#[tokio::main]
async fn main() {
    match Arguments::parse().what {
        What::All => {
            machine();
            door::run(&door::Options::default()).await;
            pipeline::run(40_000, None).await;
            latency::run(30).await;
            idle::run().await;
        }
        What::Door(options) => {
            machine();
            door::run(&options).await;
        }
        What::Audit(options) => {
            machine();
            Box::pin(history::run(&options)).await;
        }
        What::Pipeline { posts, kind } => pipeline::run(posts, kind.as_deref()).await,
        What::Latency { seconds } => latency::run(seconds).await,
        What::Idle => idle::run().await,
        What::Memory { minutes } => idle::memory(minutes).await,
        What::Bare {
            listen,
            bootstrap,
            topic,
            deadline,
            keyed,
        } => bare::serve(listen, &bootstrap, topic, deadline, keyed).await,
    }
}

fn machine() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(": ").nth(1));
    let cores = info
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    println!("machine: {cores} cores, {}", model.unwrap_or("unknown"));
}
