//! Why something was refused: closed codes, and what probably lies behind each.

use crate::word::words;

words! {
    /// The stage that refused.
    Stage {
        /// The door, which marks what it refuses.
        Door = "door",
        /// `raw` to `checked`.
        Validate = "validate",
        /// `checked` to `enriched`.
        Enrich = "enrich",
    } else
        /// A stage that this release does not know.
        Unlisted = "unlisted"
}

words! {
    /// Why a record was refused. A fault of the network or the registry is never one of these.
    Refusal {
        /// The body is empty or white space.
        Empty = "empty",
        /// The body is not what its media type says: not UTF-8, not JSON.
        Undecodable = "undecodable",
        /// A key stands twice with different values.
        Ambiguous = "ambiguous",
        /// No callback that this release knows.
        UnknownCallbackType = "unknown_callback_type",
        /// The provider's own reference is missing.
        NoProviderReference = "no_provider_reference",
        /// The provider's own reference is not of `[A-Za-z0-9._-]{1,64}`.
        BadProviderReference = "bad_provider_reference",
        /// A KYX callback without account id cannot be asked back.
        NoProviderAccount = "no_provider_account",
        /// JSON inside a form value, without which nothing can be said, is broken.
        BadEmbeddedJson = "bad_embedded_json",
        /// Ambiguous HTTP framing (RFC 9112 §6.3).
        BadFraming = "bad_framing",
        /// The request came too slowly.
        TooSlow = "too_slow",
        /// The body is larger than its kind can be.
        TooLarge = "too_large",
        /// The request target is too long.
        UrlTooLong = "url_too_long",
        /// The media type is not one that the provider sends, or the body is encoded.
        UnsupportedMediaType = "unsupported_media_type",
        /// The header fields are too large.
        HeadersTooLarge = "headers_too_large",
        /// The record has no value.
        Tombstone = "tombstone",
        /// The value does not begin with the Confluent framing.
        BadFrame = "bad_frame",
        /// The schema id is unknown to the registry, while our own ids resolve.
        UnknownSchema = "unknown_schema",
        /// The datum is not of its schema.
        BadDatum = "bad_datum",
        /// The record lacks headers that the door always writes, or they are malformed.
        BadHeaders = "bad_headers",
        /// Our echoed references do not fit the configured patterns.
        BadReference = "bad_reference",
        /// The directory knows no such account.
        UnknownAccount = "unknown_account",
        /// The directory knows the contact, but under another account.
        ContactNotOfAccount = "contact_not_of_account",
        /// More than one party fits the reference.
        AmbiguousParty = "ambiguous_party",
    } else
        /// A reason that this release does not know.
        Unlisted = "unlisted"
}

words! {
    /// What probably lies behind a refusal: whom the admin should ask first.
    ProbableCause {
        /// The provider changed what it sends.
        ProviderChanged = "provider_changed_its_contract",
        /// A release of ours is at fault.
        OurRelease = "our_release",
        /// Somebody else sends, or a source is set up wrongly.
        ForeignSource = "foreign_or_misconfigured_source",
    } else
        /// A cause that this release does not know.
        Unlisted = "unlisted"
}

impl Refusal {
    /// The probable cause of a refusal.
    pub fn probable_cause(self) -> ProbableCause {
        match self {
            Self::Undecodable
            | Self::Ambiguous
            | Self::UnknownCallbackType
            | Self::BadEmbeddedJson
            | Self::NoProviderAccount
            | Self::TooLarge
            | Self::UnsupportedMediaType => ProbableCause::ProviderChanged,
            Self::Tombstone
            | Self::BadFrame
            | Self::UnknownSchema
            | Self::BadDatum
            | Self::BadHeaders => ProbableCause::OurRelease,
            Self::Empty
            | Self::NoProviderReference
            | Self::BadProviderReference
            | Self::BadFraming
            | Self::TooSlow
            | Self::UrlTooLong
            | Self::HeadersTooLarge
            | Self::BadReference
            | Self::UnknownAccount
            | Self::ContactNotOfAccount
            | Self::AmbiguousParty => ProbableCause::ForeignSource,
            Self::Unlisted => ProbableCause::Unlisted,
        }
    }
}
