//! How a command ends: four exit codes, and one sentence where it did not do as asked.

use std::{fmt::Display, io::Write as _, process::ExitCode};

use stage::{BrokerError, ConfigError, database::DatabaseError};

/// An end that is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Yes, or done.
    Yes,
    /// The answer is no: rejected, not found, does not hold.
    No,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Yes => ExitCode::SUCCESS,
            Self::No => ExitCode::from(1),
        }
    }
}

/// An end that is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or configuration.
    Usage(String),
    /// An outside system could not be reached.
    Unreachable(String),
    /// Whoever read the output has gone (`| head`): no fault of anybody's, and nothing to say.
    Unread,
}

impl Failure {
    /// Wrong usage or configuration.
    pub(crate) fn usage(why: impl Display) -> Self {
        Self::Usage(why.to_string())
    }

    /// An outside system could not be reached.
    pub(crate) fn unreachable(why: impl Display) -> Self {
        Self::Unreachable(why.to_string())
    }

    /// What is wrong.
    pub(crate) fn into_why(self) -> String {
        match self {
            Self::Usage(why) | Self::Unreachable(why) => why,
            Self::Unread => "nobody reads the output".to_owned(),
        }
    }

    /// Says what is wrong on stderr; the exit code is 2 or 3.
    pub(crate) fn report(self) -> ExitCode {
        let (code, why) = match self {
            Self::Usage(why) => (2, why),
            Self::Unreachable(why) => (3, why),
            // Silent, but no yes: what was not read to its end may have been a no.
            Self::Unread => return ExitCode::from(2),
        };
        // Where stderr is closed there is nobody left to tell.
        let _unheard = writeln!(std::io::stderr(), "idtrail: {why}");
        ExitCode::from(code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Settings(_) | BrokerError::Topic(_) => Self::usage(error),
            BrokerError::Unavailable(_)
            | BrokerError::TooLarge(_)
            | BrokerError::Revoked
            | BrokerError::Fenced => Self::unreachable(error),
        }
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable { .. } => Self::unreachable(error),
            DatabaseError::Settings { .. }
            | DatabaseError::Older { .. }
            | DatabaseError::Newer { .. }
            | DatabaseError::Tables { .. } => Self::usage(error),
        }
    }
}

impl From<ingest::door::StartError> for Failure {
    fn from(error: ingest::door::StartError) -> Self {
        match error {
            ingest::door::StartError::Config(_) | ingest::door::StartError::System(_) => {
                Self::usage(error)
            }
            ingest::door::StartError::Died => Self::unreachable(error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::usage(error)
        }
    }
}
