#![doc = include_str!("../README.md")]

pub mod broker;
pub mod chance;
pub mod clock;
pub mod codec;
pub mod config;
pub mod database;
pub mod failure;
pub mod health;
pub mod keep;
pub mod record;
pub mod registry;
pub mod relay;
pub mod retry;
pub mod run;
pub mod stopper;
pub mod telemetry;
pub mod trace;

pub use broker::{Broker, BrokerError, Extent, Publisher, Reader, Start, Subscription};
pub use chance::Chance;
pub use clock::{Clock, SystemClock};
pub use codec::{Codec, Unreadable};
pub use config::{ConfigError, Settings};
pub use failure::{Failure, Retry};
pub use health::Health;
pub use record::{Output, Record};
pub use registry::{Registry, RegistryError};
pub use run::{BatchLimit, Context, Decide};
pub use stopper::Stopper;
