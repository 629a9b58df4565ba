//! HTTP/1.1 as the door speaks it: one request after the other, framed in exactly one way or refused.
//!
//! A general server joins what a proxy and it may read differently: it takes a bare line feed for the end of a line,
//! drops a length beside a chunked body, adds equal lengths up to one. Each of these is a way past whoever stands
//! before the door, so the door reads requests itself, by `httparse` and the stricter rules below (RFC 9112).

pub(crate) mod answer;
pub(crate) mod chunked;
pub(crate) mod connection;
pub(crate) mod head;

pub(crate) use answer::Answer;
