//! The strict verifier: reads a whole log as an auditor finds it, computes everything again from the entries, and names
//! what does not hold. It trusts nothing but the keys and the older checkpoint that it is given.

pub mod claims;
pub mod finding;
pub mod folder;
mod form;
pub mod log;
mod rebuild;
pub mod record;
mod seen;
pub mod statement;

pub use claims::{Claims, Leaves, Pinned};
pub use finding::{Fault, Finding};
pub use folder::Folder;
pub use log::{LogReader, Report, Unread, log};
pub use record::{opening, record};
pub use seen::ClockStep;
pub use statement::statement;

#[cfg(test)]
mod tests;
