#![doc = include_str!("../README.md")]

pub mod config;
pub mod door;
pub mod providers;
pub mod validate;

pub use config::Config;
