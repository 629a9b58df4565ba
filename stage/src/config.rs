//! Settings.
/// x
#[derive(Debug)]
pub struct Settings;
/// x
#[derive(Debug)]
pub struct ConfigError;
