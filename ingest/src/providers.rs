//! The list of providers: one line each.

use schemas::{Facts, Generation, Refusal};

/// What the door needs to know of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The record key: our customer reference, else our transaction reference, else the provider's.
    pub key: String,
}

/// Why a body is refused; never a value but a well-formed provider reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The closed code.
    pub reason: Refusal,
    /// The path of the field at fault.
    pub field: Option<String>,
    /// The interface, where it was recognised.
    pub generation: Option<Generation>,
    /// The provider's reference, where it could be read.
    pub provider_reference: Option<String>,
}

/// A provider whose callbacks come in through the door. All of it is pure.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Its name, which is also its path segment.
    pub name: &'static str,
    /// The media type of a content type, as `form` or `json`; none where the provider does not send it.
    pub media: fn(&str) -> Option<&'static str>,
    /// Finds the references of a body, and refuses what has none.
    pub identify: fn(&str, &[u8]) -> Result<Identity, Refused>,
    /// Reads a body and holds it against the contract.
    pub parse: fn(&str, &[u8]) -> Result<Facts, Refused>,
}

/// Every provider.
pub const PROVIDERS: &[Provider] = &[Provider {
    name: jumio::PROVIDER,
    media: |content_type| jumio::Media::of_content_type(content_type).map(jumio::Media::as_str),
    identify: |media, body| {
        let identity = jumio::identify(jumio_media(media), body).map_err(refused)?;
        Ok(Identity {
            key: identity.key().to_owned(),
        })
    },
    parse: |media, body| jumio::parse(jumio_media(media), body).map_err(refused),
}];

/// The provider of this name.
pub fn by_name(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

fn jumio_media(media: &str) -> jumio::Media {
    jumio::Media::from_word(media).unwrap_or(jumio::Media::Form)
}

fn refused(refused: jumio::Refused) -> Refused {
    Refused {
        reason: refused.reason,
        field: refused.field,
        generation: refused.generation,
        provider_reference: refused.provider_reference,
    }
}
