//! W3C Trace Context: one trace from POST to notice.

use crate::Chance;

/// A `traceparent` of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl TraceParent {
    /// Begins a trace. What a sender claims is not trusted, so the door always begins one.
    pub fn begin(chance: Chance) -> Self {
        Self::of(chance.bytes())
    }

    /// Begins a trace of random bytes: 16 are its id, 8 that of its first span.
    pub fn of(random: [u8; 24]) -> Self {
        let mut this = Self {
            trace: [0; 16],
            span: [0; 8],
            sampled: true,
        };
        for (to, from) in this.trace.iter_mut().chain(&mut this.span).zip(random) {
            *to = from;
        }
        // All-zero ids are invalid (Trace Context §3.2.2.3).
        this.trace[0] |= 1;
        this.span[0] |= 1;
        this
    }

    /// Reads a header value; a malformed one is none, and its reader begins a new trace.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        if version != "00" || parts.next().is_some() || !lower || flags.len() != 2 {
            return None;
        }
        let mut this = Self {
            trace: [0; 16],
            span: [0; 8],
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        };
        hex::decode_to_slice(trace, &mut this.trace).ok()?;
        hex::decode_to_slice(span, &mut this.span).ok()?;
        (this.trace != [0; 16] && this.span != [0; 8]).then_some(this)
    }

    /// The trace id.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace
    }

    /// The id of the span that is the parent of what follows.
    pub fn span_id(&self) -> [u8; 8] {
        self.span
    }

    /// The same trace with another span as the parent.
    #[must_use]
    pub fn with_span(mut self, span: [u8; 8]) -> Self {
        self.span = span;
        self
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Every post writes one, and writing it digit by digit is seen there.
        let mut digits = [0; 48];
        let (trace, span) = digits.split_at_mut(32);
        hex::encode_to_slice(self.trace, trace).map_err(|_| std::fmt::Error)?;
        hex::encode_to_slice(self.span, span).map_err(|_| std::fmt::Error)?;
        let text = |digits| std::str::from_utf8(digits).map_err(|_| std::fmt::Error);
        let (trace, span) = (text(trace)?, text(span)?);
        write!(f, "00-{trace}-{span}-0{}", u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_survives_its_header_and_malformed_ones_are_none() {
        let begun = TraceParent::begin(Chance::system());
        assert_eq!(TraceParent::parse(&begun.to_string()), Some(begun));
        for wrong in [
            "",
            "00",
            "01-x",
            "00-00000000000000000000000000000000-0000000000000001-01",
            "00-AA-b-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }
}
