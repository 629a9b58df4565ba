//! What must hold for any body: called by the fuzz targets and by the replay of their corpus.

use crate::{Media, identify, parse};

/// A form.
pub fn form(body: &[u8]) {
    agree(Media::Form, body);
}

/// JSON.
pub fn json(body: &[u8]) {
    agree(Media::Json, body);
}

/// Reading ends, twice in the same way; where the body gives facts the door sees the same references; and a refusal
/// names no check that the door does not see.
fn agree(media: Media, body: &[u8]) {
    let (identity, facts) = (identify(media, body), parse(media, body));
    assert_eq!(facts, parse(media, body), "a body has two meanings");
    match (identity, facts) {
        (Ok(identity), Ok(facts)) => {
            assert_eq!(identity.provider_reference, facts.provider_reference);
            assert_eq!(identity.customer_reference, facts.customer_reference);
            assert_eq!(identity.transaction_reference, facts.transaction_reference);
        }
        (Ok(identity), Err(refused)) => {
            let named = refused.provider_reference;
            assert!(named.is_none_or(|named| named == identity.provider_reference));
        }
        (Err(_), Err(refused)) => assert_eq!(refused.provider_reference, None),
        (Err(refused), Ok(_)) => {
            assert_eq!(None, Some(refused), "the door refuses what gives facts");
        }
    }
}

#[cfg(test)]
mod tests;
