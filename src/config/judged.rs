//! What `config check` looks at: all that each process would refuse at its start, before any is started.

use std::sync::Arc;

use stage::SystemClock;

use super::All;
use crate::{exit::Failure, kafka};

/// An error names the setting that a process would not start with.
pub(super) fn whole(all: &All) -> Result<(), Failure> {
    all.check()?;
    if all.broker.kind == "kafka" {
        // Reads the properties and the files that they name; nothing is asked of a broker.
        kafka::open(all, Arc::new(SystemClock))?;
    }
    if all.audit.names_a_key() {
        all.audit.check()?;
    }
    Ok(())
}
