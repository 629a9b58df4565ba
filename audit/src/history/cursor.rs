//! Cursors: where a page ended, signed together with the question and the reader, so that none can be made up or used
//! for another.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Query, Scope};
use crate::seal::Kek;

/// Two numbers, then the signature.
const LENGTH: usize = 8 + 8 + 16;

/// The cursor after an entry, on pages that show what stands below another.
pub(super) fn write(
    kek: &Kek,
    (below, after): (i64, i64),
    question: (&Query, Scope<'_>),
) -> String {
    let mut bytes = [below.to_be_bytes(), after.to_be_bytes()].concat();
    let signature = kek.sign(&signed(&bytes, question));
    bytes.extend_from_slice(&signature);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor; none if it is not ours, or of another question.
pub(super) fn read(kek: &Kek, text: &str, question: (&Query, Scope<'_>)) -> Option<(i64, i64)> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .filter(|bytes| bytes.len() == LENGTH)?;
    let (numbers, signature) = bytes.split_at(16);
    let (below, after) = numbers.split_at(8);
    let number = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
    kek.signed(&signed(numbers, question), signature)
        .then_some(())?;
    Some((number(below)?, number(after)?))
}

/// What is signed. The size of the page may change from page to page.
fn signed(numbers: &[u8], (query, scope): (&Query, Scope<'_>)) -> Vec<u8> {
    let reader = match scope {
        Scope::All => None,
        Scope::Accounts(reader, _) => Some(reader),
    };
    let question = json!([
        numbers,
        query.account,
        query.contact,
        query.reference,
        query.since.map(schemas::Timestamp::micros),
        query.until.map(schemas::Timestamp::micros),
        reader,
    ]);
    question.to_string().into_bytes()
}
