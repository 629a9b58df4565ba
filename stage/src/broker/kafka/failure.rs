//! What an error of the client library means to us.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use crate::BrokerError;

/// An error of a call.
pub(super) fn of(error: &KafkaError) -> BrokerError {
    match code(error) {
        Some(Code::MessageSizeTooLarge) => BrokerError::TooLarge(0),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
            BrokerError::Topic("of this call".to_owned())
        }
        Some(code) if is_fenced(code) => BrokerError::Fenced,
        Some(Code::IllegalGeneration | Code::UnknownMemberId | Code::RebalanceInProgress) => {
            BrokerError::Revoked
        }
        _ => BrokerError::Unavailable(error.to_string()),
    }
}

/// An error while a client is made.
pub(super) fn of_settings(error: &KafkaError) -> BrokerError {
    // The text names the property; values that are secrets come from files and are not printed by the library.
    BrokerError::Settings(error.to_string())
}

/// The error code, also of transaction errors.
pub(super) fn code(error: &KafkaError) -> Option<Code> {
    if let KafkaError::Transaction(inner) = error {
        Some(inner.code())
    } else {
        error.rdkafka_error_code()
    }
}

/// Whether the producer is of no use any more.
pub(super) fn is_fatal(error: &KafkaError) -> bool {
    if let KafkaError::Transaction(inner) = error {
        inner.is_fatal()
    } else {
        code(error) == Some(Code::Fatal)
    }
}

/// Whether the code says that another process has taken this one's place.
pub(super) fn is_fenced(code: Code) -> bool {
    matches!(
        code,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::FencedInstanceId
    )
}
