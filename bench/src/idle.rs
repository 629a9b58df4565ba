//! Memory and CPU: with nothing to do, and over minutes of load.

use std::time::{Duration, Instant};

use crate::{cpu, load, system::System};

/// `idtrail up` with nothing to do.
#[expect(clippy::cast_precision_loss, reason = "seconds of a bench")]
pub(crate) async fn run() {
    const SECONDS: u64 = 60;
    let Some(system) = System::start(false, &[], &[]).await else {
        return;
    };
    let pid = system.pids()[0].1;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = cpu::seconds(pid);
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let share = (cpu::seconds(pid) - before) / SECONDS as f64 * 100.0;
    println!(
        "idle: `idtrail up` {:.0} MB resident, {share:.2} % of a core over {SECONDS} s",
        cpu::resident(pid)
    );
}

/// Memory of every process over minutes of load, both kinds.
pub(crate) async fn memory(minutes: u64) {
    for (name, real) in [("real", true), ("embedded", false)] {
        let services = ["ingest", "validate", "enrich", "notify", "audit"];
        let Some(system) = System::start(real, &services, &[("NOTIFY__CHANNEL", "discard")]).await
        else {
            continue;
        };
        let begun = Instant::now();
        let mut minute = 0;
        while begun.elapsed() < Duration::from_mins(minutes) {
            let run = format!("m{minute}");
            let outcome = load::flood(system.door, &run, 16, 30_000, Duration::from_secs(50)).await;
            tokio::time::sleep(Duration::from_mins(minute + 1).saturating_sub(begun.elapsed()))
                .await;
            let sizes: Vec<String> = system
                .pids()
                .into_iter()
                .map(|(name, pid)| format!("{name} {:.0}", cpu::resident(pid)))
                .collect();
            println!(
                "memory {name}: minute {minute}, {} callbacks, resident MB: {}",
                outcome.accepted,
                sizes.join(", ")
            );
            minute += 1;
        }
    }
}
