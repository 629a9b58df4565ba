//! What an error of the Kafka client means to us.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

use super::BrokerError;

/// The text of an error, without the client's wrapping.
pub(super) fn text(error: &KafkaError) -> String {
    if let KafkaError::Transaction(error) = error {
        return error.string();
    }
    match error.rdkafka_error_code() {
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}

pub(super) fn unavailable(what: &str, error: impl std::fmt::Display) -> BrokerError {
    BrokerError::Unavailable(format!("{what}: {error}"))
}

/// Why a record was not written; `topic` and `bytes` are those of the record.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the client's errors are an open list"
)]
pub(super) fn of_record(code: RDKafkaErrorCode, topic: &str, bytes: usize) -> BrokerError {
    match code {
        RDKafkaErrorCode::MessageSizeTooLarge => BrokerError::TooLarge(bytes),
        RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownPartition => BrokerError::Topic(topic.to_owned()),
        other => unavailable("a record was not written", other),
    }
}

/// Whether an error of a consumer passes by itself: the client library goes on trying.
pub(super) fn passes(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::PollExceeded
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::PartitionEOF
    )
}

/// The code of an error.
pub(super) fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)
}
