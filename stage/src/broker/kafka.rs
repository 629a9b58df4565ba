//! Kafka; written next.
