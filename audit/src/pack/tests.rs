//! Zips there and back, as other programs read them.

use super::zip;

fn files() -> Vec<(String, Vec<u8>)> {
    [("a.txt", "one"), ("folder/b", ""), ("c", "three\n")]
        .map(|(name, data)| (name.to_owned(), data.as_bytes().to_vec()))
        .to_vec()
}

#[test]
fn a_zip_is_read_as_it_was_written_and_with_no_other_byte() {
    let whole = zip::write(&files()).unwrap();
    assert_eq!(zip::read(&whole), Some(files()));
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1;
        assert_ne!(zip::read(&other), Some(files()), "byte {at}");
        assert_eq!(zip::read(&whole[..at]), None, "cut at {at}");
    }
    let twice = [files(), files()].concat();
    assert_eq!(zip::read(&zip::write(&twice).unwrap()), None);
    assert_eq!(zip::read(&zip::write(&[]).unwrap()), Some(Vec::new()));
}
