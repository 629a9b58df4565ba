//! One test for each threat to the door (T01 …); `docs/threats.md` says which proves which.

mod corpus;
mod framing;
mod slow;
mod tls;

mod wire;
