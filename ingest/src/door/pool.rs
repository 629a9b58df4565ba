//! Random bytes, asked for a hundred requests at once: asking has a price of its own, whatever it is for.

use stage::Chance;

/// Of one request: 16 bytes are its id, 24 its trace.
const EACH: usize = 40;
/// Of a hundred requests.
const ALL: usize = 100 * EACH;

/// Random bytes in hand. They name requests and are no secrets.
pub(super) struct Pool {
    bytes: [u8; ALL],
    used: usize,
}

impl Pool {
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; ALL],
            used: ALL,
        }
    }

    /// Bytes that nobody has had.
    pub(super) fn take(&mut self, chance: Chance) -> ([u8; 16], [u8; 24]) {
        if self.used + EACH > ALL {
            self.bytes = chance.bytes();
            self.used = 0;
        }
        let (mut id, mut trace) = ([0; 16], [0; 24]);
        let fresh = self.bytes.iter().skip(self.used);
        for (to, from) in id.iter_mut().chain(&mut trace).zip(fresh) {
            *to = *from;
        }
        self.used += EACH;
        (id, trace)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_gets_what_another_had() {
        let mut pool = Pool::new();
        let taken: BTreeSet<_> = (0..1_000).map(|_| pool.take(Chance::system())).collect();
        assert_eq!(taken.len(), 1_000);
        let halves: BTreeSet<_> = taken.iter().map(|(id, _)| id).collect();
        assert_eq!(halves.len(), 1_000);
    }
}
