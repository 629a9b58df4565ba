//! What `/metrics` says of the history, counted once it is stored.

use std::collections::BTreeMap;

use schemas::{Timestamp, Topic};

use crate::{
    batch::Batch,
    body::Said,
    reconcile::{Fault, Violation},
    store::Append,
};

/// Makes every series known at 0, so that rates and absences can be told from the first scrape on.
pub(crate) fn begin() {
    stage::Unreadable::begin("audit");
    metrics::counter!("idtrail_audit_appends_total").increment(0);
    metrics::counter!("idtrail_audit_raw_gaps_total").increment(0);
    metrics::counter!("idtrail_audit_checkpoints_total").increment(0);
    refused(false);
    for fault in Fault::ALL {
        metrics::counter!("idtrail_audit_violations_total", "fault" => fault.word()).increment(0);
    }
    missing(0);
    metrics::counter!("idtrail_audit_clock_steps_total").increment(0);
}

/// The clock was set by so many milliseconds.
pub(crate) fn clock_step(by_ms: i64) {
    metrics::counter!("idtrail_audit_clock_steps_total").increment(1);
    tracing::error!(
        by_ms,
        "the clock was set, or the machine slept; the log says so before the entries that come after"
    );
}

/// A record does not fit the others.
pub(crate) fn violation(violation: &Violation) {
    let fault = violation.what.word();
    metrics::counter!("idtrail_audit_violations_total", "fault" => fault).increment(1);
    tracing::error!(
        fault,
        place = violation.place,
        "a record does not add up with the others"
    );
}

/// The history was reconciled at this time, and so many callbacks had their time and are not at their end.
pub(crate) fn reconciled(now: Timestamp, count: i64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds beyond 2^52 are no time for people"
    )]
    metrics::gauge!("idtrail_audit_reconciled_timestamp_seconds")
        .set((now.millis() / 1_000) as f64);
    missing(count);
}

fn missing(count: i64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^52 missing callbacks nobody counts any more"
    )]
    metrics::gauge!("idtrail_audit_missing_callbacks").set(count as f64);
}

/// The log ends before this index; without an entry the newest one is told as -1.
pub(crate) fn size(size: i64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a log beyond 2^52 entries is no longer a number for people"
    )]
    metrics::gauge!("idtrail_audit_head_sequence").set((size - 1) as f64);
}

/// A checkpoint over so many entries is there for everybody.
pub(crate) fn signed(size: i64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a log beyond 2^52 entries is no longer a number for people"
    )]
    metrics::gauge!("idtrail_audit_checkpoint_size").set(size as f64);
    metrics::counter!("idtrail_audit_checkpoints_total").increment(1);
}

/// Whether the log refuses to sign.
pub(crate) fn refused(refuses: bool) {
    metrics::gauge!("idtrail_audit_signing_refused").set(f64::from(u8::from(refuses)));
}

/// A witness is known; nothing of it was counted yet.
pub(crate) fn witness_begins(witness: &str) {
    witness_objects(witness, false);
    witness_age(witness, 0);
}

/// Whether a witness objects to this history.
pub(crate) fn witness_objects(witness: &str, objects: bool) {
    metrics::gauge!("idtrail_audit_witness_objects", "witness" => witness.to_owned())
        .set(f64::from(u8::from(objects)));
}

/// How many seconds ago a witness cosigned last; without a cosignature how long it has been asked.
pub(crate) fn witness_age(witness: &str, seconds: u64) {
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    metrics::gauge!("idtrail_audit_witness_age_seconds", "witness" => witness.to_owned())
        .set(f64::from(seconds));
}

/// A witness has not cosigned, and why.
pub(crate) fn witness_failed(witness: &str, why: &'static str) {
    metrics::counter!("idtrail_audit_witness_failures_total", "witness" => witness.to_owned(), "reason" => why)
        .increment(1);
}

/// Time stamps are asked for; nothing of that was counted yet.
pub(crate) fn stamp_begins() {
    metrics::counter!("idtrail_audit_timestamp_failures_total", "reason" => "unreachable")
        .increment(0);
    stamp_age(0);
}

/// How many seconds ago the newest time stamp was given; without one how long it has been asked for.
pub(crate) fn stamp_age(seconds: i64) {
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    metrics::gauge!("idtrail_audit_timestamp_age_seconds").set(f64::from(seconds));
}

/// The authority has not stamped, and why.
pub(crate) fn stamp_failed(why: &'static str) {
    metrics::counter!("idtrail_audit_timestamp_failures_total", "reason" => why).increment(1);
}

/// Why records of a batch cannot be read, and how many.
pub(crate) fn unreadable(batch: &Batch) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for said in batch.said() {
        if let Said::Unreadable(reason) = said {
            *counts.entry(*reason).or_default() += 1;
        }
    }
    counts
}

/// A batch was appended.
pub(crate) fn appended(append: &Append, unreadable: &BTreeMap<&'static str, u64>) {
    metrics::counter!("idtrail_audit_appends_total").increment(append.entries.len() as u64);
    size(append.size());
    for (reason, records) in unreadable {
        metrics::counter!("idtrail_unreadable_records_total", "stage" => "audit", "reason" => *reason)
            .increment(*records);
        tracing::error!(
            reason,
            records,
            "records that cannot be read were kept by their bytes"
        );
    }
}

/// Offsets are missing in `raw`.
pub(crate) fn gap(partition: i32, (first, last): (i64, i64)) {
    metrics::counter!("idtrail_audit_raw_gaps_total").increment(1);
    tracing::error!(
        topic = %Topic::Raw,
        partition,
        first,
        last,
        "offsets are missing in `raw`: a record was lost, or deleted before it was read"
    );
}
