//! Events a second into each database, bytes on disk, and the share of plain COPY.

use std::{path::Path, process::Command, time::Instant};

use super::{
    feed::Feed,
    load_average,
    place::{Kind, Place},
    plain::Plain,
    size,
    story::{EVENTS, Story},
};
use crate::{cpu, system::part};

/// Events that the service stores in one transaction where there is a backlog; plain COPY gets the same.
const TRANSACTION: usize = 4_000;

/// Measures one database; the folder is for what copying needs.
pub(crate) async fn run(place: &Place, folder: &Path, (events, rounds): (usize, usize)) {
    let story = Story::of_new_clients().await;
    let feed = Feed::default();
    let checks = i64::try_from(events / EVENTS).unwrap();
    let mut plain = match place.kind {
        Kind::Postgres => Some(Plain::new(place, folder).await),
        Kind::Sqlite => None,
    };
    let measurement = async {
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        // The first round pays for connections, prepared statements and cold caches.
        for round in 0..=rounds {
            let next = checks * i64::try_from(round).unwrap();
            let rate = one(place, &feed, story.records(next..next + checks)).await;
            if let Some(plain) = &mut plain {
                let plain = copy(place, plain, events).await;
                ratios.push(rate / plain);
            }
            rates.push(rate);
        }
        (rates.split_off(1), ratios.split_off(ratios.len().min(1)))
    };
    let (rates, ratios) = place.serve(&feed, measurement).await;
    let name = place.kind.name();
    println!(
        "audit {name}: {:.0} events/s, the median of {rounds} rounds",
        median(rates)
    );
    if !ratios.is_empty() {
        println!(
            "audit {name}: {:.2} of plain COPY of the same rows, the median",
            median(ratios)
        );
    }
    tell_size(place).await;
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn one(place: &Place, feed: &Feed, records: Vec<stage::Record>) -> f64 {
    let count = records.len();
    let bytes: usize = records.iter().map(stage::Record::bytes).sum();
    let before = place.events().await;
    let (ours, theirs) = (cpu::seconds(std::process::id()), postgres_cpu(place.kind));
    let begun = Instant::now();
    feed.push(records);
    place.holds(before + i64::try_from(count).unwrap()).await;
    let seconds = begun.elapsed().as_secs_f64();
    let rate = count as f64 / seconds;
    let each = |spent: f64| spent * 1e6 / count as f64;
    eprintln!(
        "audit {}: {count} events of {} bytes in {seconds:.2} s = {rate:.0}/s; CPU {:.0} us here, {:.0} us in PostgreSQL each; load {}",
        place.kind.name(),
        bytes / count,
        each(cpu::seconds(std::process::id()) - ours),
        each(postgres_cpu(place.kind) - theirs),
        load_average(),
    );
    rate
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn copy(place: &Place, plain: &mut Plain, events: usize) -> f64 {
    let rows = plain.out(place).await;
    let counts: Vec<usize> = rows
        .iter()
        .flatten()
        .map(super::plain::Rows::count)
        .collect();
    let theirs = postgres_cpu(place.kind);
    let seconds = plain
        .into(&rows, events.div_ceil(TRANSACTION))
        .await
        .as_secs_f64();
    let rate = events as f64 / seconds;
    eprintln!(
        "audit plain COPY: rows {counts:?} in {seconds:.2} s = {rate:.0} events/s; CPU {:.0} us in PostgreSQL each",
        (postgres_cpu(place.kind) - theirs) * 1e6 / events as f64,
    );
    rate
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
async fn tell_size(place: &Place) {
    let events = place.events().await as f64;
    for (what, database) in [("history", &place.history), ("keys", &place.keys)] {
        let (tables, indexes) = size::of(database).await;
        println!(
            "audit {}: {what}: {:.0} bytes an event in tables, {:.0} in indexes",
            place.kind.name(),
            tables as f64 / events,
            indexes as f64 / events,
        );
    }
}

fn postgres_cpu(kind: Kind) -> f64 {
    let Some(parts) = part("PARTS").filter(|_| kind == Kind::Postgres) else {
        return 0.0;
    };
    let output = Command::new(format!("{parts}/postgres-pid"))
        .output()
        .unwrap();
    let pid = String::from_utf8_lossy(&output.stdout).trim().parse();
    pid.map_or(0.0, cpu::seconds_of_family)
}

/// The value in the middle; of an even number the mean of the two there.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(value), 1) => *value,
        (Some(above), _) => f64::midpoint(values[middle - 1], *above),
        (None, _) => f64::NAN,
    }
}
