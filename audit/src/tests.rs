//! The stories of the history, each told with SQLite and with PostgreSQL.

use std::path::Path;

mod acts;
mod ahead;
mod allowed;
mod append_only;
mod assuring;
mod bench;
mod bodies;
mod clock;
mod cluster;
mod covering;
mod crash;
mod definitions;
mod dying;
mod erasing;
mod exactly_once;
mod finding;
mod finishing;
mod guarding;
mod handing;
mod heads;
mod killed;
mod looking;
mod order;
mod reconciled;
mod reconciling;
mod records;
mod refusing;
mod remains;
mod repeating;
mod retaining;
mod rotating;
mod sealing;
mod seeing;
mod service;
mod signing;
mod tiles;
mod ways;
mod world;

pub(crate) use acts::own;
pub(crate) use records::About;
pub(crate) use service::until;
pub(crate) use signing::{raws, refused};
pub(crate) use world::{World, each, keep, skipped};

/// The vectors beside the checkout; none, with a printed line, where they are absent.
pub(crate) fn vectors(name: &str) -> Option<serde_json::Value> {
    let text = shared(name)?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// One of their files as it is; none, with a printed line, where it is absent.
pub(crate) fn shared(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/audit");
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        skipped(&format!("../shared/vectors/audit/{name} is absent"));
    }
    bytes
}
