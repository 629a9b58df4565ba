#![doc = include_str!("../README.md")]

pub mod config;
pub mod door;
pub mod durable;
#[doc(hidden)]
pub mod fuzzing;
mod http;
pub mod orders;
pub mod providers;
pub mod secrets;
pub mod sources;
pub mod spool;
mod tally;
pub mod tls;
pub mod validate;

pub use config::Config;
