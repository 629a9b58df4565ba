//! The time stamps in a pack: each over an older checkpoint of the same log, with the way from that to the pack's.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Record,
    check::{Files, take},
};
use crate::{
    log::{checkpoint::Checkpoint, consistency, tree::Hash, tree::sha256},
    stamp::token,
    verify::{self, Claims, Finding, claims::SLACK},
};

/// Most time stamps of a pack: six weeks of one an hour. Beyond it the later entries have none.
pub(crate) const MAX_STAMPS: usize = 1_000;
/// Where they stand.
const FOLDER: &str = "timestamps/";
const TOKEN: &str = ".tsr";
const CHECKPOINT: &str = ".checkpoint";
const WAY: &str = ".consistency";

/// A time stamp as a pack carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// How many entries its checkpoint covers.
    pub size: u64,
    /// The checkpoint as it was stamped, byte for byte.
    pub checkpoint: String,
    /// The authority's reply (RFC 3161).
    pub token: Vec<u8>,
    /// From that checkpoint to the pack's.
    pub consistency: Vec<Hash>,
}

/// A time stamp that fits; whose it is, this does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// How many entries its checkpoint covers.
    pub size: u64,
    /// The time in it, in milliseconds since 1970.
    pub at: i64,
}

/// Its files.
pub(super) fn files(stamp: &Stamp) -> [(String, Vec<u8>); 3] {
    let name = |end: &str| format!("{FOLDER}{}{end}", stamp.size);
    [
        (name(TOKEN), stamp.token.clone()),
        (name(CHECKPOINT), stamp.checkpoint.as_bytes().to_vec()),
        (name(WAY), hashes(&stamp.consistency).into_bytes()),
    ]
}

/// Hashes as lines of base64.
pub(super) fn hashes(hashes: &[Hash]) -> String {
    hashes
        .iter()
        .map(|hash| STANDARD.encode(hash) + "\n")
        .collect()
}

/// Hashes from lines of base64.
pub(super) fn hashes_of(text: &[u8]) -> Option<Vec<Hash>> {
    let hash = |line: &str| -> Option<Hash> { STANDARD.decode(line).ok()?.try_into().ok() };
    std::str::from_utf8(text).ok()?.lines().map(hash).collect()
}

/// Takes all time stamps out of the files, and checks them against the pack's checkpoint and its records.
pub(super) fn check(
    files: &mut Files,
    now: &Checkpoint,
    records: &[Record],
    claims: &Claims,
) -> Result<Vec<Stamped>, Finding> {
    let names = files.keys();
    let names = names.filter_map(|name| name.strip_prefix(FOLDER)?.strip_suffix(TOKEN));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let mut all = Vec::new();
    for name in names {
        let stamped = one(files, &name, now, claims)?;
        times(&stamped, records)?;
        all.push(stamped);
    }
    all.sort_by_key(|stamped| stamped.size);
    Ok(all)
}

fn one(
    files: &mut Files,
    name: &str,
    now: &Checkpoint,
    claims: &Claims,
) -> Result<Stamped, Finding> {
    let path = |end: &str| format!("{FOLDER}{name}{end}");
    let reply = take(files, &path(TOKEN))?;
    let note = take(files, &path(CHECKPOINT))?;
    let way = take(files, &path(WAY))?;
    // Its quorum may have been another then; the log's own signature is what binds it.
    let policy = claims.policy.without_witnesses();
    let old = policy.check(&note).map_err(Finding::Since)?.checkpoint;
    let token = token::read(&reply).map_err(|_| Finding::Stamp { path: path(TOKEN) })?;
    if token.imprint != sha256(&[&note]) || old.size.to_string() != name {
        return Err(Finding::Stamp { path: path(TOKEN) });
    }
    if old.size > now.size {
        return Err(Finding::Shrunk {
            before: old.size,
            now: now.size,
        });
    }
    let way = hashes_of(&way).ok_or_else(|| Finding::Form { path: path(WAY) })?;
    let (from, to) = ((old.size, &old.root), (now.size, &now.root));
    if !consistency::verify(from, to, &way) {
        return Err(Finding::Rewritten { size: old.size });
    }
    Ok(Stamped {
        size: old.size,
        at: token.at,
    })
}

/// What the stamped checkpoint has is not younger than the stamp, and what it has not is not older.
fn times(stamped: &Stamped, records: &[Record]) -> Result<(), Finding> {
    for record in records {
        let index = record.index;
        let at = verify::record::time(index, record.leaf.as_bytes())?;
        if index < stamped.size && at > stamped.at + SLACK {
            return Err(Finding::DatedAhead { index });
        }
        if index >= stamped.size && at < stamped.at - SLACK {
            return Err(Finding::BackDated { index });
        }
    }
    Ok(())
}
