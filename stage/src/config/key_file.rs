//! Files that hold a key of 32 bytes, as every service of ours reads them.

use std::path::Path;

use zeroize::Zeroizing;

/// Largest key file: 64 hex digits and a line end.
pub(super) const MAX_FILE: usize = 80;

/// Reads a key file: 32 bytes, or the same as 64 hex digits. The error names the file and tells nothing of the key.
pub fn read_key(file: &Path) -> Result<Zeroizing<[u8; 32]>, String> {
    let bytes = std::fs::read(file).map(Zeroizing::new);
    let bytes = bytes.map_err(|error| format!("{}: {error}", file.display()))?;
    key_of(&bytes).ok_or_else(|| {
        format!(
            "{}: holds neither 32 bytes nor 64 hex digits",
            file.display()
        )
    })
}

pub(super) fn key_of(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    // 32 hex digits are half a key by mistake, not a random one.
    if bytes.len() == key.len() && !bytes.iter().all(u8::is_ascii_hexdigit) {
        key.copy_from_slice(bytes);
        return Some(key);
    }
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() <= MAX_FILE)?;
    hex::decode_to_slice(text.trim(), key.as_mut_slice()).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_holds_32_bytes_or_64_hex_digits() {
        let hex = "0f".repeat(32);
        assert_eq!(key_of(&[15; 32]).unwrap().as_slice(), [15; 32]);
        assert_eq!(
            key_of(format!("{hex}\n").as_bytes()).unwrap().as_slice(),
            [15; 32]
        );
        for wrong in [
            &b""[..],
            b"short",
            &[15; 33],
            &hex.as_bytes()[..32],
            &hex.as_bytes()[1..],
            format!("{hex}00").as_bytes(),
        ] {
            assert!(key_of(wrong).is_none());
        }
    }
}
