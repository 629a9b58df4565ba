//! One test for each threat to the door (T01 …); `docs/threats.md` says which proves which.

mod alarms;
mod corpus;
mod doors;
mod faults;
mod flood;
mod framing;
mod line;
mod list;
mod log;
mod orders;
mod parsing;
mod proxies;
mod rolling;
mod seeds;
mod slow;
mod source;
mod spool;
mod steady;
mod telling;
mod tls;
mod untaken;
mod waiting;
mod wire;
