//! The signed account of a day, held against the log that it is of.

use schemas::Topic;

use super::{
    claims::{Claims, Pinned},
    finding::Finding,
    log::{LogReader, Unread, walk},
    seen::{Day, Seen},
};
use crate::{
    body::topic_of,
    reconcile::{DAY, begin_of, first_hour},
    statement::{Statement, StatementError},
};

/// What became of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The statement, if it is one of the log's.
    pub statement: Option<Statement>,
    /// How many entries of the log were read; none where no log was given.
    pub entries: u64,
    /// What does not hold.
    pub findings: Vec<Finding>,
}

/// Verifies a statement: its signature and its sums; and, where the log is given, that the log holds and goes on from the
/// statement's checkpoint, that the day has these entries, offsets and gaps, and as many callbacks. What these came to
/// stands in sealed bodies, so it is the log's word.
pub async fn statement(
    note: &[u8],
    log: Option<&dyn LogReader>,
    claims: &Claims,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Stated, Unread> {
    let statement = match Statement::open(note, claims.policy.logs()) {
        Ok(statement) => statement,
        Err(error) => return Ok(refused(error)),
    };
    let mut findings = Vec::new();
    if !statement.account.adds_up() {
        findings.push(Finding::Sums {
            day: statement.day.clone(),
        });
    }
    let mut entries = 0;
    if let Some(reader) = log {
        let from = first_hour(&statement.day).unwrap_or_default();
        let range = (begin_of(from), begin_of(from.saturating_add(DAY)));
        let day = Day::new(range, statement.checkpoint.0);
        let claims = Claims {
            since: Some(Pinned::of_statement(&statement)),
            ..claims.clone()
        };
        let seen = Seen {
            day: Some(day),
            ..Seen::default()
        };
        let (report, seen) = walk(reader, &claims, seen, progress).await?;
        entries = report.entries;
        findings.extend(report.findings);
        // Of a log that does not hold nothing can be counted.
        if let Some(day) = seen.day.filter(|_| findings.is_empty()) {
            findings.extend(differs(&statement, &day));
        }
    }
    Ok(Stated {
        statement: Some(statement),
        entries,
        findings,
    })
}

fn refused(error: StatementError) -> Stated {
    Stated {
        statement: None,
        entries: 0,
        findings: vec![Finding::Statement(error)],
    }
}

/// What the statement says of the day that the log does not.
fn differs(statement: &Statement, day: &Day) -> Option<Finding> {
    let found = |what: &str| {
        Some(Finding::Day {
            day: statement.day.clone(),
            what: what.to_owned(),
        })
    };
    let entries = day.entries;
    let stated = statement.entries;
    if entries.map_or(stated.0 != stated.1, |entries| entries != stated) {
        return found("entries");
    }
    let ranges = day.ranges();
    let differs = |topic: &str, partition: i32| {
        let of = |ranges: &[crate::Range]| {
            let same = |one: &&crate::Range| one.topic == topic && one.partition == partition;
            ranges.iter().find(same).cloned()
        };
        of(&ranges) != of(&statement.ranges)
    };
    let named = ranges.iter().chain(&statement.ranges);
    let mut named = named.map(|one| (one.topic.as_str(), one.partition));
    if let Some((topic, partition)) = named.find(|(topic, partition)| differs(topic, *partition)) {
        return found(&format!("offsets of {topic}/{partition}"));
    }
    let callbacks = ranges
        .iter()
        .filter(|range| topic_of(&range.topic) == Some(Topic::Raw))
        .map(|range| u64::try_from(range.records).unwrap_or(0));
    if callbacks.sum::<u64>() != statement.account.accepted {
        return found("callbacks");
    }
    None
}
