#![doc = include_str!("../README.md")]

mod directory;
mod link;
mod reference;

mod demo;
mod excerpt;
mod import;
mod party;
mod pattern;
mod shape;
mod store;
mod table;

pub use demo::demo_import;
pub use directory::{Address, Answer, Asked, Directory, Found, Refused, Unavailable};
pub use import::{Import, ImportError, ImportReport, Problem};
pub use link::{Link, LinkError};
pub use party::Settings;
pub use pattern::{PatternError, PatternFault};
pub use reference::{Named, Part, References};
pub use table::{Fit, Listed, Location, OpenError, Owner, Table};
