//! A chunked body, read strictly (RFC 9112 §7.1): no extensions and no trailers, since no provider sends any and each
//! is one more thing that two readers can take for two.

/// Digits of a chunk's size: eight hold any size that a limit of ours could let through.
const MAX_DIGITS: usize = 8;

/// The bytes are not a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkError {
    /// Not the form of a chunk.
    Malformed,
    /// More bytes than the limit.
    TooLarge,
}

/// How far a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the size, with so many digits seen.
    Size {
        size: usize,
        digits: usize,
    },
    /// After the size's carriage return.
    SizeFeed {
        size: usize,
    },
    /// In the data, with so many bytes to come.
    Data {
        left: usize,
    },
    /// After the data: its carriage return, then its line feed.
    DataReturn,
    DataFeed,
    /// After the last chunk.
    EndReturn,
    EndFeed,
    Done,
}

/// Decodes a chunked body piece by piece.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    body: Vec<u8>,
    limit: usize,
}

impl Chunked {
    /// A body of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: State::Size { size: 0, digits: 0 },
            body: Vec::new(),
            limit,
        }
    }

    /// Reads on; how many of the bytes belong to this body.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<usize, ChunkError> {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            self.state = match self.state {
                State::Done => break,
                State::Data { left } => {
                    let take = left.min(rest.len());
                    let (data, after) = rest.split_at(take);
                    self.body.extend_from_slice(data);
                    rest = after;
                    self.state = match left - take {
                        0 => State::DataReturn,
                        left => State::Data { left },
                    };
                    continue;
                }
                State::Size { size, digits } => self.size(*first, size, digits)?,
                State::SizeFeed { size: 0 } if *first == b'\n' => State::EndReturn,
                State::SizeFeed { size } if *first == b'\n' => State::Data { left: size },
                State::DataReturn if *first == b'\r' => State::DataFeed,
                State::DataFeed if *first == b'\n' => State::Size { size: 0, digits: 0 },
                State::EndReturn if *first == b'\r' => State::EndFeed,
                State::EndFeed if *first == b'\n' => State::Done,
                State::SizeFeed { .. }
                | State::DataReturn
                | State::DataFeed
                | State::EndReturn
                | State::EndFeed => return Err(ChunkError::Malformed),
            };
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    fn size(&self, byte: u8, size: usize, digits: usize) -> Result<State, ChunkError> {
        if byte == b'\r' && digits > 0 {
            return if self.body.len() + size > self.limit {
                Err(ChunkError::TooLarge)
            } else {
                Ok(State::SizeFeed { size })
            };
        }
        let digit = char::from(byte).to_digit(16).ok_or(ChunkError::Malformed)?;
        if digits == MAX_DIGITS {
            return Err(ChunkError::Malformed);
        }
        Ok(State::Size {
            size: size << 4 | digit as usize,
            digits: digits + 1,
        })
    }

    /// Whether the body is whole.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The body.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8], limit: usize) -> Result<(Vec<u8>, usize), ChunkError> {
        let mut chunked = Chunked::new(limit);
        let used = chunked.read(bytes)?;
        assert!(chunked.is_done(), "not whole");
        Ok((chunked.into_body(), used))
    }

    #[test]
    fn chunks_are_joined_and_what_follows_is_left() {
        let bytes = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET";
        assert_eq!(
            whole(bytes, 100),
            Ok((b"abc0123456789".to_vec(), bytes.len() - 3))
        );
    }

    #[test]
    fn anything_but_the_plain_form_is_refused() {
        for wrong in [
            "3\nabc\r\n0\r\n\r\n",
            "\r\nabc",
            "g\r\n",
            "3;a=b\r\nabc\r\n0\r\n\r\n",
            " 3\r\nabc\r\n0\r\n\r\n",
            "3 \r\nabc\r\n0\r\n\r\n",
            "+3\r\nabc\r\n0\r\n\r\n",
            "0x3\r\nabc\r\n0\r\n\r\n",
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\r\nabc0\r\n\r\n",
            "000000003\r\nabc\r\n0\r\n\r\n",
            "0\r\nTrailer: x\r\n\r\n",
            "0\r\n\n",
            "-1\r\n",
        ] {
            let read = Chunked::new(100).read(wrong.as_bytes());
            assert_eq!(read, Err(ChunkError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn the_limit_is_judged_by_the_stated_size_before_its_bytes_come() {
        assert!(whole(b"5\r\nabcde\r\n0\r\n\r\n", 5).is_ok());
        assert_eq!(Chunked::new(5).read(b"6\r\n"), Err(ChunkError::TooLarge));
        assert_eq!(
            Chunked::new(5).read(b"3\r\nabc\r\n3\r\n"),
            Err(ChunkError::TooLarge)
        );
        assert_eq!(
            Chunked::new(5).read(b"ffffffff\r\n"),
            Err(ChunkError::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_is_the_same_body(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in proptest::collection::vec(1_usize..20, 1..60),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let mut chunked = Chunked::new(10_000);
            let mut rest = wire.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                prop_assert_eq!(chunked.read(now), Ok(now.len()));
                rest = later;
            }
            prop_assert!(chunked.is_done());
            prop_assert_eq!(chunked.into_body(), chunks.concat());
        }

        #[test]
        fn no_bytes_end_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut chunked = Chunked::new(64);
            let _any = chunked.read(&bytes);
            prop_assert!(chunked.into_body().len() <= 64);
        }
    }
}
