//! The history: how fast it grows on each database, what it takes on disk, how soon it is witnessed, and how fast it
//! answers.

use std::path::{Path, PathBuf};

use clap::Args;

mod client;
mod feed;
mod full;
mod place;
mod plain;
mod rate;
mod size;
mod story;
mod witnessed;

use place::{Kind, Place};

/// What is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Events of each round
    #[arg(long, default_value_t = 60_000)]
    events: usize,
    /// Rounds of which the median is told
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of events that wait for a witness
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Leaves of the log that is asked and verified; 0 leaves this out
    #[arg(long, default_value_t = 10_000_000)]
    leaves: usize,
    /// Folder in which that log is kept, so that the next run need not fill it again; in `PostgreSQL` its databases are kept
    #[arg(long)]
    keep: Option<PathBuf>,
    /// `postgres` or `sqlite` alone
    #[arg(long)]
    kind: Option<Kind>,
    /// Few of everything: whether it works
    #[arg(long)]
    quick: bool,
}

/// Measures all of it.
pub(crate) async fn run(options: &Options) {
    let mut options = options.clone();
    if options.quick {
        options.events = options.events.min(12_000);
        options.rounds = 1;
        options.seconds = 10;
        options.leaves = options.leaves.min(200_000);
    }
    for kind in Kind::BOTH {
        if options.kind.is_none_or(|asked| asked == kind) {
            Box::pin(measure(kind, &options)).await;
        }
    }
}

async fn measure(kind: Kind, options: &Options) {
    let new = tempfile::tempdir().unwrap();
    if options.rounds > 0 {
        let Some(place) = place(kind, &new.path().join("rate"), false).await else {
            return;
        };
        rate::run(&place, new.path(), (options.events, options.rounds)).await;
        place.clear().await;
    }
    if options.seconds > 0
        && let Some(mut place) = place(kind, &new.path().join("witnessed"), false).await
    {
        witnessed::run(&mut place, new.path(), options.seconds).await;
        place.clear().await;
    }
    let kept = options.keep.as_ref().map(|keep| keep.join(kind.name()));
    let is_kept = kept.is_some();
    let folder = kept.unwrap_or_else(|| new.path().join("full"));
    if options.leaves > 0
        && let Some(mut place) = place(kind, &folder, is_kept).await
    {
        Box::pin(full::run(&mut place, &folder, options.leaves)).await;
        place.clear().await;
    }
}

async fn place(kind: Kind, folder: &Path, kept: bool) -> Option<Place> {
    std::fs::create_dir_all(folder).unwrap();
    let place = Place::open(kind, folder, kept).await;
    if place.is_none() {
        println!("audit {}: skipped, the part is missing", kind.name());
    }
    place
}

/// How busy the machine is: beside every figure, because it decides what that means.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
