//! As much of DER (X.690) as a time-stamp reply needs: read strictly, so that two readers cannot see two things.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// Values one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next value's contents, if it bears this tag.
    pub(super) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, contents, rest) = split(self.0)?;
        (found == tag).then(|| {
            self.0 = rest;
            contents
        })
    }

    /// The values within the next value, if it bears this tag.
    pub(super) fn within(&mut self, tag: u8) -> Option<Self> {
        self.value(tag).map(Self)
    }

    /// The contents of the next value if it bears this tag; else it stays.
    pub(super) fn maybe(&mut self, tag: u8) -> Option<&'a [u8]> {
        let begins = self.0.first() == Some(&tag);
        begins.then(|| self.value(tag))?
    }

    /// Nothing, if nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Tag, contents and what follows. One byte of tag, a definite length in as few bytes as there can be.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length: usize, digit| length << 8 | usize::from(*digit));
            let shortest = length > 0x7f && digits[0] != 0;
            (shortest.then_some(length)?, rest)
        }
        _ => return None,
    };
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

#[cfg(test)]
mod tests {
    //! What is read, and what is not.

    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        let read = |bytes: &[u8]| Reader::new(bytes).value(OCTETS).map(<[u8]>::len);
        assert_eq!(read(&[4, 2, 7, 7]), Some(2));
        let long = [&[4, 0x81, 0x80][..], &[0; 128]].concat();
        assert_eq!(read(&long), Some(128));
        for bad in [
            &[][..],
            &[4],
            &[4, 2, 7],
            &[4, 0x80, 7, 0, 0],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 1, 7],
            &[4, 0x84, 0, 0, 0, 1, 7],
            &[5, 0],
            &[0x1f, 0x81, 1, 0],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_left_is_noticed() {
        let mut reader = Reader::new(&[4, 0, 2, 1, 5]);
        assert_eq!(reader.maybe(INTEGER), None);
        assert_eq!(reader.value(OCTETS), Some(&[][..]));
        assert_eq!(reader.end(), None);
        assert_eq!(reader.maybe(INTEGER), Some(&[5][..]));
        assert_eq!(reader.end(), Some(()));
    }
}
