//! Nobody is told; for measuring everything else.

use async_trait::async_trait;

use super::{Channel, Letter, SendError};

/// The channel's name.
pub(crate) const NAME: &str = "discard";

/// Takes every letter, and forgets it.
#[derive(Debug)]
pub(crate) struct Discard;

#[async_trait]
impl Channel for Discard {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn send(&self, _letter: &Letter) -> Result<Option<String>, SendError> {
        Ok(None)
    }
}
