//! Bundles (C2SP tlog-tiles): the entries of one tile in one file, each after its length.

/// The longest entry: its length stands in two bytes.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// The bundle of these entries; none if one of them is too long.
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bundle = Vec::new();
    for entry in entries {
        bundle.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Some(bundle)
}

/// The entries of a bundle; none if it ends within one. How many there must be is for the caller to compare.
pub fn decode(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    //! Bundles against the published vectors, and there and back.

    use proptest::prelude::*;

    use super::*;
    use crate::tests::vectors;

    fn bytes(value: &serde_json::Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn bundles_are_those_of_the_published_vectors() {
        let Some(vectors) = vectors("entry-bundles.json") else {
            return;
        };
        for case in vectors["ok"].as_array().unwrap() {
            let entries: Vec<_> = case["entries_hex"]
                .as_array()
                .unwrap()
                .iter()
                .map(bytes)
                .collect();
            let bundle = bytes(&case["hex"]);
            assert_eq!(decode(&bundle).unwrap(), entries);
            assert_eq!(encode(entries.iter().map(Vec::as_slice)), Some(bundle));
        }
        let bad = vectors["bad_hex"].as_array().unwrap();
        assert!(!bad.is_empty());
        for case in bad {
            assert_eq!(decode(&bytes(case)), None, "{case}");
        }
    }

    #[test]
    fn the_longest_entry_is_taken_and_a_longer_one_refused() {
        let longest = vec![7; MAX_ENTRY];
        let bundle = encode([longest.as_slice()]).unwrap();
        assert_eq!(bundle[..2], [0xff, 0xff]);
        assert_eq!(decode(&bundle).unwrap(), [longest.as_slice()]);
        assert_eq!(encode([vec![7; MAX_ENTRY + 1].as_slice()]), None);
    }

    proptest! {
        #[test]
        fn a_bundle_gives_its_entries_back_and_no_cut_one_does(
            entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..8),
        ) {
            let bundle = encode(entries.iter().map(Vec::as_slice)).unwrap();
            prop_assert_eq!(decode(&bundle).unwrap(), entries.clone());
            for cut in 1..bundle.len() {
                let whole = decode(&bundle[..cut]).is_none_or(|some| some.len() < entries.len());
                prop_assert!(whole);
            }
        }
    }
}
