#![doc = include_str!("../README.md")]

pub mod config;
pub mod door;
mod http;
pub mod providers;
pub mod tls;
pub mod validate;

pub use config::Config;
