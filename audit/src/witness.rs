//! Witnesses (C2SP tlog-witness): others who cosign each checkpoint, and refuse one that does not continue what they
//! have seen. So even whoever holds the database and the log's key cannot show two histories.

mod answer;
mod client;
mod objection;
pub mod server;
mod settings;
mod standing;
mod submission;
mod visits;

pub(crate) use objection::{Objection, Objections};
pub use settings::{Rhythm, Witness};
pub(crate) use settings::{policy, wrong};
pub use submission::Submission;
pub(crate) use visits::Witnesses;

#[cfg(test)]
pub(crate) mod tests;
