//! The breaker against a plain model, over random schedules.

use proptest::prelude::*;

use super::*;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Opened by failures at `now`.
fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::closed(now);
    for _ in 0..FAILURES {
        let leave = breaker.ask(now).unwrap();
        breaker.failed(leave, now);
    }
    breaker
}

#[test]
fn it_opens_at_the_last_of_the_failures_in_a_row_and_not_before() {
    let now = Instant::now();
    let mut breaker = Breaker::closed(now);
    for failure in 1..=FAILURES {
        assert_eq!(breaker.standing(), Standing::Closed, "before {failure}");
        let leave = breaker.ask(now).unwrap();
        breaker.failed(leave, now);
    }
    assert_eq!(breaker.standing(), Standing::Open);
    assert_eq!(breaker.ask(now), None);
}

#[test]
fn failures_far_apart_do_not_count_together() {
    let mut now = Instant::now();
    let mut breaker = Breaker::closed(now);
    for _ in 0..FAILURES * 3 {
        let leave = breaker.ask(now).unwrap();
        breaker.failed(leave, now);
        now += WINDOW + ms(1);
    }
    assert_eq!(breaker.standing(), Standing::Closed);
}

#[test]
fn a_probe_whose_caller_leaves_lets_another_probe() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + CEILING;
    let probe = breaker.ask(later).unwrap();
    assert_eq!(breaker.ask(later), None);
    breaker.left(probe);
    assert!(breaker.ask(later).is_some());
}

#[test]
fn failures_from_before_it_closed_do_not_open_it_again() {
    let now = Instant::now();
    let mut breaker = Breaker::closed(now);
    let old: Vec<Leave> = (0..100).filter_map(|_| breaker.ask(now)).collect();
    for leave in old.iter().take(FAILURES as usize) {
        breaker.failed(*leave, now);
    }
    assert_eq!(breaker.standing(), Standing::Open);
    breaker.succeeded(now);
    for leave in &old {
        breaker.failed(*leave, now);
    }
    assert_eq!(breaker.standing(), Standing::Closed);
}

#[test]
fn pauses_grow_to_the_ceiling_and_no_further() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let mut pause = ms(0);
        let probe = loop {
            if let Some(probe) = breaker.ask(now + pause) {
                break probe;
            }
            pause += ms(1);
            assert!(pause <= CEILING, "nobody may probe after {pause:?}");
        };
        pauses.push(pause);
        now += pause;
        breaker.failed(probe, now);
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.first(), Some(&FIRST_PAUSE));
    assert_eq!(pauses.last(), Some(&CEILING));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Ask,
    Succeed(usize),
    Fail(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u64..1_500).prop_map(Step::Wait),
        5 => Just(Step::Ask),
        1 => any::<usize>().prop_map(Step::Succeed),
        4 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Leave),
    ]
}

fn pick(out: &mut Vec<Leave>, which: usize) -> Option<Leave> {
    (!out.is_empty()).then(|| out.swap_remove(which % out.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_one_probes_at_a_time_and_a_success_closes(
        steps in prop::collection::vec(step(), 1..200)
    ) {
        let mut now = Instant::now();
        let mut breaker = Breaker::closed(now);
        let mut out: Vec<Leave> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(pause) => now += ms(pause),
                Step::Ask => {
                    let before = breaker.standing();
                    let leave = breaker.ask(now);
                    match before {
                        Standing::Closed => prop_assert!(leave.is_some_and(|leave| !leave.probe)),
                        Standing::Open => prop_assert!(leave.is_none_or(|leave| leave.probe)),
                        Standing::HalfOpen => prop_assert_eq!(leave, None),
                    }
                    out.extend(leave);
                }
                Step::Succeed(which) => if pick(&mut out, which).is_some() {
                    breaker.succeeded(now);
                    prop_assert_eq!(breaker.standing(), Standing::Closed);
                },
                Step::Fail(which) => if let Some(leave) = pick(&mut out, which) {
                    breaker.failed(leave, now);
                },
                Step::Leave(which) => if let Some(leave) = pick(&mut out, which) {
                    breaker.left(leave);
                },
            }
            let probes = out.iter().filter(|leave| leave.probe && leave.span == breaker.span).count();
            prop_assert!(probes <= 1, "{} probes at once", probes);
            prop_assert_eq!(probes == 1, breaker.standing() == Standing::HalfOpen);
        }
        // However it went: once every probe has come to an end, the longest pause later one may ask.
        while let Some(leave) = pick(&mut out, 0) {
            breaker.left(leave);
        }
        prop_assert!(breaker.ask(now + CEILING).is_some());
    }
}
