//! The table of who hears what, rule by rule.

use proptest::prelude::*;

use super::*;

fn news(event: &str, outcome: Outcome) -> News {
    News {
        event_id: Id::derive(&[event]),
        outcome,
        rank: outcome.rank(),
    }
}

fn told(events: &[(&str, Outcome)]) -> Told {
    let mut told = Told::default();
    for (event, outcome) in events {
        told.decide(&news(event, *outcome));
    }
    told
}

fn both(verdict: Verdict) -> (Verdict, Verdict) {
    (verdict, verdict)
}

fn decided(before: &[(&str, Outcome)], event: &str, outcome: Outcome) -> (Verdict, Verdict) {
    let decision = told(before).decide(&news(event, outcome));
    (decision.onboarding, decision.sales)
}

#[test]
fn results_are_told_to_both_audiences() {
    for outcome in [
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Review,
        Outcome::Resubmit,
        Outcome::Abandoned,
        Outcome::Unknown,
    ] {
        assert_eq!(decided(&[], "a", outcome), both(Verdict::Tell), "{outcome}");
    }
}

#[test]
fn progress_is_told_to_onboarding_only() {
    assert_eq!(
        decided(&[], "a", Outcome::Received),
        (Verdict::Tell, Verdict::Suppress(Why::Progress))
    );
}

#[test]
fn pending_is_told_to_nobody_and_changes_nothing() {
    let mut state = Told::default();
    for _ in 0..2 {
        let decision = state.decide(&news("a", Outcome::Pending));
        assert_eq!(
            (decision.onboarding, decision.sales),
            both(Verdict::Suppress(Why::Pending))
        );
    }
    assert_eq!(state, Told::default());
}

#[test]
fn a_repeat_is_told_to_nobody() {
    let before = [("a", Outcome::Review)];
    assert_eq!(
        decided(&before, "a", Outcome::Review),
        both(Verdict::Suppress(Why::Repeat))
    );
}

#[test]
fn a_repeat_that_was_overtaken_since_is_still_a_repeat() {
    let before = [("a", Outcome::Received), ("b", Outcome::Passed)];
    assert_eq!(
        decided(&before, "a", Outcome::Received),
        (
            Verdict::Suppress(Why::Repeat),
            Verdict::Suppress(Why::Progress)
        )
    );
}

#[test]
fn a_late_lower_rank_is_not_told() {
    for (late, outcome) in [("b", Outcome::Review), ("c", Outcome::Unknown)] {
        assert_eq!(
            decided(&[("a", Outcome::Failed)], late, outcome),
            both(Verdict::Suppress(Why::Overtaken))
        );
    }
}

#[test]
fn another_event_of_the_same_rank_is_news() {
    for (first, second) in [
        (Outcome::Review, Outcome::Review),
        (Outcome::Resubmit, Outcome::Resubmit),
        (Outcome::Review, Outcome::Resubmit),
        (Outcome::Passed, Outcome::Passed),
    ] {
        let decision = told(&[("a", first)]).decide(&news("b", second));
        assert_eq!(
            (decision.onboarding, decision.sales),
            both(Verdict::Tell),
            "{first} {second}"
        );
        assert!(!decision.contradicts, "{first} {second}");
    }
}

#[test]
fn a_contradicted_result_is_told_and_alerted() {
    let results = [Outcome::Passed, Outcome::Failed, Outcome::Abandoned];
    for first in results {
        for second in results.into_iter().filter(|second| *second != first) {
            let decision = told(&[("a", first)]).decide(&news("b", second));
            assert_eq!(
                (decision.onboarding, decision.sales, decision.contradicts),
                (Verdict::Tell, Verdict::Tell, true),
                "{first} {second}"
            );
        }
    }
}

#[test]
fn a_result_after_a_review_contradicts_nothing() {
    let decision = told(&[("a", Outcome::Review)]).decide(&news("b", Outcome::Failed));
    assert!(!decision.contradicts);
}

#[test]
fn a_repeat_of_a_contradicted_result_alerts_nobody() {
    let before = [("a", Outcome::Passed), ("b", Outcome::Failed)];
    let decision = told(&before).decide(&news("a", Outcome::Passed));
    assert_eq!(decision.onboarding, Verdict::Suppress(Why::Repeat));
    assert!(!decision.contradicts);
}

#[test]
fn what_a_check_remembers_is_bounded() {
    let mut state = Told::default();
    for number in 0..REMEMBERED * 3 {
        state.decide(&news(&number.to_string(), Outcome::Review));
    }
    assert_eq!(state.events.len(), REMEMBERED);
    let last = (REMEMBERED * 3 - 1).to_string();
    assert_eq!(
        state.decide(&news(&last, Outcome::Review)).onboarding,
        Verdict::Suppress(Why::Repeat)
    );
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL)
}

proptest! {
    #[test]
    fn the_state_survives_the_database_and_nobody_is_told_twice(
        events in proptest::collection::vec((0_u8..12, any_outcome()), 0..40)
    ) {
        let mut state = Told::default();
        let mut heard = std::collections::HashSet::new();
        for (event, outcome) in events {
            let decision = state.decide(&news(&format!("{event} {outcome}"), outcome));
            if decision.tells() {
                prop_assert!(heard.insert((event, outcome)) || heard.len() > REMEMBERED);
            }
            if state.last.is_some() {
                let (rank, word, events) = state.stored();
                prop_assert_eq!(&Told::of_stored(rank, word, &events), &state);
            }
        }
    }
}
