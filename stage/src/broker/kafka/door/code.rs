//! What brokers say that went wrong (Kafka's protocol guide, "Error Codes").

/// A code other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(i16);

/// Those that a producer meets, by the names under which they are looked up, and whether the same is to be tried again.
const KNOWN: [(i16, &str, bool); 26] = [
    (2, "CORRUPT_MESSAGE", true),
    (3, "UNKNOWN_TOPIC_OR_PARTITION", true),
    (5, "LEADER_NOT_AVAILABLE", true),
    (6, "NOT_LEADER_OR_FOLLOWER", true),
    (7, "REQUEST_TIMED_OUT", true),
    (9, "REPLICA_NOT_AVAILABLE", true),
    (10, "MESSAGE_TOO_LARGE", false),
    (13, "NETWORK_EXCEPTION", true),
    (14, "COORDINATOR_LOAD_IN_PROGRESS", true),
    (17, "INVALID_TOPIC_EXCEPTION", false),
    (18, "RECORD_LIST_TOO_LARGE", false),
    (19, "NOT_ENOUGH_REPLICAS", true),
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true),
    (29, "TOPIC_AUTHORIZATION_FAILED", false),
    (31, "CLUSTER_AUTHORIZATION_FAILED", false),
    (33, "UNSUPPORTED_SASL_MECHANISM", false),
    (35, "UNSUPPORTED_VERSION", false),
    (44, "POLICY_VIOLATION", false),
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false),
    (46, "DUPLICATE_SEQUENCE_NUMBER", false),
    (47, "INVALID_PRODUCER_EPOCH", false),
    (56, "KAFKA_STORAGE_ERROR", true),
    (58, "SASL_AUTHENTICATION_FAILED", false),
    (59, "UNKNOWN_PRODUCER_ID", false),
    (74, "FENCED_LEADER_EPOCH", true),
    (87, "INVALID_RECORD", false),
];

impl Code {
    pub(super) const MISSING: Self = Self(3);
    pub(super) const NO_NAME_OF_A_TOPIC: Self = Self(17);

    /// What a broker's code says.
    pub(super) fn check(code: i16) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self(code)) }
    }

    /// Whether it passes, so that the same is to be tried again. Of a code that is not known it is not assumed.
    pub(super) fn passes(self) -> bool {
        self.known().is_some_and(|(_, _, passes)| *passes)
    }

    /// Whether the records of a batch are too large together. It was not written then.
    pub(super) fn is_too_large(self) -> bool {
        matches!(self.0, 10 | 18)
    }

    fn known(self) -> Option<&'static (i16, &'static str, bool)> {
        KNOWN.iter().find(|(code, ..)| *code == self.0)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.known() {
            Some((code, name, _)) => write!(f, "{name} ({code})"),
            None => write!(f, "Kafka's error {}", self.0),
        }
    }
}

impl std::error::Error for Code {}

#[cfg(test)]
mod tests {
    use kafka_protocol::ResponseError;

    use super::*;

    /// By the list of another implementation; names there are in camel case.
    #[test]
    fn codes_are_those_of_kafka() {
        for (code, name, passes) in KNOWN {
            let theirs = ResponseError::try_from_code(code).unwrap();
            let camel: String = name
                .split('_')
                .map(|word| {
                    let (first, rest) = word.split_at(1);
                    first.to_owned() + &rest.to_ascii_lowercase()
                })
                .collect();
            let called = format!("{theirs:?}");
            assert!(
                camel.starts_with(&called),
                "{code} is {called}, not {camel}"
            );
            assert_eq!(theirs.is_retriable(), passes, "{name}");
        }
        assert!(!Code(999).passes());
        assert_eq!(Code(999).to_string(), "Kafka's error 999");
        assert_eq!(Code(6).to_string(), "NOT_LEADER_OR_FOLLOWER (6)");
    }
}
