//! Zip files in the plainest form: nothing compressed, nothing encrypted, no extras. Read as strictly as they are
//! written, because two readers that differ in what a zip holds are a way to show two things.

/// Largest zip that is read or written: without its 64-bit form a zip ends at 4 GiB; a pack is far below.
pub const MAX_ZIP: usize = 1 << 30;
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// 1980-01-01, the first date of the format: packs of the same records are the same bytes.
const DATE: u16 = 0x21;
/// Version 2.0, and names in UTF-8.
const VERSION: u16 = 20;
const UTF8: u16 = 1 << 11;

/// The checksum of the format (CRC-32 of IEEE 802.3).
fn crc(data: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !data.iter().fold(u32::MAX, byte)
}

/// The fields that both headers of a file share, from the version on.
fn shared(name: &str, data: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(data.len()).ok()?;
    let mut header = Vec::new();
    for field in [VERSION, UTF8, 0, 0, DATE] {
        header.extend(field.to_le_bytes());
    }
    for field in [crc(data), size, size] {
        header.extend(field.to_le_bytes());
    }
    header.extend(u16::try_from(name.len()).ok()?.to_le_bytes());
    header.extend(0_u16.to_le_bytes());
    Some(header)
}

/// A zip of these files; none if it becomes too large.
pub fn write(files: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    let (mut zip, mut central) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let shared = shared(name, data)?;
        central.extend(CENTRAL.to_le_bytes());
        central.extend(VERSION.to_le_bytes());
        central.extend(&shared);
        central.extend([0; 10]);
        central.extend(u32::try_from(zip.len()).ok()?.to_le_bytes());
        central.extend(name.as_bytes());
        zip.extend(LOCAL.to_le_bytes());
        zip.extend(&shared);
        zip.extend(name.as_bytes());
        zip.extend(data);
    }
    let (at, size) = (
        u32::try_from(zip.len()).ok()?,
        u32::try_from(central.len()).ok()?,
    );
    let count = u16::try_from(files.len()).ok()?.to_le_bytes();
    zip.extend(central);
    zip.extend(END.to_le_bytes());
    zip.extend([0; 4]);
    zip.extend(count);
    zip.extend(count);
    zip.extend(size.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0; 2]);
    (zip.len() <= MAX_ZIP).then_some(zip)
}

/// The files of a zip that was written here; none if a single byte is other than it would be.
pub fn read(zip: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut rest = zip;
    while let Some(after) = rest.strip_prefix(&LOCAL.to_le_bytes()) {
        let header = after.get(..26)?;
        let number = |at: usize| {
            let bytes = header.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let (size, name) = (number(18 - 4)?, number(22)? & 0xffff);
        let after = after.get(26..)?;
        let (name, after) = after.split_at_checked(name)?;
        let (data, after) = after.split_at_checked(size)?;
        files.push((std::str::from_utf8(name).ok()?.to_owned(), data.to_vec()));
        rest = after;
    }
    let mut names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let double = names.windows(2).any(|two| two[0] == two[1]);
    (!double && write(&files)? == zip).then_some(files)
}
