//! Counting deliveries: a commit may be asked for when every record of the transaction is there.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Instant,
};

use rdkafka::{
    ClientContext, config::RDKafkaLogLevel, error::KafkaError, message::DeliveryResult,
    producer::ProducerContext, types::RDKafkaErrorCode,
};

use super::{client, fault};

/// What has become of the records of a transaction.
#[derive(Default)]
pub(super) struct Deliveries {
    /// How many reports are still to come, and the first failure among those that came.
    state: Mutex<(usize, Option<RDKafkaErrorCode>)>,
    all_there: Condvar,
}

impl Deliveries {
    /// So many records are about to be sent.
    pub(super) fn expect(&self, records: usize) {
        *self.lock() = (records, None);
    }

    fn arrived(&self, failed: Option<RDKafkaErrorCode>) {
        let mut state = self.lock();
        state.0 = state.0.saturating_sub(1);
        state.1 = state.1.or(failed);
        if state.0 == 0 {
            self.all_there.notify_all();
        }
    }

    /// Waits for every report; the first failure, or a time-out.
    pub(super) fn wait(&self, until: Instant) -> Result<(), RDKafkaErrorCode> {
        let (state, _) = self
            .all_there
            .wait_timeout_while(
                self.lock(),
                until.saturating_duration_since(Instant::now()),
                |state| state.0 > 0,
            )
            .unwrap_or_else(PoisonError::into_inner);
        match *state {
            (_, Some(failed)) => Err(failed),
            (0, None) => Ok(()),
            (_, None) => Err(RDKafkaErrorCode::OperationTimedOut),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (usize, Option<RDKafkaErrorCode>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The context of a producer whose deliveries are counted.
pub(super) struct Counting(pub(super) Arc<Deliveries>);

impl ClientContext for Counting {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::tell_log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::tell_error(&error, reason);
    }
}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let failed = result.as_ref().err().map(|(error, _)| fault::code(error));
        self.0.arrived(failed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn deliveries_are_waited_for_and_failures_are_told() {
        let deliveries = Deliveries::default();
        deliveries.expect(2);
        deliveries.arrived(None);
        let soon = Instant::now() + Duration::from_millis(1);
        assert_eq!(
            deliveries.wait(soon),
            Err(RDKafkaErrorCode::OperationTimedOut)
        );
        deliveries.arrived(Some(RDKafkaErrorCode::MessageTimedOut));
        assert_eq!(
            deliveries.wait(soon),
            Err(RDKafkaErrorCode::MessageTimedOut)
        );
        deliveries.expect(0);
        assert_eq!(deliveries.wait(soon), Ok(()));
    }
}
