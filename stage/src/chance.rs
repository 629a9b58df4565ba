//! Randomness, as a parameter.

/// Gives random bytes; the system's cryptographic source unless a test brings its own.
#[derive(Clone, Copy)]
pub struct Chance(fn(&mut [u8]));

impl Chance {
    /// The system's cryptographic source.
    pub fn system() -> Self {
        Self(|bytes| {
            // The only failure is a system without any source of randomness, where going on would
            // mean predictable keys.
            aws_lc_rs::rand::fill(bytes).expect("the system has a source of randomness");
        })
    }

    /// A source of a test's own making.
    pub fn of(fill: fn(&mut [u8])) -> Self {
        Self(fill)
    }

    /// Fills an array.
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}
