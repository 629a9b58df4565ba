#![doc = include_str!("../README.md")]
// Strangers write what is read here: nothing in it may end the process.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable
)]

#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod media;
mod parse;
mod refused;
pub mod scenarios;
pub mod sources;

mod draft;
mod form;
mod interface;
mod json;
mod known;
mod moment;
mod plain;

mod authentication;
mod docverify;
mod kyx;
mod multidocument;
mod netverify;
mod reject;
mod screening;
mod selfie;

pub use identity::{Identity, identify};
pub use media::Media;
pub use parse::parse;
pub use refused::Refused;

/// The provider's name, as it stands in topics and in the path of the door.
pub const PROVIDER: &str = "jumio";
