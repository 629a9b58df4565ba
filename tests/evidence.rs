//! Evidence as an auditor gets it, judged by programs that are not ours.

mod analysed;
mod assurance;
mod browser;
mod commands;
mod foreign;
mod forged;
mod made;
mod packs;
mod remote;
mod stamps;
mod table;
mod witness;
