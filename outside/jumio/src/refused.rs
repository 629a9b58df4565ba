//! What a refusal says: why and where, never what stood there.

use schemas::{Generation, Refusal};

/// A body that is not a callback of this provider, or not one that can be read.
///
/// It holds no value of the body but the provider's own reference, and that only if it is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", place(field.as_deref()))]
pub struct Refused {
    /// Why.
    pub reason: Refusal,
    /// The path of the field at fault, where one is.
    pub field: Option<String>,
    /// Which interface sent it, where that could be told.
    pub generation: Option<Generation>,
    /// The provider's reference, where there is a well-formed one.
    pub provider_reference: Option<String>,
}

impl Refused {
    pub(crate) fn new(reason: Refusal) -> Self {
        Self {
            reason,
            field: None,
            generation: None,
            provider_reference: None,
        }
    }

    /// Names the field; whoever calls has made the path of plain symbols.
    pub(crate) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(crate) fn by(mut self, generation: Generation) -> Self {
        self.generation = Some(generation);
        self
    }

    pub(crate) fn about(mut self, provider_reference: Option<String>) -> Self {
        self.provider_reference = provider_reference;
        self
    }
}

fn place(field: Option<&str>) -> String {
    field
        .map(|field| format!(" at {field}"))
        .unwrap_or_default()
}
