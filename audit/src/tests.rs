//! The stories of the history, each told with SQLite and with PostgreSQL.

use std::path::Path;

mod acts;
mod allowed;
mod append_only;
mod assuring;
mod bench;
mod bodies;
mod clock;
mod crash;
mod definitions;
mod erasing;
mod exactly_once;
mod finding;
mod finishing;
mod guarding;
mod heads;
mod looking;
mod order;
mod reconciled;
mod reconciling;
mod records;
mod refusing;
mod repeating;
mod retaining;
mod rotating;
mod sealing;
mod service;
mod signing;
mod tiles;
mod world;

pub(crate) use acts::own;
pub(crate) use records::About;
pub(crate) use signing::{raws, refused};
pub(crate) use world::{World, each, keep};

/// The vectors beside the checkout; none, with a printed line, where they are absent.
pub(crate) fn vectors(name: &str) -> Option<serde_json::Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/audit");
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        world::skipped(&format!("../shared/vectors/audit/{name} is absent"));
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
