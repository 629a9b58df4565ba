//! What the rounds come to: medians, ratios and what was asked, as Markdown.

use std::fmt::Write as _;

use super::freeze::Frozen;

/// One round of one contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Microseconds of the contestant's CPU for each accepted post
    pub(crate) cpu: f64,
    /// The same of the broker's
    pub(crate) broker: f64,
    pub(crate) resident_mb: f64,
    pub(crate) refused: f64,
    pub(crate) broken: f64,
}

/// A contestant's rounds at one number of connections, each figure the median of its own.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) median: Measured,
}

impl Row {
    /// Of at least one round; posts refused and broken are added up.
    pub(crate) fn of(name: &str, connections: usize, rounds: &[Measured]) -> Self {
        let each = |figure: fn(&Measured) -> f64| median(rounds.iter().map(figure).collect());
        let median = Measured {
            rate: each(|round| round.rate),
            p50_ms: each(|round| round.p50_ms),
            p99_ms: each(|round| round.p99_ms),
            cpu: each(|round| round.cpu),
            broker: each(|round| round.broker),
            resident_mb: each(|round| round.resident_mb),
            refused: rounds.iter().map(|round| round.refused).sum(),
            broken: rounds.iter().map(|round| round.broken).sum(),
        };
        Self {
            name: name.to_owned(),
            connections,
            median,
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// The figures.
pub(crate) fn figures(rows: &[Row]) -> String {
    let mut text = String::from(
        "| connections | | posts/s | p50 ms | p99 ms | CPU µs/post | broker CPU µs/post | RSS MB | not 200 | broken |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for Row {
        name,
        connections,
        median: m,
    } in rows
    {
        let _ = writeln!(
            text,
            "| {connections} | {name} | {:.0} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
            m.rate, m.p50_ms, m.p99_ms, m.cpu, m.broker, m.resident_mb, m.refused, m.broken
        );
    }
    text
}

/// The first row of each number of connections divided by the others of it.
pub(crate) fn ratios(rows: &[Row]) -> String {
    let mut text = String::from(
        "| connections | ratio | posts/s | p50 | p99 | CPU/post | broker CPU/post | RSS |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (ours, theirs) in pairs(rows) {
        let (a, b) = (&ours.median, &theirs.median);
        let _ = writeln!(
            text,
            "| {} | {} / {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            ours.connections,
            ours.name,
            theirs.name,
            a.rate / b.rate,
            a.p50_ms / b.p50_ms,
            a.p99_ms / b.p99_ms,
            a.cpu / b.cpu,
            a.broker / b.broker,
            a.resident_mb / b.resident_mb
        );
    }
    text
}

fn pairs(rows: &[Row]) -> impl Iterator<Item = (&Row, &Row)> {
    let first = |row: &Row| {
        rows.iter()
            .find(|other| other.connections == row.connections)
    };
    rows.iter()
        .filter_map(move |row| Some((first(row)?, row)))
        .filter(|(ours, theirs)| ours.name != theirs.name)
}

/// What was asked of ours, and whether it holds.
pub(crate) fn asked(rows: &[Row]) -> String {
    let mut text = String::from("| asked | connections | found | |\n|---|---|---|---|\n");
    let mut line = |what: &str, connections: usize, found: f64, holds: bool| {
        let holds = if holds { "holds" } else { "**falls short**" };
        let _ = writeln!(text, "| {what} | {connections} | {found:.2} | {holds} |");
    };
    for (ours, theirs) in pairs(rows) {
        let (a, b) = (&ours.median, &theirs.median);
        let (cpu, rate, p50, p99) = (
            a.cpu / b.cpu,
            a.rate / b.rate,
            a.p50_ms / b.p50_ms,
            a.p99_ms / b.p99_ms,
        );
        let at = ours.connections;
        match (theirs.name.as_str(), at) {
            ("bare", 64 | 256) => {
                line("CPU per post at most 1.2 of bare", at, cpu, cpu <= 1.2);
                line("posts/s at least 0.9 of bare", at, rate, rate >= 0.9);
                line("p99 at most 1.15 of bare", at, p99, p99 <= 1.15);
            }
            ("Go", 1) => line("p50 no worse than Go's", at, p50, p50 <= 1.0),
            ("Go", 64) => line("CPU per post at most 0.65 of Go", at, cpu, cpu <= 0.65),
            ("Go", 256) => line("CPU per post at most 0.75 of Go", at, cpu, cpu <= 0.75),
            ("Java", 64 | 256) => {
                line("goal: CPU per post no more than Java", at, cpu, cpu <= 1.0);
                line("goal: posts/s no fewer than Java", at, rate, rate >= 1.0);
                line("goal: p99 no worse than Java", at, p99, p99 <= 1.0);
            }
            _ => {}
        }
    }
    let ours = rows.first().map_or("", |row| &row.name);
    for row in rows.iter().filter(|row| row.name == ours) {
        let resident = row.median.resident_mb;
        line(
            "RSS at most 40 MB",
            row.connections,
            resident,
            resident <= 40.0,
        );
    }
    text
}

/// What each did while the broker was frozen.
pub(crate) fn frozen(rows: &[Frozen]) -> String {
    let mut text = String::from(
        "| | longest answer s | 200 | 503 | p50 / p99 of the 503 ms | other answers | no answer |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let refused = match (row.refused_ms(0.5), row.refused_ms(0.99)) {
            (Some(p50), Some(p99)) => format!("{p50:.1} / {p99:.1}"),
            _ => "–".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | {:.2} | {} | {} | {refused} | {} | {} |",
            row.name,
            row.longest.as_secs_f64(),
            row.accepted,
            row.refused.len(),
            row.other,
            row.unanswered
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(rate: f64, cpu: f64) -> Measured {
        Measured {
            rate,
            p50_ms: 2.0,
            p99_ms: 10.0,
            cpu,
            broker: 20.0,
            resident_mb: 30.0,
            refused: 1.0,
            broken: 0.0,
        }
    }

    #[test]
    fn a_row_holds_medians_and_sums_of_what_went_wrong() {
        let rounds = [round(100.0, 9.0), round(300.0, 1.0), round(200.0, 5.0)];
        let row = Row::of("idtrail", 64, &rounds);
        assert_eq!(
            (row.median.rate, row.median.cpu, row.median.refused),
            (200.0, 5.0, 3.0)
        );
        let row = Row::of("idtrail", 64, &rounds[..2]);
        assert!((row.median.rate - 200.0).abs() < 1e-9);
    }

    #[test]
    fn ratios_are_taken_within_one_number_of_connections() {
        let rows = [
            Row::of("idtrail", 64, &[round(100.0, 12.0)]),
            Row::of("bare", 64, &[round(200.0, 10.0)]),
            Row::of("idtrail", 256, &[round(100.0, 13.0)]),
            Row::of("bare", 256, &[round(100.0, 10.0)]),
        ];
        let text = ratios(&rows);
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("| 64 | idtrail / bare | 0.50 | 1.00 | 1.00 | 1.20 | 1.00 | 1.00 |"));
        let text = asked(&rows);
        assert!(text.contains("| CPU per post at most 1.2 of bare | 64 | 1.20 | holds |"));
        assert!(
            text.contains("| CPU per post at most 1.2 of bare | 256 | 1.30 | **falls short** |")
        );
        assert!(text.contains("| posts/s at least 0.9 of bare | 64 | 0.50 | **falls short** |"));
    }
}
