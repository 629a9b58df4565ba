//! A whole log: its checkpoint, every entry, every tile of every level, and what must not be there.

use async_trait::async_trait;

use super::{
    claims::{Claims, Leaves, SLACK, first_seen},
    finding::Finding,
    form::{self, Sequence},
    rebuild::Rebuild,
    seen::{ClockStep, Seen},
};
use crate::log::{
    bundle::{self, MAX_ENTRY},
    note::MAX_NOTE,
    policy::Satisfied,
    tile::{Rank, Tile, WIDTH},
    tree::{Hash, leaf_hash},
};

mod strays;

/// Most findings that are listed: one fault has a few that follow from it, and nobody reads more of a ruined log.
pub const MAX_FINDINGS: usize = 20;
/// Longest file of a log: a bundle of the longest entries.
const MAX_FILE: usize = (MAX_ENTRY + 2) * WIDTH as usize;

/// A log could not be read; that says nothing about whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} cannot be read: {why}")]
pub struct Unread {
    /// What was read.
    pub path: String,
    /// Why not.
    pub why: String,
}

/// Where a log is read from.
#[async_trait]
pub trait LogReader: Send + Sync {
    /// A file by its path in the log; none if it is not there. Of a longer one at least one byte more than `limit`.
    async fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unread>;

    /// The paths of all files below `tile/`; none where that cannot be asked.
    async fn list(&self) -> Result<Option<Vec<String>>, Unread>;
}

/// What became of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint, if it was accepted.
    pub accepted: Option<Satisfied>,
    /// How many entries were read.
    pub entries: u64,
    /// What does not hold, in the order in which it was found; nothing if all does.
    pub findings: Vec<Finding>,
    /// Where the log says that its clock was set, the first of them; beside a finding of dates they explain it.
    pub steps: Vec<ClockStep>,
}

impl Report {
    /// Whether the log holds.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies a whole log. `progress` is told how many of how many entries are done.
pub async fn log(
    reader: &dyn LogReader,
    claims: &Claims,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, Unread> {
    let done = walk(reader, claims, Seen::default(), progress).await;
    done.map(|(report, _)| report)
}

/// The same, and what else was seen.
pub(super) async fn walk(
    reader: &dyn LogReader,
    claims: &Claims,
    seen: Seen,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(Report, Seen), Unread> {
    let mut report = Report {
        accepted: None,
        entries: 0,
        findings: Vec::new(),
        steps: Vec::new(),
    };
    let path = "checkpoint".to_owned();
    let Some(note) = reader.read(&path, MAX_NOTE).await? else {
        report.findings.push(Finding::Missing { path });
        return Ok((report, seen));
    };
    match claims.policy.check(&note) {
        Ok(accepted) => report.accepted = Some(accepted.clone()),
        Err(error) => {
            report.findings.push(Finding::Checkpoint(error));
            return Ok((report, seen));
        }
    }
    let Some(accepted) = &report.accepted else {
        return Ok((report, seen));
    };
    let mut walk = Walk::new(claims, accepted.clone(), seen);
    let size = walk.accepted.checkpoint.size;
    if let Some((before, _)) = claims.since.as_ref().map(super::Pinned::head)
        && before > size
    {
        walk.find(Finding::Shrunk { before, now: size });
    }
    let whole = walk.entries(reader, progress).await?;
    walk.strays(reader).await?;
    if whole {
        walk.finish();
    }
    report.entries = walk.done;
    report.findings = walk.findings;
    report.steps.clone_from(&walk.seen.steps);
    Ok((report, walk.seen))
}

/// A log that is being verified.
struct Walk<'a> {
    claims: &'a Claims,
    accepted: Satisfied,
    rebuild: Rebuild,
    sequence: Sequence,
    seen: Seen,
    done: u64,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn new(claims: &'a Claims, accepted: Satisfied, seen: Seen) -> Self {
        Self {
            claims,
            accepted,
            rebuild: Rebuild::default(),
            sequence: Sequence::default(),
            seen,
            done: 0,
            findings: Vec::new(),
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// Goes through the bundles; false where one is so broken that what follows has no index.
    async fn entries(
        &mut self,
        reader: &dyn LogReader,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<bool, Unread> {
        let size = self.accepted.checkpoint.size;
        while let Some(tile) = Tile::at(Rank::Entries, self.done / u64::from(WIDTH), size) {
            let path = tile.to_string();
            let Some(data) = reader.read(&path, MAX_FILE).await? else {
                self.find(Finding::Missing { path });
                return Ok(false);
            };
            let Some(complete) = self.bundle(&tile, &data) else {
                return Ok(false);
            };
            for (tile, wanted) in complete {
                let path = tile.to_string();
                match reader.read(&path, MAX_FILE).await? {
                    Some(found) => self.tile(&tile, &wanted, &found),
                    None => self.find(Finding::Missing { path }),
                }
            }
            progress(self.done, size);
            if tile.width < WIDTH {
                break;
            }
        }
        Ok(true)
    }

    /// Takes a bundle, and gives the tiles that are complete with it; none if it does not hold exactly its entries.
    fn bundle(&mut self, tile: &Tile, data: &[u8]) -> Option<Vec<(Tile, Vec<u8>)>> {
        let entries =
            bundle::decode(data).filter(|entries| entries.len() == usize::from(tile.width));
        let Some(entries) = entries else {
            self.find(Finding::Bundle {
                path: tile.to_string(),
                entries: tile.width,
            });
            return None;
        };
        let first = self.done;
        let mut hashes = Vec::with_capacity(entries.len());
        for entry in entries {
            if self.claims.leaves == Leaves::Ours {
                self.leaf(self.done, entry);
            }
            hashes.push(leaf_hash(entry));
            self.done += 1;
        }
        self.pinned(first, &hashes);
        let size = self.accepted.checkpoint.size;
        Some(self.rebuild.push(&hashes, size))
    }

    fn leaf(&mut self, index: u64, entry: &[u8]) {
        let leaf = match form::read(entry) {
            Ok(leaf) => leaf,
            Err(fault) => return self.find(Finding::Leaf { index, fault }),
        };
        self.seen.take(index, &leaf);
        if let Some(finding) = self.sequence.next(index, &leaf) {
            self.find(finding);
        }
        if first_seen(&self.accepted).is_some_and(|seen| leaf.at > seen + SLACK) {
            self.find(Finding::DatedAhead { index });
        }
        if let Some(since) = &self.claims.since
            && index >= since.head().0
            && since.seen().is_some_and(|seen| leaf.at < seen - SLACK)
        {
            self.find(Finding::BackDated { index });
        }
    }

    /// Compares the root at the size of the older checkpoint, where that lies in or at the end of this bundle.
    fn pinned(&mut self, first: u64, hashes: &[Hash]) {
        let Some((size, root)) = self.claims.since.as_ref().map(super::Pinned::head) else {
            return;
        };
        let within = size
            .checked_sub(first)
            .and_then(|n| usize::try_from(n).ok());
        let Some(before) = within.filter(|n| *n > 0).and_then(|n| hashes.get(..n)) else {
            return;
        };
        if self.rebuild.root_with(before) != root {
            self.find(Finding::Rewritten { size });
        }
    }

    fn tile(&mut self, tile: &Tile, wanted: &[u8], found: &[u8]) {
        let path = tile.to_string();
        if wanted.len() != found.len() {
            return self.find(Finding::Length {
                path,
                wanted: wanted.len(),
                found: found.len(),
            });
        }
        let differ = |(a, b): (&[u8], &[u8])| a != b;
        let Some(at) = wanted.chunks(32).zip(found.chunks(32)).position(differ) else {
            return;
        };
        // Whether the entry or its hash is the forged one, the root will tell.
        self.find(match (tile.rank, u64::try_from(at)) {
            (Rank::Level(0), Ok(within)) => Finding::Entry {
                index: tile.index * u64::from(WIDTH) + within,
                path,
            },
            _ => Finding::Tile { path, at },
        });
    }

    /// Once all entries are read: the root, and by it what the wrong hashes of the lowest level mean.
    fn finish(&mut self) {
        let (size, root) = (self.accepted.checkpoint.size, self.accepted.checkpoint.root);
        if self.rebuild.root_with(&[]) != root {
            return self.find(Finding::Root { size });
        }
        for finding in &mut self.findings {
            if let Finding::Entry { index, path } = finding {
                let at = usize::try_from(*index % u64::from(WIDTH)).unwrap_or(0);
                let path = std::mem::take(path);
                *finding = Finding::Tile { path, at };
            }
        }
    }
}
