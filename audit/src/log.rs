//! The transparency log as everybody reads it: tree, tiles, signed notes, checkpoints, cosignatures, proofs and policies
//! in the forms of C2SP and RFC 6962. Nothing here reads a file, a database or a clock.

pub mod bundle;
pub mod checkpoint;
pub mod consistency;
pub mod cosignature;
pub mod edge;
pub mod inclusion;
pub mod key;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod tree;

#[cfg(test)]
mod golden;
