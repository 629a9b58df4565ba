//! A small directory to try things with.

use crate::Import;

/// Two clients: one whose second owner is active, one whose owners have all left. All addresses are at `example.test`.
pub fn demo_import() -> Import {
    Import::parse("demo.json", include_bytes!("../demo.json"))
        .expect("demo.json is part of this program, and a test reads it")
}
