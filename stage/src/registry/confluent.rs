//! A Confluent-compatible registry; written next.
