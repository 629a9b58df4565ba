//! Telling: an entry in the log, `/status`, metrics, and a line of alarm where something does not hold.

use schemas::Timestamp;
use serde::Serialize;
use stage::{Context, Retry};

use super::{Fault, Reconciler, Violation, millis, walk::Desk};
use crate::{
    acts::{Act, Acts},
    leaf::Kind,
    tally,
};

/// What `/status` calls it.
const NAME: &str = "reconciliation";

/// The body of the entry. All counts are those of the whole history below `to_seq`.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    what: &'static str,
    /// The entries that were read since it was told last: from the first, below the second.
    from_seq: i64,
    to_seq: i64,
    grace_ms: i64,
    accepted: i64,
    audited: i64,
    refused: i64,
    repeats: i64,
    erased: i64,
    in_flight: i64,
    /// Callbacks that had their time and are not at their end.
    missing: i64,
    /// What was found since it was told last, and the first of it; then the oldest that stand open.
    violations: i64,
    pointers: &'a [Violation],
    oldest_missing: Vec<String>,
}

impl Reconciler {
    /// Tells what was found. After a crash between the entry and the note of it, it may stand twice.
    pub(super) async fn tell(
        &self,
        acts: &Acts,
        context: &Context,
        now: Timestamp,
    ) -> Result<(), Retry> {
        let mut state = self.tables.state().await?;
        let open = self.tables.open((i64::MIN, i64::MAX)).await?;
        let (all, overdue) = open.iter().fold((0, 0), |(all, overdue), (_, open)| {
            (all + open.all, overdue + open.overdue)
        });
        let sums = state.counted.sums;
        if sums.accepted != sums.ended() + all {
            // Either count was changed by hand, or one of ours is wrong: no figure below can be believed.
            let mut desk = Desk::default();
            desk.find(Fault::Sums, "");
            self.change(&mut state, desk).await?;
        }
        let (standing, oldest_missing) = self.tables.missing().await?;
        let told = Told {
            what: "reconciled",
            from_seq: state.told,
            to_seq: state.position,
            grace_ms: millis(self.grace),
            accepted: sums.accepted,
            audited: sums.audited,
            refused: sums.refused,
            repeats: sums.repeats,
            erased: sums.erased,
            in_flight: all - overdue,
            missing: overdue,
            violations: state.counted.found,
            pointers: &state.counted.pointers,
            oldest_missing,
        };
        context.health.tell(NAME, &told);
        tally::reconciled(now, standing);
        if told.violations > 0 || standing > 0 {
            tracing::error!(
                violations = told.violations,
                missing = standing,
                "records of the topics do not add up: see `idtrail assurance`"
            );
        }
        let act = Act::new(Kind::Batch, &told).map_err(Retry::because)?;
        acts.append(act).await?;
        state.told = state.position;
        state.ran_at = now.millis();
        (state.counted.found, state.counted.pointers) = (0, Vec::new());
        self.change(&mut state, Desk::default()).await
    }
}
