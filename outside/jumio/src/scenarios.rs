//! Made-up callbacks, one for each thing that the provider can say and for each way to say it wrongly.
//!
//! They are data: each has a name, says what verdict it must get, and writes its body around whatever
//! references, time and personal values it is given. So a load generator, a privacy test and the list of
//! `idtrail emit` share one table. All bodies are made by us.

mod bodies;
mod fill;
mod others;
mod personal;
mod rejects;
mod scans;
mod spoilt;
mod write;

use std::sync::LazyLock;

use schemas::{Generation, Kind, Outcome, Refusal};

use crate::Media;

pub use fill::{Fill, PersonalFill};

/// One made-up callback.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// How its body is written.
    pub media: Media,
    /// Which interface would send it; none where that cannot be told.
    pub generation: Option<Generation>,
    /// The verdict that it must get.
    pub must: Must,
    template: bodies::Template,
}

/// The verdict that a made-up callback must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// It is read, and comes to this.
    Check {
        /// What the check came to.
        outcome: Outcome,
        /// What was checked; none where the callback does not say.
        kind: Option<Kind>,
    },
    /// It is refused.
    Refuse(Refusal),
}

impl Scenario {
    /// Writes the body.
    pub fn body(&self, fill: &Fill) -> String {
        self.template.write(fill)
    }
}

impl std::fmt::Display for Must {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Check {
                outcome,
                kind: Some(kind),
            } => write!(f, "{outcome} ({kind})"),
            Self::Check {
                outcome,
                kind: None,
            } => outcome.fmt(f),
            Self::Refuse(refusal) => write!(f, "rejected: {refusal}"),
        }
    }
}

static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    [
        scans::SCENARIOS,
        rejects::SCENARIOS,
        others::SCENARIOS,
        spoilt::SCENARIOS,
    ]
    .concat()
});

/// Every made-up callback.
pub fn all() -> &'static [Scenario] {
    &ALL
}

/// The made-up callback of this name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    all().iter().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        let names: BTreeSet<_> = all().iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all().len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(named(name).is_some());
        }
    }
}
